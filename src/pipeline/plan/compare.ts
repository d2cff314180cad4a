/** What is wanted beside what is there: one verdict an object, without looking at bodies. */
import type { Digest } from '#model/json.ts';
import { keyText, type ObjectRef } from '#model/object.ts';
import type { InventoryEntry, ObservedObject, Sighting } from '#model/observed.ts';
import type { Tracking, Unit } from '#model/unit.ts';
import type { DesiredObject } from './desired.ts';
import { trackedOwner } from './tracking.ts';

export type Verdict =
  | { readonly verdict: 'same'; readonly object: ObservedObject }
  /** `known`: it was applied as Git has it, so somebody deleted it. */
  | { readonly verdict: 'missing'; readonly known: boolean }
  | {
      readonly verdict: 'changed' | 'drifted' | 'adopted' | 'migration';
      readonly object: ObservedObject;
      /** An apply of it was begun, and not seen to end. */
      readonly isUnfinished?: true;
    }
  /** `known`: it is the one that was applied as Git has it, so somebody else deleted it. */
  | { readonly verdict: 'terminating'; readonly object: ObservedObject; readonly known: boolean }
  | { readonly verdict: 'conflict'; readonly object: ObservedObject; readonly owner: string }
  | { readonly verdict: 'unknown'; readonly why: string };

export interface Comparison {
  readonly ref: ObjectRef;
  readonly desired: DesiredObject;
  readonly verdict: Verdict;
}

export type Removal =
  | { readonly state: 'present'; readonly entry: InventoryEntry; readonly object: ObservedObject }
  /** Already gone, or another object by now: nothing of ours to delete. */
  | { readonly state: 'gone'; readonly entry: InventoryEntry }
  | { readonly state: 'unknown'; readonly entry: InventoryEntry; readonly why: string };

export interface Compared {
  readonly comparisons: readonly Comparison[];
  readonly removals: readonly Removal[];
}

export interface CompareInput {
  readonly unit: Unit;
  readonly desired: readonly DesiredObject[];
  /** In Git, and nothing that is compared: hooks, and what is not to be applied. */
  readonly others: readonly ObjectRef[];
  readonly inventory: readonly InventoryEntry[];
  readonly sightings: ReadonlyMap<string, Sighting>;
  /** The name of another Unit that owns or claims the object. */
  readonly otherOwner: (ref: ObjectRef, uid: string | undefined) => string | undefined;
  /** Whether a Unit of this tracking name exists. */
  readonly isUnit: (trackingName: string) => boolean;
  /** How Units are marked, each way once: those of other dialects have their own. */
  readonly trackings: () => readonly Tracking[];
}

export function compare(given: CompareInput): Compared {
  let trackings: readonly Tracking[] | undefined;
  const input = { ...given, trackings: () => (trackings ??= given.trackings()) };
  const inventory = new Map(input.inventory.map((entry) => [keyText(entry.ref), entry]));
  const wanted = new Set([...input.desired.map(({ ref }) => ref), ...input.others].map(keyText));
  return {
    comparisons: input.desired.map((desired) => ({
      ref: desired.ref,
      desired,
      verdict: verdictOf(input, desired, inventory.get(keyText(desired.ref))),
    })),
    removals: input.inventory
      .filter((entry) => !wanted.has(keyText(entry.ref)))
      .map((entry) => removalOf(input.unit, entry, input.sightings.get(keyText(entry.ref)))),
  };
}

function verdictOf(input: CompareInput, desired: DesiredObject, entry: InventoryEntry | undefined): Verdict {
  const sighting = input.sightings.get(keyText(desired.ref)) ?? {
    state: 'unknown',
    why: 'it was not looked at',
  };
  if (sighting.state === 'unknown') {
    // Never seen, and of a kind that something else is to bring: its creation is tried.
    const isYetToCome =
      sighting.notServed === true && desired.options.awaitsKind && entry?.state !== 'applied';
    return isYetToCome ? { verdict: 'missing', known: false } : { verdict: 'unknown', why: sighting.why };
  }
  const claimed = input.otherOwner(
    desired.ref,
    sighting.state === 'present' ? sighting.object.uid : undefined,
  );
  const isApplied = entry?.state === 'applied' && entry.desired === desired.digest;
  if (sighting.state === 'absent') {
    if (claimed !== undefined) return { verdict: 'unknown', why: `${claimed} is creating it` };
    return { verdict: 'missing', known: isApplied };
  }
  const { object } = sighting;
  if (claimed !== undefined) return { verdict: 'conflict', object, owner: claimed };
  if (object.deletingSinceMs !== undefined)
    return { verdict: 'terminating', object, known: isApplied && entry?.uid === object.uid };
  if (entry === undefined || entry.uid !== object.uid) {
    return strangerVerdict(input, desired, object, entry);
  }
  if (entry.state !== 'applied') return { verdict: 'changed', object, isUnfinished: true };
  if (entry.desired !== desired.digest) return { verdict: 'changed', object };
  if (object.projection === undefined || object.projection !== entry.projection)
    return { verdict: 'drifted', object };
  return { verdict: object.legacy ? 'migration' : 'same', object };
}

