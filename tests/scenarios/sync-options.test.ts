/**
 * Every sync option of Argo CD, as people write it, on a cluster. `shownBy` says which scenario shows which; what is
 * accepted and not in it fails here.
 */
import { describe, expect, it } from 'vitest';
import { harmlessOptions, idleOptions, objectOptions } from '#dialects/argo/sync-options.ts';
import { neverRuns } from './jobs.ts';
import { configMap, definition, definitionKind, deployment, yaml } from './manifests.ts';
import { expectShown, type ShownBy } from './shown-by.ts';
import { cascadeFinalizer, useWorld, waitFor, type Place } from './world.ts';

const world = useWorld();

const syncs = 'syncs.test.ts';
const shownBy: ShownBy = {
  'Prune=false': `${syncs}: Prune=false and Delete=false keep what they are set on`,
  'Prune=confirm': `${syncs}: Prune=confirm waits for a word`,
  'Prune=true': 'Prune=true on an object goes before Prune=false of the Application',
  'Delete=false': `${syncs}: Prune=false and Delete=false keep what they are set on`,
  'Delete=confirm': 'Delete=confirm: the Application goes when somebody confirms it',
  'Delete=true': 'Delete=true on an object goes before Delete=false of the Application',
  'PruneLast=true': 'PruneLast=true: what left Git goes when the rest is healthy',
  'PruneLast=false': 'PruneLast=true: what left Git goes when the rest is healthy',
  'Replace=true': `${syncs}: Replace=true: what Git does not have goes; Force=true: what cannot be changed is made anew`,
  'Replace=false': 'Replace=false and Force=false on an object go before the options of the Application',
  'Force=true': 'Force=true with Replace=true: made anew in every sync',
  'Force=false': 'Replace=false and Force=false on an object go before the options of the Application',
  'SkipDryRunOnMissingResource=true':
    'SkipDryRunOnMissingResource=true: the rest is applied, and it when its kind comes',
  'SkipDryRunOnMissingResource=false':
    'SkipDryRunOnMissingResource=false: nothing is applied without the kind',
  'Validate=true': 'Validate: server-side apply refuses what the schema does not know, with either value',
  'Validate=false': 'Validate: server-side apply refuses what the schema does not know, with either value',
  'ApplyOutOfSyncOnly=true': 'ApplyOutOfSyncOnly: what is in sync is not written, with either value',
  'ApplyOutOfSyncOnly=false': 'ApplyOutOfSyncOnly: what is in sync is not written, with either value',
  'ServerSideApply=true': 'ServerSideApply: server-side apply, with either value',
  'ServerSideApply=false': 'ServerSideApply: server-side apply, with either value',
  'FailOnSharedResource=true':
    'FailOnSharedResource: an object of another Application stops the sync, with either value',
  'FailOnSharedResource=false':
    'FailOnSharedResource: an object of another Application stops the sync, with either value',
  'ClientSideApplyMigration=true': 'ClientSideApplyMigration: what kubectl applied can be taken away in Git',
  'DisableClientSideApplyMigration=false':
    'ClientSideApplyMigration: what kubectl applied can be taken away in Git',
  'ClientSideApplyMigration=false': 'ClientSideApplyMigration: what kubectl applied can be taken away in Git',
  'DisableClientSideApplyMigration=true':
    'ClientSideApplyMigration: what kubectl applied can be taken away in Git',
  CreateNamespace: `${syncs}: CreateNamespace with managedNamespaceMetadata`,
  managedNamespaceMetadata: `${syncs}: CreateNamespace with managedNamespaceMetadata`,
  RespectIgnoreDifferences: 'RespectIgnoreDifferences=true: a sync leaves ignored fields as they are',
  'PrunePropagationPolicy=foreground':
    'PrunePropagationPolicy: what belongs to what is deleted goes, or stays',
  'PrunePropagationPolicy=background':
    'PrunePropagationPolicy: what belongs to what is deleted goes, or stays',
  'PrunePropagationPolicy=orphan': 'PrunePropagationPolicy: what belongs to what is deleted goes, or stays',
};

it('each that is accepted has a scenario', ({ task }) => {
  const ofAll = ['CreateNamespace', 'managedNamespaceMetadata', 'RespectIgnoreDifferences'];
  const accepted = [...Object.keys(objectOptions), ...harmlessOptions, ...Object.keys(idleOptions), ...ofAll];
  return expectShown(task, shownBy, accepted);
});

const option = (value: string): object => ({ annotations: { 'argocd.argoproj.io/sync-options': value } });
const one = { 'app/one.yaml': yaml(configMap('one', { a: '1' })) };
const image = (tag: string): string => `registry.example/web:${tag}`;

