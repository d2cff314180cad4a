/** Flux's resources on the same engine, in a world of fakes: sources that are shared, and Units that wait for others. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure } from '../../tests/fakes/cluster.ts';
import { configMap, EngineWorld, filesOf, repository } from '../../tests/fakes/engine-world.ts';
import type { JsonObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';

const namespace = 'flux-system';
const sourceKind = 'source.toolkit.fluxcd.io/GitRepository';
const unitKind = 'kustomize.toolkit.fluxcd.io/Kustomization';

let world: EngineWorld;
beforeEach(() => {
  world = new EngineWorld();
});
afterEach(() => {
  expect(world.errors).toEqual([]);
});

const gitRepository = (spec: object = {}, name = 'fleet'): Manifest => ({
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name, namespace },
  spec: { interval: '1m', url: repository, ref: { branch: 'main' }, ...spec },
});
const kustomization = (name: string, spec: object = {}, metadata: JsonObject = {}): Manifest => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name, namespace, ...metadata },
  spec: {
    interval: '10m',
    path: `./${name}`,
    prune: true,
    sourceRef: { kind: 'GitRepository', name: 'fleet' },
    ...spec,
  },
});
const deployment = (name: string): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'payments' },
  spec: { replicas: 1, selector: {}, template: {} },
});

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}
interface Status {
  readonly conditions?: readonly Condition[];
  readonly lastAppliedRevision?: string;
  readonly lastAttemptedRevision?: string;
  readonly lastHandledReconcileAt?: string;
  readonly observedGeneration?: number;
  readonly artifact?: { readonly revision: string };
  readonly inventory?: { readonly entries: readonly { readonly id: string; readonly v: string }[] };
}
const statusOf = (name: string, kind = unitKind): Status =>
  (world.cluster.must(kind, namespace, name)['status'] ?? {}) as Status;
const ready = (name: string, kind = unitKind): Condition | undefined =>
  statusOf(name, kind).conditions?.find(({ type }) => type === 'Ready');
const change = async (name: string, edit: (draft: any) => void, kind = unitKind): Promise<void> => {
  world.cluster.edit(kind, namespace, name, edit, 'kubectl');
  await world.settle();
};
const becomesReady = async (name: string, isReady = true): Promise<void> => {
  world.cluster.edit(
    'apps/Deployment',
    'payments',
    name,
    (draft) => {
      draft.status = {
        observedGeneration: draft.metadata.generation,
        replicas: 1,
        updatedReplicas: 1,
        readyReplicas: isReady ? 1 : 0,
        availableReplicas: isReady ? 1 : 0,
      };
    },
    'kube-controller-manager',
  );
  await world.settle();
};
const fetches = (): number => world.git.calls.filter((call) => call.startsWith('fetch')).length;

async function fleet(names: readonly string[], spec: (name: string) => object = () => ({})): Promise<string> {
  await world.start();
  const files = Object.assign(
    {},
    ...names.map((name) => filesOf([deployment(name), configMap(name)], name)),
  ) as Record<string, string>;
  const commit = await world.pushFiles(files);
  await world.create(gitRepository());
  for (const name of names) await world.create(kustomization(name, spec(name)));
  return commit;
}

describe('a Kustomization', () => {
  it('is applied from its GitRepository, and both say so as Flux does', async () => {
    const commit = await fleet(['web']);
    expect(world.data('web')).toEqual({ a: '1' });
    expect(statusOf('fleet', sourceKind)).toMatchObject({
      observedGeneration: 1,
      artifact: { revision: `main@sha1:${commit}` },
    });
    expect(ready('fleet', sourceKind)).toMatchObject({ status: 'True', reason: 'Succeeded' });
    expect(statusOf('web')).toMatchObject({
      observedGeneration: 1,
      lastAppliedRevision: `main@sha1:${commit}`,
      lastAttemptedRevision: `main@sha1:${commit}`,
      inventory: {
        entries: [
          { id: 'payments_web__ConfigMap', v: 'v1' },
          { id: 'payments_web_apps_Deployment', v: 'v1' },
        ],
      },
    });
    expect(ready('web')).toMatchObject({ status: 'True', reason: 'ReconciliationSucceeded' });
    const live = world.cluster.must('ConfigMap', 'payments', 'web');
    expect(live.metadata.labels).toEqual({
      'kustomize.toolkit.fluxcd.io/name': 'web',
      'kustomize.toolkit.fluxcd.io/namespace': namespace,
    });
    expect(live.metadata['managedFields']).toMatchObject([
      { manager: 'kustomize-controller', operation: 'Apply' },
    ]);
    expect(world.cluster.must(unitKind, namespace, 'web').metadata['finalizers']).toEqual([
      'finalizers.fluxcd.io',
    ]);
  });
  it('has nothing to do once it stands: no request, no write', async () => {
    await fleet(['web']);
    const { mark } = world;
    await world.advance(50_000, 10_000);
    expect(world.cluster.since(mark)).toEqual([]);
  });
  it('waits for its source to be declared, and says so', async () => {
    await world.start();
    await world.pushFiles(filesOf([configMap('web')], 'web'));
    await world.create(kustomization('web'));
    expect(ready('web')).toMatchObject({ status: 'False', reason: 'ArtifactFailed' });
    expect(ready('web')?.message).toMatch(/GitRepository flux-system\/fleet does not exist/);
    await world.create(gitRepository());
    expect(ready('web')).toMatchObject({ status: 'True' });
  });
  it('prunes, heals drift, and stands still while it is suspended', async () => {
    await fleet(['web']);
    world.cluster.edit('ConfigMap', 'payments', 'web', (draft) => (draft.data.a = 'x'), 'kubectl-edit');
    await world.settle();
    expect(world.data('web')).toEqual({ a: '1' });
    await change('web', (draft) => (draft.spec.suspend = true));
    const before = statusOf('web');
    await world.pushFiles(filesOf([deployment('web')], 'web'));
    expect(world.data('web')).toEqual({ a: '1' });
    expect(statusOf('web')).toEqual(before);
    await change('web', (draft) => (draft.spec.suspend = false));
    expect(world.data('web')).toBeUndefined();
    expect(statusOf('web').inventory?.entries).toEqual([{ id: 'payments_web_apps_Deployment', v: 'v1' }]);
  });
  it('what somebody sets back each time is left after a while, and it says who contends for what', async () => {
    await fleet(['web']);
    for (let round = 0; round < 6; round += 1) {
      world.cluster.edit('ConfigMap', 'payments', 'web', (draft) => (draft.data.a = 'x'), 'rival');
      await world.advance(20_000);
    }
    expect(world.data('web')).toEqual({ a: 'x' });
    const { conditions = [] } = statusOf('web');
    const message = expect.stringMatching(
      /ConfigMap payments\/web: rival \(Update\) sets \.data\.a to another value .*\(take it out of Git to leave it to that one; or stop it, then: flux reconcile kustomization web -n flux-system\)/,
    );
    expect(conditions).toMatchObject([
      { type: 'Ready', status: 'True', message },
      { type: 'HealingSuspended', status: 'True', message },
    ]);
    const { mark } = world;
    await world.advance(600_000, 60_000);
    expect(world.writesSince(mark)).toEqual([]);
    await change('web', (draft) => {
      draft.metadata.annotations = { 'reconcile.fluxcd.io/requestedAt': 'T1' };
    });
    expect(world.data('web')).toEqual({ a: '1' });
    expect(statusOf('web').conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
  });
  it('F2: an attempt that succeeds says nothing of the one before, whose answer was lost', async () => {
    await fleet(['web']);
    world.cluster.inject = ({ verb }) => (verb === 'apply' ? 'lost' : undefined);
    await world.pushFiles(filesOf([deployment('web'), configMap('web', { a: '2' })], 'web'));
    expect(ready('web')).toMatchObject({ status: 'False', message: expect.stringMatching(/Timeout/) });
    world.cluster.inject = () => undefined;
    // It changes nothing, so that no event makes another turn.
    await world.advance(15_000);
    expect(ready('web')).toMatchObject({ status: 'True' });
  });
  it('images: what is applied has the names, tags and digests that it says', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    await world.start();
    const named = ['nginx:1.25', 'redis:7', 'registry.example/side:1', 'other:1'];
    const containers = named.map((image, index) => ({ name: `c${index}`, image }));
    const made = deployment('web');
    const spec = { replicas: 1, selector: {}, template: { spec: { containers } } };
    // What the file in Git says of the same image gives way.
    const file = 'resources: [web.yaml]\nimages: [{name: redis, newTag: "8"}, {name: other, newTag: "2"}]\n';
    await world.pushFiles({
      'web/web.yaml': JSON.stringify({ ...made, spec }),
      'web/kustomization.yaml': file,
    });
    await world.create(gitRepository());
    const images = [
      { name: 'nginx', newName: 'registry.example/nginx', newTag: '1.27' },
      { name: 'redis', digest },
      { name: 'registry.example/side', newTag: '2' },
    ];
    await world.create(kustomization('web', { images }));
    const imagesOf = (): unknown => {
      const live = world.cluster.must('apps/Deployment', 'payments', 'web') as any;
      return live.spec.template.spec.containers.map(({ image }: { readonly image: string }) => image);
    };
    expect(imagesOf()).toEqual([
      'registry.example/nginx:1.27',
      `redis@${digest}`,
      'registry.example/side:2',
      'other:2',
    ]);
    await change('web', (draft) => (draft.spec.images = [{ name: 'nginx', newTag: '1.28' }]));
    expect(imagesOf()).toEqual(['nginx:1.28', 'redis:8', 'registry.example/side:1', 'other:2']);
  });
  describe('F30: what an object asks for and is not honoured stops all of it, by name', () => {
    const prefix = 'kustomize.toolkit.fluxcd.io';
    const marked = (what: 'annotations' | 'labels', key: string, value: string): Manifest => {
      const made = configMap('marked');
      return { ...made, metadata: { ...made.metadata, [what]: { [`${prefix}/${key}`]: value } } };
    };
    const asked = async (object: Manifest): Promise<void> => {
      await world.start();
      await world.pushFiles(filesOf([object, configMap('web')], 'web'));
      await world.create(gitRepository());
      await world.create(kustomization('web'));
    };
    const refused = [
      ['prune', 'disabled'],
      ['ssa', 'Merge'],
      ['ssa', 'IfNotPresent'],
      ['ssa', 'Ignore'],
      ['force', 'enabled'],
      ['reconcile', 'disabled'],
    ] as const;
    it.each(refused.flatMap((asks) => [['annotations', ...asks] as const, ['labels', ...asks] as const]))(
      '%s: %s: %s',
      async (what, key, value) => {
        await asked(marked(what, key, value));
        const { reason, message } = ready('web')!;
        expect(reason).toBe('Unsupported');
        expect(message).toContain(
          `ConfigMap payments/marked: its ${what.slice(0, -1)} ${prefix}/${key}: "${value}" is not honoured yet`,
        );
        expect([world.data('marked'), world.data('web')]).toEqual([undefined, undefined]);
      },
    );
    it.each([
      ['prune', 'enabled'],
      ['ssa', 'Override'],
      ['force', 'disabled'],
      ['reconcile', 'enabled'],
      ['substitute', 'disabled'],
    ])('%s: %s asks for what is done anyway', async (key, value) => {
      await asked(marked('annotations', key, value));
      expect(ready('web')).toMatchObject({ status: 'True' });
      expect(world.data('marked')).toEqual({ a: '1' });
    });
  });
  it('retryInterval is the longest wait between two attempts that fail', async () => {
    const attempts: number[] = [];
    world.cluster.inject = ({ verb, key }) => {
      if (verb !== 'apply' || !key.includes('ConfigMap/payments/web')) return undefined;
      attempts.push(world.time.now());
      return { kind: 'terminal', code: 'AdmissionDenied', stage: 'apply', message: 'no', hint: '' };
    };
    await fleet(['web'], () => ({ interval: '1h', retryInterval: '15s' }));
    await world.advance(120_000);
    const waits = attempts.slice(1).map((atMs, index) => Math.round((atMs - attempts[index]!) / 1000));
    expect(waits.slice(0, 5)).toEqual([5, 10, 15, 15, 15]);
    expect(waits.length).toBeGreaterThan(6);
  });
  it.each([true, false])('force: %j: what cannot be changed is made anew, or else refused', async (force) => {
    await fleet(['web'], () => ({ force }));
    const uid = (): unknown => world.cluster.must('ConfigMap', 'payments', 'web').metadata['uid'];
    const first = uid();
    const immutable = { kind: 'terminal', code: 'ImmutableField', stage: 'apply', hint: '' } as const;
    world.cluster.inject = ({ verb, key }) =>
      verb === 'apply' && key.includes('ConfigMap/payments/web') && world.data('web') !== undefined
        ? { ...immutable, message: 'the cluster does not let it be changed' }
        : undefined;
    await world.pushFiles(filesOf([deployment('web'), configMap('web', { a: '2' })], 'web'));
    await world.advance(60_000, 10_000);
    if (force) {
      expect(ready('web')).toMatchObject({ status: 'True' });
      expect(world.data('web')).toEqual({ a: '2' });
      expect(uid()).not.toBe(first);
    } else {
      expect(ready('web')).toMatchObject({
        status: 'False',
        message: expect.stringMatching(/ImmutableField/),
      });
      expect([world.data('web'), uid()]).toEqual([{ a: '1' }, first]);
    }
  });
  it('takes its objects along when it goes, unless it is not to prune', async () => {
    await fleet(['web', 'api'], (name) => ({ prune: name === 'web' }));
    for (const name of ['web', 'api']) {
      world.cluster.drop(unitKind, namespace, name);
      await world.settle();
      await world.advance(10_000, 5000);
      expect(world.cluster.get(unitKind, namespace, name), name).toBeUndefined();
    }
    expect([world.data('web'), world.data('api')]).toEqual([undefined, { a: '1' }]);
  });
  it('is held before anything is applied: who deletes it in its first sync leaves nothing behind', async () => {
    let isDropped = false;
    world.cluster.inject = ({ verb }) => {
      if (verb === 'apply' && !isDropped) {
        isDropped = true;
        world.cluster.drop(unitKind, namespace, 'web');
      }
      return undefined;
    };
    await fleet(['web']);
    await world.advance(20_000, 5000);
    expect(isDropped).toBe(true);
    expect(world.cluster.get(unitKind, namespace, 'web')).toBeUndefined();
    expect(world.data('web')).toBeUndefined();
  });
  it('that cannot be held applies nothing until it can', async () => {
    const denied = failure('Forbidden', 'denied', { message: 'tester may not patch it' });
    world.cluster.inject = ({ verb, key }) =>
      verb === 'mergePatch' && key.includes('Kustomization') ? denied : undefined;
    await fleet(['web']);
    expect(world.data('web')).toBeUndefined();
    world.cluster.inject = () => undefined;
    await world.advance(60_000, 5000);
    expect(world.data('web')).toEqual({ a: '1' });
  });
  it('is not reconciled again while somebody else holds what is left of it', async () => {
    await fleet(['web']);
    await change('web', (draft) => draft.metadata.finalizers.push('example.com/other'));
    world.cluster.drop(unitKind, namespace, 'web');
    await world.advance(20_000, 5000);
    expect(world.cluster.must(unitKind, namespace, 'web').metadata['finalizers']).toEqual([
      'example.com/other',
    ]);
    await world.advance(60_000, 10_000);
    expect(world.data('web')).toBeUndefined();
  });
  it('is looked at when somebody asks, once', async () => {
    await fleet(['web']);
    world.git.push(repository, filesOf([deployment('web'), configMap('web', { a: '2' })], 'web'));
    const annotate = (draft: any): void => {
      draft.metadata.annotations = { 'reconcile.fluxcd.io/requestedAt': 'T1' };
    };
    await change('web', annotate);
    expect(statusOf('web').lastHandledReconcileAt).toBe('T1');
    expect(world.data('web')).toEqual({ a: '2' });
    const { mark } = world;
    await world.settle();
    expect(world.cluster.since(mark)).toEqual([]);
    await change('fleet', annotate, sourceKind);
    expect(statusOf('fleet', sourceKind).lastHandledReconcileAt).toBe('T1');
  });
  it('S6: refers to no source of another namespace', async () => {
    await fleet(['web'], () => ({ sourceRef: { kind: 'GitRepository', name: 'fleet', namespace: 'other' } }));
    expect(ready('web')).toMatchObject({ status: 'False', reason: 'AccessDenied' });
    expect(world.data('web')).toBeUndefined();
  });
});

describe('a GitRepository', () => {
  it('is fetched once for all who refer to it, at its own pace, and only what changed is rendered', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    await world.start();
    const files = Object.assign({}, ...names.map((name) => filesOf([configMap(name)], name))) as Record<
      string,
      string
    >;
    await world.pushFiles(files);
    await world.create(gitRepository());
    for (const name of names) await world.create(kustomization(name));
    expect(fetches()).toBe(1);
    const renders = world.renders;
    const { mark } = world;
    const commit = world.git.push(repository, { ...files, ...filesOf([configMap('c', { a: '2' })], 'c') });
    await world.advance(50_000, 10_000);
    expect([fetches(), world.renders]).toEqual([1, renders]);
    await world.advance(20_000, 10_000);
    expect(fetches()).toBe(2);
    expect(world.renders - renders).toBe(1);
    expect(world.writesSince(mark).filter(({ key }) => key.includes('/payments/'))).toHaveLength(1);
    for (const name of names) expect(statusOf(name).lastAppliedRevision, name).toBe(`main@sha1:${commit}`);
  });
  it('gives its server the longest time that one of those gives who share its fetch', async () => {
    await world.start();
    await world.pushFiles(filesOf([configMap('web')], 'web'));
    const hasGiven = async (): Promise<unknown> => {
      await world.advance(70_000, 10_000);
      return world.git.timeouts.at(-1);
    };
    const where = (name: string): string => `spec.timeout of GitRepository flux-system/${name}`;
    await world.create(gitRepository({ timeout: '20s' }));
    expect(await hasGiven()).toEqual({ ms: 20_000, where: where('fleet') });
    await world.create(gitRepository({ timeout: '5m' }, 'patient'));
    expect(await hasGiven()).toEqual({ ms: 300_000, where: where('patient') });
    await world.create(kustomization('web'));
    expect(await hasGiven()).toEqual({ ms: 300_000, where: where('patient') });
    await change('patient', (draft) => (draft.spec.timeout = '10s'), sourceKind);
    expect(await hasGiven()).toEqual({ ms: 20_000, where: where('fleet') });
  });
  it('F11: a commit that was fetched with another login is not missed', async () => {
    const files = { ...filesOf([configMap('a')], 'a'), ...filesOf([configMap('b')], 'b') };
    await world.start();
    await world.pushFiles(files);
    for (const login of ['one', 'two']) {
      await world.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: login, namespace } });
      await world.create(gitRepository({ secretRef: { name: login } }, login));
    }
    await world.create(kustomization('a', { sourceRef: { kind: 'GitRepository', name: 'one' } }));
    await world.create(kustomization('b', { sourceRef: { kind: 'GitRepository', name: 'two' } }));
    const commit = world.git.push(repository, { ...files, ...filesOf([configMap('c')], 'b') });
    await world.advance(150_000, 10_000);
    for (const name of ['a', 'b'])
      expect(statusOf(name).lastAppliedRevision, name).toBe(`main@sha1:${commit}`);
  });
  it('that is suspended stays where it is, and so do those that refer to it', async () => {
    const commit = await fleet(['web']);
    await change('fleet', (draft) => (draft.spec.suspend = true), sourceKind);
    world.git.push(repository, filesOf([configMap('web', { a: '2' })], 'web'));
    const before = fetches();
    await world.advance(200_000, 10_000);
    expect(fetches()).toBe(before);
    expect(world.data('web')).toEqual({ a: '1' });
    expect(statusOf('web').lastAppliedRevision).toBe(`main@sha1:${commit}`);
    await change('fleet', (draft) => (draft.spec.suspend = false), sourceKind);
    expect(world.data('web')).toEqual({ a: '2' });
  });
  it('that cannot be fetched says so; what is applied stays, and stays Ready', async () => {
    await fleet(['web']);
    world.git.down = {
      kind: 'transient',
      code: 'GitUnreachable',
      stage: 'source',
      message: 'no route',
      hint: '',
    };
    await world.advance(150_000, 10_000);
    expect(ready('fleet', sourceKind)).toMatchObject({ status: 'False', reason: 'GitOperationFailed' });
    expect(ready('web')).toMatchObject({ status: 'True' });
    world.git.down = undefined;
    await world.advance(70_000, 10_000);
    expect(ready('fleet', sourceKind)).toMatchObject({ status: 'True' });
  });
});

describe('dependsOn', () => {
  const chain = (name: string): object => ({
    wait: true,
    ...(name === 'b' ? { dependsOn: [{ name: 'a' }] } : {}),
    ...(name === 'c' ? { dependsOn: [{ name: 'b' }] } : {}),
  });

  it('a chain settles by events: no time passes', async () => {
    await fleet(['c', 'b', 'a'], chain);
    expect(ready('a')).toMatchObject({ status: 'Unknown', reason: 'Progressing' });
    expect(ready('b')).toMatchObject({ status: 'False', reason: 'DependencyNotReady' });
    expect(ready('b')?.message).toMatch(
      /waits for Kustomization flux-system\/a: Deployment payments\/a is progressing/,
    );
    expect([world.data('a'), world.data('b'), world.data('c')]).toEqual([{ a: '1' }, undefined, undefined]);
    await becomesReady('a');
    expect(ready('a')).toMatchObject({ status: 'True' });
    expect(world.data('b')).toEqual({ a: '1' });
    expect(world.data('c')).toBeUndefined();
    await becomesReady('b');
    expect(world.data('c')).toEqual({ a: '1' });
    await becomesReady('c');
    for (const name of ['a', 'b', 'c']) expect(ready(name), name).toMatchObject({ status: 'True' });
  });
  it('a change goes through the chain in order', async () => {
    await fleet(['c', 'b', 'a'], chain);
    for (const name of ['a', 'b', 'c']) await becomesReady(name);
    await becomesReady('a', false);
    expect(ready('b')).toMatchObject({ reason: 'DependencyNotReady' });
    await world.pushFiles(
      Object.assign(
        {},
        ...['a', 'b', 'c'].map((name) => filesOf([deployment(name), configMap(name, { a: '2' })], name)),
      ) as Record<string, string>,
    );
    expect([world.data('a'), world.data('b'), world.data('c')]).toEqual([{ a: '2' }, { a: '1' }, { a: '1' }]);
    await becomesReady('a');
    expect([world.data('b'), world.data('c')]).toEqual([{ a: '2' }, { a: '2' }]);
  });
  it('after a restart a chain that stands says nothing new', async () => {
    await fleet(['c', 'b', 'a'], chain);
    for (const name of ['a', 'b', 'c']) await becomesReady(name);
    const { mark } = world;
    await world.restart();
    expect(world.cluster.since(mark).filter(({ verb }) => verb === 'mergePatch' || verb === 'apply')).toEqual(
      [],
    );
    await becomesReady('a', false);
    expect(ready('b')).toMatchObject({ reason: 'DependencyNotReady' });
  });
  it('drift is healed meanwhile', async () => {
    await fleet(['b', 'a'], chain);
    for (const name of ['a', 'b']) await becomesReady(name);
    await becomesReady('a', false);
    world.cluster.edit('ConfigMap', 'payments', 'b', (draft) => (draft.data.a = 'x'), 'kubectl-edit');
    await world.settle();
    expect(world.data('b')).toEqual({ a: '1' });
    expect(ready('b')).toMatchObject({ reason: 'DependencyNotReady' });
  });
  it('who looks in the middle of its turn, and finds it not to be ready, hears how that ends', async () => {
    await fleet(['b', 'a'], chain);
    for (const name of ['a', 'b']) await becomesReady(name);
    expect(ready('b')).toMatchObject({ status: 'True' });
    const annotate = (draft: any): void => {
      draft.metadata.annotations = { 'reconcile.fluxcd.io/requestedAt': 'T1' };
    };
    let hasLooked = false;
    world.cluster.inject = ({ verb, key }) => {
      if (verb === 'mergePatch' || hasLooked || !key.endsWith('payments/a')) return undefined;
      hasLooked = true;
      world.cluster.edit(unitKind, namespace, 'b', annotate, 'kubectl');
      return undefined;
    };
    world.cluster.edit('ConfigMap', 'payments', 'a', (draft) => (draft.data.a = 'x'), 'kubectl-edit');
    await world.settle();
    expect(hasLooked).toBe(true);
    expect(world.data('a')).toEqual({ a: '1' });
    expect(ready('b')).toMatchObject({ status: 'True' });
  });
  it('one that does not exist yet is waited for', async () => {
    await fleet(['b'], chain);
    expect(ready('b')?.message).toMatch(/Kustomization flux-system\/a: it does not exist/);
    await world.pushFiles({ ...filesOf([configMap('a')], 'a'), ...filesOf([configMap('b')], 'b') });
    await world.create(kustomization('a', { wait: true }));
    expect(world.data('b')).toEqual({ a: '1' });
  });
  it('one that is being deleted is waited for, though nothing is left to be done for it', async () => {
    await fleet(['a']);
    await world.pushFiles({ ...filesOf([configMap('a')], 'a'), ...filesOf([configMap('b')], 'b') });
    const hold = (finalizers: readonly string[]): void =>
      void world.cluster.edit(
        'ConfigMap',
        'payments',
        'a',
        (draft) => (draft.metadata.finalizers = finalizers),
        'kubectl',
      );
    hold(['example.com/other']);
    world.cluster.drop(unitKind, namespace, 'a');
    await world.settle();
    await world.create(kustomization('b', chain('b')));
    expect(ready('b')?.message).toMatch(/Kustomization flux-system\/a: it is being deleted/);
    hold([]);
    await world.advance(10_000, 5000);
    expect(ready('b')?.message).toMatch(/Kustomization flux-system\/a: it does not exist/);
    expect(world.data('b')).toBeUndefined();
  });
  it('a circle is named by all in it, and opens when one leaves', async () => {
    await fleet(['a', 'b', 'c'], (name) => ({
      dependsOn: [{ name: name === 'a' ? 'c' : name === 'b' ? 'a' : 'b' }],
    }));
    expect(ready('a')?.message).toMatch(
      /Kustomization flux-system\/a → Kustomization flux-system\/c → Kustomization flux-system\/b → Kustomization flux-system\/a.*\[DependencyCycle\]/,
    );
    expect(statusOf('b').conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({
      status: 'True',
    });
    await change('b', (draft) => (draft.spec.dependsOn = []));
    for (const name of ['a', 'b', 'c']) expect(ready(name), name).toMatchObject({ status: 'True' });
  });
  it('what takes too long is said to have failed, and is waited for all the same', async () => {
    await fleet(['a'], () => ({ wait: true, timeout: '1m' }));
    await world.advance(70_000, 10_000);
    expect(ready('a')).toMatchObject({ status: 'False', reason: 'HealthCheckFailed' });
    await becomesReady('a');
    expect(ready('a')).toMatchObject({ status: 'True' });
  });
  it('healthChecks may name what another applies', async () => {
    await fleet(['a', 'b'], (name) =>
      name === 'a'
        ? {}
        : { healthChecks: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'a', namespace: 'payments' }] },
    );
    expect(ready('a')).toMatchObject({ status: 'True' });
    expect(ready('b')).toMatchObject({ status: 'Unknown' });
    await becomesReady('a');
    expect(ready('b')).toMatchObject({ status: 'True' });
  });
});

describe('an Application that is waited for', () => {
  const healthChecks = [
    { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', name: 'web', namespace: 'argocd' },
  ];
  const waiting = (name: string): object =>
    name === 'next' ? { dependsOn: [{ name: 'first' }] } : { healthChecks };
  const files = (value: string): Record<string, string> => ({
    ...filesOf([configMap('web', { a: value })]),
    ...filesOf([configMap('first', { a: value })], 'first'),
    ...filesOf([configMap('next', { a: value })], 'next'),
  });
  const here = async (spec: object = {}, metadata: object = {}): Promise<void> => {
    await world.start();
    await world.create(world.application('web', spec, metadata));
    await world.pushFiles(files('1'));
    await world.create(gitRepository());
    for (const name of ['first', 'next']) await world.create(kustomization(name, waiting(name)));
  };
  const manual = { syncPolicy: {} };

  it('is Synced and Healthy: one that is well and OutOfSync is waited for, and nothing is polled', async () => {
    await here(manual);
    await world.sync();
    expect(world.status()).toMatchObject({ sync: { status: 'Synced' }, health: { status: 'Healthy' } });
    for (const name of ['first', 'next']) expect(ready(name), name).toMatchObject({ status: 'True' });

    const commit = await world.pushFiles(files('2'));
    expect(world.status()).toMatchObject({ sync: { status: 'OutOfSync' }, health: { status: 'Healthy' } });
    expect(ready('first')).toMatchObject({
      status: 'Unknown',
      message: expect.stringMatching(/Application argocd\/web is progressing \(automated sync is off/),
    });
    expect(ready('next')?.message).toMatch(
      /waits for Kustomization flux-system\/first: Application argocd\/web is progressing/,
    );
    expect([world.data('first'), world.data('next')]).toEqual([{ a: '2' }, { a: '1' }]);
    await world.sync();
    expect(world.data('next')).toEqual({ a: '2' });
    for (const name of ['first', 'next'])
      expect(statusOf(name).lastAppliedRevision, name).toBe(`main@sha1:${commit}`);
  });
  it('is at the commit that is there, and not only well at the one before', async () => {
    await here();
    const slow = Promise.withResolvers<void>();
    world.slow = ({ root }) => (root === 'app' ? slow.promise : undefined);
    const commit = await world.pushFiles(files('2'));
    expect(world.status()).toMatchObject({ sync: { status: 'Synced' }, health: { status: 'Healthy' } });
    expect(ready('first')?.message).toMatch(
      /Application argocd\/web is progressing \(it is at .* is there\)/,
    );
    expect([world.data('first'), world.data('next')]).toEqual([{ a: '2' }, { a: '1' }]);
    slow.resolve();
    await world.settle();
    expect(world.status().sync).toMatchObject({ status: 'Synced', revision: commit });
    expect(world.data('next')).toEqual({ a: '2' });
  });
  it('in what a Kustomization applies, too, where it waits for all of that', async () => {
    await world.start();
    const of = (value: string): Record<string, string> => ({
      ...filesOf([configMap('web', { a: value })]),
      ...filesOf([world.application('web', manual)], 'first'),
    });
    await world.pushFiles(of('1'));
    await world.create(gitRepository());
    await world.create(kustomization('first', { wait: true }));
    await world.sync();
    expect(ready('first')).toMatchObject({ status: 'True' });
    await world.pushFiles(of('2'));
    expect(ready('first')).toMatchObject({
      status: 'Unknown',
      message: expect.stringMatching(/argocd\/web/),
    });
    await world.sync();
    expect(ready('first')).toMatchObject({ status: 'True' });
  });
  it('is heard of when only what it says of its sync changes', async () => {
    await here({ syncPolicy: { automated: {} } });
    const leftover = filesOf([configMap('old')]);
    await world.pushFiles({ ...files('1'), ...leftover });
    expect(ready('first')).toMatchObject({ status: 'True' });
    await world.pushFiles(files('1'));
    expect(ready('first')?.message).toMatch(
      /Application argocd\/web is progressing \(it reports OutOfSync\)/,
    );
    world.cluster.drop('ConfigMap', 'payments', 'old');
    await world.settle();
    expect(world.status().sync?.status).toBe('Synced');
    expect(ready('first')).toMatchObject({ status: 'True' });
  });
  it('that another controller reconciles is believed, and heard of', async () => {
    await world.start();
    const elsewhere = { ...world.application(), metadata: { name: 'web', namespace: 'elsewhere' } };
    const says = (sync: string, health: string): void => {
      const status = { sync: { status: sync }, health: { status: health } };
      world.cluster.edit(
        'argoproj.io/Application',
        'elsewhere',
        'web',
        (draft) => (draft.status = status),
        'argocd-application-controller',
      );
    };
    await world.create(elsewhere);
    says('OutOfSync', 'Healthy');
    await world.pushFiles(files('1'));
    await world.create(gitRepository());
    await world.create(
      kustomization('first', { healthChecks: [{ ...healthChecks[0], namespace: 'elsewhere' }] }),
    );
    expect(ready('first')?.message).toMatch(/it reports OutOfSync/);
    for (const sync of ['Synced', 'OutOfSync', 'Synced']) {
      says(sync, 'Healthy');
      await world.settle();
      const status = sync === 'Synced' ? 'True' : 'Unknown';
      expect(ready('first'), sync).toMatchObject({ status });
    }
  });
  it('that reads only some paths is at a commit which changes others', async () => {
    await here({}, { annotations: { 'argocd.argoproj.io/manifest-generate-paths': '.' } });
    expect(ready('first')).toMatchObject({ status: 'True' });
    const commit = await world.pushFiles({ ...files('1'), 'README.md': 'another' });
    expect(statusOf('first').lastAppliedRevision).toBe(`main@sha1:${commit}`);
    expect(ready('first')).toMatchObject({ status: 'True' });
    expect(world.status().sync?.revision).not.toBe(commit);
  });
  it('is not waited for by an application of applications: that is as in Argo CD', async () => {
    await world.start();
    const child = (value: string): Record<string, string> => ({
      ...filesOf([configMap('web', { a: value })]),
      ...filesOf([world.application('web', manual)], 'apps'),
    });
    await world.pushFiles(child('1'));
    await world.create(
      world.application('root', { source: { repoURL: repository, path: 'apps', targetRevision: 'main' } }),
    );
    expect(world.status('web').sync?.status).toBe('OutOfSync');
    expect(world.status('root')).toMatchObject({ sync: { status: 'Synced' }, health: { status: 'Healthy' } });
  });
  it('after a restart what stands says nothing new, before the Application was looked at, too', async () => {
    await here();
    expect(ready('next')).toMatchObject({ status: 'True' });
    await world.restart();
    world.crash();
    world.cluster.edit('ConfigMap', 'payments', 'web', (draft) => (draft.data.a = 'x'), 'kubectl-edit');
    world.kept.values.clear();
    const slow = Promise.withResolvers<void>();
    world.slow = () => slow.promise;
    const { mark } = world;
    await world.start();
    expect(world.data('web')).toEqual({ a: 'x' });
    expect(world.cluster.since(mark).filter(({ verb }) => verb === 'mergePatch' || verb === 'apply')).toEqual(
      [],
    );
    slow.resolve();
    await world.settle();
    expect(world.data('web')).toEqual({ a: '1' });
  });
  it('after a restart, is behind the commit that came meanwhile', async () => {
    await here();
    world.crash();
    world.git.push(repository, files('2'));
    const slow = Promise.withResolvers<void>();
    world.slow = ({ root }) => (root === 'app' ? slow.promise : undefined);
    await world.start();
    expect([world.data('web'), world.data('next')]).toEqual([{ a: '1' }, { a: '1' }]);
    expect(ready('first')?.message).toMatch(
      /Application argocd\/web is progressing \(it is at .* is there\)/,
    );
    slow.resolve();
    await world.settle();
    expect([world.data('web'), world.data('next')]).toEqual([{ a: '2' }, { a: '2' }]);
  });
});

describe('F29: Flux was here before', () => {
  const left = (name: string, commit: string): Manifest => ({
    ...kustomization(name, {}, { finalizers: ['finalizers.fluxcd.io'] }),
    status: {
      conditions: [{ type: 'Ready', status: 'True', reason: 'ReconciliationSucceeded', message: 'Applied' }],
      observedGeneration: 1,
      lastAppliedRevision: `main@sha1:${commit}`,
      inventory: {
        entries: [
          { id: 'payments_web__ConfigMap', v: 'v1' },
          { id: 'payments_old__ConfigMap', v: 'v1' },
        ],
      },
    },
  });
  const marked = (name: string): Manifest => {
    const object = configMap(name);
    const labels = {
      'kustomize.toolkit.fluxcd.io/name': 'web',
      'kustomize.toolkit.fluxcd.io/namespace': namespace,
    };
    return { ...object, metadata: { ...object.metadata, labels } };
  };
  const lease = (renewTime: string): Manifest => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'kustomize-controller-leader-election', namespace },
    spec: { holderIdentity: 'kustomize-controller-1', leaseDurationSeconds: 35, renewTime },
  });
  const ask = (draft: any): void => {
    draft.metadata.annotations = { 'reconcile.fluxcd.io/requestedAt': 'T1' };
  };

  async function taken(): Promise<void> {
    const commit = await world.pushFiles(filesOf([configMap('web', { a: '2' })], 'web'));
    for (const name of ['web', 'old']) world.cluster.put(marked(name), 'kustomize-controller');
    world.cluster.put(gitRepository());
    world.cluster.put(left('web', commit), 'gotk-kustomize-controller');
  }

  it('its resources are only observed until somebody asks; its inventory is taken over, and nothing is deleted', async () => {
    await taken();
    await world.start();
    expect(world.data('web')).toEqual({ a: '1' });
    expect(statusOf('web').conditions).toHaveLength(1);
    await change('web', ask);
    expect(world.data('web')).toEqual({ a: '2' });
    expect(world.data('old')).toEqual({ a: '1' });
    expect(ready('web')).toMatchObject({ status: 'True' });
    expect(ready('web')?.message).toMatch(/ConfigMap payments\/old: it came with the takeover/);
    await change('web', (draft) => {
      draft.metadata.annotations = { 'reconcile.fluxcd.io/requestedAt': 'T2', 'trueup.dev/prune': 'true' };
    });
    expect(world.data('old')).toBeUndefined();
  });
  it('as long as its lease is renewed nothing is written, whoever asks', async () => {
    await taken();
    world.cluster.put(lease(new Date(world.time.now()).toISOString()));
    await world.start();
    await change('web', ask);
    expect(world.data('web')).toEqual({ a: '1' });
    await world.advance(80_000, 10_000);
    expect(world.data('web')).toEqual({ a: '2' });
  });
});
