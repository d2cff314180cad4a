/**
 * What an input's rendering depends on: the paths that it read last time. Where all of them are as they were, so is
 * what it renders, whatever else a commit changes.
 */
import { posix } from 'node:path';
import { digestOf } from '#fields/digest.ts';
import { ok, type Result } from '#model/failure.ts';
import { canonicalJson, type Digest } from '#model/json.ts';
import type { Repositories } from '#model/ports.ts';
import type {
  CapabilityAnswers,
  CapabilityQuestions,
  PathEntry,
  RemoteTrace,
  Trace,
  TracePaths,
  TreePaths,
  TreeTrace,
} from '#model/rendered.ts';
import type { Input, Revision, Unit } from '#model/unit.ts';
import { clusterDigest } from '../render/cluster-trace.ts';
import { traceOf } from '../render/trace.ts';
import { pinRemotes, type NamedInputs, type Reader } from './remotes.ts';

/**
 * The same for another commit with the same content. What the cluster answered is beside it (render/cluster-trace.ts).
 */
export function contentOfTrace({ files, listings, absent, remotes }: Trace): Digest {
  const others = remotes?.map((remote) => {
    const { commit: _, ...content } = remote;
    return content;
  });
  return digestOf(canonicalJson({ files, listings, absent, remotes: others }));
}

export function pathsOf(trace: Trace): TracePaths {
  const { remotes, lookups, capabilities, ...own } = trace;
  const answered = clusterDigest(trace);
  const others = remotes?.map(({ url, ref, commit, ...tree }) => ({ url, ref, commit, ...treePaths(tree) }));
  return {
    ...treePaths(own),
    ...(others === undefined ? {} : { remotes: others }),
    ...(lookups === undefined ? {} : { lookups: Object.keys(lookups) }),
    ...(capabilities === undefined ? {} : { capabilities: questionsOf(capabilities) }),
    ...(answered === undefined ? {} : { answered }),
  };
}

function questionsOf({ kubeVersion, apiVersions, whole }: CapabilityAnswers): CapabilityQuestions {
  return {
    kubeVersion: kubeVersion !== undefined,
    apiVersions: Object.keys(apiVersions),
    whole: whole !== undefined,
  };
}

function treePaths({ files, listings, absent }: TreeTrace): TreePaths {
  return { files: Object.keys(files), listings: Object.keys(listings), absent };
}

/** Of an input from which nothing is rendered. */
export const nothingRead: TracePaths = { files: [], listings: [], absent: [] };

export interface Content {
  readonly digest: Digest;
  /** Nothing but what stands at the paths themselves says what is found there: no link, no other way to write them. */
  readonly isPlain: boolean;
}

/** What stands at the paths in a commit, and in those of the remotes. */
export async function contentAt(
  repositories: Pick<Repositories, 'look'>,
  url: string,
  commit: string,
  { remotes, ...own }: TracePaths,
): Promise<Result<Content>> {
  const read = await treeAt(repositories, url, commit, own);
  if (!read.ok) return read;
  const { trace, isPlain } = read.value;
  if (remotes === undefined) return ok({ digest: contentOfTrace(trace), isPlain });
  const others: RemoteTrace[] = [];
  for (const remote of remotes) {
    const other = await treeAt(repositories, remote.url, remote.commit, remote);
    if (!other.ok) return other;
    others.push({ url: remote.url, ref: remote.ref, commit: remote.commit, ...other.value.trace });
  }
  return ok({ digest: contentOfTrace({ ...trace, remotes: others }), isPlain });
}

async function treeAt(
  repositories: Pick<Repositories, 'look'>,
  url: string,
  commit: string,
  paths: TreePaths,
): Promise<Result<Pick<Content, 'isPlain'> & { readonly trace: TreeTrace }>> {
  const all = [...new Set([...paths.files, ...paths.listings, ...paths.absent])];
  const entries = await repositories.look(url, commit, all);
  if (!entries.ok) return entries;
  const found = new Map(all.map((path, index): [string, PathEntry] => [path, entries.value[index]!]));
  return ok({
    trace: traceOf(paths, found),
    isPlain: all.every(isNormal) && entries.value.every(({ isLinked }) => isLinked !== true),
  });
}

