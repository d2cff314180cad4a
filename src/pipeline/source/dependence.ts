/**
 * What an input's rendering depends on: the paths that it read last time. Where all of them are as they were, so is
 * what it renders, whatever else a commit changes.
 */
import { digestOf } from '#fields/digest.ts';
import { ok, type Result } from '#model/failure.ts';
import { canonicalJson, type Digest } from '#model/json.ts';
import type { Repositories } from '#model/ports.ts';
import type {
  CapabilityAnswers,
  CapabilityQuestions,
  RemoteTrace,
  Trace,
  TracePaths,
  TreePaths,
  TreeTrace,
} from '#model/rendered.ts';
import type { Input, Revision, Unit } from '#model/unit.ts';
import { traceOf } from '../render/trace.ts';
import { pinRemotes } from './remotes.ts';

/**
 * The same for another commit with the same content. What the cluster answered is beside it (render/cluster-trace.ts).
 */
export function contentOfTrace({ files, listings, absent, remotes }: Trace): Digest {
  const others = remotes?.map(({ commit: _, ...content }) => content);
  return digestOf(canonicalJson({ files, listings, absent, remotes: others }));
}

export function pathsOf({ remotes, lookups, capabilities, ...own }: Trace): TracePaths {
  const others = remotes?.map(({ url, ref, commit, ...tree }) => ({ url, ref, commit, ...treePaths(tree) }));
  return {
    ...treePaths(own),
    ...(others === undefined ? {} : { remotes: others }),
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

function treePaths({ files, listings, absent }: TreeTrace): TreePaths {
  return { files: Object.keys(files), listings: Object.keys(listings), absent };
}

/** The digest of what stands at the paths in a commit, and in those of the remotes. */
export async function contentAt(
  repositories: Pick<Repositories, 'look'>,
  url: string,
  commit: string,
  { remotes, ...own }: TracePaths,
): Promise<Result<Digest>> {
  const trace = await traceAt(repositories, url, commit, own);
  if (!trace.ok || remotes === undefined) return trace.ok ? ok(contentOfTrace(trace.value)) : trace;
  const others: RemoteTrace[] = [];
  for (const remote of remotes) {
    const other = await traceAt(repositories, remote.url, remote.commit, remote);
    if (!other.ok) return other;
    others.push({ url: remote.url, ref: remote.ref, commit: remote.commit, ...other.value });
  }
  return ok(contentOfTrace({ ...trace.value, remotes: others }));
}

async function traceAt(
  repositories: Pick<Repositories, 'look'>,
  url: string,
  commit: string,
  paths: TreePaths,
): Promise<Result<TreeTrace>> {
  const all = [...new Set([...paths.files, ...paths.listings, ...paths.absent])];
  const entries = await repositories.look(url, commit, all);
  if (!entries.ok) return entries;
  return ok(traceOf(paths, new Map(all.map((path, index) => [path, entries.value[index]!]))));
}

/** Whether an input renders in another commit, and with the remotes as they are now, what it did when it was located. */
export async function isUnchanged(
  unit: Unit,
  located: {
    readonly input: Input;
    readonly revision: Revision;
    readonly tree: string;
    readonly content: Digest;
    readonly read?: TracePaths;
  },
  commit: string,
  repositories: Pick<Repositories, 'look' | 'trees' | 'resolve'>,
): Promise<boolean> {
  const { url } = located.input.source;
  const { read } = located;
  if (commit === located.revision.commit && read?.remotes === undefined) return true;
  if (read === undefined) {
    const trees = await repositories.trees(url, [{ commit, path: located.input.path }]);
    return trees.ok && trees.value[0] === located.tree;
  }
  const now = await readNow(unit, located.input, read, repositories);
  if (now === undefined) return false;
  const content = await contentAt(repositories, url, commit, now);
  return content.ok && content.value === located.content;
}

/** What was read, with the commits that its remotes stand for now, or stood for. Undefined: see `pinRemotes`. */
export async function readNow(
  unit: Unit,
  input: Input,
  read: TracePaths,
  repositories: Pick<Repositories, 'resolve'>,
  when: 'now' | 'then' = 'now',
): Promise<TracePaths | undefined> {
  if (read.remotes === undefined) return read;
  const remotes = await pinRemotes(unit, input, read.remotes, repositories, when);
  return remotes === undefined ? undefined : { ...read, remotes };
}
