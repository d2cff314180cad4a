import { fork } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { faultKinds, possibleFaults } from './faults.ts';
import { sharedMachinery } from './machinery.ts';
import { SeededRandom } from './random.ts';
import { runOnce, runSeed } from './run.ts';
import { Process, Scheduler } from './scheduler.ts';
import { regressions } from './seeds.ts';
import { runShort } from './short-runs.ts';
import { coalesced } from './watch-lines.ts';
import type { Done, FromWorker } from './worker.ts';

const seed = 11;

describe('a run', () => {
  test('is the same for the same seed, whatever ran before, in this process and in another', async () => {
    const first = await runOnce({ seed }, true);
    await runOnce({ seed: seed + 1 }, true);
    expect((await runOnce({ seed }, true)).digest).toBe(first.digest);
    const { ran } = await elsewhere(seed);
    expect(ran.digest).toBe(first.digest);
    expect(ran.events).toBe(first.events);
  }, 180_000);

  test('is another one for another seed', async () => {
    const { digest } = await runOnce({ seed }, true);
    expect((await runOnce({ seed: seed + 1 }, true)).digest).not.toBe(digest);
  }, 180_000);

  test('is the same where the answers of the module are not kept', async () => {
    const kept = await runOnce({ seed }, true);
    const { answerPlainly } = await sharedMachinery();
    answerPlainly(true);
    try {
      expect((await runOnce({ seed }, true)).digest).toBe(kept.digest);
    } finally {
      answerPlainly(false);
    }
  }, 180_000);
});

test.each(regressions)(
  '$was',
  async (regression) => {
    const ran = await ('seed' in regression.run ? runSeed(regression.run) : runShort(regression.run));
    expect(ran.violation).toBeUndefined();
  },
  60_000,
);

describe('the scheduler', () => {
  const world = (): Scheduler => new Scheduler(new SeededRandom(1));

  test('moves time from event to event only, and everything that follows from one happens before the next', async () => {
    const scheduler = world();
    const seen: string[] = [];
    scheduler.at(10, () => {
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => seen.push(`after the first at ${scheduler.nowMs}`));
    });
    scheduler.at(20, () => seen.push(`second at ${scheduler.nowMs}`));
    await scheduler.runUntil(100);
    expect(seen).toEqual(['after the first at 10', 'second at 20']);
    expect(scheduler.nowMs).toBe(100);
  });

  test('a process that is gone hears of nothing more; one that is paused hears of it later', async () => {
    const scheduler = world();
    const seen: string[] = [];
    const [gone, paused] = ['gone', 'paused'].map((name) => new Process(name, scheduler, 0)) as [
      Process,
      Process,
    ];
    for (const process of [gone, paused])
      process.after(10, () => seen.push(`${process.name} ${scheduler.nowMs}`));
    gone.end();
    paused.pause();
    scheduler.at(50, () => paused.resume());
    await scheduler.runUntil(100);
    expect(seen).toEqual(['paused 50']);
    expect(paused.pending).toBe(0);
  });

  test('says so when events follow each other and no time passes', async () => {
    const scheduler = world();
    const spin = (): void => scheduler.at(0, spin);
    spin();
    await expect(scheduler.runUntil(10)).rejects.toThrow('it spins');
  });
});

test('F7: of several events for one object the last is left, in its place', () => {
  const line = (type: string, uid: string, version: number): string =>
    `${JSON.stringify({ type, object: { metadata: { uid, version } } })}\n`;
  const chunks = [
    line('ADDED', 'a', 1),
    line('ADDED', 'b', 2),
    line('MODIFIED', 'a', 3),
    line('DELETED', 'b', 4),
  ];
  const left = coalesced(chunks.map((text) => Buffer.from(text)));
  expect(Buffer.from(left).toString()).toBe(line('ADDED', 'a', 3) + line('DELETED', 'b', 4));
});

test('every fault can happen to some step', () => {
  const steps = [
    ...['get', 'list', 'discover', 'create', 'update', 'apply', 'patch', 'delete'].map((verb) => ({
      io: 'request' as const,
      verb,
    })),
    { io: 'watch' as const, verb: 'watch' },
    { io: 'git' as const, verb: 'fetch' },
    { io: 'store' as const, verb: 'get' },
    { io: 'store' as const, verb: 'put' },
    { io: 'render' as const, verb: 'decode' },
  ];
  expect(new Set(steps.flatMap(possibleFaults))).toEqual(new Set(faultKinds));
});

function elsewhere(wanted: number): Promise<Done> {
  const child = fork(new URL('./worker.ts', import.meta.url), { execArgv: [] });
  return new Promise<Done>((resolve, reject) => {
    child.on('error', reject);
    child.on('message', (message: FromWorker) => {
      if (message === 'ready') child.send({ seed: wanted, replicas: 1 });
      else if ('ran' in message) resolve(message);
    });
  }).finally(() => child.kill());
}
