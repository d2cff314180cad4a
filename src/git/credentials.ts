/** Credentials for a Git server: read from a Secret, handed to git by its environment only (S14). */
import { digestOf } from '#fields/digest.ts';
import type { Failure, Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import type { GitCredentials, SecretReader } from '#model/ports.ts';
import type { SourceSpec } from '#model/unit.ts';
import type { RepositoryAddress } from './url.ts';

/** Who asks: the source's Secret, the user in its address, or nobody. Carries no secret value. */
export type Identity = string;

export interface Access {
  readonly address: RepositoryAddress;
  readonly identity: Identity;
  readonly secretRef?: SourceSpec['credentials'];
}

export function accessOf(spec: SourceSpec, address: RepositoryAddress): Access {
  if (spec.credentials !== undefined)
    return {
      address,
      identity: `secret ${spec.credentials.namespace}/${spec.credentials.name}`,
      secretRef: spec.credentials,
    };
  const user = address.userInfo;
  if (user === undefined) return { address, identity: 'anonymous' };
  return { address, identity: `address ${digestOf(JSON.stringify([user.username, user.password]))}` };
}

/** Undefined: asks without any. Read at every use, so that a renewed Secret works at once. */
export function credentialsOf(access: Access, secrets: SecretReader): Result<GitCredentials | undefined> {
  const { address, secretRef } = access;
  const fromAddress =
    address.userInfo === undefined ? undefined : ({ kind: 'basic', ...address.userInfo } as const);
  // The Secret is for the host that the address names; a mirror is another one.
  if (secretRef === undefined || address.mirrored) return ok(fromAddress);
  const name = `${secretRef.namespace}/${secretRef.name}`;
  const data = secrets(secretRef);
  if (data === undefined)
    return fail(
      broken(address.url, `Secret ${name} with its credentials does not exist`, 'create the Secret'),
    );
  const token = data['bearerToken']?.trim();
  if (token !== undefined && token !== '') return ok({ kind: 'bearer', token });
  const username = data['username']?.trim() ?? '';
  const password = data['password']?.trim() ?? '';
  if (username !== '' || password !== '') return ok({ kind: 'basic', username, password });
  if (data['sshPrivateKey'] !== undefined || data['identity'] !== undefined)
    return fail(
      broken(
        address.url,
        `Secret ${name} has an SSH key, which https does not use`,
        'add username and password',
      ),
    );
  // Argo CD keeps plain repository entries, without credentials, in Secrets too.
  return ok(fromAddress);
}

/** The HTTP header, and the strings that must never be seen in a message. */
export function headerOf(credentials: GitCredentials): {
  readonly header: string;
  readonly secrets: readonly string[];
} {
  if (credentials.kind === 'bearer')
    return { header: `Authorization: Bearer ${printable(credentials.token)}`, secrets: [credentials.token] };
  const pair = Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64');
  return { header: `Authorization: Basic ${pair}`, secrets: [credentials.password, pair] };
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
