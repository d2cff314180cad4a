/** Syncs of several steps: waves, hooks, and what happens when something goes wrong between them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isWrite } from '../../tests/fakes/cluster.ts';
import { configMap, EngineWorld, filesOf, repository } from '../../tests/fakes/engine-world.ts';
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
const there = (kind: string, name: string): boolean =>
  world.cluster.get(kind, 'payments', name) !== undefined;
const uid = (name: string): unknown => world.cluster.get('batch/Job', 'payments', name)?.metadata['uid'];
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
    expect(operation()).toMatch(/^Failed: .*Deployment payments\/db: it is degraded.*\[WaveUnhealthy\]/);
    expect(world.data('app')).toBeUndefined();
    roll('db');
    await world.advance(6000);
    expect(world.data('app')).toEqual({ a: '1' });
  });
  it('a person ends it while it waits', async () => {
    await begun(two, { syncPolicy: {} });
    await world.sync();
    await world.advance(2000);
    expect(operation()).toMatch(/^Running/);
    const { startedAt } = world.status().operationState as unknown as { startedAt: string };
    await world.change(
      'web',
      (draft) => (draft.metadata.annotations = { 'trueup.dev/terminate': `${startedAt} by ada` }),
    );
    expect(operation()).toMatch(/^Failed: .*\[Terminated\]/);
    expect(world.data('app')).toBeUndefined();
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
  it('one that fails ends the sync: nothing is applied, SyncFail runs, and the next attempt begins anew', async () => {
    await begun(all, { syncPolicy: { automated: {}, retry: { limit: 3, backoff: { duration: '5s' } } } });
    end('before', 'Failed');
    await world.advance(3000);
    expect(jobs()).toEqual(['before', 'rescue']);
    end('rescue');
    await world.settle();
    expect(operation()).toMatch(
      /^Failed: .*Job payments\/before: the hook failed: exit code 1.*\[HookFailed\]/,
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
    expect(operation()).toMatch(/^Failed/);
    expect(world.status().sync?.status).toBe('Synced');
    expect(jobs()).toEqual([]);
    await world.advance(8000);
    end('after');
    await world.settle();
    expect(operation()).toMatch(/^Succeeded/);
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
  it('one that vanished before its end was seen is not run again in silence', async () => {
    await begun(all);
    world.cluster.drop('batch/Job', 'payments', 'before');
    await world.settle();
    expect(world.state()?.hooks?.failed).toBe(undefined);
    end('rescue');
    await world.settle();
    expect(operation()).toMatch(/\[HookVanished\]/);
  });
  it('what stands under its name and is not its own is left alone', async () => {
    world.cluster.put(job('before', {}));
    await begun(all);
    expect(world.condition('SharedResourceWarning')).toMatch(/Job payments\/before/);
    expect(world.data('one')).toBeUndefined();
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
        const mark = world.mark;
        await world.advance(600_000, 60_000);
        expect(world.cluster.since(mark).filter(isWrite), where).toEqual([]);
        if (!crashed) break;
      }
    }
  });
});
