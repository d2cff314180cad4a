import { afterEach, describe, expect, test } from 'vitest';
import type { Access } from './access.ts';
import type { Handler } from './api-server.fixture.ts';
import { FakeApi, json, status } from './api-server.fixture.ts';
import type { Call } from './call.ts';
import { CountingMeter, ManualTime, middling, until, turns } from './manual-time.fixture.ts';
import type { TransportOptions } from './transport.ts';
import { Transport } from './transport.ts';

const get: Call = {
  verb: 'get',
  method: 'GET',
  path: '/api/v1/namespaces/n/configmaps/a',
  resource: 'configmaps',
  stage: 'observe',
  repeatable: true,
};
const post: Call = {
  ...get,
  verb: 'create',
  method: 'POST',
  path: '/api/v1/namespaces/n/configmaps',
  body: '{}',
  repeatable: false,
};

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop();
});

async function start(
  handler: Handler,
  options: Partial<TransportOptions> = {},
  access: Partial<Access> = {},
  readFile: (path: string) => string = () => '',
) {
  const api = await FakeApi.start(handler);
  const time = new ManualTime();
  const meter = new CountingMeter();
  const ports = { clock: time, timers: time, random: middling, meter, readFile };
  const transport = new Transport({ ...api.access, ...access }, ports, options);
  open.push({ stop: () => transport.close() }, api);
  return { api, time, meter, transport };
}

