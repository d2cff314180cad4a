/** Credentials for a Git server: read from a Secret, handed to git by its environment and private files only (S14). */
import { digestOf } from '#fields/digest.ts';
import type { Failure, Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import type { GitCredentials, InstallationTokens, SecretReader } from '#model/ports.ts';
import { readProxy } from '#model/proxies.ts';
import type { SourceSpec, SourceTimeout, Trust } from '#model/unit.ts';
import type { RepositoryAddress } from './url.ts';

/** Who asks: the source's Secret, the user in its address, or nobody. Carries no secret value. */
export type Identity = string;

export interface Access {
  readonly address: RepositoryAddress;
  readonly identity: Identity;
  readonly secretRef?: SourceSpec['credentials'];
  readonly trust?: Trust;
  readonly timeout?: SourceTimeout;
}

export interface CredentialTools {
  readonly secrets: SecretReader;
  /** Absent: credentials of a GitHub App are refused. */
  readonly installationTokens?: InstallationTokens;
}

export function accessOf(spec: SourceSpec, address: RepositoryAddress): Access {
  const { trust, timeout } = spec;
  const access = {
    address,
    ...(trust === undefined ? {} : { trust }),
    ...(timeout === undefined ? {} : { timeout }),
  };
  if (spec.credentials !== undefined)
    return {
      ...access,
      identity: `secret ${spec.credentials.namespace}/${spec.credentials.name}`,
      secretRef: spec.credentials,
    };
  const user = address.userInfo;
  if (user === undefined) return { ...access, identity: 'anonymous' };
  return { ...access, identity: `address ${digestOf(JSON.stringify([user.username, user.password]))}` };
}

/** Read at every use, so that a renewed Secret works at once. */
export async function credentialsOf(
  { address, secretRef, trust }: Access,
  { secrets, installationTokens }: CredentialTools,
): Promise<Result<GitCredentials>> {
  const user: GitCredentials =
    address.userInfo === undefined ? {} : { login: { kind: 'basic', ...address.userInfo } };
  // The Secret, and who signed the certificate, are of the host that the address names; a mirror is another one.
  if (address.mirrored) return ok(user);
  const read = readProxy(trust?.proxy, secrets);
  if (!read.ok) return fail(broken(address.url, read.what, read.hint));
  const { proxy } = read;
  if (proxy !== undefined && address.isSsh)
    return fail(
      broken(
        address.url,
        `Secret ${trust!.proxy!.namespace}/${trust!.proxy!.name} has a proxy, which SSH does not use`,
        'use its https:// address, or remove proxy',
      ),
    );
  const anonymous: GitCredentials = {
    ...user,
    ...(proxy === undefined ? {} : { proxy }),
    ...(trust?.certificates === undefined ? {} : { certificates: trust.certificates }),
    ...(trust?.knownHosts === undefined ? {} : { knownHosts: trust.knownHosts }),
  };
  if (secretRef === undefined) return ok(anonymous);
  const name = `${secretRef.namespace}/${secretRef.name}`;
  const data = secrets(secretRef);
  const no = (what: string, hint: string) => fail(broken(address.url, `Secret ${name} ${what}`, hint));
  if (data === undefined) return no('with its credentials does not exist', 'create the Secret');
  if (data['insecure']?.trim() === 'true' || data['insecureIgnoreHostKey']?.trim() === 'true')
    return no(
      'asks for a connection that is not verified, which is not made',
      'make the server known by argocd-tls-certs-cm or argocd-ssh-known-hosts-cm, and remove insecure',
    );
  const trusted = withServer(anonymous, data);
  const key = data['sshPrivateKey'] ?? data['identity'];
  if (address.isSsh) {
    if (key === undefined) return no('has no SSH key', 'add sshPrivateKey');
    if (data['identity'] !== undefined && data['password'] !== undefined)
      return no('has a key with a password, which is not honoured', 'give it a key without one');
    return ok({ ...trusted, privateKey: key.endsWith('\n') ? key : `${key}\n` });
  }
  const client = clientOf(data);
  const secure = client === undefined ? trusted : { ...trusted, client };
  const token = data['bearerToken']?.trim();
  if (token !== undefined && token !== '') return ok({ ...secure, login: { kind: 'bearer', token } });
  const username = data['username']?.trim() ?? '';
  const password = data['password']?.trim() ?? '';
  if (username !== '' || password !== '')
    return ok({ ...secure, login: { kind: 'basic', username, password } });
  if (data['githubAppPrivateKey'] !== undefined) {
    if (installationTokens === undefined)
      return no('is of a GitHub App, which is not used here', 'give it a token');
    const made = await installationTokens(address.url, data, {
      ...(trust?.certificates === undefined ? {} : { certificates: trust.certificates }),
      ...(proxy === undefined ? {} : { proxy }),
    });
    if (!made.ok) return made;
    return ok({ ...secure, login: { kind: 'basic', username: 'x-access-token', password: made.value } });
  }
  if (key !== undefined && client === undefined)
    return no('has an SSH key, which https does not use', 'add username and password');
  // Argo CD keeps plain repository entries, without credentials, in Secrets too.
  return ok(secure);
}

/** What a Secret of Flux says of the server. */
function withServer(credentials: GitCredentials, data: Readonly<Record<string, string>>): GitCredentials {
  const certificates = data['ca.crt'] ?? data['caFile'];
  const knownHosts = data['known_hosts'];
  return {
    ...credentials,
    ...(certificates === undefined ? {} : { certificates }),
    ...(knownHosts === undefined ? {} : { knownHosts }),
  };
}

function clientOf(data: Readonly<Record<string, string>>): GitCredentials['client'] {
  const certificate = data['tlsClientCertData'] ?? data['tls.crt'];
  const key = data['tlsClientCertKey'] ?? data['tls.key'];
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

/** The HTTP header, and the strings that must never be seen in a message. */
export function headerOf(login: NonNullable<GitCredentials['login']>): {
  readonly header: string;
  readonly secrets: readonly string[];
} {
  if (login.kind === 'bearer')
    return { header: `Authorization: Bearer ${printable(login.token)}`, secrets: [login.token] };
  const pair = Buffer.from(`${login.username}:${login.password}`, 'utf8').toString('base64');
  return { header: `Authorization: Basic ${pair}`, secrets: [login.password, pair] };
}

/** A line break in a token would start another header. */
function printable(token: string): string {
  return token.replace(/[^\x21-\x7e]/g, '');
}

function broken(url: string, what: string, hint: string): Failure {
  return {
    kind: 'terminal',
    code: 'GitCredentialsMissing',
    stage: 'source',
    message: `${url}: ${what}`,
    hint,
  };
}
