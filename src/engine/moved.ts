/** Which Units a commit concerns. */
import { canonicalJson } from '#model/json.ts';
import type { Repositories } from '#model/ports.ts';
import type { SourceSpec } from '#model/unit.ts';
import { Changes } from '#pipeline/source/dependence.ts';
import { namedInputs } from '#pipeline/source/remotes.ts';
import type { LocatedInput } from '#pipeline/source/locate.ts';
import type { UnitRuntime } from './runtime.ts';

/**
 * Those that would have other objects now, because they read something which a commit has changed. Of the others it is
 * remembered that they were looked at.
 */
export async function movedUnits(
  runtimes: readonly UnitRuntime[],
  repositories: Repositories,
): Promise<{ readonly moved: readonly UnitRuntime[]; readonly rest: readonly UnitRuntime[] }> {
  const moved: UnitRuntime[] = [];
  const rest: UnitRuntime[] = [];
  const commits = new Map<string, Promise<string | undefined>>();
  const commitOf = (source: SourceSpec): Promise<string | undefined> => {
    const refText = canonicalJson([source.kind, source.url, source.chart, source.ref]);
    const commit =
      commits.get(refText) ??
      repositories.resolve(source).then((resolved) => (resolved.ok ? resolved.value.commit : undefined));
    commits.set(refText, commit);
    return commit;
  };
  const changes = new Changes(repositories);
  for (const runtime of runtimes) {
    const { located } = runtime;
    const inputs: LocatedInput[] = [];
    const now = await Promise.all((located?.inputs ?? []).map(({ input }) => commitOf(input.source)));
    const named = namedInputs(
      now.flatMap((commit, index) => {
        const { input } = located!.inputs[index]!;
        return commit === undefined ? [] : [{ input, revision: { commit } }];
      }),
    );
    for (const [index, input] of (located?.inputs ?? []).entries()) {
      const commit = now[index];
      const same = commit && (await changes.unchangedAt(runtime.unit, input, commit, named));
      if (!same) break;
      inputs.push(same);
    }
    const isSame = inputs.length === runtime.unit.inputs.length;
    // A turn may have located it anew meanwhile.
    if (isSame && located !== undefined && runtime.located === located)
      runtime.located = { ...located, inputs };
    (isSame ? rest : moved).push(runtime);
  }
  return { moved, rest };
}
