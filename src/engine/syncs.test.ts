/** Syncs of several steps: waves, hooks, and what happens when something goes wrong between them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure, isWrite, type FakeCall } from '../../tests/fakes/cluster.ts';
import { operationNow } from '#dialects/argo/operation-request.ts';
import {
  applicationKind,
  configMap,
  EngineWorld,
  filesOf,
  repository,
} from '../../tests/fakes/engine-world.ts';
import type { Manifest } from '#model/object.ts';

let world: EngineWorld;
beforeEach(() => {
  world = new EngineWorld();
});
afterEach(() => {
  expect(world.errors).toEqual([]);
});

const wave = (number: number): Record<string, string> => ({ 'argocd.argoproj.io/sync-wave': String(number) });
const hook = (type: string, policy?: string): Record<string, string> => ({
  'argocd.argoproj.io/hook': type,
  ...(policy === undefined ? {} : { 'argocd.argoproj.io/hook-delete-policy': policy }),
});
const annotated = (manifest: Manifest, annotations: Record<string, string>): Manifest => ({
  ...manifest,
  metadata: { ...manifest.metadata, annotations },
});
const deployment = (name: string, image = 'a:1', annotations: Record<string, string> = {}): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'payments', annotations },
  spec: { replicas: 1, template: { spec: { containers: [{ name: 'main', image }] } } },
});
const job = (name: string, annotations: Record<string, string>, image = 'm:1'): Manifest => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: 'payments', annotations },
  spec: { template: { spec: { containers: [{ name: 'main', image }] } } },
});

/** What the cluster's own controllers would do. */
function roll(name: string, change: object = {}): void {
  world.cluster.edit(
    'apps/Deployment',
    'payments',
    name,
    (draft) =>
      (draft.status = {
        observedGeneration: draft.metadata.generation ?? 1,
        replicas: 1,
        updatedReplicas: 1,
        availableReplicas: 1,
        ...change,
      }),
    'kube-controller-manager',
  );
}
const jobs = (): readonly string[] =>
  [...world.cluster.objects.values()]
    .filter(({ kind }) => kind === 'Job')
    .map(({ metadata }) => metadata.name);
function end(name: string, type: 'Complete' | 'Failed' = 'Complete'): void {
  const conditions = [{ type, status: 'True', message: type === 'Failed' ? 'exit code 1' : '' }];
  world.cluster.edit(
    'batch/Job',
    'payments',
    name,
    (draft) => (draft.status = { conditions }),
    'kube-controller-manager',
  );
}
/** The start of the operation that is in progress, as the command reads it. */
const inProgress = (): string | undefined =>
  operationNow(world.cluster.must(applicationKind, 'argocd', 'web'), world.state()).startedAt;
/** Ada ends the operation that is in progress, as the command does. */
async function terminate(startedAt = inProgress()): Promise<void> {
  await world.change(
    'web',
    (draft) => (draft.metadata.annotations = { 'trueup.dev/terminate': `${startedAt} by ada` }),
  );
}
const there = (kind: string, name: string): boolean =>
  world.cluster.get(kind, 'payments', name) !== undefined;
const uid = (name: string, kind = 'batch/Job'): unknown =>
  world.cluster.get(kind, 'payments', name)?.metadata['uid'];
const operation = (): string =>
  `${world.status().operationState?.phase}: ${world.status().operationState?.message}`;

async function begun(objects: readonly Manifest[], spec: object = {}): Promise<void> {
  await world.start();
  await world.push(objects);
  await world.create(world.application('web', spec));
}

describe('waves', () => {
  const two = [deployment('db', 'a:1', wave(-1)), annotated(configMap('app'), wave(2))];

  it('a wave begins when the one before is applied and healthy, and says what it waits for', async () => {
    await begun(two);
    expect(there('apps/Deployment', 'db')).toBe(true);
    expect(world.data('app')).toBeUndefined();
    await world.advance(3000);
    expect(operation()).toMatch(/^Running: waiting until Deployment payments\/db is healthy/);
    expect(world.state()?.intent).toBeDefined();
    roll('db');
    await world.settle();
    expect(world.data('app')).toEqual({ a: '1' });
    expect(operation()).toMatch(/^Succeeded/);
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('while it waits nothing is asked and nothing is written', async () => {
    await begun(two);
    await world.advance(5000);
    const mark = world.mark;
    await world.advance(600_000, 20_000);
    expect(world.cluster.since(mark)).toEqual([]);
  });
  it('in sync it costs nothing, whatever its waves', async () => {
    await begun(two);
    roll('db');
    await world.settle();
    const mark = world.mark;
    await world.advance(600_000, 30_000);
    expect(world.cluster.since(mark)).toEqual([]);
  });
  it('the commit that fixes it is never blocked: it supersedes the Run that waits', async () => {
    await begun(two);
    expect(world.data('app')).toBeUndefined();
    const fixed = await world.push([deployment('db', 'a:2', wave(-1)), two[1]!]);
    const spec = world.cluster.must('apps/Deployment', 'payments', 'db')['spec'];
    expect(spec).toMatchObject({ template: { spec: { containers: [{ image: 'a:2' }] } } });
    roll('db');
    await world.settle();
    expect(world.data('app')).toEqual({ a: '1' });
    expect(world.status().sync).toMatchObject({ status: 'Synced', revision: fixed });
    expect(world.state()?.history.filter(({ kind }) => kind === 'sync')).toHaveLength(1);
  });
  it('a commit that changes none of its files does not disturb it', async () => {
    await begun(two);
    const { mark } = world;
    await world.pushFiles({ ...filesOf(two), 'elsewhere/x.yaml': 'a: 1' });
    expect(world.writesSince(mark)).toEqual([]);
    await world.advance(3000);
    expect(operation()).toMatch(/^Running/);
  });
  it('what is Degraded ends it, after its controller had time to say otherwise; it is tried again', async () => {
    await begun(two, { syncPolicy: { automated: {}, retry: { limit: 1, backoff: { duration: '5s' } } } });
    const stuck = {
      conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }],
    };
    roll('db', stuck);
    await world.settle();
    expect(operation()).not.toMatch(/^Failed/);
    await world.advance(2000);
    expect(operation()).toMatch(
      /^Running: .*Deployment payments\/db: it is degraded.*\[WaveUnhealthy\].*; retrying attempt #1 at /,
    );
    expect(world.data('app')).toBeUndefined();
    roll('db');
    await world.advance(6000);
    expect(world.data('app')).toEqual({ a: '1' });
  });
  it('an application of applications does not wait for its children, whatever they say of themselves', async () => {
    const manual = { syncPolicy: {}, source: { repoURL: repository, path: 'child', targetRevision: 'main' } };
    const child = world.application('child', manual, { annotations: wave(-1) });
    await world.start();
    await world.pushFiles({
      ...filesOf([child, annotated(configMap('app'), wave(2))]),
      ...filesOf([configMap('inner')], 'child'),
    });
    await world.create(world.application('web'));
    expect(world.status('child').health?.status).not.toBe('Healthy');
    expect(world.data('app')).toEqual({ a: '1' });
    expect(operation()).toMatch(/^Succeeded/);
    // It stands as Git says, and a later wave has something new.
    await world.change('child', (draft) => (draft.status = { health: { status: 'Degraded' } }));
    await world.pushFiles({
      ...filesOf([child, annotated(configMap('app', { a: '2' }), wave(2))]),
      ...filesOf([configMap('inner')], 'child'),
    });
    expect(world.data('app')).toEqual({ a: '2' });
  });
  it('a person ends it while it waits', async () => {
    await begun(two, { syncPolicy: {} });
    await world.sync();
    await world.advance(2000);
    expect(operation()).toMatch(/^Running/);
    await terminate();
    expect(operation()).toMatch(/^Failed: .*\[Terminated\]/);
    expect(world.data('app')).toBeUndefined();
  });
  it('it ends where its resource goes, which had no finalizer: nothing is applied that is in no record (F18)', async () => {
    await begun(two);
    await world.advance(2000);
    world.cluster.drop('argoproj.io/Application', 'argocd', 'web');
    roll('db');
    await world.settle();
    expect(world.data('app')).toBeUndefined();
    await world.create(world.application('web', { syncPolicy: { automated: {} } }));
    expect(world.data('app')).toEqual({ a: '1' });
  });
  it('others are worked on meanwhile, however many wait', async () => {
    world = new EngineWorld({ concurrency: 1 });
    await begun(two);
    await world.pushFiles({ ...filesOf(two), ...filesOf([configMap('x')], 'other') });
    await world.create(
      world.application('other', { source: { repoURL: repository, path: 'other', targetRevision: 'main' } }),
    );
    expect(there('ConfigMap', 'x')).toBe(true);
  });
  it('objects are deleted in reverse, each wave after the one above is gone', async () => {
    await begun([
      configMap('stays'),
      annotated(configMap('low'), wave(1)),
      annotated(configMap('high'), wave(5)),
    ]);
    world.cluster.edit('ConfigMap', 'payments', 'high', (draft) => (draft.metadata.finalizers = ['x/y']));
    await world.push([configMap('stays')]);
    expect(there('ConfigMap', 'low')).toBe(true);
    world.cluster.edit('ConfigMap', 'payments', 'high', (draft) => (draft.metadata.finalizers = []));
    await world.settle();
    expect(['low', 'high'].filter((name) => there('ConfigMap', name))).toEqual([]);
  });
  it('a stop leaves what waits as it is, and the next start goes on', async () => {
    await begun(two);
    await world.engine.stop();
    world.cluster.cutOff(world.client);
    expect(world.data('app')).toBeUndefined();
    await world.start();
    roll('db');
    await world.settle();
    expect(world.data('app')).toEqual({ a: '1' });
    expect(operation()).toMatch(/^Succeeded/);
  });
});

