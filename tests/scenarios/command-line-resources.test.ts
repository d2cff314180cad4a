/** The command line on resources: what differs, who made what, what waits for what; and the wishes of people. */
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configMap, deployment, yaml } from './manifests.ts';
import type { Place } from './world.ts';
import { useWorld, waitFor } from './world.ts';

const world = useWorld();
const skipAnnotation = 'argocd.argoproj.io/skip-reconcile';

async function syncedPlace(overrides?: Parameters<Place['createApplication']>[0]): Promise<Place> {
  const place = await world.place();
  await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '1' })) });
  await place.createApplication(overrides);
  await place.synced();
  return place;
}
const value = async (place: Place) => (await place.live('v1/ConfigMap', 'settings'))['data'].value as string;

describe('app diff', () => {
  it('ends with 0 and says nothing where nothing differs', async () => {
    const place = await syncedPlace();
    const diff = await world.trueup('app', 'diff', place.name);
    expect(diff, diff.stderr).toMatchObject({ code: 0, stdout: '' });
  });

  it('names each field with before, after and who made it so, and ends with 1', async () => {
    const place = await syncedPlace({ spec: { syncPolicy: { automated: {} } } });
    await place.change({ spec: { syncPolicy: { automated: null } } });
    await world.kubectl(
      'patch',
      'configmap',
      'settings',
      '-n',
      place.namespace,
      '--type=merge',
      '-p',
      '{"data":{"value":"hand"}}',
    );
    const diff = await world.trueup('app', 'diff', place.name);
    expect(diff.code, diff.stderr).toBe(1);
    expect(diff.stdout).toMatch(/^~ ConfigMap .*\/settings/m);
    expect(diff.stdout).toMatch(/FIELD +BEFORE +AFTER +OWNER/);
    expect(diff.stdout).toMatch(/\.data\.value +"hand" +"1" +kubectl/);
    expect((await world.trueup('app', 'diff', place.name, '--exit-code=false')).code).toBe(0);
    const json = JSON.parse((await world.trueup('app', 'diff', place.name, '-o', 'json')).stdout) as object;
    expect(json).toMatchObject({
      objects: [{ changes: [{ path: '.data.value', before: 'hand', after: '1' }] }],
    });
  });

  it('a failure is neither: 2', async () => {
    expect((await world.trueup('app', 'diff', 'nothing-of-this-name')).code).toBe(2);
  });
});

describe('get', () => {
  it('one table for every kind that is known; a word that means none is a wrong call', async () => {
    const place = await syncedPlace({ metadata: { labels: { team: 'payments' } } });
    const table = await world.trueup('get', 'all');
    expect(table, table.stderr).toMatchObject({ code: 0 });
    expect(table.stdout).toMatch(/^KIND +NAMESPACE +NAME +READY/);
    expect(table.stdout).toMatch(new RegExp(`^Application .*${place.name} +True`, 'm'));
    const named = await world.trueup('get', 'apps', '-l', 'team=payments', '-o', 'name');
    expect(named.stdout).toContain(`application/${world.controlNamespace}/${place.name}\n`);
    const none = await world.trueup(
      'get',
      'applications',
      '-A',
      '-l',
      'team=payments,team!=payments',
      '-o',
      'name',
    );
    expect(none).toMatchObject({ code: 0, stdout: '' });
    expect(none.stderr).toMatch(/no applications in any namespace/);
    expect((await world.trueup('get', 'frobnications')).code).toBe(64);
    const unreadable = await world.trueup('get', 'applications', '-l', 'team in payments');
    expect(unreadable).toMatchObject({
      code: 64,
      stdout: '',
      stderr: expect.stringMatching(/a part that is none: team in payments/),
    });
  });

  it('in every form, and of every namespace', async () => {
    const place = await syncedPlace({ metadata: { labels: { forms: 'all' } } });
    const get = async (...args: readonly string[]): Promise<string> => {
      const done = await world.trueup('get', 'applications', '-l', 'forms in (all)', ...args);
      expect(done, done.stderr).toMatchObject({ code: 0, stderr: '' });
      return done.stdout;
    };
    const wide = await get('-o', 'wide');
    expect(wide).toMatch(/^KIND +NAMESPACE +NAME +READY +SUSPENDED +REVISION +SINCE +MESSAGE\n/);
    expect(wide).toMatch(
      new RegExp(`^Application .* ${place.name} .* \\d{4}-\\d\\d-\\d\\dT\\S+Z  Synced, `, 'm'),
    );
    expect(JSON.parse(await get('-o', 'json'))).toMatchObject([
      { kind: 'Application', metadata: { name: place.name }, spec: { source: { path: 'app' } } },
    ]);
    expect(parse(await get('-o', 'yaml'))).toMatchObject([
      { kind: 'Application', metadata: { name: place.name }, status: { sync: { status: 'Synced' } } },
    ]);
    const name = `application/${world.controlNamespace}/${place.name}\n`;
    expect(await get('-o', 'name')).toBe(name);

    // Elsewhere than in the namespace that is looked at when none is named.
    const elsewhere = { ...(await place.read()) };
    await world.api.create({
      apiVersion: elsewhere.apiVersion,
      kind: elsewhere.kind,
      metadata: { name: 'elsewhere', namespace: place.namespace, labels: { forms: 'all' } },
      spec: elsewhere['spec'],
    });
    expect(await get('-o', 'name')).toBe(name);
    const all = await get('-A', '-o', 'name');
    expect(all.split('\n').toSorted()).toEqual(
      ['', name.trim(), `application/${place.namespace}/elsewhere`].toSorted(),
    );
  });
});

