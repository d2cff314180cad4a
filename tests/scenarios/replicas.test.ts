/** Three processes on one cluster share 500 Applications: one is killed, one stands still past its lease (F1, F14). */
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import type { Write } from './audit.ts';
import { configMap, yaml } from './manifests.ts';
import { startTrueup, type RunningTrueup } from './trueup-process.ts';
import { applicationKind, unitStateKind, useWorld, waitFor, writesAreCounted, type Place } from './world.ts';

const world = useWorld({ stopped: true });
const count = 500;
const names = Array.from({ length: count }, (_, index) => `unit-${index}`);
/** A lease, the longest request, and time for the turns on a machine that has other things to do. */
const takeoverMs = 15_000 + 10_000 + 20_000;
const roundMs = 60_000;

const running = new Map<string, RunningTrueup>();
afterAll(async () => {
  await Promise.all([...running.values()].map((replica) => replica.stop()));
});
async function start(name: string): Promise<RunningTrueup> {
  const replica = await startTrueup({
    kubeconfig: world.kubeconfig,
    dataDirectory: join(world.directory, name),
    logFile: join(world.directory, `${name}.log`),
    namespace: world.controlNamespace,
    further: ['--replicated', '--poll-interval', '5m'],
  });
  running.set(name, replica);
  return replica;
}

interface Standing {
  readonly id: string;
  readonly members: number;
  readonly units: number;
}
async function standingOf(replica: RunningTrueup): Promise<Standing> {
  const text = await (await fetch(`${replica.origin}/readyz`)).text();
  const [, id = '', members, units] =
    /^ok; replica (\S+), one of (\d+), looks after (\d+) Units/.exec(text) ?? [];
  return { id, members: Number(members), units: Number(units) };
}
/** Until they know of each other, and each Unit has one owner. */
function shared(...replicas: readonly RunningTrueup[]): Promise<readonly Standing[]> {
  const seen = (): Promise<readonly Standing[]> => Promise.all(replicas.map(standingOf));
  return waitFor(
    `${replicas.length} replicas that share ${count} Units`,
    async () => {
      const standings = await seen();
      const units = standings.reduce((sum, standing) => sum + standing.units, 0);
      return units === count && standings.every(({ members }) => members === replicas.length) && standings;
    },
    { timeoutMs: takeoverMs, seen },
  );
}
async function push(place: Place, value: string): Promise<void> {
  const files = names.map((name) => [`${name}/object.yaml`, yaml(configMap(name, { value }))]);
  await place.push(Object.fromEntries(files) as Record<string, string>);
}
async function hint(place: Place, replica: RunningTrueup): Promise<void> {
  const body = JSON.stringify({ repository: { clone_url: place.repository.url } });
  const headers = { 'content-type': 'application/json', 'x-github-event': 'push' };
  const answer = await fetch(`${replica.origin}/api/webhook`, { method: 'POST', headers, body });
  expect(await answer.text()).toContain('ok');
}
async function countOf(place: Place, value: string): Promise<number> {
  const maps = await world.api.list('v1/ConfigMap', place.namespace);
  return maps.filter(({ data }) => data?.value === value).length;
}
/** How long it took until every object had the value. */
async function arrived(place: Place, value: string, timeoutMs: number): Promise<number> {
  const startedMs = performance.now();
  await waitFor(`all of revision ${value}`, async () => (await countOf(place, value)) === count, {
    timeoutMs,
    seen: () => countOf(place, value),
  });
  return Math.round(performance.now() - startedMs);
}
/** Units of which this replica's Run has not ended. */
async function underWay(id: string): Promise<ReadonlySet<string>> {
  const states = await world.api.list(unitStateKind, world.controlNamespace);
  return new Set(
    states.filter(({ state }) => state?.intent?.replica === id).map(({ state }) => String(state.owner.name)),
  );
}
/** No intent and no Application is left behind. */
async function settled(): Promise<void> {
  await waitFor(
    'every Run to be recorded',
    async () => {
      const states = await world.api.list(unitStateKind, world.controlNamespace);
      const applications = await world.api.list(applicationKind, world.controlNamespace);
      return (
        states.every(({ state }) => state?.intent === undefined) &&
        applications.every(({ status }) => status?.sync?.status === 'Synced')
      );
    },
    { timeoutMs: roundMs },
  );
  // Events are written when all else is.
  await waitFor(
    'a second without a write',
    async () => {
      const mark = await world.mark();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return (await world.writesSince(mark)).length === 0;
    },
    { timeoutMs: roundMs },
  );
}
/** The objects that were written more than once, with who wrote them. */
async function twice(mark: number): Promise<ReadonlyMap<string, readonly Write[]>> {
  const writes = (await world.writesSince(mark)).filter(({ resource }) => resource === 'configmaps');
  const byName = Map.groupBy(writes, ({ name }) => name);
  expect(byName.size).toBe(count);
  return new Map([...byName].filter(([, all]) => all.length > 1));
}