describe('hooks', () => {
  const all = [
    job('before', hook('PreSync')),
    configMap('one'),
    job('after', hook('PostSync', 'HookSucceeded')),
    job('rescue', hook('SyncFail')),
    annotated(configMap('skipped'), hook('Skip')),
  ];

  it('run before, after, and not at all; the sync is over when the last has ended', async () => {
    await begun(all);
    expect(jobs()).toEqual(['before']);
    expect(world.data('one')).toBeUndefined();
    await world.advance(2000);
    expect(operation()).toMatch(/^Running: waiting until Job payments\/before is completed/);
    end('before');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(jobs()).toEqual(['before', 'after']);
    end('after');
    await world.settle();
    expect(operation()).toMatch(/^Succeeded: .*ran 2 hooks/);
    // HookSucceeded: it is gone; the default: it stays until it runs again.
    expect(jobs()).toEqual(['before']);
    expect(there('ConfigMap', 'skipped')).toBe(false);
    expect(world.state()?.inventory.map(({ ref }) => ref.name)).toEqual(['one']);
    expect(world.state()?.hooks).toBeUndefined();
    expect(world.status().sync?.status).toBe('Synced');
    const mark = world.mark;
    await world.advance(600_000, 30_000);
    expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
  });
  it('run again with the next sync, and not for drift', async () => {
    await begun(all);
    end('before');
    await world.settle();
    end('after');
    await world.settle();
    const first = uid('before');
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.a = 'x'));
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(uid('before')).toBe(first);
    await world.push([
      configMap('one', { a: '2' }),
      ...all.filter(({ metadata }) => metadata.name !== 'one'),
    ]);
    expect(uid('before')).not.toBe(first);
    expect(world.data('one')).toEqual({ a: '1' });
    end('before');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '2' });
  });
  it('of a sync that was broken off are owed: when automated sync is on again they come to their end, and none runs twice (F1)', async () => {
    await begun(all);
    const before = uid('before');
    end('before');
    await world.settle();
    await world.change('web', (draft) => (draft.spec.syncPolicy = {}));
    expect(world.state()?.intent).toBeUndefined();
    const mark = world.mark;
    await world.advance(600_000, 30_000);
    expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
    end('after');
    await world.change('web', (draft) => (draft.spec.syncPolicy = { automated: {} }));
    expect(operation()).toMatch(/^Succeeded: /);
    expect(jobs()).toEqual(['before']);
    expect(uid('before')).toBe(before);
    const ofJobs = world.writesSince(mark).filter(({ key }) => key.includes('/Job/'));
    expect(ofJobs.map(({ verb }) => verb)).toEqual(['remove']);
    expect(world.state()?.hooks).toBeUndefined();
  });
  it('of a sync that is held up meanwhile stay owed while the last good set is repaired (F1, F12)', async () => {
    const files = (a: string): readonly Manifest[] => [
      configMap('one', { a }),
      ...all.filter(({ metadata }) => metadata.name !== 'one'),
    ];
    await begun(all);
    end('before');
    await world.settle();
    end('after');
    await world.settle();
    await world.push(files('2'));
    const before = uid('before');
    await world.pushFiles({ ...filesOf(files('2')), 'app/broken.yaml': 'a: [' });
    const edited = (): void =>
      void world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.a = 'x'));
    edited();
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    // Nor has a repair that fails failed them.
    let isAway = true;
    world.cluster.inject = ({ verb, key }) =>
      isAway && verb === 'apply' && key.includes('ConfigMap') ? failure('Unreachable') : undefined;
    edited();
    await world.advance(3000);
    isAway = false;
    await world.advance(600_000);
    expect(world.data('one')).toEqual({ a: '1' });
    await world.push(files('2'));
    expect(uid('before')).toBe(before);
    end('before');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '2' });
  });
  it.each([
    ['is gone', false],
    ['is held by a finalizer', true],
  ])(
    'of a commit run where it changes an object that somebody deleted and that %s: it is a sync',
    async (_, isHeld) => {
      await begun([configMap('one')], { syncPolicy: { automated: { selfHeal: false } } });
      const hold = (finalizers: readonly string[], more: object = {}): void =>
        void world.cluster.edit('ConfigMap', 'payments', 'one', (draft) =>
          Object.assign(draft.metadata, { finalizers, ...more }),
        );
      if (isHeld) hold(['example.com/hold'], { deletionTimestamp: '2026-01-02T03:04:05Z' });
      else world.cluster.drop('ConfigMap', 'payments', 'one');
      await world.settle();
      await world.push([configMap('one', { a: '2' }), job('before', hook('PreSync'))]);
      await world.settle();
      expect(jobs()).toEqual(['before']);
      end('before');
      await world.settle();
      if (isHeld) hold([]);
      await world.advance(10_000);
      expect(world.data('one')).toEqual({ a: '2' });
      expect(world.state()?.history.map(({ kind }) => kind)).toEqual(['sync', 'sync']);
    },
  );
  it('one that fails ends the sync: nothing is applied, SyncFail runs, and the next attempt begins anew', async () => {
    await begun(all, { syncPolicy: { automated: {}, retry: { limit: 3, backoff: { duration: '5s' } } } });
    end('before', 'Failed');
    await world.advance(3000);
    expect(jobs()).toEqual(['before', 'rescue']);
    end('rescue');
    await world.settle();
    expect(operation()).toMatch(
      /^Running: .*Job payments\/before: the hook failed: exit code 1.*\[HookFailed\].*; retrying attempt #1 at /,
    );
    expect(world.data('one')).toBeUndefined();
    const first = uid('before');
    await world.advance(8000);
    expect(uid('before')).not.toBe(first);
    end('before');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
  });
  it('after the last retry they are not run for ever, but with the next change', async () => {
    await begun([job('before', hook('PreSync')), configMap('one')], {
      syncPolicy: { automated: {}, retry: { limit: 1, backoff: { duration: '5s' } } },
    });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (world.cluster.must('batch/Job', 'payments', 'before')['status'] === undefined)
        end('before', 'Failed');
      await world.advance(20_000);
    }
    const last = uid('before');
    await world.advance(3_600_000, 60_000);
    expect(uid('before')).toBe(last);
    expect(world.condition('Waiting')).toMatch(/its hooks were run 2 times without success/);
    await world.push([job('before', hook('PreSync')), configMap('one', { a: '2' })]);
    expect(uid('before')).not.toBe(last);
    end('before');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '2' });
  });
  it('a PostSync hook that fails: the objects are Synced, the operation is not a success', async () => {
    await begun([configMap('one'), job('after', hook('PostSync', 'HookFailed'))]);
    end('after', 'Failed');
    await world.advance(4000);
    expect(operation()).toMatch(/^Running: .*HookFailed.*; retrying attempt #1 at /);
    expect(world.status().sync?.status).toBe('Synced');
    expect(jobs()).toEqual([]);
    await world.advance(8000);
    end('after');
    await world.settle();
    expect(operation()).toMatch(/^Succeeded/);
  });
  it('what a hook needs stays until the sync is over, also after a failure and for SyncFail', async () => {
    const needed = annotated(configMap('needed'), {
      ...hook('PreSync', 'HookSucceeded,HookFailed'),
      ...wave(-5),
    });
    const git = [needed, ...all];
    await begun(git, { syncPolicy: { automated: {}, retry: { limit: 0 } } });
    expect(there('ConfigMap', 'needed')).toBe(true);
    end('before', 'Failed');
    await world.advance(3000);
    expect(jobs()).toEqual(['before', 'rescue']);
    expect(there('ConfigMap', 'needed')).toBe(true);
    end('rescue');
    await world.settle();
    expect(operation()).toMatch(/^Failed/);
    expect(there('ConfigMap', 'needed')).toBe(false);

    await world.push([
      ...git.filter(({ metadata }) => metadata.name !== 'one'),
      configMap('one', { a: '2' }),
    ]);
    end('before');
    await world.settle();
    expect(jobs()).toContain('after');
    expect(there('ConfigMap', 'needed')).toBe(true);
    end('after');
    await world.settle();
    expect(operation()).toMatch(/^Succeeded/);
    expect(there('ConfigMap', 'needed')).toBe(false);
  });
  it('one of several phases runs in each of them', async () => {
    const both = job('both', hook('PreSync,PostSync,SyncFail', 'HookSucceeded'));
    await begun([both, configMap('one')], { syncPolicy: { automated: {}, retry: { limit: 0 } } });
    const first = uid('both');
    end('both');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    const second = uid('both');
    expect([undefined, first]).not.toContain(second);
    expect(world.state()?.intent).toBeDefined();
    end('both');
    await world.settle();
    expect(operation()).toMatch(/^Succeeded: .*ran 2 hooks/);
    expect(jobs()).toEqual([]);

    await world.push([both, configMap('one', { a: '2' })]);
    const third = uid('both');
    end('both', 'Failed');
    await world.advance(3000);
    expect([undefined, third]).not.toContain(uid('both'));
    end('both');
    await world.settle();
    expect(operation()).toMatch(/^Failed: .*\[HookFailed\]/);
    expect(world.data('one')).toEqual({ a: '1' });
    expect(jobs()).toEqual([]);
  });
  it('that are owed of what was synced last hold up no repair of it while Git is broken (F12)', async () => {
    await begun(all);
    end('before');
    await world.settle();
    end('after');
    await world.settle();
    await world.sync();
    const before = uid('before');
    await world.pushFiles({ ...filesOf(all), 'app/broken.yaml': 'a: [' });
    expect(world.state()?.hooks).toBeDefined();
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.a = 'x'));
    await world.advance(60_000);
    expect(world.data('one')).toEqual({ a: '1' });
    await world.push(all);
    expect(uid('before')).toBe(before);
    end('before');
    await world.settle();
    end('after');
    await world.settle();
    expect(world.state()?.hooks).toBeUndefined();
  });
  it('a new commit supersedes a hook that hangs; one that Git has not changed is let come to its end', async () => {
    const hangs = [job('before', hook('PreSync'), 'wrong'), configMap('one')];
    await begun(hangs);
    const first = uid('before');
    await world.push([hangs[0]!, configMap('one', { a: '2' })]);
    expect(uid('before')).toBe(first);
    await world.advance(2000);
    expect(operation()).toMatch(/which an earlier sync began/);
    await world.push([job('before', hook('PreSync'), 'right'), configMap('one', { a: '2' })]);
    expect(uid('before')).not.toBe(first);
    end('before');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '2' });
  });
  it('of an attempt that failed are owed too: automated sync that is turned off and on again tries on', async () => {
    await begun(all);
    end('before');
    await world.settle();
    end('after', 'Failed');
    await world.advance(3000);
    end('rescue');
    await world.settle();
    await world.change('web', (draft) => (draft.spec.syncPolicy = {}));
    await world.advance(60_000);
    await world.change('web', (draft) => (draft.spec.syncPolicy = { automated: {} }));
    await world.advance(60_000);
    end('before');
    await world.settle();
    end('after');
    await world.settle();
    expect(operation()).toMatch(/^Succeeded: .*ran 2 hooks/);
    expect(jobs()).toEqual(['rescue', 'before']);
    expect(world.state()?.hooks).toBeUndefined();
  });
  it('one that vanished before its end was seen is not run again in silence', async () => {
    await begun(all);
    world.cluster.drop('batch/Job', 'payments', 'before');
    await world.settle();
    expect(world.state()?.hooks?.failed).toBe(undefined);
    end('rescue');
    await world.settle();
    expect(operation()).toMatch(/\[HookVanished\]/);
  });
  it('F1: one whose end could not be recorded stays, whatever its policy, and is not run again', async () => {
    for (const answer of [undefined, 'lost'] as const) {
      world = new EngineWorld();
      world.cluster.inject = ({ verb, key }) =>
        verb === 'apply' && key.includes('Job') ? answer : undefined;
      await begun([job('before', hook('PreSync', 'HookFailed')), configMap('one')]);
      const first = uid('before');
      world.cluster.inject = ({ verb, key }) =>
        verb === 'replace' && key.startsWith('trueup.dev/UnitState') ? failure('Timeout') : undefined;
      end('before');
      await world.settle();
      world.cluster.inject = () => undefined;
      await world.advance(20_000);
      expect([uid('before'), world.data('one')]).toEqual([first, { a: '1' }]);
      expect(operation()).toMatch(/^Succeeded/);
    }
  });
  it('what stands under its name and is not its own is left alone', async () => {
    world.cluster.put(job('before', {}));
    await begun(all);
    expect(world.condition('SharedResourceWarning')).toMatch(/Job payments\/before/);
    expect(world.data('one')).toBeUndefined();
  });
  it('go with the Application, those alone too', async () => {
    await world.start();
    await world.push([job('before', hook('PreSync')), configMap('one')]);
    const finalizers = ['resources-finalizer.argocd.argoproj.io'];
    await world.create(world.application('web', {}, { finalizers }));
    end('before');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    world.cluster.put(job('strangers', {}));
    world.cluster.drop('argoproj.io/Application', 'argocd', 'web');
    await world.advance(20_000);
    expect(world.cluster.get('argoproj.io/Application', 'argocd', 'web')).toBeUndefined();
    expect([there('ConfigMap', 'one'), jobs()]).toEqual([false, ['strangers']]);
  });
  it('generateName: a name of its own for each attempt', async () => {
    await world.start();
    const text = (value: string): Record<string, string> => ({
      'app/one.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: "${value}"}\n`,
      'app/job.yaml': `apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: migrate-\n  annotations: {argocd.argoproj.io/hook: PreSync}\nspec: {}\n`,
    });
    await world.pushFiles(text('1'));
    await world.create(world.application());
    const [first] = jobs();
    expect(first).toMatch(/^migrate-pre-[0-9a-f]{7}-1$/);
    await world.restart();
    expect(jobs()).toEqual([first]);
    end(first!);
    await world.settle();
    // Known as its own by whoever goes on after a crash.
    expect(world.data('one')).toEqual({ a: '1' });
    await world.pushFiles(text('2'));
    expect(jobs()).toHaveLength(2);
  });
  it("Helm's annotations mean the same, where an object has none of Argo CD's", async () => {
    await begun([
      job('install', { 'helm.sh/hook': 'pre-install,pre-upgrade', 'helm.sh/hook-weight': '-5' }),
      job('later', { 'helm.sh/hook': 'pre-upgrade', 'helm.sh/hook-weight': '1' }),
      job('tests', { 'helm.sh/hook': 'test' }),
      configMap('one'),
      job('finally', { 'helm.sh/hook': 'post-install', 'helm.sh/hook-delete-policy': 'hook-succeeded' }),
    ]);
    expect(jobs()).toEqual(['install']);
    end('install');
    await world.settle();
    expect(jobs()).toEqual(['install', 'later']);
    end('later');
    await world.settle();
    end('finally');
    await world.settle();
    expect(jobs()).toEqual(['install', 'later']);
    expect(world.data('one')).toEqual({ a: '1' });
  });
});

