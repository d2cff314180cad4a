/** Addresses of repositories: which are allowed, how they are written in messages, when two mean one repository. */
import { digestOf } from '#fields/digest.ts';
import type { Failure, Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import { isLinkLocalHost } from '#model/hosts.ts';

/** `--mirror FROM=TO`: addresses that start with `from` are fetched from `to` instead. */
export interface Mirror {
  readonly from: string;
  readonly to: string;
}

export interface RepositoryAddress {
  /** What people wrote, without user and password: the repository's identity, and fit for messages (S14). */
  readonly url: string;
  /** What git connects to, without user and password. */
  readonly fetchUrl: string;
  /** Scheme, host and port of `fetchUrl`; empty for a file. Credentials are bound to it. */
  readonly origin: string;
  /** Host name of `fetchUrl`; empty for a file. */
  readonly host: string;
  readonly port: number;
  readonly isSsh?: true;
  /** User and password as they stood in the address that is fetched. */
  readonly userInfo?: { readonly username: string; readonly password: string };
  /** The credentials of the spec were meant for another host: they are not sent to a mirror. */
  readonly mirrored: boolean;
}

export function parseAddress(text: string, mirrors: readonly Mirror[]): Result<RepositoryAddress> {
  const written = parse(text);
  const mirror = longestMatch(mirrors, written.ok ? written.value.url : text);
  if (mirror === undefined) {
    if (!written.ok) return written;
    const refused = refuse(written.value);
    return refused === undefined ? ok({ ...written.value, mirrored: false }) : fail(refused);
  }
  // Also an address that git could not fetch here (git@host:…) may have a mirror that it can.
  const url = written.ok ? written.value.url : withoutUserInfo(text);
  const target = parse(mirror.to + url.slice(mirror.from.length));
  if (!target.ok) return target;
  const refused = refuse(target.value);
  return refused === undefined ? ok({ ...target.value, url, mirrored: true }) : fail(refused);
}

type Parsed = Omit<RepositoryAddress, 'mirrored'>;

function parse(written: string): Result<Parsed> {
  const text = longForm(written);
  const shown = withoutUserInfo(written);
  // Printable ASCII only: a line break or a NUL has no business in a config value or an environment (S15).
  if (!/^[A-Za-z][\x21-\x7e]*$/.test(text) || text.length > 2048)
    return fail(
      unsupported(shown, 'is not the address of a Git repository', 'write https://host/path/repository.git'),
    );
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined || !['http', 'https', 'file', 'ssh'].includes(scheme))
    return fail(
      unsupported(
        shown,
        'uses a transport that is not allowed',
        'use the https:// or ssh:// address of the repository',
      ),
    );
  const parsed = URL.parse(text);
  // The parser would take https:///a for the host a.
  const hostless = text.slice(scheme.length + 3).startsWith('/');
  if (parsed === null || parsed.hash !== '' || hostless !== (scheme === 'file'))
    return fail(
      unsupported(shown, 'is not a valid address', 'write https://host/path/repository.git or file:///path'),
    );
  if (scheme === 'file')
    return ok({ url: text, fetchUrl: `file://${parsed.pathname}`, origin: '', host: '', port: 0 });
  if (scheme === 'ssh') return parseSsh(written, parsed);
  const clean = new URL(parsed);
  clean.username = '';
  clean.password = '';
  return ok({
    url: withoutUserInfo(text),
    fetchUrl: clean.href,
    origin: clean.origin,
    host: clean.hostname,
    port: clean.port === '' ? (scheme === 'https' ? 443 : 80) : Number(clean.port),
    ...((parsed.username !== '' || parsed.password !== '') && {
      userInfo: { username: decode(parsed.username), password: decode(parsed.password) },
    }),
  });
}

/** `user@host:path`, as git has it, is `ssh://user@host/path`. */
function longForm(text: string): string {
  const [, user = '', host, path] = /^([^@/:\s]+@)?([^@/:\s]+):(?!\/\/)\/?([^\s]+)$/.exec(text) ?? [];
  return user === '' || host === undefined ? text : `ssh://${user}${host}/${path}`;
}

