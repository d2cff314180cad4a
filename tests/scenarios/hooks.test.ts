/**
 * Every hook type, delete policy and wave of Argo CD and Helm, as people write it, on a cluster. `shownBy` says which
 * scenario shows which; what is accepted and not in it fails here.
 */
import { expect, it } from 'vitest';
import { conventions } from '#dialects/argo/conventions.ts';
import { hook, job } from './jobs.ts';
import { configMap, definition, definitionKind, yaml } from './manifests.ts';
import { expectShown, type ShownBy } from './shown-by.ts';
import { cascadeFinalizer, useWorld, waitFor, type Place } from './world.ts';

const world = useWorld();

const around =
  'syncs.test.ts: run before and after, go as their policies say, and run again with the next commit';
const failing = 'syncs.test.ts: one that fails stops the sync, and SyncFail runs';
const ends =
  'syncs.test.ts: run before and after the objects go, also when Git is away, and the Application goes with them';
const charts = "a chart's hooks run before, after and at the end, or never, and go as their policies say";
const shownBy: ShownBy = {
  'argocd.argoproj.io/hook: PreSync': around,
  'argocd.argoproj.io/hook: Sync': 'Sync runs in its wave, among the objects, and in each sync',
  'argocd.argoproj.io/hook: PostSync': around,
  'argocd.argoproj.io/hook: SyncFail': failing,
  'argocd.argoproj.io/hook: PreDelete': ends,
  'argocd.argoproj.io/hook: PostDelete': ends,
  'argocd.argoproj.io/hook: Skip': around,
  'argocd.argoproj.io/hook-delete-policy: BeforeHookCreation': around,
  'argocd.argoproj.io/hook-delete-policy: HookSucceeded': around,
  'argocd.argoproj.io/hook-delete-policy: HookFailed': failing,
  'helm.sh/hook: crd-install': 'crd-install is no hook: an object like any other',
  'helm.sh/hook: pre-install': charts,
  'helm.sh/hook: pre-upgrade': charts,
  'helm.sh/hook: post-install': charts,
  'helm.sh/hook: post-upgrade': charts,
  'helm.sh/hook: pre-delete': charts,
  'helm.sh/hook: post-delete': charts,
  'helm.sh/hook: pre-rollback': charts,
  'helm.sh/hook: post-rollback': charts,
  'helm.sh/hook: test': charts,
  'helm.sh/hook: test-success': charts,
  'helm.sh/hook: test-failure': charts,
  'helm.sh/hook-delete-policy: before-hook-creation': charts,
  'helm.sh/hook-delete-policy: hook-succeeded': charts,
  'helm.sh/hook-delete-policy: hook-failed': charts,
  'argocd.argoproj.io/sync-wave':
    'syncs.test.ts: a wave waits for the one before, and the commit that fixes it is not held up',
  'helm.sh/hook-weight': charts,
};

it('each that is accepted has a scenario', ({ task }) => {
  const hooks = conventions.hooks.flatMap(({ key, values, deletion }) => [
    ...Object.keys(values).map((value) => `${key}: ${value}`),
    ...Object.keys(deletion.values).map((value) => `${deletion.key}: ${value}`),
  ]);
  return expectShown(task, shownBy, [...hooks, ...conventions.waves]);
});

const wave = (number: number): Record<string, string> => ({
  'argocd.argoproj.io/sync-wave': String(number),
});
const has = async (place: Place, ...names: readonly string[]): Promise<readonly boolean[]> =>
  Promise.all(names.map(async (name) => (await place.get('v1/ConfigMap', name)) !== undefined));
const uidOf = async (place: Place, kind: string, name: string): Promise<unknown> =>
  (await place.live(kind, name)).metadata['uid'];
/** In the order in which the last operation came to them. */
async function orderOf(place: Place): Promise<readonly string[]> {
  const { status } = await place.read();
  const { syncResult } = (status?.operationState ?? {}) as {
    readonly syncResult?: { readonly resources: readonly { readonly name: string }[] };
  };
  return syncResult?.resources.map(({ name }) => name) ?? [];
}

it('Sync runs in its wave, among the objects, and in each sync', async () => {
  const place = await world.place();
  const before = configMap('before', {}, { annotations: hook('PreSync') });
  const after = configMap('after', {}, { annotations: hook('PostSync') });
  const migrate = job('migrate', { annotations: { ...hook('Sync'), ...wave(1) } });
  await place.push({
    'app/hooks.yaml': yaml(after, migrate, before),
    'app/base.yaml': yaml(configMap('base', { a: '1' })),
    'app/last.yaml': yaml(configMap('last', { a: '1' }, { annotations: wave(2) })),
  });
  await place.createApplication();
  const { status } = await place.synced();
  expect(await orderOf(place)).toEqual(['before', 'base', 'migrate', 'last', 'after']);
  expect(status?.resources?.map(({ name }) => name).toSorted()).toEqual(['base', 'last']);
  const first = await uidOf(place, 'batch/v1/Job', 'migrate');
  await place.synced(await place.pushAndHint({ 'app/base.yaml': yaml(configMap('base', { a: '2' })) }));
  expect(await uidOf(place, 'batch/v1/Job', 'migrate')).not.toBe(first);
});

