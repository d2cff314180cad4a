import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openGround, podTemplate, TestCluster, type Ground } from './cluster.fixture.ts';
import { conditionOf } from './conditions.ts';
import { faultNote } from './faults.ts';
import { cronJobs, jobs, pods, type Job } from './kinds.ts';

let ground: Ground;
let cluster: TestCluster;
beforeAll(async () => {
  ground = await openGround();
}, 60_000);
afterEach(() => {
  cluster.stop();
  expect(cluster.complaints).toEqual([]);
});

function jobSpec(more: object, fault: string, policy = 'Never'): object {
  return {
    template: podTemplate('work', { restartPolicy: policy }, fault === '' ? {} : { [faultNote]: fault }),
    ...more,
  };
}
function start(more: object = {}, fault = '', policy = 'Never'): void {
  cluster = new TestCluster(ground);
  cluster.apply({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'work' },
    spec: jobSpec(more, fault, policy),
  });
}
const job = (): Job => cluster.get(jobs, 'work');
const conditions = () =>
  (job().status.conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`);

describe('a Job', () => {
  test('completes after its pods succeeded', () => {
    start({ completions: 3, parallelism: 2 });
    cluster.time.advance(500);
    expect(job().status).toMatchObject({ active: 2, ready: 2 });
    cluster.time.advance(10_000);
    expect(job().status).toMatchObject({
      succeeded: 3,
      ready: 0,
      terminating: 0,
      uncountedTerminatedPods: {},
    });
    expect(conditions()).toEqual([
      'SuccessCriteriaMet True CompletionsReached',
      'Complete True CompletionsReached',
    ]);
    expect(job().status.completionTime).toBeDefined();
    expect(cluster.list(pods).map(({ status, metadata }) => [status.phase, metadata.finalizers])).toEqual([
      ['Succeeded', undefined],
      ['Succeeded', undefined],
      ['Succeeded', undefined],
    ]);
    expect(cluster.said('work').at(-1)).toBe('Completed: Job completed');
  });

  test('fails once more pods failed than its limit allows, with growing pauses between', () => {
    start({ backoffLimit: 2 }, 'exit-1');
    cluster.time.advance(5000);
    expect(job().status).toMatchObject({ failed: 1 });
    cluster.time.advance(40_000);
    expect(job().status).toMatchObject({ failed: 3 });
    expect(conditions()).toEqual([
      'FailureTarget True BackoffLimitExceeded',
      'Failed True BackoffLimitExceeded',
    ]);
    expect(conditionOf(job().status.conditions, 'Failed')?.message).toBe(
      'Job has reached the specified backoff limit',
    );
  });

  test('counts restarts in place against the limit', () => {
    start({ backoffLimit: 1 }, 'exit-1', 'OnFailure');
    cluster.time.advance(60_000);
    expect(conditions()).toContain('Failed True BackoffLimitExceeded');
    expect(cluster.list(pods)).toEqual([]);
  });

  test('fails when its time is over', () => {
    start({ activeDeadlineSeconds: 5 }, 'image-pull');
    cluster.time.advance(10_000);
    expect(conditions()).toContain('Failed True DeadlineExceeded');
  });

  test('counts pods that were deleted before they ended as failed', () => {
    start({ backoffLimit: 3 }, 'image-pull');
    cluster.time.advance(1000);
    cluster.delete(pods, cluster.list(pods)[0]!.metadata.name);
    cluster.time.advance(12_000);
    expect(job().status).toMatchObject({ failed: 1, active: 1 });
  });

  test('numbers its pods when it is indexed', () => {
    start({ completions: 3, parallelism: 3, completionMode: 'Indexed' });
    cluster.time.advance(10_000);
    expect(job().status).toMatchObject({ succeeded: 3, completedIndexes: '0-2' });
  });

  test('has no pods while it is suspended', () => {
    start({ suspend: true });
    cluster.time.advance(1000);
    expect(cluster.list(pods)).toEqual([]);
    expect(conditions()).toEqual(['Suspended True JobSuspended']);
    cluster.patch(jobs, 'work', { spec: { suspend: false } });
    cluster.time.advance(10_000);
    expect(conditions()).toContain('Complete True CompletionsReached');
  });

  test('goes with its pods, and by itself after its time to live', () => {
    start({ ttlSecondsAfterFinished: 30 });
    cluster.time.advance(10_000);
    expect(cluster.list(pods)).toHaveLength(1);
    cluster.time.advance(30_000);
    expect([cluster.list(jobs), cluster.list(pods)]).toEqual([[], []]);
    start({}, 'image-pull');
    cluster.time.advance(1000);
    cluster.delete(jobs, 'work');
    cluster.time.advance(2000);
    expect([cluster.list(jobs), cluster.list(pods)]).toEqual([[], []]);
  });
});

describe('a CronJob', () => {
  function startCron(more: object = {}, fault = ''): void {
    cluster = new TestCluster(ground);
    const spec = { schedule: '*/5 * * * *', jobTemplate: { spec: jobSpec({}, fault) }, ...more };
    cluster.apply({ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'tick' }, spec });
  }
  const minutes = (count: number): void => cluster.time.advance(count * 60_000);
  const names = () => cluster.list(jobs).map(({ metadata }) => metadata.name);

  test('makes a Job at each time of its schedule, and keeps the last three', () => {
    startCron();
    minutes(6);
    expect(names()).toHaveLength(1);
    expect(names()[0]).toMatch(/^tick-\d+$/);
    minutes(20);
    expect(names()).toHaveLength(3);
    const { status } = cluster.get(cronJobs, 'tick');
    expect(status.active).toBeUndefined();
    expect(status.lastScheduleTime! < status.lastSuccessfulTime!).toBe(true);
  });

  test('makes none while it is suspended', () => {
    startCron({ suspend: true });
    minutes(20);
    expect(names()).toEqual([]);
  });

  test.each([
    ['Forbid', 1],
    ['Allow', 3],
    ['Replace', 1],
  ])('of policy %s has at most %i Jobs that do not end', (concurrencyPolicy, count) => {
    startCron({ concurrencyPolicy }, 'image-pull');
    minutes(16);
    expect(names()).toHaveLength(count);
    if (concurrencyPolicy === 'Forbid') expect(cluster.said('tick').join()).toContain('JobAlreadyActive');
  });
});
