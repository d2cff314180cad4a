/** The Cluster port against a real API server. */
import { readFileSync } from 'node:fs';
import { MessageChannel } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { fakeLens } from '../../src/kube/lens.fixture.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import { openCluster } from '#kube/cluster.ts';
import { readKubeconfig } from '#kube/kubeconfig.ts';
import { connectCluster, serveCluster } from '#kube/remote.ts';
import type { Result } from '#model/failure.ts';
import type { Manifest, ObjectRef } from '#model/object.ts';
import type { Cluster, FollowBatch, Log, ObjectChange, Written } from '#model/ports.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const readFile = (path: string): string => readFileSync(path, 'utf8');
const MANAGER = 'trueup-test';
const namespace = `kube-port-${Math.floor(Math.random() * 1e9).toString(36)}`;

function open(kubeconfig: string): Cluster {
  return openCluster({
    id: 'test',
    access: valueOf(readKubeconfig(kubeconfig, readFile)),
    lens: fakeLens(MANAGER),
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    log: silent,
    meter: { count() {}, observe() {} },
    readFile,
  });
}

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
  return result.value;
}
function doneOf<T>(result: Result<Written<T>>): T {
  const written = valueOf(result);
  if (written.result === 'stale') throw new Error(`stale: ${written.why}`);
  return written.value;
}
async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the condition did not come true');
}

function configMap(name: string, data: Record<string, string>, finalizers?: string[]): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, ...(finalizers === undefined ? {} : { finalizers }) },
    data,
  };
}
function mapRef(name: string): ObjectRef {
  return { group: '', version: 'v1', kind: 'ConfigMap', namespace, name };
}
const namespaceRef: ObjectRef = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  namespace: '',
  name: namespace,
};

let cluster: Cluster;
let other: Cluster;

beforeAll(async () => {
  const kubeconfig = inject('kubeconfig');
  cluster = open(kubeconfig);
  other = open(kubeconfig);
  doneOf(await other.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }));
});
afterAll(async () => {
  await other.delete(namespaceRef);
  await Promise.all([cluster.close(), other.close()]);
});

function apply(
  name: string,
  data: Record<string, string>,
  how: Partial<Parameters<Cluster['apply']>[0]> = {},
) {
  return cluster.apply({
    ref: mapRef(name),
    manifest: configMap(name, data),
    manager: MANAGER,
    force: false,
    expect: 'absent',
    ...how,
  });
}

describe('discovery', () => {
  test('tells the version and every served kind in every version', async () => {
    expect(valueOf(await cluster.capabilities()).kubeVersion).toMatch(/^v1\.\d+/);
    const resources = valueOf(await cluster.resources());
    expect(resources).toContainEqual(
      expect.objectContaining({
        group: 'apps',
        version: 'v1',
        kind: 'Deployment',
        plural: 'deployments',
        namespaced: true,
      }),
    );
    expect(resources.filter((kind) => kind.plural.includes('/'))).toEqual([]);
    expect(resources.filter((kind) => kind.group === 'autoscaling').map((kind) => kind.version)).toContain(
      'v2',
    );
  });
});

