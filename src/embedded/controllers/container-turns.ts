/** What happens to a container next, and when: pulled, started, ended, started again after a growing pause. */
import { digestOf } from '#fields/digest.ts';
import { fateOf, type End } from './faults.ts';
import type { Container, ContainerState, ContainerStatus, Pod, Terminated } from './kinds.ts';
import type { Said } from './recorder.ts';

export interface Turn {
  /** Tells it apart from the one before. */
  readonly name: string;
  readonly delayMs: number;
  readonly next: ContainerStatus;
  readonly says: readonly Said[];
}
export interface Circumstances {
  readonly isInit: boolean;
  /** Why it cannot be configured. */
  readonly missing: string | undefined;
  readonly now: string;
}

const startMs = 300;
const runMs = 1000;
const initMs = 200;
const pullPauseMs = 1000;
const restartPauseMs = 10_000;
const restartPauseMsMax = 300_000;

export function turnOf(
  pod: Pod,
  container: Container,
  status: ContainerStatus,
  given: Circumstances,
): Turn | undefined {
  const { waiting, running, terminated } = status.state;
  const fieldPath = `spec.${given.isInit ? 'initContainers' : 'containers'}{${container.name}}`;
  const say = (reason: string, message: string, type: Said['type'] = 'Normal'): Said => ({
    type,
    reason,
    message,
    fieldPath,
  });
  const fate = fateOf(pod, container, given.isInit);
  if (running !== undefined) {
    if (fate.end === undefined) return readiness(status, fate.becomesReady, say);
    const delayMs = given.isInit ? initMs : runMs;
    return { name: 'end', delayMs, next: ended(status, running.startedAt, fate.end, given.now), says: [] };
  }
  if (terminated !== undefined) {
    if (!restarts(pod, container, given.isInit, terminated)) return undefined;
    if (status.restartCount === 0)
      return start(pod, container, status, fate.becomesReady, given, say, startMs);
    return backOff(pod, container, status, terminated, say);
  }
  if (!fate.pulls) return failPull(container, status, waiting?.reason, say);
  if (given.missing !== undefined) {
    if (waiting?.message === given.missing) return undefined;
    const next = waitingFor(status, 'CreateContainerConfigError', given.missing);
    return {
      name: 'configure',
      delayMs: startMs,
      next,
      says: [say('Failed', `Error: ${given.missing}`, 'Warning')],
    };
  }
  const pause = waiting?.reason === 'CrashLoopBackOff' ? restartPause(status.restartCount) : startMs;
  return start(pod, container, status, fate.becomesReady, given, say, pause);
}

type Say = (reason: string, message: string, type?: Said['type']) => Said;

function start(
  pod: Pod,
  container: Container,
  status: ContainerStatus,
  ready: boolean,
  { now }: Circumstances,
  say: Say,
  delayMs: number,
): Turn {
  const { terminated } = status.state;
  const again = terminated !== undefined || status.lastState.terminated !== undefined;
  const restartCount = again ? status.restartCount + 1 : 0;
  const { image = '' } = container;
  const { repository, full } = imageName(image);
  const next: ContainerStatus = {
    ...status,
    image: full,
    imageID: `${repository}@${digestOf(full)}`,
    containerID: `containerd://${digestOf(`${pod.metadata.uid} ${container.name} ${restartCount}`).slice(7)}`,
    started: true,
    ready,
    restartCount,
    state: { running: { startedAt: now } },
    lastState: terminated === undefined ? status.lastState : { terminated },
  };
  const pulled =
    again || container.imagePullPolicy === 'IfNotPresent'
      ? [
          say(
            'Pulled',
            `Container image "${image}" already present on machine and can be accessed by the pod`,
          ),
        ]
      : [
          say('Pulling', `Pulling image "${image}"`),
          say(
            'Pulled',
            `Successfully pulled image "${image}" in 100ms (100ms including waiting). Image size: 1000000 bytes.`,
          ),
        ];
  const says = [...pulled, say('Created', 'Container created'), say('Started', 'Container started')];
  return { name: `start ${restartCount}`, delayMs, next, says };
}

