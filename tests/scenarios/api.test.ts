/** The API as scripts and people use it: curl, jq, a certificate, tokens. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, deployment, yaml } from './manifests.ts';
import { runToEnd, type Finished } from './trueup-process.ts';
import { useWorld, waitFor } from './world.ts';

const canary = 'c4n4ry-of-the-api';
const password = 'a password of somebody';
const world = useWorld({
  arguments: () => ['--tls'],
  settings: (namespace) => [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'argocd-secret', namespace },
      stringData: { 'admin.password': hashSync(password, 10), 'server.secretkey': 'a-secret-of-the-server' },
    },
  ],
});

let token: string;
const dataFile = (name: string): string => join(world.directory, 'data', name);
beforeAll(async () => {
  token = (await readFile(dataFile('token'), 'utf8')).trim();
});
afterAll(async () => expect(await world.log()).not.toContain(token));

interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly as?: string;
}
// What an answer has is looked into freely, one assertion at a time.
// oxlint-disable-next-line typescript/no-explicit-any
async function ask(path: string, { method = 'GET', body, as = token }: Asked = {}): Promise<any> {
  const answer = await fetch(`${world.origin}${path}`, {
    method,
    headers: as === '' ? {} : { authorization: `Bearer ${as}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, ...((await answer.json()) as object) };
}

/** As it stands in the seed: only its environment is ours. */
function poll(environment: Readonly<Record<string, string>> = {}): Promise<Finished> {
  const { host } = new URL(world.origin);
  return runToEnd('bash', [join(import.meta.dirname, 'seed/poll-applications.sh')], {
    env: {
      ARGOCD_SERVER: host.replace('127.0.0.1', 'localhost'),
      ARGOCD_TOKEN: token,
      CURL_CA_BUNDLE: dataFile('ca.crt'),
      ...environment,
    },
  });
}

const manual = { spec: { syncPolicy: {} } };

