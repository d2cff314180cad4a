/** The API over a real engine in a world of fakes: shapes as Argo CD's clients read them, and what nobody may see. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CountingMeter, silent } from '../../kube/manual-time.fixture.ts';
import { failure, isWrite } from '../../../tests/fakes/cluster.ts';
import { applicationKind, configMap, EngineWorld, repository } from '../../../tests/fakes/engine-world.ts';
import { fail, ok, type Failure } from '#model/failure.ts';
import type { Manifest } from '#model/object.ts';
import { routes } from '../server.ts';

const canary = 'c4n4ry-5ecret';
const expired: Failure = {
  kind: 'denied',
  code: 'TokenExpired',
  stage: 'policy',
  message: 'the token cron expired at 2026-01-01T00:00:00Z',
  hint: 'trueup token create cron',
};
let world: EngineWorld;
let app: ReturnType<typeof routes>;
let logins: number;
let waitsFor: string | undefined;

beforeEach(async () => {
  world = new EngineWorld();
  logins = 0;
  waitsFor = undefined;
  await world.start();
  app = routes({
    port: 0,
    clock: world.time,
    log: silent,
    meter: new CountingMeter(),
    hint: () => 0,
    webhookSecret: () => Promise.resolve(ok(undefined)),
    notReady: () => waitsFor,
    applications: () => Promise.resolve(ok([])),
    metrics: () => Promise.resolve({ contentType: 'text/plain', text: '' }),
    api: {
      version: '1.2.3',
      // Not the engine's: that one ends with a crash.
      cluster: world.cluster.client(),
      timers: world.time,
      namespace: 'argocd',
      declared: (kind) => world.engine.declared(kind),
      known: (key) => world.engine.known(key),
      records: world.records,
      states: () => world.engine.states(),
      manifests: (_, revision) =>
        Promise.resolve(
          revision === 'missing'
            ? fail(failure('RefNotFound', 'terminal'))
            : ok({
                revision: 'abc',
                objects: [
                  configMap('one'),
                  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { key: canary } },
                ],
              }),
        ),
      who: (bearer) =>
        Promise.resolve(bearer === 'expired' ? fail(expired) : ok(bearer === 'right' ? 'ada' : undefined)),
      login: (_, password) => {
        logins += 1;
        return Promise.resolve(ok(password === 'right' ? 'a-session' : undefined));
      },
    },
  });
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // What an answer has is looked into freely, one assertion at a time.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}
async function ask(
  path: string,
  init: RequestInit = {},
  token: string | undefined = 'right',
): Promise<Answer> {
  const headers = new Headers(init.headers);
  if (token !== '') headers.set('authorization', `Bearer ${token}`);
  const response = await app.request(path, { ...init, headers });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
const post = (path: string, body: unknown): Promise<Answer> =>
  ask(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
const list = async (query = ''): Promise<readonly string[]> =>
  ((await ask(`/api/v1/applications?${query}`)).body.items as readonly Manifest[]).map(
    ({ metadata }) => metadata.name,
  );

describe('without a token that is somebody’s', () => {
  const paths = [
    '/api/v1/applications',
    '/api/v1/applications/web',
    '/api/v1/applications/nothing',
    '/api/v1/applications/web/resource-tree',
    '/api/v1/applications/web/manifests',
    '/api/v1/report',
    '/api/v1/report/deployments',
    '/api/v1/session/userinfo',
    '/api/v1/anything',
  ];
  it.each(paths)('%s answers 401, whether there is something or not', async (path) => {
    await world.create(world.application());
    const message = 'no session information';
    expect(await ask(path, {}, '')).toMatchObject({
      status: 401,
      body: { error: message, code: 16, message },
    });
    expect((await ask(path, {}, 'wrong')).body).toMatchObject({ code: 16, message: 'invalid session' });
  });
  it.each(paths)('%s answers one that has expired with 401, and says so', async (path) => {
    const { status, headers, body } = await ask(path, {}, 'expired');
    expect([status, body.code, headers.get('www-authenticate')]).toEqual([401, 16, 'Bearer']);
    expect(body.message).toBe(
      'the token cron expired at 2026-01-01T00:00:00Z (trueup token create cron) [TokenExpired]',
    );
  });
  it.each([
    ['POST', '/api/v1/applications/web/sync'],
    ['DELETE', '/api/v1/applications/web/operation'],
  ])('%s %s changes nothing', async (method, path) => {
    await world.create(world.application('web', { syncPolicy: {} }));
    expect((await ask(path, { method }, 'wrong')).status).toBe(401);
    expect(world.cluster.must(applicationKind, 'argocd', 'web')['operation']).toBeUndefined();
  });
  it.each(['right', 'Basic cmlnaHQ=', 'Bearer', 'Bearer ', 'Bearer right right', 'Token right'])(
    'the header "%s" is none',
    async (authorization) => {
      expect((await ask('/api/v1/applications', { headers: { authorization } }, '')).status).toBe(401);
    },
  );
  it('the version is there', async () => {
    expect((await ask('/api/version', {}, '')).body).toEqual({ Version: 'v1.2.3' });
  });
});

describe('a login', () => {
  const login = (password: string): Promise<Answer> =>
    ask('/api/v1/session', { method: 'POST', body: JSON.stringify({ username: 'admin', password }) }, '');

  it('gives a token, which nobody may store', async () => {
    const { status, headers, body } = await login('right');
    expect([status, body]).toEqual([200, { token: 'a-session' }]);
    expect(headers.get('cache-control')).toBe('no-store');
  });
  it('S16: after five that failed nobody gets in for five minutes, not even with the right password', async () => {
    for (let count = 0; count < 5; count += 1)
      expect((await login('wrong')).body).toMatchObject({
        code: 16,
        message: 'Invalid username or password',
      });
    world.time.advance(60_000);
    const refused = await login('right');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('240');
    expect(logins).toBe(5);
    world.time.advance(241_000);
    expect((await login('right')).status).toBe(200);
  });
  it('S16: many at once are not let through either', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => login('wrong')));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
    expect(logins).toBe(5);
  });
  it.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: 'http://localhost:1' },
  ])('S13: a page of another site cannot use up the attempts: %o', async (headers) => {
    const body = JSON.stringify({ username: 'admin', password: 'wrong' });
    const init = {
      method: 'POST',
      body,
      headers: { host: 'localhost:8080', ...headers } as Record<string, string>,
    };
    for (let count = 0; count < 10; count += 1)
      expect((await ask('/api/v1/session', init, '')).status).toBe(403);
    expect((await login('right')).status).toBe(200);
    expect(logins).toBe(1);
  });
  it('that succeeds does not count', async () => {
    for (let count = 0; count < 20; count += 1) expect((await login('right')).status).toBe(200);
  });
  it.each([
    '',
    '{',
    '[]',
    '{}',
    '{"username":"admin"}',
    '{"username":1,"password":"right"}',
    'x'.repeat(9000),
  ])('of another form is refused (%#)', async (body) => {
    expect((await ask('/api/v1/session', { method: 'POST', body }, '')).status).toBe(400);
    expect(logins).toBe(0);
  });
});

describe('the list', () => {
  const several = async (): Promise<void> => {
    await world.push([configMap('one')]);
    await world.create(world.application('alpha', {}, { labels: { team: 'red', tier: 'one' } }));
    await world.create(world.application('beta', { project: 'default' }, { labels: { team: 'blue' } }));
    await world.create(
      world.application('gamma', { source: { repoURL: 'https://git.example/acme/other', path: '.' } }),
    );
  };
  it('has Argo CD’s shape', async () => {
    await several();
    const { body } = await ask('/api/v1/applications');
    expect(body.metadata).toEqual({});
    expect(body.items.find(({ metadata }: Manifest) => metadata.name === 'alpha')).toMatchObject({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: 'alpha', namespace: 'argocd' },
      spec: { source: { repoURL: repository } },
      status: { sync: { status: 'Synced' }, health: { status: 'Healthy' } },
    });
    expect(JSON.stringify(body)).not.toContain('managedFields');
  });
  it.each([
    ['name=beta', ['beta']],
    ['projects=default&limit=9', ['alpha', 'beta', 'gamma']],
    ['project=other', []],
    ['project=other&project=default&limit=9', ['alpha', 'beta', 'gamma']],
    ['selector=team%3Dred', ['alpha']],
    ['selector=team%21%3Dred&limit=9', ['beta', 'gamma']],
    ['selector=team+in+(red,blue),tier', ['alpha']],
    ['selector=team+notin+(red)&limit=9', ['beta', 'gamma']],
    ['selector=%21team', ['gamma']],
    ['repo=https://git.example/acme/other.git', ['gamma']],
    ['appNamespace=argocd&search=ALP', ['alpha']],
    ['appNamespace=elsewhere', []],
  ])('%s', async (query, expected) => {
    await several();
    expect(await list(query)).toEqual(expected);
  });
  it('without a size shows first what is not as it should be, with one is sorted by name', async () => {
    await several();
    // beta wants what alpha has.
    expect(await list()).toEqual(['beta', 'gamma', 'alpha']);
    expect(await list('limit=9')).toEqual(['alpha', 'beta', 'gamma']);
  });
  it('fields are selected and left out', async () => {
    await several();
    const only = await ask(
      '/api/v1/applications?limit=1&fields=items.metadata.name,items.status.sync.status',
    );
    expect(only.body).toEqual({
      items: [{ metadata: { name: 'alpha' }, status: { sync: { status: 'Synced' } } }],
    });
    const without = await ask('/api/v1/applications?limit=1&fields=-items.spec,items.status');
    expect(Object.keys(without.body.items[0])).toEqual(['apiVersion', 'kind', 'metadata']);
  });
  it.each(['limit=-1', 'limit=x', 'limit=1001', 'limit=1.5', 'continue=x', 'continue=W10', 'selector=a+b'])(
    '%s is refused',
    async (query) => {
      expect(await ask(`/api/v1/applications?${query}`)).toMatchObject({ status: 400, body: { code: 3 } });
    },
  );
});

describe('pages', () => {
  const fill = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1)
      world.cluster.put(world.application(`app-${String(index).padStart(3, '0')}`, { source: {} }));
    await world.settle();
  };
  it('there is no list without one', async () => {
    await fill(230);
    const { body } = await ask('/api/v1/applications');
    expect(body.items).toHaveLength(200);
    expect(body.metadata.remainingItemCount).toBe(30);
    const rest = await list(`continue=${body.metadata.continue}`);
    expect(rest).toHaveLength(30);
    expect(new Set([...body.items.map(({ metadata }: Manifest) => metadata.name), ...rest]).size).toBe(230);
  });
  it('lead through everything once, also when some come and go meanwhile', async () => {
    await fill(25);
    const seen: string[] = [];
    let next: string | undefined = '';
    while (next !== undefined) {
      const { body }: Answer = await ask(`/api/v1/applications?limit=10&continue=${next}`);
      seen.push(...body.items.map(({ metadata }: Manifest) => metadata.name));
      next = body.metadata.continue as string | undefined;
      if (seen.length === 10) {
        world.cluster.drop(applicationKind, 'argocd', 'app-009');
        await world.create(world.application('app-000a', { source: {} }));
      }
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => `app-${String(index).padStart(3, '0')}`));
  });
});

describe('one Application', () => {
  it('that is not there, of another project or namespace, or not reconciled: all the same (S13)', async () => {
    await world.create(world.application());
    world.cluster.put({
      ...world.application('hidden'),
      metadata: { name: 'hidden', namespace: 'payments' },
    });
    await world.settle();
    const answers = await Promise.all(
      [
        'nothing',
        'web?project=other',
        'web?appNamespace=payments',
        'hidden?appNamespace=payments',
        'hidden',
      ].map((path) => ask(`/api/v1/applications/${path}`)),
    );
    for (const { status, body } of answers) {
      expect(status).toBe(404);
      expect({ ...body, error: '', message: body.message.replace(/"\w+"/, 'NAME') }).toEqual({
        error: '',
        code: 5,
        message: 'applications.argoproj.io NAME not found',
      });
    }
    expect((await ask('/api/v1/applications/web?project=default&appNamespace=argocd')).status).toBe(200);
  });
  it.each(['normal', 'hard'])('refresh=%s is answered when it is done', async (kind) => {
    await world.push([configMap('one')]);
    await world.create(world.application());
    const before = world.mark;
    const asking = ask(`/api/v1/applications/web?refresh=${kind}`);
    await world.settle();
    const { status, body } = await asking;
    expect(status).toBe(200);
    expect(body.metadata.annotations?.['argocd.argoproj.io/refresh']).toBeUndefined();
    const patches = world.cluster.since(before).filter(({ verb }) => verb === 'mergePatch');
    expect(patches.length).toBeGreaterThanOrEqual(2);
  });
  it('a refresh that nobody carries out is answered all the same, after a while', async () => {
    await world.create(world.application());
    const asking = ask('/api/v1/applications/web?refresh=normal');
    await world.engine.stop();
    await world.settle();
    world.time.advance(31_000);
    expect((await asking).status).toBe(200);
  });
  it('S14: no password of an address, no value of a Secret, nothing that kubectl kept', async () => {
    await world.create(
      world.application(
        'web',
        { source: { repoURL: `https://ada:${canary}@git.example/acme/x`, path: '.' } },
        {
          annotations: {
            'kubectl.kubernetes.io/last-applied-configuration': `{"repoURL":"https://ada:${canary}@git.example"}`,
            note: 'kept',
          },
        },
      ),
    );
    const answers = await Promise.all(
      ['', '/web', '/web/manifests', '/web/resource-tree'].map((path) => ask(`/api/v1/applications${path}`)),
    );
    expect(JSON.stringify(answers.map(({ body }) => body))).not.toContain(canary);
    expect(answers[1]?.body.metadata.annotations).toEqual({ note: 'kept' });
    expect(answers[2]?.body.manifests[1]).toContain('"stringData":{"key":"++++++++"}');
  });
  it('manifests that cannot be had say why', async () => {
    await world.create(world.application());
    const { status, body } = await ask('/api/v1/applications/web/manifests?revision=missing');
    expect([status, body.code]).toEqual([400, 9]);
    expect(body.message).toContain('[RefNotFound]');
  });
});

describe('the resource tree', () => {
  it('has what is in the cluster, with its health, and what that owns', async () => {
    await world.push([configMap('one'), configMap('two')]);
    await world.create(world.application());
    const { body } = await ask('/api/v1/applications/web/resource-tree');
    expect(body.nodes).toMatchObject([
      { version: 'v1', kind: 'ConfigMap', namespace: 'payments', name: 'one', health: { status: 'Healthy' } },
      { kind: 'ConfigMap', name: 'two' },
    ]);
  });
});

describe('a sync', () => {
  const manual = { syncPolicy: {} };
  it('is the operation that the command writes, in the name of who asked', async () => {
    await world.create(world.application('web', manual));
    await world.engine.stop();
    const { status, body } = await post('/api/v1/applications/web/sync', {
      revision: 'v1',
      prune: true,
      dryRun: true,
      strategy: { apply: {} },
      syncOptions: { items: ['CreateNamespace=true'] },
      infos: [{ name: 'why', value: 'because' }],
    });
    expect(status).toBe(200);
    expect(body.operation).toEqual({
      initiatedBy: { username: 'ada' },
      info: [{ name: 'why', value: 'because' }],
      sync: {
        revision: 'v1',
        prune: true,
        dryRun: true,
        syncStrategy: { apply: {} },
        syncOptions: ['CreateNamespace=true'],
      },
    });
  });
  const retry = { limit: 2, backoff: { duration: '10s', factor: 3, maxDuration: '1m' } };
  it.each([
    [{}, { retry, sync: { syncOptions: ['PruneLast=true'] } }],
    [{ retryStrategy: { limit: 7 } }, { retry: { limit: 7 }, sync: { syncOptions: ['PruneLast=true'] } }],
    [{ syncOptions: { items: ['Replace=true'] } }, { retry, sync: { syncOptions: ['Replace=true'] } }],
    [{ syncOptions: {} }, { retry, sync: { syncOptions: [] } }],
  ])('%j: what it leaves open is as the Application says', async (body, operation) => {
    const spec = { syncPolicy: { retry, syncOptions: ['PruneLast=true'] } };
    await world.create(world.application('web', spec));
    await world.engine.stop();
    const answer = await post('/api/v1/applications/web/sync', body);
    expect(answer.body.operation).toEqual({ initiatedBy: { username: 'ada' }, ...operation });
  });
  it('without a body means what Git says now, and is carried out', async () => {
    await world.push([configMap('one')]);
    await world.create(world.application('web', manual));
    expect(world.data('one')).toBeUndefined();
    expect((await ask('/api/v1/applications/web/sync', { method: 'POST' })).status).toBe(200);
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(world.state()?.history.at(-1)).toMatchObject({ by: 'ada' });
  });
  const approve = (plan: string, more: object = {}): Promise<Answer> =>
    post('/api/v1/applications/web/sync', { infos: [{ name: 'trueup.dev/plan', value: plan }], ...more });
  const digestIn = (text = ''): string => /sha256:[0-9a-f]{64}/.exec(text)?.[0] ?? '';
  const other = `sha256:${'0'.repeat(64)}`;
  it('approves the plan that waits, and who did and when is kept', async () => {
    await world.push([configMap('one')]);
    await world.create(world.application('web', manual));
    const plan = digestIn(world.condition('Waiting'));
    const atMs = Math.floor(world.time.now() / 1000) * 1000;
    expect(await approve(plan, { strategy: { hook: {} }, prune: false })).toMatchObject({ status: 200 });
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(world.state()?.history.at(-1)).toMatchObject({
      by: 'ada',
      plan,
      approved: { plan, by: 'ada', atMs },
    });
    expect(world.status().operationState).toMatchObject({
      phase: 'Succeeded',
      operation: { initiatedBy: { username: 'ada' }, info: [{ name: 'trueup.dev/plan', value: plan }] },
    });
    expect(world.cluster.must(applicationKind, 'argocd', 'web').metadata.annotations).toEqual({});
  });
  it('approves a held prune (F9)', async () => {
    const many = (count: number): readonly Manifest[] =>
      Array.from({ length: count }, (_, index) => configMap(`n${index}`));
    await world.push(many(12));
    await world.create(world.application());
    await world.push(many(1));
    const plan = digestIn(world.condition('Held'));
    expect(await post('/api/v1/applications/web/sync', {})).toMatchObject({ status: 200 });
    await world.settle();
    expect(world.data('n11')).toBeDefined();
    expect((await approve(plan)).status).toBe(200);
    await world.settle();
    expect(world.data('n11')).toBeUndefined();
    expect(world.state()?.history.at(-1)).toMatchObject({ approved: { plan, by: 'ada' } });
  });
  it('approves new values that templates make up, where the first ones are lost (F17)', async () => {
    const template =
      'apiVersion: v1\nkind: Secret\nmetadata: {name: password}\nstringData: {p: {{ randAlphaNum 8 | quote }}}\n';
    await world.pushFiles({
      'app/Chart.yaml': 'apiVersion: v2\nname: c\nversion: 1.0.0\n',
      'app/templates/password.yaml': template,
    });
    await world.create(world.application());
    const values = (): unknown => world.cluster.must('Secret', 'payments', 'password')['data'];
    const first = values();
    world.kept.values.clear();
    await world.restart();
    world.cluster.edit('Secret', 'payments', 'password', (draft) => (draft.data.p = 'eA=='), 'kubectl');
    await world.settle();
    expect(world.condition('Held')).toMatch(/\[RandomTemplate\]/);
    expect((await approve(digestIn(world.condition('Held')))).status).toBe(200);
    await world.settle();
    expect(world.condition('Held')).toBeUndefined();
    expect([first, { p: 'eA==' }]).not.toContainEqual(values());
    expect(world.state()?.history.at(-1)).toMatchObject({ by: 'ada', approved: { by: 'ada' } });
  });
  it('approves no plan but one that waits: both are named, and nothing is written', async () => {
    await world.push([configMap('one')]);
    await world.create(world.application('web', manual));
    const plan = digestIn(world.condition('Waiting'));
    const before = world.cluster.must(applicationKind, 'argocd', 'web');
    expect(await approve(other)).toMatchObject({
      status: 409,
      body: {
        code: 10,
        message: expect.stringMatching(new RegExp(`${other} is stale: what waits .* is plan ${plan}`)),
      },
    });
    await world.settle();
    expect(world.cluster.must(applicationKind, 'argocd', 'web')).toEqual(before);
    await world.sync();
    expect(await approve(plan)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('no plan waits for approval') },
    });
  });
  it.each([
    ['latest', {}, /is no digest of a plan: latest/],
    [other, { dryRun: true }, /dryRun carries nothing out/],
    [other, { infos: [1, 2].map(() => ({ name: 'trueup.dev/plan', value: other })) }, /stands there twice/],
  ])('an approval of %s with %j is refused', async (plan, more, message) => {
    await world.create(world.application('web', manual));
    expect(await approve(plan, more)).toMatchObject({
      status: 400,
      body: { code: 3, message: expect.stringMatching(message) },
    });
    const { metadata, operation } = world.cluster.must(applicationKind, 'argocd', 'web');
    expect([operation, metadata.annotations ?? {}]).toEqual([undefined, {}]);
  });
  it('one at a time', async () => {
    await world.create(world.application('web', manual));
    await world.engine.stop();
    expect((await post('/api/v1/applications/web/sync', {})).status).toBe(200);
    expect(await post('/api/v1/applications/web/sync', {})).toMatchObject({ status: 400, body: { code: 9 } });
  });
  it.each([
    ['{', 3],
    ['[]', 3],
    ['{"prune":"yes"}', 3],
    ['{"manifests":["x"]}', 3],
    ['{"name":"other"}', 3],
  ])('%s is refused, and nothing is written', async (body, code) => {
    await world.create(world.application('web', manual));
    expect((await post('/api/v1/applications/web/sync', body)).body.code).toBe(code);
    expect(world.cluster.must(applicationKind, 'argocd', 'web')['operation']).toBeUndefined();
  });
  it.each([
    [{ limit: 'often' }, 'retryStrategy.limit: Invalid input: expected number'],
    [{ limit: 1.5 }, 'retryStrategy.limit: Invalid input: expected int'],
    [{ backoff: { factor: 0 } }, 'retryStrategy.backoff.factor: Too small'],
    [{ backoff: { duration: 5 } }, 'retryStrategy.backoff.duration: Invalid input: expected string'],
    [{ backoff: { duration: 'soon' } }, 'retryStrategy.backoff.duration: "soon" is not a duration'],
    [{ backoff: { maxDuration: '1 month' } }, 'retryStrategy.backoff.maxDuration: "1 month" is not'],
    [{ backoff: { jitter: true } }, 'retryStrategy.backoff: Unrecognized key: "jitter"'],
    [{ times: 3 }, 'retryStrategy: Unrecognized key: "times"'],
  ])('retryStrategy %o is refused, and nothing is written', async (retryStrategy, message) => {
    await world.create(world.application('web', manual));
    expect(await post('/api/v1/applications/web/sync', { retryStrategy })).toMatchObject({
      status: 400,
      body: { code: 3, message: expect.stringContaining(message) },
    });
    expect(world.cluster.must(applicationKind, 'argocd', 'web')['operation']).toBeUndefined();
  });
  it('of nothing is not found', async () => {
    expect((await post('/api/v1/applications/nothing/sync', {})).status).toBe(404);
  });
  it('that has not begun can be taken back', async () => {
    await world.create(world.application('web', manual));
    const nothing = await ask('/api/v1/applications/web/operation', { method: 'DELETE' });
    expect(nothing).toMatchObject({ status: 400, body: { code: 9 } });
    await world.engine.stop();
    await post('/api/v1/applications/web/sync', {});
    expect(await ask('/api/v1/applications/web/operation', { method: 'DELETE' })).toMatchObject({
      status: 200,
      body: {},
    });
    expect(world.cluster.must(applicationKind, 'argocd', 'web')['operation']).toBeUndefined();
  });
});

describe('an operation that has begun', () => {
  const hook: Manifest = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: 'before',
      namespace: 'payments',
      annotations: { 'argocd.argoproj.io/hook': 'PreSync' },
    },
    spec: { template: { spec: { containers: [{ name: 'main', image: 'm:1' }] } } },
  };
  const sync = '/api/v1/applications/web/sync';
  const terminate = () => ask('/api/v1/applications/web/operation', { method: 'DELETE' });
  const fails = async (): Promise<void> => {
    const conditions = [{ type: 'Failed', status: 'True', message: 'exit code 1' }];
    world.cluster.edit('batch/Job', 'payments', 'before', (draft) => (draft.status = { conditions }));
    await world.settle();
    await world.advance(3000);
  };
  const read = (): Manifest => world.cluster.must(applicationKind, 'argocd', 'web');
  const isOver = (): void => {
    expect(read()['operation']).toBeUndefined();
    expect(read().metadata.annotations ?? {}).toEqual({});
  };
  beforeEach(async () => {
    await world.push([hook, configMap('one')]);
    await world.create(world.application('web', { syncPolicy: {} }));
  });

  it.each([0, 2000])('is ended after %i ms, and says by whom', async (told) => {
    await post(sync, {});
    await world.settle();
    await world.advance(told);
    expect(world.status().operationState?.phase).toBe(told === 0 ? undefined : 'Running');
    expect(await terminate()).toMatchObject({ status: 200, body: {} });
    await world.settle();
    await world.advance(2000);
    expect(world.status().operationState).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/terminated by ada before this step.*\[Terminated\]/),
    });
    isOver();
    expect(await terminate()).toMatchObject({ status: 400, body: { code: 9 } });
    expect(world.data('one')).toBeUndefined();
  });
  it('is tried again as retryStrategy says, and ended between two attempts', async () => {
    const retryStrategy = { limit: 2, backoff: { duration: '30s', factor: 2, maxDuration: '3m' } };
    const { body } = await post(sync, { retryStrategy });
    expect(body.operation).toEqual({ initiatedBy: { username: 'ada' }, retry: retryStrategy, sync: {} });
    await world.settle();
    await fails();
    expect(world.status().operationState).toMatchObject({
      phase: 'Running',
      message: expect.stringContaining('retrying attempt #1'),
    });
    await world.advance(25_000);
    expect(world.status().operationState).not.toHaveProperty('retryCount');
    await world.advance(5000);
    expect(world.status().operationState).toMatchObject({ phase: 'Running', retryCount: 1 });
    await fails();
    expect(await terminate()).toMatchObject({ status: 200, body: {} });
    await world.settle();
    expect(world.status().operationState).toMatchObject({
      phase: 'Failed',
      message: 'terminated by ada between two attempts',
      retryCount: 1,
    });
    isOver();
    const jobs = (): unknown => world.cluster.get('batch/Job', 'payments', 'before')?.metadata['uid'];
    const last = jobs();
    await world.advance(300_000, 30_000);
    expect(jobs()).toBe(last);
  });
});

describe('F29: an operation that Argo CD left', () => {
  const operation = {
    initiatedBy: { username: 'grace' },
    info: [{ name: 'old', value: 'yes' }],
    retry: { limit: 5 },
    sync: { revision: 'v0', prune: true, syncStrategy: { hook: {} } },
  };
  beforeEach(async () => {
    await world.push([configMap('one')]);
    const left = {
      ...world.application('web', { syncPolicy: {} }),
      operation,
      status: {
        reconciledAt: '2026-01-01T00:00:00Z',
        operationState: { phase: 'Running', startedAt: '2026-01-01T00:00:00Z', operation },
      },
    };
    world.cluster.put(left, 'argocd-application-controller');
    await world.settle();
  });

  it('is replaced by a sync, and nothing of it stays', async () => {
    const { status, body } = await post('/api/v1/applications/web/sync', {});
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body.operation).toEqual({ initiatedBy: { username: 'ada' }, sync: {} });
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(world.status().operationState).toMatchObject({ phase: 'Succeeded' });
  });
  it('and that somebody asks for again word for word is carried out', async () => {
    const { initiatedBy: _, retry: retryStrategy, info: infos } = operation;
    await world.change(
      'web',
      (draft) => {
        draft.operation.initiatedBy = { username: 'ada' };
        draft.operation.sync = { prune: true };
        draft.status.operationState.operation = draft.operation;
      },
      'argocd-application-controller',
    );
    expect(world.data('one')).toBeUndefined();
    const { status, body } = await post('/api/v1/applications/web/sync', {
      prune: true,
      retryStrategy,
      infos,
    });
    expect(status, JSON.stringify(body)).toBe(200);
    await world.settle();
    expect(world.data('one')).toEqual({ a: '1' });
    expect(world.status().operationState).toMatchObject({
      phase: 'Succeeded',
      operation: { info: expect.arrayContaining(infos) },
    });
    expect(world.cluster.must(applicationKind, 'argocd', 'web')['operation']).toBeUndefined();
  });
  it('is left alone while Argo CD runs', async () => {
    const labels = { 'app.kubernetes.io/name': 'argocd-application-controller' };
    await world.create({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'argocd-application-controller', namespace: 'argocd', labels },
      status: { readyReplicas: 1 },
    });
    const before = world.mark;
    for (const answer of [
      await post('/api/v1/applications/web/sync', {}),
      await ask('/api/v1/applications/web/operation', { method: 'DELETE' }),
    ])
      expect(answer).toMatchObject({
        status: 400,
        body: { code: 9, message: expect.stringMatching(/another controller runs: StatefulSet/) },
      });
    expect(world.cluster.since(before).filter(isWrite)).toEqual([]);
  });
  it('is not in progress, so it cannot be ended, and nothing is written', async () => {
    const before = world.mark;
    expect(await ask('/api/v1/applications/web/operation', { method: 'DELETE' })).toMatchObject({
      status: 400,
      body: { code: 9, message: 'Unable to terminate operation. No operation is in progress' },
    });
    expect(world.cluster.since(before).filter(isWrite)).toEqual([]);
    expect(world.cluster.must(applicationKind, 'argocd', 'web')['operation']).toEqual(operation);
  });
});

describe('before everything is listed', () => {
  it('nothing seems not to be there: 503, to who may ask', async () => {
    waitsFor = 'the resources are being listed';
    expect(await ask('/api/v1/applications')).toMatchObject({ status: 503, body: { code: 14 } });
    expect((await ask('/api/v1/applications', {}, 'wrong')).status).toBe(401);
  });
});

describe('a report', () => {
  beforeEach(async () => {
    await world.push([configMap('one'), configMap('two')]);
    await world.create(world.application());
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.a = '9'), 'vi');
    await world.settle();
    await world.advance(1000);
  });

  it('counts what happened, and what lives where Units apply; a page of events has what was counted', async () => {
    world.cluster.put(configMap('stray'), 'vi');
    const { status, headers, body } = await ask('/api/v1/report');
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toMatchObject({
      deployments: { count: 1, succeeded: 1, successRate: 1 },
      drift: { incidents: 1, healed: 1 },
      objects: { objects: 3, explained: 2, groups: [{ kind: 'ConfigMap', manager: 'vi', count: 1 }] },
    });
    expect((await ask('/api/v1/report/drift')).body.items).toHaveLength(body.drift.incidents);
    expect((await ask('/api/v1/report/deployments')).body.items).toHaveLength(body.deployments.count);
    expect((await ask('/api/v1/report?objects=false')).body).not.toHaveProperty('objects');
    expect((await ask('/api/v1/report?name=other')).body.deployments.count).toBe(0);
  });

  it('names the kinds that it may not read, and counts nothing of them', async () => {
    world.cluster.forbidden.add('/Secret');
    const { objects } = (await ask('/api/v1/report')).body;
    expect(objects.unread).toMatchObject([
      { kind: '/v1/Secret', why: expect.stringMatching(/may not list/) },
    ]);
    expect(objects.objects).toBe(2);
  });

  it('what stands otherwise than Git says is not explained', async () => {
    world.cluster.inject = ({ verb }) => (verb === 'apply' ? failure('Timeout') : undefined);
    world.cluster.edit('ConfigMap', 'payments', 'two', (draft) => (draft.data.a = '9'), 'vi');
    await world.settle();
    const { objects } = (await ask('/api/v1/report')).body;
    expect(objects).toMatchObject({ explained: 1, groups: [{ why: 'differs', examples: ['two'] }] });
  });

  it('of a time that is none says so', async () => {
    expect(await ask('/api/v1/report?since=yesterday')).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/the parameter since.*\[BadQuery\]/) },
    });
  });

  it('S14: has no value of a Secret, whoever changed it', async () => {
    const secret = (value: string): Manifest => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: 'payments' },
      data: { key: Buffer.from(value).toString('base64') },
    });
    await world.push([configMap('one'), secret(canary)]);
    const changed = Buffer.from('another-canary').toString('base64');
    world.cluster.edit('Secret', 'payments', 's', (draft) => (draft.data.key = changed), 'vi');
    await world.settle();
    const told = JSON.stringify([
      world.records.drifted,
      world.records.deployed,
      (await ask('/api/v1/report')).body,
    ]);
    expect(told).toContain('.data.key');
    for (const value of [canary, Buffer.from(canary).toString('base64'), changed, 'another-canary'])
      expect(told).not.toContain(value);
  });
});
