/** What listens: webhooks are hints and nothing more (F24, S11); health, readiness and metrics. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { CountingMeter, ManualTime, silent } from '../kube/manual-time.fixture.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import { routes, type ServerParts } from './server.ts';

const used = ['https://git.example/acme/web', 'https://git.example/acme/other'];
const time = new ManualTime();
let asked: string[] = [];
let errors: string[] = [];
let secret: Result<string | undefined> = ok(undefined);
let notReady: string | undefined;
let app = routes(parts());

function parts(): ServerParts {
  return {
    port: 0,
    clock: time,
    log: { ...silent, error: (_, message) => void errors.push(message) },
    hint: (isMeant) => {
      const meant = used.filter(isMeant);
      asked.push(...meant);
      return meant.length;
    },
    webhookSecret: () => Promise.resolve(secret),
    meter: new CountingMeter(),
    notReady: () => notReady,
    applications: () => Promise.resolve(ok([])),
    metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
  };
}
beforeEach(() => {
  asked = [];
  errors = [];
  secret = ok(undefined);
  notReady = undefined;
  app = routes(parts());
});

const push = (url: unknown): string =>
  JSON.stringify({ ref: 'refs/heads/main', repository: { clone_url: url } });
const sign = (body: string, key: string): string =>
  `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
const post = async (
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> => app.request('/api/webhook', { method: 'POST', body, headers });

describe('a webhook', () => {
  it('F24: makes us ask the repository that it names, and no other', async () => {
    expect((await post(push('https://git.example/acme/web.git'), { 'x-github-event': 'push' })).status).toBe(
      200,
    );
    expect(asked).toEqual([used[0]]);
  });
  it('of a repository that nobody uses, or of another event, does nothing', async () => {
    expect((await post(push('https://git.example/acme/nothing'))).status).toBe(200);
    expect((await post(push(used[0]), { 'x-github-event': 'ping' })).status).toBe(200);
    expect(asked).toEqual([]);
  });
  it('that names no repository says so', async () => {
    for (const body of [
      '',
      '{',
      '[]',
      '5',
      'null',
      '{}',
      '{"repository":"x"}',
      '{"repository":{"clone_url":5}}',
    ]) {
      expect((await post(body)).status, body).toBe(400);
    }
    expect(asked).toEqual([]);
  });
  it('by anything but POST is not there', async () => {
    expect((await app.request('/api/webhook')).status).toBe(404);
  });
});

describe('S11: signatures', () => {
  const body = push(used[0]);

  it('where a secret is set, only what is signed with it counts', async () => {
    secret = ok('s3cret');
    const refused = [
      {},
      { 'x-hub-signature-256': '' },
      { 'x-hub-signature-256': 'sha256=' },
      { 'x-hub-signature-256': sign(body, 'other') },
      { 'x-hub-signature-256': sign(`${body} `, 's3cret') },
      { 'x-hub-signature': sign(body, 's3cret') },
    ];
    for (const headers of refused)
      expect((await post(body, headers as Record<string, string>)).status).toBe(401);
    expect(asked).toEqual([]);
    expect((await post(body, { 'x-hub-signature-256': sign(body, 's3cret') })).status).toBe(200);
    expect(asked).toEqual([used[0]]);
  });
  it('are of the bytes as they came', async () => {
    secret = ok('s3cret');
    const odd = `  ${body}\n`;
    expect((await post(odd, { 'x-hub-signature-256': sign(odd, 's3cret') })).status).toBe(200);
  });
  it('a secret that cannot be read at present is not one that is not set: nothing is believed', async () => {
    secret = fail({ kind: 'transient', code: 'Timeout', stage: 'observe', message: 'no answer', hint: '' });
    expect((await post(body)).status).toBe(503);
    expect(asked).toEqual([]);
  });
  it('no signature that was made up holds', async () => {
    secret = ok('s3cret');
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.stringMatching(/^sha256=[0-9a-f]{64}$/)),
        async (signature) => {
          const headers = new Headers();
          try {
            headers.set('x-hub-signature-256', signature);
          } catch {
            return;
          }
          const answer = await app.request('/api/webhook', { method: 'POST', body, headers });
          expect([401, 429]).toContain(answer.status);
        },
      ),
    );
    expect(asked).toEqual([]);
  });
});

describe('S11: bounds', () => {
  it('a payload of more than 1 MiB is refused, with and without its length said', async () => {
    const large = new Uint8Array(1024 * 1024 + 1).fill(32);
    expect((await post(large)).status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        for (let part = 0; part < 20; part += 1) controller.enqueue(new Uint8Array(64 * 1024).fill(32));
        controller.close();
      },
    });
    const request = new Request('http://localhost/api/webhook', {
      method: 'POST',
      body: stream,
      duplex: 'half',
    } as RequestInit);
    expect((await app.request(request)).status).toBe(413);
  });
  it('600 a minute, then 429 with when to come again, then again', async () => {
    const count = { accepted: 0, refused: 0 };
    for (let number = 0; number < 700; number += 1) {
      const answer = await post('{}');
      if (answer.status === 429) {
        count.refused += 1;
        expect(answer.headers.get('retry-after')).toBe('60');
      } else count.accepted += 1;
    }
    expect(count).toEqual({ accepted: 600, refused: 100 });
    time.advance(61_000);
    expect((await post('{}')).status).toBe(400);
  });
  it('an address of absurd length is not looked at', async () => {
    expect((await post(push(`https://git.example/${'a'.repeat(500_000)}`))).status).toBe(400);
  });
  it('a malformed payload never crashes: every one has an answer, and none is a bug', async () => {
    const member = fc.oneof(
      fc.webUrl(),
      fc.string(),
      fc.jsonValue(),
      fc.constant('git@git.example:acme/web'),
      fc.constant('https://%zz'),
      fc.constant('http://['),
    );
    const event = fc.record({
      repository: fc.oneof(
        fc.jsonValue(),
        fc.dictionary(fc.constantFrom('clone_url', 'html_url', 'ssh_url', 'git_url', 'url'), member),
      ),
    });
    const payload = fc.oneof(
      fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
      fc.json().map((text) => new TextEncoder().encode(text)),
      event.map((value) => new TextEncoder().encode(JSON.stringify(value))),
    );
    await fc.assert(
      fc.asyncProperty(
        payload,
        fc.constantFrom('push', 'ping', '', 'x'.repeat(1000)),
        async (bytes, name) => {
          app = routes(parts());
          const answer = await post(bytes as Uint8Array<ArrayBuffer>, { 'x-github-event': name });
          expect([200, 400]).toContain(answer.status);
        },
      ),
      { numRuns: 500 },
    );
    expect(errors).toEqual([]);
  });
});

describe('health and metrics', () => {
  it('readyz says what is waited for', async () => {
    notReady = 'the resources are being listed';
    const waiting = await app.request('/readyz');
    expect(waiting.status).toBe(503);
    expect(await waiting.text()).toContain('the resources are being listed');
    notReady = undefined;
    expect((await app.request('/readyz')).status).toBe(200);
  });
  it('healthz is well while it waits', async () => {
    notReady = 'x';
    expect((await app.request('/healthz')).status).toBe(200);
  });
  it('metrics have their own content type; anything else is not found, with what there is', async () => {
    const metrics = await app.request('/metrics');
    expect(metrics.headers.get('content-type')).toContain('version=0.0.4');
    expect(await metrics.text()).toBe('up 1\n');
    const none = await app.request('/nothing');
    expect(none.status).toBe(404);
    expect(await none.text()).toContain('/healthz');
  });
  it('a bug says nothing of itself to the caller', async () => {
    app = routes({ ...parts(), metrics: () => Promise.reject(new Error('canary')) });
    const answer = await app.request('/metrics');
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('canary');
    expect(errors.join()).toContain('canary');
  });
});
