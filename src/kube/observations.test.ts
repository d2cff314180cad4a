import { afterEach, describe, expect, test } from 'vitest';
import type { Manifest, ObjectRef } from '#model/object.ts';
import type { ObjectHealth } from '#model/observed.ts';
import type { Cluster, Lens, ObjectChange } from '#model/ports.ts';
import type { Received } from './api-server.fixture.ts';
import { FakeApi, json, status } from './api-server.fixture.ts';
import type { ClusterOptions } from './cluster.ts';
import { openCluster } from './cluster.ts';
import { fakeLens } from './lens.fixture.ts';
import { CountingMeter, ManualTime, middling, silent, until, turns } from './manual-time.fixture.ts';

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop();
});

const mapRef: ObjectRef = { group: '', version: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'a' };
const scalerRef = (version: string): ObjectRef => ({
  group: 'scale',
  version,
  kind: 'Scaler',
  namespace: 'n',
  name: 'a',
});

/** A server of ConfigMaps, and of Scalers in two versions, without aggregated discovery. */
async function start(options: ClusterOptions = {}, lens = fakeLens('m')) {
  const objects = new Map<string, Manifest[]>([
    ['configmaps', []],
    ['scalers', []],
  ]);
  const watching: {
    request: Received;
    write: (type: string, object: object) => void;
    writeText: (text: string) => void;
    end: () => void;
  }[] = [];
  const special = {
    answer: undefined as ((request: Received) => { code: number; body: object } | undefined) | undefined,
  };
  const resource = (name: string, kind: string) => ({
    name,
    kind,
    namespaced: true,
    verbs: ['list', 'watch', 'get', 'patch'],
  });
  const api = await FakeApi.start((request, response) => {
    const told = special.answer?.(request);
    if (told !== undefined) return json(response, told.code, told.body);
    const served: Record<string, object> = {
      '/api': { kind: 'APIVersions', versions: ['v1'] },
      '/apis': {
        kind: 'APIGroupList',
        groups: [{ name: 'scale', versions: [{ groupVersion: 'scale/v1' }, { groupVersion: 'scale/v2' }] }],
      },
      '/api/v1': {
        resources: [resource('configmaps', 'ConfigMap'), { name: 'configmaps/status', kind: 'ConfigMap' }],
      },
      '/apis/scale/v1': { resources: [resource('scalers', 'Scaler')] },
      '/apis/scale/v2': { resources: [resource('scalers', 'Scaler')] },
    };
    const body = served[request.path];
    if (body !== undefined) return json(response, 200, body);
    const plural = request.path.split('/').at(-1) ?? '';
    if (request.query.get('watch') !== null) {
      response.writeHead(200);
      response.flushHeaders();
      watching.push({
        request,
        write: (type, object) => response.write(`${JSON.stringify({ type, object })}\n`),
        writeText: (text) => response.write(text),
        end: () => response.end(),
      });
      return;
    }
    const items = objects.get(plural);
    if (items === undefined)
      return json(response, 404, status(404, 'NotFound', 'the server could not find the requested resource'));
    json(response, 200, { kind: 'List', metadata: { resourceVersion: '10' }, items });
  });
  const time = new ManualTime();
  const cluster: Cluster = openCluster({
    id: 'c',
    access: api.access,
    lens,
    clock: time,
    timers: time,
    random: middling,
    log: silent,
    meter: new CountingMeter(),
    readFile: () => '',
    options,
  });
  open.push({ stop: () => cluster.close() }, api);
  const watchOf = async (path: string) => {
    await until(() => watching.some(({ request }) => request.path === path), `a watch of ${path}`);
    return watching.findLast(({ request }) => request.path === path)!;
  };
  return { api, time, cluster, objects, special, watchOf, watching };
}

function object(ref: ObjectRef, version: number, data: string): Manifest {
  return {
    apiVersion: ref.group === '' ? ref.version : `${ref.group}/${ref.version}`,
    kind: ref.kind,
    metadata: {
      name: ref.name,
      namespace: ref.namespace,
      uid: 'u',
      resourceVersion: String(version),
      managedFields: [{ manager: 'm', operation: 'Apply' }],
    },
    data,
  };
}

describe('discovery without aggregation', () => {
  test('asks group by group, leaves subresources out', async () => {
    const { cluster } = await start();
    const resources = await cluster.resources();
    if (!resources.ok) throw new Error(resources.failure.message);
    expect(resources.value.map(({ version, plural }) => `${version}/${plural}`)).toEqual([
      'v1/configmaps',
      'v1/scalers',
      'v2/scalers',
    ]);
  });

  test('F19: a group that cannot be asked is not a group without kinds', async () => {
    const { cluster, special } = await start();
    special.answer = ({ path }) =>
      path === '/apis/scale/v1' ? { code: 404, body: status(404, 'NotFound') } : undefined;
    expect(await cluster.list(scalerRef('v1'))).toMatchObject({
      ok: false,
      failure: { code: 'DiscoveryIncomplete' },
    });
    expect(await cluster.list(scalerRef('v3'))).toMatchObject({
      ok: false,
      failure: { code: 'KindNotServed' },
    });
  });
});

