/** Ranges of semantic versions, as Git tags, charts and images are chosen by. */
import semver from 'semver';

/**
 * The name with the highest version in a range. Prereleases count only where the range names one; parts of a range are
 * separated by commas or spaces. Undefined where none is in it, or it is no range.
 */
export function highestVersion(names: Iterable<string>, range: string): string | undefined {
  const parsed = parseRange(range);
  if (parsed === undefined) return undefined;
  const [best] = [...names]
    .flatMap((name) => {
      const version = parseVersion(name);
      return version !== null && parsed.test(version) ? [{ name, version }] : [];
    })
    .toSorted((a, b) => semver.rcompare(a.version, b.version) || (a.name < b.name ? -1 : 1));
  return best?.name;
}

/** Whether the first is lower than the second; false where one of them is no version. */
export function isLowerVersion(one: string, other: string): boolean {
  const [a, b] = [parseVersion(one), parseVersion(other)];
  return a !== null && b !== null && semver.lt(a, b);
}

/** `v1` and `v1.2` are versions too. */
function parseVersion(name: string): semver.SemVer | null {
  const missing = /^v?\d+$/.test(name) ? 2 : /^v?\d+\.\d+$/.test(name) ? 1 : 0;
  return semver.parse(/^v?\d+\.\d+\.\d+/.test(name) ? name : `${name}${'.0'.repeat(missing)}`);
}

function parseRange(range: string): semver.Range | undefined {
  try {
    return new semver.Range(range.replaceAll(',', ' '), { includePrerelease: /\d-[0-9A-Za-z]/.test(range) });
  } catch {
    return undefined;
  }
}
