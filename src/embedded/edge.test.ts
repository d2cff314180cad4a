/** The edge of the embedded cluster: who is let in, what is discovered, and in which form answers come. */
import { beforeAll, describe, expect, it } from 'vitest';
import { builtInResources } from './resources.ts';
import {
  adminToken,
  configMap,
  definitionsPath,
  openServer,
  TestServer,
  userToken,
  widgetDefinition,
} from './server.fixture.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
let server: TestServer;
beforeAll(async () => {
  server = await openServer();
  await server.ask('POST', configMaps, configMap('here', { data: { a: 'b' } }));
});

describe('who asks', () => {
  it.each<[string, string]>([
    ['without a token', ''],
    ['with one that nobody has', 'made-up'],
  ])('%s is told 401', async (_, token) => {
    const { code, body } = await server.get(configMaps, { token });
    expect(code).toBe(401);
    expect(body).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
    expect((await server.get('/version', { token })).code).toBe(401);
  });

  it('whether the server is well needs no token', async () => {
    for (const path of ['/healthz', '/livez', '/readyz'])
      expect(await server.get(path, { token: '' })).toMatchObject({ code: 200, text: 'ok' });
  });

  it('and has no rights is told 403, as much as it may discover', async () => {
    const { code, body } = await server.get(configMaps, { token: userToken });
    expect(code).toBe(403);
    expect(body.message).toBe(
      'configmaps is forbidden: User "somebody" cannot list resource "configmaps" in API group "" in the namespace "default"',
    );
    expect((await server.get('/apis', { token: userToken })).code).toBe(200);
  });

  it('to watch needs the right to, however the watch is asked for', async () => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
    const about = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'list-only' } };
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'get'] }];
    const subjects = [{ kind: 'User', name: 'somebody' }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'list-only' };
    await server.ask('POST', `${rbac}/roles`, { ...about, kind: 'Role', rules });
    await server.ask('POST', `${rbac}/rolebindings`, { ...about, kind: 'RoleBinding', roleRef, subjects });
    const asUser = { token: userToken };
    expect((await server.get(configMaps, asUser)).code).toBe(200);
    for (const value of ['true', '1', 'True', 'yes', ''])
      expect((await server.get(`${configMaps}?watch=${value}`, asUser)).body.message).toContain(
        'cannot watch',
      );
    expect((await server.get(`${configMaps}?watch=false`, asUser)).code).toBe(200);
    // Of one object there is no watch but by a selector: this reads it.
    expect((await server.get(`${configMaps}/here?watch=true`, asUser)).body.kind).toBe('ConfigMap');
  });

  it('as somebody else has that one’s rights', async () => {
    const { code, body } = await server.get(configMaps, { headers: { 'impersonate-user': 'bob' } });
    expect(code).toBe(403);
    expect(body.message).toContain('User "bob" cannot list resource "configmaps"');
  });

  it('may ask what it may do, and who it is', async () => {
    const ask = async (token: string): Promise<unknown> => {
      const body = {
        spec: { resourceAttributes: { verb: 'delete', resource: 'pods', namespace: 'default' } },
      };
      const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
      return (await server.ask('POST', path, body, { token })).body.status.allowed;
    };
    expect(await ask(adminToken)).toBe(true);
    expect(await ask(userToken)).toBe(false);
    const who = await server.ask('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {});
    expect(who.body.status.userInfo.username).toBe('admin');
    expect((await server.ask('POST', '/apis/authorization.k8s.io/v1/constructor', {})).code).toBe(404);
  });

  it('with a token of a ServiceAccount is that, until it expires', async () => {
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    await server.ask('POST', accounts, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'robot' },
    });
    const issue = (expirationSeconds?: number) =>
      server.ask('POST', `${accounts}/robot/token`, { spec: { expirationSeconds } });
    expect((await issue(1)).body.message).toContain('may not specify a duration less than 10 minutes');
    const { code, body } = await issue(600);
    expect(code).toBe(201);
    const { token } = body.status;
    expect((await server.get(configMaps, { token })).body.message).toContain(
      'User "system:serviceaccount:default:robot"',
    );
    server.time.advance(600_000);
    expect((await server.get(configMaps, { token })).code).toBe(401);
    expect((await server.ask('POST', `${accounts}/nobody/token`, { spec: {} })).code).toBe(404);
  });
});

