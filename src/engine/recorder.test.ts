/** The records of a whole engine: what happened stands there once, whatever was interrupted, and a full disk loses none. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isWrite } from '../../tests/fakes/cluster.ts';
import { configMap, EngineWorld } from '../../tests/fakes/engine-world.ts';
import type { Failure } from '#model/failure.ts';
import type { DriftRecord } from '#model/record.ts';

let world: EngineWorld;
beforeEach(() => {
  world = new EngineWorld();
});
const full: Failure = {
  kind: 'transient',
  code: 'RecordsUnwritable',
  stage: 'record',
  message: 'the disk is full',
  hint: '',
};
const fullSaid = /RecordsUnwritable|the disk is full/;
const edit = async (value: string, manager = 'kubectl-edit', name = 'one'): Promise<void> => {
  world.cluster.edit('ConfigMap', 'payments', name, (draft) => (draft.data.a = value), manager);
  await world.settle();
};
const byHand = { syncPolicy: { automated: { prune: true } } };
async function deployed(spec: object = {}): Promise<void> {
  await world.start();
  await world.push([configMap('one'), configMap('two')]);
  await world.create(world.application('web', spec));
}
const incidents = (): readonly Partial<DriftRecord>[] => world.records.drifted;

describe('a deployment', () => {
  afterEach(() => expect(world.errors).toEqual([]));

  it('is recorded once, with who, what and how it went', async () => {
    await deployed();
    const commit = await world.push([configMap('one', { a: '2' })], { message: 'Raise it' });
    expect(world.records.deployed).toMatchObject([
      { owner: { kind: 'Application', name: 'web' }, result: 'succeeded', by: 'automated sync' },
      { automated: true, attempt: 0, applied: 1, pruned: 1, revisions: [{ commit }] },
    ]);
    await world.sync();
    expect(world.records.deployed.at(-1)).toMatchObject({ by: 'ada', automated: false });
  });

  it('F1: a crash between the state and the record loses nothing and doubles nothing', async () => {
    await deployed();
    // The state arrives in the cluster, and the process is gone before it knows.
    let puts = 0;
    world.cluster.inject = ({ verb, key }) =>
      verb === 'replace' && key.startsWith('trueup.dev/') && ++puts === 2 ? 'crash' : undefined;
    await world.push([configMap('one', { a: '2' })]);
    expect(world.records.deployed).toHaveLength(1);
    world.cluster.inject = () => undefined;
    await world.restart();
    expect(world.records.deployed.map(({ entry }) => entry)).toEqual([1, 2]);
    await world.restart();
    await world.restart();
    expect(world.records.deployed).toHaveLength(2);
  });

  it('that another replica made is brought in', async () => {
    await deployed();
    const theirs = world.records;
    expect(theirs.deployed).toHaveLength(1);
    const state = world.state()!;
    const other = new EngineWorld();
    await other.start();
    other.cluster.objects.clear();
    expect(other.records.deployed).toEqual([]);
    for (const manifest of world.cluster.objects.values()) other.cluster.put(manifest);
    await other.settle();
    expect(other.records.deployed.map(({ entry, atMs }) => [entry, atMs])).toEqual(
      state.history.map(({ id, atMs }) => [id, atMs]),
    );
  });

  it('that is a rollback has its time once it is stable', async () => {
    await deployed();
    await world.push([configMap('one', { a: '2' })], { message: 'Raise it' });
    await world.push([configMap('one'), configMap('two')], { message: 'Revert "Raise it"' });
    const last = world.records.deployed.at(-1)!;
    expect(last.revert?.stableAtMs).toBeGreaterThanOrEqual(last.revert!.seenAtMs);
    expect(world.records.deployed).toHaveLength(3);
  });

  it('of a UnitState that was deleted and begun anew is another one', async () => {
    await deployed();
    await world.advance(5000);
    const { name } = [...world.cluster.objects.values()].find(({ kind }) => kind === 'UnitState')!.metadata;
    world.cluster.drop('trueup.dev/UnitState', 'argocd', name);
    await world.settle();
    await world.push([configMap('one', { a: '2' })]);
    expect(world.records.deployed.map(({ entry }) => entry)).toEqual(expect.arrayContaining([1, 1]));
    expect(new Set(world.records.deployed.map(({ sinceMs }) => sinceMs)).size).toBe(2);
  });
});

describe('drift', () => {
  afterEach(() => expect(world.errors).toEqual([]));

  it('that is healed is one incident: which fields, by which tool, until when', async () => {
    await deployed();
    await edit('9');
    expect(incidents()).toMatchObject([
      {
        object: { kind: 'ConfigMap', name: 'one' },
        fields: ['.data.a'],
        by: [{ manager: 'kubectl-edit', operation: 'Update' }],
        deleted: false,
        ended: { how: 'healed' },
      },
    ]);
    world.cluster.drop('ConfigMap', 'payments', 'two');
    await world.settle();
    expect(incidents().at(-1)).toMatchObject({ deleted: true, by: [], ended: { how: 'healed' } });
    await world.restart();
    expect(incidents()).toHaveLength(2);
  });

  it('of a Unit that went in the middle of a turn is not open for ever', async () => {
    await deployed(byHand);
    await edit('8');
    let goOn = (): void => undefined;
    const looks = new Promise<void>((resolve) => (goOn = resolve));
    world.cluster.gate = ({ verb }) => (verb === 'sightings' ? looks : undefined);
    await world.refresh();
    world.cluster.drop('argoproj.io/Application', 'argocd', 'web');
    await world.settle();
    expect(incidents()).toMatchObject([{ ended: { how: 'forgotten' } }]);
    goOn();
    await world.settle();
    expect(incidents().filter(({ ended }) => ended === undefined)).toEqual([]);
    expect(world.engine.sizes['recorder']).toBe(0);
  });

  it.each([true, false])(
    'of what a finalizer holds is told as that of what goes at once (self-heal: %j)',
    async (selfHeal) => {
      await deployed({ syncPolicy: { automated: { prune: true, selfHeal } } });
      const hold = (finalizers: readonly string[]): void =>
        void world.cluster.edit(
          'ConfigMap',
          'payments',
          'one',
          (draft) => (draft.metadata.finalizers = finalizers),
        );
      hold(['example.com/hold']);
      await world.settle();
      world.cluster.drop('ConfigMap', 'payments', 'one');
      await world.advance(5000);
      hold([]);
      await world.advance(5000);
      expect(incidents()).toMatchObject([{ deleted: true }]);
      expect(world.data('one')).toEqual(selfHeal ? { a: '1' } : undefined);
      expect(world.records.deployed).toHaveLength(1);
    },
  );

  it('that is left is open until somebody puts it back; many changes are one incident', async () => {
    await world.start();
    await world.push([configMap('one', { a: '1', b: '1' })]);
    await world.create(world.application('web', byHand));
    await edit('8');
    const [seen] = incidents();
    expect(seen).toMatchObject({ left: 'self-heal is off', fields: ['.data.a'] });
    expect(seen).not.toHaveProperty('ended');
    await world.advance(2000);
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.b = '9'), 'vi');
    await world.settle();
    expect(incidents()).toMatchObject([
      {
        seenAtMs: seen!.seenAtMs,
        fields: ['.data.a', '.data.b'],
        by: [{ manager: 'kubectl-edit' }, { manager: 'vi' }],
      },
    ]);
    await world.restart();
    await world.advance(10_000);
    expect(incidents()).toHaveLength(1);
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data = { a: '1', b: '1' }), 'vi');
    await world.refresh();
    expect(incidents()).toMatchObject([{ ended: { how: 'elsewhere' } }]);
    await edit('7');
    await world.refresh();
    expect(incidents()).toHaveLength(2);
  });

  it('that is left is healed by a sync that a person asks for', async () => {
    await deployed(byHand);
    await edit('9');
    await world.advance(3000);
    await world.sync();
    expect(world.data('one')).toEqual({ a: '1' });
    const [incident, ...more] = incidents();
    expect(more).toEqual([]);
    expect(incident).toMatchObject({ ended: { how: 'healed' } });
    expect(incident!.ended!.atMs - incident!.seenAtMs!).toBeGreaterThanOrEqual(3000);
  });

  it('of more objects than the history keeps is recorded of each', async () => {
    const many = Array.from({ length: 30 }, (_, index) => configMap(`n${index}`));
    await world.start();
    await world.push(many);
    await world.create(world.application());
    for (const { metadata } of many)
      world.cluster.edit('ConfigMap', 'payments', metadata.name, (draft) => (draft.data.a = '9'), 'vi');
    await world.settle();
    await world.advance(5000);
    expect(new Set(incidents().map(({ object }) => object!.name)).size).toBe(30);
    expect(incidents().every(({ ended }) => ended?.how === 'healed')).toBe(true);
  });

  it('that is open when its Application goes ends with it', async () => {
    await deployed(byHand);
    await edit('9');
    world.cluster.drop('argoproj.io/Application', 'argocd', 'web');
    await world.settle();
    expect(incidents()).toMatchObject([{ ended: { how: 'forgotten' } }]);
    expect(world.records.marks.size).toBe(0);
  });

  it('that was open when its Application went while nothing ran, or could be written, ends all the same', async () => {
    await deployed(byHand);
    await edit('9');
    world.crash();
    world.cluster.drop('argoproj.io/Application', 'argocd', 'web');
    world.records.failure = full;
    await world.start();
    expect(incidents()).toMatchObject([{ left: 'self-heal is off' }]);
    world.records.failure = undefined;
    await world.advance(60_000);
    expect(incidents()).toMatchObject([{ ended: { how: 'forgotten' } }]);
    expect(world.errors.splice(0)).toEqual([expect.stringMatching(/the disk is full/)]);
  });

  it('in steady state nothing is written, and no timer runs', async () => {
    await deployed(byHand);
    await edit('9');
    const before = world.records.writes;
    const mark = world.mark;
    await world.advance(3_600_000, 60_000);
    expect(world.records.writes).toBe(before);
    expect(world.cluster.since(mark)).toEqual([]);
  });
});

describe('F17: while the records cannot be written', () => {
  const push = (value: string) => world.push([configMap('one', { a: value }), configMap('two')]);

  it('no new sync starts, it says why, and goes on by itself', async () => {
    await deployed();
    await world.advance(5000);
    world.records.failure = full;
    const mark = world.mark;
    await push('2');
    expect(world.writesSince(mark)).toEqual([]);
    expect(JSON.stringify(world.status().conditions)).toMatch(fullSaid);
    await world.advance(120_000);
    expect(world.data('one')).toEqual({ a: '1' });
    world.records.failure = undefined;
    await world.advance(600_000, 5000);
    expect(world.data('one')).toEqual({ a: '2' });
    expect(JSON.stringify(world.status().conditions ?? [])).not.toMatch(fullSaid);
    expect(world.records.deployed).toHaveLength(2);
    const still = world.cluster.since(0).filter(isWrite).length;
    const { writes } = world.records;
    await world.advance(600_000, 60_000);
    expect(world.cluster.since(0).filter(isWrite).length).toBe(still);
    expect(world.records.writes).toBe(writes);
  });

  it('a sync that was under way is in the history, and in the records later', async () => {
    await deployed();
    await push('2');
    world.records.failure = full;
    await push('3');
    expect(world.data('one')).toEqual({ a: '3' });
    expect(world.records.deployed).toHaveLength(2);
    await push('4');
    expect(world.data('one')).toEqual({ a: '3' });
    world.records.failure = undefined;
    await world.advance(60_000);
    expect(world.records.deployed.map(({ entry }) => entry)).toEqual([1, 2, 3, 4]);
  });

  it('drift is repaired for as long as the history has room for it', async () => {
    await deployed();
    await world.advance(5000);
    world.records.failure = full;
    let repaired = 0;
    for (let count = 0; count < 30; count += 1) {
      await edit(`drift-${count}`);
      await world.advance(700_000, 50_000);
      if ((world.data('one') as { a: string }).a === '1') repaired += 1;
    }
    expect(repaired).toBe(20);
    world.records.failure = undefined;
    await world.advance(700_000, 50_000);
    expect(world.data('one')).toEqual({ a: '1' });
    expect(incidents().filter(({ ended }) => ended?.how === 'healed')).toHaveLength(21);
    expect(world.records.deployed).toHaveLength(1);
  });

  it('a start is no other: what the cluster has is brought in when they can be', async () => {
    await deployed();
    world.records.failure = full;
    await world.restart();
    const mark = world.mark;
    await push('2');
    expect(world.writesSince(mark)).toEqual([]);
    world.records.failure = undefined;
    await world.advance(60_000);
    expect(world.data('one')).toEqual({ a: '2' });
    expect(world.records.deployed).toHaveLength(2);
  });
});
