/** What changed on the fields that we own, what an apply would change, and who made each what it is. */
import { canonicalJson, type Json } from '#model/json.ts';
import type { FieldChange, FieldValues } from '#model/observed.ts';
import type { Manifest } from '#model/object.ts';
import type { Sealer } from '#model/ports.ts';
import { declaredFields, type DeclaredField } from './declared.ts';
import { contains, emptySet, nodeAt, setOf, union } from './field-set.ts';
import { isContainer, isEmptyContainer, valueAt } from './live-value.ts';
import {
  applyEntry,
  hasAtomicAbove,
  isApplyOf,
  managedEntries,
  ownerOf,
  type ManagedEntry,
} from './managed-fields.ts';
import { elementKey, parsePath } from './path.ts';
import { ownedValues } from './projection.ts';
import { isQuantityPath, sameQuantity } from './quantity.ts';
import { isSecret, isSecretPath, sealed } from './secrets.ts';

/**
 * The changes between what was recorded at our last apply and the live object, sorted by path. A field that we lost
 * is looked up by its path. Empty when only ownership moved: the values are what they were.
 */
export function changesBetween(
  recorded: FieldValues,
  live: Manifest,
  manager: string,
  sealer: Sealer,
): readonly FieldChange[] {
  const entries = managedEntries(live);
  const current = ownedValues(live, entries, manager, sealer) ?? {};
  const body = sealed(live, sealer);
  const secret = isSecret(live);
  const isOurs = (entry: ManagedEntry): boolean => isApplyOf(entry, manager);
  const changes: FieldChange[] = [];

  for (const path of new Set([...Object.keys(recorded), ...Object.keys(current)].toSorted())) {
    const before = recorded[path];
    const stillOurs = Object.hasOwn(current, path);
    const after = stillOurs ? current[path] : liveValue(body, path);
    if (sameValue(before, after) || (stillOurs && isAbsent(before) && isAbsent(after))) continue;
    if (isAbsent(before) && isFilledInParts(entries, path, after)) continue;
    const owner = isNothing(after) ? 'unknown' : (ownerOf(entries, path, isOurs) ?? 'unknown');
    changes.push(fieldChange(path, before, after, owner, secret));
  }
  return changes;
}

/**
 * What an apply of `desired` would change, sorted by path: declared fields whose live value is another, and fields
 * that we own alone and that `desired` no longer has. Each carries who owns it now; none where nobody does.
 * Without the schema, a value that admission, normalisation or defaulting inside an atomic list rewrites shows as a
 * change when the object is applied for another reason; quantities in their usual places are compared as amounts.
 */
