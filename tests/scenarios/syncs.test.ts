/** Waves, hooks, sync options and windows, as people write them, on a cluster. */
import { describe, expect, it } from 'vitest';
import { hook, job, neverRuns } from './jobs.ts';
import { configMap, deployment, yaml } from './manifests.ts';
import { cascadeFinalizer, useWorld, waitFor, type Place } from './world.ts';

const world = useWorld();

const wave = (number: number): object => ({
  annotations: { 'argocd.argoproj.io/sync-wave': String(number) },
});
const option = (value: string): object => ({ annotations: { 'argocd.argoproj.io/sync-options': value } });

const uidOf = async (place: Place, kind: string, name: string): Promise<unknown> =>
  (await place.live(kind, name)).metadata['uid'];
const failedWith = (place: Place, pattern: RegExp): Promise<unknown> =>
  place.waitForApplication(`to fail with ${pattern}`, ({ status }) => {
    const { phase, message = '' } = status?.operationState ?? {};
    return phase === 'Failed' && pattern.test(message);
  });
const gone = (place: Place, kind: string, name: string): Promise<unknown> =>
  waitFor(`${name} to be gone`, async () => (await place.get(kind, name)) === undefined);

describe('waves', () => {
  it('a wave waits for the one before, and the commit that fixes it is not held up', async () => {
    const place = await world.place();
    const metadata = wave(-1);
    const broken = deployment('db', {
      image: 'registry.example/db:does-not-exist',
      metadata,
      pod: neverRuns,
    });
    await place.push({
      'app/db.yaml': yaml(broken),
      'app/settings.yaml': yaml(configMap('settings', { a: '1' }, wave(2))),
    });
    await place.createApplication();
    await place.waitForApplication('to wait for the database', ({ status }) =>
      /waiting until Deployment .*\/db is healthy/.test(status?.operationState?.message ?? ''),
    );
    expect(await place.get('v1/ConfigMap', 'settings')).toBeUndefined();
    const fixed = await place.pushAndHint({
      'app/db.yaml': yaml(deployment('db', { image: 'registry.example/db:2', metadata })),
    });
    await waitFor('the new image', async () => {
      const { spec } = (await place.live('apps/v1/Deployment', 'db')) as { spec?: unknown };
      return JSON.stringify(spec).includes('db:2');
    });
    await place.synced(fixed);
    expect(await place.get('v1/ConfigMap', 'settings')).toBeDefined();
  });
});

