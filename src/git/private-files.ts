/**
 * Keys and certificates that git and ssh read from files: in a directory that only this user may enter, for as long as one
 * command runs. What a killed process left is removed when the next one starts (F1).
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { GitCredentials } from '#model/ports.ts';
import type { RepositoryAddress } from './url.ts';

export const privatePrefix = '.private-';

/** Further settings of git, of which none holds a secret: they name files. */
export interface PrivateFiles {
  readonly config: readonly (readonly [key: string, value: string])[];
  /** Goes before a setting. */
  readonly named?: Readonly<Record<string, string>>;
  readonly ssh?: string;
}

export async function removeLeftFiles(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names)
    if (name.startsWith(privatePrefix))
      await rm(path.join(directory, name), { recursive: true, force: true });
}

export async function withPrivateFiles<T>(
  directory: string,
  target: RepositoryAddress,
  credentials: GitCredentials,
  pinned: readonly string[],
  use: (files: PrivateFiles) => Promise<T>,
): Promise<T> {
  const { certificates, client } = credentials;
  if (!target.isSsh && certificates === undefined && client === undefined) return use({ config: [] });
  const own = await mkdtemp(path.join(directory, privatePrefix));
  try {
    const write = async (name: string, text: string): Promise<string> => {
      const file = path.join(own, name);
      await writeFile(file, text, { mode: 0o600, flag: 'wx' });
      return file;
    };
    if (target.isSsh) {
      const config = await write('config', await sshConfig(target, credentials, pinned, write));
      // git hands this to a shell: it is our own path, and quoted.
      return await use({ config: [['ssh.variant', 'ssh']], ssh: `ssh -F ${shellQuoted(config)}` });
    }
    const config: [string, string][] = [];
    // Whoever runs Trueup may have set it for all servers, and a setting would not count beside it.
    const named =
      certificates === undefined ? {} : { GIT_SSL_CAINFO: await write('authorities.pem', certificates) };
    if (client !== undefined) {
      config.push(['http.sslCert', await write('client.pem', client.certificate)]);
      config.push(['http.sslKey', await write('client.key', client.key)]);
    }
    return await use({ config, named });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** Only the given key, only the given hosts, and nothing of the user who runs this. */
async function sshConfig(
  { host, port }: RepositoryAddress,
  { privateKey, knownHosts = '' }: GitCredentials,
  pinned: readonly string[],
  write: (name: string, text: string) => Promise<string>,
): Promise<string> {
  const known = await write('known_hosts', knownHosts.endsWith('\n') ? knownHosts : `${knownHosts}\n`);
  const [address] = pinned;
  const lines = [
    'Host *',
    'BatchMode yes',
    'StrictHostKeyChecking yes',
    `UserKnownHostsFile ${configQuoted(known)}`,
    'GlobalKnownHostsFile /dev/null',
    'UpdateHostKeys no',
    // What was looked at is what is connected to (S10); its key is that of the name.
    ...(address === undefined
      ? []
      : [`HostName ${address}`, `HostKeyAlias ${port === 22 ? host : `[${host}]:${port}`}`]),
    'IdentityAgent none',
    'IdentitiesOnly yes',
    `IdentityFile ${privateKey === undefined ? 'none' : configQuoted(await write('key', privateKey))}`,
    'PreferredAuthentications publickey',
    'ClearAllForwardings yes',
    'ForwardAgent no',
    'PermitLocalCommand no',
    'ProxyCommand none',
    'ConnectTimeout 20',
    'ServerAliveInterval 15',
    'ServerAliveCountMax 4',
    'LogLevel ERROR',
  ];
  return `${lines.join('\n')}\n`;
}

const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
/** Percent signs would stand for something else. */
const configQuoted = (text: string): string => `"${text.replaceAll('%', '%%')}"`;
