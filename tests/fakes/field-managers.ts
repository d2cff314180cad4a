/**
 * Field management as the API server does it, as far as plain objects go: maps are granular, every list is one value.
 * Enough to have owners, conflicts, projections and removals that are true to each other.
 */
import {
  contains,
  emptySet,
  intersect,
  isEmpty,
  setOf,
  subtract,
  toFieldsV1,
  union,
} from '#fields/field-set.ts';
import type { FieldSet } from '#fields/field-set.ts';
import { readEntry } from '#fields/managed-fields.ts';
import type { ElementKey } from '#fields/path.ts';
import { canonicalJson, isObject, type Json } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { timestamp } from '#model/time.ts';

export interface Leaf {
  readonly path: readonly ElementKey[];
  readonly value: unknown;
}
/** One entry of managedFields. */
export interface Owner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly fields: FieldSet;
  readonly atMs: number;
}

const unowned = new Set(
  ['apiVersion', 'kind', 'metadata'].concat(
    [
      'name',
      'namespace',
      'uid',
      'resourceVersion',
      'generation',
      'creationTimestamp',
      'managedFields',
      'deletionTimestamp',
    ].map((name) => `metadata.${name}`),
  ),
);

export function leavesOf(manifest: object): readonly Leaf[] {
  const found: Leaf[] = [];
  const walk = (value: unknown, path: readonly string[]): void => {
    const isInner = isObject(value) && Object.keys(value).length > 0;
    if (unowned.has(path.join('.')) && !(path.join('.') === 'metadata' && isInner)) return;
    if (!isInner) {
      if (value !== undefined) found.push({ path: path.map((name) => `f:${name}`), value });
      return;
    }
    for (const [name, member] of Object.entries(value)) walk(member, [...path, name]);
  };
  walk(manifest, []);
  return found;
}

export function valueAt(manifest: unknown, path: readonly ElementKey[]): unknown {
  let at = manifest;
  for (const key of path) at = isObject(at) ? at[key.slice(2)] : undefined;
  return at;
}

type Draft = { [key: string]: unknown };

export function setAt(draft: Draft, path: readonly ElementKey[], value: unknown): void {
  let at = draft;
  for (const key of path.slice(0, -1)) {
    const name = key.slice(2);
    if (!isObject(at[name])) at[name] = {};
    at = at[name] as Draft;
  }
  at[path.at(-1)!.slice(2)] = structuredClone(value);
}

/** Containers that become empty go too. */
export function removeAt(draft: Draft, path: readonly ElementKey[]): void {
  const [first, ...rest] = path;
  const name = first!.slice(2);
  if (rest.length === 0) {
    delete draft[name];
    return;
  }
  if (!isObject(draft[name])) return;
  removeAt(draft[name] as Draft, rest);
  if (Object.keys(draft[name] as object).length === 0 && name !== 'metadata') delete draft[name];
}

export function ownersOf(manifest: Manifest | undefined): readonly Owner[] {
  const raw = (manifest?.metadata['managedFields'] ?? []) as readonly Json[];
  return raw
    .flatMap((entry) => readEntry(entry) ?? [])
    .map(({ manager, operation, fields, atMs }) => ({ manager, operation, fields, atMs }));
}

export function withOwners(manifest: Manifest, owners: readonly Owner[]): Manifest {
  const managedFields = owners
    .filter(({ fields }) => !isEmpty(fields))
    .map(({ manager, operation, fields, atMs }) => ({
      manager,
      operation,
      apiVersion: manifest.apiVersion,
      time: timestamp(atMs),
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(fields),
    }));
  return { ...manifest, metadata: { ...manifest.metadata, managedFields } };
}

const same = (one: unknown, other: unknown): boolean => canonicalJson(one) === canonicalJson(other);

export interface Merged {
  readonly manifest: Manifest;
  /** `owner of path`: fields that others own with another value. */
  readonly conflicts: readonly string[];
}

/** A server-side apply of `wanted` onto `live`. */
export function applied(live: Manifest, wanted: Manifest, manager: string, nowMs: number): Merged {
  const owners = ownersOf(live);
  const before = owners.find((owner) => owner.manager === manager && owner.operation === 'Apply');
  const others = owners.filter((owner) => owner !== before);
  const leaves = leavesOf(wanted);
  const fields = setOf(leaves.map(({ path }) => path));
  const draft = structuredClone(live) as unknown as Draft;
  const taken: (readonly ElementKey[])[] = [];
  const conflicts: string[] = [];
  for (const { path, value } of leaves) {
    if (!same(valueAt(live, path), value)) {
      const holders = others.filter((owner) => contains(owner.fields, path));
      if (holders.length > 0) taken.push(path);
      for (const holder of holders) conflicts.push(`${path.join('.')} is owned by ${holder.manager}`);
    }
    setAt(draft, path, value);
  }
  const dropped = before === undefined ? emptySet : subtract(before.fields, fields);
  const orphaned = others.reduce((rest, owner) => subtract(rest, owner.fields), dropped);
  for (const path of pathsOf(orphaned)) removeAt(draft, path);
  const left = others.map((owner) => ({ ...owner, fields: subtract(owner.fields, setOf(taken)) }));
  const isSame =
    before !== undefined &&
    same(toFieldsV1(before.fields), toFieldsV1(fields)) &&
    same(bare(draft), bare(live));
  const ours: Owner = { manager, operation: 'Apply', fields, atMs: isSame ? before.atMs : nowMs };
  return { manifest: withOwners(draft as unknown as Manifest, [...left, ours]), conflicts };
}

/** Any other write: who changes a field owns it from then on. */
export function updated(
  live: Manifest | undefined,
  next: Manifest,
  manager: string,
  nowMs: number,
): Manifest {
  const leaves = leavesOf(next);
  const changed = leaves
    .filter(({ path, value }) => live === undefined || !same(valueAt(live, path), value))
    .map(({ path }) => path);
  const present = setOf(leaves.map(({ path }) => path));
  const set = setOf(changed);
  const owners = ownersOf(live).map((owner) => ({
    ...owner,
    fields: subtract(
      intersect(owner.fields, present),
      owner.manager === manager && owner.operation === 'Update' ? emptySet : set,
    ),
  }));
  const own = owners.find((owner) => owner.manager === manager && owner.operation === 'Update');
  const rest = owners.filter((owner) => owner !== own);
  if (changed.length === 0) return withOwners(next, own === undefined ? rest : [...rest, own]);
  const fields = union(own?.fields ?? emptySet, set);
  return withOwners(next, [...rest, { manager, operation: 'Update', fields, atMs: nowMs }]);
}

function pathsOf(set: FieldSet): readonly (readonly ElementKey[])[] {
  const found: ElementKey[][] = [];
  const walk = (at: FieldSet, path: ElementKey[]): void => {
    if (at.self) found.push(path);
    for (const [key, child] of at.children) walk(child, [...path, key]);
  };
  walk(set, []);
  return found;
}

function bare(manifest: Draft | Manifest): unknown {
  const { metadata, ...rest } = manifest as Manifest;
  const { managedFields: _, ...kept } = metadata;
  return { ...rest, metadata: kept };
}
