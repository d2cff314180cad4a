/**
 * Plain data, as it stands in files, caches and over the wire. An integer of a manifest beyond 2^53 is a bigint: no
 * digit of it is lost.
 */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** `sha256:` and 64 hexadecimal digits; an HMAC under the installation's key where the content is secret. */
export type Digest = `sha256:${string}`;

export function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON with the keys of every object sorted, so that equal values have equal text. `undefined` members are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (isObject(value)) {
    const members = Object.keys(value)
      .filter((key) => value[key] !== undefined)
      .toSorted()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
    return `{${members.join(',')}}`;
  }
  return jsonText(value ?? null);
}

/** TypeScript's own types do not know yet that JSON can carry the text of a number. */
const withSource = JSON as unknown as {
  rawJSON(text: string): object;
  parse(
    text: string,
    revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
};

/** JSON.stringify for values that may hold bigints. */
export function jsonText(value: unknown, indent?: number): string {
  // Few values hold one, and looking at every member costs several times what writing it does.
  try {
    return JSON.stringify(value, undefined, indent);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  const withoutBigints = (_: string, member: unknown): unknown =>
    typeof member === 'bigint' ? withSource.rawJSON(member.toString()) : member;
  return JSON.stringify(value, withoutBigints, indent);
}

/** JSON.parse that keeps integers beyond 2^53, as bigints. */
export function parseJson(text: string): unknown {
  // Few texts have such long numbers (digits of a digest are none), and looking at every value costs.
  if (!/(?:^|[\s:,[-])\d{16}/.test(text)) return JSON.parse(text);
  return withSource.parse(text, (_, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '')
      ? BigInt(source!)
      : value,
  );
}