describe('apply', () => {
  test('creates, updates, and says which it did', async () => {
    const created = doneOf(await apply('a', { k: '1' }));
    expect(created).toMatchObject({ created: true, values: { '.data': { k: '1' } }, warnings: [] });
    const { uid } = created.object;
    const updated = doneOf(await apply('a', { k: '2' }, { expect: { uid } }));
    expect(updated).toMatchObject({ created: false, values: { '.data': { k: '2' } } });
    expect(updated.object.projection).not.toBe(created.object.projection);
  });

  test('is stale when the object is another one, gone, or has changed', async () => {
    const { object } = doneOf(await apply('b', { k: '1' }));
    const wrong = '11111111-1111-1111-1111-111111111111';
    expect(valueOf(await apply('b', { k: '2' }, { expect: { uid: wrong } }))).toEqual({
      result: 'stale',
      why: `ConfigMap ${namespace}/b was deleted and created anew`,
    });
    expect(valueOf(await apply('nothing', { k: '2' }, { expect: { uid: wrong } }))).toEqual({
      result: 'stale',
      why: `ConfigMap ${namespace}/nothing is gone`,
    });
    const changed = { uid: object.uid, resourceVersion: '1' };
    expect(valueOf(await apply('b', { k: '2' }, { expect: changed }))).toEqual({
      result: 'stale',
      why: `ConfigMap ${namespace}/b was changed meanwhile`,
    });
  });

  test('names the field and its owner when it does not force (F3)', async () => {
    const { object } = doneOf(await apply('c', { k: '1' }));
    const theirs = { manager: 'somebody', expect: { uid: object.uid } };
    expect(valueOf(await apply('c', { k: '2' }, theirs))).toEqual({
      result: 'stale',
      why: `field .data.k is owned by ${MANAGER}`,
    });
    expect(doneOf(await apply('c', { k: '2' }, { ...theirs, force: true })).values).toEqual({
      '.data': { k: '2' },
    });
  });

  test('a dry run changes nothing', async () => {
    const dry = doneOf(await apply('dry', { k: '1' }, { dryRun: true }));
    expect(dry.values).toEqual({ '.data': { k: '1' } });
    expect(valueOf(await cluster.read(mapRef('dry')))).toBeUndefined();
    expect(await cluster.sightings([mapRef('dry')], 5_000)).toEqual([{ state: 'absent' }]);
  });

  test('refusals name the remedy: no namespace, a wrong field, an unknown kind', async () => {
    const elsewhere = { ...configMap('a', {}), metadata: { name: 'a', namespace: 'nowhere' } };
    const missing = await apply(
      'a',
      {},
      { ref: { ...mapRef('a'), namespace: 'nowhere' }, manifest: elsewhere },
    );
    expect(missing).toMatchObject({ ok: false, failure: { kind: 'terminal', code: 'NamespaceNotFound' } });
    if (!missing.ok) expect(missing.failure.hint).toContain('CreateNamespace=true');

    const bad = { ...configMap('bad', {}), data: { k: 7 } };
    expect(await apply('bad', {}, { manifest: bad })).toMatchObject({
      ok: false,
      failure: {
        kind: 'terminal',
        code: 'Invalid',
        message: expect.stringContaining('.data.k: expected string'),
      },
    });

    const ref: ObjectRef = { group: 'nope.example', version: 'v1', kind: 'Nope', namespace, name: 'a' };
    const manifest = { apiVersion: 'nope.example/v1', kind: 'Nope', metadata: { name: 'a', namespace } };
    expect(await apply('a', {}, { ref, manifest })).toMatchObject({
      ok: false,
      failure: { code: 'KindNotServed' },
    });
  });

  test('the value of a Secret is in no message (S14)', async () => {
    const ref: ObjectRef = { ...mapRef('s'), kind: 'Secret' };
    const canary = 'canary-4711';
    const manifests: Manifest[] = [
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace }, stringData: { k: { canary } } },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace }, data: { k: canary } },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 's', namespace },
        data: { [`${canary}/x`]: 'YQ==' },
      },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 's', namespace },
        type: 'kubernetes.io/tls',
        stringData: { 'tls.crt': canary },
      },
    ];
    for (const manifest of manifests) {
      const refused = await apply('s', {}, { ref, manifest });
      expect(refused).toMatchObject({ ok: false, failure: { kind: 'terminal' } });
      expect(JSON.stringify(refused)).not.toContain(canary);
    }
  });

  test('what the server remarks comes along', async () => {
    const ref: ObjectRef = { group: 'apps', version: 'v1', kind: 'Deployment', namespace, name: 'w' };
    const container = { name: 'c', image: 'i', env: [{ name: 'A', value: '$(B)' }] };
    const manifest: Manifest = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'w', namespace },
      spec: {
        replicas: 0,
        selector: { matchLabels: { a: 'w' } },
        template: {
          metadata: {
            labels: { a: 'w' },
            annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' },
          },
          spec: { containers: [container], nodeSelector: { 'beta.kubernetes.io/os': 'linux' } },
        },
      },
    };
    const { warnings } = doneOf(await apply('w', {}, { ref, manifest }));
    expect(warnings).toContainEqual(expect.stringContaining('beta.kubernetes.io/os'));
  });
});

