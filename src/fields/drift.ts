/** What changed on the fields that we own since our last apply, and who did it. */
import { canonicalJson, type Json } from '#model/json.ts';
import type { FieldChange, FieldValues } from '#model/observed.ts';
import type { Manifest } from '#model/object.ts';
import type { Sealer } from '#model/ports.ts';
import { nodeAt } from './field-set.ts';
import { isContainer, isEmptyContainer, valueAt } from './live-value.ts';
import { isApplyOf, managedEntries, ownerOf, type ManagedEntry } from './managed-fields.ts';
import { elementKey, parsePath } from './path.ts';
import { ownedValues } from './projection.ts';
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

export function fieldChange(
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
  return keys !== undefined && entries.some((entry) => (nodeAt(entry.fields, keys)?.children.size ?? 0) > 0);
}
