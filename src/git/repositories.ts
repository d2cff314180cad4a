/**
 * Git as an object store: one bare copy a repository however many Units use it, fetched once for all who ask, read
 * without work trees. Everything after a fetch is local and goes on when Git is down (F12).
 */
import path from 'node:path';
import type { Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import type {
  Archives,
  Clock,
  InstallationTokens,
  Log,
  Meter,
  Processes,
  Repositories,
  RepositoryWriter,
  SecretReader,
  Timers,
} from '#model/ports.ts';
import type { SourceSpec } from '#model/unit.ts';
import type { GitTools } from './command.ts';
import type { Access } from './credentials.ts';
import { Archived, noArchives } from './archived.ts';
import { accessOf } from './credentials.ts';
import { failureOf } from './git-failures.ts';
import { removeLeftFiles } from './private-files.ts';
import type { AddressLookup } from './remote.ts';
import { HostLimits, Remote } from './remote.ts';
import { Repository } from './repository.ts';
import { firstParents, revertCommits } from './reverting.ts';
import { Store } from './store.ts';
import type { Mirror } from './url.ts';
import { directoryName, parseAddress } from './url.ts';

export interface RepositoriesOptions {
  /** Absolute; made if it is not there. Only one process may use it. */
  readonly dir: string;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly meter: Meter;
  readonly secrets: SecretReader;
  /** Absent: credentials of GitHub Apps are refused. */
  readonly installationTokens?: InstallationTokens;
  /** Absent: sources that are archives are refused. */
  readonly archives?: Archives;
  readonly mirrors: readonly Mirror[];
  /** What git inherits: PATH, proxies, certificate stores; nothing secret. */
  readonly environment: Readonly<Record<string, string>>;
  /** The addresses of a host, to refuse names that lead to link-local ones (S10); without it only names are checked. */
  readonly lookup?: AddressLookup;
}

export function openRepositories(options: RepositoriesOptions): Repositories & RepositoryWriter {
  const git: GitTools = {
    processes: options.processes,
    clock: options.clock,
    meter: options.meter,
    environment: options.environment,
    dir: options.dir,
  };
  const open = new Map<string, Repository>();
  const cleared = removeLeftFiles(options.dir);
  const limits = new HostLimits();

  const repositoryAt = (url: string): Repository => {
    let repository = open.get(url);
    if (repository === undefined) {
      const store = new Store(git, path.join(options.dir, directoryName(url)), url);
      const remote = new Remote(git, limits, options.lookup);
      const { secrets, installationTokens, log } = options;
      const credentials = { secrets, ...(installationTokens && { installationTokens }) };
      repository = new Repository(url, git, { store, remote, credentials, log }, options.timers);
      open.set(url, repository);
    }
    return repository;
  };
  const repositoryOf = ({ address }: Access): Repository => repositoryAt(address.url);
  const archived = new Map<string, Archived>();
  const archivedAt = ({ url }: SourceSpec): Archived | undefined => {
    if (options.archives === undefined) return undefined;
    let there = archived.get(url);
    if (there === undefined) archived.set(url, (there = new Archived(options.archives, repositoryAt(url))));
    return there;
  };
  const withArchive = async <T>(
    spec: SourceSpec,
    use: (archived: Archived) => Promise<Result<T>>,
  ): Promise<Result<T>> => {
    const there = archivedAt(spec);
    return there === undefined ? noArchives(spec.url) : use(there);
  };
  const isArchive = ({ kind }: SourceSpec): boolean => kind !== 'git';
  const at = (url: string): Result<Access> => {
    const address = parseAddress(url, options.mirrors);
    return address.ok ? ok(accessOf({ kind: 'git', url, ref: { name: 'HEAD' } }, address.value)) : address;
  };
  const withSpec = async <T>(
    spec: SourceSpec,
    use: (repository: Repository, access: Access) => Promise<Result<T>>,
  ): Promise<Result<T>> => {
    const address = parseAddress(spec.url, options.mirrors);
    if (!address.ok) return address;
    const access = accessOf(spec, address.value);
    await cleared;
    return use(repositoryOf(access), access);
  };
  const withUrl = async <T>(
    url: string,
    use: (repository: Repository) => Promise<Result<T>>,
  ): Promise<Result<T>> => {
    // What depends on a chart says which: `helm+https://host/charts#name`.
    const bare = url.replace(/^helm\+/, '').replace(/#[^#]*$/, '');
    if (archived.has(bare)) return use(repositoryAt(bare));
    const access = at(url);
    return access.ok ? use(repositoryOf(access.value)) : access;
  };

  return {
    fetch: (spec) =>
      isArchive(spec)
        ? withArchive(spec, (there) => there.fetch(spec))
        : withSpec(spec, (repository, access) => repository.fetch(access)),
    resolve: (spec) =>
      isArchive(spec)
        ? withArchive(spec, (there) => there.resolve(spec))
        : withSpec(spec, (repository, access) => repository.resolve(access, spec)),
    ancestry: (spec, before, after) =>
      isArchive(spec)
        ? withArchive(spec, (there) => there.ancestry(spec, before, after))
        : withSpec(spec, (repository) => repository.ancestry(before, after)),
    trees: (url, wanted) => withUrl(url, (repository) => repository.trees(wanted)),
    files: (url, tree) => withUrl(url, (repository) => repository.files(tree)),
    look: (url, commit, paths) => withUrl(url, (repository) => repository.look(commit, paths)),
    changedPaths: (url, before, after) =>
      withUrl(url, (repository) => repository.changedPaths(before, after)),
    sizes: (url, blobs) => withUrl(url, (repository) => repository.sizes(blobs)),
    read: (url, blobs) => withUrl(url, (repository) => repository.read(blobs)),
    branch: (spec) =>
      isArchive(spec)
        ? Promise.resolve(ok(undefined))
        : withSpec(spec, (repository, access) => repository.branch(access, spec)),
    log: (spec, from, to, max) => withSpec(spec, ({ reverting }) => firstParents(reverting, from, to, max)),
    revert: (order) => withSpec(order.spec, ({ reverting }) => revertCommits(reverting, order)),
    publish: (spec, commit, branch) =>
      withSpec(spec, (repository, access) => repository.push(access, commit, branch)),
    close: () => {
      for (const repository of open.values()) repository.close();
      open.clear();
      return options.archives?.close() ?? Promise.resolve();
    },
  };
}

/** The version of the installed git, or why it will not do: asked once, before anything else needs it. */
export async function gitVersion(
  processes: Processes,
  environment: Readonly<Record<string, string>>,
): Promise<Result<string>> {
  const result = await processes.run({
    command: 'git',
    args: ['version'],
    env: { ...environment, LC_ALL: 'C', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
    timeoutMs: 10_000,
    outputBytesMax: 4096,
  });
  if (result.code !== 0) return fail(failureOf(result, 'git', 'telling its version'));
  const version = /git version (\d+)\.(\d+)\S*/.exec(Buffer.from(result.stdout).toString('utf8'));
  const [text = '', major = '0', minor = '0'] = version ?? [];
  if (Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 39)) return ok(text.slice(12));
  return fail({
    kind: 'terminal',
    code: 'GitMissing',
    stage: 'source',
    message: `the installed git is too old: ${text === '' ? 'unknown version' : text}`,
    hint: 'install git 2.39 or later',
  });
}
