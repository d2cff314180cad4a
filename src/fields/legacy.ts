/**
 * Leftovers of client-side writes. A field that an Update entry owns beside our Apply entry stays in the cluster when
 * Git drops it: server-side apply removes only what nobody else owns. Argo CD's client-side apply (before 2.5 as
 * `argocd-application-controller`), `kubectl apply` and, after managedFields were cleared, the API server itself
 * (`before-first-apply`) leave such entries. Before something of ours is removed for the first time, they give up what
 * we own too.
 */
import { isObject, type Json, type JsonObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import {
  emptySet,
  intersect,
  isEmpty,
  overlaps,
  setOf,
  subtract,
  toFieldsV1,
  union,
  type FieldSet,
} from './field-set.ts';
import { applyEntry, isApplyOf, managedEntries, readEntry, type ManagedEntry } from './managed-fields.ts';

const predecessors = new Set([
  'argocd-controller',
  'argocd-application-controller',
  'kubectl-client-side-apply',
  'before-first-apply',
]);

function isLegacy(entry: ManagedEntry, manager: string): boolean {
  if (entry.operation !== 'Update' || entry.subresource !== undefined) return false;
  return predecessors.has(entry.manager) || entry.manager === manager;
}

/** Whether a legacy entry owns a field that `manager` applies too: a removal would not take. */
export function legacyOverlap(manifest: Manifest, manager: string): boolean {
  const entries = managedEntries(manifest);
  const ours = applyEntry(entries, manager);
  return (
    ours !== undefined &&
    entries.some((entry) => isLegacy(entry, manager) && overlaps(entry.fields, ours.fields))
  );
}

/**
 * A JSON patch that takes from the legacy entries what `manager` applies too, and leaves everything else: what only
 * they own stays theirs. Empty when there is nothing to do. The caller guards it by the object's resourceVersion:
 * it writes managedFields whole.
 */
export function migrateLegacy(manifest: Manifest, manager: string): readonly Json[] {
  if (!legacyOverlap(manifest, manager)) return [];
  const ours = applyEntry(managedEntries(manifest), manager)!.fields;
  const raw = manifest.metadata['managedFields'] as readonly Json[];
  const value = raw.flatMap((entry) => withoutOurs(entry, ours, manager));
  return [{ op: 'replace', path: '/metadata/managedFields', value }];
}

function withoutOurs(raw: Json, ours: FieldSet, manager: string): readonly Json[] {
  const entry = readEntry(raw);
  if (entry === undefined || !isObject(raw) || !isLegacy(entry, manager)) return [raw];
  if (!overlaps(entry.fields, ours)) return [raw];
  const rest = subtract(entry.fields, ours);
  return isEmpty(rest) ? [] : [{ ...raw, fieldsV1: toFieldsV1(rest) } as Json];
}

/**
 * A JSON patch that makes `to`'s what `from` applies of the labels and annotations that `declared` has; empty when it
 * applies none. The caller guards it by the object's resourceVersion.
 */
export function handOver(live: Manifest, declared: Manifest, from: string, to: string): readonly Json[] {
  const entries = managedEntries(live);
  const theirs = applyEntry(entries, from);
  if (theirs === undefined) return [];
  const moved = intersect(theirs.fields, labelsAndAnnotations(declared));
  if (isEmpty(moved)) return [];
  const raw = live.metadata['managedFields'] as readonly JsonObject[];
  const entryOf = (manager: string): JsonObject | undefined =>
    raw.find((entry) => {
      const read = readEntry(entry);
      return read !== undefined && isApplyOf(read, manager);
    });
  const old = entryOf(from)!;
  const ours = entryOf(to);
  const rest = subtract(theirs.fields, moved);
  const before = applyEntry(entries, to)?.fields ?? emptySet;
  const value = [
    ...raw.filter((entry) => entry !== old && entry !== ours),
    ...(isEmpty(rest) ? [] : [{ ...old, fieldsV1: toFieldsV1(rest) }]),
    { ...(ours ?? { ...old, manager: to }), fieldsV1: toFieldsV1(union(before, moved)) },
  ];
  return [{ op: 'replace', path: '/metadata/managedFields', value }];
}

function labelsAndAnnotations({ metadata }: Manifest): FieldSet {
  return setOf(
    (['labels', 'annotations'] as const).flatMap((member) =>
      Object.keys(metadata[member] ?? {}).map((key) => ['f:metadata', `f:${member}`, `f:${key}`]),
    ),
  );
}
