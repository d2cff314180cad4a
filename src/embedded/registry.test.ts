/** Custom kinds: which are served, in which versions, and what becomes of them. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { ObjectKeeper } from '#model/ports.ts';
import { definitionsPath, namesIn, openServer, TestServer, widgetDefinition } from './server.fixture.ts';

const widgets = (version: string, rest = ''): string =>
  `/apis/example.dev/${version}/namespaces/default/widgets${rest}`;
const widget = (version: string, name: string, spec: object = {}): object => ({
  apiVersion: `example.dev/${version}`,
  kind: 'Widget',
  metadata: { name },
  spec,
});
const definitionPath = `${definitionsPath}/widgets.example.dev`;

/** What a cluster leaves behind, for the next one. */
function remembering(): ObjectKeeper {
  const kept = new Map<string, { readonly resource: string; readonly object: unknown }>();
  let last = 0;
  return {
    load: () => ({ version: last, objects: [...kept.values()] }),
    put: (resource, key, version, object) => {
      kept.set(`${resource} ${key}`, { resource, object });
      last = version;
    },
    remove: (resource, key, version) => {
      kept.delete(`${resource} ${key}`);
      last = version;
    },
  };
}

const keeper = remembering();
let server: TestServer;
beforeAll(async () => {
  server = await openServer(keeper);
  expect((await server.ask('POST', definitionsPath, widgetDefinition())).code).toBe(201);
});

describe('a kind with two versions', () => {
  it('is served in both, each with its own subresources', () => {
    const { registry } = server.embedded;
    expect(registry.find('example.dev', 'v1', 'widgets')).toMatchObject({ subresources: ['status'] });
    expect(registry.find('example.dev', 'v2', 'widgets')).toMatchObject({ subresources: [] });
    expect(registry.ofKey('example.dev/widgets')?.version).toBe('v1');
    expect(registry.ofKind('example.dev', 'Widget')?.version).toBe('v1');
  });

  it('shows every object in the version that is asked for', async () => {
    await server.ask('POST', widgets('v1'), widget('v1', 'one', { color: 'red' }));
    await server.ask('POST', widgets('v2'), widget('v2', 'two', { color: 'blue' }));
    for (const version of ['v1', 'v2']) {
      const listed = await server.get(widgets(version));
      expect(listed.body).toMatchObject({ kind: 'WidgetList', apiVersion: `example.dev/${version}` });
      expect(namesIn(listed)).toEqual(['one', 'two']);
      const { body } = await server.get(widgets(version, '/two'));
      expect(body).toMatchObject({ apiVersion: `example.dev/${version}`, spec: { color: 'blue' } });
    }
  });

  it('is changed through either, and is stored in one', async () => {
    await server.merge(widgets('v2', '/one'), { spec: { color: 'green' } });
    expect((await server.get(widgets('v1', '/one'))).body.spec.color).toBe('green');
    expect(server.embedded.store.get('example.dev/widgets', 'default', 'one')?.apiVersion).toBe(
      'example.dev/v1',
    );
  });

  it('is watched in either', async () => {
    const answer = await server.respond('GET', widgets('v2', '?watch=1&fieldSelector=metadata.name=one'));
    const { value } = await answer.body!.getReader().read();
    expect(JSON.parse(Buffer.from(value!).toString()).object.apiVersion).toBe('example.dev/v2');
  });

  it('refuses a body of the other version', async () => {
    expect((await server.ask('POST', widgets('v2'), widget('v1', 'x'))).code).toBe(400);
  });
});

