/** What a Unit's ignore rules say of one object. */
import { plannedChanges } from '#fields/drift.ts';
import {
  differsOnlyInIgnored,
  isIgnored,
  mayBeIgnored,
  parsePointer,
  type IgnoredFields,
} from '#fields/ignored.ts';
import { matchesGlob } from '#model/glob.ts';
import { keyText, type Manifest, type ObjectKey } from '#model/object.ts';
import type { IgnoreRule } from '#model/unit.ts';
import type { Comparison } from './compare.ts';
import type { PlanInput } from './plan.ts';

/** Those that are about the object. Groups and kinds are globs. */
export function rulesFor(rules: readonly IgnoreRule[] | undefined, key: ObjectKey): readonly IgnoreRule[] {
  return (rules ?? []).filter(
    ({ group, kind, name, namespace }) =>
      matchesGlob(group, key.group) &&
      matchesGlob(kind, key.kind) &&
      (name === undefined || name === key.name) &&
      (namespace === undefined || namespace === key.namespace),
  );
}

/** Undefined where no rule is about the object. */
export function ignoredOf({ unit, cuts }: PlanInput, key: ObjectKey): IgnoredFields | undefined {
  const mine = rulesFor(unit.ignores, key);
  if (mine.length === 0) return undefined;
  const cut = cuts?.get(keyText(key));
  return {
    pointers: mine.flatMap(({ pointers }) => pointers.flatMap((text) => [parsePointer(text) ?? []])),
    managers: mine.flatMap(({ managers }) => managers),
    ...(cut === undefined ? {} : { cut }),
  };
}

/** Whether what differs is ignored, all of it: the object counts as in sync. */
export function isTolerated(
  input: PlanInput,
  { ref, desired, verdict }: Comparison,
  live: Manifest,
): boolean {
  const { unit, state, sealer } = input;
  const ignored = ignoredOf(input, ref);
  const bodies = { desired: desired.manifest, live };
  if (ignored === undefined || !mayBeIgnored(ignored, bodies, unit.manager)) return false;
  if (verdict.verdict === 'drifted') {
    const recorded = state?.values[keyText(ref)];
    return recorded !== undefined && differsOnlyInIgnored(recorded, bodies, unit.manager, sealer, ignored);
  }
  if (verdict.verdict !== 'changed' || verdict.isUnfinished === true) return false;
  const changes = plannedChanges(desired.manifest, live, unit.manager, sealer);
  return changes.length > 0 && changes.every(({ path }) => isIgnored(path, bodies, ignored));
}
