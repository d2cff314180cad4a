/**
 * Sets of fields, as managedFields records them (FieldsV1), and their algebra. A set is an immutable trie: a node
 * says whether the field itself is in the set, and has one child a step below it. Owning a field does not mean
 * owning what is under it: `.spec` in a set says nothing of `.spec.replicas`.
 */
import { canonicalJson, isObject, type Json, type JsonObject } from '#model/json.ts';
import { pathText, type ElementKey } from './path.ts';

export interface FieldSet {
  /** The field at this node is in the set. */
  readonly self: boolean;
  /** By element key. No child is empty. */
  readonly children: ReadonlyMap<ElementKey, FieldSet>;
}

const noChildren: ReadonlyMap<ElementKey, FieldSet> = new Map();
const leaf: FieldSet = { self: true, children: noChildren };
export const emptySet: FieldSet = { self: false, children: noChildren };

/** Reads FieldsV1. What is not FieldsV1 is left out: a malformed entry of somebody else must not stop us (F28). */
export function parseFieldsV1(fields: unknown): FieldSet {
  if (!isObject(fields)) return emptySet;
  const children = childrenOf(fields);
  const self = '.' in fields;
  return node(self, children);
}

function childrenOf(fields: { readonly [key: string]: unknown }): Map<ElementKey, FieldSet> {
  const children = new Map<ElementKey, FieldSet>();
  for (const key in fields) {
    if (key === '.') continue;
    const element = canonicalElement(key);
    const below = fields[key];
    if (element === undefined || !isObject(below)) continue;
    const grandchildren = childrenOf(below);
    // In FieldsV1 an empty object is a leaf: the field itself, and nothing under it.
    const child = node('.' in below || grandchildren.size === 0, grandchildren);
    const earlier = children.get(element);
    children.set(element, earlier === undefined ? child : union(earlier, child));
  }
  return children;
}

function canonicalElement(key: string): ElementKey | undefined {
  const kind = key.slice(0, 2);
  if (kind === 'f:') return key;
  if (kind === 'i:') return /^i:\d+$/.test(key) ? `i:${Number(key.slice(2))}` : undefined;
  if (kind !== 'k:' && kind !== 'v:') return undefined;
  try {
    const value: unknown = JSON.parse(key.slice(2));
    return kind === 'k:' && !isObject(value) ? undefined : `${kind}${canonicalJson(value)}`;
  } catch {
    return undefined;
  }
}

/** Writes FieldsV1, members in the order of their keys. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const fields: Record<string, Json> = {};
  if (set.self && set.children.size > 0) fields['.'] = {};
  for (const key of [...set.children.keys()].toSorted()) fields[key] = toFieldsV1(set.children.get(key)!);
  return fields;
}

function node(self: boolean, children: ReadonlyMap<ElementKey, FieldSet>): FieldSet {
  if (children.size > 0) return { self, children };
  return self ? leaf : emptySet;
}

export function isEmpty(set: FieldSet): boolean {
  return !set.self && set.children.size === 0;
}

/** What is in either. */
export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right || isEmpty(right)) return left;
  if (isEmpty(left)) return right;
  const children = new Map(left.children);
  for (const [key, child] of right.children) {
    const other = children.get(key);
    children.set(key, other === undefined ? child : union(other, child));
  }
  return node(left.self || right.self, children);
}

/** What is in both. */
export function intersect(left: FieldSet, right: FieldSet): FieldSet {
  const children = new Map<ElementKey, FieldSet>();
  for (const [key, child] of left.children) {
    const other = right.children.get(key);
    if (other === undefined) continue;
    const both = intersect(child, other);
    if (!isEmpty(both)) children.set(key, both);
  }
  return node(left.self && right.self, children);
}

/** What is in `left` and not in `right`. */
export function subtract(left: FieldSet, right: FieldSet): FieldSet {
  if (isEmpty(right)) return left;
  const children = new Map<ElementKey, FieldSet>();
  for (const [key, child] of left.children) {
    const other = right.children.get(key);
    const rest = other === undefined ? child : subtract(child, other);
    if (!isEmpty(rest)) children.set(key, rest);
  }
  return node(left.self && !right.self, children);
}

/** Whether the two have a field in common; cheaper than `intersect`. */
export function overlaps(left: FieldSet, right: FieldSet): boolean {
  if (left.self && right.self) return true;
  for (const [key, child] of left.children) {
    const other = right.children.get(key);
    if (other !== undefined && overlaps(child, other)) return true;
  }
  return false;
}

/** The node at a path, whether or not the field itself is in the set. */
export function nodeAt(set: FieldSet, path: readonly ElementKey[]): FieldSet | undefined {
  let at: FieldSet | undefined = set;
  for (const key of path) {
    at = at.children.get(key);
    if (at === undefined) return undefined;
  }
  return at;
}

/** Whether the field itself is in the set. */
export function contains(set: FieldSet, path: readonly ElementKey[]): boolean {
  return nodeAt(set, path)?.self ?? false;
}

/** The set of the fields at these paths. */
export function setOf(members: Iterable<readonly ElementKey[]>): FieldSet {
  interface Draft {
    self: boolean;
    readonly children: Map<ElementKey, Draft>;
  }
  const root: Draft = { self: false, children: new Map() };
  for (const path of members) {
    let at = root;
    for (const key of path) {
      let next = at.children.get(key);
      if (next === undefined) at.children.set(key, (next = { self: false, children: new Map() }));
      at = next;
    }
    at.self = true;
  }
  return root;
}

/** The path texts of every field in the set, sorted. */
export function paths(set: FieldSet): readonly string[] {
  const found: string[] = [];
  const walk = (at: FieldSet, path: ElementKey[]): void => {
    if (at.self) found.push(pathText(path));
    for (const [key, child] of at.children) walk(child, [...path, key]);
  };
  walk(set, []);
  return found.toSorted();
}
