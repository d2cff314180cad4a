import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { ok } from '#model/failure.ts';
import type { Manifest } from '#model/object.ts';
import type { ObjectChange } from '#model/ports.ts';
import type { Received } from './api-server.fixture.ts';
import { FakeApi, json, status } from './api-server.fixture.ts';
import type { Collection, ReflectorState } from './collection.ts';
import { fakeLens } from './lens.fixture.ts';
import { CountingMeter, ManualTime, middling, silent, until, turns } from './manual-time.fixture.ts';
import { Reflector } from './reflector.ts';
import type { ReflectorOptions } from './reflector.ts';
import { KindStore } from './store.ts';
import { Transport } from './transport.ts';

const collection: Collection = {
  resource: 'configmaps',
  path: '/api/v1/configmaps',
  apiVersion: 'v1',
  kind: 'ConfigMap',
};

function map(name: string, version: number, data = 'x', uid = `uid-${name}`): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace: 'n',
      uid,
      resourceVersion: String(version),
      managedFields: [{ manager: 'm', operation: 'Apply' }],
    },
    data: { k: data },
  };
}
const list = (version: number, items: readonly Manifest[], next?: string): object => ({
  kind: 'ConfigMapList',
  apiVersion: 'v1',
  metadata: { resourceVersion: String(version), ...(next === undefined ? {} : { continue: next }) },
  // Items of a typed list have neither.
  items: items.map(({ apiVersion: _a, kind: _k, ...rest }) => rest),
});
const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;
const bookmark = (version: number): string =>
  line('BOOKMARK', { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion: String(version) } });

const open: { stop(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop();
});