describe('--watch', () => {
  const watched = [
    ['get', 'applications'],
    ['app', 'list'],
  ] as const;
  it.each(watched)('%s %s: the table, then a row for what a push changed, until Ctrl-C', async (...words) => {
    const place = await syncedPlace({ metadata: { labels: { watched: 'rows' } } });
    await place.waitForApplication('health', ({ status }) => status?.health?.status === 'Healthy');
    const selector = `watched in (rows),!absent`;
    const watch = world.trueupGoingOn(...words, '--watch', '-l', selector);
    await waitFor('the table', () => watch.lines().some((line) => line.includes(place.name)));
    const before = watch.lines().length;
    const commit = await place.pushAndHint({
      'app/settings.yaml': yaml(configMap('settings', { value: '2' })),
    });
    await waitFor('a row of it', () => watch.lines().at(-1)?.includes(commit.slice(0, 8)), {
      seen: async () => watch.lines(),
    });
    expect(
      watch
        .lines()
        .slice(before)
        .every((line) => line.includes(place.name)),
    ).toBe(true);
    watch.interrupt();
    expect(await watch.ended).toMatchObject({ code: 130, stderr: '' });
    await place.change({ metadata: { labels: { watched: null } } });
  });

  it('ends when nobody reads any more what it prints', async () => {
    const place = await syncedPlace();
    const watch = world.trueupGoingOn('get', 'applications', place.name, '-w', '-o', 'json');
    await waitFor('a document', () => watch.lines().length > 0);
    watch.leave();
    await place.change({ metadata: { labels: { more: 'to-print' } } });
    expect(await watch.ended).toMatchObject({ code: 1, stderr: '' });
  });
});

describe('suspend, resume and reconcile', () => {
  it('a suspended Application is left alone with its policy untouched, until it is resumed', async () => {
    const place = await syncedPlace();
    const { spec } = await place.read();
    const suspended = await world.trueup('suspend', place.name, '--reason', 'incident 42');
    expect(suspended, suspended.stderr).toMatchObject({ code: 0 });
    await place.pushAndHint({ 'app/settings.yaml': yaml(configMap('settings', { value: '2' })) });
    await place.refresh();
    expect(await value(place)).toBe('1');
    expect((await place.read())['spec']).toEqual(spec);
    const why = await world.trueup('why', place.name);
    expect(why.stdout).toMatch(/is suspended \(.*\): by \S+ at \S+: incident 42/);
    const asked = await world.trueup('reconcile', 'application', place.name);
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringMatching(/resume/) });
    expect((await world.trueup('resume', place.name)).code).toBe(0);
    await waitFor('the change', async () => (await value(place)) === '2');
    expect((await place.read()).metadata.annotations?.[skipAnnotation]).toBeUndefined();
  });

  it('reconcile has it looked at now', async () => {
    const place = await syncedPlace();
    await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '2' })) });
    const asked = await world.trueup('reconcile', 'application', place.name, '--with-source');
    expect(asked, asked.stderr).toMatchObject({ code: 0 });
    await waitFor('the change', async () => (await value(place)) === '2', { timeoutMs: 10_000 });
  });
});

