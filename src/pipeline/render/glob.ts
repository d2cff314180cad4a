/**
 * The patterns of a directory source, as Argo CD's users write them: `*` stands for any characters, slashes too (so
 * `*.yaml` matches in every directory), `**` for the same, `?` for one, `[a-z]` and `[!a-z]` for one of a class,
 * `{a,b}` for alternatives, `\` takes the meaning from what follows. A pattern matches whole paths.
 *
 * Written here, and not a library's: none has these rules, and ours takes time in proportion to pattern times path,
 * whatever a tenant writes (F23).
 */
type Token =
  | { readonly kind: 'any' }
  | { readonly kind: 'one' }
  | { readonly kind: 'char'; readonly char: string }
  | {
      readonly kind: 'class';
      readonly negated: boolean;
      readonly ranges: readonly (readonly [string, string])[];
    };

const alternativesMax = 256;
const lengthMax = 1024;

export interface Glob {
  matches(path: string): boolean;
}

/** Undefined when the pattern is malformed or too long. */
export function parseGlob(pattern: string): Glob | undefined {
  if (pattern.length > lengthMax) return undefined;
  const alternatives = expand(pattern)?.map(tokenize);
  if (alternatives === undefined || alternatives.some((tokens) => tokens === undefined)) return undefined;
  return { matches: (path) => alternatives.some((tokens) => matchTokens(tokens!, [...path])) };
}

/** Writes out `{a,b}`, nested ones too. */
function expand(pattern: string): readonly string[] | undefined {
  const open = indexOutside(pattern, '{', 0);
  if (open < 0) return indexOutside(pattern, '}', 0) < 0 ? [pattern] : undefined;
  const parts: string[] = [];
  let depth = 0;
  let start = open + 1;
  let at = open;
  for (; at < pattern.length; at += 1) {
    const char = pattern[at];
    if (char === '\\') at += 1;
    else if (char === '{') depth += 1;
    else if (char === '}' && (depth -= 1) === 0) break;
    else if (char === ',' && depth === 1) {
      parts.push(pattern.slice(start, at));
      start = at + 1;
    }
  }
  if (at >= pattern.length) return undefined;
  parts.push(pattern.slice(start, at));
  const written: string[] = [];
  for (const part of parts) {
    const rest = expand(pattern.slice(0, open) + part + pattern.slice(at + 1));
    if (rest === undefined || written.length + rest.length > alternativesMax) return undefined;
    written.push(...rest);
  }
  return written;
}

function indexOutside(pattern: string, wanted: string, start: number): number {
  for (let at = start; at < pattern.length; at += 1) {
    if (pattern[at] === '\\') at += 1;
    else if (pattern[at] === wanted) return at;
  }
  return -1;
}

function tokenize(pattern: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  const chars = [...pattern];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at]!;
    if (char === '*') {
      if (tokens.at(-1)?.kind !== 'any') tokens.push({ kind: 'any' });
    } else if (char === '?') tokens.push({ kind: 'one' });
    else if (char === '\\') {
      at += 1;
      const literal = chars[at];
      if (literal === undefined) return undefined;
      tokens.push({ kind: 'char', char: literal });
    } else if (char === '[') {
      const end = chars.indexOf(']', at + 2);
      if (end < 0) return undefined;
      tokens.push(classOf(chars.slice(at + 1, end)));
      at = end;
    } else tokens.push({ kind: 'char', char });
  }
  return tokens;
}

function classOf(chars: readonly string[]): Token {
  const negated = chars[0] === '!';
  const body = negated ? chars.slice(1) : chars;
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < body.length; at += 1) {
    const low = body[at]!;
    const high = body[at + 1] === '-' ? body[at + 2] : undefined;
    ranges.push([low, high ?? low]);
    if (high !== undefined) at += 2;
  }
  return { kind: 'class', negated, ranges };
}

/** Goes back to the last `*` only: an earlier one cannot do better. */
function matchTokens(tokens: readonly Token[], chars: readonly string[]): boolean {
  let token = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < chars.length) {
    const next = tokens[token];
    if (next?.kind === 'any') {
      star = token;
      starAt = at;
      token += 1;
    } else if (next !== undefined && matchOne(next, chars[at]!)) {
      token += 1;
      at += 1;
    } else if (star >= 0) {
      token = star + 1;
      starAt += 1;
      at = starAt;
    } else return false;
  }
  while (tokens[token]?.kind === 'any') token += 1;
  return token === tokens.length;
}

function matchOne(token: Token, char: string): boolean {
  switch (token.kind) {
    case 'char':
      return token.char === char;
    case 'class':
      return token.ranges.some(([low, high]) => low <= char && char <= high) !== token.negated;
    default:
      return true;
  }
}
