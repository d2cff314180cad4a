/**
 * The name of one field of an object. Two notations say the same:
 *
 * - an **element key** is one step as FieldsV1 writes it: `f:image`, `k:{"name":"web"}`, `v:"a"`, `i:0`; with the
 *   JSON inside made canonical, so that equal steps are equal texts;
 * - a **path text** is a whole path for people and for records: a `.` before a plain member name (letters, digits,
 *   `_`, `-`, not starting with a digit or `-`), `["…"]` with a JSON string for any other member name,
 *   `[name="web"]` for an item of an associative list (several keys are sorted and joined by `,`, values are JSON),
 *   `[="a"]` for a member of a set, `[0]` for a position. The root is the empty text.
 *
 *       .spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].name
 *       .metadata.labels["app.kubernetes.io/name"]
 */
import { canonicalJson, isObject, type Json } from '#model/json.ts';

/** One step of a path, as FieldsV1 writes it, with canonical JSON. */
export type ElementKey = string;

/** One step, taken apart. */
export type PathElement =
  | { readonly kind: 'field'; readonly name: string }
  /** The item of an associative list that has these keys. */
  | { readonly kind: 'item'; readonly keys: Readonly<Record<string, Json>> }
  /** The member of a set that equals this value. */
  | { readonly kind: 'member'; readonly value: Json }
  | { readonly kind: 'index'; readonly index: number };

const plainName = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** Takes an element key apart; undefined when it is none. */
export function parseElement(key: string): PathElement | undefined {
  const body = key.slice(2);
  switch (key.slice(0, 2)) {
    case 'f:':
      return { kind: 'field', name: body };
    case 'k:': {
      const keys = parseJson(body);
      return isObject(keys) ? { kind: 'item', keys: keys as Readonly<Record<string, Json>> } : undefined;
    }
    case 'v:': {
      const value = parseJson(body);
      return value === undefined ? undefined : { kind: 'member', value };
    }
    case 'i:':
      return /^\d+$/.test(body) ? { kind: 'index', index: Number(body) } : undefined;
    default:
      return undefined;
  }
}

/** The element key of a step. */
export function elementKey(element: PathElement): ElementKey {
  switch (element.kind) {
    case 'field':
      return `f:${element.name}`;
    case 'item':
      return `k:${canonicalJson(element.keys)}`;
    case 'member':
      return `v:${canonicalJson(element.value)}`;
    case 'index':
      return `i:${element.index}`;
  }
}

/** The path text of one step. */
export function elementText(element: PathElement): string {
  switch (element.kind) {
    case 'field':
      return plainName.test(element.name) ? `.${element.name}` : `[${JSON.stringify(element.name)}]`;
    case 'item': {
      const keys = Object.keys(element.keys).toSorted();
      return `[${keys.map((key) => `${key}=${canonicalJson(element.keys[key])}`).join(',')}]`;
    }
    case 'member':
      return `[=${canonicalJson(element.value)}]`;
    case 'index':
      return `[${element.index}]`;
  }
}

/** The path text of a path of element keys. */
export function pathText(path: readonly ElementKey[]): string {
  return path.map(textOfKey).join('');
}

/** The path text of one element key. */
export function textOfKey(key: ElementKey): string {
  const name = key.slice(2);
  if (key.startsWith('f:') && plainName.test(name)) return `.${name}`;
  const element = parseElement(key);
  if (element === undefined) throw new Error(`not a path element: ${key}`);
  return elementText(element);
}

/** Reads a path text back into steps; undefined when it is not one. */
export function parsePath(text: string): readonly PathElement[] | undefined {
  const elements: PathElement[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === '.') {
      const name = /^[A-Za-z_][A-Za-z0-9_-]*/.exec(text.slice(at + 1))?.[0];
      if (name === undefined) return undefined;
      elements.push({ kind: 'field', name });
      at += 1 + name.length;
      continue;
    }
    const end = text[at] === '[' ? closingBracket(text, at) : -1;
    if (end < 0) return undefined;
    const element = parseBracket(text.slice(at + 1, end));
    if (element === undefined) return undefined;
    elements.push(element);
    at = end + 1;
  }
  return elements;
}

function parseBracket(body: string): PathElement | undefined {
  if (/^\d+$/.test(body)) return { kind: 'index', index: Number(body) };
  if (body.startsWith('=')) {
    const value = parseJson(body.slice(1));
    return value === undefined ? undefined : { kind: 'member', value };
  }
  if (body.startsWith('"')) {
    const name = parseJson(body);
    return typeof name === 'string' ? { kind: 'field', name } : undefined;
  }
  const keys: Record<string, Json> = {};
  for (const part of splitOutsideQuotes(body)) {
    const equals = part.indexOf('=');
    const value = equals < 1 ? undefined : parseJson(part.slice(equals + 1));
    if (value === undefined) return undefined;
    keys[part.slice(0, equals)] = value;
  }
  return { kind: 'item', keys };
}

/** Where the bracket that opens at `start` closes; brackets inside JSON strings do not count. */
function closingBracket(text: string, start: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at += 1) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '[') depth += 1;
    else if (char === ']' && (depth -= 1) === 0) return at;
  }
  return -1;
}

function splitOutsideQuotes(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted && char === '\\') at += 1;
    else if (char === '"') quoted = !quoted;
    else if (char === ',' && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
