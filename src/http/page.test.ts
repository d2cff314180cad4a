/** The page at `/`: what it shows, in which order, and what it never lets through. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountingMeter, ManualTime, silent } from '../kube/manual-time.fixture.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import type { Manifest } from '#model/object.ts';
import { page } from './page.ts';
import { routes } from './server.ts';

function application(name: string, sync = 'Synced', health = 'Healthy', more: object = {}): Manifest {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name },
    status: { sync: { status: sync, revision: '0123456789abcdef' }, health: { status: health }, ...more },
  } as unknown as Manifest;
}
/** The text of the cells, a row each. */
const rowsOf = (html: string): readonly (readonly string[])[] =>
  [...html.matchAll(/<tr><td>.*?<\/tr>/g)].map(([row]) =>
    [...row.matchAll(/<td>(.*?)<\/td>/g)].map(([, cell]) => cell!.replaceAll(/<[^>]*>/g, '')),
  );

describe('rows', () => {
  it('show name, status, cause and the beginning of the revision', () => {
    const health = { status: 'Degraded', message: 'the image cannot be pulled' };
    const [row] = rowsOf(page([application('web', 'OutOfSync', 'Degraded', { health })]));
    expect(row).toEqual(['web', '! OutOfSync', '! Degraded', 'the image cannot be pulled', '0123456789']);
  });

  it('have what needs attention first, then go by name', () => {
    const html = page([
      application('b'),
      application('a'),
      application('z', 'OutOfSync'),
      application('y', 'Synced', 'Progressing'),
      { ...application('x'), status: {} } as Manifest,
    ]);
    expect(rowsOf(html).map(([name]) => name)).toEqual(['x', 'y', 'z', 'a', 'b']);
  });

  it('name the cause that says most: a condition, then a failed operation, then health', () => {
    const health = { status: 'Degraded', message: 'from health' };
    const failed = { phase: 'Failed', message: 'from the operation' };
    const conditions = [{ message: 'from a condition' }];
    const causeOf = (more: object): unknown => rowsOf(page([application('a', 'x', 'y', more)]))[0]?.[3];
    expect(causeOf({ health })).toBe('from health');
    expect(causeOf({ health, operationState: failed })).toBe('from the operation');
    expect(causeOf({ health, operationState: { ...failed, phase: 'Succeeded' } })).toBe('from health');
    expect(causeOf({ health, operationState: failed, conditions })).toBe('from a condition');
    expect(causeOf({})).toBe('');
  });

  it('are bounded, and say how many more there are', () => {
    const html = page(Array.from({ length: 612 }, (_, index) => application(`a${index}`)));
    expect(rowsOf(html)).toHaveLength(500);
    expect(html).toContain('and 112 more');
  });

  it('are none where there is no Application', () => {
    expect(page([])).toContain('There is no Application yet.');
  });

  it.each([undefined, null, 'text', 7, { sync: 7, health: [], conditions: {}, operationState: 'x' }])(
    'can be made of a status that is %j',
    (status) => {
      const html = page([{ ...application('a'), status } as unknown as Manifest]);
      expect(rowsOf(html)[0]?.slice(0, 3)).toEqual(['a', '! Unknown', '! Unknown']);
    },
  );
});

describe('S13: hostile text', () => {
  it.each(['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "'--><!--", '&lt;b&gt;'])(
    '%s is shown and does nothing',
    (text) => {
      const html = page([
        application(text, text, text, {
          sync: { status: text, revision: text },
          conditions: [{ message: text }],
        }),
      ]);
      for (const tag of ['<script', '<img', '<!--', '<b>']) expect(html).not.toContain(tag);
    },
  );

  it('of any kind makes no tag and ends no attribute', () => {
    const bare = page([application('')]).replaceAll(/<td>.*<\/td>/g, '');
    const sign = fc.constantFrom('<', '>', '"', "'", '&', '/', '=', 'a', ' ', '`', '\u0000');
    fc.assert(
      fc.property(fc.string({ unit: sign }), (text) => {
        const html = page([
          application(text, text, text, { sync: { status: text, revision: text } }),
        ]).replaceAll(/<td>.*<\/td>/gs, '');
        expect(html).toBe(bare);
      }),
    );
  });
});

describe('the route', () => {
  let found: Result<readonly Manifest[]> = ok([application('web')]);
  const app = routes({
    port: 0,
    clock: new ManualTime(),
    log: silent,
    meter: new CountingMeter(),
    hint: () => 0,
    webhookSecret: () => Promise.resolve(ok(undefined)),
    notReady: () => undefined,
    metrics: () => Promise.resolve({ contentType: 'text/plain', text: '' }),
    applications: () => Promise.resolve(found),
  });
  const get = async (headers: Record<string, string> = {}): Promise<Response> =>
    app.request('http://127.0.0.1:4380/', { headers: { host: '127.0.0.1:4380', ...headers } });

  it('allows nothing that is not in the page itself', async () => {
    found = ok([application('web')]);
    const answer = await get();
    expect(answer.status).toBe(200);
    const policy = answer.headers.get('content-security-policy');
    for (const rule of ["default-src 'none'", "form-action 'none'", "frame-ancestors 'none'"])
      expect(policy).toContain(rule);
    expect(policy).not.toMatch(/script|\*|http/);
    expect(await answer.text()).toContain('web');
  });

  it.each([
    { host: 'evil.example' },
    { host: 'evil.example:4380' },
    { host: '127.0.0.1.evil.example' },
    { host: '' },
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
  ])('S13: is not for a page of another site: %j', async (headers) => {
    const answer = await get(headers as Record<string, string>);
    expect(answer.status).toBe(403);
    expect(await answer.text()).not.toContain('<table');
  });

  it.each([
    { host: 'localhost:4380' },
    { host: '[::1]:4380' },
    { host: '127.0.0.1' },
    { origin: 'http://127.0.0.1:4380', 'sec-fetch-site': 'same-origin' },
  ])('is for this machine: %j', async (headers) => {
    expect((await get(headers as Record<string, string>)).status).toBe(200);
  });

  it('says why where the Applications cannot be read', async () => {
    found = fail({
      kind: 'transient',
      code: 'Unreachable',
      stage: 'observe',
      message: 'the cluster does not answer',
      hint: '',
    });
    const answer = await get();
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('the cluster does not answer');
  });
});