/** Whether something that was read is among the paths that changed. */
export function touches({ files, listings, absent }: TreePaths, changed: ReadonlySet<string>): boolean {
  return [files, listings, absent].some((paths) => paths.some((path) => changed.has(path)));
}

/** As a listing of changed paths has it. */
function isNormal(path: string): boolean {
  return path === '' || (posix.join('/', path) === `/${path}` && !path.endsWith('/'));
}

/** What is known of an input, of a commit or of one at which it was found to render the same. */
export interface Known {
  readonly input: Input;
  readonly revision: Pick<Revision, 'commit'>;
  readonly tree: string;
  readonly content: Digest;
  readonly read?: TracePaths;
  readonly same?: SameAt;
  readonly namesRevision?: true;
}
/** The last commit at which its paths were looked up, or that changed none of them. */
export interface SameAt extends Pick<Content, 'isPlain'> {
  readonly commit: string;
}

/** Comparing two commits serves all inputs that were known at the one and are wanted at the other. */
export class Changes {
  readonly #repositories: Repositories;
  readonly #compared = new Map<string, ReturnType<Repositories['changedPaths']>>();

  constructor(repositories: Repositories) {
    this.#repositories = repositories;
  }

  /**
   * The input as it is known at a commit, and with the remotes as they are now; undefined when it may render something
   * else there. What the cluster answers is not asked: no commit changes it, and whatever does wakes the Unit itself.
   */
  async unchangedAt<T extends Known>(
    unit: Unit,
    known: T,
    commit: string,
    named: NamedInputs = new Map(),
  ): Promise<T | undefined> {
    const { revision, content, input, same } = known;
    const { url } = input.source;
    if (known.namesRevision === true && commit !== revision.commit) return undefined;
    if (known.read === undefined) {
      if (commit === revision.commit) return known;
      const trees = await this.#repositories.trees(url, [{ commit, path: input.path }]);
      return trees.ok && trees.value[0] === known.tree ? known : undefined;
    }
    const read = await pinnedRead({ unit, input, named }, known.read, this.#repositories);
    if (read === undefined) return undefined;
    if (haveSamePins(read, known.read)) {
      if (commit === (same?.commit ?? revision.commit)) return known;
      if (same?.isPlain === true) {
        const changed = await this.#changedPaths(url, same.commit, commit);
        if (changed !== undefined && !touches(read, changed)) return { ...known, same: { ...same, commit } };
      }
    }
    const found = await contentAt(this.#repositories, url, commit, read);
    if (!found.ok || found.value.digest !== content) return undefined;
    return { ...known, read, same: { commit, isPlain: found.value.isPlain } };
  }

  async #changedPaths(url: string, before: string, after: string): Promise<ReadonlySet<string> | undefined> {
    const key = `${before} ${after} ${url}`;
    let compared = this.#compared.get(key);
    if (compared === undefined) {
      compared = this.#repositories.changedPaths(url, before, after);
      this.#compared.set(key, compared);
    }
    const changed = await compared;
    return changed.ok ? changed.value : undefined;
  }
}

function haveSamePins(one: TracePaths, other: TracePaths): boolean {
  return one.remotes?.every(({ commit }, index) => commit === other.remotes?.[index]?.commit) ?? true;
}

/** What was read, with the commits that its remotes stand for now, or stood for. Undefined: see `pinRemotes`. */
export async function pinnedRead(
  reader: Reader,
  read: TracePaths,
  repositories: Pick<Repositories, 'resolve'>,
  when: 'now' | 'then' = 'now',
): Promise<TracePaths | undefined> {
  if (read.remotes === undefined) return read;
  const remotes = await pinRemotes(reader, read.remotes, repositories, when);
  return remotes === undefined ? undefined : { ...read, remotes };
}
