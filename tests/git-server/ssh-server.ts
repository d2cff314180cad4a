/** A real sshd on loopback, for this user alone, that serves the repositories of a directory. */
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../free-port.ts';

const run = promisify(execFile);

export interface SshServer {
  /** `ssh://user@localhost:port/path/of/NAME.git`. */
  url(name: string): string;
  /** As it stands in `known_hosts`. */
  readonly knownHosts: string;
  /** That may come in. */
  readonly privateKey: string;
  /** Of nobody. */
  readonly strangeKey: string;
  close(): Promise<void>;
}

export async function startSshServer(directory: string, repositories: string): Promise<SshServer> {
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o700);
  const key = async (name: string): Promise<string> => {
    const file = path.join(directory, name);
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
    return readFile(file, 'utf8');
  };
  await key('host');
  const [privateKey, strangeKey] = [await key('ada'), await key('stranger')];
  const port = await freePort();
  const config = path.join(directory, 'sshd_config');
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${path.join(directory, 'host')}`,
    `AuthorizedKeysFile ${path.join(directory, 'ada.pub')}`,
    `PidFile ${path.join(directory, 'sshd.pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'AllowTcpForwarding no',
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  // It wants a directory of its own where it runs as root.
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  let ended: string | undefined;
  child.stderr.on('data', (data: Buffer) => (said += data.toString('utf8')));
  child.on('error', () => (ended = 'sshd is not installed: apt-get install openssh-server'));
  child.on('exit', (code) => (ended ??= `sshd ended with ${code}: ${said}`));
  for (let tries = 0; !(await answers(port)); tries += 1) {
    if (ended !== undefined || tries > 200) throw new Error(ended ?? `sshd does not answer: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const [type, hostKey] = (await readFile(path.join(directory, 'host.pub'), 'utf8')).split(' ');
  return {
    url: (name) => `ssh://${userInfo().username}@localhost:${port}${path.join(repositories, `${name}.git`)}`,
    knownHosts: `[localhost]:${port} ${type} ${hostKey}\n`,
    privateKey,
    strangeKey,
    close: () =>
      new Promise((resolve) => {
        if (ended !== undefined) return resolve();
        child.on('exit', () => resolve());
        child.kill();
      }),
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
