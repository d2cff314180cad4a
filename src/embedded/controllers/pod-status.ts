/** A pod's phase and conditions follow from its containers, as the kubelet says them. */
import { conditionOf, truth, withCondition, type Conditions } from './conditions.ts';
import type { Condition, Container, ContainerStatus, Pod, PodStatus } from './kinds.ts';

export interface Parts {
  readonly inits: readonly ContainerStatus[];
  readonly mains: readonly ContainerStatus[];
}

/** An init container that is done, or a sidecar that runs. */
export function isInitialized({ restartPolicy }: Container, { state, started }: ContainerStatus): boolean {
  if (restartPolicy === 'Always') return started && state.running !== undefined;
  return state.terminated?.exitCode === 0;
}

export function podStatus(pod: Pod, { inits, mains }: Parts, now: string): PodStatus {
  const phase = phaseOf(pod, inits, mains);
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const notInitialized = names(inits, (status, at) => !isInitialized(pod.spec.initContainers![at]!, status));
  const notReady = names(mains, ({ ready }) => !ready);
  const done = phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : undefined;
  let { conditions = [] } = pod.status;
  const set = (type: string, isTrue: boolean, reason?: string, message?: string): void => {
    conditions = withChange(conditions, pod, now, {
      type,
      status: truth(isTrue),
      ...(reason === undefined || (isTrue && done === undefined) ? {} : { reason }),
      ...(isTrue || message === undefined ? {} : { message }),
    });
  };
  const unready = done ?? 'ContainersNotReady';
  const which = done === undefined ? `containers with unready status: [${notReady.join(' ')}]` : undefined;
  set(
    'PodReadyToStartContainers',
    !isOver &&
      [...inits, ...mains].some(
        ({ containerID, state }) =>
          containerID !== undefined ||
          !['ContainerCreating', 'PodInitializing'].includes(state.waiting?.reason ?? ''),
      ),
  );
  set(
    'Initialized',
    notInitialized.length === 0 || phase === 'Succeeded',
    notInitialized.length === 0 ? done : 'ContainersNotInitialized',
    `containers with incomplete status: [${notInitialized.join(' ')}]`,
  );
  const isReady = !isOver && notInitialized.length === 0 && notReady.length === 0;
  set('Ready', isReady, unready, which);
  set('ContainersReady', isReady, unready, which);
  set('PodScheduled', true);
  return {
    ...pod.status,
    observedGeneration: pod.metadata.generation ?? 1,
    phase,
    conditions,
    ...(inits.length === 0 ? {} : { initContainerStatuses: inits }),
    containerStatuses: mains,
  };
}

function withChange(conditions: Conditions, { metadata }: Pod, now: string, set: Condition): Conditions {
  const before = conditionOf(conditions, set.type);
  return withCondition(conditions, {
    ...set,
    observedGeneration: metadata.generation ?? 1,
    lastProbeTime: before?.lastProbeTime ?? null,
    lastTransitionTime: now,
  });
}

function names(
  statuses: readonly ContainerStatus[],
  where: (status: ContainerStatus, at: number) => boolean,
): readonly string[] {
  return statuses.filter(where).map(({ name }) => name);
}

function phaseOf(
  { spec }: Pod,
  inits: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
): string {
  const containers = spec.initContainers ?? [];
  const failed = inits.some(({ state }) => (state.terminated?.exitCode ?? 0) !== 0);
  if (failed && spec.restartPolicy === 'Never') return 'Failed';
  if (inits.some((status, at) => !isInitialized(containers[at]!, status)) && !mains.some(hasStarted))
    return 'Pending';
  if (!mains.every(hasStarted)) return 'Pending';
  if (spec.restartPolicy === 'Always' || mains.some(({ state }) => state.terminated === undefined))
    return 'Running';
  if (mains.every(({ state }) => state.terminated?.exitCode === 0)) return 'Succeeded';
  return spec.restartPolicy === 'Never' ? 'Failed' : 'Running';
}

const hasStarted = ({ state, lastState }: ContainerStatus): boolean =>
  state.waiting === undefined || lastState.terminated !== undefined;
