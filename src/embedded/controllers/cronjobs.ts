/** Makes a Job whenever the schedule says so. */
import { Cron } from 'croner';
import { parseTimestamp, timestamp } from '#model/time.ts';
import { controllerOf } from '../objects.ts';
import { objectKey, type Change } from '../store.ts';
import { isDeleting, keyOf, type Client } from './client.ts';
import { conditionOf, isTrue } from './conditions.ts';
import { isOver } from './jobs.ts';
import { cronJobs, jobs, type CronJob, type Job } from './kinds.ts';
import { controlledBy } from './ownership.ts';
import { createdMs } from './pods.ts';
import type { Recorder, Tell } from './recorder.ts';
import type { Again, Controller } from './runner.ts';

const missedMax = 100;
const timeNote = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export class CronJobs implements Controller {
  readonly name = 'cronjobs';
  readonly #client: Client;
  readonly #tell: Tell;

  constructor(client: Client, recorder: Recorder) {
    this.#client = client;
    this.#tell = recorder.as('cronjob-controller');
  }

  concerns({ resource, object }: Change): readonly string[] {
    if (resource === cronJobs.key) return [keyOf(object)];
    const owner = resource === jobs.key ? controllerOf(object) : undefined;
    return owner?.kind === cronJobs.kind ? [objectKey(object.metadata.namespace ?? '', owner.name)] : [];
  }

  sync(key: string, again: Again): void {
    const cron = this.#client.at(cronJobs, key);
    if (cron === undefined) return;
    const mine = this.#client
      .list(jobs, cron.metadata.namespace)
      .filter((job) => controllerOf(job)?.uid === cron.metadata.uid);
    this.#tellUnexpected(cron, mine);
    const settled = this.#settle(cron, mine);
    this.#prune(settled, mine);
    if (isDeleting(settled) || settled.spec.suspend === true) return;
    const nextMs = this.#start(
      settled,
      mine.filter((job) => !isOver(job)),
    );
    if (nextMs !== undefined) again(Math.max(0, nextMs - this.#client.clock.now()));
  }

  /** What somebody made of the template by hand is not one of ours. */
  #tellUnexpected(cron: CronJob, mine: readonly Job[]): void {
    const known = new Set(cron.status.active?.map(({ uid }) => uid));
    for (const job of mine)
      if (!known.has(job.metadata.uid) && !isOver(job))
        this.#tell(
          cron,
          'UnexpectedJob',
          `Saw a job that the controller did not create or forgot: ${job.metadata.name}`,
          { type: 'Warning' },
        );
  }

  /** Jobs that ended, or are gone, are not active any more. */
  #settle(cron: CronJob, mine: readonly Job[]): CronJob {
    const { active = [], lastSuccessfulTime, ...rest } = cron.status;
    const byUid = new Map(mine.map((job) => [job.metadata.uid, job]));
    let last = lastSuccessfulTime;
    const left = active.filter(({ uid = '', name }) => {
      const job = byUid.get(uid);
      if (job !== undefined && !isOver(job)) return true;
      const word = job !== undefined && isTrue(job.status.conditions, 'Complete') ? 'Complete' : 'Failed';
      if (job === undefined) this.#tell(cron, 'MissingJob', `Active job went missing: ${name}`);
      else this.#tell(cron, 'SawCompletedJob', `Saw completed job: ${name}, condition: ${word}`);
      const end = job?.status.completionTime;
      if (end !== undefined && (last === undefined || end > last)) last = end;
      return false;
    });
    return this.#client.setStatus(cronJobs, cron, {
      ...rest,
      ...(left.length === 0 ? {} : { active: left }),
      ...(last === undefined ? {} : { lastSuccessfulTime: last }),
    });
  }

  #prune(cron: CronJob, mine: readonly Job[]): void {
    const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cron.spec;
    const limits = [
      ['Complete', successfulJobsHistoryLimit],
      ['Failed', failedJobsHistoryLimit],
    ] as const;
    for (const [type, limit] of limits) {
      const ended = mine.filter(
        (job) => conditionOf(job.status.conditions, type) !== undefined && !isDeleting(job),
      );
      for (const job of ended.toSorted(byAge).slice(0, Math.max(0, ended.length - limit)))
        this.#delete(cron, job);
    }
  }

  #delete(cron: CronJob, job: Job): void {
    this.#client.delete(jobs.key, job, { propagation: 'Background' });
    this.#tell(cron, 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
  }

  /** Gives when to look again. */
  #start(cron: CronJob, active: readonly Job[]): number | undefined {
    const { concurrencyPolicy, startingDeadlineSeconds, schedule, timeZone = 'UTC' } = cron.spec;
    const nowMs = this.#client.clock.now();
    let times: Times;
    try {
      times = timesOf(new Cron(schedule, { timezone: timeZone, mode: '5-part' }), since(cron), nowMs);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#tell(cron, 'UnparseableSchedule', `unparseable schedule: "${schedule}" : ${why}`, {
        type: 'Warning',
      });
      return undefined;
    }
    const { dueMs, nextMs } = times;
    if (dueMs === undefined) return nextMs;
    if (startingDeadlineSeconds !== undefined && dueMs + startingDeadlineSeconds * 1000 < nowMs)
      return nextMs;
    if (concurrencyPolicy === 'Forbid' && active.length > 0) {
      this.#tell(
        cron,
        'JobAlreadyActive',
        'Not starting job because prior execution is running and concurrency policy is Forbid',
      );
      return nextMs;
    }
    if (concurrencyPolicy === 'Replace') for (const job of active) this.#delete(cron, job);
    this.#create(cron, dueMs);
    return nextMs;
  }

  #create(cron: CronJob, dueMs: number): void {
    const { namespace = '', name: cronName } = cron.metadata;
    const { metadata, spec } = cron.spec.jobTemplate;
    const name = `${cronName}-${Math.floor(dueMs / 60_000)}`;
    const job =
      this.#client.get(jobs, namespace, name) ??
      this.#client.create(jobs, namespace, {
        metadata: {
          name,
          labels: metadata?.labels ?? {},
          annotations: { ...metadata?.annotations, [timeNote]: timestamp(dueMs) },
          ownerReferences: [controlledBy(cronJobs, cron)],
        },
        spec,
      });
    this.#tell(cron, 'SuccessfulCreate', `Created job ${name}`);
    const { apiVersion, kind, metadata: made } = job;
    const reference = {
      apiVersion,
      kind,
      name,
      namespace,
      uid: made.uid,
      resourceVersion: made.resourceVersion,
    };
    this.#client.setStatus(cronJobs, cron, {
      ...cron.status,
      active: [...(cron.status.active ?? []), reference],
      lastScheduleTime: timestamp(dueMs),
    });
  }
}

const byAge = (a: Job, b: Job): number =>
  createdMs(a) - createdMs(b) || (a.metadata.name < b.metadata.name ? -1 : 1);
const since = (cron: CronJob): number => parseTimestamp(cron.status.lastScheduleTime) ?? createdMs(cron);

interface Times {
  /** The last time that has come and was not served yet. */
  readonly dueMs: number | undefined;
  readonly nextMs: number | undefined;
}
function timesOf(schedule: Cron, sinceMs: number, nowMs: number): Times {
  const after = (ms: number): number | undefined => schedule.nextRun(timestamp(ms))?.getTime();
  let dueMs: number | undefined;
  let nextMs = after(sinceMs);
  for (let missed = 0; nextMs !== undefined && nextMs <= nowMs; missed += 1) {
    dueMs = nextMs;
    // After a long pause only the present counts.
    nextMs = after(missed < missedMax ? nextMs : nowMs);
  }
  return { dueMs, nextMs };
}
