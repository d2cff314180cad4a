import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import type { Selection } from '#model/dialect.ts';
import type { FollowBatch } from '#model/ports.ts';
import { FakeApi, json, status } from './api-server.fixture.ts';
import { openCluster } from './cluster.ts';
import { fakeLens } from './lens.fixture.ts';
import { CountingMeter, ManualTime, middling, silent, turns, until } from './manual-time.fixture.ts';

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop();
});

const secrets: Selection = {
  kind: { group: '', version: 'v1', kind: 'Secret' },
  plural: 'secrets',
  namespace: 'argocd',
  labelSelector: 'type=cluster',
  optional: true,
};
const secret = (name: string, version: number, uid = `u-${name}`): object => ({
  metadata: { name, namespace: 'argocd', uid, resourceVersion: String(version) },
});

async function follow(selection: Selection) {
  const world = { lists: [] as object[], code: 200, watch: undefined as ServerResponse | undefined };
  const api = await FakeApi.start((request, response) => {
    if (!request.path.endsWith('/secrets')) json(response, 404, status(404, 'NotFound'));
    else if (request.query.get('watch') !== null) {
      response.writeHead(200);
      response.flushHeaders();
      world.watch = response;
    } else if (world.code === 200) json(response, 200, world.lists.shift());
    else json(response, world.code, status(world.code, world.code === 404 ? 'NotFound' : 'Forbidden'));
  });
  return { api, world, ...followOn(api, selection) };
}

function followOn(api: FakeApi, selection: Selection) {
  const time = new ManualTime();
  const cluster = openCluster({
    id: 'c',
    access: api.access,
    lens: fakeLens('m'),
    clock: time,
    timers: time,
    random: middling,
    log: silent,
    meter: new CountingMeter(),
    readFile: () => '',
  });
  open.push({ stop: () => cluster.close() }, api);
  const batches: FollowBatch[] = [];
  const start = () => cluster.follow(selection, (batch) => batches.push(batch));
  const told = (): string[] =>
    batches.map(({ changed, gone }) =>
      [...changed.map(({ metadata }) => `+${metadata.name}`), ...gone.map(({ name }) => `-${name}`)].join(
        ' ',
      ),
    );
  return { time, start, batches, told };
}
const list = (version: number, ...items: object[]): object => ({
  kind: 'SecretList',
  metadata: { resourceVersion: String(version) },
  items,
});
const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

test('F5: a relist tells everything that changed meanwhile, in one batch', async () => {
  const { api, world, time, start, batches, told } = await follow(secrets);
  world.lists.push(
    list(10, secret('a', 1), secret('b', 2), secret('c', 3)),
    list(90, secret('b', 2), secret('c', 80), secret('d', 70), secret('e', 75)),
  );
  start();
  await until(() => world.watch !== undefined);
  expect(api.received[0]?.url).toBe(
    '/api/v1/namespaces/argocd/secrets?labelSelector=type%3Dcluster&limit=500',
  );
  expect(batches[0]?.changed[0]).toMatchObject({ apiVersion: 'v1', kind: 'Secret' });
  world.watch?.write(
    line('ADDED', secret('e', 20)) + line('MODIFIED', secret('e', 21)) + line('DELETED', secret('a', 22)),
  );
  await until(() => batches.length === 2);
  world.watch?.write(line('ERROR', status(410, 'Expired')));
  await until(() => batches.length === 3);
  expect(told()).toEqual(['+a +b +c', '+e -a', '+c +d +e']);
  expect(batches.every(({ synced }) => synced)).toBe(true);
  expect(time.now()).toBe(1_000_000);
});

test('F19: an optional kind that is not served has none; one that may not be read is not empty', async () => {
  const { world, start, batches, time } = await follow(secrets);
  world.code = 403;
  start();
  await until(() => time.delaysMs.length > 0);
  await turns();
  const refused = { synced: false, changed: [], gone: [], failure: { kind: 'denied', code: 'Forbidden' } };
  expect(batches).toMatchObject([refused]);
  world.code = 404;
  time.advance(1_000);
  await until(() => batches.length === 2);
  expect(batches[1]).toEqual({ synced: true, changed: [], gone: [] });
});

test('F19: a kind that has to be there is not synced before it is served', async () => {
  const { world, start, batches, time } = await follow({ ...secrets, optional: false });
  world.code = 404;
  start();
  await until(() => time.delaysMs.length > 0);
  await turns();
  expect(batches).toMatchObject([
    { synced: false, changed: [], gone: [], failure: { code: 'KindNotServed' } },
  ]);
  world.code = 200;
  world.lists.push(list(10, secret('a', 1)));
  time.advance(1_000);
  await until(() => batches.length > 1);
  expect(batches[1]).toMatchObject({ synced: true, changed: [{ metadata: { name: 'a' } }] });
  expect(batches[1]).not.toHaveProperty('failure');
});

test('one object is followed by its name; a refusal that ends is told, also when nothing changed (S5)', async () => {
  const { world, api, start, batches, time } = await follow({ ...secrets, name: 'a' });
  world.lists.push(list(10, secret('a', 1)), list(21, secret('a', 20)));
  start();
  await until(() => world.watch !== undefined);
  expect(api.received[0]?.url).toContain('fieldSelector=metadata.name%3Da');
  expect(api.received.find(({ query }) => query.has('watch'))?.query.get('fieldSelector')).toBe(
    'metadata.name=a',
  );
  world.code = 403;
  world.watch?.write(line('MODIFIED', secret('a', 20)) + line('ERROR', status(410, 'Expired')));
  await until(() => batches.length === 3);
  expect(batches[2]).toMatchObject({ failure: { code: 'Forbidden' } });
  world.code = 200;
  await until(() => time.delaysMs.length > 0);
  time.advance(30_000);
  await until(() => batches.length === 4);
  expect(batches[3]).toEqual({ synced: true, changed: [], gone: [] });
});

test('nothing is told after it was stopped', async () => {
  const { world, start, batches } = await follow(secrets);
  world.lists.push(list(10));
  const following = start();
  await until(() => world.watch !== undefined);
  following.stop();
  world.watch?.write(line('ADDED', secret('a', 20)));
  await turns();
  expect(batches).toHaveLength(1);
});
