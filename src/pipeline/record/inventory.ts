/** The inventory of a Unit through a Run: old ∪ attempted, until a delete is confirmed (F18). */
import { keyText, type ObjectRef } from '#model/object.ts';
import type { FieldValues, InventoryEntry, Sighting } from '#model/observed.ts';
import type { StepResult, UnitState } from '#model/outcome.ts';
import type { Plan } from '#model/plan.ts';

/**
 * How long a creation that was given up may still be carried out: an API server ends a request after 60 s, unless it is
 * told otherwise, and what is on its way to it takes its time too.
 */
const landsWithinMs = 90_000;

/** Codes of failures that do not say whether the request was carried out. */
const unanswered: ReadonlySet<string> = new Set([
  'Timeout',
  'Unreachable',
  'Closed',
  'WorkerGone',
  'UnexpectedAnswer',
]);

/** The inventory of a Unit whose last Run may have been cut off: what that attempted may have been sent. */
export function inventoryNow({ intent, inventory }: UnitState, nowMs: number): readonly InventoryEntry[] {
  return intent === undefined
    ? inventory
    : inventory.map((entry) => (isUnseen(entry) ? { unansweredAtMs: nowMs, ...entry } : entry));
}

/** What was sent and not answered, with the time. */
export function withUnanswered(
  inventory: readonly InventoryEntry[],
  results: readonly StepResult[],
  nowMs: number,
): readonly InventoryEntry[] {
  const keys = new Set(
    results.flatMap(({ object, failure }) =>
      failure !== undefined && unanswered.has(failure.code) ? [keyText(object)] : [],
    ),
  );
  return keys.size === 0
    ? inventory
    : inventory.map((entry) =>
        isUnseen(entry) && keys.has(keyText(entry.ref)) ? { ...entry, unansweredAtMs: nowMs } : entry,
      );
}

function isUnseen({ state, uid }: InventoryEntry): boolean {
  return state === 'attempted' && uid === undefined;
}

/** How long until the last of what was not answered can be believed not to come any more; undefined: there is nothing. */
export function landsInMs(inventory: readonly InventoryEntry[], nowMs: number): number | undefined {
  const lastMs = inventory.reduce((last, entry) => Math.max(last, landingMs(entry, nowMs)), 0);
  return lastMs > 0 ? lastMs : undefined;
}

function landingMs({ unansweredAtMs }: InventoryEntry, nowMs: number): number {
  // A clock that was set back must not make it wait for longer.
  return unansweredAtMs === undefined ? 0 : Math.min(unansweredAtMs - nowMs, 0) + landsWithinMs;
}

/** Written with the intent, before the first change: what a crash must not forget. */
export function inventoryBefore(inventory: readonly InventoryEntry[], plan: Plan): readonly InventoryEntry[] {
  const entries = new Map(inventory.map((entry) => [keyText(entry.ref), entry]));
  for (const step of plan.steps) {
    if (!step.tracked || (step.action.verb !== 'create' && step.action.verb !== 'apply')) continue;
    const key = keyText(step.object);
    const known = entries.get(key);
    const uid = step.action.expect === 'absent' ? undefined : step.action.expect.uid;
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
      entries.set(key, entryOf(step.object, result, desired.get(key)));
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
  nowMs: number,
): readonly InventoryEntry[] {
  const wanted = new Set(plan.desired.map(({ ref }) => keyText(ref)));
  const kept = new Set(plan.kept.map(({ ref }) => keyText(ref)));
  const gone = goneKeys(inventory, sightings, nowMs);
  const left = inventory.filter(({ ref }) => wanted.has(keyText(ref)) || !gone.has(keyText(ref)));
  const isSame =
    left.length === inventory.length &&
    !left.some(({ ref, desired }) => desired !== undefined && kept.has(keyText(ref)));
  return isSame ? inventory : left.map((entry) => (kept.has(keyText(entry.ref)) ? unwanted(entry) : entry));
}

function markDeleting(entries: Map<string, InventoryEntry>, key: string): void {
  const entry = entries.get(key);
  if (entry !== undefined) entries.set(key, { ...unwanted(entry), state: 'deleting' });
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

/** The keys of inventory entries that were seen to be away, and are not to be expected. */
export function goneKeys(
  inventory: readonly InventoryEntry[],
  sightings: ReadonlyMap<string, Sighting>,
  nowMs: number,
): ReadonlySet<string> {
  return new Set(
    inventory
      .filter((entry) => {
        const { ref, uid, state } = entry;
        const sighting = sightings.get(keyText(ref));
        if (sighting?.state === 'absent') return landingMs(entry, nowMs) <= 0;
        if (sighting?.state === 'unknown') return sighting.notServed === true && state === 'deleting';
        return sighting?.state === 'present' && uid !== undefined && sighting.object.uid !== uid;
      })
      .map(({ ref }) => keyText(ref)),
  );
}
