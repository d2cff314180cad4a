/** `status.conditions` as Kubernetes has them: a time changes only when the status does. */
import { isObject, type Json } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { timestamp } from '#model/time.ts';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

const messageLengthMax = 20_000;

export function written(
  conditions: readonly Condition[],
  before: unknown,
  generation: number,
  nowMs: number,
): Json {
  const earlier = Array.isArray(before) ? before.filter(isObject) : [];
  return conditions.map(({ type, status, reason, message }) => {
    const same = earlier.find((condition) => condition['type'] === type && condition['status'] === status);
    const since = same?.['lastTransitionTime'];
    return {
      type,
      status,
      reason,
      message: message.slice(0, messageLengthMax),
      lastTransitionTime: typeof since === 'string' ? since : timestamp(nowMs),
      observedGeneration: generation,
    };
  });
}

/** As the resource says it now. */
export function conditionOf(
  { status }: Manifest,
  type: string,
): Readonly<Record<string, unknown>> | undefined {
  const conditions = isObject(status) && Array.isArray(status['conditions']) ? status['conditions'] : [];
  return conditions.filter(isObject).find((condition) => condition['type'] === type);
}
