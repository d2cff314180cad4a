/**
 * The order of a whole plan: phases, in them waves, in them orders. A wave begins when what the one before applied is
 * well; objects are deleted after that, those of the highest wave first.
 */
import { keyText } from '#model/object.ts';
import type { Step } from '#model/plan.ts';
import type { Phase } from '#model/unit.ts';
import type { Comparison } from './compare.ts';
import { isPassive, orders } from './order.ts';
import type { PlanInput } from './plan.ts';
import type { Removal } from './removals.ts';
import { gateTimeoutMs, makeStep } from './steps.ts';

/** Something that never becomes well must not keep drift from being healed for ever. */
const healthWaitMs = 3_600_000;

const phases: readonly Phase[] = ['pre-delete', 'pre', 'sync', 'post', 'post-delete', 'fail'];

export interface StepKinds {
  readonly applies: readonly Step[];
  readonly deletes: readonly Removal[];
  readonly hooks: readonly Step[];
}

export function inWaves(input: PlanInput, { applies, deletes, hooks }: StepKinds): readonly Step[] {
  const inSync = [...applies, ...hooks].filter(({ phase }) => phase === 'sync');
  const last = Math.max(...inSync.map(({ wave }) => wave), -Infinity);
  const lastWave = Number.isFinite(last) ? last : 0;
  const soon = deletes.filter(({ isLast }) => !isLast).map(({ step }) => step);
  const late = deletes.filter(({ isLast }) => isLast).map(({ step }) => step);
  const isAwaitedWhole = late.length > 0 || hooks.some(({ phase }) => phase === 'post');
  const isAwaited = (wave: number): boolean => isAwaitedWhole || wave < last;
  const first = placeOfNamespace(applies, hooks);
  const applied = new Set(applies.map(({ object }) => keyText(object)));
  const waits = input.compared.comparisons.flatMap((comparison) =>
    isAwaited(comparison.desired.wave) && needsWait(comparison, applied)
      ? [healthWait(input, comparison)]
      : [],
  );
  const placed = applies.map((step) => (isNamespace(step) ? { ...step, ...first } : step));
  return [
    ...placed,
    ...waits,
    ...hooks,
    ...reversed(soon, lastWave),
    ...reversed(late, lastWave + 1 + soon.length),
  ].toSorted(
    (a, b) => phases.indexOf(a.phase) - phases.indexOf(b.phase) || a.wave - b.wave || a.order - b.order,
  );
}

/** The namespace that a sync makes for itself comes before all that needs it. */
function isNamespace({ object, tracked, action }: Step): boolean {
  return object.kind === 'Namespace' && !tracked && action.verb !== 'wait';
}
function placeOfNamespace(applies: readonly Step[], hooks: readonly Step[]): Pick<Step, 'phase' | 'wave'> {
  const phase = hooks.some((step) => step.phase === 'pre') ? 'pre' : 'sync';
  const waves = [...applies, ...hooks].filter((step) => step.phase === phase).map(({ wave }) => wave);
  return { phase, wave: Math.min(0, ...waves) };
}

/** What is applied, and what is not well though it stands as Git says. */
function needsWait({ ref, verdict }: Comparison, applied: ReadonlySet<string>): boolean {
  if (applied.has(keyText(ref))) return !isPassive(ref);
  if (!('object' in verdict)) return false;
  const { status, counts } = verdict.object.health;
  return counts !== false && status !== 'Healthy' && status !== 'Suspended';
}

function healthWait({ unit }: PlanInput, { ref, desired }: Comparison): Step {
  const timeoutMs = unit.sync.waitMaxMs ?? healthWaitMs;
  return makeStep(ref, { verb: 'wait', until: 'healthy', timeoutMs }, 'gate', {
    id: `wait-healthy:${keyText(ref)}`,
    wave: desired.wave,
    order: orders.waits,
    manager: unit.manager,
    tracked: false,
    at: desired.at,
  });
}

export function isHealthWait({ action }: Step): boolean {
  return action.verb === 'wait' && action.until === 'healthy';
}

/** Deletes begin with the last wave of what is applied; each lower wave waits until the one above is gone. */
function reversed(deletes: readonly Step[], from: number): readonly Step[] {
  const waves = [...new Set(deletes.map(({ wave }) => wave))].toSorted((a, b) => b - a);
  return deletes.flatMap((step) => {
    const place = waves.indexOf(step.wave);
    const wave = from + place;
    if (place === waves.length - 1) return [{ ...step, wave }];
    const until = { verb: 'wait', until: 'absent', timeoutMs: gateTimeoutMs } as const;
    const details = { wave, order: orders.waits, manager: step.manager, tracked: false };
    return [{ ...step, wave }, makeStep(step.object, until, 'gate', details)];
  });
}
