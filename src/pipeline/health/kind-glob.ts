/** Globs of `group/Kind` as Argo CD takes them: `*` and `**` are any run of characters, `?` one, `[a-z]`, `{a,b}`. */
const special = /\\.|\*+|\?|\[!?[^\]]*\]|[{},]|[^\\*?[\]{},]+|./gs;
const compiled = new Map<string, RegExp>();

export function matchesKind(glob: string, kind: string): boolean {
  if (glob === kind) return true;
  if (!/[*?[{]/.test(glob)) return false;
  const known = compiled.get(glob) ?? regExpOf(glob);
  compiled.set(glob, known);
  return known.test(kind);
}

function regExpOf(glob: string): RegExp {
  let depth = 0;
  const source = (glob.match(special) ?? []).map((part) => {
    if (part.startsWith('*')) return '.*';
    if (part === '?') return '.';
    if (part === '{') depth += 1;
    if (part === '{') return '(?:';
    if (part === '}' && depth > 0) {
      depth -= 1;
      return ')';
    }
    if (part === ',' && depth > 0) return '|';
    if (part.length > 2 && part.startsWith('[')) return part.replace('[!', '[^').replaceAll('\\', '\\\\');
    return (part.startsWith('\\') ? part.slice(1) : part).replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  });
  try {
    return new RegExp(`^${source.join('')}$`, 's');
  } catch {
    // A glob that cannot be read matches nothing, as there.
    return /(?!)/;
  }
}