describe('a change that cannot be made', () => {
  const pod = { containers: [{ name: 'c', image: 'a:1' }] };
  const template = (app: string): object => ({ metadata: { labels: { app } }, spec: pod });
  const workload = (app: string, more = {}): object => ({
    selector: { matchLabels: { app } },
    template: template(app),
    ...more,
  });
  const job = (image: string): object => ({
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image }] } },
  });
  const claim = (storageClassName: string): object => ({
    accessModes: ['ReadWriteOnce'],
    storageClassName,
    resources: { requests: { storage: '1Gi' } },
  });
  const role = (name: string): object => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name });
  const rbac = 'rbac.authorization.k8s.io/v1';
  const ports = [{ port: 80 }];

  async function change(apiVersion: string, kind: string, before: object, after: object) {
    const [version, group = ''] = apiVersion.split('/').toReversed();
    const name = `fixed-${kind.toLowerCase()}`;
    const ref = { group, version: version!, kind, namespace, name };
    const metadata = { name, namespace };
    const live = await cluster.read(ref);
    if (valueOf(live) === undefined)
      doneOf(await apply(name, {}, { ref, manifest: { apiVersion, kind, metadata, ...before } as Manifest }));
    const manifest = { apiVersion, kind, metadata, ...after } as Manifest;
    const uid = String(valueOf(await cluster.read(ref))?.metadata['uid']);
    return { applied: await apply(name, {}, { ref, manifest, expect: { uid } }), manifest };
  }

  test.each<[string, string, object, object]>([
    ['apps/v1', 'Deployment', { spec: workload('a') }, { spec: workload('b') }],
    [
      'apps/v1',
      'StatefulSet',
      { spec: workload('a', { serviceName: 'a' }) },
      { spec: workload('a', { serviceName: 'b' }) },
    ],
    ['batch/v1', 'Job', { spec: job('a:1') }, { spec: job('a:2') }],
    ['v1', 'PersistentVolumeClaim', { spec: claim('a') }, { spec: claim('b') }],
    [rbac, 'RoleBinding', { roleRef: role('a') }, { roleRef: role('b') }],
    ['v1', 'ConfigMap', { immutable: true, data: { a: '1' } }, { immutable: true, data: { a: '2' } }],
    ['v1', 'Secret', { type: 'a' }, { type: 'b' }],
    ['v1', 'Service', { spec: { ports } }, { spec: { ports, clusterIP: 'None' } }],
  ])('%s %s: told from what is wrong in itself, and created if it were not there', async (...of) => {
    const { applied, manifest } = await change(...of);
    expect(applied).toMatchObject({ ok: false, failure: { kind: 'terminal', code: 'ImmutableField' } });
    expect(await cluster.tryCreation(manifest)).toMatchObject({ ok: true });
  });

  test.each<[string, object]>([
    ['a value', { spec: workload('b', { replicas: -1 }) }],
    ['a type', { spec: workload('b', { replicas: 'many' }) }],
    ['an unknown field', { spec: workload('b', { replica: 1 }) }],
    [
      'a name given twice',
      {
        spec: {
          ...workload('b'),
          template: { ...template('b'), spec: { containers: [...pod.containers, ...pod.containers] } },
        },
      },
    ],
  ])('%s that no creation would have is no change that cannot be made', async (_what, after) => {
    const { applied, manifest } = await change('apps/v1', 'Deployment', { spec: workload('a') }, after);
    expect(applied).toMatchObject({ ok: false, failure: { kind: 'terminal', code: 'Invalid' } });
    expect(await cluster.tryCreation(manifest)).toMatchObject({ ok: false, failure: { kind: 'terminal' } });
  });
});