describe('a body', () => {
  it('of more than 3 MiB is refused, and the connection is not used again', async () => {
    const large = configMap('large', { data: { a: 'x'.repeat(3 * 1024 * 1024) } });
    const { code, body, headers } = await server.ask('POST', configMaps, large);
    expect(code).toBe(413);
    expect(body).toMatchObject({
      reason: 'RequestEntityTooLarge',
      message: 'Request entity too large: limit is 3145728',
    });
    expect(headers.get('connection')).toBe('close');
  });

  it('in protobuf is read as the JSON that it stands for', async () => {
    const { code, body } = await server.ask('POST', configMaps, protobufConfigMap('binary', 'a', 'b'), {
      type: 'application/vnd.kubernetes.protobuf',
    });
    expect(code).toBe(201);
    expect(body).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'binary' }, data: { a: 'b' } });
  });

  it.each<[string, string, unknown]>([
    ['application/vnd.kubernetes.protobuf', 'not protobuf', 400],
    ['application/json', '{', 400],
    ['application/json', '[]', 400],
    ['application/json', '', 400],
    ['application/yaml', 'kind: ConfigMap', 415],
    ['text/plain', 'x', 415],
  ])('of type %s that is %j is refused', async (type, body, expected) => {
    expect((await server.ask('POST', configMaps, body, { type })).code).toBe(expected);
  });

  it.each(['constructor', 'text/plain', 'application/json'])('of a patch of type %s: 415', async (type) => {
    const { code, body } = await server.ask('PATCH', `${configMaps}/here`, '{}', { type });
    expect(code).toBe(415);
    expect(body.message).toContain('application/apply-patch+yaml');
  });
});

describe('a path', () => {
  it.each([
    '/foo',
    '/',
    '/apis/nobody.example/v1',
    '/apis/nobody.example',
    '/api/v2',
    '/api/v1/nothings',
    '/apis/apiregistration.k8s.io/v1/apiservices',
    '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
    '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers',
    '/apis/events.k8s.io/v1/events',
    '/api/v1/watch/namespaces/default/configmaps',
    '/openapi/v3/apis/nobody.example/v1',
    `${configMaps}/here/nothing`,
    `${configMaps}/here/a/b/c`,
    `${configMaps}/here%2Fnothing`,
    '/api/v1/configmaps/here',
    '/api/v1/namespaces/default/nodes',
  ])('%s leads nowhere: 404', async (path) => {
    expect(await server.get(path)).toMatchObject({ code: 404, text: '404 page not found\n' });
  });

  it('may be written with escapes, a slash too', async () => {
    expect((await server.get('/api/v1/namespaces/default/configmaps%2Fhere')).body.metadata.name).toBe(
      'here',
    );
    expect((await server.get(`${configMaps}/h%65re`)).code).toBe(200);
  });

  it('that cannot be decoded is refused, which is no bug', async () => {
    expect((await server.get(`${configMaps}/a%zz`)).code).toBe(400);
    expect(server.complaints).toEqual([]);
  });

  it.each([
    ['HEAD', `${configMaps}/here`],
    ['HEAD', configMaps],
    ['OPTIONS', configMaps],
    ['PUT', configMaps],
    ['PATCH', configMaps],
    ['POST', `${configMaps}/here`],
    ['DELETE', '/version'],
    ['POST', '/apis'],
    ['HEAD', '/version'],
    ['POST', '/api/v1/namespaces/default/status'],
  ])('is not for every method: %s %s is 405', async (method, path) => {
    expect((await server.ask(method, path, method === 'POST' ? {} : undefined)).code).toBe(405);
  });

  it('of what a real cluster has and this has not is told apart', async () => {
    for (const name of ['exec', 'attach', 'portforward', 'proxy', 'ephemeralcontainers', 'resize']) {
      const { code, body } = await server.ask('POST', `/api/v1/namespaces/default/pods/x/${name}`);
      expect(code).toBe(501);
      expect(body.message).toContain('docs/reference/embedded-cluster.md');
    }
  });
});

