import { beforeEach, describe, expect, it } from 'vitest';
import { FakeCluster } from '../../tests/fakes/cluster.ts';
import { ManualTime, turns } from '../kube/manual-time.fixture.ts';
import type { UnitState } from '#model/outcome.ts';
import { unitStateRef } from '#pipeline/record/unit-state-codec.ts';
import { UnitStates } from './unit-states.ts';

const owner = {
  group: 'argoproj.io',
  version: 'v1alpha1',
  kind: 'Application',
  namespace: 'argocd',
  name: 'web',
} as const;
const first: UnitState = {
  unit: 'uid-1/0',
  owner,
  epoch: 0,
  revisions: [],
  inventory: [],
  values: {},
  history: [],
  sinceMs: 0,
  takenOver: false,
};
const { name } = unitStateRef(owner, first.unit);
const intentOf = (replica: string): UnitState => ({
  ...first,
  epoch: 1,
  intent: { plan: 'sha256:1', revisions: [], by: 'x', startedAtMs: 0, attempt: 0, replica },
});

const time = new ManualTime();
let cluster: FakeCluster;
const open = async (): Promise<UnitStates> => {
  const states = new UnitStates(cluster.client(), time, { noted() {}, forgotten() {} });
  await states.start(() => undefined);
  return states;
};
beforeEach(() => {
  cluster = new FakeCluster(time);
});

describe('two who write one state', () => {
  it('the second is stale, and has the word of the first', async () => {
    const [a, b] = [await open(), await open()];
    const both = await Promise.all([a.write(intentOf('a'), first), b.write(intentOf('b'), first)]);
    expect(both.map((written) => written.ok && written.value)).toEqual(['written', 'stale']);
    expect(b.get(first.unit)?.intent?.replica).toBe('a');
  });
  it('the second is told of it as of any news: the watch will bring none', async () => {
    const a = await open();
    const b = new UnitStates(cluster.client(), time, { noted() {}, forgotten() {} });
    const told: (string | undefined)[] = [];
    await b.start((unit) => told.push(b.get(unit)?.intent?.replica));
    await Promise.all([a.write(intentOf('a'), first), b.write(intentOf('b'), first)]);
    await turns(5);
    expect(told).toEqual(['a']);
  });
  it('what goes while it is read, and the answer is slow, is not held again', async () => {
    const a = await open();
    const client = cluster.client();
    const b = new UnitStates(client, time, { noted() {}, forgotten() {} });
    await b.start(() => undefined);
    await a.write(intentOf('a'), first);
    await turns(5);
    let goOn = (): void => undefined;
    const slow = new Promise<void>((resolve) => (goOn = resolve));
    const read = client.read.bind(client);
    client.read = async (ref) => {
      const answer = await read(ref);
      await slow;
      return answer;
    };
    const asked = b.stands(b.get(first.unit)!);
    await turns(5);
    cluster.drop('trueup.dev/UnitState', 'argocd', name);
    await turns(5);
    goOn();
    expect(await asked).toEqual({ ok: true, value: true });
    expect(b.get(first.unit)).toBeUndefined();
  });
  it('also when the word of the first arrives while the second makes up its mind (F14)', async () => {
    const [a, b] = [await open(), await open()];
    await a.write(intentOf('a'), first);
    await turns(5);
    expect(b.get(first.unit)?.intent?.replica).toBe('a');
    expect(await b.write(intentOf('b'), first)).toEqual({ ok: true, value: 'stale' });
    await turns(5);
    expect(a.get(first.unit)?.intent?.replica).toBe('a');
  });
  it('what is made of the word of the other is written', async () => {
    const [a, b] = [await open(), await open()];
    await a.write(intentOf('a'), first);
    await turns(5);
    const heard = b.get(first.unit)!;
    expect(await b.write({ ...heard, epoch: 2 }, heard)).toEqual({ ok: true, value: 'written' });
    await turns(5);
    expect(a.get(first.unit)?.epoch).toBe(2);
  });
  it('what goes with its resource while it is written is not held', async () => {
    const states = await open();
    const writing = states.write(intentOf('a'), first);
    while (cluster.get('trueup.dev/UnitState', 'argocd', name) === undefined) await Promise.resolve();
    cluster.drop('trueup.dev/UnitState', 'argocd', name);
    expect(await writing).toEqual({ ok: true, value: 'stale' });
    await turns(5);
    expect(states.get(first.unit)).toBeUndefined();
  });
  it('says since when a word of somebody else stands, and our own does not count (F6)', async () => {
    const [a, b] = [await open(), await open()];
    time.advance(1000);
    await a.write(intentOf('a'), first);
    await turns(5);
    expect(a.heardMs(first.unit)).toBe(-Infinity);
    expect(b.heardMs(first.unit)).toBe(time.monotonic());
  });
});
