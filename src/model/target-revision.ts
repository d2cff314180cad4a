/** What a target revision stands for, as people write it: the same whether it stands in a spec or is asked for once. */
import type { GitRef } from './unit.ts';

/** Characters that make it a range of versions and not a name. */
const rangeCharacters = /[*^~<>=|,]|\s-\s|^v?\d+(\.\d+)?(\.[xX]){1,2}$|^[xX]$/;

/** Of Git. A range is looked for among tags first, and then it is a name like any other: `1.x` may be a branch. */
export function gitRefOf(written: string): GitRef {
  const name = written.trim();
  if (rangeCharacters.test(name)) return { semver: name, orName: true };
  if (/^[0-9a-f]{40}$/.test(name)) return { commit: name };
  return { name: name === '' ? 'HEAD' : name.replace(/^refs\/heads\//, '') };
}

/** Of charts and images. Without one, and as `HEAD`, the highest; of images that is the tag `latest`. */
export function versionRefOf(written: string, isChart: boolean): GitRef {
  const wanted = written.trim();
  if (wanted === '' || wanted === 'HEAD') return isChart ? { semver: '*' } : { name: 'latest' };
  if (rangeCharacters.test(wanted)) return { semver: wanted };
  // A part of a version is a range for Helm: `1.2` is `1.2.x`. Of images it may be a tag.
  return isChart && /^v?\d+(\.\d+)?$/.test(wanted) ? { semver: wanted } : { name: wanted };
}
