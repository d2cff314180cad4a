/** Which Secret holds the credentials of a repository URL. Only its name leaves this file. */
import type { Lookup } from '#model/dialect.ts';
import type { Manifest, SecretRef } from '#model/object.ts';
import { secretText } from '#model/secret.ts';

export const secretTypeLabel = 'argocd.argoproj.io/secret-type';

const urlOf = (secret: Manifest): string => secretText(secret, 'url') ?? '';

const normal = (url: string): string =>
  url
    .trim()
    .replace(/\/$/, '')
    .replace(/\.git$/, '')
    .toLowerCase();

/** A `repository` Secret of this URL, else the `repo-creds` Secret with the longest prefix of it. */
export function credentialsFor(url: string, lookup: Lookup, controlNamespace: string): SecretRef | undefined {
  const secrets = lookup.list('', 'Secret', controlNamespace);
  const typed = (type: string): readonly Manifest[] =>
    secrets.filter((secret) => secret.metadata.labels?.[secretTypeLabel] === type && urlOf(secret) !== '');
  const exact = typed('repository').find(
    (secret) => normal(urlOf(secret)) === normal(url) && carriesLogin(secret),
  );
  const prefix = typed('repo-creds')
    .filter((secret) => isPrefix(normal(urlOf(secret)), normal(url)))
    .toSorted((a, b) => urlOf(b).length - urlOf(a).length)[0];
  const chosen = exact ?? prefix;
  return chosen === undefined ? undefined : { namespace: controlNamespace, name: chosen.metadata.name };
}

/** Of the path any part will do, as for Argo CD; of the host only the whole, or `git.example.evil` would get a login. */
function isPrefix(prefix: string, url: string): boolean {
  if (!url.startsWith(prefix)) return false;
  const endsInHost = /^[^/]*\/\/[^/]*$/.test(prefix);
  return !endsInHost || /^([/:]|$)/.test(url.slice(prefix.length));
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
