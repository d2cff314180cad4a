/** The API server is stopped, killed and paused in the middle of the syncs of 50 Applications (F2, F4, F5). */
import { beforeAll, expect, it } from 'vitest';
import { runToEnd, trueupProgram, type Finished } from '../scenarios/trueup-process.ts';
import { useWorld, waitFor } from '../scenarios/world.ts';
import { Fleet } from './fleet.ts';

const world = useWorld({
  controlPlane: { flags: ['-no-scheduler', '-no-kwok', '-no-controllers'], audit: true },
  arguments: () => ['--poll-interval', '5m'],
});
const count = 50;
/** What a call may be on its way with when nobody answers any more. */
const turnsSideBySide = 16;
const pauseMs = 42_000;

let fleet: Fleet;
beforeAll(async () => {
  fleet = await Fleet.begin(world, count);
});

/** Begins to sync a commit, does something when some of it has arrived, and waits until all of it has. */
async function inTheMiddle(upset: () => Promise<void>): Promise<void> {
  const mark = await world.mark();
  await fleet.push();
  await fleet.hint();
  await waitFor('the first objects', async () => (await fleet.arrived()) >= 5);
  await upset();
  await fleet.settled();
  await fleet.lostNothing();
  const units = new Set([...(await fleet.writtenTwice(mark)).keys()].map(unitOf));
  console.info(`written twice: ${[...units].join(' ') || 'nothing'}`);
  // Only what was asked for and not answered may have to be asked for again.
  expect(units.size).toBeLessThanOrEqual(turnsSideBySide);
}
const unitOf = (object: string): string => object.split('-').slice(0, 2).join('-');

function command(...args: readonly string[]): Promise<Finished> {
  const place = ['--kubeconfig', world.kubeconfig, '--namespace', world.controlNamespace];
  return runToEnd(trueupProgram, [...args, ...place], { timeoutMs: 120_000 });
}

it('that is stopped and started again: all arrive, and nothing is written twice but what it did not answer (F2, F4)', async () => {
  await inTheMiddle(() => world.controlPlane.restart('SIGTERM'));
}, 90_000);

it('that is killed and started again: all arrive, and nothing is written twice but what it did not answer (F2, F5)', async () => {
  await inTheMiddle(() => world.controlPlane.restart('SIGKILL'));
}, 90_000);

it('that stands still: commands say so, and all arrive when it goes on (F4, F5)', async () => {
  await inTheMiddle(async () => {
    const waiting = command('app', 'wait', 'unit-49', '--timeout', '90s');
    await waitFor('the wait to begin', () => true);
    world.controlPlane.pause();
    const started = performance.now();
    const got = await command('app', 'get', 'unit-49');
    console.info(got);
    await new Promise((r) => setTimeout(r, Math.max(0, pauseMs - (performance.now() - started))));
    world.controlPlane.resume();
    console.info(await waiting);
  });
}, 120_000);
