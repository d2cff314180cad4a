/** Runs pods until enough of them succeeded, or too many failed. */
import { parseTimestamp } from '#model/time.ts';
import { controllerOf } from '../objects.ts';
import type { Change } from '../store.ts';
import { isDeleting, named, type Client } from './client.ts';
import { conditionOf, isTrue, withCondition, type Conditions } from './conditions.ts';
import { indexesIn, indexesText } from './job-indexes.ts';
import { jobs, pods, type Condition, type Job, type Pod } from './kinds.ts';
import { claim, ownersOf } from './ownership.ts';
import { isActive, isFinished, isReady, isTerminating } from './pods.ts';
import type { Recorder, Tell } from './recorder.ts';
import { counts } from './replicasets.ts';
import type { Again, Controller } from './runner.ts';
import { createPod } from './templates.ts';

/** Holds a pod until it is counted. */
const tracking = 'batch.kubernetes.io/job-tracking';
const indexNote = 'batch.kubernetes.io/job-completion-index';
const pauseMs = 10_000;
const pauseMsMax = 600_000;

/** What a job's pods come to, with those that ended since the last look. */
interface Tally {
  readonly mine: readonly Pod[];
  readonly ended: readonly Pod[];
  readonly succeeded: number;
  readonly failed: number;
  readonly indexes: ReadonlySet<number>;
}
interface Verdict {
  readonly type: 'SuccessCriteriaMet' | 'FailureTarget';
  readonly reason: string;
  readonly message: string;
}

export class Jobs implements Controller {
  readonly name = 'jobs';
  readonly concerns: (change: Change) => readonly string[];
  readonly #client: Client;
  readonly #tell: Tell;

  constructor(client: Client, recorder: Recorder) {
    this.#client = client;
    this.#tell = recorder.as('job-controller');
    this.concerns = ownersOf(client, jobs, [pods]);
  }

  sync(key: string, again: Again): void {
    const job = this.#client.at(jobs, key);
    this.#letGo(this.#orphans(key, job));
    if (job === undefined) return;
    if (isOver(job)) {
      this.#letGo(claim(this.#client, jobs, job, pods));
      this.#expire(job, again);
      return;
    }
    const tally = this.#tally(job);
    const verdict = this.#verdict(job, tally, again);
    if (verdict !== undefined || job.spec.suspend === true) this.#stop(job, tally);
    else if (!isDeleting(job)) this.#run(job, tally, again);
    this.#report(job, tally, verdict);
    this.#letGo(tally.ended);
  }

