/** What can be said of a pod from its status. */
import { parseTimestamp } from '#model/time.ts';
import { isDeleting } from './client.ts';
import { conditionOf, isTrue } from './conditions.ts';
import type { Pod } from './kinds.ts';

export const isFinished = ({ status }: Pod): boolean =>
  status.phase === 'Succeeded' || status.phase === 'Failed';
export const isActive = (pod: Pod): boolean => !isFinished(pod) && !isDeleting(pod);
export const isTerminating = (pod: Pod): boolean => !isFinished(pod) && isDeleting(pod);
export const isReady = ({ status }: Pod): boolean => isTrue(status.conditions, 'Ready');

/** When it became ready; 0 while it is not. */
export function readySinceMs(pod: Pod): number {
  const ready = conditionOf(pod.status.conditions, 'Ready');
  return ready?.status === 'True' ? (parseTimestamp(ready.lastTransitionTime) ?? 0) : 0;
}

/** How long until it counts as available; 0 when it does, undefined while it is not ready. */
export function untilAvailableMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  if (!isReady(pod)) return undefined;
  return minReadySeconds === 0 ? 0 : Math.max(0, readySinceMs(pod) + minReadySeconds * 1000 - nowMs);
}

const phases = ['Pending', 'Unknown', 'Running'];
const restarts = ({ status }: Pod): number =>
  Math.max(0, ...(status.containerStatuses ?? []).map(({ restartCount }) => restartCount));
const deletionCost = ({ metadata }: Pod): number =>
  Number(metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0) || 0;
const newerFirst = (a: number, b: number): number => b - a;

/** Those that are missed least come first: what a controller deletes when there are too many. */
export function byDispensability(a: Pod, b: Pod): number {
  return (
    Number(a.spec.nodeName !== undefined) - Number(b.spec.nodeName !== undefined) ||
    phases.indexOf(a.status.phase) - phases.indexOf(b.status.phase) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    newerFirst(readySinceMs(a), readySinceMs(b)) ||
    restarts(b) - restarts(a) ||
    newerFirst(createdMs(a), createdMs(b)) ||
    (a.metadata.name < b.metadata.name ? -1 : 1)
  );
}

export const createdMs = ({ metadata }: { readonly metadata: Pod['metadata'] }): number =>
  parseTimestamp(metadata.creationTimestamp) ?? 0;
