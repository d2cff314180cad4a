/** The inventory of a Unit through a Run: old ∪ attempted, until a delete is confirmed (F18). */
import { keyText, type ObjectRef } from '#model/object.ts';
import type { FieldValues, InventoryEntry, Sighting } from '#model/observed.ts';
import type { StepResult, UnitState } from '#model/outcome.ts';
import type { Plan } from '#model/plan.ts';

/** The inventory of a Unit whose last Run may have been cut off: what that attempted may have been sent. */
export function inventoryNow({
  intent,
  inventory,
}: Pick<UnitState, 'intent' | 'inventory'>): readonly InventoryEntry[] {
  return intent === undefined
    ? inventory
    : inventory.map((entry) => (isUnseen(entry) ? { ...entry, unanswered: true } : entry));
}

/** With what was sent and not answered. */
export function withUnanswered(
  inventory: readonly InventoryEntry[],
  results: readonly StepResult[],
): readonly InventoryEntry[] {
  const keys = new Set(
    results.flatMap(({ object, failure }) => (failure?.isUnanswered === true ? [keyText(object)] : [])),
  );
  return keys.size === 0
    ? inventory
    : inventory.map((entry) =>
        isUnseen(entry) && keys.has(keyText(entry.ref)) ? { ...entry, unanswered: true } : entry,
      );
}

function isUnseen({ state, uid }: InventoryEntry): boolean {
  return state === 'attempted' && uid === undefined;
}

/** Written with the intent, before the first change: what a crash must not forget. */
export function inventoryBefore(inventory: readonly InventoryEntry[], plan: Plan): readonly InventoryEntry[] {
  const entries = new Map(inventory.map((entry) => [keyText(entry.ref), entry]));
  for (const step of plan.steps) {
    if (!step.tracked || (step.action.verb !== 'create' && step.action.verb !== 'apply')) continue;
    const key = keyText(step.object);
    const known = entries.get(key);
    const { expect } = step.action;
    // What may be made anew is known by its marks then.
    const isAnew = expect === 'absent' || (step.action.verb === 'apply' && step.action.orElse !== undefined);
    const uid = isAnew ? undefined : expect.uid;
    if (known !== undefined && known.uid === uid) continue;
    // Made anew, or another object by now: the UID that is recorded is not that of what will stand there.
    entries.set(key, { ref: step.object, state: 'attempted', ...(uid === undefined ? {} : { uid }) });
  }
  return [...entries.values()];
}

export interface InventoryAfter {
  readonly inventory: readonly InventoryEntry[];
  readonly values: Readonly<Record<string, FieldValues>>;
}

/**
 * Written with the outcome. `gone` are objects that are known to be away; a delete that a finalizer holds stays in
 * as `deleting` until the watch sees it go (F27).
 */
export function inventoryAfter(
  before: readonly InventoryEntry[],
  values: Readonly<Record<string, FieldValues>>,
  plan: Plan,
  results: readonly StepResult[],
  gone: ReadonlySet<string>,
  keepsLeftovers: boolean,
): InventoryAfter {
  const entries = new Map(before.map((entry) => [keyText(entry.ref), entry]));
  const kept = new Map(Object.entries(values));
  const desired = new Map(plan.desired.map((object) => [keyText(object.ref), object.digest]));
  const resultOf = new Map(results.map((result) => [result.step, result]));
  for (const step of plan.steps) {
    const result = resultOf.get(step.id);
    const key = keyText(step.object);
    if (!step.tracked || result?.result !== 'done') continue;
    if (step.action.verb === 'delete') markDeleting(entries, key);
    else if (result.observed !== undefined) {
      const made = entryOf(step.object, result, desired.get(key));
      // An attempt before this one may land yet, and make it again when it was deleted.
      entries.set(key, entries.get(key)?.unanswered === true ? { ...made, unanswered: true } : made);
      if (result.values !== undefined) kept.set(key, result.values);
    }
  }
  for (const key of gone) {
    if (desired.has(key)) continue;
    entries.delete(key);
    kept.delete(key);
  }
  for (const { ref } of plan.kept) {
    const entry = entries.get(keyText(ref));
    if (entry === undefined) continue;
    entries.set(keyText(ref), keepsLeftovers ? { ...unwanted(entry), state: 'kept' } : unwanted(entry));
  }
  return { inventory: [...entries.values()], values: Object.fromEntries(kept) };
}

/** No longer in Git: without a digest of what is wanted it is looked at in every plan, until it may go. */
function unwanted(entry: InventoryEntry): InventoryEntry {
  const { desired: _, ...rest } = entry;
  return rest;
}

/**
 * The inventory when there is nothing to do: what is neither wanted nor there leaves it, and what stays though Git does
 * not have it is marked so. The very same value if nothing changes.
 */
export function inventorySettled(
  inventory: readonly InventoryEntry[],
  plan: Plan,
  sightings: ReadonlyMap<string, Sighting>,
  mayLand: boolean,
): readonly InventoryEntry[] {
  const wanted = new Set(plan.desired.map(({ ref }) => keyText(ref)));
  const kept = new Set(plan.kept.map(({ ref }) => keyText(ref)));
  const gone = goneKeys(inventory, sightings, mayLand);
  const left = inventory.filter(({ ref }) => wanted.has(keyText(ref)) || !gone.has(keyText(ref)));
  const hasLanded = ({ unanswered }: InventoryEntry): boolean => !mayLand && unanswered === true;
  const isSame =
    left.length === inventory.length &&
    !left.some(hasLanded) &&
    !left.some(({ ref, desired }) => desired !== undefined && kept.has(keyText(ref)));
  if (isSame) return inventory;
  return left
    .map((entry) => (hasLanded(entry) ? answered(entry) : entry))
    .map((entry) => (kept.has(keyText(entry.ref)) ? unwanted(entry) : entry));
}

function answered(entry: InventoryEntry): InventoryEntry {
  const { unanswered: _, ...rest } = entry;
  return rest;
}

function markDeleting(entries: Map<string, InventoryEntry>, key: string): void {
  const entry = entries.get(key);
  if (entry === undefined) return;
  // What was there to be deleted has landed; unless it is of an attempt after that.
  const known = entry.state === 'applied' ? entry : answered(entry);
  entries.set(key, { ...unwanted(known), state: 'deleting' });
}

function entryOf(ref: ObjectRef, result: StepResult, desired: InventoryEntry['desired']): InventoryEntry {
  const { observed } = result;
  return {
    ref,
    state: 'applied',
    ...(observed === undefined ? {} : { uid: observed.uid }),
    ...(desired === undefined ? {} : { desired }),
    ...(observed?.projection === undefined ? {} : { projection: observed.projection }),
  };
}

/** The keys of inventory entries that were seen to be away; `mayLand`: not of those whose creation may still be carried out. */
export function goneKeys(
  inventory: readonly InventoryEntry[],
  sightings: ReadonlyMap<string, Sighting>,
  mayLand: boolean,
): ReadonlySet<string> {
  return new Set(
    inventory
      .filter(({ ref, uid, state, unanswered }) => {
        const sighting = sightings.get(keyText(ref));
        if (sighting?.state === 'absent') return !(mayLand && unanswered === true);
        if (sighting?.state === 'unknown') return sighting.notServed === true && state === 'deleting';
        const isOther = sighting?.state === 'present' && uid !== undefined && sighting.object.uid !== uid;
        return isOther && !(mayLand && unanswered === true);
      })
      .map(({ ref }) => keyText(ref)),
  );
}