async function deployed(
  files: Readonly<Record<string, string>>,
  syncOptions: readonly string[] = [],
  { spec = {}, metadata = {} }: { readonly spec?: Record<string, unknown>; readonly metadata?: object } = {},
): Promise<Place> {
  const place = await world.place();
  await place.push({ ...one, ...files });
  const syncPolicy = { automated: { prune: true, selfHeal: true }, syncOptions };
  await place.createApplication({ metadata, spec: { syncPolicy, ...spec } });
  return place;
}
async function synced(...args: Parameters<typeof deployed>): Promise<Place> {
  const place = await deployed(...args);
  await place.synced();
  return place;
}
const gone = (place: Place, kind: string, name: string): Promise<unknown> =>
  waitFor(`${name} to be gone`, async () => (await place.get(kind, name)) === undefined);
const applicationIs = (place: Place): readonly [string, string, string] => [
  'argoproj.io/v1alpha1/Application',
  world.controlNamespace,
  place.name,
];
const dataOf = async (place: Place, name: string): Promise<unknown> =>
  (await place.live('v1/ConfigMap', name))['data'];
const has = async (place: Place, name: string): Promise<boolean> =>
  (await place.get('v1/ConfigMap', name)) !== undefined;
const uidOf = async (place: Place, kind: string, name: string): Promise<unknown> =>
  (await place.live(kind, name)).metadata['uid'];
const now = (): string => new Date(Date.now() + 2000).toISOString();