/** Its annotation may change while it runs. */
function readiness(status: ContainerStatus, ready: boolean, say: Say): Turn | undefined {
  if (status.ready === ready) return undefined;
  const next = { ...status, ready };
  const failed = say(
    'Unhealthy',
    'Readiness probe failed: HTTP probe failed with statuscode: 503',
    'Warning',
  );
  return { name: `ready ${ready}`, delayMs: startMs, next, says: ready ? [] : [failed] };
}

export function ended(
  status: ContainerStatus,
  startedAt: string,
  { exitCode, reason }: End,
  now: string,
): ContainerStatus {
  const { containerID = '' } = status;
  const terminated: Terminated = { exitCode, reason, startedAt, finishedAt: now, containerID };
  return { ...status, ready: false, started: false, state: { terminated } };
}

function restarts(pod: Pod, container: Container, isInit: boolean, { exitCode }: Terminated): boolean {
  const policy = isInit && container.restartPolicy === 'Always' ? 'Always' : pod.spec.restartPolicy;
  if (policy === 'Never') return false;
  return exitCode !== 0 || (policy === 'Always' && !isInit);
}

const restartPause = (restartCount: number): number =>
  Math.min(restartPauseMs * 2 ** (restartCount - 1), restartPauseMsMax);

function backOff(
  pod: Pod,
  container: Container,
  status: ContainerStatus,
  terminated: Terminated,
  say: Say,
): Turn {
  const { name, namespace = '', uid } = pod.metadata;
  const where = `failed container=${container.name} pod=${name}_${namespace}(${uid})`;
  const message = `back-off ${duration(restartPause(status.restartCount))} restarting ${where}`;
  const next = { ...waitingFor(status, 'CrashLoopBackOff', message), lastState: { terminated } };
  const said = say(
    'BackOff',
    `Back-off restarting failed container ${container.name} in pod ${name}_${namespace}(${uid})`,
    'Warning',
  );
  return { name: 'back off', delayMs: 0, next, says: [said] };
}

function failPull(
  container: Container,
  status: ContainerStatus,
  reason: string | undefined,
  say: Say,
): Turn | undefined {
  const { image = '' } = container;
  const { full } = imageName(image);
  const why = `failed to pull and unpack image "${full}": failed to resolve reference "${full}": ${full}: not found`;
  if (reason === 'ImagePullBackOff') return undefined;
  if (reason !== 'ErrImagePull')
    return {
      name: 'pull',
      delayMs: startMs,
      next: waitingFor(status, 'ErrImagePull', why),
      says: [
        say('Pulling', `Pulling image "${image}"`),
        say('Failed', `Failed to pull image "${image}": ${why}`, 'Warning'),
        say('Failed', 'Error: ErrImagePull', 'Warning'),
      ],
    };
  return {
    name: 'pull back off',
    delayMs: pullPauseMs,
    next: waitingFor(status, 'ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${why}`),
    says: [
      say('BackOff', `Back-off pulling image "${image}"`),
      say('Failed', 'Error: ImagePullBackOff', 'Warning'),
    ],
  };
}

export function waitingFor(status: ContainerStatus, reason: string, message?: string): ContainerStatus {
  const state: ContainerState = { waiting: { reason, ...(message === undefined ? {} : { message }) } };
  return { ...status, ready: false, started: false, state };
}

/** `nginx` is `docker.io/library/nginx:latest`. */
function imageName(image: string): { readonly repository: string; readonly full: string } {
  const [first = '', ...rest] = image.split('/');
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const whole = hasHost ? image : `docker.io/${rest.length === 0 ? 'library/' : ''}${image}`;
  const tag = /(?:@[^/]*|:[^/:]*)$/.exec(whole)?.[0] ?? '';
  return {
    repository: whole.slice(0, whole.length - tag.length),
    full: tag === '' ? `${whole}:latest` : whole,
  };
}

/** As Go writes it: `10s`, `1m20s`, `5m0s`. */
function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const seconds = (ms % 60_000) / 1000;
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds}s`;
}
