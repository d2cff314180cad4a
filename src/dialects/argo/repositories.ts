/** Which Secrets hold the credentials of repositories. Only their names leave this file. */
import type { Lookup } from '#model/dialect.ts';
import type { Manifest } from '#model/object.ts';
import type { Login } from '#model/repository-access.ts';
import { secretText } from '#model/secret.ts';

export const secretTypeLabel = 'argocd.argoproj.io/secret-type';

/** `repository` Secrets are for one URL, `repo-creds` Secrets for all that begin with theirs. */
export function loginsOf(lookup: Lookup, controlNamespace: string): readonly Login[] {
  return lookup.list('', 'Secret', controlNamespace).flatMap((secret) => {
    const type = secret.metadata.labels?.[secretTypeLabel];
    const url = secretText(secret, 'url') ?? '';
    const isPrefix = type === 'repo-creds';
    if (url === '' || !(isPrefix || (type === 'repository' && carriesLogin(secret)))) return [];
    return [{ url, isPrefix, secret: { namespace: controlNamespace, name: secret.metadata.name } }];
  });
}

function carriesLogin(secret: Manifest): boolean {
  const data = (secret['data'] ?? {}) as Record<string, string>;
  return [
    'password',
    'username',
    'bearerToken',
    'sshPrivateKey',
    'githubAppPrivateKey',
    'tlsClientCertKey',
  ].some((key) => data[key] !== undefined);
}