  /** Of a job of this name that is gone: nobody counts them any more. */
  #orphans(key: string, job: Job | undefined): readonly Pod[] {
    const { namespace, name } = named(key);
    return this.#client.list(pods, namespace).filter((pod) => {
      const owner = controllerOf(pod);
      return owner?.kind === jobs.kind && owner.name === name && owner.uid !== job?.metadata.uid;
    });
  }

  #tally(job: Job): Tally {
    const mine = claim(this.#client, jobs, job, pods);
    const ended = mine.filter((pod) => isFinished(pod) && isTracked(pod));
    const succeeded = ended.filter(({ status }) => status.phase === 'Succeeded');
    const indexes = new Set(indexesIn(job.status.completedIndexes ?? ''));
    for (const pod of succeeded) indexes.add(indexOf(pod));
    return {
      mine,
      ended,
      succeeded: isIndexed(job) ? indexes.size : (job.status.succeeded ?? 0) + succeeded.length,
      failed: (job.status.failed ?? 0) + ended.length - succeeded.length,
      indexes,
    };
  }

  #verdict(job: Job, { mine, succeeded, failed }: Tally, again: Again): Verdict | undefined {
    const { conditions, startTime } = job.status;
    for (const type of ['SuccessCriteriaMet', 'FailureTarget'] as const) {
      const { reason = '', message = '' } = conditionOf(conditions, type) ?? {};
      if (isTrue(conditions, type)) return { type, reason, message };
    }
    const { backoffLimit = 6, completions, activeDeadlineSeconds, suspend = false } = job.spec;
    const fail = (reason: string, message: string): Verdict => ({ type: 'FailureTarget', reason, message });
    if (failed > backoffLimit || restartsOf(job, mine) > backoffLimit)
      return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
    if (activeDeadlineSeconds !== undefined && startTime !== undefined && !suspend) {
      const leftMs = this.#client.untilMs(startTime, activeDeadlineSeconds);
      if (leftMs <= 0) return fail('DeadlineExceeded', 'Job was active longer than specified deadline');
      again(leftMs);
    }
    const active = mine.filter(isActive).length;
    const isEnough = completions === undefined ? succeeded > 0 && active === 0 : succeeded >= completions;
    if (!isEnough) return undefined;
    return {
      type: 'SuccessCriteriaMet',
      reason: 'CompletionsReached',
      message: 'Reached expected number of succeeded pods',
    };
  }

  #stop(job: Job, { mine }: Tally): void {
    for (const pod of mine.filter(isActive)) {
      this.#client.delete(pods.key, pod);
      this.#tell(job, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
    }
  }

  /** After a failure the next pod waits, longer each time. */
  #run(job: Job, { mine, succeeded, failed, indexes }: Tally, again: Again): void {
    const { parallelism = 1, completions } = job.spec;
    const active = mine.filter(isActive);
    const left = completions === undefined ? (succeeded > 0 ? 0 : parallelism) : completions - succeeded;
    const wanted = Math.min(parallelism, left) - active.length;
    for (const pod of active.slice(0, Math.max(0, -wanted))) {
      this.#client.delete(pods.key, pod);
      this.#tell(job, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
    }
    const waitMs = this.#pauseLeft(mine, failed);
    if (wanted > 0 && waitMs > 0) {
      again(waitMs);
      return;
    }
    const taken = new Set([...indexes, ...active.map(indexOf)]);
    for (let count = 0; count < wanted; count += 1) {
      let index = 0;
      while (taken.has(index)) index += 1;
      taken.add(index);
      this.#create(job, index);
    }
  }

  #pauseLeft(mine: readonly Pod[], failed: number): number {
    const ends = mine
      .filter(({ status }) => status.phase === 'Failed')
      .flatMap(({ status }) => status.containerStatuses ?? [])
      .map(({ state }) => parseTimestamp(state.terminated?.finishedAt) ?? 0);
    if (ends.length === 0) return 0;
    const pause = Math.min(pauseMs * 2 ** (failed - 1), pauseMsMax);
    return Math.max(...ends) + pause - this.#client.clock.now();
  }

  #create(job: Job, index: number): void {
    const marks = isIndexed(job) ? { [indexNote]: String(index) } : {};
    const template = isIndexed(job) ? withIndex(job) : job.spec.template;
    const extras = { finalizers: [tracking], labels: marks, annotations: marks };
    const pod = createPod(this.#client, jobs, job, template, extras);
    this.#tell(job, 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
  }

  #report(job: Job, { succeeded, failed, indexes }: Tally, verdict: Verdict | undefined): void {
    const mine = claim(this.#client, jobs, job, pods);
    const active = mine.filter(isActive);
    const terminating = mine.filter(isTerminating).length;
    const { now } = this.#client;
    const isDone = verdict !== undefined && active.length === 0 && terminating === 0;
    const isSuspended = job.spec.suspend === true;
    const startTime = isSuspended ? undefined : (job.status.startTime ?? now);
    const conditions = this.#conditions(job, verdict, isDone);
    const isComplete = isDone && verdict.type === 'SuccessCriteriaMet';
    this.#client.setStatus(jobs, job, {
      ...(conditions.length === 0 ? {} : { conditions }),
      ...(startTime === undefined ? {} : { startTime }),
      ...(isComplete ? { completionTime: now } : {}),
      ...counts({ active: active.length, succeeded, failed }),
      ...(isIndexed(job) && indexes.size > 0 ? { completedIndexes: indexesText(indexes) } : {}),
      uncountedTerminatedPods: {},
      ready: active.filter(isReady).length,
      terminating,
    });
    if (!isDone) return;
    if (isComplete) this.#tell(job, 'Completed', 'Job completed');
    else this.#tell(job, verdict.reason, verdict.message, { type: 'Warning' });
  }

  #conditions(job: Job, verdict: Verdict | undefined, isDone: boolean): Conditions {
    const { now } = this.#client;
    const isSuspended = job.spec.suspend === true;
    let { conditions = [] } = job.status;
    const set = (condition: Omit<Condition, 'lastTransitionTime'>): void => {
      if (conditionOf(conditions, condition.type)?.status === condition.status) return;
      conditions = withCondition(conditions, { ...condition, lastProbeTime: now, lastTransitionTime: now });
    };
    if (isSuspended !== isTrue(conditions, 'Suspended')) {
      const word = isSuspended ? 'Suspended' : 'Resumed';
      const message = `Job ${word.toLowerCase()}`;
      set({ type: 'Suspended', status: isSuspended ? 'True' : 'False', reason: `Job${word}`, message });
      this.#tell(job, word, message);
    }
    if (verdict === undefined) return conditions;
    set({ ...verdict, status: 'True' });
    if (isDone)
      set({ ...verdict, type: verdict.type === 'FailureTarget' ? 'Failed' : 'Complete', status: 'True' });
    return conditions;
  }

  /** They are counted: what deletes them need not wait any more. */
  #letGo(counted: readonly Pod[]): void {
    for (const pod of counted.filter(isTracked)) {
      const live = this.#client.get(pods, pod.metadata.namespace ?? '', pod.metadata.name);
      if (live === undefined) continue;
      const left = (live.metadata.finalizers ?? []).filter((each) => each !== tracking);
      this.#client.patch(pods, live, { metadata: { finalizers: left.length === 0 ? null : left } });
    }
  }

  #expire(job: Job, again: Again): void {
    const { ttlSecondsAfterFinished } = job.spec;
    if (ttlSecondsAfterFinished === undefined || isDeleting(job)) return;
    const end = ['Complete', 'Failed'].map((type) => conditionOf(job.status.conditions, type)).find(Boolean);
    const leftMs = this.#client.untilMs(end?.lastTransitionTime, ttlSecondsAfterFinished);
    if (leftMs > 0) again(leftMs);
    else this.#client.delete(jobs.key, job, { propagation: 'Foreground' });
  }
}

export const isOver = ({ status }: Job): boolean =>
  isTrue(status.conditions, 'Complete') || isTrue(status.conditions, 'Failed');
const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed';
const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(tracking) === true;
const indexOf = ({ metadata }: Pod): number => Number(metadata.annotations?.[indexNote] ?? -1);

/** Pods that are started again in place count by their restarts. */
function restartsOf({ spec }: Job, mine: readonly Pod[]): number {
  if (spec.template.spec.restartPolicy !== 'OnFailure') return 0;
  const statuses = mine.filter(isActive).flatMap(({ status }) => status.containerStatuses ?? []);
  return statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
}

function withIndex({ spec }: Job): Job['spec']['template'] {
  const { template } = spec;
  const fieldPath = `metadata.annotations['${indexNote}']`;
  const variable = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath } } };
  const containers = template.spec.containers.map((each) => ({
    ...each,
    env: [...(each.env ?? []), variable],
  }));
  return { ...template, spec: { ...template.spec, containers } };
}
