/** From the paths that were read to what was found there: what a render key and an inputs digest are made of. */
import { digestOf } from '#fields/digest.ts';
import { canonicalJson } from '#model/json.ts';
import type { Failure } from '#model/failure.ts';
import type { ClusterTrace, PathEntry, RenderedObject, TreePaths, TreeTrace } from '#model/rendered.ts';
import type { RemoteRead } from './mounts.ts';

/** What a rendering gives before its trace is made of it. */
export interface RenderedParts {
  readonly objects: readonly RenderedObject[];
  readonly warnings: readonly Failure[];
  readonly paths: TreePaths;
  /** What stands at those paths. */
  readonly entries: ReadonlyMap<string, PathEntry>;
  /** Of other repositories; absent where none can be named. */
  readonly remotes?: readonly RemoteRead[];
  /** What the cluster answered; absent where it cannot be asked. */
  readonly cluster?: ClusterTrace;
}

/** Paths of which nothing is known count as absent. */
export function traceOf(paths: TreePaths, entries: ReadonlyMap<string, PathEntry>): TreeTrace {
  const blob = (path: string): string => {
    const entry = entries.get(path);
    return entry?.kind === 'file' ? entry.blob : (entry?.kind ?? 'absent');
  };
  const listing = (path: string) => {
    const entry = entries.get(path);
    return digestOf(canonicalJson(entry?.kind === 'directory' ? entry.names : (entry?.kind ?? 'absent')));
  };
  return {
    files: Object.fromEntries(paths.files.map((path) => [path, blob(path)])),
    listings: Object.fromEntries(paths.listings.map((path) => [path, listing(path)])),
    absent: paths.absent.filter((path) => (entries.get(path)?.kind ?? 'absent') === 'absent'),
  };
}
