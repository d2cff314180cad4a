/** Which repositories a Unit's files may name, and whose login is used for each: a dialect says so, once for all. */
import { allows, matchesGlob } from './glob.ts';
import type { SecretRef } from './object.ts';
import type { Trust } from './unit.ts';

export interface RepositoryAccess {
  /** Patterns; those that start with `!` deny. Absent: every repository is allowed. */
  readonly allowed?: readonly string[];
  /** What has to be changed for another to be allowed, as messages name it. */
  readonly rule: string;
  readonly logins: readonly Login[];
  readonly trust?: TrustedHosts;
}
/** Whom to trust, beside what the machine trusts, and by whom to reach them. */
export interface TrustedHosts {
  /** PEM, by the name of a host. */
  readonly certificates: Readonly<Record<string, string>>;
  /** In the form of `known_hosts`. */
  readonly knownHosts?: string;
  /** The Secrets that name a proxy. */
  readonly proxies?: readonly Login[];
}
/** A Secret for one repository, or for all whose address begins so. */
export interface Login {
  readonly url: string;
  readonly isPrefix: boolean;
  readonly secret: SecretRef;
}

/** In the pattern of a repository one `*` ends at a slash and two cross it; a lone `*` is every repository. */
export function allowsRepository(patterns: readonly string[], url: string): boolean {
  return !leadsElsewhere.test(url) && allows(patterns, url, matchesRepository);
}

/** Such an address is fetched from another path than the one that it shows: no pattern can judge it. */
const leadsElsewhere = /\\|[/](?:\.|%2e){1,2}(?:[/]|$)/i;

function matchesRepository(pattern: string, url: string): boolean {
  return pattern === '*' || matchesGlob(withoutGitSuffix(pattern), withoutGitSuffix(url), '/');
}

const withoutGitSuffix = (url: string): string => url.replace(/\/$/, '').replace(/\.git$/, '');

/** The Secret of this repository, else that with the longest prefix of its address. */
export function loginFor(logins: readonly Login[], url: string): SecretRef | undefined {
  const fitting = logins.filter((login) => isFor(login, url));
  const [prefix] = fitting.toSorted((a, b) => b.url.length - a.url.length);
  return (fitting.find(({ isPrefix: isLoose }) => !isLoose) ?? prefix)?.secret;
}

export function isFor(login: Pick<Login, 'url' | 'isPrefix'>, url: string): boolean {
  const [wanted, given] = [normal(login.url), normal(url)];
  return login.isPrefix ? isPrefix(wanted, given) : wanted === given;
}

/** `user@host:path` and `ssh://user@host/path` are one repository, as in Argo CD's `NormalizeGitURL`. */
function normal(url: string): string {
  const text = withoutGitSuffix(url.trim()).toLowerCase();
  const [, host, path] = /^([^/:@]+@(?:\[[^\]]*\]|[^/:@]+)):\/?([^@]*)$/.exec(text) ?? [];
  return host === undefined ? text.replace(/^ssh:\/\/(?=[^/]*@)/, '') : `${host}/${path}`;
}

/** Of the path any part will do, as for Argo CD; of the host only the whole, or `git.example.evil` would get a login. */
function isPrefix(prefix: string, url: string): boolean {
  if (!url.startsWith(prefix)) return false;
  const endsInHost = /^(?:[^/]*\/\/)?[^/]*$/.test(prefix);
  return !endsInHost || /^([/:]|$)/.test(url.slice(prefix.length));
}

/** Of this address: what is said of its host, and all keys that are known. */
export function trustFor(trust: TrustedHosts | undefined, url: string): Trust | undefined {
  const host = hostOf(url);
  const certificates = trust?.certificates[host];
  const isSsh = /^ssh:/i.test(url) || !url.includes('://');
  const knownHosts = isSsh ? trust?.knownHosts : undefined;
  const proxy = loginFor(trust?.proxies ?? [], url);
  if (certificates === undefined && knownHosts === undefined && proxy === undefined) return undefined;
  return {
    ...(certificates === undefined ? {} : { certificates }),
    ...(knownHosts === undefined ? {} : { knownHosts }),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

/** `https://host:443/path`, `user@host:path` and `host/path` have a host. */
function hostOf(url: string): string {
  const [, host = ''] = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^@/]*@)?(\[[^\]]*\]|[^/:]*)/i.exec(url) ?? [];
  return host.toLowerCase();
}
