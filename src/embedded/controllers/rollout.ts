/** The arithmetic of a Deployment's rollout, as kube-controller-manager does it. */
import { parseTimestamp } from '#model/time.ts';
import { createdMs } from './pods.ts';
import type { Deployment, IntOrPercent, ReplicaSet } from './kinds.ts';

export const revisionNote = 'deployment.kubernetes.io/revision';
export const desiredNote = 'deployment.kubernetes.io/desired-replicas';
export const mostNote = 'deployment.kubernetes.io/max-replicas';

export const isRolling = ({ spec }: Deployment): boolean => spec.strategy.type === 'RollingUpdate';

/** A share of `total`, or the number itself. */
export function scaled(value: IntOrPercent, total: number, round: (value: number) => number): number {
  return typeof value === 'number' ? value : round((Number.parseInt(value, 10) * total) / 100);
}

export function maxSurge({ spec }: Deployment): number {
  const { rollingUpdate } = spec.strategy;
  return rollingUpdate === undefined ? 0 : scaled(rollingUpdate.maxSurge, spec.replicas, Math.ceil);
}

export function maxUnavailable(deployment: Deployment): number {
  const { replicas, strategy } = deployment.spec;
  if (strategy.rollingUpdate === undefined || replicas === 0) return 0;
  const share = scaled(strategy.rollingUpdate.maxUnavailable, replicas, Math.floor);
  // Both may round to nothing; then nothing could ever be replaced.
  const some = share === 0 && maxSurge(deployment) === 0 ? 1 : share;
  return Math.min(some, replicas);
}

export const wantedReplicas = (sets: readonly ReplicaSet[]): number =>
  sets.reduce((sum, { spec }) => sum + spec.replicas, 0);
export const availableReplicas = (sets: readonly ReplicaSet[]): number =>
  sets.reduce((sum, { status }) => sum + (status.availableReplicas ?? 0), 0);

/** How many replicas the set of the present template may have by now. */
export function newReplicas(deployment: Deployment, all: readonly ReplicaSet[], present: number): number {
  const { replicas } = deployment.spec;
  if (!isRolling(deployment)) return replicas;
  const most = replicas + maxSurge(deployment);
  const now = wantedReplicas(all);
  return now >= most ? present : present + Math.min(most - now, replicas - present);
}

/** How many replicas the old sets may lose, given what is available. */
export function dispensable(deployment: Deployment, present: ReplicaSet, all: readonly ReplicaSet[]): number {
  const missing = present.spec.replicas - (present.status.availableReplicas ?? 0);
  return wantedReplicas(all) - (deployment.spec.replicas - maxUnavailable(deployment)) - missing;
}

export const byAge = (a: ReplicaSet, b: ReplicaSet): number =>
  createdMs(a) - createdMs(b) || (a.metadata.name < b.metadata.name ? -1 : 1);

export function revisionOf({ metadata }: Pick<ReplicaSet, 'metadata'>): number {
  return Number.parseInt(metadata.annotations?.[revisionNote] ?? '0', 10) || 0;
}

/** The size of each set when a Deployment is scaled in the middle of a rollout: each keeps its share. */
export function proportional(
  deployment: Deployment,
  active: readonly ReplicaSet[],
): ReadonlyMap<ReplicaSet, number> {
  const { replicas } = deployment.spec;
  const most = replicas === 0 ? 0 : replicas + maxSurge(deployment);
  const toAdd = most - wantedReplicas(active);
  const age = toAdd > 0 ? (a: ReplicaSet, b: ReplicaSet) => byAge(b, a) : byAge;
  const sorted = active.toSorted((a, b) => b.spec.replicas - a.spec.replicas || age(a, b));
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const set of sorted) {
    const share = shareOf(deployment, set);
    const allowed = toAdd - added;
    const change = allowed === 0 ? 0 : toAdd > 0 ? Math.min(share, allowed) : Math.max(share, allowed);
    sizes.set(set, set.spec.replicas + change);
    added += change;
  }
  const [largest] = sorted;
  if (largest !== undefined) sizes.set(largest, Math.max(0, sizes.get(largest)! + toAdd - added));
  return sizes;
}

function shareOf(deployment: Deployment, { spec, metadata }: ReplicaSet): number {
  if (deployment.spec.replicas === 0) return -spec.replicas;
  const before = Number(metadata.annotations?.[mostNote] ?? 0) || (deployment.status.replicas ?? 0);
  if (before === 0) return 0;
  return (
    Math.round((spec.replicas * (deployment.spec.replicas + maxSurge(deployment))) / before) - spec.replicas
  );
}

/** Milliseconds until a rollout without progress counts as stuck; undefined when it has no deadline. */
export function untilStuckMs(
  deployment: Deployment,
  lastUpdate: string | undefined,
  nowMs: number,
): number | undefined {
  const { progressDeadlineSeconds } = deployment.spec;
  if (progressDeadlineSeconds === 2 ** 31 - 1) return undefined;
  return (parseTimestamp(lastUpdate) ?? 0) + progressDeadlineSeconds * 1000 - nowMs;
}