describe('automated sync that fails', () => {
  const refused = (): void => {
    world.cluster.inject = ({ verb, key }) =>
      verb === 'apply' && key.endsWith('/one') ? failure('Forbidden', 'denied') : undefined;
  };
  const policy = (limit: number): object => ({
    syncPolicy: { automated: {}, retry: { limit, backoff: { duration: '10s', factor: 1 } } },
  });
  const state = (): object | undefined => world.status().operationState;

  it('is Running until its retries are exhausted, and Failed between slow ones after that', async () => {
    refused();
    await begun([configMap('one')], policy(2));
    for (const retry of [1, 2]) {
      expect(operation()).toMatch(new RegExp(`^Running: .*Forbidden.*; retrying attempt #${retry} at `));
      expect(state()).not.toHaveProperty('finishedAt');
      await world.refresh();
      expect(operation()).toMatch(new RegExp(`^Running: .*; retrying attempt #${retry} at `));
      await world.advance(12_000);
    }
    expect(operation()).toMatch(/^Failed: .*Forbidden/);
    expect(operation()).not.toContain('retrying');
    expect(state()).toMatchObject({ retryCount: 2, finishedAt: expect.any(String) });
    await world.advance(700_000, 10_000);
    expect(operation()).toMatch(/^Failed: /);
    expect(state()).toMatchObject({ retryCount: 3 });
    world.cluster.inject = () => undefined;
    await world.advance(700_000, 10_000);
    expect(operation()).toMatch(/^Succeeded: /);
  });
  it('is over when nothing is tried any more: a commit, or a policy, that needs no attempt', async () => {
    await begun([configMap('two')], policy(5));
    refused();
    await world.push([configMap('two'), configMap('one')]);
    expect(operation()).toMatch(/^Running: .*retrying attempt #1/);
    await world.push([configMap('two')]);
    await world.settle();
    expect(operation()).not.toMatch(/^Running/);
    await world.push([configMap('two'), configMap('one')]);
    expect(operation()).toMatch(/^Running: .*retrying attempt #1/);
    await world.change('web', (draft) => (draft.spec.syncPolicy = {}));
    expect(operation()).toMatch(/^Failed: .*Forbidden/);
  });
  it('is over when somebody ends it between two attempts; automated sync begins again after a while', async () => {
    refused();
    await begun([configMap('one')], policy(5));
    await terminate();
    expect(operation()).toBe('Failed: terminated by ada between two attempts');
    expect(world.cluster.must(applicationKind, 'argocd', 'web').metadata.annotations).toEqual({});
    await world.refresh();
    expect(operation()).toBe('Failed: terminated by ada between two attempts');
    world.cluster.inject = () => undefined;
    await world.advance(12_000);
    expect(operation()).toMatch(/^Succeeded/);
  });
  it('its next attempt does not take back what a person synced meanwhile (argo-cd#10367)', async () => {
    refused();
    await begun([configMap('one'), configMap('two')], policy(5));
    const commit = world.git.push(repository, {
      ...filesOf([configMap('one', { a: '2' }), configMap('two', { a: '2' })]),
    });
    // Nobody tells of the commit: whoever asks for a sync is the first to find it.
    world.cluster.inject = () => undefined;
    await world.sync();
    expect(world.data('one')).toEqual({ a: '2' });
    expect(world.state()?.history.at(-1)).toMatchObject({ by: 'ada', revisions: [{ commit }] });
    const mark = world.mark;
    await world.advance(700_000, 10_000);
    expect(world.writesSince(mark)).toEqual([]);
    expect(world.status().sync).toMatchObject({ status: 'Synced', revision: commit });
    expect(operation()).toMatch(/^Succeeded/);
  });
  it('after a restart it is not Running for ever', async () => {
    refused();
    await begun([configMap('one')], policy(5));
    world.crash();
    world.cluster.inject = () => undefined;
    await world.start();
    expect(operation()).toMatch(/^Succeeded/);
  });
});

describe('operation', () => {
  const failing = [job('before', hook('PreSync', 'BeforeHookCreation')), configMap('one')];
  const ask = (operation: object): Promise<void> =>
    world.change('web', (draft) => (draft.operation = operation));
  const retry = { limit: 2, backoff: { duration: '10s', factor: 2, maxDuration: '1m' } };
  const wish = {
    initiatedBy: { username: 'ada' },
    info: [{ name: 'ticket', value: 'OPS-12' }],
    retry,
    sync: { syncOptions: ['Replace=true'] },
  };
  const isAsked = (): boolean =>
    world.cluster.must('argoproj.io/Application', 'argocd', 'web')['operation'] !== undefined;
  const fail = async (): Promise<void> => {
    end('before', 'Failed');
    await world.advance(3000);
  };

  it('retry: a failed one is tried again as often as it says, and is Running until then', async () => {
    await begun(failing, { syncPolicy: {} });
    await ask(wish);
    await fail();
    expect(operation()).toMatch(/^Running: .*HookFailed.*; retrying attempt #1 at \d{4}-/);
    expect(isAsked()).toBe(true);
    await world.advance(12_000);
    expect(world.status().operationState).toMatchObject({ phase: 'Running', retryCount: 1 });
    await fail();
    expect(operation()).toMatch(/retrying attempt #2 at/);
    await world.advance(22_000);
    await fail();
    expect(operation()).toMatch(/^Failed: .*HookFailed/);
    expect(world.status().operationState).toMatchObject({ retryCount: 2 });
    expect(isAsked()).toBe(false);
    const last = uid('before');
    await world.advance(600_000, 60_000);
    expect(uid('before')).toBe(last);
  });
  it('retry: the attempt that succeeds ends it; info, retry, options and who began it stand in the status', async () => {
    await begun(failing, { syncPolicy: {} });
    await ask(wish);
    await fail();
    await world.advance(12_000);
    end('before');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(world.status().operationState).toMatchObject({
      phase: 'Succeeded',
      retryCount: 1,
      operation: { ...wish, sync: { ...wish.sync, revision: expect.stringMatching(/^[0-9a-f]{40}$/) } },
    });
    expect(world.state()?.history.at(-1)).toMatchObject({ by: 'ada', attempt: 1 });
  });
  it('without retry, and with one of another wish, it starts afresh; between attempts it can be ended', async () => {
    await begun(failing, { syncPolicy: {} });
    await ask({ sync: {} });
    await fail();
    expect(operation()).toMatch(/^Failed/);
    expect(isAsked()).toBe(false);
    await ask(wish);
    await fail();
    await terminate();
    expect(operation()).toMatch(/^Failed: terminated/);
    expect(isAsked()).toBe(false);
    await ask({ ...wish, retry: { limit: 1, backoff: { duration: 'soon' } } });
    expect(operation()).toMatch(
      /^Failed: refused: operation\.retry\.backoff\.duration: "soon" is not a duration/,
    );
  });
  it('ended by a person while it is tried, it is not tried again, whatever its retry says', async () => {
    await begun(failing, { syncPolicy: {} });
    await ask(wish);
    await world.advance(2000);
    expect(operation()).toMatch(/^Running/);
    await terminate();
    expect(operation()).toMatch(/^Failed: .*\[Terminated\]/);
    expect(isAsked()).toBe(false);
    await world.advance(60_000, 5000);
    expect(jobs()).toEqual([]);
  });
  it.each([1, 2, 3])(
    'ended while it is tried again, by the start of attempt %i of three',
    async (attempt) => {
      await begun(failing, { syncPolicy: {} });
      await ask({ ...wish, retry: { limit: 3, backoff: { duration: '10s', factor: 1 } } });
      const starts: string[] = [];
      for (let tried = 1; tried <= 3; tried += 1) {
        await world.advance(2000);
        starts.push(inProgress()!);
        if (tried === 3) break;
        await fail();
        await world.advance(9000);
      }
      expect(new Set(starts).size).toBe(3);
      expect(world.status().operationState).toMatchObject({ phase: 'Running', retryCount: 2 });
      await terminate(starts[attempt - 1]);
      expect(operation()).toMatch(/^Failed: .*\[Terminated\]/);
      expect(isAsked()).toBe(false);
      await ask(wish);
      await world.advance(2000);
      await terminate(starts[attempt - 1]);
      expect(operation(), 'another one is not hit').toMatch(/^Running/);
    },
  );
  it('sync.revision is a range of versions, as targetRevision may be one: the highest tag in it now', async () => {
    await begun([configMap('one')], { syncPolicy: {} });
    for (const version of ['v1.2.0', 'v1.2.7', 'v1.3.0'])
      await world.push([configMap('one', { version })], { branch: version });
    await ask({ sync: { revision: '1.2.*' } });
    expect(world.data('one')).toEqual({ version: 'v1.2.7' });
    world.git.push(repository, filesOf([configMap('one', { version: 'v1.2.8' })]), { branch: 'v1.2.8' });
    await ask({ sync: { revision: '1.2.*' } });
    expect(world.data('one')).toEqual({ version: 'v1.2.8' });
    await ask({ sync: { revision: '2.x' } });
    expect(operation()).toMatch(/^Failed: .*2\.x/);
  });
  describe('retry: where there is no plan', () => {
    const state = () => world.status().operationState;
    async function outage(): Promise<void> {
      await begun([configMap('one')], { syncPolicy: {} });
      world.git.lose();
      world.git.down = failure('GitUnreachable');
      await ask(wish);
    }
    it('it is tried again as often as it says, not oftener, and then it is over', async () => {
      await outage();
      expect(operation()).toMatch(/^Running: injected: GitUnreachable; retrying attempt #1 at \d{4}-/);
      expect(state()).not.toHaveProperty('retryCount');
      expect(isAsked()).toBe(true);
      const began = state()?.startedAt;
      // Looked at meanwhile, it is not tried.
      await world.advance(9000);
      await world.refresh();
      expect(operation()).toMatch(/retrying attempt #1/);
      await world.advance(2000);
      expect(operation()).toMatch(/^Running: .*retrying attempt #2/);
      expect(state()).toMatchObject({ retryCount: 1, startedAt: began });
      await world.advance(22_000);
      expect(operation()).toBe('Failed: injected: GitUnreachable');
      expect(state()).toMatchObject({ retryCount: 2, startedAt: began, operation: { retry } });
      expect(isAsked()).toBe(false);
      world.git.down = undefined;
      await world.advance(600_000, 60_000);
      expect(world.data('one')).toBeUndefined();
    });
    it('the attempt that finds Git again carries it out', async () => {
      await outage();
      await world.advance(4000);
      world.git.down = undefined;
      await world.advance(8000);
      expect(world.data('one')).toEqual({ a: '1' });
      expect(state()).toMatchObject({ phase: 'Succeeded', retryCount: 1 });
      expect(isAsked()).toBe(false);
    });
    it('of a revision that cannot be had, the same', async () => {
      await begun([configMap('one')], { syncPolicy: {} });
      const { revision } = world.status().sync!;
      world.git.lose();
      world.git.down = failure('GitUnreachable');
      await ask({ ...wish, sync: { revision } });
      expect(operation()).toMatch(/^Running: .*retrying attempt #1/);
      await world.advance(11_000);
      world.git.down = undefined;
      await world.advance(21_000);
      expect(state()).toMatchObject({ phase: 'Succeeded', retryCount: 2 });
      expect(world.data('one')).toEqual({ a: '1' });
    });
    it('it can be ended between two attempts, and is over when it is withdrawn', async () => {
      await outage();
      await terminate();
      expect(operation()).toBe('Failed: terminated by ada between two attempts');
      expect(isAsked()).toBe(false);
      await ask(wish);
      expect(operation()).toMatch(/^Running: /);
      await world.change('web', (draft) => delete draft.operation);
      expect(operation()).toMatch(/^Failed: it was withdrawn/);
    });
    it('because the cluster does not serve a kind, it is tried until it does', async () => {
      const widget = {
        apiVersion: 'example.com/v1',
        kind: 'Widget',
        metadata: { name: 'w', namespace: 'payments' },
      };
      await begun([widget], { syncPolicy: {} });
      await ask(wish);
      expect(operation()).toMatch(/^Running: .*does not serve.*retrying attempt #1/);
      world.cluster.kinds.push({
        group: 'example.com',
        version: 'v1',
        kind: 'Widget',
        plural: 'widgets',
        namespaced: true,
        verbs: ['list', 'watch', 'get', 'create', 'patch', 'delete'],
      });
      await world.advance(35_000);
      expect(there('example.com/Widget', 'w')).toBe(true);
      expect(operation()).toMatch(/^Succeeded/);
    });
    it('what does not come right by itself ends it at once: what Git says, and what the spec says', async () => {
      await outage();
      world.git.push(repository, { 'app/broken.yaml': 'a: [' });
      world.git.down = undefined;
      await world.hint();
      await world.advance(3000);
      expect(operation()).toMatch(/^Failed: This is not valid YAML/);
      expect(isAsked()).toBe(false);
      await ask({ ...wish, sync: { revision: 'nowhere' } });
      expect(operation()).toMatch(/^Failed: .*there is no nowhere/);
      world.git.lose();
      world.git.down = failure('GitUnreachable');
      await ask(wish);
      expect(operation()).toMatch(/^Running/);
      await world.change('web', (draft) => (draft.spec.destination.server = 'https://elsewhere.example'));
      expect(operation()).toMatch(/^Failed: refused: /);
      expect(isAsked()).toBe(false);
    });
  });
  it('ended between two attempts where automated sync is on: that begins again after a while', async () => {
    await begun(failing, { syncPolicy: {} });
    await ask({ retry, sync: {} });
    await world.change('web', (draft) => (draft.spec.syncPolicy = { automated: {} }));
    await fail();
    expect(operation()).toMatch(/^Running: .*retrying attempt #1/);
    const tried = uid('before');
    await terminate();
    await world.advance(3000);
    expect(operation()).toBe('Failed: terminated by ada between two attempts');
    expect(uid('before')).toBe(tried);
    await world.advance(4000);
    expect(uid('before')).not.toBe(tried);
  });
  it('a dry run to another revision is answered under automated sync too: it undoes nothing', async () => {
    await begun([configMap('one')]);
    const before = String(world.status().sync?.revision);
    const commit = await world.push([configMap('one'), configMap('two')]);
    const mark = world.mark;
    await world.sync('web', { revision: before, dryRun: true });
    expect(operation()).toMatch(/^Succeeded: dry run: 0 to create, 0 to change, 1 to delete/);
    expect(world.writesSince(mark)).toEqual([]);
    expect(world.status().sync).toMatchObject({ status: 'Synced', revision: commit });
    await world.sync('web', { revision: before });
    expect(operation()).toMatch(/^Failed: automated sync is on: .* would be undone at once/);
  });
  describe('a dry run', () => {
    const results = (): Record<string, string> =>
      Object.fromEntries(
        ((world.status().operationState as any).syncResult.resources as any[]).map((each) => [
          each.name,
          `${each.status}: ${each.message}`,
        ]),
      );
    const refusing = (codes: Readonly<Record<string, string>>): void => {
      world.cluster.inject = ({ verb, key }) => {
        const [, code] = Object.entries(codes).find(([name]) => key.endsWith(`/${name}`)) ?? [];
        return verb === 'dryApply' && code !== undefined ? failure(code, 'denied') : undefined;
      };
    };
    const manual = { syncPolicy: {} };

    it('asks the cluster about each object, writes nothing, and names what would be refused', async () => {
      await begun([configMap('one'), configMap('old')], manual);
      await world.sync('web', {});
      await world.push([configMap('one', { a: '2' }), configMap('two'), configMap('bad')]);
      refusing({ bad: 'Invalid' });
      const mark = world.mark;
      await world.sync('web', { dryRun: true, prune: true });
      expect(operation()).toMatch(
        /^Failed: dry run: 2 to create, 1 to change, 1 to delete; 1 failed: .*payments\/bad.*\[Invalid\]/,
      );
      expect(results()).toEqual({
        one: 'Synced: applied (dry run)',
        two: 'Synced: applied (dry run)',
        bad: expect.stringMatching(/^SyncFailed: .*Invalid/),
        old: 'Pruned: pruned (dry run)',
      });
      expect(world.writesSince(mark)).toEqual([]);
      expect(world.state()?.history).toHaveLength(1);
      const asked = world.cluster.since(mark).filter(({ verb }) => verb === 'dryApply');
      expect(asked).toHaveLength(3);
      refusing({});
      await world.sync('web', { dryRun: true });
      expect(operation()).toMatch(/^Succeeded: dry run: 2 to create, 1 to change, 0 to delete/);
    });
    it('says what it cannot know: what needs a namespace or a kind of the same sync', async () => {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } };
      await begun([namespace, configMap('inside', {}, 'other'), configMap('outside')], manual);
      refusing({ inside: 'NamespaceNotFound', outside: 'NamespaceNotFound' });
      await world.sync('web', { dryRun: true });
      expect(results()).toMatchObject({
        inside: 'Synced: not checked: its namespace is made by the same sync',
        outside: expect.stringMatching(/^SyncFailed/),
      });
      expect(operation()).toMatch(/; 1 not checked$/);
    });
    it('of what would be made anew asks for its creation', async () => {
      const force = { 'argocd.argoproj.io/sync-options': 'Force=true' };
      await begun([annotated(configMap('one'), force)], manual);
      await world.sync();
      await world.push([annotated(configMap('one', { a: '2' }), force)]);
      refusing({ one: 'ImmutableField' });
      const mark = world.mark;
      await world.sync('web', { dryRun: true });
      expect(operation()).toMatch(/^Succeeded: dry run/);
      expect(world.cluster.since(mark).map(({ verb }) => verb)).toContain('tryCreation');
      expect(world.writesSince(mark)).toEqual([]);
    });
    const held = (): (() => void)[] => {
      const answers: (() => void)[] = [];
      const { client } = world;
      const { apply } = client;
      client.apply = async (request) => {
        await new Promise<void>((resolve) => answers.push(resolve));
        return apply.call(client, request);
      };
      return answers;
    };

    it('ends when somebody ends it: what was not asked is not asked any more', async () => {
      await begun(
        Array.from({ length: 10 }, (_, index) => configMap(`c${index}`)),
        manual,
      );
      const answers = held();
      await world.sync('web', { dryRun: true });
      await world.advance(3000);
      expect(operation()).toMatch(/^Running: dry run/);
      await terminate();
      for (const answer of answers) answer();
      await world.settle();
      expect(answers).toHaveLength(8);
      expect(operation()).toMatch(/^Failed: dry run: .*; 2 failed: .*terminated by ada/);
    });
    it('is asked again for what the resource says by then', async () => {
      await begun([configMap('one'), configMap('two')], manual);
      const answers = held();
      await world.sync('web', { dryRun: true });
      await world.advance(3000);
      expect(operation()).toMatch(/^Running: dry run/);
      await world.change('web', (draft) => (draft.operation.sync = { dryRun: true, prune: true }));
      for (const answer of answers.splice(0)) answer();
      await world.settle();
      expect(answers).toHaveLength(2);
      for (const answer of answers.splice(0)) answer();
      await world.settle();
      expect(operation()).toMatch(/^Succeeded: dry run/);
    });
  });
  it('withdrawn between two attempts, it is over', async () => {
    await begun(failing, { syncPolicy: {} });
    await ask(wish);
    await fail();
    expect(operation()).toMatch(/^Running/);
    await world.change('web', (draft) => delete draft.operation);
    expect(operation()).toMatch(/^Failed: it was withdrawn/);
  });
  describe('ended by a person after a Run of it was cut off', () => {
    const forever = { ...wish, retry: { ...retry, limit: -1 } };
    /** Its start. */
    async function cutOff(): Promise<string> {
      await begun(failing, { syncPolicy: {} });
      await ask(forever);
      await world.advance(2000);
      expect(operation()).toMatch(/^Running: waiting/);
      const started = inProgress()!;
      world.crash();
      world.git.lose();
      world.git.down = failure('GitUnreachable');
      world.time.advance(5000);
      return started;
    }
    it.each(['the start of what was cut off', 'what the status says since'])(
      'naming %s: it is over',
      async (named) => {
        const first = await cutOff();
        await world.start();
        expect(operation()).toMatch(/^Running: .*retrying attempt #1/);
        expect(world.state()?.intent).toBeDefined();
        const started = inProgress()!;
        expect(started > first).toBe(true);
        expect(started).toBe(world.status().operationState?.startedAt);
        await terminate(named.includes('status') ? started : first);
        expect(operation()).toBe('Failed: terminated by ada between two attempts');
        expect(isAsked()).toBe(false);
        // It stands in the record, and is in progress no more.
        expect(world.state()?.intent).toBeDefined();
        expect(inProgress()).toBeUndefined();
      },
    );
  });
  describe('ended by a person, and that is forgotten or cannot be told', () => {
    const isTold = (): void => {
      expect(operation()).toMatch(/^Failed: terminated by ada/);
      expect(isAsked()).toBe(false);
      const { annotations } = world.cluster.must(applicationKind, 'argocd', 'web').metadata;
      expect(annotations).toEqual({});
    };
    it('a crash in its Run, before it is heard of: it does not run again', async () => {
      await begun(failing, { syncPolicy: {} });
      await ask(wish);
      world.crash();
      const started = inProgress();
      const first = uid('before');
      expect(world.status().operationState).toBeUndefined();
      world.time.advance(5000);
      await terminate(started);
      await world.start();
      isTold();
      await world.advance(60_000, 5000);
      expect(uid('before')).toBe(first);
    });
    it('a crash between two attempts: there is no further one', async () => {
      await begun(failing, { syncPolicy: {} });
      await ask(wish);
      await fail();
      expect(world.state()?.intent).toBeUndefined();
      const first = uid('before');
      world.crash();
      world.time.advance(5000);
      await terminate();
      await world.start();
      isTold();
      await world.advance(60_000, 5000);
      expect(uid('before')).toBe(first);
    });
    it('what was asked instead while nobody was there is not hit', async () => {
      await begun(failing, { syncPolicy: {} });
      await ask(wish);
      await fail();
      world.crash();
      await terminate();
      await ask({ initiatedBy: { username: 'grace' }, sync: {} });
      await world.start();
      await world.advance(2000);
      expect(operation()).toMatch(/^Running: waiting/);
      expect(world.status().operationState).toMatchObject({
        operation: { initiatedBy: { username: 'grace' } },
      });
    });
    it('the end of its Run cannot be recorded: it does not run again', async () => {
      await begun(failing, { syncPolicy: {} });
      await ask(wish);
      await world.advance(2000);
      const { mark } = world;
      const isRecord = ({ verb, key }: FakeCall): boolean =>
        verb === 'replace' && key.startsWith('trueup.dev/UnitState');
      world.cluster.inject = (call) => (isRecord(call) ? failure('Timeout') : undefined);
      await terminate();
      await world.advance(5000);
      world.cluster.inject = () => undefined;
      await world.advance(60_000, 5000);
      isTold();
      const made = world.writesSince(mark).filter(({ verb }) => verb === 'apply' || verb === 'create');
      expect(made).toEqual([]);
    });
    it.each(['in a Run of which nothing was told yet', 'in a Run', 'between two attempts'])(
      '%s: the status cannot be written for a while',
      async (when) => {
        await begun(failing, { syncPolicy: {} });
        await ask(wish);
        if (when !== 'in a Run of which nothing was told yet') await world.advance(2000);
        if (when === 'between two attempts') await fail();
        const { mark } = world;
        const isStatus = ({ verb, key }: FakeCall): boolean =>
          verb === 'mergePatch' && key.startsWith(applicationKind);
        world.cluster.inject = (call) => (isStatus(call) ? failure('Timeout') : undefined);
        await terminate();
        await world.advance(30_000, 1000);
        expect(isAsked()).toBe(true);
        world.cluster.inject = () => undefined;
        await world.advance(10_000);
        isTold();
        const made = world.writesSince(mark).filter(({ verb }) => verb === 'apply' || verb === 'create');
        expect(made).toEqual([]);
      },
    );
  });
  it('drift that is repaired while it waits for its next attempt: it waits on, and can be ended', async () => {
    await begun([configMap('one')]);
    const metadata = { name: 'w', namespace: 'payments' };
    await world.push([configMap('one'), { apiVersion: 'example.com/v1', kind: 'Widget', metadata }]);
    await ask(wish);
    const waiting = operation();
    expect(waiting).toMatch(/^Running: .*retrying attempt #1/);
    const started = inProgress();
    await world.advance(2000);
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.a = 'x'));
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(world.state()?.history.at(-1)).toMatchObject({ kind: 'drift', healed: true });
    expect(operation()).toBe(waiting);
    expect(inProgress()).toBe(started);
    await terminate(started);
    expect(operation()).toMatch(/^Failed: terminated by ada/);
    expect(isAsked()).toBe(false);
  });
  it('asked for while an approved plan runs: it is run after that', async () => {
    await begun(failing, { syncPolicy: {} });
    const plan = /sha256:[0-9a-f]{64}/.exec(world.condition('Waiting') ?? '')?.[0];
    await world.change(
      'web',
      (draft) =>
        (draft.metadata.annotations = { 'trueup.dev/approved-plan': plan, 'trueup.dev/approved-by': 'eve' }),
    );
    const first = uid('before');
    expect(first).toBeDefined();
    await world.sync();
    end('before');
    await world.settle();
    expect(world.state()?.history.at(-1)).toMatchObject({ by: 'eve' });
    expect(isAsked()).toBe(true);
    expect(uid('before')).not.toBe(first);
    end('before');
    await world.settle();
    expect(world.state()?.history.at(-1)).toMatchObject({ by: 'ada' });
    expect(operation()).toMatch(/^Succeeded/);
    expect(isAsked()).toBe(false);
  });
  it.each(['Complete', 'Failed'] as const)(
    'replaced while it runs: the new one is run when that is %s',
    async (type) => {
      await begun(failing, { syncPolicy: {} });
      await ask({ ...wish, sync: {} });
      const first = uid('before');
      await ask({ initiatedBy: { username: 'grace' }, sync: {} });
      expect(uid('before')).toBe(first);
      end('before', type);
      await world.advance(5000);
      expect(isAsked()).toBe(true);
      expect(uid('before')).not.toBe(first);
      end('before');
      await world.settle();
      expect(world.state()?.history.at(-1)).toMatchObject({ by: 'grace' });
      expect(isAsked()).toBe(false);
    },
  );
  it('begun by a program: it is recorded so', async () => {
    await begun([configMap('one')], { syncPolicy: {} });
    await ask({ initiatedBy: { automated: true }, sync: {} });
    expect(world.status().operationState).toMatchObject({ operation: { initiatedBy: { automated: true } } });
    expect(world.state()?.history.at(-1)).toMatchObject({ by: 'automation' });
  });
});

describe('hooks of the end', () => {
  const cascade = 'resources-finalizer.argocd.argoproj.io';
  const finalizers = (): readonly string[] =>
    (world.cluster.get('argoproj.io/Application', 'argocd', 'web')?.metadata['finalizers'] ?? []) as string[];
  const objects = [
    configMap('one'),
    job('backup', hook('PreDelete')),
    job('farewell', hook('PostDelete', 'HookSucceeded')),
  ];
  const drop = async (): Promise<void> => {
    world.cluster.drop('argoproj.io/Application', 'argocd', 'web');
    await world.settle();
  };
  const isGone = (): boolean => world.cluster.get('argoproj.io/Application', 'argocd', 'web') === undefined;
  async function deployed(all = objects): Promise<void> {
    await world.start();
    await world.push(all);
    await world.create(world.application('web', {}, { finalizers: [cascade] }));
  }

  it('no sync runs them; as long as there are some, the Application has the finalizers that Argo CD gives it', async () => {
    await deployed();
    expect([jobs(), world.data('one')]).toEqual([[], { a: '1' }]);
    expect(world.status().sync?.status).toBe('Synced');
    expect(finalizers()).toEqual([
      cascade,
      'post-delete-finalizer.argocd.argoproj.io',
      'post-delete-finalizer.argocd.argoproj.io/cleanup',
      'pre-delete-finalizer.argocd.argoproj.io',
      'pre-delete-finalizer.argocd.argoproj.io/cleanup',
    ]);
    const { mark } = world;
    await world.advance(600_000, 60_000);
    expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
    await world.push([configMap('one')]);
    expect(finalizers()).toEqual([cascade]);
  });
  it('run before and after its objects go, also while Git is down; then it goes itself', async () => {
    await deployed();
    world.git.down = failure('GitUnreachable');
    await drop();
    expect(jobs()).toEqual(['backup']);
    expect(world.data('one')).toEqual({ a: '1' });
    await world.advance(2000);
    expect(operation()).toMatch(/^Running: waiting until Job payments\/backup is completed/);
    end('backup');
    await world.advance(20_000);
    expect(world.data('one')).toBeUndefined();
    expect(jobs()).toEqual(['farewell']);
    expect(isGone()).toBe(false);
    end('farewell');
    await world.advance(20_000);
    expect([isGone(), jobs()]).toEqual([true, []]);
  });
  it('F1, F18: the hooks of a sync that was cut off go with its objects, answered or not', async () => {
    for (const kind of ['crash', 'crash-before'] as const) {
      world = new EngineWorld();
      await world.start();
      await world.push([configMap('one'), job('before', hook('PreSync'))]);
      world.cluster.inject = ({ verb, key }) => (verb === 'apply' && key.includes('Job') ? kind : undefined);
      await world.create(world.application('web', {}, { finalizers: [cascade] }));
      expect(world.client.isCutOff).toBe(true);
      expect(world.state()?.hooks?.begun).toMatchObject([{ ref: { name: 'before' } }]);
      expect(world.state()?.hooks?.begun[0]).not.toHaveProperty('uid');
      expect(jobs()).toEqual(kind === 'crash' ? ['before'] : []);
      world.cluster.inject = () => undefined;
      world.cluster.drop('argoproj.io/Application', 'argocd', 'web');
      await world.restart();
      await world.advance(120_000, 10_000);
      expect([isGone(), jobs()]).toEqual([true, []]);
    }
  });
  it('F1: one whose creation was not answered is waited for, and what lands beside its next attempt goes', async () => {
    await deployed([configMap('one'), job('farewell', hook('PostDelete', 'HookSucceeded'))]);
    world.cluster.inject = ({ verb, key }) =>
      verb === 'apply' && key.includes('Job') ? { ...failure('Timeout'), isUnanswered: true } : undefined;
    await drop();
    world.cluster.inject = () => undefined;
    await world.advance(20_000, 1000);
    const {
      uid: _,
      resourceVersion: __,
      ...metadata
    } = world.cluster.get('batch/Job', 'payments', 'farewell')!.metadata;
    end('farewell');
    await world.advance(20_000, 1000);
    expect([isGone(), jobs()]).toEqual([false, []]);
    world.cluster.put({ apiVersion: 'batch/v1', kind: 'Job', metadata });
    expect(jobs()).toEqual(['farewell']);
    await world.advance(100_000, 5000);
    expect([isGone(), jobs()]).toEqual([true, []]);
  });
  it('F1: nor is one forgotten that was on its way at a crash, when the same attempt makes it again', async () => {
    await deployed([configMap('one'), job('farewell', hook('PostDelete', 'HookSucceeded'))]);
    world.cluster.inject = ({ verb, key }) =>
      verb === 'apply' && key.includes('Job') ? 'crash-before' : undefined;
    await drop();
    world.cluster.inject = () => undefined;
    await world.restart();
    const {
      uid: _,
      resourceVersion: __,
      ...metadata
    } = world.cluster.get('batch/Job', 'payments', 'farewell')!.metadata;
    end('farewell');
    await world.advance(20_000, 1000);
    expect([isGone(), jobs()]).toEqual([false, []]);
    world.cluster.put({ apiVersion: 'batch/v1', kind: 'Job', metadata });
    await world.advance(100_000, 5000);
    expect([isGone(), jobs()]).toEqual([true, []]);
  });
  it('without the finalizer for its objects these stay, and the hooks run all the same', async () => {
    await world.start();
    await world.push(objects);
    await world.create(world.application());
    await drop();
    end('backup');
    await world.settle();
    end('farewell');
    await world.advance(20_000);
    expect([isGone(), world.data('one')]).toEqual([true, { a: '1' }]);
  });
  it('one that fails holds everything up, is tried again, and says how to go on without it', async () => {
    await deployed();
    await world.change(
      'web',
      (draft) => (draft.spec.syncPolicy.retry = { limit: 1, backoff: { duration: '5s' } }),
    );
    await drop();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      end('backup', 'Failed');
      await world.advance(10_000);
      expect(world.data('one')).toEqual({ a: '1' });
    }
    const last = uid('backup');
    await world.advance(3_600_000, 60_000);
    expect(uid('backup')).toBe(last);
    expect(world.condition('Waiting')).toMatch(
      /its hooks were run 2 times without success; to delete it without them, take the finalizers pre-delete-finalizer\.argocd\.argoproj\.io… off/,
    );
    await world.change('web', (draft) => {
      draft.metadata.finalizers = draft.metadata.finalizers.filter(
        (name: string) => !name.startsWith('pre-'),
      );
    });
    await world.advance(10_000);
    expect(world.data('one')).toBeUndefined();
    end('farewell');
    await world.advance(10_000);
    expect(isGone()).toBe(true);
  });
  it('one that could not be deleted by its policy goes, also where the next attempt is cut off at once', async () => {
    await deployed([configMap('one'), job('farewell', hook('PostDelete', 'HookSucceeded'))]);
    await drop();
    const isRemoval = ({ verb, key }: FakeCall): boolean => verb === 'remove' && key.includes('Job');
    world.cluster.inject = (call) => (isRemoval(call) ? failure('Forbidden') : undefined);
    end('farewell');
    await world.settle();
    world.cluster.inject = (call) => (isRemoval(call) ? 'crash-before' : undefined);
    await world.advance(30_000);
    expect([world.client.isCutOff, isGone(), jobs()]).toEqual([true, false, ['farewell']]);
    world.cluster.inject = () => undefined;
    await world.restart();
    await world.advance(10_000);
    end('farewell');
    await world.advance(20_000);
    expect([isGone(), jobs()]).toEqual([true, []]);
  });
  it('a hook that hangs is let go when somebody takes its finalizers off', async () => {
    await deployed();
    await drop();
    await world.change('web', (draft) => (draft.metadata.finalizers = [cascade]));
    await world.advance(20_000);
    expect([isGone(), world.data('one'), jobs()]).toEqual([true, undefined, []]);
  });
  it('where they cannot be rendered, it waits and says why, and how to go on without them', async () => {
    await deployed();
    world.git.down = failure('GitUnreachable');
    world.git.lose();
    world.kept.values.clear();
    await world.restart();
    await drop();
    await world.advance(10_000);
    expect(world.condition('ComparisonError')).toMatch(
      /its hooks for that cannot be known: .*take the finalizers pre-delete-finalizer.*\[DeletionHooksUnknown\]/,
    );
    expect(world.data('one')).toEqual({ a: '1' });
    await world.change('web', (draft) => (draft.metadata.finalizers = [cascade]));
    await world.advance(20_000);
    expect([isGone(), world.data('one')]).toEqual([true, undefined]);
  });
  it('handed over by Argo CD after they have run: they are not run again, and go as their policies say', async () => {
    const mark = { 'argocd.argoproj.io/tracking-id': 'web:batch/Job:payments/backup' };
    const policy = hook('PreDelete', 'HookSucceeded');
    await deployed([configMap('one'), job('backup', policy)]);
    world.cluster.put(job('backup', { ...policy, ...mark }));
    end('backup');
    await world.change('web', (draft) => {
      draft.metadata.finalizers = [cascade, 'pre-delete-finalizer.argocd.argoproj.io/cleanup'];
    });
    const before = uid('backup');
    await drop();
    await world.advance(10_000);
    expect(before).toBeDefined();
    expect([isGone(), world.data('one'), jobs()]).toEqual([true, undefined, []]);
  });
  it("Helm's pre-delete and post-delete mean the same", async () => {
    await deployed([
      configMap('one'),
      job('backup', { 'helm.sh/hook': 'pre-delete' }),
      job('farewell', { 'helm.sh/hook': 'post-delete' }),
    ]);
    await drop();
    expect(jobs()).toEqual(['backup']);
    end('backup');
    await world.advance(10_000);
    end('farewell');
    await world.advance(10_000);
    expect(isGone()).toBe(true);
  });
  it('what somebody else holds after its end is not synced again', async () => {
    await world.start();
    await world.push([configMap('one')]);
    await world.create(world.application('web', {}, { finalizers: [cascade, 'example.com/other'] }));
    await drop();
    await world.advance(20_000);
    expect(finalizers()).toEqual(['example.com/other']);
    await world.refresh();
    await world.advance(60_000, 10_000);
    expect(world.data('one')).toBeUndefined();
  });
  it('F1: a crash at any call runs no hook twice, and it goes all the same', async () => {
    for (const kind of ['crash', 'crash-before'] as const) {
      for (let point = 1; ; point += 1) {
        world = new EngineWorld();
        await deployed();
        let calls = 0;
        world.cluster.inject = () => (++calls === point ? kind : undefined);
        const ran = new Set<string>();
        const live = async (): Promise<void> => {
          for (let round = 0; round < 6; round += 1) {
            for (const name of jobs()) {
              ran.add(`${name} ${String(uid(name))}`);
              if (world.cluster.must('batch/Job', 'payments', name)['status'] === undefined) end(name);
            }
            await world.advance(6000, 3000);
          }
        };
        await drop();
        await live();
        const crashed = world.client.isCutOff;
        world.cluster.inject = () => undefined;
        const where = `${kind} at call ${point}`;
        if (crashed) {
          await world.restart();
          // What was on its way at the crash is waited for.
          for (let times = 0; times < 8 && !isGone(); times += 1) await live();
        }
        expect(isGone(), where).toBe(true);
        expect(
          [...ran].map((text) => text.split(' ')[0]),
          where,
        ).toEqual(['backup', 'farewell']);
        expect(there('ConfigMap', 'one'), where).toBe(false);
        if (!crashed) break;
      }
    }
  });
});

describe('drift while a sync waits', () => {
  const edit = (name: string, manager = 'kubectl'): void =>
    void world.cluster.edit('ConfigMap', 'payments', name, (draft) => (draft.data.a = 'x'), manager);
  const late = annotated(configMap('late'), wave(5));
  const base = [configMap('early'), late];

  it('for a hook: what is applied already is healed, and the hook goes on', async () => {
    await begun(base);
    const next = [job('before', hook('PreSync')), ...base, configMap('new')];
    await world.push(next);
    const first = uid('before');
    for (const name of ['early', 'late']) {
      edit(name);
      await world.settle();
      expect(world.data(name)).toEqual({ a: '1' });
    }
    world.cluster.drop('ConfigMap', 'payments', 'late');
    await world.settle();
    expect(world.data('late')).toEqual({ a: '1' });
    await world.advance(2000);
    expect(operation()).toMatch(/^Running: waiting until Job payments\/before is completed/);
    expect(world.data('new')).toBeUndefined();
    expect(world.state()?.history.filter(({ kind }) => kind === 'drift')).toMatchObject([
      { healed: true, durationMs: expect.any(Number) },
      { healed: true },
      { healed: true, deleted: true },
    ]);
    end('before');
    await world.settle();
    expect(uid('before')).toBe(first);
    expect(world.data('new')).toEqual({ a: '1' });
    expect(operation()).toMatch(/^Succeeded: applied 1, ran 1 hook/);
    expect(world.state()?.hooks).toBeUndefined();
  });
  it('for health: also what this very sync has applied', async () => {
    await begun([
      annotated(configMap('first'), wave(-2)),
      deployment('db', 'a:1', wave(-1)),
      configMap('one'),
    ]);
    expect(world.data('one')).toBeUndefined();
    edit('first');
    await world.settle();
    expect(world.data('first')).toEqual({ a: '1' });
    world.cluster.drop('ConfigMap', 'payments', 'first');
    await world.settle();
    expect(world.data('first')).toEqual({ a: '1' });
    expect(world.data('one')).toBeUndefined();
    roll('db');
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('the commit that helps is applied after that as before', async () => {
    const slow = (image: string): Manifest => deployment('db', image, wave(1));
    await begun(base);
    await world.push([...base, slow('a:1'), annotated(configMap('last'), wave(2))]);
    edit('early');
    await world.settle();
    world.cluster.drop('ConfigMap', 'payments', 'early');
    await world.settle();
    expect(world.data('early')).toEqual({ a: '1' });
    await world.advance(3000);
    const fixed = await world.push([...base, slow('a:2'), annotated(configMap('last'), wave(2))]);
    expect(JSON.stringify(world.cluster.must('apps/Deployment', 'payments', 'db')['spec'])).toContain('a:2');
    roll('db');
    await world.settle();
    expect(world.data('last')).toEqual({ a: '1' });
    expect(world.status().sync).toMatchObject({ status: 'Synced', revision: fixed });
  });
  it('for the next attempt: a sync that fails again and again holds up no heal', async () => {
    const retry = { limit: 0, backoff: { duration: '10m' } };
    await begun(base, { syncPolicy: { automated: { selfHeal: true }, retry } });
    await world.push([job('before', hook('PreSync')), ...base, configMap('new')]);
    end('before', 'Failed');
    await world.advance(3000);
    expect(operation()).toMatch(/^Failed/);
    for (let round = 0; round < 5; round += 1) {
      edit('late', `rival-${round}`);
      // The fourth and the fifth wait a while, and for nothing else.
      await world.advance(round < 3 ? 1 : 3000, 1000);
      expect(world.data('late')).toEqual({ a: '1' });
    }
  });
  it('a heal comes in the order of the waves, and waits for nobody to be well', async () => {
    await begun([deployment('db', 'a:1', wave(-1)), late]);
    roll('db');
    await world.settle();
    const { mark } = world;
    world.cluster.drop('ConfigMap', 'payments', 'late');
    world.cluster.drop('apps/Deployment', 'payments', 'db');
    await world.settle();
    expect(world.writesSince(mark).map(({ key }) => key)).toEqual([
      expect.stringContaining('/db'),
      expect.stringContaining('/late'),
    ]);
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('somebody who sets it back each time is met with patience, and then left; the sync goes on', async () => {
    await begun([...base, deployment('db', 'a:1', wave(1)), annotated(configMap('last'), wave(9))]);
    for (let round = 0; round < 6; round += 1) {
      edit('early', 'rival');
      await world.advance(20_000);
    }
    expect(world.data('early')).toEqual({ a: 'x' });
    expect(world.condition('HealingSuspended')).toMatch(/rival/);
    const { mark } = world;
    await world.advance(60_000, 10_000);
    expect(world.writesSince(mark)).toEqual([]);
    expect(operation()).toMatch(/^Running/);
    roll('db');
    await world.settle();
    expect(world.data('last')).toEqual({ a: '1' });
    expect(operation()).toMatch(/^Succeeded/);
  });
  it('without self-heal, and under a plan that was approved, it is left', async () => {
    const slow = [...base, deployment('db', 'a:1', wave(6)), annotated(configMap('last'), wave(9))];
    await begun(slow, { syncPolicy: { automated: {} } });
    const { mark } = world;
    edit('early');
    await world.settle();
    expect(world.writesSince(mark)).toEqual([]);
    expect(operation()).toMatch(/^Succeeded|^undefined|^Running/);
    roll('db');
    await world.settle();
    expect(world.data('last')).toEqual({ a: '1' });
  });
});

describe('sync options', () => {
  const option = (value: string): Record<string, string> => ({ 'argocd.argoproj.io/sync-options': value });

  it('PruneLast: what Git no longer has goes when the rest is healthy', async () => {
    await begun([configMap('gone')], {
      syncPolicy: { automated: { prune: true }, syncOptions: ['PruneLast=true'] },
    });
    await world.push([deployment('db')]);
    expect(there('ConfigMap', 'gone')).toBe(true);
    roll('db');
    await world.settle();
    expect(there('ConfigMap', 'gone')).toBe(false);
  });
  it('Replace=true: what Git does not have goes, and it is in sync afterwards, whoever else owns fields', async () => {
    await begun([annotated(configMap('one'), option('Replace=true'))]);
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.theirs = 'x'));
    await world.push([annotated(configMap('one', { a: '2' }), option('Replace=true'))]);
    expect(world.data('one')).toEqual({ a: '2' });
    expect(world.status().sync?.status).toBe('Synced');
    const mark = world.mark;
    await world.advance(600_000, 60_000);
    expect(world.cluster.since(mark)).toEqual([]);
  });
  it('Force=true,Replace=true: a Job is made anew in every sync, once', async () => {
    const again = job('again', option('Force=true,Replace=true'));
    await begun([again, configMap('one')]);
    end('again');
    await world.settle();
    const first = uid('again');
    await world.push([again, configMap('one', { a: '2' })]);
    const second = uid('again');
    expect(second).not.toBe(first);
    await world.advance(60_000, 20_000);
    expect(uid('again')).toBe(second);
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('Force=true: made anew where the cluster refuses the change', async () => {
    await begun([job('one', option('Force=true'))]);
    const first = uid('one');
    world.cluster.inject = ({ verb, key }) =>
      verb === 'apply' && key.endsWith('/one') && uid('one') === first
        ? failure('ImmutableField', 'terminal')
        : undefined;
    await world.push([job('one', option('Force=true'), 'm:2')]);
    expect(uid('one')).not.toBe(first);
    expect(world.status().sync?.status).toBe('Synced');
  });
  it.each([
    ['Force=true', 'apply', 'Invalid'],
    ['Force=true', 'tryCreation', 'Invalid'],
    ['Force=true,Replace=true', 'tryCreation', 'Invalid'],
  ])('%s: what the cluster would not take deletes nothing (%s: %s)', async (options, verb, code) => {
    const annotations = option(options);
    await begun([annotated(configMap('one'), annotations)]);
    const first = uid('one', 'ConfigMap');
    world.cluster.inject = (call) => {
      if (!call.key.endsWith('/one')) return undefined;
      if (call.verb === verb) return failure(code, 'terminal');
      return call.verb === 'apply' ? failure('ImmutableField', 'terminal') : undefined;
    };
    await world.push([annotated(configMap('one', { a: '-1' }), annotations)]);
    await world.advance(600_000, 60_000);
    expect(uid('one', 'ConfigMap')).toBe(first);
    expect(operation()).toContain(`[${code}]`);
  });
  it('Force=true: what was deleted and could not be created is said, and created by the next attempt', async () => {
    await begun([annotated(configMap('one'), option('Force=true'))]);
    const first = uid('one', 'ConfigMap');
    let refusals = 1;
    world.cluster.inject = ({ verb, key }) => {
      if (verb !== 'apply' || !key.endsWith('/one')) return undefined;
      if (there('ConfigMap', 'one')) return failure('ImmutableField', 'terminal');
      return refusals-- > 0 ? failure('AdmissionDenied', 'terminal') : undefined;
    };
    await world.push([annotated(configMap('one', { a: '2' }), option('Force=true'))]);
    expect(operation()).toMatch(/WAS DELETED.*NotMadeAnew/);
    await world.advance(60_000, 5000);
    expect(uid('one', 'ConfigMap')).not.toBe(first);
    expect(world.data('one')).toEqual({ a: '2' });
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('SkipDryRunOnMissingResource: the rest is applied, and it when its kind is served', async () => {
    const widget: Manifest = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'w', namespace: 'payments', annotations: option('SkipDryRunOnMissingResource=true') },
    };
    await begun([widget, annotated(configMap('one'), wave(-1))]);
    expect(world.data('one')).toEqual({ a: '1' });
    expect(operation()).toMatch(/KindNotServed/);
    world.cluster.kinds.push({
      group: 'example.com',
      version: 'v1',
      kind: 'Widget',
      plural: 'widgets',
      namespaced: true,
      verbs: ['list', 'watch', 'get', 'create', 'patch', 'delete'],
    });
    await world.advance(20_000);
    expect(there('example.com/Widget', 'w')).toBe(true);
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('managedNamespaceMetadata: set on the namespace, kept with each sync, and taken back', async () => {
    const spec = (labels: object): object => ({
      destination: { server: 'https://kubernetes.default.svc', namespace: 'fresh' },
      syncPolicy: {
        automated: {},
        syncOptions: ['CreateNamespace=true'],
        managedNamespaceMetadata: { labels },
      },
    });
    const labels = (): unknown => world.cluster.get('Namespace', '', 'fresh')?.metadata.labels;
    await begun([configMap('one', { a: '1' }, 'fresh')], spec({ team: 'payments', old: 'x' }));
    expect(labels()).toEqual({ team: 'payments', old: 'x' });
    expect(world.status().sync?.status).toBe('Synced');
    await world.change('web', (draft) => Object.assign(draft.spec, spec({ team: 'billing' })));
    expect(labels()).toEqual({ team: 'billing' });
    expect(world.state()?.inventory.map(({ ref }) => ref.name)).toEqual(['one']);
  });
  it('Delete=false: it outlives the Application, which is gone all the same', async () => {
    await world.start();
    await world.push([configMap('one'), annotated(configMap('stays'), option('Delete=false'))]);
    const finalizers = ['resources-finalizer.argocd.argoproj.io'];
    await world.create(world.application('web', {}, { finalizers }));
    world.cluster.drop('argoproj.io/Application', 'argocd', 'web');
    await world.advance(20_000);
    expect(world.cluster.get('argoproj.io/Application', 'argocd', 'web')).toBeUndefined();
    expect(['one', 'stays'].filter((name) => there('ConfigMap', name))).toEqual(['stays']);
  });
  it('a sync of some objects: they alone, no hooks, no entry in the history', async () => {
    await begun([job('before', hook('PreSync')), configMap('one'), configMap('two')], { syncPolicy: {} });
    await world.sync('web', { resources: [{ group: '', kind: 'ConfigMap', name: 'one' }] });
    expect(world.data('one')).toEqual({ a: '1' });
    expect([world.data('two'), jobs()]).toEqual([undefined, []]);
    expect(operation()).toMatch(/^Succeeded/);
    expect(world.status().sync?.status).toBe('OutOfSync');
    expect(world.state()?.history).toEqual([]);
  });
  it('options of an operation stand in for those of the Application, none where they are an empty list', async () => {
    await begun([configMap('one'), configMap('gone')], { syncPolicy: { syncOptions: ['Prune=false'] } });
    await world.sync();
    await world.push([configMap('one')]);
    await world.sync('web', { prune: true });
    expect(there('ConfigMap', 'gone')).toBe(true);
    await world.sync('web', { prune: true, syncOptions: [] });
    expect(there('ConfigMap', 'gone')).toBe(false);
  });
  it('options of one operation hold for that one', async () => {
    await begun([configMap('one'), configMap('gone')], { syncPolicy: {} });
    await world.sync();
    await world.push([configMap('one')]);
    await world.sync('web', { prune: true, syncOptions: ['Prune=false'] });
    expect(there('ConfigMap', 'gone')).toBe(true);
    await world.sync('web', { prune: true });
    expect(there('ConfigMap', 'gone')).toBe(false);
  });
});

describe('sync windows', () => {
  const project = (window: object): Manifest => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'default', namespace: 'argocd' },
    spec: {
      sourceRepos: ['*'],
      destinations: [{ server: '*', namespace: '*' }],
      syncWindows: [window],
    },
  });
  const always = { kind: 'deny', schedule: '* * * * *', duration: '1h', applications: ['w*'] };

  it('one that denies: the status says which and until when; nothing runs, and nothing is asked meanwhile', async () => {
    await world.start();
    const hour = new Date(world.time.now()).getUTCHours();
    world.cluster.put(project({ ...always, schedule: `0 ${hour} * * *` }));
    await world.push([configMap('one')]);
    await world.create(world.application());
    expect(world.data('one')).toBeUndefined();
    expect(world.condition('Waiting')).toMatch(
      /the deny window .* of AppProject default denies syncs until \d{4}-/,
    );
    expect(world.status()).toMatchObject({ sync: { status: 'OutOfSync' } });
    await world.sync();
    expect(operation()).toMatch(/^Failed: the deny window/);
    expect(world.data('one')).toBeUndefined();
    const mark = world.mark;
    await world.advance(60_000, 20_000);
    expect(world.cluster.since(mark)).toEqual([]);
    // At its border, and without anybody's doing.
    await world.advance(3_600_000, 60_000);
    expect(world.data('one')).toEqual({ a: '1' });
  });
  it('manualSync lets a person through; other Applications are not concerned; a change of it counts at once', async () => {
    await world.start();
    world.cluster.put(project({ ...always, manualSync: true }));
    await world.push([configMap('one')]);
    await world.create(world.application());
    expect(world.data('one')).toBeUndefined();
    await world.sync();
    expect(world.data('one')).toEqual({ a: '1' });
    world.cluster.put(project({ ...always, applications: ['other'] }));
    await world.push([configMap('one', { a: '2' })]);
    expect(world.data('one')).toEqual({ a: '2' });
  });
  it('what lets only people through lets no heal: drift waits for a person, or for the window', async () => {
    const edit = async (name: string): Promise<void> => {
      world.cluster.edit('ConfigMap', 'payments', name, (draft) => (draft.data.a = 'x'), 'kubectl-edit');
      await world.settle();
    };
    const both = [configMap('one'), configMap('two')];
    await begun(both);
    world.cluster.put(project({ ...always, manualSync: true }));
    await world.settle();
    await edit('one');
    await world.push([job('before', hook('PreSync')), ...both, configMap('new')]);
    await world.sync();
    await edit('two');
    await world.advance(2000);
    expect(operation()).toMatch(/^Running: waiting until Job payments\/before/);
    expect([world.data('one'), world.data('two')]).toEqual([{ a: 'x' }, { a: 'x' }]);
    end('before');
    await world.settle();
    expect(operation()).toMatch(/^Succeeded/);
    expect(world.state()?.history.findLast(({ kind }) => kind === 'sync')).toMatchObject({ by: 'ada' });
    // What drifted while her sync ran waits for the window.
    expect([world.data('one'), world.data('two')]).toEqual([{ a: '1' }, { a: 'x' }]);
    world.cluster.put(project({ ...always, applications: ['other'] }));
    await world.settle();
    expect(world.data('two')).toEqual({ a: '1' });
  });
  it('F28: one that cannot be read stops those that it may concern', async () => {
    await world.start();
    world.cluster.put(project({ ...always, schedule: 'at night' }));
    await world.push([configMap('one')]);
    await world.create(world.application());
    expect(world.data('one')).toBeUndefined();
    expect(world.condition('InvalidSpecError')).toMatch(/spec\.syncWindows\[0\]/);
  });
});

describe('approval', () => {
  const waiting = (): string => world.condition('Waiting') ?? '';
  const digest = (): string => /sha256:[0-9a-f]{64}/.exec(waiting())?.[0] ?? '';
  const approve = (plan: string): Promise<void> =>
    world.change(
      'web',
      (draft) =>
        (draft.metadata.annotations = {
          'trueup.dev/approved-plan': plan,
          'trueup.dev/approved-by': 'ada',
          'trueup.dev/approved-at': '2026-01-02T03:04:05Z',
        }),
    );

  it('where automation is off, the plan waits with its digest and summary; approved, it runs, and who did is kept', async () => {
    await begun([configMap('one'), configMap('two')], { syncPolicy: {} });
    expect(waiting()).toMatch(/automated sync is off: 2 to create, 0 to change, 0 to delete; .*sha256:/);
    const plan = digest();
    await approve(plan);
    expect(world.data('one')).toEqual({ a: '1' });
    const atMs = Date.UTC(2026, 0, 2, 3, 4, 5);
    expect(world.state()?.history).toMatchObject([
      { kind: 'sync', by: 'ada', plan, approved: { plan, by: 'ada', atMs } },
    ]);
    expect(world.status().operationState).toMatchObject({
      operation: {
        initiatedBy: { username: 'ada' },
        info: [
          { name: 'trueup.dev/plan', value: plan },
          { name: 'trueup.dev/approved-by', value: 'ada' },
          { name: 'trueup.dev/approved-at', value: '2026-01-02T03:04:05Z' },
        ],
      },
    });
    expect(world.cluster.must('argoproj.io/Application', 'argocd', 'web').metadata.annotations).toEqual({});
  });
  it('F8: where automation is off, an emptied source is pruned by the approval of what a person asked for', async () => {
    await begun([configMap('one')], { syncPolicy: {} });
    await world.sync();
    await world.pushFiles({ 'app/README.md': 'empty' });
    expect(world.condition('Held')).toMatch(/no objects.*\{enabled: false, allowEmpty: true\}/);
    await world.sync('web', { prune: true });
    expect(operation()).toMatch(/^Failed: the source gives no objects/);
    const [meant = ''] = /sha256:[0-9a-f]{64}/.exec(operation()) ?? [];
    expect(world.data('one')).toBeDefined();
    await world.change('web', (draft) => {
      draft.metadata.annotations = { 'trueup.dev/approved-plan': meant };
      draft.operation = { info: [{ name: 'trueup.dev/plan', value: meant }], sync: { prune: true } };
    });
    expect(operation()).toMatch(/^Succeeded/);
    expect(world.data('one')).toBeUndefined();
  });
  it('what is applied is what was approved: another commit is another plan', async () => {
    await begun([configMap('one')], { syncPolicy: {} });
    const approved = digest();
    await world.push([configMap('one', { a: '2' })]);
    await approve(approved);
    expect(world.data('one')).toBeUndefined();
    await world.change('web', (draft) => {
      draft.operation = {
        initiatedBy: { username: 'ada' },
        info: [{ name: 'trueup.dev/plan', value: approved }],
        sync: {},
      };
    });
    expect(world.data('one')).toBeUndefined();
    expect(operation()).toMatch(/^Failed: what was approved is plan sha256:/);
    await approve(digest());
    expect(world.data('one')).toEqual({ a: '2' });
  });
});

describe('ignoreDifferences', () => {
  const rule = { group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] };
  const ignoring = (options: readonly string[] = []): object => ({
    ignoreDifferences: [rule],
    syncPolicy: { automated: { selfHeal: true, prune: true }, syncOptions: options },
  });
  const scaleTo = (replicas: number): void =>
    void world.cluster.edit(
      'apps/Deployment',
      'payments',
      'db',
      (draft) => (draft.spec.replicas = replicas),
      'autoscaler',
    );
  const replicas = (): unknown =>
    (world.cluster.must('apps/Deployment', 'payments', 'db')['spec'] as { replicas?: number }).replicas;

  it('an ignored field is no drift: nothing is written, and the Application is in sync, also after a restart', async () => {
    await begun([deployment('db'), configMap('one')], ignoring());
    const mark = world.mark;
    scaleTo(5);
    await world.settle();
    expect(replicas()).toBe(5);
    expect(world.status().sync?.status).toBe('Synced');
    await world.advance(120_000, 20_000);
    expect(world.writesSince(mark)).toEqual([]);
    const renders = world.renders;
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.metadata.labels = { x: 'y' }));
    await world.settle();
    expect(world.renders).toBe(renders);
    await world.restart();
    await world.advance(20_000);
    expect(replicas()).toBe(5);
    expect(world.status().sync?.status).toBe('Synced');
  });
  it('what is not ignored on the same object is healed', async () => {
    await begun([deployment('db')], ignoring());
    world.cluster.edit(
      'apps/Deployment',
      'payments',
      'db',
      (draft) => (draft.spec.template.spec.containers[0].image = 'x'),
    );
    await world.settle();
    expect(JSON.stringify(world.cluster.must('apps/Deployment', 'payments', 'db')['spec'])).toContain('a:1');
  });
  it('a sync applies ignored fields as Git says; with RespectIgnoreDifferences it leaves them', async () => {
    await begun([deployment('db')], ignoring());
    scaleTo(5);
    await world.settle();
    await world.push([deployment('db', 'a:2')]);
    expect(replicas()).toBe(1);
    await world.change('web', (draft) =>
      Object.assign(draft.spec, ignoring(['RespectIgnoreDifferences=true'])),
    );
    scaleTo(5);
    await world.settle();
    await world.push([deployment('db', 'a:3')]);
    expect(replicas()).toBe(5);
    expect(JSON.stringify(world.cluster.must('apps/Deployment', 'payments', 'db')['spec'])).toContain('a:3');
    expect(world.status().sync?.status).toBe('Synced');
    const mark = world.mark;
    await world.advance(120_000, 20_000);
    expect(world.writesSince(mark)).toEqual([]);
  });
  it('F3: where the object changes between plan and apply, the live value that was copied is not written back', async () => {
    await begun([deployment('db')], ignoring(['RespectIgnoreDifferences=true']));
    let raced = false;
    world.cluster.inject = ({ verb }) => {
      if (verb === 'apply' && !raced) {
        raced = true;
        scaleTo(7);
      }
      return undefined;
    };
    await world.push([
      {
        ...deployment('db', 'a:2'),
        spec: { replicas: 3, template: { spec: { containers: [{ name: 'main', image: 'a:2' }] } } },
      },
    ]);
    expect(raced).toBe(true);
    expect(replicas()).toBe(7);
    expect(world.status().sync?.status).toBe('Synced');
  });
  describe('by jq paths', () => {
    const jq = (paths: readonly string[], options: readonly string[] = []): object => ({
      ...ignoring(options),
      ignoreDifferences: [{ group: 'apps', kind: 'Deployment', jqPathExpressions: paths }],
    });
    const image = (): string =>
      JSON.stringify(world.cluster.must('apps/Deployment', 'payments', 'db')['spec']);
    const setImage = (name: string): void =>
      void world.cluster.edit(
        'apps/Deployment',
        'payments',
        'db',
        (draft) => (draft.spec.template.spec.containers[0].image = name),
      );
    const main = '.spec.template.spec.containers[] | select(.name == "main") | .image';

    it('what they lead to is no drift, also after a restart; anything else is', async () => {
      await begun([deployment('db')], jq([main]));
      const mark = world.mark;
      setImage('x');
      await world.settle();
      await world.restart();
      await world.advance(20_000);
      expect(image()).toContain('"x"');
      expect(world.status().sync?.status).toBe('Synced');
      expect(world.writesSince(mark)).toEqual([]);
      scaleTo(5);
      await world.settle();
      expect(replicas()).toBe(1);
    });
    it('RespectIgnoreDifferences leaves it, when the object is applied for another reason', async () => {
      await begun([deployment('db')], jq([main], ['RespectIgnoreDifferences=true']));
      setImage('x');
      await world.settle();
      const scaled = deployment('db');
      await world.push([{ ...scaled, spec: { ...(scaled['spec'] as object), replicas: 3 } }]);
      expect(replicas()).toBe(3);
      expect(image()).toContain('"x"');
      expect(world.status().sync?.status).toBe('Synced');
    });
    it('one that is no program stops its own Application, by name, and comes right when it is corrected', async () => {
      await begun([deployment('db')], ignoring());
      await world.create(world.application('other'));
      const mark = world.mark;
      await world.change('web', (draft) => Object.assign(draft.spec, jq(['.spec.replicas', '.spec['])));
      expect(world.condition('ComparisonError')).toMatch(
        /spec\.ignoreDifferences\[0\]\.jqPathExpressions: the jq path "\.spec\[".*\[JqPathFailed\]/,
      );
      expect(world.condition('ComparisonError', 'other')).toBeUndefined();
      setImage('x');
      await world.settle();
      expect(world.writesSince(mark).filter((write) => /deployments/.test(JSON.stringify(write)))).toEqual(
        [],
      );
      await world.change('web', (draft) => Object.assign(draft.spec, jq(['.spec.replicas'])));
      expect(world.condition('ComparisonError')).toBeUndefined();
      expect(image()).not.toContain('"x"');
    });
    it('one that does not end stops its own Application, and not its deletion (F23)', async () => {
      await begun([deployment('db')], jq(['.spec | until(false; .)']));
      setImage('x');
      await world.settle();
      expect(world.condition('ComparisonError')).toMatch(/was not evaluated: .*JqPathFailed/);
      expect(image()).toContain('"x"');
    });
  });
  it('rules of the installation hold for all; taken away, the drift is healed', async () => {
    const settings = (data: object): Manifest => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm', namespace: 'argocd' },
      data,
    });
    const key = 'resource.customizations.ignoreDifferences.apps_Deployment';
    await world.start();
    world.cluster.put(settings({ [key]: 'managedFieldsManagers: [autoscaler]\n' }));
    await world.push([deployment('db')]);
    await world.create(world.application());
    scaleTo(5);
    await world.settle();
    expect(replicas()).toBe(5);
    world.cluster.put(settings({}));
    await world.settle();
    expect(replicas()).toBe(1);
    world.cluster.put(settings({ [key]: 'jsonPointers: {' }));
    await world.settle();
    expect(world.condition('InvalidSpecError')).toContain(key);
  });
});

describe('kinds that the control plane excludes', () => {
  const settings = (data: object): Manifest => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'argocd-cm', namespace: 'argocd' },
    data,
  });
  it('are left out with a warning, and what was applied of them before stays', async () => {
    await world.start();
    await world.push([deployment('db'), configMap('one')]);
    await world.create(world.application('web', { syncPolicy: { automated: { prune: true } } }));
    await world.settle();
    world.cluster.put(settings({ 'resource.exclusions': '- { apiGroups: [apps], kinds: [Deploy*] }' }));
    await world.push([deployment('db', 'a:2'), deployment('web'), configMap('one', { a: '2' })]);
    expect(world.data('one')).toEqual({ a: '2' });
    expect(world.condition('ExcludedResourceWarning')).toMatch(/Deployment payments\/web.*KindExcluded/);
    expect(there('apps/Deployment', 'web')).toBe(false);
    expect(world.status().sync?.status).toBe('Synced');
    await world.push([configMap('one', { a: '3' })]);
    expect(world.data('one')).toEqual({ a: '3' });
    expect(there('apps/Deployment', 'db')).toBe(true);
    world.cluster.put(settings({}));
    await world.settle();
    expect(there('apps/Deployment', 'db')).toBe(false);
  });
  it('F30: a list that cannot be read stops everything: what was excluded is not applied', async () => {
    await world.start();
    world.cluster.put(settings({ 'resource.exclusions': '- { kinds: [Deployment' }));
    await world.push([deployment('db'), configMap('one')]);
    await world.create(world.application());
    await world.settle();
    expect(there('ConfigMap', 'one')).toBe(false);
    expect(JSON.stringify(world.status().conditions)).toMatch(/resource\.exclusions.*InvalidCustomization/);
  });
});

describe('F1: a crash at any call of a sync with waves and hooks', () => {
  const objects = [
    job('before', hook('PreSync', 'HookSucceeded')),
    deployment('db', 'a:1', wave(1)),
    annotated(configMap('one'), wave(2)),
    job('after', hook('PostSync')),
  ];
  /** The cluster's controllers go on whatever happens to Trueup. */
  async function live(ran: Set<unknown>): Promise<void> {
    for (let round = 0; round < 8; round += 1) {
      for (const name of jobs()) {
        ran.add(`${name} ${String(uid(name))}`);
        if (world.cluster.must('batch/Job', 'payments', name)['status'] === undefined) end(name);
      }
      const db = world.cluster.get('apps/Deployment', 'payments', 'db');
      if (db !== undefined && db['status'] === undefined) roll('db');
      await world.settle();
    }
  }

  it('converges, and runs no hook of one attempt twice', async () => {
    for (const kind of ['crash', 'crash-before'] as const) {
      for (let point = 1; ; point += 1) {
        world = new EngineWorld();
        await world.start();
        await world.push(objects);
        let calls = 0;
        world.cluster.inject = () => (++calls === point ? kind : undefined);
        await world.create(world.application());
        const ran = new Set<unknown>();
        await live(ran);
        const crashed = world.client.isCutOff;
        world.cluster.inject = () => undefined;
        const where = `${kind} at call ${point}`;
        if (crashed) {
          await world.restart();
          await live(ran);
          await world.advance(20_000);
          await live(ran);
        }
        expect(
          [...ran].filter((name) => String(name).startsWith('before')),
          where,
        ).toHaveLength(1);
        expect(
          [...ran].filter((name) => String(name).startsWith('after')),
          where,
        ).toHaveLength(1);
        expect(world.data('one'), where).toEqual({ a: '1' });
        expect(jobs(), where).toEqual(['after']);
        expect(world.state()?.intent, where).toBeUndefined();
        expect(world.state()?.hooks, where).toBeUndefined();
        expect(world.status().sync?.status, where).toBe('Synced');
        expect(world.status().operationState?.phase, where).not.toBe('Running');
        // For so long it is remembered what may land yet.
        await world.advance(120_000, 30_000);
        const mark = world.mark;
        await world.advance(600_000, 60_000);
        expect(world.cluster.since(mark).filter(isWrite), where).toEqual([]);
        if (!crashed) break;
      }
    }
  });

  it('also while drift is healed in the middle of it', async () => {
    for (const kind of ['crash', 'crash-before'] as const) {
      for (let point = 1; ; point += 1) {
        world = new EngineWorld();
        await world.start();
        await world.push([configMap('stays')]);
        await world.create(world.application());
        await world.push([configMap('stays'), ...objects]);
        const ran = new Set<unknown>([`before ${String(uid('before'))}`]);
        let calls = 0;
        world.cluster.inject = () => (++calls === point ? kind : undefined);
        world.cluster.edit('ConfigMap', 'payments', 'stays', (draft) => (draft.data.a = 'x'), 'kubectl');
        await world.settle();
        const crashed = world.client.isCutOff;
        world.cluster.inject = () => undefined;
        const where = `${kind} at call ${point}`;
        if (crashed) await world.restart();
        expect(world.data('stays'), where).toEqual({ a: '1' });
        await live(ran);
        await world.advance(20_000);
        await live(ran);
        expect(
          [...ran].filter((name) => String(name).startsWith('before')),
          where,
        ).toHaveLength(1);
        expect(world.data('one'), where).toEqual({ a: '1' });
        expect(world.state()?.hooks, where).toBeUndefined();
        expect(world.status().sync?.status, where).toBe('Synced');
        if (!crashed) break;
      }
    }
  });
});
