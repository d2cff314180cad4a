/**
 * The projection of a live object on the fields that one manager owns through Apply. It is taken from the response
 * of each apply and kept; a later event is in sync if its projection has the same digest, so that drift is found
 * without asking the server and without comparing with the text in Git, which defaulting, admission and
 * normalisation make differ for ever.
 *
 * One value a leaf of the owned set:
 * - a leaf with a live value has that value, whole (atomic lists and maps, scalars);
 * - a leaf without one is `null`: `hostNetwork: false` or `nodeSelector: {}` are owned, yet absent in the live object.
 *   They have to be there, or nobody would notice when somebody else sets `hostNetwork: true`;
 * - a leaf whose parts others own (we declared `annotations: {}`, somebody added one) is `{}` or `[]`.
 *
 * The order of items in associative lists is not part of it: server-side apply does not own it.
 */
import { canonicalJson, type Digest, type Json } from '#model/json.ts';
import type { FieldValues } from '#model/observed.ts';
import type { Manifest } from '#model/object.ts';
import type { Sealer } from '#model/ports.ts';
import type { FieldSet } from './field-set.ts';
import { isContainer, isEmptyContainer, step } from './live-value.ts';
import { applyEntry, managedEntries, type ManagedEntry } from './managed-fields.ts';
import { elementText, parseElement } from './path.ts';
import { sealed } from './secrets.ts';

export interface Projection {
  readonly values: FieldValues;
  readonly digest: Digest;
}

/** Undefined when `manager` has no Apply entry. Values of Secrets are sealed. */
export function project(manifest: Manifest, manager: string, sealer: Sealer): Projection | undefined {
  const values = ownedValues(manifest, managedEntries(manifest), manager, sealer);
  return values === undefined ? undefined : { values, digest: digestOfValues(values, sealer) };
}

export function ownedValues(
  manifest: Manifest,
  entries: readonly ManagedEntry[],
  manager: string,
  sealer: Sealer,
): FieldValues | undefined {
  const ours = applyEntry(entries, manager);
  if (ours === undefined) return undefined;
  const others = entries.filter((entry) => entry !== ours);
  const found: [string, Json][] = [];

  const leafValue = (value: Json | undefined, path: readonly string[]): Json => {
    if (value === undefined) return null;
    // Somebody owns a part of it, so it is not atomic: that part is theirs, ours is only that the field is there.
    if (isContainer(value) && others.some((entry) => hasChildrenAt(entry.fields, path)))
      return Array.isArray(value) ? [] : {};
    return value;
  };
  const walk = (set: FieldSet, value: unknown, path: string[], text: string): void => {
    if (set.children.size === 0) {
      if (set.self) found.push([text, leafValue(value as Json | undefined, path)]);
      return;
    }
    for (const [key, child] of set.children) {
      const element = parseElement(key);
      if (element === undefined) continue;
      path.push(key);
      walk(child, value === undefined ? undefined : step(value, element), path, text + elementText(element));
      path.pop();
    }
  };
  walk(ours.fields, sealed(manifest, sealer), [], '');
  found.sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(found);
}

function hasChildrenAt(set: FieldSet, path: readonly string[]): boolean {
  let at: FieldSet | undefined = set;
  for (const key of path) {
    at = at.children.get(key);
    if (at === undefined) return false;
  }
  return at.children.size > 0;
}

/**
 * An owned field that is absent and one that is an empty container have the same digest: when others fill and empty
 * `annotations`, nothing of ours changes. That the field was taken from us shows all the same: its path is gone.
 */
export function digestOfValues(values: FieldValues, sealer: Sealer): Digest {
  const members = Object.keys(values)
    .toSorted()
    .map((path) => [path, isEmptyContainer(values[path]) ? null : (values[path] ?? null)]);
  return sealer.digest(canonicalJson(members));
}