describe('F4: a cluster that is busy', () => {
  test('is left alone for as long as it asks, by every call, and then answers', async () => {
    const { api, time, transport, meter } = await start((_, response) =>
      api.received.length === 1
        ? json(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '7' })
        : json(response, 200, { fine: true }),
    );
    const first = transport.send(get);
    await until(() => meter.counts.length === 1 && time.delaysMs.length > 0);
    const second = transport.send(get);
    time.advance(6_999);
    await turns();
    expect(api.received).toHaveLength(1);
    time.advance(2_000);
    expect(await first).toMatchObject({ answered: true, body: { fine: true } });
    expect(await second).toMatchObject({ answered: true });
    expect(meter.counts.map(({ labels }) => labels['code'])).toEqual(['429', '200', '200']);
    expect(meter.counts[0]).toEqual({
      name: 'trueup_kube_requests_total',
      labels: { verb: 'get', resource: 'configmaps', code: '429' },
    });
  });

  test('is left alone also by calls that were about to be tried again', async () => {
    const { api, time, transport } = await start((request, response) => {
      if (api.received.length === 1) return json(response, 503, status(503, 'ServiceUnavailable'));
      if (api.received.length === 2)
        return json(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '7' });
      return json(response, 200, { fine: request.url });
    });
    const waiting = transport.send(get);
    await until(() => time.delaysMs.some((delay) => delay < 1_000));
    const told = transport.send(get);
    await until(() => time.delaysMs.some((delay) => delay > 7_000 && delay < 9_000));
    time.advance(6_999);
    await turns();
    expect(api.received).toHaveLength(2);
    time.advance(2_000);
    expect(await Promise.all([waiting, told])).toMatchObject([{ answered: true }, { answered: true }]);
  });

  test('is left alone also by a call that has a new token by then', async () => {
    let refuse = (): void => undefined;
    const { api, time, transport } = await start(
      (_, response) => {
        if (api.received.length === 1) {
          refuse = () => json(response, 401, status(401, 'Unauthorized'));
          return;
        }
        if (api.received.length === 2)
          return json(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '7' });
        return json(response, 200, { fine: true });
      },
      {},
      { tokenFile: '/token' },
      () => `token-${api.received.length}`,
    );
    const renewing = transport.send(get);
    await until(() => api.received.length === 1);
    const told = transport.send(get);
    await until(() => time.delaysMs.some((delay) => delay > 7_000 && delay < 9_000));
    refuse();
    await turns();
    time.advance(6_999);
    await turns();
    expect(api.received).toHaveLength(2);
    time.advance(2_000);
    expect(await Promise.all([renewing, told])).toMatchObject([{ answered: true }, { answered: true }]);
  });

  test('that asks for longer than the deadline ends the call with when to come back', async () => {
    const { transport } = await start((_, response) =>
      json(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '40' }),
    );
    expect(await transport.send(get)).toMatchObject({
      answered: false,
      failure: { kind: 'transient', code: 'TooManyRequests', retryAfterMs: 40_000 },
    });
  });

  test('that fails goes on failing: a few jittered tries, then transient', async () => {
    const { api, time, transport } = await start((_, response) =>
      json(response, 503, status(503, 'ServiceUnavailable')),
    );
    const reply = transport.send(get);
    for (let tries = 1; tries < 4; tries += 1) {
      await until(() => api.received.length === tries && time.delaysMs.some((delay) => delay < 5_000));
      time.advance(5_000);
    }
    expect(await reply).toMatchObject({
      answered: false,
      failure: { kind: 'transient', code: 'ServerError' },
    });
    expect(api.received).toHaveLength(4);
  });

  test('a write that may have happened is not repeated; one that the server put off is', async () => {
    const { api, time, transport } = await start((_, response) =>
      api.received.length === 1
        ? json(response, 500, status(500, 'InternalError'))
        : api.received.length === 2
          ? json(response, 503, status(503, 'ServiceUnavailable'), { 'retry-after': '1' })
          : json(response, 201, {}),
    );
    expect(await transport.send(post)).toMatchObject({ answered: false, failure: { code: 'ServerError' } });
    expect(api.received).toHaveLength(1);
    const second = transport.send(post);
    await until(() => api.received.length === 2 && time.delaysMs.includes(1_125));
    time.advance(1_125);
    expect(await second).toMatchObject({ answered: true, status: 201 });
  });

  test('F4: what was put off is not sent before, whoever asks for it next; another call is', async () => {
    const { api, time, transport } = await start((_, response) =>
      api.received.length === 1
        ? json(response, 503, status(503, 'ServiceUnavailable'), { 'retry-after': '40' })
        : json(response, 201, {}),
    );
    const later = { answered: false, failure: { kind: 'transient', retryAfterMs: 40_000 } };
    expect(await transport.send(post)).toMatchObject(later);
    expect(await transport.send(post)).toMatchObject(later);
    expect(api.received).toHaveLength(1);
    expect(await transport.send({ ...post, body: '{"a":1}' })).toMatchObject({ answered: true });
    time.advance(39_000);
    const third = transport.send(post);
    await turns();
    expect(api.received).toHaveLength(2);
    time.advance(1_000);
    expect(await third).toMatchObject({ answered: true });
    expect(api.received).toHaveLength(3);
  });

  test('a hang ends at the deadline', async () => {
    const { api, time, transport } = await start(() => {});
    const reply = transport.send(get);
    await until(() => api.received.length === 1);
    time.advance(30_000);
    expect(await reply).toMatchObject({ answered: false, failure: { kind: 'transient', code: 'Timeout' } });
  });

  test('F14: a call ends at the moment that it names, and is not sent after it', async () => {
    const { api, time, transport } = await start(() => {});
    const reply = transport.send({ ...get, untilMs: time.monotonic() + 5000 });
    await until(() => api.received.length === 1);
    time.advance(5000);
    expect(await reply).toMatchObject({ answered: false, failure: { code: 'Timeout' } });
    // As after a process stood still, with the call on its way between two threads.
    const late = await transport.send({ ...get, untilMs: time.monotonic() - 1 });
    expect(late).toMatchObject({ answered: false, failure: { code: 'Timeout' } });
    expect(api.received).toHaveLength(1);
  });

  test('F14: a call that waited for its turn beyond its moment is not sent', async () => {
    const held: (() => void)[] = [];
    const { api, time, transport } = await start((_, response) => held.push(() => json(response, 200, {})), {
      inFlightMax: 1,
    });
    const first = transport.send(get);
    await until(() => held.length === 1);
    const second = transport.send({ ...get, untilMs: time.monotonic() + 1000 });
    time.advance(1000);
    held[0]!();
    expect(await first).toMatchObject({ answered: true });
    expect(await second).toMatchObject({ answered: false, failure: { code: 'Timeout' } });
    expect(api.received).toHaveLength(1);
  });

  test('no more calls are in flight than allowed', async () => {
    const held: (() => void)[] = [];
    const { api, transport } = await start((_, response) => held.push(() => json(response, 200, {})), {
      inFlightMax: 2,
    });
    const replies = [1, 2, 3, 4, 5].map(() => transport.send(get));
    await until(() => held.length === 2);
    await turns();
    expect(api.received).toHaveLength(2);
    for (let done = 0; done < 5; done += 1) {
      await until(() => held.length > done);
      held[done]?.();
    }
    expect((await Promise.all(replies)).every((reply) => reply.answered)).toBe(true);
  });

  test('a dropped connection is tried again for a read, and is transient for a create', async () => {
    const { api, time, transport } = await start((_, response) =>
      api.received.length <= 2 ? response.destroy() : json(response, 200, {}),
    );
    expect(await transport.send(post)).toMatchObject({ answered: false, failure: { code: 'Unreachable' } });
    const read = transport.send(get);
    await until(() => api.received.length === 2 && time.delaysMs.some((delay) => delay < 1_000));
    time.advance(1_000);
    expect(await read).toMatchObject({ answered: true });
  });
});