describe('what the cluster serves', () => {
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };

  /** A cluster whose version and kinds may change, watched by somebody. */
  async function watched() {
    const world = await start();
    const now = { version: 'v1.36.0', scalers: 'Scaler', told: 0 };
    world.objects.set('customresourcedefinitions', []);
    world.special.answer = ({ path }) => {
      if (path === '/version') return { code: 200, body: { gitVersion: now.version } };
      if (path !== '/apis/scale/v2') return undefined;
      const scalers = { name: 'scalers', kind: now.scalers, namespaced: true, verbs: ['list', 'watch'] };
      return { code: 200, body: { resources: [scalers] } };
    };
    const capabilities = await world.cluster.capabilities();
    expect(capabilities).toEqual({
      ok: true,
      value: {
        kubeVersion: 'v1.36.0',
        apiVersions: ['scale/v1', 'scale/v1/Scaler', 'scale/v2', 'scale/v2/Scaler', 'v1', 'v1/ConfigMap'],
        unknown: [],
      },
    });
    world.cluster.onKinds(() => (now.told += 1));
    const watch = await world.watchOf(definitions);
    const looks = () => world.api.received.filter(({ path }) => path === '/version').length;
    /** The looks that follow a change are over. */
    const looked = async () => {
      const before = looks();
      await until(() => world.time.delaysMs.includes(5_000));
      for (let step = 1; step <= 3; step += 1) {
        world.time.advance(5_000);
        await turns(30);
      }
      await until(() => looks() > before);
    };
    return { ...world, now, watch, looked, looks };
  }

  test('is told when a definition changes it, and not when it does not', async () => {
    const { cluster, now, watch, looked } = await watched();
    watch.write('ADDED', { ...definition, metadata: { name: 'a', uid: '1', resourceVersion: '11' } });
    await looked();
    expect(now.told).toBe(0);
    now.scalers = 'Rescaler';
    watch.write('MODIFIED', { ...definition, metadata: { name: 'a', uid: '1', resourceVersion: '12' } });
    await looked();
    expect(now.told).toBe(1);
    expect(await cluster.capabilities()).toMatchObject({
      value: { apiVersions: expect.arrayContaining(['scale/v2/Rescaler']) },
    });
  });
  test('is looked at anew when the server may be another one: after an upgrade its version is', async () => {
    const { cluster, now, watch, looked, looks, time } = await watched();
    const before = looks();
    time.advance(60_000);
    await turns();
    expect(looks()).toBe(before);
    now.version = 'v1.37.0';
    watch.end();
    await looked();
    expect(now.told).toBe(1);
    expect(await cluster.capabilities()).toMatchObject({ value: { kubeVersion: 'v1.37.0' } });
  });
});

