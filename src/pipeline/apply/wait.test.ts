/** When a wait is over. */
import { expect, it } from 'vitest';
import type { Sighting } from '#model/observed.ts';
import type { Awaits } from '#model/plan.ts';
import { refTo } from '../plan/planning.fixture.ts';
import { makeStep } from '../plan/steps.ts';
import { waitForAll } from './wait.ts';

it('what is deleted is gone with its kind; what was only not seen is not', async () => {
  const why = 'it cannot be listed';
  const endOf = async (until: Awaits, sighting: Sighting): Promise<string | undefined> => {
    const action = { verb: 'wait', until, timeoutMs: 0 } as const;
    const step = makeStep(refTo('one'), action, 'gate', { order: 0, manager: 'm', tracked: false });
    const cluster = { sightings: () => Promise.resolve([sighting]) } as never;
    const clock = { now: () => 0, monotonic: () => 0 };
    const [end] = await waitForAll([{ step, action }], { cluster, clock, timers: undefined as never });
    return end?.result;
  };
  expect(await endOf('absent', { state: 'unknown', why, notServed: true })).toBe('done');
  expect(await endOf('absent', { state: 'unknown', why })).toBe('failed');
  expect(await endOf('healthy', { state: 'unknown', why, notServed: true })).toBe('failed');
});
