/**
 * What an input's rendering depends on: the paths that it read last time. Where all of them are as they were, so is
 * what it renders, whatever else a commit changes.
 */
import { digestOf } from '#fields/digest.ts';
import { ok, type Result } from '#model/failure.ts';
import { canonicalJson, type Digest } from '#model/json.ts';
import type { Repositories } from '#model/ports.ts';
import type { CapabilityAnswers, CapabilityQuestions, Trace, TracePaths } from '#model/rendered.ts';
import type { Input, Revision } from '#model/unit.ts';
import { traceOf } from '../render/trace.ts';

/** Of what was read; what the cluster answered is beside it (render/cluster-trace.ts). */
export function contentOfTrace({ files, listings, absent }: Trace): Digest {
  return digestOf(canonicalJson({ files, listings, absent }));
}

export function pathsOf({ files, listings, absent, lookups, capabilities }: Trace): TracePaths {
  return {
    files: Object.keys(files),
    listings: Object.keys(listings),
    absent,
    ...(lookups === undefined ? {} : { lookups: Object.keys(lookups) }),
    ...(capabilities === undefined ? {} : { capabilities: questionsOf(capabilities) }),
  };
}

function questionsOf({ kubeVersion, apiVersions, whole }: CapabilityAnswers): CapabilityQuestions {
  return {
    kubeVersion: kubeVersion !== undefined,
    apiVersions: Object.keys(apiVersions),
    whole: whole !== undefined,
  };
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
