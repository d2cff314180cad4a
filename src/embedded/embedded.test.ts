/** A run can be repeated: the same requests, seed and clock give the same bytes. */
import { expect, test } from 'vitest';
import { configMap, definitionsPath, openServer, widgetDefinition } from './server.fixture.ts';

async function run(): Promise<readonly string[]> {
  const server = await openServer();
  const said: string[] = [];
  const ask = async (...asked: Parameters<typeof server.ask>): Promise<void> => {
    const { code, text, headers } = await server.ask(...asked);
    said.push(`${code} ${JSON.stringify([...headers])} ${text}`);
    server.time.advance(1_234);
  };
  const at = '/api/v1/namespaces/default';
  const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' } };
  const ports = [{ port: 80 }, { port: 81, name: 'b' }].map((port) => ({ name: 'a', ...port }));
  const metadata = { name: 'robot' };
  await ask('POST', `${at}/configmaps`, configMap('a', { data: { b: '1', a: '2' }, unknown: 1 }));
  for (let count = 0; count < 3; count += 1) await ask('POST', `${at}/configmaps`, made);
  await ask('POST', `${at}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's' },
    spec: { type: 'NodePort', ports },
  });
  await ask('POST', `${at}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  await ask('POST', `${at}/serviceaccounts/robot/token`, { spec: {} });
  await ask('POST', definitionsPath, widgetDefinition());
  const type = 'application/apply-patch+yaml';
  for (const manager of ['x', 'y'])
    await ask(
      'PATCH',
      `${at}/configmaps/a?fieldManager=${manager}`,
      configMap('a', { data: { [manager]: 'z' } }),
      {
        type,
      },
    );
  await ask('GET', `${at}/configmaps?limit=2`);
  await ask('GET', `${at}/configmaps`, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
  await ask(
    'GET',
    `${at}/configmaps?watch=1&resourceVersion=99999&timeoutSeconds=1`.replace('watch=1', 'watch=0'),
  );
  await ask('DELETE', `${at}/configmaps/a`);
  await ask('GET', '/openapi/v3');
  await ask('GET', '/openapi/v3/apis/example.dev/v1');
  await ask('GET', '/apis', undefined, {
    accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  });
  expect(server.complaints).toEqual([]);
  return said;
}

test('the same requests at the same times, with the same seed, give the same bytes', async () => {
  const first = await run();
  expect(await run()).toEqual(first);
  expect(first.length).toBe(17);
});
