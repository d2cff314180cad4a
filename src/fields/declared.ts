/**
 * The fields that a manifest declares, beside their live values, one a leaf. What is atomic and by which keys lists
 * are associative stands in a schema that we do not read; the managedFields of the live object say it for every
 * field that anybody owns. Where nobody owns a list, its keys are guessed, for display only: without an owner
 * there is no conflict that a wrong guess could hide.
 */
import { isObject, type Json } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { FieldSet } from './field-set.ts';
import { step } from './live-value.ts';
import { elementKey, parseElement, pathText, type ElementKey, type PathElement } from './path.ts';

export interface DeclaredField {
  readonly path: readonly ElementKey[];
  readonly text: string;
  readonly desired: Json;
  readonly live: Json | undefined;
}

/** The server takes these from the request, sets them itself, or ignores them: nobody owns them. */
const unownable = new Set([
  '.apiVersion',
  '.kind',
  '.metadata.name',
  '.metadata.namespace',
  '.metadata.uid',
  '.metadata.resourceVersion',
  '.metadata.generation',
  '.metadata.creationTimestamp',
  '.metadata.selfLink',
  '.metadata.managedFields',
]);

/** The one list key with a default in the core kinds. */
const keyDefaults: Readonly<Record<string, Json>> = { protocol: 'TCP' };
const likelyKeys = [
  'name',
  'containerPort',
  'port',
  'mountPath',
  'devicePath',
  'ip',
  'topologyKey',
  'type',
  'uid',
];

/**
 * `known` is the union of what all managers own. A `status` is passed over unless `ownsStatus`: on most kinds the
 * server ignores it outside the status subresource.
 */
export function declaredFields(
  desired: Manifest,
  live: Manifest,
  known: FieldSet,
  ownsStatus: boolean,
): readonly DeclaredField[] {
  const found = new Map<string, DeclaredField>();

  const below = (
    value: unknown,
    set: FieldSet | undefined,
    at: unknown,
    path: readonly ElementKey[],
    next: PathElement,
  ): void => {
    const key = elementKey(next);
    walk(value, set?.children.get(key), step(at, next), [...path, key]);
  };
  const leaf = (value: unknown, at: unknown, path: readonly ElementKey[]): void => {
    const text = pathText(path);
    found.set(text, { path, text, desired: (value ?? null) as Json, live: at as Json | undefined });
  };
  const walk = (
    value: unknown,
    set: FieldSet | undefined,
    at: unknown,
    path: readonly ElementKey[],
  ): void => {
    if (path.length <= 2 && unownable.has(pathText(path))) return;
    const atomic = set !== undefined && set.self && set.children.size === 0;
    if (isObject(value)) {
      const names = Object.keys(value);
      if (names.length === 0 || atomic) return leaf(value, at, path);
      for (const name of names) below(value[name], set, at, path, { kind: 'field', name });
    } else if (Array.isArray(value)) {
      const items = value as readonly Json[];
      const steps = atomic ? undefined : itemSteps(items, set, at);
      if (steps === undefined) return leaf(value, at, path);
      items.forEach((item, index) => below(item, set, at, path, steps[index]!));
    } else leaf(value, at, path);
  };

  for (const name of Object.keys(desired)) {
    if (name === 'status' && !ownsStatus) continue;
    below(desired[name], known, live, [], { kind: 'field', name });
  }
  return [...found.values()].toSorted((one, other) => (one.text < other.text ? -1 : 1));
}

/** The steps to the items of a list; undefined: the list is one value. */
function itemSteps(
  items: readonly Json[],
  set: FieldSet | undefined,
  live: unknown,
): readonly PathElement[] | undefined {
  const known = [...(set?.children.keys() ?? [])].flatMap((key) => parseElement(key) ?? []);
  if (known.some((element) => element.kind === 'member'))
    return items.map((value) => ({ kind: 'member', value }));
  const siblings = known.flatMap((element) => (element.kind === 'item' ? [element.keys] : []));
  if (siblings.length > 0) return matchItems(items, siblings);
  if (set !== undefined || !Array.isArray(live) || live.length === 0) return undefined;
  const names = guessKeys(items, live as readonly Json[]);
  return names === undefined ? undefined : items.map((item) => ({ kind: 'item', keys: keysOf(item, names) }));
}

type ItemKeys = Readonly<Record<string, Json>>;

/** An item that leaves out a key is the sibling that agrees on the others and that no other item names in full. */
function matchItems(
  items: readonly Json[],
  siblings: readonly ItemKeys[],
): readonly PathElement[] | undefined {
  if (!items.every((item) => isObject(item))) return undefined;
  const names = Object.keys(siblings[0]!);
  const wanted = items.map((item) => keysOf(item, names));
  const taken = new Set(wanted.map((keys) => elementKey({ kind: 'item', keys })));
  return wanted.map((keys) => {
    if (Object.keys(keys).length === names.length) return { kind: 'item', keys };
    const candidates = siblings.filter(
      (sibling) =>
        !taken.has(elementKey({ kind: 'item', keys: sibling })) &&
        Object.keys(keys).every((name) => sibling[name] === keys[name]),
    );
    return { kind: 'item', keys: candidates.length === 1 ? candidates[0]! : keys };
  });
}

function keysOf(item: Json, names: readonly string[]): ItemKeys {
  const keys: Record<string, Json> = {};
  for (const name of names) {
    const value = isObject(item) ? ((item[name] as Json | undefined) ?? keyDefaults[name]) : undefined;
    if (value !== undefined) keys[name] = value;
  }
  return keys;
}

function guessKeys(items: readonly Json[], live: readonly Json[]): readonly string[] | undefined {
  const identifies = (list: readonly Json[], names: readonly string[]): boolean => {
    const texts = list.map((item) => elementKey({ kind: 'item', keys: keysOf(item, names) }));
    return (
      list.every((item) => isObject(item) && item[names[0]!] !== undefined) &&
      new Set(texts).size === list.length
    );
  };
  return likelyKeys
    .map((name) => (name === 'containerPort' || name === 'port' ? [name, 'protocol'] : [name]))
    .find((names) => identifies(items, names) && identifies(live, names));
}
