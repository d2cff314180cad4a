/** How a person's approval of a plan is written into the resource of a Unit, whatever its kind, and which plan waits for it. */
import type { Progress } from '#model/dialect.ts';
import { isObject, type JsonObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { parseTimestamp, timestamp } from '#model/time.ts';
import type { Unit } from '#model/unit.ts';
import { approvalAnnotation, approvedAtAnnotation, approvedByAnnotation } from '#model/wishes.ts';

/** A merge patch. */
export function approvalRequest(plan: string, by: string, atMs: number): JsonObject {
  const annotations = {
    [approvalAnnotation]: plan,
    [approvedByAnnotation]: by,
    [approvedAtAnnotation]: timestamp(atMs),
  };
  return { metadata: { annotations } };
}

/** A merge patch that takes back whatever was approved. */
export const approvalWithdrawal: JsonObject = {
  metadata: {
    annotations: { [approvalAnnotation]: null, [approvedByAnnotation]: null, [approvedAtAnnotation]: null },
  },
};

export function approvalOf({ metadata }: Manifest): Pick<Unit, 'approved' | 'approvedBy' | 'approvedAtMs'> {
  const {
    [approvalAnnotation]: approved,
    [approvedByAnnotation]: approvedBy,
    [approvedAtAnnotation]: at,
  } = metadata.annotations ?? {};
  const approvedAtMs = parseTimestamp(at);
  return {
    ...(approved === undefined ? {} : { approved }),
    ...(approvedBy === undefined ? {} : { approvedBy }),
    ...(approvedAtMs === undefined ? {} : { approvedAtMs }),
  };
}

/** An approval is for one plan: once that has run, or the operation that came with it is over, it says nothing any more. */
export function spentApproval(
  { metadata: { annotations = {} } }: Manifest,
  { run, unit, requestAnswered }: Progress,
): Readonly<Record<string, null>> {
  const approved = annotations[approvalAnnotation];
  if (approved === undefined) return {};
  const hasRun = run?.outcome?.result === 'succeeded' && run.outcome.plan === approved;
  const isAnswered = requestAnswered && unit.request?.plan === approved;
  if (!hasRun && !isAnswered) return {};
  const all = [approvalAnnotation, approvedByAnnotation, approvedAtAnnotation];
  return Object.fromEntries(all.flatMap((name) => (annotations[name] === undefined ? [] : [[name, null]])));
}

/**
 * The digests of the plans that the status offers for approval: first what waits now, then what an operation was held
 * for, which is another one where that asked for more than the resource says.
 */
export function waitingPlans({ status }: Manifest): readonly string[] {
  if (!isObject(status)) return [];
  const { conditions, operationState } = status;
  const listed = Array.isArray(conditions) ? conditions.filter(isObject) : [];
  const held = listed.filter(
    ({ type, reason }) => type === 'Held' || (type === 'Ready' && reason === 'Held'),
  );
  const waiting = listed.filter(({ type }) => type === 'Waiting');
  const asked =
    isObject(operationState) &&
    operationState['phase'] === 'Failed' &&
    String(operationState['message']).startsWith('held for approval')
      ? [operationState]
      : [];
  const digests = [...held, ...waiting, ...asked].flatMap(
    // The last one: before it may stand what was approved in vain.
    ({ message }) =>
      String(message)
        .match(/sha256:[0-9a-f]{64}/g)
        ?.at(-1) ?? [],
  );
  return [...new Set(digests)];
}

/** Why this plan cannot be approved, if it is none that waits. */
export function approvalInVain(resource: Manifest, plan: string): string | undefined {
  const waiting = waitingPlans(resource);
  if (waiting.includes(plan)) return undefined;
  if (waiting.length === 0) return `no plan waits for approval; ${plan} is not what would be done now`;
  return `plan ${plan} is stale: what waits for approval is plan ${waiting.join(' or ')}; look at it, then approve that one`;
}