describe('warnings', () => {
  it('come as headers, in ASCII and quoted', async () => {
    const body = configMap('warned', { 'naïve "field"': 1 });
    const { code, headers } = await server.ask('POST', `${configMaps}?dryRun=All`, body);
    expect(code).toBe(201);
    expect(headers.get('warning')).toMatch(/^299 - "unknown field \\"na\?ve/);
  });

  it('do not come where the client wants none, or is strict', async () => {
    const body = configMap('warned', { nonsense: 1 });
    const ignored = await server.ask('POST', `${configMaps}?dryRun=All&fieldValidation=Ignore`, body);
    expect([ignored.code, ignored.headers.get('warning')]).toEqual([201, null]);
    const strict = await server.ask('POST', `${configMaps}?dryRun=All&fieldValidation=Strict`, body);
    expect(strict).toMatchObject({ code: 400 });
    expect(strict.body.message).toContain('unknown field "nonsense"');
  });
});

describe('discovery', () => {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const kindOf = (group: string, version: string, name: string): string => `${group}/${version}/${name}`;
  const builtIn = builtInResources.map(({ group, version, name }) => kindOf(group, version, name)).toSorted();

  it('says the version', async () => {
    expect((await server.get('/version')).body).toMatchObject({ major: '1', minor: '36' });
  });

  it('in the older form names every kind, a document a group and version', async () => {
    const found: string[] = [];
    const { groups } = (await server.get('/apis')).body;
    const paths = [
      '/api/v1',
      ...groups.flatMap(({ versions }: { versions: readonly { groupVersion: string }[] }) =>
        versions.map(({ groupVersion }) => `/apis/${groupVersion}`),
      ),
    ];
    for (const path of paths) {
      const { body } = await server.get(path);
      expect(body.kind).toBe('APIResourceList');
      const [group = '', version = ''] = body.groupVersion.includes('/')
        ? body.groupVersion.split('/')
        : ['', body.groupVersion];
      for (const { name } of body.resources)
        if (!name.includes('/')) found.push(kindOf(group, version, name));
    }
    expect(found.toSorted()).toEqual(builtIn);
    expect((await server.get('/api')).body.versions).toEqual(['v1']);
    expect((await server.get('/apis/apps')).body).toMatchObject({
      kind: 'APIGroup',
      preferredVersion: { groupVersion: 'apps/v1' },
    });
  });

  it('in the aggregated form names the same, in two answers', async () => {
    const found: string[] = [];
    for (const path of ['/api', '/apis']) {
      const { body, headers } = await server.get(path, { accept });
      expect(headers.get('content-type')).toBe(accept);
      expect(body.kind).toBe('APIGroupDiscoveryList');
      for (const { metadata, versions } of body.items)
        for (const { version, resources } of versions)
          for (const { resource } of resources) found.push(kindOf(metadata.name ?? '', version, resource));
    }
    expect(found.toSorted()).toEqual(builtIn);
  });

  it('names subresources, and what is asked of them', async () => {
    const { resources } = (await server.get('/apis/apps/v1')).body;
    const named = (name: string) =>
      resources.find((resource: { readonly name: string }) => resource.name === name);
    expect(named('deployments')).toMatchObject({ kind: 'Deployment', shortNames: ['deploy'] });
    expect(named('deployments/scale')).toMatchObject({ group: 'autoscaling', kind: 'Scale' });
    expect(named('controllerrevisions/status')).toBeUndefined();
  });
});

describe('a custom definition', () => {
  const hashes = async (): Promise<Record<string, string>> => {
    const { paths } = (await server.get('/openapi/v3')).body;
    return Object.fromEntries(
      Object.entries(paths as Record<string, { serverRelativeURL: string }>).map(
        ([path, { serverRelativeURL }]) => [path, serverRelativeURL],
      ),
    );
  };

  it('changes discovery and the index of OpenAPI where it is, and nowhere else', async () => {
    const before = await hashes();
    expect(before['apis/example.dev/v1']).toBeUndefined();
    expect((await server.ask('POST', definitionsPath, widgetDefinition())).code).toBe(201);
    const added = await hashes();
    expect(added['apis/example.dev/v1']).toMatch(
      /^\/openapi\/v3\/apis\/example\.dev\/v1\?hash=[0-9A-F]{64}$/,
    );
    const { 'apis/example.dev/v1': _, 'apis/example.dev/v2': __, ...rest } = added;
    expect(rest).toEqual(before);
    expect((await server.get('/apis/example.dev')).body.versions).toHaveLength(2);

    const change = {
      spec: { versions: (widgetDefinition() as { spec: { versions: object[] } }).spec.versions },
    };
    const [first] = change.spec.versions as { schema: { openAPIV3Schema: { description?: string } } }[];
    first!.schema.openAPIV3Schema.description = 'A widget.';
    await server.merge(`${definitionsPath}/widgets.example.dev`, change);
    const changed = await hashes();
    expect(changed['apis/example.dev/v1']).not.toBe(added['apis/example.dev/v1']);
    expect(changed['apis/example.dev/v2']).toBe(added['apis/example.dev/v2']);

    const { body } = await server.get('/openapi/v3/apis/example.dev/v1');
    const widget = body.components.schemas['dev.example.v1.Widget'];
    expect(widget.description).toBe('A widget.');
    expect(widget['x-kubernetes-group-version-kind']).toEqual([
      { group: 'example.dev', version: 'v1', kind: 'Widget' },
    ]);
    expect(server.complaints).toEqual([]);
  });

  it('OpenAPI has every built-in kind with its parameters', async () => {
    const { body } = await server.get('/openapi/v3/apis/apps/v1');
    const path = body.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'];
    expect(path.patch.parameters.map(({ name }: { name: string }) => name)).toContain('fieldValidation');
    expect(Object.keys(body.components.schemas)).toContain('io.k8s.api.apps.v1.Deployment');
  });
});