describe('patch and remove', () => {
  test('a JSON patch is guarded by uid and version', async () => {
    const { object } = doneOf(await apply('p', { k: '1' }));
    const label = [{ op: 'add', path: '/metadata/labels', value: { a: 'b' } }];
    expect(valueOf(await cluster.patch(mapRef('p'), label, MANAGER, { uid: 'other' }))).toMatchObject({
      result: 'stale',
    });
    const { uid, resourceVersion } = object;
    const old = { uid, resourceVersion: '1' };
    expect(valueOf(await cluster.patch(mapRef('p'), label, MANAGER, old))).toMatchObject({ result: 'stale' });
    const patched = doneOf(await cluster.patch(mapRef('p'), label, MANAGER, { uid, resourceVersion }));
    expect(patched.object.uid).toBe(uid);
    const broken = await cluster.patch(mapRef('p'), [{ op: 'remove', path: '/data/none' }], MANAGER, { uid });
    expect(broken).toMatchObject({ ok: false, failure: { kind: 'terminal', code: 'Invalid' } });
  });

  test('a delete is gone, deleting while a finalizer holds it, or stale (F27)', async () => {
    const { object } = doneOf(await apply('d', { k: '1' }));
    const other = { uid: '11111111-1111-1111-1111-111111111111' };
    expect(valueOf(await cluster.remove(mapRef('d'), other, 'Background'))).toMatchObject({
      result: 'stale',
    });
    const { uid } = object;
    expect(doneOf(await cluster.remove(mapRef('d'), { uid }, 'Background'))).toBe('gone');
    expect(doneOf(await cluster.remove(mapRef('d'), { uid }, 'Background'))).toBe('gone');
    expect(await cluster.sightings([mapRef('d')], 5_000)).toEqual([{ state: 'absent' }]);

    const held = doneOf(await apply('f', {}, { manifest: configMap('f', {}, ['test.trueup.dev/hold']) }));
    const expected = { uid: held.object.uid };
    expect(doneOf(await cluster.remove(mapRef('f'), expected, 'Foreground'))).toBe('deleting');
    const [seen] = await cluster.sightings([mapRef('f')], 5_000);
    if (seen?.state !== 'present') throw new Error(`expected it present, it is ${seen?.state}`);
    expect(seen.object.deletingSinceMs).toBeGreaterThan(0);
    expect(seen.object.finalizers).toContain('test.trueup.dev/hold');
    doneOf(await cluster.mergePatch(mapRef('f'), { metadata: { finalizers: null } }));
    await expect.poll(() => cluster.sightings([mapRef('f')], 5_000)).toEqual([{ state: 'absent' }]);
  });
});

describe('observation', () => {
  test('our own write is seen at once, others by the watch (F6)', async () => {
    const changes: ObjectChange[] = [];
    cluster.onChange((batch) => changes.push(...batch));
    await cluster.sightings([mapRef('x')], 5_000);
    const { object } = doneOf(await apply('x', { k: '1' }));
    expect(await cluster.sightings([mapRef('x')], 5_000)).toEqual([{ state: 'present', object }]);
    const { uid } = object;
    const edited = {
      ref: mapRef('x'),
      manifest: configMap('x', { k: '9' }),
      manager: 'human',
      force: true,
      expect: { uid },
    };
    doneOf(await other.apply(edited));
    const about = () => changes.filter((change) => change.ref.name === 'x');
    await until(() =>
      about().some((change) => change.object !== undefined && change.object.projection !== object.projection),
    );
    doneOf(await other.remove(mapRef('x'), { uid }, 'Background'));
    await until(() => about().some((change) => change.object === undefined));
    expect(await cluster.sightings([mapRef('x')], 5_000)).toEqual([{ state: 'absent' }]);
  });

  test('a kind that is not served is unknown, and found when its CRD comes; gone again it is unknown, not empty (F19)', async () => {
    const group = `${namespace}.example.com`;
    const ref: ObjectRef = { group, version: 'v1', kind: 'Widget', namespace, name: 'w' };
    const [before] = await cluster.sightings([ref], 10_000);
    expect(before).toMatchObject({ state: 'unknown', why: expect.stringContaining('does not serve Widget') });
    const followed: FollowBatch[] = [];
    const selection = { kind: { group, version: 'v1', kind: 'Widget' }, plural: 'widgets', optional: true };
    const following = cluster.follow(selection, (batch) => followed.push(batch));
    await until(() => followed.length === 1);
    expect(followed[0]).toEqual({ synced: true, changed: [], gone: [] });
    const crd: Manifest = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `widgets.${group}` },
      spec: {
        group,
        names: { kind: 'Widget', plural: 'widgets' },
        scope: 'Namespaced',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
            subresources: { status: {} },
          },
        ],
      },
    };
    doneOf(await other.create(crd));
    await expect
      .poll(() => cluster.sightings([ref], 5_000), { timeout: 15_000 })
      .toEqual([{ state: 'absent' }]);

    const widget = { apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name: 'w', namespace } };
    doneOf(await cluster.create(widget));
    const patched = doneOf(
      await cluster.mergePatch(ref, { metadata: { labels: { a: 'b' } }, status: { phase: 'Fine' } }),
    );
    expect(patched).toMatchObject({ metadata: { labels: { a: 'b' } }, status: { phase: 'Fine' } });
    expect(await cluster.sightings([ref], 5_000)).toMatchObject([{ state: 'present' }]);
    await until(() =>
      followed.some(({ changed }) => changed.some((manifest) => manifest.metadata.name === 'w')),
    );

    await other.delete({
      group: 'apiextensions.k8s.io',
      version: 'v1',
      kind: 'CustomResourceDefinition',
      namespace: '',
      name: `widgets.${group}`,
    });
    await expect
      .poll(() => cluster.sightings([ref], 5_000), { timeout: 30_000 })
      .toMatchObject([{ state: 'unknown', why: expect.stringContaining('does not serve') }]);
    expect(followed.at(-1)?.gone).toMatchObject([{ name: 'w' }]);
    following.stop();
  });

  test('bodies come from the store or by a read, undefined where absent', async () => {
    doneOf(await apply('body', { k: '1' }));
    doneOf(await other.create(configMap('foreign', { f: '1' })));
    const refs = [mapRef('body'), mapRef('foreign'), mapRef('none')];
    await expect
      .poll(async () => valueOf(await cluster.bodies(refs)).map((body) => body?.['data']))
      .toEqual([{ k: '1' }, { f: '1' }, undefined]);
  });
});

