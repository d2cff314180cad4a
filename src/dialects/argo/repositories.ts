/** Which Secrets hold the credentials of repositories, and whom to trust. Only the names of Secrets leave this file. */
import type { Lookup } from '#model/dialect.ts';
import type { Failure } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { isFor, type Login, type TrustedHosts } from '#model/repository-access.ts';
import { secretText } from '#model/secret.ts';
import { configMapKey } from './settings.ts';
import { withoutEffect } from './unsupported.ts';

export const secretTypeLabel = 'argocd.argoproj.io/secret-type';

/**
 * `repository` Secrets are for one URL, `repo-creds` Secrets for all that begin with theirs. One that names a project is
 * for the Applications of that project, and goes before those that name none.
 */
export function loginsOf(lookup: Lookup, controlNamespace: string, project: string): readonly Login[] {
  const found = entriesOf(lookup, controlNamespace, project).filter(
    ({ isPrefix, secret }) => isPrefix || carriesLogin(secret),
  );
  return loginsIn(found, controlNamespace);
}

function loginsIn(found: readonly Entry[], controlNamespace: string): readonly Login[] {
  const ordered = [...found.filter(({ isScoped }) => isScoped), ...found.filter(({ isScoped }) => !isScoped)];
  return ordered.map(({ url, isPrefix, secret }) => {
    return { url, isPrefix, secret: { namespace: controlNamespace, name: secret.metadata.name } };
  });
}

interface Entry extends Pick<Login, 'url' | 'isPrefix'> {
  readonly secret: Manifest;
  readonly isScoped: boolean;
}

function entriesOf(lookup: Lookup, controlNamespace: string, project: string): readonly Entry[] {
  return lookup.list('', 'Secret', controlNamespace).flatMap((secret) => {
    const type = secret.metadata.labels?.[secretTypeLabel];
    const url = secretText(secret, 'url') ?? '';
    const owner = secretText(secret, 'project') ?? '';
    const isMeant = (type === 'repo-creds' || type === 'repository') && (owner === '' || owner === project);
    return isMeant && url !== ''
      ? [{ url, isPrefix: type === 'repo-creds', secret, isScoped: owner !== '' }]
      : [];
  });
}

const identity = 'the login is what else the Secret has, or none';
const idleKeys: Readonly<Record<string, string>> = {
  noProxy: 'it says for which hosts `proxy` of the same Secret is not used, and there is none',
  enableLfs: 'files in Git LFS are read as the pointers that Git has',
  gcpServiceAccountKey: identity,
  useAzureWorkloadIdentity: identity,
};

/** What the Secrets of these repositories say and is passed over. */
export function idleKeysOf(
  lookup: Lookup,
  controlNamespace: string,
  project: string,
  repositories: readonly string[],
): readonly Failure[] {
  return entriesOf(lookup, controlNamespace, project)
    .filter((entry) => repositories.some((url) => isFor(entry, url)))
    .flatMap(({ secret }) =>
      Object.entries(idleKeys).flatMap(([key, instead]) => {
        const value = secretText(secret, key)?.trim() ?? '';
        if (value === '' || value === 'false') return [];
        if (key === 'noProxy' && (secretText(secret, 'proxy')?.trim() ?? '') !== '') return [];
        return withoutEffect(`${key} of Secret ${controlNamespace}/${secret.metadata.name}`, instead);
      }),
    );
}

/** Repositories that a Secret gives to the Applications of a project: that is permission, too. */
export function scopedRepositories(
  lookup: Lookup,
  controlNamespace: string,
  project: string,
): readonly string[] {
  return lookup.list('', 'Secret', controlNamespace).flatMap((secret) => {
    const isRepository = secret.metadata.labels?.[secretTypeLabel] === 'repository';
    const isScoped = isRepository && secretText(secret, 'project') === project;
    const url = secretText(secret, 'url');
    return isScoped && url !== undefined && url !== '' ? [url] : [];
  });
}

/** `argocd-tls-certs-cm` has a key for each host, `argocd-ssh-known-hosts-cm` one for all. */
export function trustOf(lookup: Lookup, controlNamespace: string, project: string): TrustedHosts | undefined {
  const certificates = dataOf(lookup.get(configMapKey(controlNamespace, 'argocd-tls-certs-cm')));
  const knownHosts = dataOf(lookup.get(configMapKey(controlNamespace, 'argocd-ssh-known-hosts-cm')));
  const known = knownHosts['ssh_known_hosts'] ?? '';
  // A proxy hides no login, and none hides it: Argo CD takes either from the Secret that has it.
  const named = entriesOf(lookup, controlNamespace, project).filter(
    ({ secret }) => (secretText(secret, 'proxy')?.trim() ?? '') !== '',
  );
  if (known === '' && Object.keys(certificates).length === 0 && named.length === 0) return undefined;
  return {
    certificates: Object.fromEntries(
      Object.entries(certificates).map(([host, pem]) => [host.toLowerCase(), pem]),
    ),
    ...(known === '' ? {} : { knownHosts: known }),
    ...(named.length === 0 ? {} : { proxies: loginsIn(named, controlNamespace) }),
  };
}

function dataOf(manifest: Manifest | undefined): Readonly<Record<string, string>> {
  const data = manifest?.['data'];
  if (!isObject(data)) return {};
  return Object.fromEntries(
    Object.entries(data).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  );
}

function carriesLogin(secret: Manifest): boolean {
  return [
    'password',
    'username',
    'bearerToken',
    'sshPrivateKey',
    'githubAppPrivateKey',
    'tlsClientCertKey',
    // It changes how a connection is made, and is refused there.
    'insecure',
    'insecureOCIForceHttp',
  ].some((key) => (secretText(secret, key) ?? '') !== '');
}