interface Case {
  readonly name: string;
  readonly run: () => Promise<void>;
}
const cases: readonly Case[] = [
  {
    name: 'Prune=true on an object goes before Prune=false of the Application',
    run: async () => {
      const place = await synced(
        {
          'app/goes.yaml': yaml(configMap('goes', { a: '1' }, option('Prune=true'))),
          'app/stays.yaml': yaml(configMap('stays', { a: '1' })),
        },
        ['Prune=false'],
      );
      await place.pushAndHint({ 'app/goes.yaml': null, 'app/stays.yaml': null });
      await gone(place, 'v1/ConfigMap', 'goes');
      await place.condition(/stays/, /Kept/);
      expect(await has(place, 'stays')).toBe(true);
    },
  },
  {
    name: 'Delete=confirm: the Application goes when somebody confirms it',
    run: async () => {
      const place = await synced({}, ['Delete=confirm'], { metadata: { finalizers: [cascadeFinalizer] } });
      await world.api.remove(...applicationIs(place));
      await place.condition(/deletion-approved/, /Waiting|Kept/);
      expect(await has(place, 'one')).toBe(true);
      await place.change({ metadata: { annotations: { 'argocd.argoproj.io/deletion-approved': now() } } });
      await gone(place, 'v1/ConfigMap', 'one');
      await waitFor(
        'the Application to be gone',
        async () => (await world.api.get(...applicationIs(place))) === undefined,
      );
    },
  },
  {
    name: 'Delete=true on an object goes before Delete=false of the Application',
    run: async () => {
      const goes = yaml(configMap('goes', { a: '1' }, option('Delete=true')));
      const metadata = { finalizers: [cascadeFinalizer] };
      const place = await synced({ 'app/goes.yaml': goes }, ['Delete=false'], { metadata });
      await world.api.remove(...applicationIs(place));
      await waitFor(
        'the Application to be gone',
        async () => (await world.api.get(...applicationIs(place))) === undefined,
      );
      expect([await has(place, 'goes'), await has(place, 'one')]).toEqual([false, true]);
    },
  },
  {
    name: 'PruneLast=true: what left Git goes when the rest is healthy',
    run: async () => {
      const place = await synced(
        {
          'app/late.yaml': yaml(configMap('late', { a: '1' })),
          'app/soon.yaml': yaml(configMap('soon', { a: '1' }, option('PruneLast=false'))),
        },
        ['PruneLast=true'],
      );
      const broken = deployment('web', { image: image('does-not-exist'), pod: neverRuns });
      await place.pushAndHint({ 'app/late.yaml': null, 'app/soon.yaml': null, 'app/web.yaml': yaml(broken) });
      await gone(place, 'v1/ConfigMap', 'soon');
      await place.waitForApplication('to wait for the Deployment', ({ status }) =>
        /waiting until Deployment .*\/web is healthy/.test(status?.operationState?.message ?? ''),
      );
      expect(await has(place, 'late')).toBe(true);
      await place.pushAndHint({ 'app/web.yaml': yaml(deployment('web', { image: image('2') })) });
      await gone(place, 'v1/ConfigMap', 'late');
      await place.synced();
    },
  },
  {
    name: 'Force=true with Replace=true: made anew in every sync',
    run: async () => {
      const again = yaml(configMap('again', { a: '1' }, option('Force=true,Replace=true')));
      const place = await synced({ 'app/again.yaml': again });
      const first = await uidOf(place, 'v1/ConfigMap', 'again');
      const commit = await place.pushAndHint({ 'app/one.yaml': yaml(configMap('one', { a: '2' })) });
      await place.synced(commit);
      expect(await uidOf(place, 'v1/ConfigMap', 'again')).not.toBe(first);
    },
  },
  {
    name: 'Replace=false and Force=false on an object go before the options of the Application',
    run: async () => {
      const stays = (a: string): string =>
        yaml(configMap('stays', { a }, option('Replace=false,Force=false')));
      const place = await synced({ 'app/stays.yaml': stays('1') }, ['Replace=true', 'Force=true']);
      const uids = async (): Promise<readonly unknown[]> => [
        await uidOf(place, 'v1/ConfigMap', 'one'),
        await uidOf(place, 'v1/ConfigMap', 'stays'),
      ];
      const [first, second] = await uids();
      await world.api.patch('v1/ConfigMap', place.namespace, 'stays', { data: { theirs: 'x' } });
      await place.synced(await place.pushAndHint({ 'app/stays.yaml': stays('2') }));
      const [anew, same] = await uids();
      expect([anew === first, same === second]).toEqual([false, true]);
      expect(await dataOf(place, 'stays')).toEqual({ a: '2', theirs: 'x' });
    },
  },
  ...[true, false].map((skips): Case => {
    const name = skips
      ? 'SkipDryRunOnMissingResource=true: the rest is applied, and it when its kind comes'
      : 'SkipDryRunOnMissingResource=false: nothing is applied without the kind';
    return {
      name,
      run: async () => {
        const kind = skips ? 'Widget' : 'Gadget';
        const group = `${world.id}.example.com`;
        const widget = { apiVersion: `${group}/v1`, kind, metadata: { name: 'w' } };
        const place = await deployed({ 'app/widget.yaml': yaml(widget) }, [
          `SkipDryRunOnMissingResource=${skips}`,
        ]);
        await place.condition(/does not serve|not served/);
        expect(await has(place, 'one')).toBe(skips);
        const kinds = definition(group, kind);
        await world.api.create(kinds);
        try {
          await place.synced();
          expect(await place.get(`${group}/v1/${kind}`, 'w')).toBeDefined();
          expect(await has(place, 'one')).toBe(true);
          await world.api.remove(...applicationIs(place));
        } finally {
          await world.api.remove(definitionKind, '', kinds.metadata.name);
        }
      },
    };
  }),
  {
    name: 'Validate: server-side apply refuses what the schema does not know, with either value',
    run: async () => {
      for (const value of ['true', 'false']) {
        const odd = { ...configMap('odd', { a: '1' }), unheard: 'of' };
        const place = await deployed({ 'app/odd.yaml': yaml(odd) }, [`Validate=${value}`]);
        await place.waitForApplication('to name the field', ({ status }) =>
          /app\/odd\.yaml:1: .*\.unheard: field not declared in schema/.test(
            status?.operationState?.message ?? '',
          ),
        );
        expect([await has(place, 'one'), await has(place, 'odd')]).toEqual([true, false]);
        await place.synced(await place.pushAndHint({ 'app/odd.yaml': yaml(configMap('odd', { a: '1' })) }));
      }
    },
  },
  {
    name: 'ApplyOutOfSyncOnly: what is in sync is not written, with either value',
    run: async () => {
      for (const value of ['true', 'false']) {
        const two = (a: string): string => yaml(configMap('two', { a }));
        const place = await synced({ 'app/two.yaml': two('1') }, [`ApplyOutOfSyncOnly=${value}`]);
        const version = async (): Promise<unknown> =>
          (await place.live('v1/ConfigMap', 'one')).metadata['resourceVersion'];
        const before = await version();
        await place.synced(await place.pushAndHint({ 'app/two.yaml': two('2') }));
        expect(await dataOf(place, 'two')).toEqual({ a: '2' });
        expect(await version()).toBe(before);
      }
    },
  },
  {
    name: 'ServerSideApply: server-side apply, with either value',
    run: async () => {
      for (const value of ['true', 'false']) {
        const place = await synced({}, [`ServerSideApply=${value}`]);
        const { managedFields } = (await place.live('v1/ConfigMap', 'one')).metadata;
        expect(managedFields).toMatchObject([{ manager: 'argocd-controller', operation: 'Apply' }]);
      }
    },
  },
  {
    name: 'FailOnSharedResource: an object of another Application stops the sync, with either value',
    run: async () => {
      for (const value of ['true', 'false']) {
        const first = await synced({});
        const second = await world.place();
        const shared = yaml(configMap('one', { a: 'theirs' }, { namespace: first.namespace }));
        await second.push({ 'app/one.yaml': shared, 'app/two.yaml': yaml(configMap('two', { a: '1' })) });
        const syncOptions = [`FailOnSharedResource=${value}`];
        await second.createApplication({ spec: { syncPolicy: { automated: {}, syncOptions } } });
        await second.condition(/belongs to/, /SharedResourceWarning/);
        expect([await dataOf(first, 'one'), await has(second, 'two')]).toEqual([{ a: '1' }, false]);
      }
    },
  },
  {
    name: 'ClientSideApplyMigration: what kubectl applied can be taken away in Git',
    run: async () => {
      for (const value of ['ClientSideApplyMigration=true', 'DisableClientSideApplyMigration=false']) {
        const place = await world.place();
        const both = yaml(configMap('one', { a: '1', b: '1' }, { namespace: place.namespace }));
        const applied = await world.kubectlWith(both, 'apply', '-f', '-');
        expect(applied.code, applied.stderr).toBe(0);
        await place.push({ 'app/one.yaml': both });
        const syncPolicy = { automated: { selfHeal: true }, syncOptions: [value] };
        await place.createApplication({ spec: { syncPolicy } });
        await place.synced();
        await place.synced(await place.pushAndHint(one));
        expect(await dataOf(place, 'one')).toEqual({ a: '1' });
      }
    },
  },
  {
    name: 'RespectIgnoreDifferences=true: a sync leaves ignored fields as they are',
    run: async () => {
      const web = (tag: string): string => yaml(deployment('web', { replicas: 1, image: image(tag) }));
      for (const [value, replicas] of [
        ['true', 3],
        ['false', 1],
      ] as const) {
        const ignoreDifferences = [{ group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] }];
        const syncPolicy = {
          automated: { selfHeal: true },
          syncOptions: [`RespectIgnoreDifferences=${value}`],
        };
        const place = await synced({ 'app/web.yaml': web('1') }, [], {
          spec: { ignoreDifferences, syncPolicy },
        });
        await world.kubectl('scale', 'deployment/web', '--replicas=3', '-n', place.namespace);
        await place.synced(await place.pushAndHint({ 'app/web.yaml': web('2') }));
        const { spec } = (await place.live('apps/v1/Deployment', 'web')) as { spec?: unknown };
        expect(spec).toMatchObject({
          replicas,
          template: { spec: { containers: [{ image: image('2') }] } },
        });
      }
    },
  },
  {
    name: 'PrunePropagationPolicy: what belongs to what is deleted goes, or stays',
    run: async () => {
      for (const policy of ['foreground', 'background', 'orphan']) {
        const place = await synced({ 'app/web.yaml': yaml(deployment('web')) }, [
          `PrunePropagationPolicy=${policy}`,
        ]);
        const sets = (): Promise<readonly unknown[]> => world.api.list('apps/v1/ReplicaSet', place.namespace);
        await waitFor('a ReplicaSet', async () => (await sets()).length === 1);
        await place.pushAndHint({ 'app/web.yaml': null });
        await gone(place, 'apps/v1/Deployment', 'web');
        await place.synced();
        if (policy === 'orphan') expect(await sets()).toHaveLength(1);
        else await waitFor('the ReplicaSet to be gone', async () => (await sets()).length === 0);
      }
    },
  },
];