describe('a custom object', () => {
  it('is never replaced blindly', async () => {
    const { body } = await server.ask('POST', widgets('v1'), widget('v1', 'blind'));
    for (const resourceVersion of [undefined, '', '0']) {
      const heard = await server.ask('PUT', widgets('v1', '/blind'), {
        ...widget('v1', 'blind'),
        metadata: { name: 'blind', resourceVersion },
      });
      expect(heard).toMatchObject({
        code: 422,
        body: {
          message:
            'widgets.example.dev "blind" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
          details: { name: 'blind', group: 'example.dev', kind: 'widgets' },
        },
      });
    }
    expect((await server.ask('PUT', widgets('v1', '/blind'), body)).code).toBe(200);
    expect((await server.ask('PUT', widgets('v1', '/gone'), widget('v1', 'gone'))).code).toBe(404);
  });

  it('can be selected by the fields that its version names', async () => {
    await server.ask('POST', widgets('v1'), widget('v1', 'purple', { color: 'purple' }));
    expect(namesIn(await server.get(widgets('v1', '?fieldSelector=spec.color=purple')))).toEqual(['purple']);
    expect((await server.get(widgets('v2', '?fieldSelector=spec.color=purple'))).body.message).toBe(
      'field label not supported: spec.color',
    );
  });

  it('is scaled where its definition says so', async () => {
    const spec = { type: 'object', properties: { replicas: { type: 'integer' } } };
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };
    const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' };
    const [first] = (widgetDefinition() as { spec: { versions: object[] } }).spec.versions;
    await server.ask('POST', definitionsPath, {
      ...widgetDefinition({
        group: 'scaled.dev',
        versions: [{ ...first, schema, selectableFields: [], subresources: { scale } }],
      }),
      metadata: { name: 'widgets.scaled.dev' },
    });
    const at = '/apis/scaled.dev/v1/namespaces/default/widgets';
    const about = { apiVersion: 'scaled.dev/v1', kind: 'Widget', metadata: { name: 'w' } };
    expect((await server.ask('POST', at, { ...about, spec: { replicas: 1 } })).code).toBe(201);
    expect((await server.merge(`${at}/w/scale`, { spec: { replicas: 3 } })).body.kind).toBe('Scale');
    expect((await server.get(`${at}/w`)).body.spec.replicas).toBe(3);
  });

  it('knows no strategic merge patch', async () => {
    const type = 'application/strategic-merge-patch+json';
    expect((await server.ask('PATCH', widgets('v1', '/one'), {}, { type })).code).toBe(415);
  });
});

describe('a definition', () => {
  it('that cannot be used is not stored', async () => {
    const broken = widgetDefinition({
      group: 'broken.dev',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: { type: 'object', properties: { a: { type: 'string', pattern: '(' } } },
          },
        },
      ],
    });
    const heard = await server.ask('POST', definitionsPath, {
      ...broken,
      metadata: { name: 'widgets.broken.dev' },
    });
    const isThere = (await server.get(`${definitionsPath}/widgets.broken.dev`)).code === 200;
    expect(isThere).toBe(heard.code === 201);
    expect((await openServer(keeper)).complaints).toEqual([]);
  });

  it.each<[string, object]>([
    ['another name than its plural and group', { group: 'other.dev' }],
    ['no storage version', { versions: [{ name: 'v1', served: true, storage: false, schema: {} }] }],
  ])('with %s is refused', async (_, change) => {
    expect((await server.ask('POST', definitionsPath, widgetDefinition(change))).code).toBe(422);
  });

  it('is known after a restart, with its objects', async () => {
    const next = await openServer(keeper);
    expect(namesIn(await next.get(widgets('v2')))).toContain('one');
    expect((await next.ask('POST', widgets('v1'), widget('v1', 'later'))).code).toBe(201);
  });

  it('that serves a version no more takes it away', async () => {
    const { versions } = (widgetDefinition() as { spec: { versions: object[] } }).spec;
    const [first, second] = versions;
    await server.merge(definitionPath, { spec: { versions: [first, { ...second, served: false }] } });
    expect((await server.get(widgets('v2'))).code).toBe(404);
    expect((await server.get(widgets('v1'))).code).toBe(200);
  });

  it('is served until its objects are gone, and then no more', async () => {
    const { body } = await server.ask('DELETE', definitionPath);
    expect(body.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io']);
    expect((await server.get(widgets('v1'))).code).toBe(200);
    await server.ask('DELETE', widgets('v1'));
    await server.merge(definitionPath, { metadata: { finalizers: null } });
    expect((await server.get(definitionPath)).code).toBe(404);
    expect((await server.get(widgets('v1'))).code).toBe(404);
    expect((await server.get('/apis/example.dev')).code).toBe(404);
    expect(server.complaints).toEqual([]);
  });
});
