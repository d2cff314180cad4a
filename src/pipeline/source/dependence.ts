/**
 * What an input's rendering depends on: the paths that it read last time. Where all of them are as they were, so is
 * what it renders, whatever else a commit changes.
 */
import { digestOf } from '#fields/digest.ts';
import { ok, type Result } from '#model/failure.ts';
import { canonicalJson, type Digest } from '#model/json.ts';
import type { Repositories } from '#model/ports.ts';
import type { Trace, TracePaths } from '#model/rendered.ts';
import type { Input, Revision } from '#model/unit.ts';
import { traceOf } from '../render/trace.ts';

export function contentOfTrace(trace: Trace): Digest {
  return digestOf(canonicalJson(trace));
}

export function pathsOf({ files, listings, absent }: Trace): TracePaths {
  return { files: Object.keys(files), listings: Object.keys(listings), absent };
}

/** The digest of what stands at the paths in a commit. */
export async function contentAt(
  repositories: Pick<Repositories, 'look'>,
  url: string,
  commit: string,
  paths: TracePaths,
): Promise<Result<Digest>> {
  const all = [...new Set([...paths.files, ...paths.listings, ...paths.absent])];
  const entries = await repositories.look(url, commit, all);
  if (!entries.ok) return entries;
  return ok(contentOfTrace(traceOf(paths, new Map(all.map((path, index) => [path, entries.value[index]!])))));
}

/** Whether an input renders in another commit what it rendered when it was located. */
export async function isUnchanged(
  located: {
    readonly input: Input;
    readonly revision: Revision;
    readonly tree: string;
    readonly content: Digest;
    readonly read?: TracePaths;
  },
  commit: string,
  repositories: Pick<Repositories, 'look' | 'trees'>,
): Promise<boolean> {
  const { url } = located.input.source;
  if (commit === located.revision.commit) return true;
  if (located.read === undefined) {
    const trees = await repositories.trees(url, [{ commit, path: located.input.path }]);
    return trees.ok && trees.value[0] === located.tree;
  }
  const content = await contentAt(repositories, url, commit, located.read);
  return content.ok && content.value === located.content;
}