describe('follow', () => {
  test('gives the first list, then changes and removals', async () => {
    const batches: FollowBatch[] = [];
    const selection = {
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      plural: 'configmaps',
      namespace,
      labelSelector: 'follow=me',
      optional: false,
    };
    const following = cluster.follow(selection, (batch) => batches.push(batch));
    await until(() => batches.length > 0);
    expect(batches[0]).toEqual({ synced: true, changed: [], gone: [] });
    const labelled = { ...configMap('l', {}), metadata: { name: 'l', namespace, labels: { follow: 'me' } } };
    doneOf(await other.create(labelled));
    await until(() =>
      batches.some((batch) => batch.changed.some((manifest) => manifest.metadata.name === 'l')),
    );
    // An object that loses the label leaves the selection.
    doneOf(await other.mergePatch(mapRef('l'), { metadata: { labels: { follow: null } } }));
    await until(() => batches.some((batch) => batch.gone.some((key) => key.name === 'l')));
    following.stop();
  });

  test('an optional kind that is not served has no objects', async () => {
    const batches: FollowBatch[] = [];
    const kind = { group: 'absent.example.com', version: 'v1', kind: 'Absent' };
    const following = cluster.follow({ kind, plural: 'absents', optional: true }, (batch) =>
      batches.push(batch),
    );
    await until(() => batches.length > 0);
    expect(batches).toEqual([{ synced: true, changed: [], gone: [] }]);
    following.stop();
  });
});

describe('identity', () => {
  test('what may not be read is unknown, with who may not do what (F19)', async () => {
    const path = inject('nobodyKubeconfig');
    if (path === '') return;
    const nobody = open(path);
    const [seen] = await nobody.sightings([mapRef('a')], 10_000);
    expect(seen).toMatchObject({
      state: 'unknown',
      why: expect.stringContaining('nobody may not list configmaps'),
    });
    expect(await nobody.read(mapRef('a'))).toMatchObject({
      ok: false,
      failure: { kind: 'denied', code: 'Forbidden' },
    });
    await nobody.close();
  });
});

describe('across a MessagePort', () => {
  test('answers, changes and batches cross, and a closed end fails calls instead of hanging', async () => {
    const { port1, port2 } = new MessageChannel();
    serveCluster(port1, open(inject('kubeconfig')));
    const remote = connectCluster(port2, 'remote');
    const changes: ObjectChange[] = [];
    remote.onChange((batch) => changes.push(...batch));
    remote.observe([{ group: '', version: 'v1', kind: 'ConfigMap' }]);
    expect(valueOf(await remote.capabilities()).kubeVersion).toMatch(/^v1/);
    expect(await remote.sightings([mapRef('remote')], 5_000)).toEqual([{ state: 'absent' }]);
    doneOf(await other.create(configMap('remote', {})));
    await until(() => changes.some((change) => change.ref.name === 'remote'));
    await remote.close();
    expect(await remote.capabilities()).toMatchObject({ ok: false, failure: { code: 'WorkerGone' } });
  });
});