describe('why', () => {
  it('of what is well: nothing', async () => {
    const place = await syncedPlace();
    await place.waitForApplication('health', ({ status }) => status?.health?.status === 'Healthy');
    expect((await world.trueup('why', place.name)).stdout).toMatch(/waits for nothing/);
  });

  it('goes down to the object that is in the way', async () => {
    const place = await world.place();
    const web = deployment('web', { image: 'registry.example/nothing:1' });
    await place.push({
      'app/web.yaml': yaml({ ...web, spec: { ...(web['spec'] as object), paused: true } }),
    });
    await place.createApplication();
    await place.waitForApplication(
      'its health',
      ({ status }) => status?.sync?.status === 'Synced' && status.health?.status !== 'Healthy',
    );
    const why = await world.trueup('why', place.name);
    expect(why, why.stderr).toMatchObject({ code: 0 });
    const [first, second] = why.stdout.split('\n');
    expect(first).toMatch(/Application .*waits for health/);
    expect(second).toMatch(/← Deployment .*\/web: is \w+/);
  });

  it('an Application that nobody syncs says which command does', async () => {
    const place = await world.place();
    await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '1' })) });
    await place.createApplication({ spec: { syncPolicy: {} } });
    await place.waitForApplication('a look', ({ status }) => status?.sync?.status === 'OutOfSync');
    expect((await world.trueup('why', place.name)).stdout).toMatch(/automated sync is off/);
  });
});

describe('tree and events', () => {
  it('tree: what is declared, and what controllers made of it', async () => {
    const place = await world.place();
    await place.push({ 'app/web.yaml': yaml(deployment('web'), configMap('settings', {})) });
    await place.createApplication();
    await place.synced();
    const owner = await place.live('apps/v1/Deployment', 'web');
    const replicaSet = {
      ...deployment('web-made'),
      kind: 'ReplicaSet',
      metadata: {
        name: 'web-made',
        namespace: place.namespace,
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: owner.metadata.uid },
        ],
      },
    };
    await world.api.create(replicaSet);
    const tree = await world.trueup('tree', place.name);
    expect(tree, tree.stderr).toMatchObject({ code: 0 });
    expect(tree.stdout).toMatch(/^Application /);
    expect(tree.stdout).toMatch(/[├└]─ ConfigMap .*\/settings/);
    expect(tree.stdout).toMatch(/[├└]─ Deployment .*\/web {2}/);
    expect(tree.stdout).toMatch(/^[│ ] +[├└]─ ReplicaSet .*\/web-made/m);
  });

  it('events: of the objects, and of no others', async () => {
    const place = await syncedPlace();
    const about = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.1`, namespace: place.namespace },
      involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', namespace: place.namespace, name },
      type: 'Warning',
      reason: 'Noted',
      message: `about ${name}`,
      lastTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      source: { component: 'scenario' },
    });
    for (const name of ['settings', 'another']) await world.api.create(about(name));
    const events = await world.trueup('events', place.name);
    expect(events, events.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(events.stdout).toMatch(/Warning +Noted +ConfigMap\/settings +about settings/);
    expect(events.stdout).not.toContain('another');
  });
});

describe('app terminate', () => {
  it('without an operation: says so, 1', async () => {
    const place = await syncedPlace();
    const finished = await world.trueup('app', 'terminate', place.name);
    expect(finished).toMatchObject({ code: 1, stderr: expect.stringMatching(/no operation is in progress/) });
  });

  it('ends a Run that waits, and the rest of its steps is not begun', async () => {
    const place = await world.place();
    // It is being deleted and does not go: a sync waits until it is gone.
    await world.api.create(
      configMap(
        'settings',
        { value: 'old' },
        { namespace: place.namespace, finalizers: ['scenario.example/hold'] },
      ),
    );
    await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '1' })) });
    await place.createApplication({ spec: { syncPolicy: {} } });
    await place.waitForApplication('a look', ({ status }) => status?.sync?.status === 'OutOfSync');
    await world.api.remove('v1/ConfigMap', place.namespace, 'settings');
    await world.trueup('app', 'sync', place.name, '--async');
    await place.waitForApplication(
      'the operation',
      ({ status }) => status?.operationState?.phase === 'Running',
    );
    const ended = await world.trueup('app', 'terminate-op', place.name, '--timeout', '20');
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(ended.stdout).toMatch(/Failed: .*terminated/);
    const { metadata } = await place.read();
    expect(Object.keys(metadata.annotations ?? {})).not.toContain('trueup.dev/terminate');
    await world.api.patch('v1/ConfigMap', place.namespace, 'settings', { metadata: { finalizers: null } });
  });
});
