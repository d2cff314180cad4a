/** The API server is stopped, killed and paused in the middle of the syncs of 50 Applications (F2, F4, F5). */
import { readFile } from 'node:fs/promises';
import { setTimeout as passing } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { configMap, yaml } from '../scenarios/manifests.ts';
import type { Finished } from '../scenarios/trueup-process.ts';
import { useWorld, waitFor, type Place } from '../scenarios/world.ts';
import { Fleet } from './fleet.ts';

const world = useWorld({
  controlPlane: { flags: ['-no-scheduler', '-no-kwok', '-no-controllers'], audit: true },
  arguments: () => ['--poll-interval', '5m'],
});
const count = 50;
/** So many Runs may have asked for something that is never answered. */
const turnsSideBySide = 16;
/** Longer than any call waits for its answer. */
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
  // Only what was asked for and not answered may have to be asked for again.
  const units = new Set([...(await fleet.writtenTwice(mark)).keys()].map(unitOf));
  console.info(`written twice: ${[...units].join(' ') || 'nothing'}`);
  expect(units.size).toBeLessThanOrEqual(turnsSideBySide);
}
const unitOf = (object: string): string => object.split('-').slice(0, 2).join('-');

/** Watches of Applications that were opened so far, the commands' among them. */
async function watchesOpened(): Promise<number> {
  const lines = (await readFile(world.auditLog, 'utf8')).split('\n');
  return lines.filter((line) => line.includes('/applications?watch=1') && line.includes('ResponseStarted'))
    .length;
}

/** An Application that has nothing to apply yet, and a command that waits until it has. */
async function somebodyWaits(): Promise<{ readonly place: Place; readonly waiting: Promise<Finished> }> {
  const place = await world.place();
  await place.push({ 'other/settings.yaml': yaml(configMap('settings', { a: '1' })) });
  await place.createApplication();
  await place.condition(/app/);
  const before = await watchesOpened();
  const ended = world.trueup('app', 'wait', place.name, '--sync', '--timeout', '60s');
  await waitFor('the command to watch', async () => (await watchesOpened()) > before);
  return { place, waiting: ended };
}

it('stopped and started again: all arrive, and nothing is written twice but what it did not answer (F2, F4)', async () => {
  await inTheMiddle(() => world.controlPlane.restart('SIGTERM'));
}, 90_000);

it('killed and started again: all arrive; a command that waits says why, and waits on (F2, F5)', async () => {
  const { place, waiting } = await somebodyWaits();
  await inTheMiddle(() => world.controlPlane.restart('SIGKILL'));
  await place.pushAndHint({ 'app/settings.yaml': yaml(configMap('settings', { a: '1' })) });
  const { code, stderr } = await waiting;
  expect(code, stderr).toBe(0);
  // Whether it meets the API server while that is away or while it starts.
  expect(stderr).toMatch(/cannot watch: (cannot reach the Kubernetes API|the cluster answered 503)/);
}, 90_000);

it('standing still for longer than calls wait: commands say so, and all arrive when it goes on (F4, F5)', async () => {
  await inTheMiddle(async () => {
    world.controlPlane.pause();
    const told = world.trueup('app', 'get', 'unit-49');
    await passing(pauseMs);
    world.controlPlane.resume();
    const { code, stderr } = await told;
    expect(code).toBe(1);
    expect(stderr).toMatch(/unit-49: the Kubernetes API at \S+ did not answer in time/);
    expect(await world.log()).toMatch(/did not answer in time/);
  });
}, 120_000);
