/** What a Deployment says of itself: counts, and the conditions that `kubectl rollout status` and health checks read. */
import { conditionOf, withCondition, withoutCondition, type Conditions } from './conditions.ts';
import type { Condition, Deployment, ReplicaSet, Truth } from './kinds.ts';
import { counts } from './replicasets.ts';
import { availableReplicas, maxUnavailable, untilStuckMs, wantedReplicas } from './rollout.ts';

export interface Times {
  readonly nowMs: number;
  readonly now: string;
}
type Numbers = Omit<Deployment['status'], 'conditions'>;

const sum = (
  sets: readonly ReplicaSet[],
  count: (status: ReplicaSet['status']) => number | undefined,
): number => sets.reduce((total, { status }) => total + (count(status) ?? 0), 0);

export function deploymentStatus(
  deployment: Deployment,
  present: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  times: Times,
): Deployment['status'] {
  const available = availableReplicas(all);
  const { collisionCount } = deployment.status;
  const numbers: Numbers = {
    observedGeneration: deployment.metadata.generation ?? 1,
    ...counts({
      replicas: sum(all, ({ replicas }) => replicas),
      updatedReplicas: present?.status.replicas ?? 0,
      readyReplicas: sum(all, ({ readyReplicas }) => readyReplicas),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, wantedReplicas(all) - available),
    }),
    terminatingReplicas: sum(all, ({ terminatingReplicas }) => terminatingReplicas),
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
  const isEnough = available >= deployment.spec.replicas - maxUnavailable(deployment);
  const conditions = set(
    deployment.status.conditions,
    'Available',
    isEnough ? 'True' : 'False',
    isEnough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    isEnough ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
    times.now,
  );
  return { ...numbers, conditions };
}

/** With the Progressing and ReplicaFailure conditions of a rollout that is under way or over. */
export function withProgress(
  deployment: Deployment,
  present: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  status: Deployment['status'],
  times: Times,
): Deployment['status'] {
  const { conditions } = status;
  const progressing = conditionOf(conditions, 'Progressing');
  const hasDeadline = untilStuckMs(deployment, undefined, 0) !== undefined;
  const isOver =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) &&
    progressing?.reason === 'NewReplicaSetAvailable';
  let next = hasDeadline ? conditions : withoutCondition(conditions, 'Progressing');
  if (hasDeadline && !isOver) next = progress(deployment, present, status, times);
  const failure = all.map((each) => conditionOf(each.status.conditions, 'ReplicaFailure')).find(Boolean);
  next =
    failure === undefined
      ? withoutCondition(next, 'ReplicaFailure')
      : set(next, 'ReplicaFailure', failure.status, failure.reason ?? '', failure.message ?? '', times.now);
  return { ...status, conditions: next };
}

function progress(
  deployment: Deployment,
  present: ReplicaSet | undefined,
  status: Deployment['status'],
  { now, nowMs }: Times,
): Conditions {
  const { conditions = [] } = status;
  const what =
    present === undefined
      ? `Deployment "${deployment.metadata.name}"`
      : `ReplicaSet "${present.metadata.name}"`;
  const before = conditionOf(conditions, 'Progressing');
  if (isComplete(deployment, status))
    return set(
      conditions,
      'Progressing',
      'True',
      'NewReplicaSetAvailable',
      `${what} has successfully progressed.`,
      now,
    );
  if (hasProgressed(deployment.status, status))
    return withLast(conditions, {
      type: 'Progressing',
      status: 'True',
      lastUpdateTime: now,
      lastTransitionTime: now,
      reason: 'ReplicaSetUpdated',
      message: `${what} is progressing.`,
    });
  if (before === undefined || before.reason === 'NewReplicaSetAvailable') return conditions;
  const leftMs = untilStuckMs(deployment, before.lastUpdateTime, nowMs) ?? 0;
  if (before.reason !== 'ProgressDeadlineExceeded' && leftMs >= 0) return conditions;
  return set(
    conditions,
    'Progressing',
    'False',
    'ProgressDeadlineExceeded',
    `${what} has timed out progressing.`,
    now,
  );
}

export function isComplete({ spec, metadata }: Deployment, status: Deployment['status']): boolean {
  return (
    (status.updatedReplicas ?? 0) === spec.replicas &&
    (status.replicas ?? 0) === spec.replicas &&
    (status.availableReplicas ?? 0) === spec.replicas &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 1)
  );
}

function hasProgressed(before: Numbers, after: Numbers): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: Numbers): number => replicas - updatedReplicas;
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** As it is while neither status nor reason change: the message and its time are those of the first. */
export function set(
  conditions: Conditions | undefined,
  type: string,
  status: Truth,
  reason: string,
  message: string,
  now: string,
): Conditions {
  const before = conditionOf(conditions, type);
  if (before?.status === status && before.reason === reason) return conditions ?? [];
  return withLast(conditions, {
    type,
    status,
    lastUpdateTime: now,
    lastTransitionTime: now,
    reason,
    message,
  });
}

/** The condition that changed stands last. */
function withLast(conditions: Conditions | undefined, changed: Condition): Conditions {
  const all = withCondition(conditions, changed);
  return [...withoutCondition(all, changed.type), conditionOf(all, changed.type)!];
}
