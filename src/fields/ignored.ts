/**
 * Fields whose differences do not count: by their place in the object, or by who owns them. A place is a JSON pointer,
 * which is found in the body, where items of associative lists have positions; or it is what jq paths lead to.
 */
import { canonicalJson, isObject, type Json } from '#model/json.ts';
import type { FieldValues } from '#model/observed.ts';
import type { Manifest } from '#model/object.ts';
import type { Sealer } from '#model/ports.ts';
import { declarations } from './drift.ts';
import { contains, nodeAt } from './field-set.ts';
import { step, valueAt } from './live-value.ts';
import { applyEntry, hasAtomicAbove, managedEntries } from './managed-fields.ts';
import { elementKey, parseElement, parsePath, type PathElement } from './path.ts';
import { ownedValues } from './projection.ts';

export interface IgnoredFields {
  /** JSON pointers, taken apart. */
  readonly pointers: readonly (readonly string[])[];
  /** What these field managers own. */
  readonly managers: readonly string[];
  /** What jq paths leave of the bodies. */
  readonly cut?: Bodies;
}

/** Undefined for a text that is no pointer below the root. */
export function parsePointer(text: string): readonly string[] | undefined {
  if (!text.startsWith('/') || text === '/') return undefined;
  return text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** An object as it is wanted, and as it stands. */
export interface Bodies {
  readonly desired: Manifest;
  readonly live: Manifest;
}

/** Whether there can be a difference that is ignored, judged by the top members of what is wanted and of what we own. */
export function mayBeIgnored(
  { pointers, managers, cut }: IgnoredFields,
  { desired, live }: Bodies,
  manager: string,
): boolean {
  if (managers.length > 0 || cut !== undefined) return true;
  const ours = applyEntry(managedEntries(live), manager)?.fields.children;
  return pointers.some(
    ([member = '']) => Object.hasOwn(desired, member) || ours?.has(`f:${member}`) === true,
  );
}

/** Whether everything in which the object differs from its last apply, fields that we lost among it, is ignored. */
export function differsOnlyInIgnored(
  recorded: FieldValues,
  bodies: Bodies,
  manager: string,
  sealer: Sealer,
  ignored: IgnoredFields,
): boolean {
  const current = ownedValues(bodies.live, managedEntries(bodies.live), manager, sealer) ?? {};
  const differing = [...new Set([...Object.keys(recorded), ...Object.keys(current)])].filter(
    (path) =>
      !Object.hasOwn(current, path) ||
      !Object.hasOwn(recorded, path) ||
      canonicalJson(current[path]) !== canonicalJson(recorded[path]),
  );
  return differing.length > 0 && differing.every((path) => isIgnored(path, bodies, ignored));
}

/** Whether a difference at this path does not count. */
export function isIgnored(path: string, { desired, live }: Bodies, ignored: IgnoredFields): boolean {
  const elements = parsePath(path);
  if (elements === undefined) return false;
  const keys = elements.map(elementKey);
  const isTheirs = managedEntries(live).some(
    ({ manager, fields }) =>
      ignored.managers.includes(manager) &&
      (nodeAt(fields, keys) !== undefined || hasAtomicAbove(fields, keys)),
  );
  if (isTheirs || isCutAway(elements, { desired, live }, ignored.cut)) return true;
  const places = [live, desired].map((body) => placeOf(body, elements));
  return ignored.pointers.some((pointer) => {
    if (places.some((place) => startsWith(place, pointer))) return true;
    // A part of a value that is one for the API server: the rest of it must be the same.
    const place = places.find((found) => startsWith(pointer, found));
    if (place === undefined) return false;
    const rest = pointer.slice(place.length);
    const [one, other] = [desired, live].map((body) => without(valueAt(body, elements), rest));
    return canonicalJson(one) === canonicalJson(other);
  });
}

/** Something was cut at this path, and what is left is the same on both sides. */
function isCutAway(elements: readonly PathElement[], bodies: Bodies, cut: Bodies | undefined): boolean {
  if (cut === undefined) return false;
  const at = (body: Manifest): string => canonicalJson(valueAt(body, elements) ?? null);
  const left = at(cut.live);
  return left === at(cut.desired) && (left !== at(bodies.live) || left !== at(bodies.desired));
}

/**
 * What is to be applied so that ignored fields stay as they are: one that somebody else owns is left out; of one that
 * nobody else owns the live value is declared, or leaving it out would delete it. `isCopied`: it holds for this version
 * of the object only.
 */
export function respecting(
  { desired, live }: Bodies,
  manager: string,
  ignored: IgnoredFields,
): { readonly manifest: Manifest; readonly isCopied: boolean } {
  const entries = managedEntries(live);
  const ours = applyEntry(entries, manager);
  const others = entries.filter((entry) => entry !== ours);
  const manifest = structuredClone(desired);
  let isCopied = false;
  for (const field of declarations(desired, live, entries, ours)) {
    if (canonicalJson(field.desired) === canonicalJson(field.live)) continue;
    if (!isIgnored(field.text, { desired, live }, ignored)) continue;
    const elements = field.path.flatMap((key) => parseElement(key) ?? []);
    const isTheirs = others.some((entry) => contains(entry.fields, field.path));
    const isAtomic = entries.some((entry) => hasAtomicAbove(entry.fields, field.path.slice(0, -1)));
    const keep = isTheirs && !isAtomic ? undefined : field.live;
    isCopied ||= keep !== undefined;
    put(manifest, elements, keep);
  }
  return { manifest, isCopied };
}

/** The pointer to what stands at a path of a body, as far as there is something. */
function placeOf(body: unknown, elements: readonly PathElement[]): readonly string[] {
  const place: string[] = [];
  let at: unknown = body;
  for (const element of elements) {
    const next = step(at, element);
    if (element.kind === 'field') place.push(element.name);
    else if (Array.isArray(at) && next !== undefined) place.push(String(at.indexOf(next)));
    else return [...place, ''];
    at = next;
  }
  return place;
}

function startsWith(place: readonly string[], start: readonly string[]): boolean {
  return start.length <= place.length && start.every((token, index) => token === place[index]);
}

function without(value: Json | undefined, [token, ...rest]: readonly string[]): Json {
  if (token === undefined || value === undefined) return null;
  if (Array.isArray(value))
    return value.flatMap((item: Json, index) => {
      if (String(index) !== token) return [item];
      return rest.length === 0 ? [] : [without(item, rest)];
    });
  if (!isObject(value)) return value;
  const { [token]: part, ...others } = value as Readonly<Record<string, Json>>;
  return rest.length === 0 || part === undefined ? others : { ...others, [token]: without(part, rest) };
}

/** Sets the value, or takes it out, with the maps that are empty without it. */
function put(root: unknown, elements: readonly PathElement[], value: Json | undefined): void {
  const parents = elements
    .slice(0, -1)
    .reduce<unknown[]>((found, element) => [...found, step(found.at(-1), element)], [root]);
  for (let index = elements.length - 1; index >= 0; index -= 1) {
    const parent = parents[index];
    const element = elements[index]!;
    if (element.kind === 'field' && isObject(parent)) {
      const map = parent as Record<string, unknown>;
      if (value !== undefined) map[element.name] = value;
      else delete map[element.name];
      if (value !== undefined || Object.keys(map).length > 0) return;
    } else {
      if (!Array.isArray(parent)) return;
      const at = parent.indexOf(step(parent, element));
      if (at >= 0 && value !== undefined) parent[at] = value;
      else if (at >= 0 && index === elements.length - 1) parent.splice(at, 1);
      return;
    }
  }
}
