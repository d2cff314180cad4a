import { expect, test } from 'vitest';
import { SharedRun, Turnstile } from './shared-run.ts';

test('who asks before it began joins; who asks later shares the next run', async () => {
  const gates: { begin(): void; end(): void }[] = [];
  let running = 0;
  let most = 0;
  const run = new SharedRun<number>(async (begun) => {
    most = Math.max(most, ++running);
    const number = gates.length;
    await new Promise<void>((begin) => {
      gates[number] = { begin, end: () => undefined };
    });
    begun();
    await new Promise<void>((end) => (gates[number]!.end = end));
    running--;
    return number;
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const early = [run.ask(), run.ask()];
  gates[0]!.begin();
  await settle();
  const late = [run.ask(), run.ask()];
  gates[0]!.end();
  // Asked in every microtask around the change of runs: none may start a third.
  const between: Promise<number>[] = [];
  for (let turn = 0; turn < 10; turn++) await Promise.resolve().then(() => between.push(run.ask()));
  expect(await Promise.all(early)).toEqual([0, 0]);
  gates[1]!.begin();
  await settle();
  gates[1]!.end();
  expect(await Promise.all([...late, ...between])).toEqual(Array(12).fill(1));
  expect(most).toBe(1);
});

test('a run that throws lets the next one run', async () => {
  let runs = 0;
  const run = new SharedRun<string>(async (begun) => {
    begun();
    await Promise.resolve();
    if (++runs === 1) throw new Error('bug');
    return 'fine';
  });
  const first = run.ask();
  const second = run.ask();
  await expect(first).rejects.toThrow('bug');
  expect(await second).toBe('fine');
});

test('a turnstile lets one in at a time, also after one that failed', async () => {
  const turnstile = new Turnstile();
  const order: string[] = [];
  const pass = (name: string, bad = false) =>
    turnstile.pass(async () => {
      order.push(`${name} in`);
      await Promise.resolve();
      order.push(`${name} out`);
      if (bad) throw new Error(name);
    });
  await Promise.allSettled([pass('a'), pass('b', true), pass('c')]);
  expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
});
