/** What a plan heals, before all that may take long: drift does not wait for a migration, or for a rollout of others. */
import { digestOf } from '#fields/digest.ts';
import { keyText } from '#model/object.ts';
import type { Plan, Step } from '#model/plan.ts';
import { isDrift } from '#model/sentences.ts';

/**
 * The heals of a plan that has more to do, of objects that are due, as a plan of their own; undefined where nothing is to be gained. They come in the
 * order of their waves, and none waits until another is well: all of it stood there before.
 */
export function healsFirst(plan: Plan, isDue: (key: string) => boolean): Plan | undefined {
  if (!plan.steps.some(mayTakeLong)) return undefined;
  const keys = new Set(
    plan.steps
      .filter(isDrift)
      .map(({ object }) => keyText(object))
      .filter(isDue),
  );
  if (keys.size === 0) return undefined;
  const { hookRun: _, ...rest } = plan;
  return {
    ...rest,
    digest: digestOf(`the heals of ${plan.digest}`),
    isPartial: true,
    steps: plan.steps.filter((step) => keys.has(keyText(step.object)) && !mayTakeLong(step)),
    pruned: 0,
    kept: [],
  };
}

function mayTakeLong({ action, hook }: Step): boolean {
  if (hook !== undefined) return true;
  // One object's end, that is, and not that its name is free to make it anew.
  return action.verb === 'wait' && (action.until === 'healthy' || action.which !== undefined);
}