describe('a cluster that is not there', () => {
  test('is named, with what to check', async () => {
    const { api, time, transport } = await start(() => {});
    const server = api.access.server;
    await api.stop();
    const reply = transport.send(get);
    for (let tries = 1; tries < 4; tries += 1) {
      await until(() => time.delaysMs.some((delay) => delay < 5_000));
      time.advance(5_000);
    }
    expect(await reply).toMatchObject({
      answered: false,
      failure: {
        kind: 'transient',
        code: 'Unreachable',
        message: `cannot reach the Kubernetes API at ${server}: connection refused`,
        hint: 'check that the cluster runs, and the server address in the test',
      },
    });
  });

  test('a web server that is no Kubernetes API is said to be none', async () => {
    const { transport } = await start((_, response) => response.end('<html>hello</html>'));
    expect(await transport.send(get)).toMatchObject({
      answered: false,
      failure: { code: 'UnexpectedAnswer' },
    });
  });
});

describe('F25: a token of a file', () => {
  test('is read again on 401, once', async () => {
    let token = 'old';
    const { api, transport } = await start(
      (request, response) =>
        request.headers.authorization === 'Bearer new'
          ? json(response, 200, {})
          : json(response, 401, status(401, 'Unauthorized')),
      {},
      { tokenFile: '/token' },
      () => token,
    );
    expect(await transport.send(get)).toMatchObject({
      answered: false,
      failure: { kind: 'denied', code: 'Unauthorized' },
    });
    expect(api.received).toHaveLength(1);
    token = 'new';
    expect(await transport.send(get)).toMatchObject({ answered: true });
    expect(api.received).toHaveLength(3);
    const watch = await transport.stream({ ...get, verb: 'watch' }, new AbortController().signal);
    expect(watch.answered).toBe(true);
  });

  test('is read again before it expires', async () => {
    const tokenOf = (expiry: number): string =>
      `h.${Buffer.from(JSON.stringify({ exp: expiry })).toString('base64url')}.s`;
    let token = tokenOf(1_000 + 50);
    const { api, time, transport } = await start(
      (_, response) => json(response, 200, {}),
      {},
      { tokenFile: '/t' },
      () => token,
    );
    await transport.send(get);
    const first = token;
    token = tokenOf(9_999);
    await transport.send(get);
    time.advance(21_000);
    await transport.send(get);
    expect(api.received.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${first}`,
      `Bearer ${first}`,
      `Bearer ${token}`,
    ]);
  });

  test('S5: the impersonated identity is on every request', async () => {
    const { api, transport } = await start(
      (_, response) => json(response, 200, {}),
      {},
      {
        token: 't',
        impersonate: { user: 'bob', groups: ['a', 'b'] },
      },
    );
    await transport.send(get);
    expect(api.received[0]?.headers).toMatchObject({
      authorization: 'Bearer t',
      'impersonate-user': 'bob',
      'impersonate-group': 'a, b',
    });
  });
});

test('remarks of the server are collected', async () => {
  const { transport } = await start((_, response) =>
    json(response, 200, {}, { warning: '299 - "v1beta1 is \\"old\\"", 299 - "unknown field"' }),
  );
  expect(await transport.send(get)).toMatchObject({ warnings: ['v1beta1 is "old"', 'unknown field'] });
});
