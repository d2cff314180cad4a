/** What stops a plan before it runs, whatever the trigger: F8, F9, F19, conflicts, limits. */
import type { Failure } from '#model/failure.ts';
import type { Digest } from '#model/json.ts';
import { describe, keyText, type ObjectRef } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import { approval, type Unit } from '#model/unit.ts';
import type { Compared } from './compare.ts';
import type { DesiredObject } from './desired.ts';

/** F9: more than this many deletes, and more than this share of what stands of the inventory, waits for a person. */
export const largePrune = { countMin: 5, share: 0.5 } as const;

function blocked(code: string, message: string, hint: string, subject?: ObjectRef): Failure {
  return {
    kind: 'blocked',
    code,
    stage: 'plan',
    message,
    hint,
    ...(subject === undefined ? {} : { subject }),
  };
}

/** Objects that cannot be judged, or that belong to somebody else: no write of the Unit at all. */
export function objectGuards(compared: Compared): readonly Failure[] {
  const failures: Failure[] = [];
  for (const { ref, verdict, desired } of compared.comparisons) {
    if (verdict.verdict === 'conflict') {
      const message = `it belongs to ${verdict.owner}, so nothing of this Unit is applied`;
      const hint = 'take it out of one of the two sources, or delete the other owner first';
      failures.push({ ...blocked('ObjectConflict', message, hint, ref), at: desired.at });
    } else if (verdict.verdict === 'unknown') {
      failures.push({
        ...blocked(
          'ObservationIncomplete',
          `its live state is not known: ${verdict.why}`,
          'it is looked at again by itself',
          ref,
        ),
        kind: 'transient',
      });
    }
  }
  for (const removal of compared.removals) {
    if (removal.state !== 'unknown') continue;
    failures.push({
      ...blocked(
        'ObservationIncomplete',
        `it is not in Git any more, and its live state is not known: ${removal.why}`,
        'nothing is deleted until it is known',
        removal.entry.ref,
      ),
      kind: 'transient',
    });
  }
  return failures;
}

export interface MadeUpQuestion {
  readonly unit: Unit;
  readonly state: UnitState | undefined;
  readonly inputs: Digest;
  readonly desired: readonly DesiredObject[];
  readonly digest: Digest;
}

/**
 * Templates made values up, the same inputs are applied with others, and those are not kept any more: a password would
 * change, and workloads restart, though nobody changed anything. An entry without a digest says nothing: its object
 * was gone, or was never applied.
 */
export function madeUpGuards(question: MadeUpQuestion): readonly Failure[] {
  const { unit, state, inputs, desired, digest } = question;
  if (state?.inputs !== inputs || unit.approved === digest) return [];
  const applied = new Map(state.inventory.map((entry) => [keyText(entry.ref), entry]));
  const others = desired.filter((object) => {
    const entry = applied.get(keyText(object.ref));
    return entry === undefined || (entry.desired !== undefined && entry.desired !== object.digest);
  });
  const [first] = others;
  if (first === undefined) return [];
  const more = others.length > 1 ? ` and ${others.length - 1} more` : '';
  return [
    blocked(
      'RandomTemplate',
      `held for approval: the values that templates made up for ${describe(first.ref)}${more} are not kept here, and others would replace them; plan ${digest}`,
      `to accept new values, approve it: ${approval(unit, digest)}`,
    ),
  ];
}

export interface PruneQuestion {
  readonly unit: Unit;
  readonly desired: number;
  readonly inventory: number;
  /** Of the inventory, what nobody else has deleted already. */
  readonly standing: number;
  readonly deletes: readonly ObjectRef[];
  readonly digest: string;
}

export function pruneGuards(question: PruneQuestion): readonly Failure[] {
  const { unit, desired, inventory, standing, deletes, digest } = question;
  if (unit.teardown !== undefined || unit.approved === digest) return [];
  if (desired === 0 && inventory > 0 && !unit.sync.allowEmpty) {
    const { allowEmpty, prune } = unit.wishes;
    const [until, remedy] =
      deletes.length === 0
        ? ['', `${allowEmpty}; then ${prune}`]
        : [` until plan ${digest} is approved`, `approve it: ${approval(unit, digest)}; or ${allowEmpty}`];
    return [
      blocked(
        'EmptyRender',
        `the source gives no objects, and ${inventory} are in the cluster; they stay${until}`,
        `if this is meant, ${remedy}`,
      ),
    ];
  }
  if (deletes.length <= largePrune.countMin || deletes.length <= standing * largePrune.share) return [];
  const list = deletes.slice(0, 5).map(describe).join(', ');
  const more = deletes.length > 5 ? ` and ${deletes.length - 5} more` : '';
  return [
    blocked(
      'PruneHeld',
      `held for approval: ${deletes.length} of ${standing} objects would be deleted (${list}${more}); plan ${digest}`,
      `look at the plan, then approve it: ${approval(unit, digest)}`,
    ),
  ];
}
