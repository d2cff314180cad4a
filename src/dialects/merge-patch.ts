/** JSON merge patches (RFC 7386). */
import { canonicalJson, isObject, type Json, type JsonObject } from '#model/json.ts';

/** The smallest that turns one value into another; undefined when they are equal. */
export function mergePatch(
  before: unknown,
  after: Json | undefined | Readonly<Record<string, Json | undefined>>,
): Json | undefined {
  if (after === undefined) return before === undefined || before === null ? undefined : null;
  if (!isObject(before) || !isObject(after)) {
    return canonicalJson(before) === canonicalJson(after) ? undefined : withoutUndefined(after as Json);
  }
  const patch: Record<string, Json> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const member = mergePatch(before[key], after[key] as Json | undefined);
    if (member !== undefined) patch[key] = member;
  }
  return Object.keys(patch).length === 0 ? undefined : (patch as JsonObject);
}

function withoutUndefined(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** What becomes of a value under a merge patch. */
export function patched(value: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const members: Record<string, unknown> = isObject(value) ? { ...value } : {};
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete members[key];
    else members[key] = patched(members[key], change);
  }
  return members;
}
