/** Who owns which fields of a live object, as its managedFields say. */
import { isObject } from '#model/json.ts';
import type { FieldOwner } from '#model/observed.ts';
import type { Manifest } from '#model/object.ts';
import { parseTimestamp } from '#model/time.ts';
import { nodeAt, parseFieldsV1, type FieldSet } from './field-set.ts';
import { elementKey, parsePath, type ElementKey } from './path.ts';

export interface ManagedEntry extends FieldOwner {
  readonly apiVersion: string;
  /** Parsed when it is first asked for: most entries of most objects never are. */
  readonly fields: FieldSet;
}

/** The managedFields entries of an object, in their order there. Malformed ones are left out. */
export function managedEntries(manifest: Manifest): readonly ManagedEntry[] {
  const raw = manifest.metadata['managedFields'];
  if (!Array.isArray(raw)) return [];
  return raw.flatMap((entry: unknown) => readEntry(entry) ?? []);
}

export function readEntry(raw: unknown): ManagedEntry | undefined {
  if (!isObject(raw)) return undefined;
  const { manager, operation, apiVersion, subresource, time, fieldsV1 } = raw;
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  let parsed: FieldSet | undefined;
  return {
    manager: typeof manager === 'string' ? manager : '',
    operation,
    ...(typeof subresource === 'string' && subresource !== '' ? { subresource } : {}),
    apiVersion: typeof apiVersion === 'string' ? apiVersion : '',
    // Entries of the scale subresource have no time: 0 stands for unknown.
    atMs: parseTimestamp(time) ?? 0,
    get fields() {
      parsed ??= parseFieldsV1(fieldsV1);
      return parsed;
    },
  };
}

/** The entry under which `manager` applies the object's main resource. */
export function applyEntry(entries: readonly ManagedEntry[], manager: string): ManagedEntry | undefined {
  return entries.find((entry) => isApplyOf(entry, manager));
}

export function isApplyOf(entry: ManagedEntry, manager: string): boolean {
  return entry.operation === 'Apply' && entry.manager === manager && entry.subresource === undefined;
}

/**
 * Who owns the field at a path text: the newest entry that has the field itself; else one that has something under
 * it (it was filled in by parts); else one that has it as part of an atomic field above. Undefined: nobody.
 * `except` is passed over unless nobody else owns it.
 */
export function ownerOf(
  entries: readonly ManagedEntry[],
  path: string,
  except?: (entry: ManagedEntry) => boolean,
): FieldOwner | undefined {
  const elements = parsePath(path);
  if (elements === undefined) return undefined;
  const keys = elements.map(elementKey);
  const newestFirst = entries.toSorted((one, other) => other.atMs - one.atMs);
  const others = except === undefined ? newestFirst : newestFirst.filter((entry) => !except(entry));
  const owner = bestOf(others, keys) ?? bestOf(newestFirst, keys);
  if (owner === undefined) return undefined;
  const { manager, operation, subresource, atMs } = owner;
  return { manager, operation, ...(subresource === undefined ? {} : { subresource }), atMs };
}

function bestOf(entries: readonly ManagedEntry[], keys: readonly ElementKey[]): ManagedEntry | undefined {
  return (
    entries.find((entry) => nodeAt(entry.fields, keys)?.self === true) ??
    entries.find((entry) => nodeAt(entry.fields, keys) !== undefined) ??
    entries.find((entry) => hasAtomicAbove(entry.fields, keys))
  );
}

/** Whether the set has a field with nothing under it at this path or above it. */
export function hasAtomicAbove(set: FieldSet, keys: readonly ElementKey[]): boolean {
  let at: FieldSet | undefined = set;
  for (const key of keys) {
    at = at.children.get(key);
    if (at === undefined) return false;
    if (at.self && at.children.size === 0) return true;
  }
  return false;
}