describe('forms', () => {
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  const one = `${configMaps}?fieldSelector=metadata.name=here`;

  it('a table has columns and cells, and as much of each object as is asked for', async () => {
    const { body } = await server.get(one, { accept: table });
    expect(body.kind).toBe('Table');
    expect(body.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual(['Name', 'Data', 'Age']);
    expect(body.rows[0].cells.slice(0, 2)).toEqual(['here', 1]);
    expect(body.rows[0].object).toMatchObject({
      kind: 'PartialObjectMetadata',
      metadata: { name: 'here' },
    });
    const whole = await server.get(`${one}&includeObject=Object`, { accept: table });
    expect(whole.body.rows[0].object.data).toEqual({ a: 'b' });
    const none = await server.get(`${one}&includeObject=None`, { accept: table });
    expect(none.body.rows[0].object).toBeNull();
    expect((await server.get(`${configMaps}/here`, { accept: table })).body.rows).toHaveLength(1);
  });

  it('metadata only leaves the content out', async () => {
    const listed = await server.get(one, {
      accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
    });
    expect(listed.body.kind).toBe('PartialObjectMetadataList');
    expect(listed.body.items[0]).toMatchObject({
      kind: 'PartialObjectMetadata',
      metadata: { name: 'here' },
    });
    expect(listed.body.items[0].data).toBeUndefined();
    const got = await server.get(`${configMaps}/here`, {
      accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
    });
    expect([got.body.kind, got.body.data]).toEqual(['PartialObjectMetadata', undefined]);
  });

  it('the first form that is known counts', async () => {
    const accept = 'application/vnd.kubernetes.protobuf,application/json;as=Unknown,application/json';
    expect((await server.get(`${configMaps}/here`, { accept })).body.kind).toBe('ConfigMap');
  });

  it('what is not known is answered in JSON', async () => {
    for (const accept of ['application/yaml', 'application/cbor', 'text/html'])
      expect((await server.get(`${configMaps}/here`, { accept })).body.kind).toBe('ConfigMap');
  });

  it('a watch has them too', async () => {
    const answer = await server.respond('GET', `${one}&watch=1`, undefined, { accept: table });
    const { value } = await answer.body!.getReader().read();
    const event = JSON.parse(Buffer.from(value!).toString());
    expect(event).toMatchObject({ type: 'ADDED', object: { kind: 'Table' } });
    expect(event.object.rows[0].cells[0]).toBe('here');
  });
});

/** As client-go sends it: a magic number, then an envelope with the kind and the object. */
function protobufConfigMap(name: string, key: string, value: string): Uint8Array {
  const field = (number: number, content: Uint8Array | string): Buffer => {
    const bytes = Buffer.from(content as string);
    return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.byteLength]), bytes]);
  };
  const metadata = field(1, field(1, name));
  const data = field(2, Buffer.concat([field(1, key), field(2, value)]));
  const kind = Buffer.concat([field(1, 'v1'), field(2, 'ConfigMap')]);
  const envelope = [field(1, kind), field(2, Buffer.concat([metadata, data])), field(3, ''), field(4, '')];
  return Buffer.concat([Buffer.from('k8s\0'), ...envelope]);
}
