/** Finds the value of a field in an object's body: items of associative lists by their keys, not by position. */
import { canonicalJson, isObject, type Json } from '#model/json.ts';
import type { PathElement } from './path.ts';

/** One step down; undefined when there is nothing. */
export function step(value: unknown, element: PathElement): unknown {
  switch (element.kind) {
    case 'field':
      return isObject(value) && Object.hasOwn(value, element.name) ? value[element.name] : undefined;
    case 'index':
      return Array.isArray(value) ? (value[element.index] as unknown) : undefined;
    case 'member': {
      if (!Array.isArray(value)) return undefined;
      const wanted = canonicalJson(element.value);
      return value.find((item: unknown) => canonicalJson(item) === wanted) as unknown;
    }
    case 'item':
      return Array.isArray(value)
        ? (value.find((item: unknown) => isObject(item) && hasKeys(item, element.keys)) as unknown)
        : undefined;
  }
}

function hasKeys(item: { readonly [key: string]: unknown }, keys: Readonly<Record<string, Json>>): boolean {
  for (const key in keys) if (canonicalJson(item[key]) !== canonicalJson(keys[key])) return false;
  return true;
}

/** The value at a path; undefined when there is none. */
export function valueAt(root: unknown, path: readonly PathElement[]): Json | undefined {
  let at: unknown = root;
  for (const element of path) {
    at = step(at, element);
    if (at === undefined) return undefined;
  }
  return at as Json;
}

/** `{}` and `[]`: the API server may keep them or drop them. */
export function isEmptyContainer(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}

export function isContainer(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null;
}