/** A server of lists and watches, driven by the test. */
async function start(options: Partial<ReflectorOptions> = {}) {
  const lists: ((request: Received, response: ServerResponse) => void)[] = [];
  const watches: { request: Received; response: ServerResponse }[] = [];
  let refuseWatch: ((response: ServerResponse) => void) | undefined;
  const api = await FakeApi.start((request, response) => {
    if (request.query.get('watch') === null) {
      const answer = lists.shift();
      if (answer === undefined) throw new Error('an unexpected list');
      return answer(request, response);
    }
    if (refuseWatch !== undefined) {
      const refuse = refuseWatch;
      refuseWatch = undefined;
      return refuse(response);
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    watches.push({ request, response });
  });
  const time = new ManualTime();
  const meter = new CountingMeter();
  const ports = { clock: time, timers: time, random: middling, meter, log: silent, readFile: () => '' };
  const transport = new Transport(api.access, ports);
  const batches: (readonly ObjectChange[])[] = [];
  const states: ReflectorState[] = [];
  const store = new KindStore({ group: '', version: 'v1', kind: 'ConfigMap' }, fakeLens('m'), (changes) =>
    batches.push(changes),
  );
  const reflector = new Reflector(transport, ports, options, async () => ok(collection), {
    begin: () => store.beginListing(),
    events: (events, version) => {
      for (const event of events) {
        if (event.type === 'set') store.set(event.manifest);
        else store.gone(event.manifest);
      }
      store.reached(version);
    },
    state: (state) => states.push(state),
  });
  open.push({ stop: () => reflector.stop() }, { stop: () => transport.close() }, api);
  const told = (): string[] =>
    batches.map((batch) =>
      batch.map(({ ref, object }) => `${object === undefined ? '-' : '+'}${ref.name}`).join(' '),
    );
  const refuse = (how: (response: ServerResponse) => void): void => {
    refuseWatch = how;
  };
  return { api, time, meter, store, reflector, lists, watches, batches, states, told, refuse };
}
const answer =
  (body: object, code = 200) =>
  (_: Received, response: ServerResponse): void =>
    json(response, code, body);
const version = (watch: { request: Received } | undefined): string | null | undefined =>
  watch?.request.query.get('resourceVersion');

describe('F5: a watch', () => {
  test('starts from the list, page by page, at the most recent state', async () => {
    const { api, reflector, lists, watches, told } = await start({ pageSize: 2 });
    lists.push(answer(list(10, [map('a', 1), map('b', 2)], 'more')), answer(list(10, [map('c', 3)])));
    reflector.start();
    await until(() => watches.length === 1);
    expect(told()).toEqual(['+a +b +c']);
    expect(api.received[0]?.url).toBe('/api/v1/configmaps?limit=2');
    expect(api.received[1]?.query.get('continue')).toBe('more');
    expect(version(watches[0])).toBe('10');
    expect(watches[0]?.request.query.get('allowWatchBookmarks')).toBe('true');
  });

  test('is decoded whatever the chunks, also inside a character', async () => {
    const { reflector, lists, watches, store } = await start();
    lists.push(answer(list(10, [])));
    reflector.start();
    await until(() => watches.length === 1);
    const bytes = Buffer.from(
      line('ADDED', map('ä', 11, 'naïve 🚀 — 日本')) + line('MODIFIED', map('ä', 12, '🚀🚀')) + bookmark(15),
    );
    for (let at = 0; at < bytes.length; at += 1) {
      watches[0]?.response.write(bytes.subarray(at, at + 1));
      if (at % 7 === 0) await turns(1);
    }
    const key = { group: '', kind: 'ConfigMap', namespace: 'n', name: 'ä' };
    await until(() => store.get(key)?.resourceVersion === '12');
    expect(store.body(key)?.['data']).toEqual({ k: '🚀🚀' });
    watches[0]?.response.end();
    await until(() => watches.length === 2);
    expect(version(watches[1])).toBe('15');
  });

  test('that drops is resumed from the last version, with nothing listed again', async () => {
    const { api, reflector, lists, watches, told } = await start();
    lists.push(answer(list(10, [map('a', 1)])));
    reflector.start();
    await until(() => watches.length === 1);
    watches[0]?.response.write(line('ADDED', map('b', 11)));
    await until(() => told().includes('+b'));
    watches[0]?.response.destroy();
    await until(() => watches.length === 2);
    expect(version(watches[1])).toBe('11');
    expect(api.received.filter(({ query }) => query.get('watch') === null)).toHaveLength(1);
  });

  test('that falls silent is found by the watchdog and resumed', async () => {
    const { time, reflector, lists, watches } = await start({ idleMs: 90_000 });
    lists.push(answer(list(10, [map('a', 1)])));
    reflector.start();
    await until(() => watches.length === 1 && time.delaysMs.length === 1);
    time.advance(60_000);
    watches[0]?.response.write(bookmark(20));
    await turns(1);
    await turns(50);
    time.advance(60_000);
    await turns(50);
    expect(watches).toHaveLength(1);
    time.advance(60_000);
    await until(() => watches.length === 2);
    expect(version(watches[1])).toBe('20');
  });

  test('that is silent twice running is listed again: its version may lie in the future', async () => {
    const { time, meter, reflector, lists, watches } = await start();
    lists.push(answer(list(10, [map('a', 1)])), answer(list(10, [map('a', 1)])));
    reflector.start();
    await until(() => watches.length === 1 && time.delaysMs.length === 1);
    time.advance(90_000);
    await until(() => watches.length === 2 && time.delaysMs.length === 1);
    time.advance(90_000);
    await until(() => watches.length === 3);
    expect(meter.counts).toContainEqual({ name: 'trueup_kube_relists_total', labels: { reason: 'silent' } });
  });

  test.each([
    [
      'as an event',
      (response: ServerResponse) => {
        response.writeHead(200);
        response.write(line('ERROR', status(410, 'Expired')));
      },
    ],
    ['as an answer', (response: ServerResponse) => json(response, 410, status(410, 'Expired'))],
  ])(
    'whose version is gone (410 %s) is listed again, and the difference comes in one batch',
    async (_, gone) => {
      const { time, reflector, lists, watches, told, refuse, store } = await start();
      lists.push(answer(list(10, [map('a', 1), map('b', 2), map('c', 3)])));
      lists.push(
        answer(list(50, [map('a', 1), map('c', 40, 'changed')], 'more')),
        answer(list(50, [map('d', 45)])),
      );
      reflector.start();
      await until(() => watches.length === 1);
      refuse(gone);
      watches[0]?.response.end();
      await until(() => time.delaysMs.some((delay) => delay < 1_000));
      expect(store.size).toBe(3);
      // Ended at once, then expired at once: two waits.
      time.advance(1_000);
      await until(() => lists.length === 0 || time.delaysMs.some((delay) => delay < 2_000));
      time.advance(2_000);
      await until(() => watches.length === 2);
      expect(told()).toEqual(['+a +b +c', '+c +d -b']);
      expect(version(watches[1])).toBe('50');
    },
  );

  test('F28: one object that is none is left out by itself', async () => {
    const { meter, reflector, lists, watches, told } = await start();
    lists.push(answer({ ...list(10, [map('a', 1)]), items: [{ metadata: {} }, null, map('a', 1)] }));
    reflector.start();
    await until(() => watches.length === 1);
    expect(told()).toEqual(['+a']);
    expect(meter.counts.filter(({ labels }) => labels['type'] === 'malformed')).toHaveLength(2);
  });

  test('a line without an end is dropped at the bound', async () => {
    const { time, reflector, lists, watches, states } = await start({ lineBytesMax: 1_000 });
    lists.push(answer(list(10, [])));
    reflector.start();
    await until(() => watches.length === 1);
    watches[0]?.response.write('x'.repeat(2_000));
    await until(() => states.at(-1)?.phase === 'failing');
    time.advance(1_000);
    await until(() => watches.length === 2);
  });
});

describe('F19: a kind that cannot be read', () => {
  test('is failing with the reason, its objects are not taken away, and it recovers by itself', async () => {
    const { time, reflector, lists, watches, states, told, refuse, store } = await start();
    lists.push(answer(list(10, [map('a', 1)])));
    lists.push((_, response) => {
      response.writeHead(404);
      response.end('404 page not found\n');
    });
    lists.push(answer(list(20, [map('a', 1), map('b', 15)])));
    reflector.start();
    await until(() => watches.length === 1);
    time.advance(5_000);
    refuse((response) => json(response, 404, status(404, 'NotFound')));
    watches[0]?.response.end();
    await until(() => states.at(-1)?.phase === 'failing');
    expect(states.at(-1)).toMatchObject({ refused: true, failure: { code: 'KindNotServed' } });
    const before = states.length;
    time.advance(1_000);
    await until(() => states.length > before);
    expect(told()).toEqual(['+a']);
    expect(store.size).toBe(1);
    time.advance(30_000);
    await until(() => watches.length === 2);
    expect(told()).toEqual(['+a', '+b']);
    expect(states.at(-1)).toEqual({ phase: 'live' });
  });

  test.each(['before', 'while it waits'])(
    'F4: that is told when to come back comes back then, whatever makes it worth trying %s',
    async (when) => {
      const { time, reflector, lists, watches, states, refuse } = await start();
      const notFound = status(404, 'NotFound');
      if (when === 'before') lists.push(answer(notFound, 404));
      lists.push((_, response) => {
        if (when === 'before') reflector.poke();
        json(response, 200, list(10, [map('a', 1)]));
      });
      lists.push(answer(list(20, [map('a', 1)])));
      refuse((response) => json(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '30' }));
      reflector.start();
      if (when === 'before') {
        await until(() => states.at(-1)?.phase === 'failing');
        time.advance(5_000);
      }
      await until(() => JSON.stringify(states).includes('TooManyRequests'));
      reflector.poke();
      await turns();
      time.advance(29_000);
      await turns();
      expect(lists).toHaveLength(1);
      time.advance(1_000);
      await until(() => watches.length === 1);
    },
  );
});
