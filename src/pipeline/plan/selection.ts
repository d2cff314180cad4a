/** A sync of some objects of a Unit, and not of the others. */
import type { ObjectKey } from '#model/object.ts';
import type { ObjectPattern } from '#model/unit.ts';
import type { Compared } from './compare.ts';

/** What is compared of the selected objects alone; exclusions count after the rest. */
export function selected(compared: Compared, only: readonly ObjectPattern[]): Compared {
  return {
    comparisons: compared.comparisons.filter(({ ref }) => isSelected(ref, only)),
    removals: compared.removals.filter(({ entry }) => isSelected(entry.ref, only)),
  };
}

function isSelected(ref: ObjectKey, only: readonly ObjectPattern[]): boolean {
  const matches = (pattern: ObjectPattern): boolean =>
    pattern.group === ref.group &&
    pattern.kind === ref.kind &&
    pattern.name === ref.name &&
    (pattern.namespace === undefined || pattern.namespace === ref.namespace);
  const included = only.filter(({ exclude }) => exclude !== true);
  const excluded = only.filter(({ exclude }) => exclude === true);
  return (included.length === 0 || included.some(matches)) && !excluded.some(matches);
}