// Five hundred are for the real one; where there are no admission policies it is the embedded cluster.
describe.runIf(writesAreCounted && inject('hasAdmissionPolicies'))('replicas', () => {
  it('share 500 Units; one is killed, one stands still: nothing is applied twice, nothing stays unowned', async () => {
    const place = await world.place();
    const took: Record<string, number> = {};
    await push(place, '1');
    for (const name of names)
      await world.api.create(
        place.application({
          metadata: { name, namespace: world.controlNamespace },
          spec: { source: { repoURL: place.repository.url, path: name, targetRevision: 'main' } },
        }),
      );
    const start1 = await world.mark();
    const [first, second] = await Promise.all([start('first'), start('second')]);
    await arrived(place, '1', 120_000);
    await settled();
    for (const { units } of await shared(first, second)) expect(units).toBeGreaterThan(count / 2 - 75);
    expect(await twice(start1)).toEqual(new Map());

    const joined = await world.mark();
    const third = await start('third');
    for (const { units } of await shared(first, second, third)) expect(units).toBeGreaterThan(count / 3 - 60);
    expect(await world.writesSince(joined)).toEqual([]);

    const killed = await world.mark();
    const { id: secondId } = await standingOf(second);
    await push(place, '2');
    await hint(place, first);
    await waitFor('the first objects', async () => (await countOf(place, '2')) > 50);
    await second.kill();
    running.delete('second');
    const leftByDeath = await underWay(secondId);
    took['killed'] = await arrived(place, '2', takeoverMs);
    await shared(first, third);
    await settled();
    // What was asked for when it died may have to be asked for again; nothing else is.
    for (const [name, writes] of await twice(killed))
      expect([...leftByDeath], JSON.stringify(writes)).toContain(name);

    const paused = await world.mark();
    const { id: thirdId } = await standingOf(third);
    await push(place, '3');
    await hint(place, first);
    await waitFor('the first objects', async () => (await countOf(place, '3')) > 50);
    const goOn = third.pause();
    const leftByPause = await underWay(thirdId);
    took['paused'] = await arrived(place, '3', takeoverMs);
    await settled();
    const resumed = await world.mark();
    goOn();
    await shared(first, third);
    // A write that was on its way lands; no other follows.
    const late = (await world.writesSince(resumed)).filter(({ resource }) => resource === 'configmaps');
    expect(new Set([...late.map(({ name }) => name), ...leftByPause])).toEqual(new Set(leftByPause));
    for (const [name, writes] of await twice(paused))
      expect([...leftByPause], JSON.stringify(writes)).toContain(name);

    const last = await world.mark();
    await push(place, '4');
    await hint(place, third);
    took['both'] = await arrived(place, '4', roundMs);
    await settled();
    expect(await twice(last)).toEqual(new Map());
    const owners = new Set((await world.writesSince(last)).map(({ by }) => by));
    expect(owners.size).toBe(2);
    console.info(`replicas: ${JSON.stringify(took)}, under way: ${leftByDeath.size} and ${leftByPause.size}`);
  }, 400_000);
});
