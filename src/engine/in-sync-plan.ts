/** The plan of a Unit whose inventory is as our last apply left it: no steps, and nothing had to be rendered. */
import type { MadePlan } from '#pipeline/pipeline.ts';
import type { Located } from '#pipeline/source/locate.ts';
import { digestOf } from '#fields/digest.ts';
import type { Sighting } from '#model/observed.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Unit } from '#model/unit.ts';

export function inSyncPlan(
  unit: Unit,
  located: Located,
  state: UnitState,
  sightings: ReadonlyMap<string, Sighting>,
): MadePlan {
  return {
    plan: {
      digest: digestOf(`${unit.id} ${located.digest} in sync`),
      unit: unit.id,
      generation: unit.generation,
      revisions: located.revisions,
      rendered: located.digest,
      steps: [],
      blocked: [],
      pruned: 0,
      kept: [],
      ...(state.deletionHooks === undefined ? {} : { deletionHooks: state.deletionHooks }),
      desired: state.inventory.flatMap(({ ref, desired }) =>
        desired === undefined ? [] : [{ ref, digest: desired }],
      ),
    },
    content: new Map(),
    located,
    sightings,
    warnings: state.warnings ?? [],
  };
}