describe('each sync option', () => {
  it.each(cases.map(({ name, run }) => [name, run] as const))('%s', async (_, run) => run());
});

it('an operation has its own options, and is tried again as often as it says', async () => {
  const place = await deployed({}, [], { spec: { syncPolicy: {} } });
  await place.change({
    operation: {
      initiatedBy: { username: 'ada' },
      info: [{ name: 'ticket', value: 'OPS-12' }],
      retry: { limit: 2, backoff: { duration: '1s', maxDuration: '2s' } },
      sync: { syncOptions: ['SkipDryRunOnMissingResource=true'] },
    },
  });
  await place.synced();
  const first = (await place.read()).status?.operationState;
  expect(first).toMatchObject({
    phase: 'Succeeded',
    operation: { info: [{ name: 'ticket' }], retry: { limit: 2 }, initiatedBy: { username: 'ada' } },
  });
  const missing = { apiVersion: 'missing.example.com/v1', kind: 'Widget', metadata: { name: 'w' } };
  await place.pushAndHint({ 'app/widget.yaml': yaml(missing) });
  await place.change({
    operation: {
      retry: { limit: 1, backoff: { duration: '1s' } },
      sync: { syncOptions: ['SkipDryRunOnMissingResource=true'] },
    },
  });
  const { status } = await place.waitForApplication('to fail after its retry', ({ status }) => {
    const { phase, message = '' } = status?.operationState ?? {};
    return phase === 'Failed' && /KindNotServed/.test(message);
  });
  expect(status?.operationState).toMatchObject({ retryCount: 1 });
});
