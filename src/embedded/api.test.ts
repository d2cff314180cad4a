/** What writes and deletes do to what is stored, asked as clients ask it. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  configMap,
  definitionsPath,
  namesIn,
  openServer,
  TestServer,
  widgetDefinition,
  type Heard,
} from './server.fixture.ts';

let server: TestServer;
/** A namespace for each test. */
let count = 0;
let namespace: string;
let configMaps: string;
beforeAll(async () => {
  server = await openServer();
  await server.ask('POST', definitionsPath, widgetDefinition());
});
beforeEach(async () => {
  count += 1;
  namespace = `test-${count}`;
  configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
  await server.ask('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  });
});

const create = (name: string, more: object = {}, metadata: object = {}): Promise<Heard> =>
  server.ask('POST', configMaps, configMap(name, more, metadata));
const version = (): number => server.embedded.store.version;
const messageOf = ({ code, body }: Heard): unknown => [code, body.message];

describe('creating', () => {
  it('fills in what the server decides, whatever the client says', async () => {
    const { code, body } = await create(
      'a',
      {},
      { uid: 'mine', deletionTimestamp: '2020-01-01T00:00:00Z', creationTimestamp: '2020-01-01T00:00:00Z' },
    );
    expect(code).toBe(201);
    expect(body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(body.metadata.creationTimestamp).toBe('1970-01-01T00:16:40Z');
    expect(body.metadata.deletionTimestamp).toBeUndefined();
  });

  it('what is there is refused, with the name of the kind', async () => {
    await create('a');
    expect(messageOf(await create('a'))).toEqual([409, 'configmaps "a" already exists']);
  });

  it.each<[string, () => Promise<Heard>]>([
    ['POST', () => server.ask('POST', '/api/v1/namespaces/nowhere/configmaps', configMap('a'))],
    ['apply', () => server.apply('/api/v1/namespaces/nowhere/configmaps/a', configMap('a'))],
    [
      'PUT of a kind that it creates',
      () =>
        server.ask('PUT', '/apis/coordination.k8s.io/v1/namespaces/nowhere/leases/a', {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name: 'a' },
        }),
    ],
  ])('into a namespace that is not there: 404, by %s', async (_, ask) => {
    const { code, body } = await ask();
    expect([code, body.message, body.details]).toEqual([
      404,
      'namespaces "nowhere" not found',
      { name: 'nowhere', kind: 'namespaces' },
    ]);
  });

  it('a PUT or a patch of what is not there does not create, wherever', async () => {
    for (const at of [configMaps, '/api/v1/namespaces/nowhere/configmaps']) {
      expect(messageOf(await server.ask('PUT', `${at}/a`, configMap('a')))).toEqual([
        404,
        'configmaps "a" not found',
      ]);
      expect(messageOf(await server.merge(`${at}/a`, {}))).toEqual([404, 'configmaps "a" not found']);
    }
  });

  it('with a version is refused: it would be somebody else’s object', async () => {
    expect(messageOf(await create('a', {}, { resourceVersion: '5' }))).toEqual([
      500,
      'resourceVersion should not be set on objects to be created',
    ]);
    expect((await create('a', { data: { resourceVersion: '5' } })).code).toBe(201);
  });

  it('by an apply with the UID of an object that is gone is a conflict', async () => {
    const { body } = await create('a');
    const { uid } = body.metadata;
    await server.ask('DELETE', `${configMaps}/a`);
    const heard = await server.apply(`${configMaps}/a`, configMap('a', {}, { uid }));
    expect(messageOf(heard)).toEqual([
      409,
      `Operation cannot be fulfilled on configmaps "a": uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    ]);
    const yaml = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  uid: ${uid}\n`;
    expect((await server.apply(`${configMaps}/a`, yaml)).code).toBe(409);
    const about = configMap('a', { data: { uid: 'no UID of its own' } });
    expect((await server.apply(`${configMaps}/a`, about)).code).toBe(201);
  });
});

describe('made-up names', () => {
  const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' } };

  it('are different ones', async () => {
    const names = new Set<string>();
    for (let each = 0; each < 20; each += 1)
      names.add((await server.ask('POST', configMaps, made)).body.metadata.name);
    expect(names.size).toBe(20);
    for (const name of names) expect(name).toMatch(/^made-[a-z0-9]{5}$/);
  });

  it('that are taken are made up again', async () => {
    const at = '/api/v1/namespaces/default/configmaps';
    const twin = await openServer();
    const { body } = await twin.ask('POST', at, made);
    // The same seed: this one makes up the same name first.
    const other = await openServer();
    await other.ask('POST', at, configMap(body.metadata.name));
    const second = await other.ask('POST', at, made);
    expect(second.code).toBe(201);
    expect(second.body.metadata.name).not.toBe(body.metadata.name);
  });
});

describe('a dry run', () => {
  it.each<[string, () => Promise<Heard>]>([
    ['create', () => server.ask('POST', `${configMaps}?dryRun=All`, configMap('new'))],
    ['apply', () => server.apply(`${configMaps}/new`, configMap('new'), 'fieldManager=x&dryRun=All')],
    ['patch', () => server.merge(`${configMaps}/there?dryRun=All`, { data: { a: 'c' } })],
    ['delete', () => server.ask('DELETE', `${configMaps}/there?dryRun=All`)],
    ['delete, in the body', () => server.ask('DELETE', `${configMaps}/there`, { dryRun: ['All'] })],
    ['delete of all', () => server.ask('DELETE', `${configMaps}?dryRun=All`)],
    ['delete of a namespace', () => server.ask('DELETE', `/api/v1/namespaces/${namespace}?dryRun=All`)],
    [
      'finalize',
      () => server.ask('PUT', `/api/v1/namespaces/${namespace}/finalize?dryRun=All`, { spec: {} }),
    ],
    ['a Service, which takes an address', () => server.ask('POST', services('?dryRun=All'), service('s'))],
    ['a definition', () => server.ask('POST', `${definitionsPath}?dryRun=All`, gadgets)],
  ])('of %s answers as if, and stores nothing', async (_, ask) => {
    await create('there', { data: { a: 'b' } });
    const before = version();
    const { code } = await ask();
    expect(code).toBeLessThan(300);
    expect(version()).toBe(before);
    expect(namesIn(await server.get(configMaps))).toEqual(['there']);
    expect(server.embedded.registry.find('example.com', 'v1', 'gadgets')).toBeUndefined();
  });

  it('of an eviction keeps the pod', async () => {
    await server.ask('POST', pods(), pod('p'));
    const eviction = (more: object): object => ({
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'p' },
      ...more,
    });
    const path = pods('/p/eviction');
    expect((await server.ask('POST', `${path}?dryRun=All`, eviction({}))).code).toBe(201);
    expect((await server.ask('POST', path, eviction({ deleteOptions: { dryRun: ['All'] } }))).code).toBe(201);
    expect((await server.get(pods('/p'))).code).toBe(200);
    expect((await server.ask('POST', path, eviction({}))).code).toBe(201);
    expect((await server.get(pods('/p'))).code).toBe(404);
  });

  it('of a scale shows the number and keeps the old one', async () => {
    await server.ask('POST', deployments(), deployment);
    const heard = await server.ask('PUT', deployments('/web/scale?dryRun=All'), { spec: { replicas: 4 } });
    expect(heard.body.spec.replicas).toBe(4);
    expect((await server.get(deployments('/web/scale'))).body.spec.replicas).toBe(1);
  });
});

const pods = (rest = ''): string => `/api/v1/namespaces/${namespace}/pods${rest}`;
const services = (rest = ''): string => `/api/v1/namespaces/${namespace}/services${rest}`;
const deployments = (rest = ''): string => `/apis/apps/v1/namespaces/${namespace}/deployments${rest}`;
const containers = [{ name: 'app', image: 'app:1' }];
const pod = (name: string, spec: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers, ...spec },
});
const service = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ port: 80 }] },
});
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers } },
  },
};
const gadgets = {
  ...widgetDefinition({
    group: 'example.com',
    names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget' },
  }),
  metadata: { name: 'gadgets.example.com' },
};