it("a chart's hooks run before, after and at the end, or never, and go as their policies say", async () => {
  const place = await world.place();
  const helm = (types: string, policy?: string, weight = 0): Record<string, string> => ({
    'helm.sh/hook': types,
    'helm.sh/hook-weight': String(weight),
    ...(policy === undefined ? {} : { 'helm.sh/hook-delete-policy': policy }),
  });
  const marked = (name: string, types: string, weight?: number): object =>
    configMap(name, {}, { annotations: helm(types, undefined, weight) });
  const never = ['pre-rollback', 'post-rollback', 'test', 'test-success', 'test-failure'];
  const chart = (a: string, migrate: object): Readonly<Record<string, string>> => ({
    'app/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\n',
    'app/templates/all.yaml': yaml(
      migrate,
      marked('second', 'pre-upgrade', 5),
      marked('first', 'pre-install', -5),
      configMap('settings', { a }),
      marked('after', 'post-install'),
      job('report', { annotations: helm('post-upgrade', 'hook-succeeded') }),
      ...never.map((type) => marked(`never-${type}`, type)),
      configMap('goodbye', {}, { annotations: helm('pre-delete'), finalizers: ['example.com/hold'] }),
      marked('farewell', 'post-delete'),
    ),
  });
  const migrates = job('migrate', { annotations: helm('pre-install,pre-upgrade', 'before-hook-creation') });
  await place.push(chart('1', migrates));
  await place.createApplication({
    metadata: { finalizers: [cascadeFinalizer] },
    spec: { syncPolicy: { automated: {}, retry: { limit: 0 } } },
  });
  await place.synced();
  const order = await orderOf(place);
  expect(order.slice(0, 4)).toEqual(['first', 'migrate', 'second', 'settings']);
  expect(order.slice(4).toSorted()).toEqual(['after', 'report']);
  await waitFor('report to be gone', async () => (await place.get('batch/v1/Job', 'report')) === undefined);
  const unseen = [...never.map((type) => `never-${type}`), 'goodbye', 'farewell'];
  expect(await has(place, ...unseen)).toEqual(unseen.map(() => false));

  const uid = await uidOf(place, 'batch/v1/Job', 'migrate');
  await place.synced(await place.pushAndHint(chart('2', migrates)));
  expect(await uidOf(place, 'batch/v1/Job', 'migrate')).not.toBe(uid);

  const fails = job('migrate', {
    annotations: helm('pre-upgrade', 'before-hook-creation,hook-failed'),
    fails: true,
  });
  await place.pushAndHint(chart('3', fails));
  await place.waitForApplication('to fail', ({ status }) =>
    /\[HookFailed\]/.test(status?.operationState?.message ?? ''),
  );
  await waitFor('migrate to be gone', async () => (await place.get('batch/v1/Job', 'migrate')) === undefined);
  expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ a: '2' });

  const removal = place.remove();
  // What a hook left goes with the objects, once it is let go.
  await waitFor('goodbye to be going', async () => {
    const { metadata } = await place.live('v1/ConfigMap', 'goodbye');
    return metadata.deletionTimestamp !== undefined;
  });
  expect(await has(place, 'farewell')).toEqual([false]);
  await world.api.patch('v1/ConfigMap', place.namespace, 'goodbye', { metadata: { finalizers: null } });
  await removal;
  expect(await has(place, 'settings', 'goodbye', 'farewell')).toEqual([false, false, true]);
});

it('crd-install is no hook: an object like any other', async () => {
  const place = await world.place();
  const group = `hooks-${world.id}.example.com`;
  const kinds = definition(group, 'Widget');
  const metadata = { ...kinds.metadata, annotations: { 'helm.sh/hook': 'crd-install' } };
  await place.push({
    'app/kinds.yaml': yaml({ ...kinds, metadata }),
    'app/widget.yaml': yaml({ apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name: 'one' } }),
  });
  await place.createApplication();
  try {
    const { status } = await place.synced(undefined, 60_000);
    expect(status?.resources?.map(({ kind }) => kind)).toContain('CustomResourceDefinition');
    expect(await place.get(`${group}/v1/Widget`, 'one')).toBeDefined();
  } finally {
    await place.remove();
    await world.api.remove(definitionKind, '', kinds.metadata.name);
  }
});