describe('sightings', () => {
  test('observe the kinds that are asked for, and tell present from absent', async () => {
    const { cluster, objects } = await start();
    objects.set('configmaps', [object(mapRef, 5, 'x')]);
    const seen = await cluster.sightings([mapRef, { ...mapRef, name: 'b' }], 1_000);
    expect(seen).toMatchObject([{ state: 'present', object: { uid: 'u' } }, { state: 'absent' }]);
  });

  test('F5: of a cluster that cannot be reached are unknown at the deadline, with the server and what to check', async () => {
    const { api, cluster, time } = await start();
    const { server } = api.access;
    await api.stop();
    const seen = cluster.sightings([mapRef], 60_000);
    for (let second = 0; second < 60; second += 1) {
      await turns(5);
      time.advance(1_000);
    }
    expect(await seen).toMatchObject([
      { state: 'unknown', why: expect.stringContaining(`cannot reach the Kubernetes API at ${server}`) },
    ]);
  });

  test('F5: of a kind whose watch stays broken are unknown after a bound, and known again afterwards', async () => {
    const { cluster, special, time, watchOf } = await start({ staleAfterMs: 60_000 });
    await cluster.sightings([mapRef], 1_000);
    const watch = await watchOf('/api/v1/configmaps');
    special.answer = ({ path }) =>
      path === '/api/v1/configmaps' ? { code: 500, body: status(500, 'InternalError') } : undefined;
    time.advance(2_000);
    watch.end();
    await until(() => time.delaysMs.some((delay) => delay < 5_000));
    expect(await cluster.sightings([mapRef], 1)).toEqual([{ state: 'absent' }]);
    for (let minute = 0; minute < 70; minute += 1) {
      time.advance(1_000);
      await turns(5);
    }
    const seen = cluster.sightings([mapRef], 1);
    time.advance(1);
    expect(await seen).toMatchObject([{ state: 'unknown', why: expect.stringContaining('500') }]);
    special.answer = undefined;
    const again = cluster.sightings([mapRef], 120_000);
    time.advance(30_000);
    expect(await again).toEqual([{ state: 'absent' }]);
  });

  test('F19: forbidden is unknown at once, and asked again at most once a second', async () => {
    const { api, cluster, special, time } = await start();
    const lists = (): number => api.received.filter(({ path }) => path === '/api/v1/configmaps').length;
    special.answer = ({ path }) =>
      path === '/api/v1/configmaps'
        ? {
            code: 403,
            body: status(
              403,
              'Forbidden',
              'configmaps is forbidden: User "bob" cannot list resource "configmaps" in API group "" at the cluster scope',
            ),
          }
        : undefined;
    const why =
      'bob may not list configmaps cluster-wide (grant the verb list on configmaps to it with a ClusterRole and ClusterRoleBinding)';
    for (let times = 0; times < 3; times += 1)
      expect(await cluster.sightings([mapRef], 9_000)).toEqual([{ state: 'unknown', why }]);
    expect(lists()).toBe(1);
    special.answer = undefined;
    time.advance(1_000);
    expect(await cluster.sightings([mapRef], 9_000)).toEqual([{ state: 'absent' }]);
  });

  test('F6: a write through another version of the kind is waited for', async () => {
    const { cluster, special, objects, watchOf } = await start();
    const [v1, v2] = [scalerRef('v1'), scalerRef('v2')];
    objects.set('scalers', [object(v2, 5, 'old')]);
    await cluster.sightings([v2], 1_000);
    const watch = await watchOf('/apis/scale/v2/scalers');
    special.answer = ({ method }) =>
      method === 'PATCH' ? { code: 200, body: object(v1, 20, 'ours') } : undefined;
    await cluster.apply({
      ref: v1,
      manifest: object(v1, 0, 'ours'),
      manager: 'm',
      force: true,
      expect: { uid: 'u' },
    });
    let answered = false;
    const seen = cluster.sightings([v2], 5_000).finally(() => (answered = true));
    await turns(50);
    expect(answered).toBe(false);
    watch.write('MODIFIED', object(v2, 20, 'ours'));
    expect(await seen).toMatchObject([{ state: 'present', object: { resourceVersion: '20' } }]);
  });

  test('changes of one turn come together, the last of each object only', async () => {
    const { cluster, watchOf } = await start();
    const batches: (readonly ObjectChange[])[] = [];
    cluster.onChange((batch) => batches.push(batch));
    await cluster.sightings([mapRef], 1_000);
    const watch = await watchOf('/api/v1/configmaps');
    watch.write('ADDED', object(mapRef, 11, 'a'));
    await until(() => batches.length === 1);
    const line = (type: string, version: number): string =>
      `${JSON.stringify({ type, object: object(mapRef, version, `v${version}`) })}\n`;
    watch.writeText(line('MODIFIED', 12) + line('MODIFIED', 13) + line('DELETED', 14));
    await until(() => batches.length === 2);
    expect(batches[1]).toEqual([{ ref: mapRef }]);
  });
});

test('F14: a call whose turn does not come within its deadline is never sent', async () => {
  const { api, cluster, special, time } = await start({ transport: { inFlightMax: 1 } });
  await cluster.resources();
  special.answer = ({ path }) =>
    path.endsWith('/a')
      ? { code: 429, body: status(429, 'TooManyRequests', '', { retryAfterSeconds: 29 }) }
      : undefined;
  // Told to wait past its deadline, it ends at once; everybody else waits.
  expect(await cluster.read(mapRef)).toMatchObject({ ok: false, failure: { code: 'TooManyRequests' } });
  const late = cluster.read({ ...mapRef, name: 'late' });
  await until(() => time.delaysMs.includes(30_000), 'the call waiting for its turn');
  await turns();
  time.advance(30_000);
  expect(await late).toMatchObject({ ok: false, failure: { code: 'Timeout' } });
  time.advance(60_000);
  await turns();
  expect(api.received.some(({ path }) => path.endsWith('/late'))).toBe(false);
  // And it left no hole: there is only one place, and it is free.
  expect(await cluster.read({ ...mapRef, name: 'next' })).toMatchObject({
    ok: false,
    failure: { code: 'KindNotServed' },
  });
});