/** There, but not the object that we applied: ours to adopt unless its marks name another Unit. */
function strangerVerdict(
  input: CompareInput,
  desired: DesiredObject,
  object: ObservedObject,
  entry: InventoryEntry | undefined,
): Verdict {
  const { tracking } = input.unit;
  const owner =
    trackedOwner(object.tracking, desired.ref, tracking) ?? foreignOwner(input, object, desired.ref);
  if (owner !== undefined && owner !== tracking.owner && input.isUnit(owner)) {
    return { verdict: 'conflict', object, owner };
  }
  return { verdict: entry?.state === 'applied' ? 'drifted' : 'adopted', object };
}

/** Who has it by the marks of another dialect. One label alone is no mark there: charts set the same ones. */
function foreignOwner(
  { isUnit, trackings }: CompareInput,
  { tracking: marks }: ObservedObject,
  ref: ObjectRef,
): string | undefined {
  if (Object.keys(marks).length === 0) return undefined;
  return trackings()
    .filter(({ annotation, labels = [] }) => annotation !== undefined || labels.length > 1)
    .map((tracking) => trackedOwner(marks, ref, tracking))
    .find((owner) => owner !== undefined && isUnit(owner));
}

function removalOf(unit: Unit, entry: InventoryEntry, sighting: Sighting | undefined): Removal {
  if (sighting === undefined || sighting.state === 'unknown') {
    // Its deletion was asked for, and then its kind was deleted too: nothing of it can be left.
    if (sighting?.notServed === true && entry.state === 'deleting') return { state: 'gone', entry };
    return { state: 'unknown', entry, why: sighting?.why ?? 'it was not looked at' };
  }
  if (sighting.state === 'absent') return { state: 'gone', entry };
  // F26: only the very object that we applied. An entry without UID is a create whose answer was lost, or came with
  // a takeover: then the object's own marks must name this Unit.
  const isOurs =
    entry.uid === sighting.object.uid ||
    (mayBeOther(entry) &&
      trackedOwner(sighting.object.tracking, entry.ref, unit.tracking) === unit.tracking.owner);
  return isOurs ? { state: 'present', entry, object: sighting.object } : { state: 'gone', entry };
}

/** What stands there may have come of a request that is not known to have been carried out. */
const mayBeOther = ({ uid, unanswered }: InventoryEntry): boolean => uid === undefined || unanswered === true;

/** The objects whose bodies the planner needs: those that are there and are not simply the same. */
export function bodiesNeeded(compared: Compared): readonly ObjectRef[] {
  const changing = compared.comparisons
    .filter(({ verdict }) => ['changed', 'drifted', 'adopted', 'migration'].includes(verdict.verdict))
    .map(({ ref }) => ref);
  // They themselves say in which wave they go: Git does not have them any more.
  return [
    ...changing,
    ...compared.removals.flatMap(({ state, entry }) => (state === 'present' ? [entry.ref] : [])),
  ];
}

/** Finalizers that the cluster's own garbage collector removes: nobody has to do anything. */
const collectorFinalizers = new Set(['foregroundDeletion', 'orphan']);

/** Deleted by us, and gone or about to go by itself. What another finalizer holds is reported (F27). */
export function isGoing(entry: InventoryEntry, sighting: Sighting | undefined): boolean {
  if (sighting?.state === 'absent') return true;
  if (sighting?.state !== 'present') return false;
  const { uid, deletingSinceMs, finalizers } = sighting.object;
  if (!mayBeOther(entry) && uid !== entry.uid) return true;
  return deletingSinceMs !== undefined && finalizers.every((name) => collectorFinalizers.has(name));
}

/** In sync without rendering: everything in the inventory is as our last apply left it. */
export function inventoryHolds(
  inventory: readonly InventoryEntry[],
  sightings: ReadonlyMap<string, Sighting>,
  /** By key text: how objects may stand as well, because they differ in ignored fields only. */
  tolerated: ReadonlyMap<string, Digest> = new Map(),
): boolean {
  return inventory.every((entry) => {
    const sighting = sightings.get(keyText(entry.ref));
    if (entry.state === 'deleting') return isGoing(entry, sighting);
    return (
      entry.state === 'applied' &&
      entry.desired !== undefined &&
      entry.projection !== undefined &&
      sighting?.state === 'present' &&
      sighting.object.uid === entry.uid &&
      sighting.object.projection !== undefined &&
      [entry.projection, tolerated.get(keyText(entry.ref))].includes(sighting.object.projection) &&
      sighting.object.deletingSinceMs === undefined &&
      !sighting.object.legacy
    );
  });
}
