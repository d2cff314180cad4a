/** What Git does not have any more: what of it is deleted, and what stays, and why. */
import { keyText, type ObjectRef } from '#model/object.ts';
import type { Plan, Step } from '#model/plan.ts';
import { isGoing } from './compare.ts';
import { directivesOf } from './directives.ts';
import { deleteOrder } from './order.ts';
import type { PlanInput } from './plan.ts';
import { makeStep } from './steps.ts';

export interface Removals {
  /** In the waves that the objects name; see `inWaves`. */
  readonly deletes: readonly Step[];
  readonly kept: Plan['kept'];
}

export function removals(input: PlanInput): Removals {
  const { unit, state } = input;
  const deletes: Step[] = [];
  const kept: { ref: ObjectRef; why: string }[] = [];
  const mayPrune = unit.sync.prune || unit.request?.prune === true || unit.teardown !== undefined;
  const asked = unit.request?.prune === true || unit.teardown !== undefined;
  for (const removal of input.compared.removals) {
    const { ref } = removal.entry;
    if (removal.state !== 'present') continue;
    if (isGoing(removal.entry, { state: 'present', object: removal.object })) continue;
    if (!mayPrune) kept.push({ ref, why: 'it is not in Git, and pruning is off' });
    else if (!asked && (state?.takenOver === true || removal.entry.state === 'kept')) {
      kept.push({
        ref,
        why: `it came with the takeover and is not in Git: ${unit.wishes.prune}`,
      });
    } else if (removal.object.deletingSinceMs !== undefined) {
      const finalizers = removal.object.finalizers.join(', ');
      kept.push({
        ref,
        why: `it is being deleted${finalizers === '' ? '' : ` and waits for ${finalizers}`}`,
      });
    } else {
      const expect = { uid: removal.object.uid };
      const propagation = unit.teardown?.propagation ?? unit.sync.propagation;
      deletes.push(
        makeStep(ref, { verb: 'delete', expect, propagation }, 'removed', {
          order: deleteOrder(ref),
          wave: waveOf(input, ref),
          manager: unit.manager,
          tracked: true,
        }),
      );
    }
  }
  return { deletes, kept };
}

/** As the object itself says: Git does not have it any more. */
function waveOf({ unit, bodies }: PlanInput, ref: ObjectRef): number {
  const live = bodies.get(keyText(ref));
  return live === undefined ? 0 : directivesOf(live, unit.conventions).wave;
}