export function plannedChanges(
  desired: Manifest,
  live: Manifest,
  manager: string,
  sealer: Sealer,
): readonly FieldChange[] {
  const entries = managedEntries(live);
  const ours = applyEntry(entries, manager);
  const wanted = sealed(desired, sealer);
  const body = sealed(live, sealer);
  const secret = isSecret(live) || isSecret(desired);
  const declared = declarations(wanted, body, entries, ours);
  const changes = declared
    .filter((field) => differs(field, entries, ours))
    .map((field) => fieldChange(field.text, field.live, field.desired, ownerOf(entries, field.text), secret));

  const declaredSet = setOf(declared.map((field) => field.path));
  const others = entries.filter((entry) => entry !== ours);
  for (const [path, value] of Object.entries(ownedValues(live, entries, manager, sealer) ?? {})) {
    const keys = parsePath(path)!.map(elementKey);
    const declaredAboveOrBelow = nodeAt(declaredSet, keys) !== undefined || hasAtomicAbove(declaredSet, keys);
    if (isNothing(value) || declaredAboveOrBelow) continue;
    // Who owns it beside us keeps it.
    if (others.some((entry) => nodeAt(entry.fields, keys) !== undefined)) continue;
    changes.push(fieldChange(path, value, undefined, ownerOf(entries, path), secret));
  }
  return changes.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

/**
 * The fields on which a server-side apply of `desired` conflicts: declared, of another text in the live object, and
 * owned by another entry, whether or not we own them too. An Update entry under our own name is another entry, and
 * so is one of a subresource such as `scale`. An apply must be forced to take them.
 *
 * The server compares before it normalises and defaults, so this does too: when another entry owns them,
 * `cpu: 1000m` conflicts with a live `1`, `hostNetwork: false` with a live object that does not show it, and an atomic
 * list with one that defaulting completed. Measured on 1.36, where the two agreed in every case tried.
 */
export function forcedFields(desired: Manifest, live: Manifest, manager: string): readonly string[] {
  const entries = managedEntries(live);
  const ours = applyEntry(entries, manager);
  const others = entries.filter((entry) => entry !== ours);
  return declarations(desired, live, entries, ours)
    .filter((field) => others.some((entry) => contains(entry.fields, field.path)))
    .filter((field) => canonicalJson(field.desired) !== canonicalJson(field.live))
    .filter((field) => !leavesPartsAlone(field, others))
    .map((field) => field.text);
}

/** The fields that a manifest declares, beside their live values. */
export function declarations(
  desired: Manifest,
  live: Manifest,
  entries: readonly ManagedEntry[],
  ours: ManagedEntry | undefined,
): readonly DeclaredField[] {
  const known = entries.reduce((set, entry) => union(set, entry.fields), emptySet);
  return declaredFields(desired, live, known, ours?.fields.children.has('f:status') ?? false);
}

function differs(
  field: DeclaredField,
  entries: readonly ManagedEntry[],
  ours: ManagedEntry | undefined,
): boolean {
  const { desired, live, path } = field;
  if (isNothing(desired)) return !isNothing(live);
  if (isNothing(live)) {
    // `false`, `""`, `0`, `{}` and `[]` of ours that the server chose not to keep. An empty list is never owned.
    if (Array.isArray(desired) && desired.length === 0) return false;
    return !(isZero(desired) && ours !== undefined && contains(ours.fields, path));
  }
  if (canonicalJson(desired) === canonicalJson(live)) return false;
  if (isQuantityPath(path) && sameQuantity(desired, live)) return false;
  return !leavesPartsAlone(
    field,
    entries.filter((entry) => entry !== ours),
  );
}

/** An empty map or list takes nothing from those who own the parts of what is there. */
function leavesPartsAlone({ desired, live, path }: DeclaredField, others: readonly ManagedEntry[]): boolean {
  return isEmptyContainer(desired) && isContainer(live) && others.some((entry) => hasChildren(entry, path));
}

function hasChildren(entry: ManagedEntry, path: readonly string[]): boolean {
  return (nodeAt(entry.fields, path)?.children.size ?? 0) > 0;
}

function isZero(value: Json): boolean {
  return value === false || value === '' || value === 0 || isEmptyContainer(value);
}

/** One change; where the value is secret, it says so and has no values. */
function fieldChange(
  path: string,
  before: Json | undefined,
  after: Json | undefined,
  owner: FieldChange['owner'],
  secretObject: boolean,
): FieldChange {
  const hidden = secretObject && isSecretPath(path);
  return {
    path,
    ...(hidden || isNothing(before) ? {} : { before: before! }),
    ...(hidden || isNothing(after) ? {} : { after: after! }),
    ...(hidden ? { secret: true as const } : {}),
    ...(owner === undefined ? {} : { owner }),
  };
}

function liveValue(body: Manifest, path: string): Json | undefined {
  const elements = parsePath(path);
  return elements === undefined ? undefined : valueAt(body, elements);
}

function isNothing(value: Json | undefined): boolean {
  return value === undefined || value === null;
}
function isAbsent(value: Json | undefined): boolean {
  return isNothing(value) || isEmptyContainer(value);
}

/** Absent and empty are one where it was absent before: `nodeSelector: {}` is dropped by the server, or not. */
function sameValue(before: Json | undefined, after: Json | undefined): boolean {
  if (isNothing(before)) return isAbsent(after);
  return !isNothing(after) && canonicalJson(before) === canonicalJson(after);
}

/** We had declared an empty map, others put their members in: those are theirs, and no apply of ours would undo it. */
function isFilledInParts(entries: readonly ManagedEntry[], path: string, value: Json | undefined): boolean {
  if (!isContainer(value)) return false;
  const keys = parsePath(path)?.map(elementKey);
  return keys !== undefined && entries.some((entry) => hasChildren(entry, keys));
}