describe('updating', () => {
  it('with an old version is a conflict, without one of a built-in kind it replaces', async () => {
    const { body } = await create('a', { data: { a: '1' } });
    await server.merge(`${configMaps}/a`, { data: { a: '2' } });
    expect(messageOf(await server.ask('PUT', `${configMaps}/a`, body))).toEqual([
      409,
      'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    ]);
    const replaced = await server.ask('PUT', `${configMaps}/a`, configMap('a', { data: { a: '3' } }));
    expect([replaced.code, replaced.body.data]).toEqual([200, { a: '3' }]);
  });

  it('without a version of a kind that is never replaced blindly is refused', async () => {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l' }, spec: {} };
    expect((await server.ask('PUT', `${path}/l`, lease)).code).toBe(201);
    expect(messageOf(await server.ask('PUT', `${path}/l`, lease))).toEqual([
      422,
      'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    ]);
  });

  it('that changes nothing stores nothing', async () => {
    const { body } = await create('a', { data: { a: '1' } });
    const before = version();
    expect((await server.ask('PUT', `${configMaps}/a`, body)).body.metadata.resourceVersion).toBe(
      body.metadata.resourceVersion,
    );
    expect((await server.merge(`${configMaps}/a`, { data: { a: '1' } })).code).toBe(200);
    expect(version()).toBe(before);
  });

  it('of a scale with an old version is a conflict, and too large a number is none', async () => {
    const path = deployments('/web/scale');
    await server.ask('POST', deployments(), deployment);
    const scale = (replicas: unknown, metadata: object = {}): Promise<Heard> =>
      server.ask('PUT', path, { spec: { replicas }, metadata });
    expect((await scale(3)).body.spec.replicas).toBe(3);
    expect((await scale(4, { resourceVersion: '1' })).code).toBe(409);
    for (const replicas of [99_999_999_999, 123_456_789_012_345_678_901n])
      expect((await scale(replicas)).body.message).toContain('cannot unmarshal number');
    for (const replicas of [-1, 1.5, '3', null]) expect((await scale(replicas)).code).toBe(422);
    expect((await server.get(path)).body.spec.replicas).toBe(3);
    expect(server.complaints).toEqual([]);
  });
});

describe('deleting', () => {
  it('is done at once where nothing holds the object', async () => {
    const { body } = await create('a');
    const heard = await server.ask('DELETE', `${configMaps}/a`);
    expect(heard).toMatchObject({
      code: 200,
      body: { status: 'Success', details: { name: 'a', kind: 'configmaps', uid: body.metadata.uid } },
    });
    expect((await server.get(`${configMaps}/a`)).code).toBe(404);
  });

  it('waits for finalizers: the object stays, marked, until the last is taken away', async () => {
    await create('a', {}, { finalizers: ['example.dev/one', 'example.dev/two'] });
    const { body } = await server.ask('DELETE', `${configMaps}/a`);
    expect(body.metadata).toMatchObject({
      deletionTimestamp: '1970-01-01T00:16:40Z',
      deletionGracePeriodSeconds: 0,
    });
    const before = version();
    await server.ask('DELETE', `${configMaps}/a`);
    expect(version()).toBe(before);
    await server.merge(`${configMaps}/a`, { metadata: { finalizers: ['example.dev/two'] } });
    expect((await server.get(`${configMaps}/a`)).code).toBe(200);
    expect(messageOf(await create('a'))).toEqual([
      409,
      'object is being deleted: configmaps "a" already exists',
    ]);
    await server.merge(`${configMaps}/a`, { metadata: { finalizers: null } });
    expect((await server.get(`${configMaps}/a`)).code).toBe(404);
  });

  it.each([
    ['Foreground', ['foregroundDeletion']],
    ['Orphan', ['orphan']],
  ])(
    'by propagation policy %s leaves the finalizer for the garbage collector',
    async (policy, finalizers) => {
      await create('a');
      const { body } = await server.ask('DELETE', `${configMaps}/a`, { propagationPolicy: policy });
      expect(body.metadata.finalizers).toEqual(finalizers);
      expect((await server.get(`${configMaps}/a`)).code).toBe(200);
    },
  );

  it('again with another policy changes the finalizer', async () => {
    await create('a');
    await server.ask('DELETE', `${configMaps}/a?propagationPolicy=Foreground`);
    const { body } = await server.ask('DELETE', `${configMaps}/a?propagationPolicy=Orphan`);
    expect(body.metadata.finalizers).toEqual(['orphan']);
    await server.ask('DELETE', `${configMaps}/a?propagationPolicy=Background`);
    expect((await server.get(`${configMaps}/a`)).code).toBe(404);
  });

  it('with preconditions happens only to the object that is meant', async () => {
    const { body } = await create('a');
    const { uid, resourceVersion } = body.metadata;
    const attempt = (preconditions: object): Promise<Heard> =>
      server.ask('DELETE', `${configMaps}/a`, { preconditions });
    expect((await attempt({ uid: 'another' })).body.message).toContain(
      `the UID in the precondition (another) does not match the UID in record (${uid})`,
    );
    expect((await attempt({ uid, resourceVersion: '1' })).body).toMatchObject({
      reason: 'Conflict',
      code: 409,
    });
    expect((await attempt({ uid, resourceVersion })).code).toBe(200);
  });

  it('reads the query only where there is no body', async () => {
    await create('a');
    await create('b');
    await server.ask('DELETE', `${configMaps}/a?dryRun=All`, {});
    expect((await server.get(`${configMaps}/a`)).code).toBe(404);
    const heard = await server.ask('DELETE', `${configMaps}/b?propagationPolicy=Orphan`, {
      propagationPolicy: 'Foreground',
    });
    expect(heard.body.metadata.finalizers).toEqual(['foregroundDeletion']);
  });

  it('all of a selection answers with the list of them', async () => {
    for (const name of ['a', 'b', 'c']) await create(name, {}, { labels: { keep: String(name === 'b') } });
    const heard = await server.ask('DELETE', `${configMaps}?labelSelector=keep%3Dfalse`);
    expect(heard.body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' });
    expect(namesIn(heard)).toEqual(['a', 'c']);
    expect(namesIn(await server.get(configMaps))).toEqual(['b']);
  });

  it('a pod that runs somewhere gives it its own time, or that of the request', async () => {
    const graceOf = async (name: string, spec: object, query = ''): Promise<unknown> => {
      await server.ask('POST', pods(), pod(name, spec));
      const { body } = await server.ask('DELETE', pods(`/${name}${query}`));
      return [body.metadata.deletionTimestamp, body.metadata.deletionGracePeriodSeconds];
    };
    const bound = { nodeName: 'trueup', terminationGracePeriodSeconds: 40 };
    expect(await graceOf('own', bound)).toEqual(['1970-01-01T00:17:20Z', 40]);
    expect(await graceOf('asked', bound, '?gracePeriodSeconds=5')).toEqual(['1970-01-01T00:16:45Z', 5]);
    expect(await graceOf('negative', bound, '?gracePeriodSeconds=-3')).toEqual(['1970-01-01T00:16:41Z', 1]);
    expect((await server.get(pods('/own'))).code).toBe(200);
    await graceOf('now', bound, '?gracePeriodSeconds=0');
    expect((await server.get(pods('/now'))).code).toBe(404);
    await graceOf('nowhere', {});
    expect((await server.get(pods('/nowhere'))).code).toBe(404);
  });

  it('a pod again may shorten its time, not lengthen it', async () => {
    await server.ask('POST', pods(), pod('p', { nodeName: 'trueup' }));
    const again = async (seconds: number): Promise<unknown> =>
      (await server.ask('DELETE', pods(`/p?gracePeriodSeconds=${seconds}`))).body.metadata
        .deletionGracePeriodSeconds;
    expect(await again(20)).toBe(20);
    expect(await again(60)).toBe(20);
    expect(await again(10)).toBe(10);
  });
});

describe('a namespace that is deleted', () => {
  it('is terminating while it has content, and takes in nothing new', async () => {
    await create('a');
    const path = `/api/v1/namespaces/${namespace}`;
    const { code, body } = await server.ask('DELETE', path);
    expect([code, body.status.phase, body.spec.finalizers]).toEqual([200, 'Terminating', ['kubernetes']]);
    expect(body.metadata.deletionTimestamp).toBeDefined();
    for (const heard of [await create('b'), await server.apply(`${configMaps}/b`, configMap('b'))]) {
      expect(messageOf(heard)).toEqual([
        403,
        `configmaps "b" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
      ]);
      expect(heard.body.details.causes[0].reason).toBe('NamespaceTerminating');
    }
    expect((await server.merge(`${configMaps}/a`, { data: { a: 'b' } })).code).toBe(200);
    const widgets = `/apis/example.dev/v1/namespaces/${namespace}/widgets`;
    const widget = { apiVersion: 'example.dev/v1', kind: 'Widget', metadata: { name: 'w' } };
    const { body: refusal } = await server.ask('POST', widgets, widget);
    expect(refusal.message).toMatch(/^widgets\.example\.dev "w" is forbidden/);
    expect(refusal.details).toMatchObject({ name: 'w', group: 'example.dev', kind: 'widgets' });
    await server.ask('PUT', `${path}/finalize`, { spec: { finalizers: [] } });
    expect((await server.get(path)).code).toBe(404);
  });

  it.each(['default', 'kube-system', 'kube-public'])('cannot be %s', async (name) => {
    expect(messageOf(await server.ask('DELETE', `/api/v1/namespaces/${name}`))).toEqual([
      403,
      `namespaces "${name}" is forbidden: this namespace may not be deleted`,
    ]);
  });
});

describe('numbers beyond 2^53', () => {
  const widgets = (rest = ''): string => `/apis/example.dev/v1/namespaces/${namespace}/widgets${rest}`;
  const large = 9_007_199_254_740_993n;

  it('lose no digit, however they are written and read', async () => {
    const widget = { apiVersion: 'example.dev/v1', kind: 'Widget', metadata: { name: 'w' } };
    const sizeOf = ({ body }: Heard): unknown => body.spec.size;
    expect(sizeOf(await server.ask('POST', widgets(), { ...widget, spec: { size: large } }))).toBe(large);
    const { body } = await server.get(widgets('/w'));
    expect([body.spec.size, body.spec.most]).toEqual([large, large]);
    expect(sizeOf(await server.merge(widgets('/w'), { spec: { size: large + 2n } }))).toBe(large + 2n);
    const applied = { ...widget, spec: { size: large + 4n } };
    expect(sizeOf(await server.apply(widgets('/w'), applied, 'fieldManager=a&force=true'))).toBe(large + 4n);
    const selected = await server.get(widgets(`?fieldSelector=spec.size=${large + 4n}`));
    expect(namesIn(selected)).toEqual(['w']);
    const answer = await server.respond('GET', widgets('?watch=1'));
    const { value } = await answer.body!.getReader().read();
    expect(Buffer.from(value!).toString()).toContain(`"size":${large + 4n}`);
    expect(server.complaints).toEqual([]);
  });
});