describe('hooks', () => {
  it('run before and after, go as their policies say, and run again with the next commit', async () => {
    const place = await world.place();
    await place.push({
      'app/before.yaml': yaml(job('before', { annotations: hook('PreSync') })),
      'app/settings.yaml': yaml(configMap('settings', { a: '1' })),
      'app/after.yaml': yaml(job('after', { annotations: hook('PostSync', 'HookSucceeded') })),
      'app/skipped.yaml': yaml(configMap('skipped', {}, { annotations: hook('Skip') })),
    });
    await place.createApplication();
    const { status } = await place.synced();
    expect(status?.operationState?.message).toMatch(/ran 2 hooks/);
    expect(status?.resources?.map(({ name }) => name)).toEqual(['settings']);
    await gone(place, 'batch/v1/Job', 'after');
    expect(await place.get('v1/ConfigMap', 'skipped')).toBeUndefined();
    const first = await uidOf(place, 'batch/v1/Job', 'before');
    const commit = await place.pushAndHint({ 'app/settings.yaml': yaml(configMap('settings', { a: '2' })) });
    await waitFor('the hook to be made anew', async () => {
      const now = await place.get('batch/v1/Job', 'before');
      return now !== undefined && now.metadata['uid'] !== first;
    });
    await place.synced(commit);
  });
  it('what one needs stays until the sync is over; one of two phases runs in both', async () => {
    const place = await world.place();
    const needed = { ...hook('PreSync', 'HookSucceeded'), 'argocd.argoproj.io/sync-wave': '-5' };
    await place.push({
      'app/needed.yaml': yaml(
        configMap('needed', { a: '1' }, { annotations: needed, finalizers: ['example.com/hold'] }),
      ),
      'app/both.yaml': yaml(job('both', { annotations: hook('PreSync,PostSync') })),
      'app/settings.yaml': yaml(configMap('settings', { a: '1' })),
    });
    await place.createApplication();
    const { status } = await place.synced();
    expect(status?.operationState?.message).toMatch(/ran 3 hooks/);
    // Each as its last change left it: held by its finalizer, the one that was needed as its deletion did.
    const [settings, both, deleted] = await Promise.all([
      place.live('v1/ConfigMap', 'settings'),
      place.live('batch/v1/Job', 'both'),
      place.live('v1/ConfigMap', 'needed'),
    ]);
    await world.api.patch('v1/ConfigMap', place.namespace, 'needed', { metadata: { finalizers: null } });
    expect(deleted.metadata.deletionTimestamp).toBeDefined();
    const versions = [settings, both, deleted].map(({ metadata }) => Number(metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    await gone(place, 'v1/ConfigMap', 'needed');
  });
  it('one that fails stops the sync, and SyncFail runs', async () => {
    const place = await world.place();
    await place.push({
      'app/before.yaml': yaml(job('before', { annotations: hook('PreSync', 'HookFailed'), fails: true })),
      'app/settings.yaml': yaml(configMap('settings', { a: '1' })),
      'app/rescue.yaml': yaml(configMap('rescue', {}, { annotations: hook('SyncFail') })),
    });
    await place.createApplication({
      spec: { syncPolicy: { automated: {}, retry: { limit: 0 } } },
    });
    await failedWith(place, /\[HookFailed\]/);
    expect(await place.get('v1/ConfigMap', 'settings')).toBeUndefined();
    expect(await place.get('v1/ConfigMap', 'rescue')).toBeDefined();
    await gone(place, 'batch/v1/Job', 'before');
    const fixed = await place.pushAndHint({
      'app/before.yaml': yaml(job('before', { annotations: hook('PreSync') })),
    });
    await place.synced(fixed);
  });
  it("a chart's hooks run in the order of their weights, under names of their own", async () => {
    const place = await world.place();
    const helm = (weight: number): Record<string, string> => ({
      'helm.sh/hook': 'pre-install,pre-upgrade',
      'helm.sh/hook-weight': String(weight),
    });
    await place.push({
      'app/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\n',
      'app/templates/all.yaml': yaml(
        job('first', { annotations: helm(-5) }),
        job('second', { annotations: helm(5) }),
        configMap('settings', { a: '1' }),
      ),
    });
    await place.createApplication();
    await place.synced();
    expect(await place.get('v1/ConfigMap', 'settings')).toBeDefined();
  });
  it('generateName: each sync makes one of its own', async () => {
    const place = await world.place();
    await place.push({
      'app/job.yaml': yaml(job('', { metadata: { generateName: 'migrate-' }, annotations: hook('PreSync') })),
      'app/settings.yaml': yaml(configMap('settings', { a: '1' })),
    });
    await place.createApplication();
    const [made] = await waitFor('the hook', async () => {
      const found = await world.api.list('batch/v1/Job', place.namespace);
      return found.length > 0 ? found : undefined;
    });
    expect(made!.metadata.name).toMatch(/^migrate-pre-[0-9a-f]{7}-1$/);
    await place.synced();
  });
});

describe('hooks of the end', () => {
  it('run before and after the objects go, also when Git is away, and the Application goes with them', async () => {
    const place = await world.place();
    const hooked = (type: string): object => ({ annotations: hook(type) });
    await place.push({
      'app/one.yaml': yaml(configMap('one', { a: '1' })),
      'app/backup.yaml': yaml(job('backup', { annotations: hook('PreDelete', 'HookFailed'), fails: true })),
      'app/farewell.yaml': yaml(configMap('farewell', { a: '1' }, hooked('PostDelete'))),
    });
    await place.createApplication({
      metadata: { finalizers: [cascadeFinalizer] },
      spec: { syncPolicy: { automated: {}, retry: { limit: 0 } } },
    });
    await place.synced();
    const { metadata } = await place.waitForApplication('to have its finalizers', (application) =>
      JSON.stringify(application.metadata).includes('pre-delete-finalizer.argocd.argoproj.io'),
    );
    expect(metadata['finalizers']).toContain('post-delete-finalizer.argocd.argoproj.io');
    expect(await place.get('batch/v1/Job', 'backup')).toBeUndefined();
    await world.git.stop();
    const application = ['argoproj.io/v1alpha1/Application', world.controlNamespace, place.name] as const;
    await world.api.remove(...application);
    // It fails, and nothing is deleted before somebody takes its finalizers off.
    await place.condition(/take the finalizers pre-delete-finalizer/, /Waiting/);
    expect(await place.get('v1/ConfigMap', 'one')).toBeDefined();
    expect(await place.get('v1/ConfigMap', 'farewell')).toBeUndefined();
    const { metadata: now } = await place.read();
    const finalizers = (now['finalizers'] as readonly string[]).filter((name) => !name.startsWith('pre-'));
    await place.change({ metadata: { finalizers } });
    await waitFor(
      'the Application to be gone',
      async () => (await world.api.get(...application)) === undefined,
    );
    expect(await place.get('v1/ConfigMap', 'one')).toBeUndefined();
    expect(await place.get('v1/ConfigMap', 'farewell')).toBeDefined();
    await world.git.start();
  });
});

describe('drift while a sync waits', () => {
  it('is healed at once, and what the sync waits for goes on', async () => {
    const place = await world.place();
    const waits = yaml(
      deployment('db', { image: 'registry.example/db:does-not-exist', metadata: wave(1), pod: neverRuns }),
    );
    await place.push({ 'app/settings.yaml': yaml(configMap('settings', { a: '1' })) });
    await place.createApplication();
    await place.synced();
    await place.pushAndHint({ 'app/db.yaml': waits, 'app/last.yaml': yaml(configMap('last', {}, wave(2))) });
    await place.waitForApplication('to wait for the database', ({ status }) =>
      /waiting until Deployment .*\/db is healthy/.test(status?.operationState?.message ?? ''),
    );
    await world.api.patch('v1/ConfigMap', place.namespace, 'settings', { data: { a: 'x' } });
    await waitFor(
      'the value to be healed',
      async () => (await place.live('v1/ConfigMap', 'settings'))['data'].a === '1',
    );
    await world.api.remove('v1/ConfigMap', place.namespace, 'settings');
    await waitFor('the object to be made again', async () => place.get('v1/ConfigMap', 'settings'));
    await place.waitForApplication('to wait for the database again', ({ status }) =>
      /waiting until Deployment .*\/db is healthy/.test(status?.operationState?.message ?? ''),
    );
    expect(await place.get('v1/ConfigMap', 'last')).toBeUndefined();
    const fixed = await place.pushAndHint({
      'app/db.yaml': yaml(deployment('db', { image: 'registry.example/db:2', metadata: wave(1) })),
    });
    await place.synced(fixed);
  });
});

describe('sync options', () => {
  it('Prune=false and Delete=false keep what they are set on', async () => {
    const place = await world.place();
    await place.push({
      'app/one.yaml': yaml(configMap('one', { a: '1' })),
      'app/unpruned.yaml': yaml(configMap('unpruned', { a: '1' }, option('Prune=false'))),
      'app/kept.yaml': yaml(
        configMap('kept', { a: '1' }, { annotations: { 'helm.sh/resource-policy': 'keep' } }),
      ),
      'app/undeleted.yaml': yaml(configMap('undeleted', { a: '1' }, option('Delete=false'))),
    });
    await place.createApplication({ metadata: { finalizers: [cascadeFinalizer] } });
    await place.synced();
    await place.pushAndHint({ 'app/unpruned.yaml': null, 'app/kept.yaml': null });
    await place.condition(/unpruned/, /Kept/);
    expect(await place.get('v1/ConfigMap', 'kept')).toBeDefined();
    await world.api.remove('argoproj.io/v1alpha1/Application', world.controlNamespace, place.name);
    await gone(place, 'v1/ConfigMap', 'one');
    await waitFor(
      'the Application to be gone',
      async () =>
        (await world.api.get('argoproj.io/v1alpha1/Application', world.controlNamespace, place.name)) ===
        undefined,
    );
    expect(await place.get('v1/ConfigMap', 'undeleted')).toBeDefined();
    expect(await place.get('v1/ConfigMap', 'kept')).toBeDefined();
    expect(await place.get('v1/ConfigMap', 'unpruned')).toBeUndefined();
  });
  it('Prune=confirm waits for a word', async () => {
    const place = await world.place();
    await place.push({
      'app/one.yaml': yaml(configMap('one', { a: '1' })),
      'app/precious.yaml': yaml(configMap('precious', { a: '1' }, option('Prune=confirm'))),
    });
    await place.createApplication();
    await place.synced();
    await place.pushAndHint({ 'app/precious.yaml': null });
    await place.condition(/deletion-approved/, /Kept/);
    const confirmed = new Date(Date.now() + 2000).toISOString();
    await place.change({ metadata: { annotations: { 'argocd.argoproj.io/deletion-approved': confirmed } } });
    await gone(place, 'v1/ConfigMap', 'precious');
    await place.synced();
  });
  it('Replace=true: what Git does not have goes; Force=true: what cannot be changed is made anew', async () => {
    const place = await world.place();
    const fixed = (image: string): string =>
      yaml({ ...job('fixed', { image }), metadata: { name: 'fixed', ...option('Force=true') } });
    await place.push({
      'app/one.yaml': yaml(configMap('one', { a: '1' }, option('Replace=true'))),
      'app/job.yaml': fixed('registry.example/tool:1'),
    });
    await place.createApplication();
    await place.synced();
    await world.api.patch('v1/ConfigMap', place.namespace, 'one', { data: { theirs: 'x' } });
    const first = await uidOf(place, 'batch/v1/Job', 'fixed');
    const commit = await place.pushAndHint({
      'app/one.yaml': yaml(configMap('one', { a: '2' }, option('Replace=true'))),
      'app/job.yaml': fixed('registry.example/tool:2'),
    });
    await place.synced(commit);
    expect((await place.live('v1/ConfigMap', 'one')) as { data?: unknown }).toMatchObject({
      data: { a: '2' },
    });
    expect((await place.live('v1/ConfigMap', 'one')) as { data?: object }).not.toHaveProperty('data.theirs');
    expect(await uidOf(place, 'batch/v1/Job', 'fixed')).not.toBe(first);
  });
  it('CreateNamespace with managedNamespaceMetadata', async () => {
    const place = await world.place();
    const namespace = `${place.name}-fresh`;
    await place.push({ 'app/one.yaml': yaml(configMap('one', { a: '1' })) });
    const spec = (labels: object): { readonly destination: object; readonly syncPolicy: object } => ({
      destination: { server: 'https://kubernetes.default.svc', namespace },
      syncPolicy: {
        automated: {},
        syncOptions: ['CreateNamespace=true'],
        managedNamespaceMetadata: { labels, annotations: { 'example.com/owner': 'payments' } },
      },
    });
    await place.createApplication({ spec: spec({ team: 'payments' }) });
    await place.synced();
    const labels = async (): Promise<Readonly<Record<string, string>>> =>
      (await world.api.get('v1/Namespace', '', namespace))?.metadata.labels ?? {};
    expect(await labels()).toMatchObject({ team: 'payments' });
    await place.change({
      spec: { syncPolicy: { managedNamespaceMetadata: { labels: { team: 'billing' } } } },
    });
    await waitFor('the new label', async () => (await labels())['team'] === 'billing');
  });
  it('a sync of some objects alone', async () => {
    const place = await world.place();
    await place.push({
      'app/one.yaml': yaml(configMap('one', { a: '1' })),
      'app/two.yaml': yaml(configMap('two', { a: '1' })),
    });
    await place.createApplication({ spec: { syncPolicy: {} } });
    const ended = await world.trueup('app', 'sync', place.name, '--resource', ':ConfigMap:one');
    expect(ended).toMatchObject({ code: 0 });
    expect(await place.get('v1/ConfigMap', 'one')).toBeDefined();
    expect(await place.get('v1/ConfigMap', 'two')).toBeUndefined();
  });
});

describe('sync windows', () => {
  it('one that denies holds syncs back, says until when, and lets a person through where it may', async () => {
    const place = await world.place();
    await world.api.create({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: place.name, namespace: world.controlNamespace },
      spec: {
        sourceRepos: ['*'],
        destinations: [{ server: '*', namespace: '*' }],
        syncWindows: [
          { kind: 'deny', schedule: '* * * * *', duration: '1h', applications: ['*'], manualSync: true },
        ],
      },
    });
    await place.push({ 'app/one.yaml': yaml(configMap('one', { a: '1' })) });
    await place.createApplication({ spec: { project: place.name } });
    await place.condition(/the deny window .* denies syncs until \d{4}-/, /Waiting/);
    expect(await place.get('v1/ConfigMap', 'one')).toBeUndefined();
    await world.trueup('app', 'sync', place.name);
    expect(await place.get('v1/ConfigMap', 'one')).toBeDefined();
  });
});
