/**
 * The order of a whole plan: phases, in them waves, in them orders. A wave begins when what the one before applied is
 * well; objects are deleted after that, those of the highest wave first.
 */
import { keyText } from '#model/object.ts';
import type { Step } from '#model/plan.ts';
import type { Comparison } from './compare.ts';
import { isPassive, orders, phases } from './order.ts';
import type { PlanInput } from './plan.ts';
import type { Leaving, Removals } from './removals.ts';
import { makeStep } from './steps.ts';

/** What never comes about must not keep other things from being done for ever. */
const usualWaitMs = 3_600_000;

export interface StepKinds extends Pick<Removals, 'deletes' | 'going'> {
  readonly applies: readonly Step[];
  readonly hooks: readonly Step[];
}

export function inWaves(input: PlanInput, { applies, deletes, going, hooks }: StepKinds): readonly Step[] {
  const inSync = [...applies, ...hooks].filter(({ phase }) => phase === 'sync');
  const last = Math.max(...inSync.map(({ wave }) => wave), -Infinity);
  const lastWave = Number.isFinite(last) ? last : 0;
  const soon = reversed(input, { deletes: deletes.filter(isSoon), going: going.filter(isSoon) }, lastWave);
  const late = reversed(
    input,
    { deletes: deletes.filter(isLate), going: going.filter(isLate) },
    Math.max(lastWave, ...soon.map(({ wave }) => wave)) + 1,
  );
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
  return [...placed, ...waits, ...hooks, ...soon, ...late].toSorted(
    (a, b) => turnOf(a) - turnOf(b) || a.wave - b.wave || a.order - b.order,
  );
}

/** Other hooks may need what one leaves: it goes after all else of the sync, or of what follows its failure. */
function turnOf({ phase, cleanup }: Step): number {
  const isRemedy = phase === 'fail';
  if (cleanup === undefined) return phases.indexOf(phase);
  return phases.indexOf('fail') + (isRemedy ? 0.5 : -0.5);
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
  const timeoutMs = unit.sync.waitMaxMs ?? usualWaitMs;
  return makeStep(ref, { verb: 'wait', until: 'healthy', timeoutMs }, 'gate', {
    id: `wait-healthy:${keyText(ref)}`,
    wave: desired.wave,
    order: orders.waits,
    manager: unit.manager,
    tracked: false,
    at: desired.at,
  });
}

const isLate = ({ isLast }: Leaving): boolean => isLast;
const isSoon = (leaving: Leaving): boolean => !isLate(leaving);

/**
 * Deletes begin with the last wave of what is applied; each lower wave waits until those above are gone, also what an
 * earlier plan deleted, or somebody else.
 */
function reversed(
  { unit }: PlanInput,
  { deletes, going }: Pick<Removals, 'deletes' | 'going'>,
  from: number,
): readonly Step[] {
  const lowest = Math.min(...deletes.map(({ wave }) => wave));
  const awaited = [...deletes, ...going].filter(({ wave }) => wave > lowest);
  const waves = [...new Set([...awaited.map(({ wave }) => wave), lowest])].toSorted((a, b) => b - a);
  const placeOf = ({ wave }: Leaving): number => from + waves.indexOf(wave);
  const timeoutMs = unit.sync.waitMaxMs ?? usualWaitMs;
  return [
    ...deletes.map((removal) => ({ ...removal.step, wave: placeOf(removal) })),
    ...awaited.map((leaving) => {
      const { ref, uid } = leaving;
      const until = { verb: 'wait', until: 'absent', which: { uid }, timeoutMs } as const;
      const details = { wave: placeOf(leaving), order: orders.waits, manager: unit.manager, tracked: false };
      return makeStep(ref, until, 'gate', details);
    }),
  ];
}