test('F4: a kind that is let go and looked at again is not asked for before Retry-After is over', async () => {
  const { cluster, time, special, api, watchOf } = await start();
  special.answer = ({ query }) =>
    query.get('watch') === null
      ? undefined
      : { code: 429, body: status(429, 'TooManyRequests', '', { retryAfterSeconds: 29 }) };
  const asked = (): number => api.received.filter(({ path }) => path === '/api/v1/configmaps').length;
  expect(await cluster.sightings([mapRef], 1000)).toEqual([{ state: 'absent' }]);
  await until(() => asked() === 2, 'the list, and the watch that is refused');
  await until(() => time.delaysMs.includes(29_000), 'it to wait');
  cluster.observe([]);
  special.answer = undefined;
  const again = cluster.sightings([mapRef], 60_000);
  for (let second = 0; second < 28; second += 1) {
    time.advance(1000);
    await turns(20);
  }
  expect(asked()).toBe(2);
  time.advance(2000);
  expect(await again).toEqual([{ state: 'absent' }]);
  await watchOf('/api/v1/configmaps');
});

describe('F6: a look that must not be older than a moment', () => {
  test('lists anew when the watch alone cannot tell, once for all who ask, and sees what was missed', async () => {
    const { cluster, objects, time, watchOf, api } = await start();
    objects.set('configmaps', [object(mapRef, 5, 'old')]);
    expect(await cluster.sightings([mapRef], 1000)).toMatchObject([{ state: 'present' }]);
    await watchOf('/api/v1/configmaps');
    // Another replica deletes it; the watch hangs and does not tell.
    objects.set('configmaps', []);
    time.advance(1000);
    expect(await cluster.sightings([mapRef], 1000)).toMatchObject([{ state: 'present' }]);
    const lists = (): number =>
      api.received.filter(({ path, query }) => path === '/api/v1/configmaps' && query.get('watch') === null)
        .length;
    const before = lists();
    const sinceMs = time.monotonic();
    time.advance(10);
    const asked = [1, 2, 3].map(() => cluster.sightings([mapRef], 1000, sinceMs));
    expect(await Promise.all(asked)).toEqual([
      [{ state: 'absent' }],
      [{ state: 'absent' }],
      [{ state: 'absent' }],
    ]);
    expect(lists()).toBe(before + 1);
    // What is new enough already costs nothing.
    expect(await cluster.sightings([mapRef], 1000, sinceMs)).toEqual([{ state: 'absent' }]);
    expect(lists()).toBe(before + 1);
  });

  test('is unknown, not absent, when it cannot be listed in time', async () => {
    const { cluster, objects, time, special, watchOf } = await start();
    objects.set('configmaps', [object(mapRef, 5, 'old')]);
    await cluster.sightings([mapRef], 1000);
    await watchOf('/api/v1/configmaps');
    special.answer = () => ({ code: 500, body: status(500, 'InternalError') });
    time.advance(1000);
    const asked = cluster.sightings([mapRef], 1000, time.monotonic());
    await turns();
    for (let second = 0; second < 40; second += 1) {
      time.advance(1000);
      await turns(20);
    }
    expect(await asked).toMatchObject([{ state: 'unknown' }]);
  });
});

describe('when the lens looks otherwise than before', () => {
  test('what is kept is looked at again, and what is not is listed again', async () => {
    let tell: Parameters<NonNullable<Lens['onOther']>>[0] = () => undefined;
    let health: ObjectHealth = { status: 'Healthy' };
    const plain = fakeLens('m');
    const lens: Lens = {
      ...plain,
      look: (manifest) => ({ ...plain.look(manifest), health }),
      onOther: (listener) => void (tell = listener),
    };
    const { api, cluster, objects, watchOf } = await start({}, lens);
    const kept = object(mapRef, 5, 'x');
    const foreignRef = { ...mapRef, name: 'foreign' };
    const foreign = object(foreignRef, 6, 'x');
    const { managedFields: _, ...unowned } = foreign.metadata;
    objects.set('configmaps', [kept, { ...foreign, metadata: { ...unowned, uid: 'u2' } }]);
    const changes: ObjectChange[] = [];
    cluster.onChange((some) => changes.push(...some));
    await cluster.sightings([mapRef, foreignRef], 1000);
    await watchOf('/api/v1/configmaps');
    const lists = () =>
      api.received.filter(({ path, query }) => path === '/api/v1/configmaps' && query.get('watch') === null)
        .length;
    const before = lists();
    changes.length = 0;

    health = { status: 'Degraded', message: 'It is judged otherwise.' };
    tell(({ kind }) => kind === 'Scaler');
    await turns();
    expect(changes).toEqual([]);
    tell(({ kind }) => kind === 'ConfigMap');
    await until(() => changes.length >= 2, 'both to be looked at again');
    expect(changes.map(({ ref, object: seen }) => [ref.name, seen?.health.status])).toEqual([
      ['a', 'Degraded'],
      ['foreign', 'Degraded'],
    ]);
    expect(lists()).toBe(before + 1);
    const sightings = await cluster.sightings([mapRef, foreignRef], 1000);
    expect(sightings.map(({ state }) => state)).toEqual(['present', 'present']);
  });
});