/** The user belongs to the address: `git@github.com` is not the same as another's. */
function parseSsh(written: string, { hostname, port, username, password, pathname }: URL): Result<Parsed> {
  const safe = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
  const isSafe =
    (username === '' || safe.test(username)) &&
    /^(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-f:.]+\])$/i.test(hostname);
  // What begins with a dash would be an option of ssh (S15).
  if (password !== '' || !isSafe || /^\/?-/.test(pathname))
    return fail(
      unsupported(
        withoutUserInfo(written),
        'is no address of an SSH server',
        'write ssh://git@host/path/repository.git, and put the key into a Secret',
      ),
    );
  const user = username === '' ? '' : `${username}@`;
  const at = port === '' ? hostname : `${hostname}:${port}`;
  return ok({
    url: written,
    fetchUrl: `ssh://${user}${at}${pathname}`,
    origin: `ssh://${at}`,
    host: hostname,
    port: port === '' ? 22 : Number(port),
    isSsh: true,
  });
}

function refuse(parsed: Parsed): Failure | undefined {
  return parsed.host !== '' && isLinkLocalHost(parsed.host)
    ? forbiddenAddress(parsed.url, parsed.host)
    : undefined;
}

export function forbiddenAddress(url: string, host: string): Failure {
  return {
    kind: 'terminal',
    code: 'ForbiddenGitHost',
    stage: 'source',
    message: `${url}: ${host} is a link-local or metadata address, which no source may reach`,
    hint: 'use the public name of the Git server',
  };
}

/** The address without user and password; also of a text that is no valid address. */
export function withoutUserInfo(text: string): string {
  return text.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/?#]*@/, '$1');
}

/** Any address inside a longer text, git's own messages for example (S14). */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text.replace(/([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/\s'"?#]*@/g, '$1');
  for (const secret of secrets) if (secret !== '') clean = clean.replaceAll(secret, '…');
  return clean;
}

/** Readable, safe as the name of a directory, and different for different addresses. */
export function directoryName(url: string): string {
  const readable = url
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, '')
    .replace(/\.git\/?$/, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return `${readable === '' ? 'repository' : readable}-${digestOf(url).slice('sha256:'.length, 'sha256:'.length + 16)}`;
}

/**
 * Whether two addresses name one repository, as a webhook's sender and a source may write it: with or without
 * `.git`, over https or in SSH's short form. A hint only: what it wakes up is an authenticated fetch (F24).
 */
export function sameRepository(urlA: string, urlB: string): boolean {
  const a = normalForm(urlA);
  return a !== undefined && a === normalForm(urlB);
}

function normalForm(text: string): string | undefined {
  const trimmed = text.trim();
  const short = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/\/)\/?(.+)$/.exec(trimmed);
  const parsed = URL.parse(
    short === null || trimmed.includes('://') ? trimmed : `ssh://${short[1]}/${short[2]}`,
  );
  if (parsed === null) return undefined;
  const defaultPort = { 'http:': '80', 'https:': '443', 'ssh:': '22', 'git:': '9418' }[parsed.protocol];
  const port = parsed.port === '' || parsed.port === defaultPort ? '' : `:${parsed.port}`;
  const path = decode(parsed.pathname)
    .replace(/^\/+|\/+$/g, '')
    .replace(/\.git$/, '');
  return path === '' ? undefined : `${parsed.hostname.toLowerCase()}${port}/${path}`;
}

function longestMatch(mirrors: readonly Mirror[], url: string): Mirror | undefined {
  let best: Mirror | undefined;
  for (const mirror of mirrors)
    if (url.startsWith(mirror.from) && mirror.from.length > (best?.from.length ?? 0)) best = mirror;
  return best;
}

function unsupported(url: string, what: string, hint: string): Failure {
  return {
    kind: 'terminal',
    code: 'UnsupportedGitUrl',
    stage: 'source',
    message: `${JSON.stringify(url)} ${what}`,
    hint,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
