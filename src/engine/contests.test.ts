/** Two writers who set the same field again and again: after a while we stop, and say who contends with whom. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isWrite } from '../../tests/fakes/cluster.ts';
import { configMap, EngineWorld } from '../../tests/fakes/engine-world.ts';

let world: EngineWorld;
beforeEach(() => {
  world = new EngineWorld();
});
afterEach(() => {
  expect(world.errors).toEqual([]);
});

const set = (name: string, value: string, manager = 'rival'): void =>
  void world.cluster.edit('ConfigMap', 'payments', name, (draft) => (draft.data.a = value), manager);
const suspended = (): string => world.condition('HealingSuspended') ?? '';

async function begun(): Promise<void> {
  await world.start();
  await world.push([configMap('one'), configMap('two')]);
  await world.create(world.application());
}
/** The rival answers each of our heals, until nobody heals any more. */
async function fight(rounds = 8): Promise<number> {
  let heals = 0;
  for (let round = 0; round < rounds; round += 1) {
    set('one', 'x');
    await world.advance(20_000);
    if ((world.data('one') as { a: string }).a !== '1') break;
    heals += 1;
  }
  return heals;
}

describe('a field that another manager sets back each time that we heal it', () => {
  it('is healed five times, and then left: named are object, field, writer, and what to do', async () => {
    await begun();
    expect(await fight()).toBe(5);
    expect(suspended()).toBe(
      'ConfigMap payments/one: rival (Update) sets .data.a to another value each time that argocd-controller has healed it, 5 times within 10 min; it is not healed any more (to leave it to that one, add to spec.ignoreDifferences: - {kind: ConfigMap, namespace: payments, name: one, jsonPointers: [/data/a]}; or stop it, then: trueup app sync web) [HealingSuspended]',
    );
    expect(world.status()).toMatchObject({ sync: { status: 'OutOfSync' }, health: { status: 'Healthy' } });
    expect(world.status().resources).toMatchObject([
      { name: 'one', status: 'OutOfSync' },
      { name: 'two', status: 'Synced' },
    ]);
    expect(world.state()?.contests).toMatchObject([{ fields: ['.data.a'], by: { manager: 'rival' } }]);
  });
  it('nothing is written while it is suspended, whatever the rival does; other objects are healed', async () => {
    await begun();
    await fight();
    const { mark } = world;
    for (const value of ['y', 'z']) {
      set('one', value);
      await world.advance(600_000, 60_000);
    }
    expect(world.writesSince(mark)).toEqual([]);
    const quiet = world.mark;
    await world.advance(3_600_000, 60_000);
    expect(world.cluster.since(quiet).filter(isWrite)).toEqual([]);
    set('two', 'x', 'kubectl');
    await world.settle();
    expect(world.data('two')).toEqual({ a: '1' });
    expect(world.data('one')).toEqual({ a: 'z' });
    expect(suspended()).toMatch(/rival/);
  });
  it('an object that somebody deletes comes back: that is not what they contend about', async () => {
    await begun();
    await fight();
    world.cluster.drop('ConfigMap', 'payments', 'one');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(suspended()).toBe('');
  });
  it('a restart changes nothing of it', async () => {
    await begun();
    await fight();
    await world.restart();
    const { mark } = world;
    await world.advance(60_000, 20_000);
    expect(world.writesSince(mark)).toEqual([]);
    expect(suspended()).toMatch(/rival/);
  });
  it.each([
    ['a sync that somebody asks for', () => world.sync()],
    ['a refresh', () => world.refresh()],
    ['a commit that changes the object', () => world.push([configMap('one', { a: '2' }), configMap('two')])],
  ])('%s has it healed again, as often as before', async (_, resume) => {
    await begun();
    await fight();
    await resume();
    expect(world.data('one')).not.toEqual({ a: 'x' });
    expect(world.state()?.contests).toBeUndefined();
    expect(suspended()).toBe('');
    set('one', 'x');
    await world.advance(20_000);
    expect(world.data('one')).not.toEqual({ a: 'x' });
  });
  it('a commit that does not change the object leaves it suspended, and is applied', async () => {
    await begun();
    await fight();
    await world.push([configMap('one'), configMap('two', { a: '2' })]);
    expect(world.data('two')).toEqual({ a: '2' });
    expect(world.data('one')).toEqual({ a: 'x' });
    expect(suspended()).toMatch(/rival/);
  });
  it('it is over when the rival sets back what Git says: within five minutes, though no watch tells of its own field', async () => {
    await begun();
    await fight();
    set('one', '1');
    await world.advance(300_000, 20_000);
    expect(suspended()).toBe('');
    expect(world.state()?.contests).toBeUndefined();
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('it is over when the object stands as Git says, or the difference is ignored', async () => {
    await begun();
    await fight();
    set('one', '1');
    // What a writer does with a field that is its own is no news; something else has it looked at.
    set('two', 'x', 'kubectl');
    await world.advance(20_000);
    expect(suspended()).toBe('');
    expect(world.state()?.contests).toBeUndefined();
    expect(world.status().sync?.status).toBe('Synced');
    set('one', 'x');
    await world.advance(20_000);
    expect(suspended()).toMatch(/rival/);
    const ignoreDifferences = [{ kind: 'ConfigMap', name: 'one', jsonPointers: ['/data/a'] }];
    await world.change('web', (draft) => Object.assign(draft.spec, { ignoreDifferences }));
    expect(suspended()).toBe('');
    expect(world.status().sync?.status).toBe('Synced');
    expect(world.state()?.contests).toBeUndefined();
  });
  it('the incident stays open in the records, and says why; the history says it too', async () => {
    await begun();
    await fight();
    await world.advance(1000);
    const incidents = await world.records.drift({ fromMs: 0, untilMs: Infinity });
    const items = incidents.ok ? incidents.value.items : [];
    expect(items.filter(({ ended }) => ended === undefined)).toMatchObject([
      { fields: ['.data.a'], left: expect.stringMatching(/^healing is suspended: rival/) },
    ]);
    expect(world.state()?.history.at(-1)).toMatchObject({ kind: 'drift', healed: false });
  });
});

describe('what is no contest', () => {
  it('different writers, different fields, or long pauses', async () => {
    await begun();
    for (let round = 0; round < 8; round += 1) {
      set('one', 'x', `rival-${round}`);
      await world.advance(150_000, 10_000);
      expect(world.data('one')).toEqual({ a: '1' });
    }
    for (let round = 0; round < 8; round += 1) {
      set('two', 'x');
      await world.advance(130_000, 10_000);
      expect(world.data('two')).toEqual({ a: '1' });
    }
    expect(suspended()).toBe('');
  });
});

it('an object that is deleted again and again is no longer made again, and no rule is offered', async () => {
  await begun();
  for (let round = 0; round < 6; round += 1) {
    world.cluster.drop('ConfigMap', 'payments', 'one');
    await world.advance(20_000);
  }
  expect(world.data('one')).toBeUndefined();
  expect(suspended()).toMatch(
    /^ConfigMap payments\/one: an unknown writer deletes it each time .*\(take it out of Git to leave it to that one; or stop it, then: trueup app sync web\)/,
  );
  expect(world.status().resources).toMatchObject([{ name: 'one', status: 'OutOfSync' }, { name: 'two' }]);
});
