/** Git's processes, which Trueup starts, are killed or stand still: the Application says so, and goes on. */
import { beforeAll, expect, it } from 'vitest';
import { configMap, yaml } from '../scenarios/manifests.ts';
import { useWorld, waitFor, type Place } from '../scenarios/world.ts';
import { gitProcesses } from './processes.ts';

const world = useWorld({ arguments: () => ['--poll-interval', '10s'] });

const settings = (value: string) => ({ 'app/settings.yaml': yaml(configMap('settings', { value })) });
const valueOf = async (place: Place) => (await place.live('v1/ConfigMap', 'settings'))['data'].value;

let one: Place;
let other: Place;
beforeAll(async () => {
  const begun = async (): Promise<Place> => {
    const place = await world.place();
    await place.push(settings('1'));
    await place.createApplication();
    await place.synced();
    return place;
  };
  one = await begun();
  other = await begun();
});

const processOf = (place: Place, subcommand: string): Promise<number> =>
  waitFor(`git ${subcommand}`, async () => {
    const [first] = await gitProcesses(world.running.pid, subcommand, place.repository.url);
    return first;
  });

it('killed while it waits for questions: another one answers them (F12)', async () => {
  process.kill(await processOf(one, 'cat-file'), 'SIGKILL');
  await one.synced(await one.pushAndHint(settings('2')));
  expect(await valueOf(one)).toBe('2');
});

it('killed while it fetches: the Application says so, and is tried again (F12)', async () => {
  world.git.hold();
  const commit = await one.pushAndHint(settings('3'));
  process.kill(await processOf(one, 'ls-remote'), 'SIGKILL');
  await one.condition(/git failed while listing its branches and tags.*GitFailed/);
  expect(await valueOf(one)).toBe('2');
  world.git.release();
  await one.synced(commit, 60_000);
});

it('standing still: given up in bounded time, said, and tried again; what is applied stays (F12)', async () => {
  world.git.hold();
  const commit = await one.pushAndHint(settings('4'));
  process.kill(await processOf(one, 'ls-remote'), 'SIGSTOP');
  world.git.release();
  process.kill(await processOf(other, 'cat-file'), 'SIGSTOP');
  const read = await other.pushAndHint(settings('4'));
  await one.condition(/did not answer in time/, undefined, 80_000);
  expect(await valueOf(one)).toBe('3');
  await one.synced(commit);
  await other.synced(read, 80_000);
}, 120_000);
