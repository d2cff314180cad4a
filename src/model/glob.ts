/**
 * The globs of Argo CD's users: `*` and `**` stand for any characters, `?` for one, `[a-z]` and `[!a-z]` for one of a
 * class, `{a,b}` for alternatives, `\` takes the meaning from what follows. A pattern matches the whole text. Where there
 * is a separator, only `**` crosses it.
 *
 * Written here, and not a library's: none has these rules, and ours takes time in proportion to pattern times text,
 * whatever a tenant writes (F23).
 */
type Token =
  | { readonly kind: 'any' | 'within' | 'one' }
  | { readonly kind: 'char'; readonly char: string }
  | {
      readonly kind: 'class';
      readonly negated: boolean;
      readonly ranges: readonly (readonly [string, string])[];
    };

const alternativesMax = 256;
const lengthMax = 1024;
const keptMax = 10_000;

export interface Glob {
  matches(text: string): boolean;
}

/** Undefined when the pattern is malformed or too long. */
export function parseGlob(pattern: string, separator = ''): Glob | undefined {
  if (pattern.length > lengthMax) return undefined;
  const alternatives = expand(pattern)?.map((text) => tokenize(text, separator !== ''));
  if (alternatives === undefined || alternatives.some((tokens) => tokens === undefined)) return undefined;
  return { matches: (text) => alternatives.some((tokens) => matchTokens(tokens!, text, separator)) };
}

const known = new Map<string, Glob | undefined>();

function globOf(pattern: string, separator: string, mayBeRegExp = false): Glob | undefined {
  const isRegExp = mayBeRegExp && pattern.length > 2 && pattern.startsWith('/') && pattern.endsWith('/');
  const key = `${isRegExp}${separator}${pattern}`;
  if (known.has(key)) return known.get(key);
  if (known.size >= keptMax) known.clear();
  const glob = isRegExp ? regExpOf(pattern.slice(1, -1)) : parseGlob(pattern, separator);
  known.set(key, glob);
  return glob;
}

function regExpOf(source: string): Glob | undefined {
  try {
    const expression = new RegExp(source, 's');
    return { matches: (text) => expression.test(text) };
  } catch {
    return undefined;
  }
}

/** One that cannot be read matches itself alone: whoever takes patterns asks for their problem first. */
export function matchesGlob(pattern: string, text: string, separator = ''): boolean {
  return pattern === text || globOf(pattern, separator)?.matches(text) === true;
}

/**
 * The same, and a pattern between slashes is a regular expression: of those whom administrators permit. A tenant's would
 * take as long as they like (F23).
 */
export function matchesPattern(pattern: string, text: string): boolean {
  return pattern === text || globOf(pattern, '', true)?.matches(text) === true;
}

/** Why a pattern cannot be read; undefined where it can be. */
export function globProblem(pattern: string): string | undefined {
  if (globOf(pattern.replace(/^!/, ''), '', true) !== undefined) return undefined;
  return `"${pattern.slice(0, 100)}" is not a glob: it is too long, or a [, { or \\ in it is not closed`;
}

/** Patterns that start with `!` deny; a deny wins over every allow. */
export function allows(
  patterns: readonly string[],
  value: string,
  matchesOne: (pattern: string, value: string) => boolean = matchesPattern,
): boolean {
  const matches = (pattern: string) => matchesOne(pattern, value);
  const denied = patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)));
  return !denied && patterns.some((pattern) => !pattern.startsWith('!') && matches(pattern));
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

function tokenize(pattern: string, isSeparated: boolean): readonly Token[] | undefined {
  const tokens: Token[] = [];
  const chars = [...pattern];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at]!;
    if (char === '*') {
      const start = at;
      while (chars[at + 1] === '*') at += 1;
      tokens.push({ kind: isSeparated && at === start ? 'within' : 'any' });
    } else if (char === '?') tokens.push({ kind: 'one' });
    else if (char === '\\') {
      at += 1;
      const literal = chars[at];
      if (literal === undefined) return undefined;
      tokens.push({ kind: 'char', char: literal });
    } else if (char === '[') {
      const end = chars.indexOf(']', at + 2);
      const token = end < 0 ? undefined : classOf(chars.slice(at + 1, end));
      if (token === undefined) return undefined;
      tokens.push(token);
      at = end;
    } else tokens.push({ kind: 'char', char });
  }
  return tokens;
}

function classOf(chars: readonly string[]): Token | undefined {
  const negated = chars[0] === '!';
  const body = negated ? chars.slice(1) : chars;
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < body.length; at += 1) {
    const low = body[at]!;
    const high = body[at + 1] === '-' ? body[at + 2] : undefined;
    if (high !== undefined && high < low) return undefined;
    ranges.push([low, high ?? low]);
    if (high !== undefined) at += 2;
  }
  return { kind: 'class', negated, ranges };
}

/** Follows every place of the pattern that the text so far may have led to, all at once. */
function matchTokens(tokens: readonly Token[], text: string, separator: string): boolean {
  const reach = (places: Set<number>, place: number): void => {
    const kind = tokens[place]?.kind;
    // Whatever an earlier place may yet match, this one does too.
    if (kind === 'any') places.clear();
    places.add(place);
    if (kind === 'any' || kind === 'within') reach(places, place + 1);
  };
  let places = new Set<number>();
  reach(places, 0);
  for (const char of text) {
    const next = new Set<number>();
    for (const place of places) {
      const token = tokens[place];
      if (token === undefined || !matchOne(token, char, separator)) continue;
      reach(next, token.kind === 'any' || token.kind === 'within' ? place : place + 1);
    }
    if (next.size === 0) return false;
    places = next;
  }
  return places.has(tokens.length);
}

function matchOne(token: Token, char: string, separator: string): boolean {
  switch (token.kind) {
    case 'any':
      return true;
    case 'char':
      return token.char === char;
    case 'class':
      return token.ranges.some(([low, high]) => low <= char && char <= high) !== token.negated;
    default:
      return char !== separator;
  }
}
