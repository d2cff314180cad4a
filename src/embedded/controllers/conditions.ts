/** Lists of conditions: one of each type. */
import type { Condition, Truth } from './kinds.ts';

export type Conditions = readonly Condition[];

/** The machinery writes an empty list as null where the kind does not leave it out. */
export function conditionOf(conditions: Conditions | null | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isTrue(conditions: Conditions | null | undefined, type: string): boolean {
  return conditionOf(conditions, type)?.status === 'True';
}

/** With `set` in the place of its type; the time of the last transition stays while the status does. */
export function withCondition(conditions: Conditions = [], set: Condition): Conditions {
  const before = conditionOf(conditions, set.type);
  const kept = before?.status === set.status && before.lastTransitionTime !== undefined;
  const made = kept ? { ...set, lastTransitionTime: before.lastTransitionTime } : set;
  return before === undefined
    ? [...conditions, made]
    : conditions.map((condition) => (condition === before ? made : condition));
}

export function withoutCondition(conditions: Conditions = [], type: string): Conditions {
  return conditions.filter((condition) => condition.type !== type);
}

export const truth = (value: boolean): Truth => (value ? 'True' : 'False');
