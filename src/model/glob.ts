/**
 * The globs of projects and of the list of namespaces: `*` is any run of characters, `/` included, `?` is one.
 * A pattern between slashes is a regular expression.
 */
export function matchesGlob(pattern: string, value: string, star = '.*'): boolean {
  const source =
    pattern.length > 2 && pattern.startsWith('/') && pattern.endsWith('/')
      ? pattern.slice(1, -1)
      : `^${pattern
          .replace(/[.+^${}()|[\]\\]/g, '\\$&')
          .replaceAll('*', star)
          .replaceAll('?', '.')}$`;
  try {
    return new RegExp(source, 's').test(value);
  } catch {
    return false;
  }
}

/** Patterns that start with `!` deny; a deny wins over every allow. */
export function allows(
  patterns: readonly string[],
  value: string,
  matchesOne: (pattern: string, value: string) => boolean = matchesGlob,
): boolean {
  const matches = (pattern: string) => matchesOne(pattern, value);
  const denied = patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)));
  return !denied && patterns.some((pattern) => !pattern.startsWith('!') && matches(pattern));
}
