/**
 * What an input's rendering depends on: the paths that it read last time. Where all of them are as they were, so is
 * what it renders, whatever else a commit changes.
 */
import { posix } from 'node:path';
import { digestOf } from '#fields/digest.ts';
import { ok, type Result } from '#model/failure.ts';
import { canonicalJson, type Digest } from '#model/json.ts';
import type { Repositories } from '#model/ports.ts';
import type { PathEntry, Trace, TracePaths } from '#model/rendered.ts';
import type { Input, Revision } from '#model/unit.ts';
import { traceOf } from '../render/trace.ts';

export function contentOfTrace(trace: Trace): Digest {
  return digestOf(canonicalJson(trace));
}

export function pathsOf({ files, listings, absent }: Trace): TracePaths {
  return { files: Object.keys(files), listings: Object.keys(listings), absent };
}

export interface Content {
  readonly digest: Digest;
  /** Nothing but what stands at the paths themselves says what is found there: no link, no other way to write them. */
  readonly isPlain: boolean;
}

/** What stands at the paths in a commit. */
export async function contentAt(
  repositories: Pick<Repositories, 'look'>,
  url: string,
  commit: string,
  paths: TracePaths,
): Promise<Result<Content>> {
  const all = allOf(paths);
  const entries = await repositories.look(url, commit, all);
  if (!entries.ok) return entries;
  const found = new Map(all.map((path, index): [string, PathEntry] => [path, entries.value[index]!]));
  return ok({
    digest: contentOfTrace(traceOf(paths, found)),
    isPlain: all.every(isNormal) && entries.value.every(({ isLinked }) => isLinked !== true),
  });
}

function allOf({ files, listings, absent }: TracePaths): readonly string[] {
  return [...new Set([...files, ...listings, ...absent])];
}

function touches({ files, listings, absent }: TracePaths, changed: ReadonlySet<string>): boolean {
  return [files, listings, absent].some((paths) => paths.some((path) => changed.has(path)));
}

/** As a listing of changed paths has it. */
function isNormal(path: string): boolean {
  return path === '' || (posix.join('/', path) === `/${path}` && !path.endsWith('/'));
}

/** What is known of an input, of a commit or of one at which it was found to render the same. */
export interface Known {
  readonly input: Pick<Input, 'source' | 'path'>;
  readonly revision: Pick<Revision, 'commit'>;
  readonly tree: string;
  readonly content: Digest;
  readonly read?: TracePaths;
  readonly same?: SameAt;
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

  /** The input as it is known at a commit; undefined when it may render something else there. */
  async unchangedAt<T extends Known>(known: T, commit: string): Promise<T | undefined> {
    const { revision, content, read, input, same } = known;
    const { url } = input.source;
    if (commit === (same?.commit ?? revision.commit)) return known;
    if (read === undefined) {
      const trees = await this.#repositories.trees(url, [{ commit, path: input.path }]);
      return trees.ok && trees.value[0] === known.tree ? known : undefined;
    }
    if (same?.isPlain === true) {
      const changed = await this.#changedPaths(url, same.commit, commit);
      if (changed !== undefined && !touches(read, changed)) return { ...known, same: { ...same, commit } };
    }
    const found = await contentAt(this.#repositories, url, commit, read);
    if (!found.ok || found.value.digest !== content) return undefined;
    return { ...known, same: { commit, isPlain: found.value.isPlain } };
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