describe('a script that polls Argo CD', () => {
  it('names what is out of sync or unhealthy, over HTTPS that it verifies', async () => {
    const well = await world.place();
    await well.push({ 'app/a.yaml': yaml(configMap('a', { a: '1' })) });
    await well.createApplication();
    await well.synced();
    expect(await poll()).toEqual({ code: 0, stdout: '', stderr: '' });

    const waits = await world.place();
    await waits.push({ 'app/a.yaml': yaml(configMap('a', { a: '1' })) });
    await waits.createApplication(manual);
    await waits.waitForApplication('to be OutOfSync', ({ status }) => status?.sync?.status === 'OutOfSync');
    const { code, stdout } = await poll();
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^DEGRADED: ${waits.name} +OutOfSync +Missing\n$`));

    await ask(`/api/v1/applications/${waits.name}/sync`, { method: 'POST' });
    await waits.synced();
    expect(await poll()).toEqual({ code: 0, stdout: '', stderr: '' });
  });
  it.each([
    ['a wrong token', { ARGOCD_TOKEN: 'wrong' }, /401/],
    ['another authority', { CURL_CA_BUNDLE: '/etc/ssl/certs/ca-certificates.crt' }, /certificate/i],
  ])('fails with %s', async (_, environment, message) => {
    const { code, stderr } = await poll(environment);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
  });
});

describe('who may ask', () => {
  it('files with secrets are for their owner only', async () => {
    for (const name of ['token', 'server.key'])
      expect((await stat(dataFile(name))).mode & 0o777, name).toBe(0o600);
  });
  it('nobody without a token: the same answer for what is there and what is not (S13)', async () => {
    const place = await world.place();
    await place.createApplication(manual);
    for (const name of [place.name, 'nothing'])
      expect(await ask(`/api/v1/applications/${name}`, { as: '' })).toEqual({
        status: 401,
        error: 'no session information',
        code: 16,
        message: 'no session information',
      });
  });
  it('whoever has the password of argocd-secret gets a session', async () => {
    const login = { method: 'POST', as: '', body: { username: 'admin', password } };
    const session = await ask('/api/v1/session', login);
    expect(await ask('/api/v1/session/userinfo', { as: session.token })).toMatchObject({ username: 'admin' });
    const wrong = { ...login, body: { username: 'admin', password: token } };
    expect(await ask('/api/v1/session', wrong)).toMatchObject({ status: 401, code: 16 });
    await world.api.patch('v1/Secret', world.controlNamespace, 'argocd-secret', {
      stringData: { 'admin.password': hashSync('another', 10) },
    });
    await waitFor('the session to end with its password', async () => {
      const { status } = await ask('/api/v1/session/userinfo', { as: session.token });
      return status === 401;
    });
  });
  it('a token in a Secret counts without a restart', async () => {
    const another = 'a-token-for-programs-in-the-cluster';
    expect(await ask('/api/v1/applications', { as: another })).toMatchObject({ status: 401 });
    await world.api.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'trueup-api-token', namespace: world.controlNamespace },
      stringData: { token: another },
    });
    await waitFor('the token to count', async () => {
      const { status } = await ask('/api/v1/applications', { as: another });
      return status === 200;
    });
  });
});

describe('a token that expires', () => {
  const bearer = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await world.trueup('token', 'create', ...args);
    expect(code, stderr).toBe(0);
    made.push(stdout.trim());
    return stdout.trim();
  };
  const made: string[] = [];
  const statusAs = async (as: string): Promise<number> =>
    (await ask('/api/v1/applications?limit=1', { as })).status;
  const becomes = (as: string, status: number) =>
    waitFor(`the token to get ${status}`, async () => (await statusAs(as)) === status);
  afterAll(async () => {
    const log = await world.log();
    const kept = await world.api.get('v1/Secret', world.controlNamespace, 'trueup-api-tokens');
    const data = Object.values((kept?.['data'] ?? {}) as Readonly<Record<string, string>>);
    const texts = [log, ...data.map((text) => Buffer.from(text, 'base64').toString())];
    expect(made.length).toBeGreaterThan(0);
    for (const one of made) for (const text of texts) expect(text).not.toContain(one);
  });

  it('is good for the script that polls, and its name stands with the sync that it asks for', async () => {
    const place = await world.place();
    await place.push({ 'app/a.yaml': yaml(configMap('a', { a: '1' })) });
    await place.createApplication(manual);
    const cron = await bearer('cron', '--expires', '12h');
    await becomes(cron, 200);
    expect((await poll({ ARGOCD_TOKEN: cron })).code).toBe(0);
    expect(await ask('/api/v1/session/userinfo', { as: cron })).toMatchObject({ username: 'token:cron' });
    await ask(`/api/v1/applications/${place.name}/sync`, { method: 'POST', as: cron });
    await place.synced();
    const { stdout } = await world.trueup('history', place.name);
    expect(stdout).toMatch(/token:cron/);
    const again = await world.trueup('token', 'create', 'cron');
    expect([again.code, again.stdout]).toEqual([1, '']);
    expect(again.stderr).toMatch(/there is a token cron until/);
  });
  it('is none any more when it is revoked', async () => {
    const short = await bearer('short');
    await becomes(short, 200);
    expect((await world.trueup('token', 'revoke', 'short')).code).toBe(0);
    await becomes(short, 401);
    expect(await ask('/api/v1/applications', { as: short })).toMatchObject({ message: 'invalid session' });
  });
  it('gets 401 when it has expired, with when that was and what to do', async () => {
    const old = await bearer('old');
    await becomes(old, 200);
    const { stdout } = await world.trueup('token', 'list', '-o', 'json');
    const listed = JSON.parse(stdout) as readonly { readonly name: string; readonly expires: string }[];
    expect(listed.map(({ name }) => name)).toContain('old');
    // Time is what it lacks: a day ago by now.
    const ref = ['v1/Secret', world.controlNamespace, 'trueup-api-tokens'] as const;
    const kept = await world.api.get(...ref);
    const entry = Buffer.from((kept!['data'] as Record<string, string>)['old']!, 'base64').toString();
    const { expires } = listed.find(({ name }) => name === 'old')!;
    const past = new Date(Date.now() - 86_400_000).toISOString();
    await world.api.patch(...ref, { stringData: { old: entry.replace(expires, past) } });
    await becomes(old, 401);
    expect(await ask('/api/v1/applications', { as: old })).toMatchObject({
      code: 16,
      message: expect.stringMatching(
        /^the token old expired at .*Z \(trueup token create old\) \[TokenExpired\]$/,
      ),
    });
    expect((await poll({ ARGOCD_TOKEN: old })).stderr).toMatch(/401/);
    expect((await world.trueup('token', 'list')).stdout).toMatch(/^old .*\(expired\)$/m);
    const renewed = await bearer('old', '--expires', '1h');
    await becomes(renewed, 200);
    expect(await statusAs(old)).toBe(401);
  });
});

describe('an Application', () => {
  it('is shown with its tree and manifests; refreshed and synced where asked', async () => {
    const place = await world.place();
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'secret' },
      stringData: { key: canary },
    };
    const commit = await place.push({ 'app/all.yaml': yaml(deployment('web', { replicas: 2 }), secret) });
    await place.createApplication(manual);
    const path = `/api/v1/applications/${place.name}`;
    await place.waitForApplication('to be OutOfSync', ({ status }) => status?.sync?.status === 'OutOfSync');

    const asked = await ask(`${path}/sync`, { method: 'POST', body: { prune: true, revision: commit } });
    expect(asked.operation).toEqual({
      initiatedBy: { username: 'admin' },
      sync: { prune: true, revision: commit },
    });
    await place.synced(commit);
    const tree = await waitFor('the pods', async () => {
      const { nodes } = await ask(`${path}/resource-tree`);
      const pods = (nodes as { kind: string }[]).filter(({ kind }) => kind === 'Pod');
      return pods.length === 2 && nodes;
    });
    const seen = (tree as { kind: string; parentRefs?: { kind: string }[] }[]).map(
      ({ kind, parentRefs }) => `${parentRefs?.[0]?.kind ?? ''} > ${kind}`,
    );
    expect(seen.toSorted()).toEqual([
      ' > Deployment',
      ' > Secret',
      'Deployment > ReplicaSet',
      'ReplicaSet > Pod',
      'ReplicaSet > Pod',
    ]);

    const manifests = await ask(`${path}/manifests`);
    expect(manifests.revision).toBe(commit);
    expect(manifests.manifests).toHaveLength(2);
    const later = await place.push({ 'app/b.yaml': yaml(configMap('b', { a: '1' })) });
    const refreshed = await ask(`${path}?refresh=normal`);
    expect(refreshed.metadata.annotations?.['argocd.argoproj.io/refresh']).toBeUndefined();
    expect(refreshed.status.sync).toMatchObject({ status: 'OutOfSync', revision: later });

    // S14
    const all = [tree, manifests, refreshed, await ask('/api/v1/applications')];
    for (const value of [canary, Buffer.from(canary).toString('base64')])
      expect(JSON.stringify(all)).not.toContain(value);
  });

  it('a sync that waits is ended, by whom is said; another one is tried again as retryStrategy says', async () => {
    const place = await world.place();
    const path = `/api/v1/applications/${place.name}`;
    const settings = configMap(
      'settings',
      { value: 'old' },
      { namespace: place.namespace, finalizers: ['scenario.example/hold'] },
    );
    // It is being deleted and does not go: a sync waits until it is gone.
    await world.api.create(settings);
    await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '1' })) });
    await place.createApplication(manual);
    await place.waitForApplication('to be OutOfSync', ({ status }) => status?.sync?.status === 'OutOfSync');
    await world.api.remove('v1/ConfigMap', place.namespace, 'settings');
    const end = (): Promise<{ status: number }> => ask(`${path}/operation`, { method: 'DELETE' });
    expect(await end()).toMatchObject({ status: 400, code: 9 });
    await ask(`${path}/sync`, { method: 'POST' });
    await place.waitForApplication('to wait', ({ status }) => status?.operationState?.phase === 'Running');
    expect(await end()).toEqual({ status: 200 });
    await place.waitForApplication('its end', ({ status }) =>
      /terminated by admin/.test(status?.operationState?.message ?? ''),
    );
    await world.api.patch('v1/ConfigMap', place.namespace, 'settings', { metadata: { finalizers: null } });

    await place.push({
      'app/widget.yaml': yaml({ apiVersion: 'none.example/v1', kind: 'Widget', metadata: { name: 'w' } }),
    });
    const retryStrategy = { limit: 2, backoff: { duration: '1h' } };
    const asked = await ask(`${path}/sync`, { method: 'POST', body: { retryStrategy } });
    expect(asked.operation.retry).toEqual(retryStrategy);
    await place.waitForApplication('its next attempt', ({ status }) =>
      /retrying attempt #1 at/.test(status?.operationState?.message ?? ''),
    );
    expect(await end()).toEqual({ status: 200 });
    const { operation, metadata, status } = await place.waitForApplication(
      'its end',
      (now) => now.status?.operationState?.phase === 'Failed' && now.operation === undefined,
    );
    expect(status?.operationState?.message).toBe('terminated by admin between two attempts');
    expect([operation, metadata.annotations?.['trueup.dev/terminate']]).toEqual([undefined, undefined]);
  });
});
