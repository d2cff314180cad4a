/** What Git does not have any more: what of it is deleted, and what stays, and why. */
import { keyText, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Kept, Step } from '#model/plan.ts';
import { isExcluded } from '../policy/limits.ts';
import { isGoing, type Compared } from './compare.ts';
import { directivesOf } from './directives.ts';
import { deleteOrder, usualPropagation } from './order.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Consent } from '#model/unit.ts';
import type { PlanInput } from './plan.ts';
import { makeStep } from './steps.ts';

export interface Removals {
  readonly deletes: readonly Removal[];
  /** On their way out already, whoever deleted them. */
  readonly going: readonly Leaving[];
  readonly kept: readonly Kept[];
}
export interface Leaving {
  readonly ref: ObjectRef;
  readonly uid: string;
  /** That the object names; see `inWaves`. */
  readonly wave: number;
  /** Only when everything else is applied and healthy. */
  readonly isLast: boolean;
}
export interface Removal extends Leaving {
  readonly step: Step;
}

/** `others`: something else is to be done as well. */
export function removals(input: PlanInput, others: boolean): Removals {
  const judged = input.compared.removals.flatMap((removal) =>
    removal.state === 'present' ? [judge(input, removal)] : [],
  );
  const decided = judged.filter((verdict) => verdict !== undefined);
  const deletes = decided.filter((verdict) => 'step' in verdict);
  // What Git is not expected to have is deleted along with a sync, and is no reason for one.
  const isReason = others || isAsked(input) || deletes.some(({ isReason: itself }) => itself);
  return {
    deletes: isReason ? deletes : [],
    going: input.compared.removals.flatMap((removal) =>
      removal.state === 'present' ? goingOf(input, removal) : [],
    ),
    kept: [
      ...decided.flatMap((verdict) => ('step' in verdict ? [] : [verdict])),
      ...(isReason ? [] : deletes.map(({ step }) => extraneous(step))),
    ],
  };
}

function extraneous({ object }: Step): Kept {
  return { ref: object, why: 'Git is not expected to have it; the next sync deletes it', isMeant: true };
}

function isAsked({ unit }: PlanInput): boolean {
  return unit.request?.prune === true || unit.teardown !== undefined;
}

type Present = Extract<Compared['removals'][number], { readonly state: 'present' }>;

function goingOf({ unit, bodies }: PlanInput, { entry: { ref }, object }: Present): readonly Leaving[] {
  if (object.deletingSinceMs === undefined || isExcluded(unit.limits, ref)) return [];
  const { wave, options } = directivesOf(bodies.get(keyText(ref)) ?? emptyManifest, unit);
  return [{ ref, uid: object.uid, wave, isLast: options.pruneLast }];
}

/** Undefined where there is nothing to do: it goes already. */
function judge(
  input: PlanInput,
  { entry, object }: Present,
): (Removal & { readonly isReason: boolean }) | Kept | undefined {
  const { unit, state } = input;
  const { ref } = entry;
  if (isGoing(entry, { state: 'present', object })) return undefined;
  if (isExcluded(unit.limits, ref))
    return { ref, why: 'the control plane excludes its kind: it is left alone', isMeant: true };
  // As the object itself says: Git does not have it any more.
  const live = input.bodies.get(keyText(ref));
  const { wave, options } = directivesOf(live ?? emptyManifest, unit);
  const mayPrune = unit.sync.prune || isAsked(input);
  const isMeant = options.ignoresExtraneous && unit.teardown === undefined ? { isMeant: true as const } : {};
  if (!mayPrune) return { ref, why: 'it is not in Git, and pruning is off', ...isMeant };
  if (!isAsked(input) && (state?.takenOver === true || entry.state === 'kept'))
    return { ref, why: `it came with the takeover and is not in Git: ${unit.wishes.prune}`, ...isMeant };
  const refused = withoutConsent(input, unit.teardown === undefined ? options.prune : options.deletion);
  if (refused !== undefined) return { ref, ...refused, ...isMeant };
  if (object.deletingSinceMs !== undefined) {
    const finalizers = object.finalizers.join(', ');
    return { ref, why: `it is being deleted${finalizers === '' ? '' : ` and waits for ${finalizers}`}` };
  }
  const propagation =
    unit.teardown?.propagation ?? options.propagation ?? unit.sync.propagation ?? usualPropagation(ref);
  const action = { verb: 'delete', expect: { uid: object.uid }, propagation } as const;
  const details = { order: deleteOrder(ref), wave, manager: unit.manager, tracked: true };
  return {
    ref,
    uid: object.uid,
    wave,
    step: makeStep(ref, action, 'removed', details),
    isLast: options.pruneLast,
    isReason: !options.ignoresExtraneous,
  };
}

const emptyManifest: Manifest = { apiVersion: '', kind: '', metadata: { name: '' } };

function withoutConsent({ unit, state }: PlanInput, consent: Consent): Omit<Kept, 'ref'> | undefined {
  if (consent === 'yes') return undefined;
  if (consent === 'no') {
    const why = 'it is not deleted: its options or its annotations say so';
    return unit.teardown === undefined ? { why } : { why, isMeant: true };
  }
  // A word that was given before the last sync was for what it deleted.
  if (unit.confirmedAtMs !== undefined && unit.confirmedAtMs >= lastSyncMs(state)) return undefined;
  return { why: `it is deleted when somebody confirms it: ${unit.wishes.confirm ?? unit.wishes.prune}` };
}

function lastSyncMs(state: UnitState | undefined): number {
  const last = state?.history.findLast(({ kind }) => kind === 'sync');
  return last === undefined ? 0 : last.atMs + last.durationMs;
}
