/** The engine as a whole, in a world of fakes: what users see happen, whatever goes wrong meanwhile. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure, isWrite } from '../../tests/fakes/cluster.ts';
import { applicationKind, configMap, EngineWorld, repository } from '../../tests/fakes/engine-world.ts';
import type { Manifest } from '#model/object.ts';

let world: EngineWorld;
beforeEach(() => {
  world = new EngineWorld();
});
afterEach(() => {
  expect(world.errors).toEqual([]);
});

const three = [configMap('one'), configMap('two'), configMap('three')];
const many = (count: number, value = '1'): readonly Manifest[] =>
  Array.from({ length: count }, (_, index) => configMap(`n${index}`, { a: value }));
const automated = (policy: object): object => ({
  syncPolicy: { automated: { prune: true, selfHeal: true, ...policy } },
});
const scale = (name: string, value: string, manager = 'kubectl-edit'): void =>
  void world.cluster.edit('ConfigMap', 'payments', name, (draft) => (draft.data.a = value), manager);

async function synced(objects: readonly Manifest[] = three, spec: object = {}): Promise<void> {
  await world.start();
  await world.push(objects);
  await world.create(world.application('web', spec));
  expect(world.status()).toMatchObject({ sync: { status: 'Synced' } });
}
const names = (): readonly string[] => (world.state()?.inventory ?? []).map(({ ref }) => ref.name).toSorted();

describe('a push', () => {
  it('arrives: objects are applied, status and record say so', async () => {
    await synced();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(world.status()).toMatchObject({
      health: { status: 'Healthy' },
      operationState: { phase: 'Succeeded' },
    });
    expect(world.state()?.intent).toBeUndefined();
    const commit = await world.push([configMap('one', { a: '2' }), configMap('two'), configMap('three')]);
    expect(world.data('one')).toEqual({ a: '2' });
    expect(world.status().sync).toMatchObject({ status: 'Synced', revision: commit });
  });
  it('arrives by polling too, with no hint', async () => {
    await synced();
    world.git.push(repository, {
      'app/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: polled}\n',
    });
    await world.advance(31_000);
    expect(world.data('one')).toEqual({ a: 'polled' });
  });
  it('removes what is no longer in Git', async () => {
    await synced();
    await world.push([configMap('one'), configMap('two')]);
    expect(world.data('three')).toBeUndefined();
    expect(names()).toEqual(['one', 'two']);
  });
  it('touches only the Unit whose files changed', async () => {
    await synced();
    await world.create(
      world.application('other', { source: { repoURL: repository, path: 'other', targetRevision: 'main' } }),
    );
    const mark = world.mark;
    await world.pushFiles({
      'app/one.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n',
      'other/x.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n',
    });
    expect(world.status('other').sync?.status).toBe('Synced');
    expect(world.writesSince(mark).length).toBeGreaterThan(0);
    const later = world.mark;
    const rendered = world.renders;
    await world.pushFiles({
      'app/one.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {b: "1"}\n',
      'other/x.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n',
    });
    expect(world.writesSince(later).map(({ key }) => key)).toEqual(['/ConfigMap/payments/one']);
    expect(world.renders - rendered).toBe(1);
  });
});

describe('steady state', () => {
  it('makes no call at all after settling, however long it lasts', async () => {
    await synced();
    const mark = world.mark;
    const rendered = world.renders;
    await world.advance(3_600_000, 10_000);
    expect(world.cluster.since(mark)).toEqual([]);
    expect(world.renders).toBe(rendered);
  });
  it('a restart makes no write and renders nothing', async () => {
    await synced();
    const mark = world.mark;
    const rendered = world.renders;
    await world.restart();
    await world.advance(60_000);
    expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
    expect(world.renders).toBe(rendered);
  });
  it('a refresh that is wished for while Git is asked already has it asked again', async () => {
    await world.start();
    await world.push([configMap('one')]);
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const fetch = world.git.fetch.bind(world.git);
    let fetches = 0;
    world.git.fetch = async (spec) => {
      fetches += 1;
      if (fetches === 1) await held;
      return fetch(spec);
    };
    await world.create(world.application());
    await world.refresh();
    expect([fetches, world.data('one')]).toEqual([1, undefined]);
    letGo();
    await world.settle();
    expect(fetches).toBe(2);
    expect(world.data('one')).toEqual({ a: '1' });
    const { annotations = {} } = world.cluster.must('argoproj.io/Application', 'argocd', 'web').metadata;
    expect(annotations).not.toHaveProperty(['argocd.argoproj.io/refresh']);
  });
  it('a hard refresh of what is in sync answers, and changes nothing else', async () => {
    await synced(three.toReversed());
    await world.push([...three, configMap('added')]);
    const before = world.status();
    const mark = world.mark;
    await world.refresh('web', 'hard');
    expect(world.writesSince(mark)).toEqual([]);
    expect(world.cluster.must(applicationKind, 'argocd', 'web').metadata.annotations).toEqual({});
    expect(world.status()).toEqual(before);
  });
});

describe('drift', () => {
  it('is healed, and the tool that made it is named', async () => {
    await synced();
    scale('one', '9', 'kubectl-edit');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    const entry = world.state()?.history.at(-1);
    expect(world.state()?.history.filter(({ kind }) => kind === 'drift')).toMatchObject([
      { healed: true, object: { name: 'one' } },
    ]);
    expect(entry).toBeDefined();
    expect(JSON.stringify(world.state()?.history)).toContain('kubectl-edit');
  });
  it('a deletion is healed', async () => {
    await synced();
    world.cluster.drop('ConfigMap', 'payments', 'one');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(names()).toEqual(['one', 'three', 'two']);
  });
  it('with self-heal off is reported and not touched', async () => {
    await synced(three, automated({ selfHeal: false }));
    const mark = world.mark;
    scale('one', '9');
    await world.settle();
    expect(world.writesSince(mark)).toEqual([]);
    expect(world.status().sync?.status).toBe('OutOfSync');
    expect(world.condition('Drift')).toMatch(/kubectl-edit/);
    // They set it back themselves: the field is theirs now, and stands as Git says.
    scale('one', '1');
    await world.change('web', (draft) => {
      draft.metadata.annotations = { 'argocd.argoproj.io/refresh': 'normal' };
    });
    expect(world.status().sync?.status).toBe('Synced');
    expect(world.condition('Drift')).toBeUndefined();
    expect(world.data('one')).toEqual({ a: '1' });
  });
  it('of fields that are not ours is none', async () => {
    await synced();
    const mark = world.mark;
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.theirs = 'x'));
    await world.settle();
    expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
  });
  it('that admission makes of every apply is none', async () => {
    world.cluster.admission = (manifest) =>
      manifest.kind === 'ConfigMap' ? { ...manifest, data: { a: 'rewritten' } } : manifest;
    await synced();
    const mark = world.mark;
    await world.refresh('web', 'hard');
    expect(world.writesSince(mark)).toEqual([]);
    expect(world.data('one')).toEqual({ a: 'rewritten' });
  });
  it('that writers make in turn, again and again, is met with growing patience, and never given up', async () => {
    await synced();
    const mark = world.mark;
    let fights = 0;
    // Rivals answer each heal at once, for an hour; of one alone there would be an end (`contests.test.ts`).
    for (let second = 0; second < 3600; second += 1) {
      if ((world.data('one') as { a: string }).a === '1') {
        fights += 1;
        scale('one', 'theirs', `rival-${fights % 4}`);
        await world.settle();
      }
      world.time.advance(1000);
      await world.settle();
    }
    expect(fights).toBeGreaterThan(8);
    expect(world.writesSince(mark).length).toBeLessThan(40);
  });
  it('fought over in one object does not hold back a new commit', async () => {
    await synced();
    for (let round = 0; round < 12; round += 1) {
      scale('one', 'theirs', 'rival');
      await world.settle();
      await world.advance(1000 * 2 ** Math.max(0, round - 3), 10_000);
    }
    scale('one', 'theirs', 'rival');
    await world.settle();
    await world.push([configMap('one'), configMap('two', { a: 'new' }), configMap('three')]);
    expect(world.data('two')).toEqual({ a: 'new' });
  });
});

describe('F1: a crash at any call', () => {
  const after = [configMap('one', { a: '2' }), configMap('two'), configMap('four')];

  it('converges after the restart, forgets no object and leaves no lock (every crash point of a sync)', async () => {
    for (const kind of ['crash', 'crash-before'] as const) {
      for (let point = 1; ; point += 1) {
        world = new EngineWorld();
        await synced();
        let calls = 0;
        world.cluster.inject = () => (++calls === point ? kind : undefined);
        await world.push(after);
        const crashed = world.client.isCutOff;
        world.cluster.inject = () => undefined;
        const where = `${kind} at call ${point}`;
        if (crashed) {
          for (const name of ['one', 'two', 'three', 'four']) {
            if (world.data(name) !== undefined) expect(names(), where).toContain(name);
          }
          await world.restart();
          await world.advance(20_000);
        }
        expect(world.data('one'), where).toEqual({ a: '2' });
        expect(world.data('three'), where).toBeUndefined();
        expect(names(), where).toEqual(['four', 'one', 'two']);
        expect(world.state()?.intent, where).toBeUndefined();
        const deployed = world.state()?.history.findLast((entry) => entry.kind === 'sync');
        expect(deployed, where).toMatchObject({ result: 'succeeded', revisions: world.state()?.revisions });
        expect(world.status().sync?.status, where).toBe('Synced');
        expect(world.status().operationState?.phase, where).not.toBe('Running');
        // For so long it is remembered what may land yet.
        await world.advance(120_000, 30_000);
        const mark = world.mark;
        await world.advance(600_000, 30_000);
        expect(world.cluster.since(mark).filter(isWrite), where).toEqual([]);
        if (!crashed) break;
      }
    }
  });

  it('while a deleted object is made again, and then it leaves Git: it is not left behind', async () => {
    await synced();
    world.cluster.inject = ({ verb }) => (verb === 'apply' ? 'crash' : undefined);
    world.cluster.drop('ConfigMap', 'payments', 'one');
    await world.settle();
    expect(world.client.isCutOff).toBe(true);
    world.cluster.inject = () => undefined;
    world.git.push(repository, {
      'app/two.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\ndata: {a: "1"}\n',
      'app/three.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: three}\ndata: {a: "1"}\n',
    });
    await world.restart();
    await world.advance(60_000);
    expect(world.data('one')).toBeUndefined();
    expect(names()).toEqual(['three', 'two']);
  });

  it.each(['crash', 'crash-before'] as const)(
    'who made the drift is recorded also where nobody records how its heal ended (%s)',
    async (kind) => {
      await synced();
      world.cluster.inject = ({ verb }) => (verb === 'apply' ? kind : undefined);
      world.cluster.drop('ConfigMap', 'payments', 'one');
      await world.settle();
      expect(world.client.isCutOff).toBe(true);
      world.cluster.inject = () => undefined;
      await world.restart();
      await world.advance(60_000);
      expect(world.data('one')).toBeDefined();
      const drift = world.state()?.history.filter((entry) => entry.kind === 'drift');
      expect(drift).toMatchObject([{ deleted: true, object: { name: 'one' } }]);
    },
  );
  it('a status that says Running is put right after the restart', async () => {
    await synced();
    world.cluster.inject = ({ verb, key }) =>
      verb === 'apply' && key.endsWith('/one') ? 'crash' : undefined;
    await world.change(
      'web',
      (draft) => (draft.status.operationState = { ...draft.status.operationState, phase: 'Running' }),
      'trueup',
    );
    await world.push([configMap('one', { a: '2' }), configMap('two'), configMap('three')]);
    world.cluster.inject = () => undefined;
    await world.restart();
    await world.advance(20_000);
    expect(world.status().sync?.status).toBe('Synced');
    expect(world.status().operationState?.phase).not.toBe('Running');
  });
});

describe('writes that go wrong', () => {
  it('F2: the reply of an apply is lost: it is tried again and nothing is left behind', async () => {
    await synced();
    let lost = 0;
    world.cluster.inject = ({ verb }) => (verb === 'apply' && lost++ === 0 ? 'lost' : undefined);
    await world.push([...three, configMap('four')]);
    expect(names()).toEqual(['four', 'one', 'three', 'two']);
    await world.advance(30_000);
    expect(world.status().sync?.status).toBe('Synced');
    expect(world.state()?.inventory.every(({ state, uid }) => state === 'applied' && uid !== undefined)).toBe(
      true,
    );
  });
  it('F3: an object that changes under the plan is planned anew, a bounded number of times', async () => {
    await synced();
    const mark = world.mark;
    // Every apply finds that the object was made anew meanwhile.
    world.cluster.inject = ({ verb, key }) => {
      if (verb !== 'apply' || !key.endsWith('/one')) return undefined;
      world.cluster.drop('ConfigMap', 'payments', 'one');
      world.cluster.put(configMap('one', { a: 'theirs' }));
      return undefined;
    };
    await world.push([configMap('one', { a: '2' }), configMap('two'), configMap('three')]);
    await world.advance(60_000);
    expect(world.writesSince(mark).length).toBeLessThan(40);
    expect(world.status().operationState?.message).toMatch(/planned anew; retrying attempt #\d at /);
    world.cluster.inject = () => undefined;
    await world.advance(700_000, 10_000);
    expect(world.data('one')).toEqual({ a: '2' });
    expect(world.status().sync?.status).toBe('Synced');
  });
  it.each(['leaves Git', 'goes with its Application'])(
    'F18: a creation that lands beside its next attempt, when that %s, leaves nothing behind',
    async (how) => {
      await world.start();
      const finalizers = ['resources-finalizer.argocd.argoproj.io'];
      await world.create(world.application('web', {}, { finalizers }));
      let times = 1;
      world.cluster.inject = ({ verb, key }) =>
        verb === 'apply' && key.endsWith('/two') && times-- > 0
          ? { ...failure('Timeout'), isUnanswered: true }
          : undefined;
      await world.push(three);
      await world.advance(10_000);
      const { metadata, ...two } = world.cluster.get('ConfigMap', 'payments', 'two')!;
      const { uid: _, resourceVersion: __, ...sent } = metadata;
      if (how === 'leaves Git') await world.push(three.filter(({ metadata: { name } }) => name !== 'two'));
      else world.cluster.drop(applicationKind, 'argocd', 'web');
      await world.advance(10_000);
      expect(world.data('two')).toBeUndefined();
      world.cluster.put({ ...two, metadata: sent });
      await world.advance(200_000, 5000);
      expect(world.data('two')).toBeUndefined();
      expect(world.cluster.get(applicationKind, 'argocd', 'web') === undefined).toBe(how !== 'leaves Git');
      const { mark } = world;
      await world.advance(600_000, 60_000);
      expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
      if (how === 'leaves Git') expect(names()).toEqual(['one', 'three']);
    },
  );
  it('F18: an apply that fails part-way keeps what was attempted in the inventory', async () => {
    await synced();
    world.cluster.inject = ({ verb, key }) =>
      verb === 'apply' && key.endsWith('/bad') ? failure('Forbidden', 'denied') : undefined;
    await world.push([configMap('one'), configMap('two'), configMap('bad'), configMap('good')]);
    expect(names()).toEqual(['bad', 'good', 'one', 'three', 'two']);
    expect(world.data('three')).toEqual({ a: '1' });
    expect(world.status()).toMatchObject({
      sync: { status: 'OutOfSync' },
      operationState: { phase: 'Running', message: expect.stringMatching(/; retrying attempt #1 at /) },
    });
    expect(world.condition('SyncError')).toMatch(/Forbidden/);
    // It is taken out of Git again: what was attempted leaves the inventory, and "three" goes.
    await world.push([configMap('one'), configMap('two'), configMap('good')]);
    await world.advance(1000);
    expect(names()).toEqual(['good', 'one', 'two']);
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('a failing apply is tried again with backoff, and past the limit at a slow pace for ever', async () => {
    await synced();
    world.cluster.inject = ({ verb }) => (verb === 'apply' ? failure('ServerError') : undefined);
    await world.push([configMap('one', { a: '2' }), configMap('two'), configMap('three')]);
    const attempts = (mark: number): number =>
      world.cluster.since(mark).filter(({ verb }) => verb === 'apply').length;
    let mark = world.mark;
    await world.advance(9 * 60_000, 1000);
    expect(attempts(mark)).toBeGreaterThanOrEqual(4);
    expect(attempts(mark)).toBeLessThanOrEqual(8);
    mark = world.mark;
    await world.advance(3 * 3600_000, 10_000);
    expect(attempts(mark)).toBeGreaterThanOrEqual(12);
    expect(attempts(mark)).toBeLessThanOrEqual(24);
    world.cluster.inject = () => undefined;
    await world.advance(12 * 60_000, 10_000);
    expect(world.data('one')).toEqual({ a: '2' });
  });
  it('a new commit starts afresh: it does not wait for the backoff of the old one', async () => {
    await synced();
    world.cluster.inject = ({ verb }) => (verb === 'apply' ? failure('ServerError') : undefined);
    await world.push([configMap('one', { a: '2' }), configMap('two'), configMap('three')]);
    await world.advance(20 * 60_000, 5000);
    world.cluster.inject = () => undefined;
    await world.push([configMap('one', { a: '3' }), configMap('two'), configMap('three')]);
    expect(world.data('one')).toEqual({ a: '3' });
  });
  it('what failed stays said while the next attempt is waited for', async () => {
    await synced();
    world.cluster.inject = ({ verb }) => (verb === 'apply' ? failure('ServerError') : undefined);
    await world.push([configMap('one', { a: '2' }), configMap('two'), configMap('three')]);
    expect(world.condition('SyncError')).toMatch(/ServerError/);
    // Something else happens meanwhile, and takes a turn.
    await world.change('web', (draft) => (draft.metadata.labels = { team: 'x' }));
    expect(world.condition('SyncError')).toMatch(/ServerError/);
    expect(world.status().operationState).toMatchObject({
      phase: 'Running',
      message: expect.stringMatching(/ServerError.*; retrying attempt #1 at /),
    });
  });
  it('a retry of 0 s without limit does not spin', async () => {
    world.cluster.inject = ({ verb }) => (verb === 'apply' ? failure('ServerError') : undefined);
    await world.start();
    await world.push(three);
    await world.create(
      world.application('web', {
        syncPolicy: {
          automated: {},
          retry: { limit: -1, backoff: { duration: '0s', factor: 1, maxDuration: '0s' } },
        },
      }),
    );
    const mark = world.mark;
    await world.advance(10_000, 1000);
    expect(world.cluster.since(mark).filter(({ verb }) => verb === 'apply').length).toBeLessThanOrEqual(33);
  });
  it('a failure to record the outcome is said, and the next turn repairs the record', async () => {
    await synced();
    let replaced = 0;
    world.cluster.inject = ({ verb, key }) =>
      verb === 'replace' && key.startsWith('trueup.dev/') && ++replaced === 2
        ? failure('ServerError')
        : undefined;
    await world.push([configMap('one', { a: '2' }), configMap('two'), configMap('three')]);
    expect(world.status().operationState?.message).toMatch(/; retrying attempt #1 at /);
    await world.advance(30_000);
    expect(world.state()).toMatchObject({
      inventory: expect.arrayContaining([expect.objectContaining({ state: 'applied' })]),
    });
    expect(world.state()?.intent).toBeUndefined();
    expect(world.status()).toMatchObject({ sync: { status: 'Synced' } });
    expect(world.status().operationState?.phase).not.toBe('Running');
  });
  it('a record that somebody else changed meanwhile is read anew, and nothing is lost', async () => {
    await synced();
    world.client.lagging = true;
    const head = [...world.cluster.objects.values()].find(({ kind }) => kind === 'UnitState')!;
    world.cluster.edit(
      'trueup.dev/UnitState',
      'argocd',
      head.metadata.name,
      (draft) => (draft.state.epoch += 5),
      'another-replica',
    );
    world.git.push(repository, {
      'app/one.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: "2"}\n',
    });
    await world.hint();
    await world.advance(10_000);
    expect(world.data('one')).toEqual({ a: '2' });
    expect(world.state()?.epoch).toBeGreaterThan(6);
    expect(world.condition('ComparisonError')).toBeUndefined();
  });
  it('the newer record arrives by watch while it is being read: it is not called unreadable', async () => {
    await synced();
    const head = [...world.cluster.objects.values()].find(({ kind }) => kind === 'UnitState')!;
    let done = false;
    world.cluster.inject = ({ verb, key }) => {
      if (verb !== 'replace' || !key.startsWith('trueup.dev/') || done) return undefined;
      done = true;
      world.cluster.edit(
        'trueup.dev/UnitState',
        'argocd',
        head.metadata.name,
        (draft) => (draft.state.epoch += 5),
        'another-replica',
      );
      return undefined;
    };
    await world.push([configMap('one', { a: '2' }), configMap('two'), configMap('three')]);
    expect(JSON.stringify(world.status().conditions ?? [])).not.toContain('cannot be read');
    await world.advance(1000);
    expect(world.data('one')).toEqual({ a: '2' });
  });
});

describe('sources that go wrong', () => {
  const outage = failure('GitUnreachable', 'transient', { stage: 'source' });

  it('F12: Git is down: drift repair goes on, nothing else changes, and an alarm says so; it ends by itself', async () => {
    await synced();
    world.git.down = outage;
    await world.advance(70_000);
    expect(world.condition('ComparisonError')).toMatch(/GitUnreachable/);
    scale('one', '9');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    world.git.down = undefined;
    await world.advance(40_000);
    expect(world.condition('ComparisonError')).toBeUndefined();
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('F8: what was deleted is made anew from the last good set also where the first attempt at that failed', async () => {
    await synced();
    await world.pushFiles({ 'app/broken.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: [' });
    world.cluster.inject = ({ verb, key }) =>
      verb === 'apply' && key.endsWith('/one') ? failure('InternalError') : undefined;
    world.cluster.drop('ConfigMap', 'payments', 'one');
    await world.advance(2000);
    world.cluster.inject = () => undefined;
    scale('two', '9');
    await world.advance(60_000);
    expect([world.data('one'), world.data('two')]).toEqual([{ a: '1' }, { a: '1' }]);
    const kinds = world.state()!.history.map((entry) => (entry.kind === 'sync' ? entry.result : entry.kind));
    expect(kinds.filter((kind) => kind === 'succeeded')).toHaveLength(1);
  });
  it('F8: a commit that cannot be rendered changes nothing, and drift is repaired from the last good set', async () => {
    await synced();
    const good = world.status().sync?.revision;
    const mark = world.mark;
    await world.pushFiles({ 'app/broken.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: [' });
    expect(world.writesSince(mark)).toEqual([]);
    expect(world.status().sync?.status).toBe('Unknown');
    expect(world.status().health?.status).not.toBe('Healthy');
    expect(world.condition('ComparisonError')).toMatch(/broken\.yaml/);
    scale('one', '9');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(world.state()?.revisions[0]?.commit).toBe(good);
    await world.push([configMap('one', { a: '5' }), configMap('two'), configMap('three')]);
    expect(world.data('one')).toEqual({ a: '5' });
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('F8: a path that vanished or is empty deletes nothing', async () => {
    await synced();
    const mark = world.mark;
    await world.pushFiles({ 'README.md': 'x' });
    await world.pushFiles({ 'app/README.md': 'no manifests' });
    await world.sync('web', { prune: true });
    await world.advance(60_000);
    expect(world.writesSince(mark)).toEqual([]);
    expect(names()).toEqual(['one', 'three', 'two']);
  });
  it('F9: a large prune is held until its digest is approved', async () => {
    await synced(many(12));
    const mark = world.mark;
    await world.push(many(2));
    expect(world.writesSince(mark)).toEqual([]);
    const held = world.condition('Held');
    expect(held).toMatch(/10 of 12/);
    const digest = /sha256:[0-9a-f]{64}/.exec(held ?? '')?.[0];
    await world.change(
      'web',
      (draft) => (draft.metadata.annotations = { 'trueup.dev/approved-plan': `sha256:${'0'.repeat(64)}` }),
    );
    expect(world.writesSince(mark)).toEqual([]);
    await world.change(
      'web',
      (draft) => (draft.metadata.annotations = { 'trueup.dev/approved-plan': digest }),
    );
    expect(names()).toEqual(['n0', 'n1']);
  });
  it('F10: a branch that moved back is not followed; a rewritten one is, and flagged', async () => {
    await synced();
    const old = world.status().sync!.revision!;
    const newer = [configMap('one', { a: '2' }), configMap('two'), configMap('three')];
    await world.push(newer);
    world.git.reset(repository, old);
    await world.hint();
    expect(world.data('one')).toEqual({ a: '2' });
    expect(world.condition('Held')).toMatch(/older/);
    await world.push([configMap('one', { a: 'rewritten' }), configMap('two'), configMap('three')], {
      parent: old,
    });
    expect(world.data('one')).toEqual({ a: 'rewritten' });
    expect(world.condition('HistoryRewritten')).toBeDefined();
  });
  it('F10: while a branch that moved back is held, drift is still repaired', async () => {
    await synced();
    const old = world.status().sync!.revision!;
    await world.push([configMap('one', { a: '2' }), configMap('two'), configMap('three')]);
    world.git.reset(repository, old);
    await world.hint();
    scale('two', '9');
    await world.settle();
    expect(world.data('two')).toEqual({ a: '1' });
    expect(world.data('one')).toEqual({ a: '2' });
  });
  it('a sync of a revision that does not exist fails, and says so', async () => {
    await synced();
    await world.sync('web', { revision: 'no-such-branch' });
    expect(world.status().operationState).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/no-such-branch/),
    });
    expect(world.cluster.must(applicationKind, 'argocd', 'web')['operation']).toBeUndefined();
  });
});

describe('pruning', () => {
  it('off: the object stays, stays OutOfSync over turns and restarts, and goes when pruning is on', async () => {
    await synced(three, automated({ prune: false }));
    await world.push([configMap('one', { a: '2' }), configMap('two')]);
    const expectKept = (): void => {
      expect(world.status().sync?.status).toBe('OutOfSync');
      expect(world.status().resources?.find(({ name }) => name === 'three')).toMatchObject({
        status: 'OutOfSync',
        requiresPruning: true,
      });
    };
    expect(world.data('three')).toEqual({ a: '1' });
    expectKept();
    await world.refresh();
    expectKept();
    await world.restart();
    expectKept();
    await world.change('web', (draft) => (draft.spec.syncPolicy.automated.prune = true));
    expect(world.data('three')).toBeUndefined();
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('of what somebody deleted before leaves no trace, and the fast path works again', async () => {
    await synced(three, automated({ selfHeal: false }));
    world.cluster.drop('ConfigMap', 'payments', 'three');
    await world.settle();
    await world.push([configMap('one'), configMap('two')]);
    expect(names()).toEqual(['one', 'two']);
    const rendered = world.renders;
    await world.restart();
    expect(world.renders).toBe(rendered);
  });
  it('F27: an object that a finalizer holds stays in the inventory, named, until it is gone', async () => {
    await synced();
    world.cluster.edit(
      'ConfigMap',
      'payments',
      'three',
      (draft) => (draft.metadata.finalizers = ['example.com/hold']),
    );
    await world.push([configMap('one'), configMap('two')]);
    expect(names()).toContain('three');
    expect(JSON.stringify(world.status())).toContain('example.com/hold');
    world.cluster.edit('ConfigMap', 'payments', 'three', (draft) => delete draft.metadata.finalizers);
    await world.settle();
    await world.advance(10_000);
    expect(names()).toEqual(['one', 'two']);
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('F26: an object made anew by somebody else under the same name is not ours to delete', async () => {
    await synced();
    world.client.lagging = true;
    const { metadata } = world.cluster.must('ConfigMap', 'payments', 'three');
    world.cluster.drop('ConfigMap', 'payments', 'three');
    const { uid: _, resourceVersion: __, managedFields: ___, ...copied } = metadata;
    world.cluster.put({ ...configMap('three', { a: 'theirs' }), metadata: copied as Manifest['metadata'] });
    world.git.push(repository, {
      'app/one.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: "1"}\n',
      'app/two.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\ndata: {a: "1"}\n',
    });
    await world.hint();
    world.client.catchUp();
    await world.settle();
    expect(world.data('three')).toEqual({ a: 'theirs' });
  });
  it('F19: a kind that cannot be listed deletes nothing, and the Unit says what it waits for', async () => {
    await synced();
    world.cluster.unlistable.add('/ConfigMap');
    const mark = world.mark;
    await world.push([configMap('one')]);
    await world.advance(30_000);
    expect(world.writesSince(mark)).toEqual([]);
    expect(JSON.stringify(world.status().conditions)).toContain('cannot be listed');
    world.cluster.unlistable.clear();
    await world.advance(60_000);
    expect(names()).toEqual(['one']);
  });
});

describe('two Units', () => {
  const other = (path: string): object => ({ source: { repoURL: repository, path, targetRevision: 'main' } });
  const shared = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: {of: "%"}\n';
  const own = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %}\n';

  async function both(): Promise<void> {
    await world.start();
    await world.pushFiles({
      'app/shared.yaml': shared.replace('%', 'web'),
      'app/own.yaml': own.replace('%', 'own-web'),
    });
    await world.create(world.application());
    await world.pushFiles({
      'app/shared.yaml': shared.replace('%', 'web'),
      'app/own.yaml': own.replace('%', 'own-web'),
      'other/shared.yaml': shared.replace('%', 'other'),
      'other/own.yaml': own.replace('%', 'own-other'),
    });
    await world.create(world.application('other', other('other')));
  }

  it('that want one object: the second is a conflict, writes nothing, and has it once the first lets go', async () => {
    await both();
    expect(world.data('shared')).toEqual({ of: 'web' });
    expect(world.condition('SharedResourceWarning', 'other')).toMatch(/argocd\/web/);
    expect(world.cluster.get('ConfigMap', 'payments', 'own-other')).toBeUndefined();
    expect(world.status('web').sync?.status).toBe('Synced');
    const mark = world.mark;
    await world.advance(600_000, 10_000);
    expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
    await world.pushFiles({
      'app/own.yaml': own.replace('%', 'own-web'),
      'other/shared.yaml': shared.replace('%', 'other'),
      'other/own.yaml': own.replace('%', 'own-other'),
    });
    await world.advance(1000);
    expect(world.data('shared')).toEqual({ of: 'other' });
    expect(world.status('other').sync?.status).toBe('Synced');
    expect(world.status('web').sync?.status).toBe('Synced');
  });
  it('has it once the first lets go, also when its own last good set was repaired meanwhile', async () => {
    await world.start();
    const files = (
      web: string,
      more: Readonly<Record<string, string>>,
    ): Readonly<Record<string, string>> => ({
      'app/own.yaml': own.replace('%', 'own-web'),
      [`${web}/shared.yaml`]: shared.replace('%', web),
      'other/own.yaml': own.replace('%', 'own-other'),
      ...more,
    });
    await world.pushFiles(files('app', {}));
    await world.create(world.application());
    await world.create(world.application('other', other('other')));
    await world.pushFiles(files('app', { 'other/shared.yaml': shared.replace('%', 'other') }));
    await world.advance(1000);
    expect(world.condition('SharedResourceWarning', 'other')).toMatch(/argocd\/web/);
    world.cluster.drop('ConfigMap', 'payments', 'own-other');
    await world.advance(10_000);
    expect(world.cluster.get('ConfigMap', 'payments', 'own-other')).toBeDefined();
    await world.pushFiles(files('other', {}));
    await world.advance(1000);
    expect(world.data('shared')).toEqual({ of: 'other' });
    expect(world.status('other').sync?.status).toBe('Synced');
  });
  it('at once, from nothing: one of them has it', async () => {
    await world.start();
    await world.pushFiles({
      'app/shared.yaml': shared.replace('%', 'web'),
      'other/shared.yaml': shared.replace('%', 'other'),
    });
    world.cluster.put(world.application());
    world.cluster.put(world.application('other', other('other')));
    await world.settle();
    await world.advance(30_000);
    const standings = ['web', 'other'].map((name) => world.status(name).sync?.status).toSorted();
    expect(standings).toEqual(['OutOfSync', 'Synced']);
    const mark = world.mark;
    await world.advance(60_000);
    expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
  });
  it('F26: marks of another Unit are a conflict even before that Unit had its first turn', async () => {
    // As after a takeover: the object has the mark of "zeta", of which there is no record of ours.
    world.cluster.put({
      ...configMap('shared'),
      metadata: {
        name: 'shared',
        namespace: 'payments',
        annotations: { 'argocd.argoproj.io/tracking-id': 'zeta:/ConfigMap:payments/shared' },
      },
    });
    world.git.push(repository, { 'app/shared.yaml': shared.replace('%', 'web') });
    world.cluster.put(world.application());
    world.cluster.put(world.application('zeta', { ...other('zeta'), syncPolicy: {} }));
    await world.start();
    expect(world.condition('SharedResourceWarning', 'web')).toMatch(/zeta/);
    expect(world.data('shared')).toEqual({ a: '1' });
  });
  it('an Application that is deleted and made anew is not in conflict with its former self (F7)', async () => {
    await synced();
    world.client.lagging = true;
    world.cluster.drop(applicationKind, 'argocd', 'web');
    world.cluster.put(world.application());
    world.client.catchUp();
    await world.settle();
    await world.advance(1000);
    expect(world.condition('SharedResourceWarning')).toBeUndefined();
    expect(world.status().sync?.status).toBe('Synced');
    expect(names()).toEqual(['one', 'three', 'two']);
  });
  it('the record of an Application that is gone does not stand in the way of another', async () => {
    await synced();
    world.crash();
    // Deleted while nobody looked; the garbage collector is slow.
    const states = [...world.cluster.objects.values()].filter(({ kind }) => kind === 'UnitState');
    world.cluster.drop(applicationKind, 'argocd', 'web');
    for (const { metadata, ...state } of states)
      world.cluster.put({ ...state, metadata } as Manifest, 'trueup');
    world.cluster.put(world.application('successor'));
    await world.start();
    for (const { metadata } of states) world.cluster.drop('trueup.dev/UnitState', 'argocd', metadata.name);
    await world.settle();
    await world.advance(10_000);
    expect(world.status('successor').sync?.status).toBe('Synced');
  });
});

describe('deletion of the Application', () => {
  const finalizers = ['resources-finalizer.argocd.argoproj.io'];

  it('with the finalizer takes its objects first', async () => {
    await world.start();
    await world.push(three);
    await world.create(world.application('web', {}, { finalizers }));
    world.cluster.drop(applicationKind, 'argocd', 'web');
    await world.settle();
    await world.advance(20_000);
    expect(world.data('one')).toBeUndefined();
    expect(world.cluster.get(applicationKind, 'argocd', 'web')).toBeUndefined();
  });
  it('without it leaves them', async () => {
    await synced();
    world.cluster.drop(applicationKind, 'argocd', 'web');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
  });
  it('that cannot delete says why, backs off, and keeps the finalizer', async () => {
    await world.start();
    await world.push(three);
    await world.create(world.application('web', {}, { finalizers }));
    world.cluster.inject = ({ verb }) => (verb === 'remove' ? failure('Forbidden', 'denied') : undefined);
    world.cluster.drop(applicationKind, 'argocd', 'web');
    await world.settle();
    const mark = world.mark;
    await world.advance(3600_000, 5000);
    expect(world.condition('SyncError')).toMatch(/Forbidden/);
    expect(world.status().operationState?.phase).not.toBe('Running');
    expect(world.cluster.since(mark).filter(({ verb }) => verb === 'replace').length).toBeLessThan(40);
    world.cluster.inject = () => undefined;
    await world.advance(12 * 60_000, 5000);
    expect(world.cluster.get(applicationKind, 'argocd', 'web')).toBeUndefined();
  });
});

describe('F29: a foreign controller', () => {
  const foreignStatus = {
    sync: { status: 'Synced' },
    reconciledAt: '2026-01-01T00:00:00Z',
    resources: [{ version: 'v1', kind: 'ConfigMap', namespace: 'payments', name: 'one', status: 'Synced' }],
  };
  const foreign = async (): Promise<void> => {
    await world.start();
    await world.push([configMap('one', { a: '2' })]);
    world.cluster.put(configMap('one'), 'argocd-controller');
    world.cluster.put({ ...world.application(), status: foreignStatus }, 'argocd-application-controller');
    await world.settle();
  };

  it('kept the status so far: the Unit is only observed, until a person syncs it', async () => {
    await foreign();
    const mark = world.mark;
    await world.advance(600_000, 10_000);
    expect(world.cluster.writes.filter(({ key }) => !key.startsWith('/Namespace'))).toEqual([]);
    expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
    await world.sync();
    expect(world.data('one')).toEqual({ a: '2' });
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('that runs: nothing is written, whatever is asked', async () => {
    world.cluster.put({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: {
        name: 'argocd-application-controller',
        namespace: 'argocd',
        labels: { 'app.kubernetes.io/name': 'argocd-application-controller' },
      },
      status: { readyReplicas: 1 },
    });
    await foreign();
    await world.sync();
    expect(world.cluster.writes).toEqual([]);
  });
  it('that writes the status again suspends the Unit; a person’s sync takes it back', async () => {
    await foreign();
    await world.sync();
    await world.advance(60_000);
    await world.change(
      'web',
      (draft) => (draft.status.sync.status = 'OutOfSync'),
      'argocd-application-controller',
    );
    const mark = world.mark;
    await world.push([configMap('one', { a: '3' })]);
    await world.advance(60_000);
    expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
    await world.sync();
    expect(world.data('one')).toEqual({ a: '3' });
    await world.push([configMap('one', { a: '4' })]);
    expect(world.data('one')).toEqual({ a: '4' });
  });
  it('a spec that cannot be read is left alone too while a foreign controller keeps its status', async () => {
    await world.start();
    world.cluster.put(
      { ...world.application(), spec: { source: 5 }, status: foreignStatus },
      'argocd-application-controller',
    );
    await world.settle();
    expect(world.cluster.writes).toEqual([]);
  });
  it('the first sync deletes nothing, and what Git does not have stays kept', async () => {
    await world.start();
    await world.push([configMap('one', { a: '2' })]);
    world.cluster.put(configMap('one'), 'argocd-controller');
    const mark = { 'argocd.argoproj.io/tracking-id': 'web:/ConfigMap:payments/leftover' };
    world.cluster.put(
      { ...configMap('leftover'), metadata: { name: 'leftover', namespace: 'payments', annotations: mark } },
      'argocd-controller',
    );
    const resources = ['one', 'leftover'].map((name) => ({
      version: 'v1',
      kind: 'ConfigMap',
      namespace: 'payments',
      name,
    }));
    world.cluster.put(
      { ...world.application(), status: { ...foreignStatus, resources } },
      'argocd-application-controller',
    );
    await world.settle();
    await world.sync();
    await world.push([configMap('one', { a: '3' })]);
    expect(world.data('leftover')).toEqual({ a: '1' });
    expect(world.condition('Kept')).toMatch(/leftover/);
    await world.sync('web', { prune: true });
    expect(world.data('leftover')).toBeUndefined();
  });
});

describe('one bad resource (F28)', () => {
  it('a malformed Application fails alone', async () => {
    await world.start();
    await world.push(three);
    world.cluster.put({ ...world.application('broken'), spec: { source: 'nonsense', destination: 3 } });
    world.cluster.put({
      ...world.application('worse'),
      spec: { source: { repoURL: repository }, destination: {} },
      status: { resources: [null, 'x', 3], conditions: 'x', history: 7 },
    });
    await world.create(world.application());
    expect(world.status('web').sync?.status).toBe('Synced');
    expect(world.condition('InvalidSpecError', 'broken')).toMatch(/spec\./);
  });
  it('a malformed AppProject fails the Applications of that project, with its name, and no other', async () => {
    await world.start();
    await world.push(three);
    world.cluster.put({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'bad', namespace: 'argocd' },
      spec: { sourceRepos: '*', destinations: { server: '*' }, clusterResourceWhitelist: [{ kind: 3 }] },
    });
    await world.settle();
    await world.create(world.application('of-bad', { project: 'bad' }));
    await world.create(world.application());
    expect(world.status('web').sync?.status).toBe('Synced');
    expect(world.condition('InvalidSpecError', 'of-bad')).toMatch(/AppProject bad/);
    expect(world.errors).toEqual([]);
  });
  it('F30: a Unit that is refused writes nothing, and its refresh is answered', async () => {
    await world.start();
    await world.push(three);
    await world.create(
      world.application('web', { source: { repoURL: repository, path: 'app', helm: { version: 'v2' } } }),
    );
    await world.refresh();
    expect(world.data('one')).toBeUndefined();
    expect(world.condition('Unsupported')).toMatch(/helm/);
    expect(world.cluster.must(applicationKind, 'argocd', 'web').metadata.annotations).toEqual({});
  });
});

describe('what is looked up', () => {
  it('an Application outside the control-plane namespace is picked up once its namespace is listed', async () => {
    await world.start();
    await world.push(three);
    world.cluster.put({ ...world.application('far'), metadata: { name: 'far', namespace: 'default' } });
    await world.settle();
    expect(world.data('one')).toBeUndefined();
    world.cluster.put({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cmd-params-cm', namespace: 'argocd' },
      data: { 'application.namespaces': 'default' },
    });
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
  });
  it('a project that comes to forbid a Unit stops it, and one that permits it again lets it go on', async () => {
    const project = (repositories: readonly string[]): Manifest => ({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'production', namespace: 'argocd' },
      spec: { sourceRepos: repositories, destinations: [{ server: '*', namespace: '*' }] },
    });
    world.cluster.put(project(['*']));
    await synced(three, { project: 'production' });
    world.cluster.put(project([]));
    await world.settle();
    expect(world.condition('InvalidSpecError')).toMatch(/does not permit the repository/);
    const mark = world.mark;
    await world.push([configMap('one', { a: '2' })]);
    expect(world.writesSince(mark)).toEqual([]);
    world.cluster.put(project(['*']));
    await world.settle();
    expect(world.data('one')).toEqual({ a: '2' });
  });
});

describe('any sequence of what people and faults do', () => {
  type Act = (of: EngineWorld) => Promise<void> | void;
  const acts: Readonly<Record<string, Act>> = {
    pushA: async (of) => void (await of.push([configMap('one', { a: 'A' }), configMap('two')])),
    pushB: async (of) => void (await of.push([configMap('one', { a: 'B' }), configMap('three')])),
    pushBroken: async (of) => void (await of.pushFiles({ 'app/x.yaml': 'kind: [' })),
    pushEmpty: async (of) => void (await of.pushFiles({ 'README.md': '' })),
    drift: (of) =>
      void (
        of.data('one') !== undefined &&
        of.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data = { a: 'x' }))
      ),
    remove: (of) => void (of.data('one') !== undefined && of.cluster.drop('ConfigMap', 'payments', 'one')),
    restart: (of) => of.restart(),
    crashSoon: (of) => {
      let left = 3;
      of.cluster.inject = () => (--left === 0 ? 'crash' : undefined);
    },
    loseReplies: (of) => {
      let count = 0;
      of.cluster.inject = () => (++count % 3 === 0 ? 'lost' : undefined);
    },
    refuse: (of) => {
      let count = 0;
      of.cluster.inject = () => (++count % 2 === 0 ? failure('ServerError') : undefined);
    },
    wait: (of) => of.advance(20_000, 5000),
  };

  it('once faults stop, the cluster is as Git says, the inventory is exact, and no more writes are made', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(acts)), { minLength: 1, maxLength: 12 }),
        async (script) => {
          world = new EngineWorld();
          const of = world;
          await of.start();
          await of.push([configMap('one'), configMap('two')]);
          await of.create(of.application());
          for (const name of script) {
            await acts[name]!(of);
            await of.settle();
            if (of.client.isCutOff) {
              of.cluster.inject = () => undefined;
              await of.restart();
            }
          }
          of.cluster.inject = () => undefined;
          await of.push([configMap('one', { a: 'end' }), configMap('four')]);
          await of.advance(1_300_000, 20_000);
          expect(['one', 'two', 'three', 'four'].map((name) => of.data(name))).toEqual([
            { a: 'end' },
            undefined,
            undefined,
            { a: '1' },
          ]);
          expect(names()).toEqual(['four', 'one']);
          expect(of.status().sync?.status).toBe('Synced');
          expect(of.state()?.intent).toBeUndefined();
          const mark = of.mark;
          await of.advance(600_000, 60_000);
          expect(of.cluster.since(mark)).toEqual([]);
          expect(of.errors).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('an Application that is deleted while its objects stay', () => {
  it.each([
    ['', false],
    [', though another of its name is there by then', true],
  ])('is not taken for a new one when the end of its record is heard of first (F6)%s', async (_, isThere) => {
    await synced();
    world.client.lags = ({ plural }) => plural === 'applications';
    const { mark } = world;
    world.cluster.drop(applicationKind, 'argocd', 'web');
    if (isThere) world.cluster.put(world.application('web', { syncPolicy: {} }));
    await world.settle();
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.a = 'edited'));
    await world.settle();
    expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
    world.client.lags = () => false;
    world.client.followersCatchUp();
    await world.settle();
    expect(world.engine.counts.units).toBe(isThere ? 1 : 0);
    expect(world.data('one')).toEqual({ a: 'edited' });
  });
  it('and that somebody else still holds back is left alone', async () => {
    await world.start();
    await world.push(three);
    await world.create(world.application('web', {}, { finalizers: ['example.com/hold'] }));
    const { mark } = world;
    world.cluster.drop(applicationKind, 'argocd', 'web');
    await world.settle();
    expect(world.engine.counts.units).toBe(0);
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.a = 'edited'));
    await world.hint();
    expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
  });
});

it('a Unit that goes while it is recorded as in sync holds nothing any more', async () => {
  await world.push([configMap('one')]);
  await world.start();
  await world.create(world.application());
  expect(world.data('one')).toEqual({ a: '1' });
  let isThere = true;
  world.cluster.inject = ({ verb, key }) => {
    if (isThere && verb === 'replace' && key.startsWith('trueup.dev/UnitState/')) {
      isThere = false;
      // When it is written, and before that is answered.
      queueMicrotask(() => world.cluster.drop(applicationKind, 'argocd', 'web'));
    }
    return undefined;
  };
  // Other files, and nothing to do.
  await world.pushFiles({ 'app/other.yaml': JSON.stringify(configMap('one')) });
  expect(isThere).toBe(false);
  expect(world.engine.sizes['ownership']).toBe(0);
  await world.create(world.application('next'));
  expect(world.state('next')?.inventory.map(({ ref }) => ref.name)).toEqual(['one']);
});

it('what was read before the watch told of it, and is taken back, is news both times', async () => {
  await world.push([configMap('one')]);
  await world.start();
  await world.create(world.application());
  world.client.lags = ({ plural }) => plural === 'applications';
  const withPlugin = (plugin: object | undefined): void =>
    void world.cluster.edit(applicationKind, 'argocd', 'web', (draft) => {
      if (plugin === undefined) delete draft.spec.source.plugin;
      else draft.spec.source.plugin = plugin;
    });
  withPlugin({ name: 'acme' });
  // Its end cannot be told of the resource as it was known.
  await world.push([configMap('one', { a: '2' })]);
  await world.advance(5000);
  expect(world.status().sync?.status).toBe('Unknown');
  withPlugin(undefined);
  await world.settle();
  world.client.lags = () => false;
  world.client.followersCatchUp();
  await world.advance(5000);
  expect(world.status().sync?.status).toBe('Synced');
});
