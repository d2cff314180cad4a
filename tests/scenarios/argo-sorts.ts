/** Applications of every sort, as Argo CD leaves them, and what is done with each when it is taken over. */
import { expect } from 'vitest';
import type { ChartServers } from './chart-servers.ts';
import { clientSide, type LeftObject } from './left-by-argo.ts';
import { configMap, deployment, service, yaml, type Manifest } from './manifests.ts';
import { waitFor, type Place } from './world.ts';

export const gaugeKind = 'takeover.example.com/v1/Gauge';
const gauge = (name: string, spec: object): Manifest => ({
  apiVersion: 'takeover.example.com/v1',
  kind: 'Gauge',
  metadata: { name },
  spec,
});
const secretOf = (stringData: object, metadata: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'login', ...metadata },
  stringData,
});
const job = (name: string, hook: string, more: object = {}): Manifest => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, annotations: { 'argocd.argoproj.io/hook': hook, ...more } },
  spec: {
    backoffLimit: 0,
    template: {
      spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'registry.example/tool:1' }] },
    },
  },
});
const settings = (data: Readonly<Record<string, string>> = { kept: '1', removed: '1' }) =>
  configMap('settings', data);
const serverSide = (manifest: Manifest): LeftObject => ({ manifest, way: 'server-side apply' });
const ofOld = (manifest: Manifest): LeftObject => ({ manifest, way: 'client-side apply of old' });

/** One Application as it was left. */
export interface Sort {
  readonly files: Readonly<Record<string, string>>;
  readonly objects: readonly LeftObject[];
  readonly spec?: (place: Place, servers: ChartServers) => object;
  readonly metadata?: object;
  /** What it was synced to; by default the commit. */
  readonly revisions?: (commit: string) => readonly string[];
  readonly status?: (commit: string) => object;
  readonly operation?: (commit: string) => object;
  /** What happened since. */
  readonly since?: (place: Place) => Promise<unknown>;
  /** What is done with it when it is Trueup's, and what comes of it. */
  readonly later?: (place: Place) => Promise<unknown>;
}

const gone = (place: Place, kind: string, name: string): Promise<unknown> =>
  waitFor(`${name} to be gone`, async () => (await place.get(kind, name)) === undefined);
const dataOf = async (place: Place, name: string, kind = 'v1/ConfigMap'): Promise<unknown> =>
  (await place.live(kind, name))['data'];
const lessSettings = { 'app/settings.yaml': yaml(settings({ kept: '1' })) };
async function loseSettings(place: Place, name = 'settings'): Promise<void> {
  await place.synced(await place.pushAndHint(lessSettings));
  expect(await dataOf(place, name)).toEqual({ kept: '1' });
}
async function loseEnv(place: Place): Promise<void> {
  const { generation } = (await place.live('apps/v1/Deployment', 'web')).metadata;
  const less = { ...lessSettings, 'app/web.yaml': yaml(web(fullEnv.slice(0, 1))) };
  await place.synced(await place.pushAndHint(less));
  const live = await place.live('apps/v1/Deployment', 'web');
  expect(live['spec'].template.spec.containers[0].env).toEqual([{ name: 'KEPT', value: '1' }]);
  expect(live.metadata.generation).toBe(generation! + 1);
  expect(await dataOf(place, 'settings')).toEqual({ kept: '1' });
}

export const web = (env: readonly { readonly name: string; readonly value: string }[]) =>
  deployment('web', { replicas: 2, env });
export const fullEnv = [
  { name: 'KEPT', value: '1' },
  { name: 'REMOVED', value: '1' },
];
const automated = { prune: true, selfHeal: true };
const begun = (commit: string): object => ({
  initiatedBy: { automated: true },
  retry: { limit: 5 },
  sync: { revision: commit, prune: true },
});

const withLeftOver = 'an object that Git does not have any more';
export const sorts: Readonly<Record<string, Sort>> = {
  'a directory, applied client-side': {
    files: { 'app/web.yaml': yaml(web(fullEnv), service('web')), 'app/settings.yaml': yaml(settings()) },
    objects: [web(fullEnv), service('web'), settings()].map(clientSide),
    later: async (place) => {
      await loseEnv(place);
      await gone(place, 'v1/Service', 'web');
    },
  },
  'a directory, applied server-side': {
    files: { 'app/web.yaml': yaml(web(fullEnv)), 'app/settings.yaml': yaml(settings()) },
    objects: [web(fullEnv), settings()].map(serverSide),
    spec: () => ({ syncPolicy: { automated, syncOptions: ['ServerSideApply=true', 'PruneLast=true'] } }),
    later: loseEnv,
  },
  'a directory, applied by an Argo CD of old': {
    files: { 'app/web.yaml': yaml(web(fullEnv)), 'app/settings.yaml': yaml(settings()) },
    objects: [web(fullEnv), settings()].map(ofOld),
    later: loseEnv,
  },
  'a kustomization': {
    files: {
      'app/kustomization.yaml': yaml({
        apiVersion: 'kustomize.config.k8s.io/v1beta1',
        kind: 'Kustomization',
        namePrefix: 'prod-',
        resources: ['settings.yaml'],
      }),
      'app/settings.yaml': yaml(settings()),
    },
    objects: [clientSide(configMap('prod-settings', { kept: '1', removed: '1' }))],
    later: (place) => loseSettings(place, 'prod-settings'),
  },
  'a chart of a repository': {
    files: {},
    objects: [clientSide(configMap('web', { version: '1.0.0', a: 'default' }))],
    spec: (_, { charts }) => ({ source: { repoURL: charts.url, chart: 'web', targetRevision: '1.0.x' } }),
    revisions: () => ['1.0.0'],
    later: async (place) => {
      await place.change({ spec: { source: { targetRevision: '1.1.x' } } });
      await place.synced('1.1.0');
      expect(await dataOf(place, 'web')).toEqual({ version: '1.1.0', a: 'default' });
    },
  },
  'a chart of a registry': {
    files: {},
    objects: [serverSide(configMap('web', { version: '1.0.0', a: 'default' }))],
    spec: (_, { registry }) => ({
      source: { repoURL: `${registry.host}/charts`, chart: 'web', targetRevision: '1.0.0' },
    }),
    revisions: () => ['1.0.0'],
    later: async (place) => {
      await place.change({ spec: { source: { helm: { parameters: [{ name: 'a', value: 'ours' }] } } } });
      await waitFor(
        'the parameter',
        async () => (await place.live('v1/ConfigMap', 'web'))['data'].a === 'ours',
      );
    },
  },
  'several sources, with values of one for another': {
    files: { 'envs/prod.yaml': 'a: prod\n', 'app/settings.yaml': yaml(settings()) },
    objects: [clientSide(configMap('web', { version: '1.0.0', a: 'prod' })), clientSide(settings())],
    spec: ({ repository: { url } }, { charts }) => ({
      source: undefined,
      sources: [
        {
          repoURL: charts.url,
          chart: 'web',
          targetRevision: '1.0.0',
          helm: { valueFiles: ['$values/envs/prod.yaml'] },
        },
        { repoURL: url, targetRevision: 'main', ref: 'values', path: 'app' },
      ],
    }),
    revisions: (commit) => ['1.0.0', commit],
    later: async (place) => {
      await place.pushAndHint({ 'envs/prod.yaml': 'a: other\n', ...lessSettings });
      await waitFor(
        'the values',
        async () => (await place.live('v1/ConfigMap', 'web'))['data'].a === 'other',
      );
      await place.synced();
      expect(await dataOf(place, 'settings')).toEqual({ kept: '1' });
    },
  },
  'hooks that have run': {
    files: {
      'app/before.yaml': yaml(job('before', 'PreSync')),
      'app/after.yaml': yaml(
        job('after', 'PostSync', { 'argocd.argoproj.io/hook-delete-policy': 'HookSucceeded' }),
      ),
      'app/settings.yaml': yaml(
        configMap('settings', { kept: '1' }, { annotations: { 'argocd.argoproj.io/sync-wave': '1' } }),
      ),
    },
    objects: [
      { manifest: job('before', 'PreSync'), isHook: true },
      clientSide(
        configMap('settings', { kept: '1' }, { annotations: { 'argocd.argoproj.io/sync-wave': '1' } }),
      ),
    ],
    later: async (place) => {
      const { uid } = (await place.live('batch/v1/Job', 'before')).metadata;
      await place.synced(await place.pushAndHint({ 'app/settings.yaml': yaml(settings({ kept: '2' })) }));
      expect((await place.live('batch/v1/Job', 'before')).metadata.uid).not.toBe(uid);
      expect((await place.read()).status?.operationState?.message).toMatch(/ran 2 hooks/);
      await gone(place, 'batch/v1/Job', 'after');
    },
  },
  'fields that are ignored': {
    files: {
      'app/web.yaml': yaml(web(fullEnv)),
      'app/settings.yaml': yaml(settings()),
      'app/gauge.yaml': yaml(gauge('level', { level: 'low', tuned: 1 })),
    },
    objects: [web(fullEnv), settings(), gauge('level', { level: 'low', tuned: 1 })].map(clientSide),
    spec: () => ({
      ignoreDifferences: [
        { group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] },
        { kind: 'ConfigMap', managedFieldsManagers: ['tuner'] },
      ],
      syncPolicy: { automated, syncOptions: ['RespectIgnoreDifferences=true'] },
    }),
    since: async (place) => {
      const how = { manager: 'tuner' };
      const { api } = place.world;
      await api.patch('apps/v1/Deployment', place.namespace, 'web', { spec: { replicas: 3 } }, how);
      await api.patch('v1/ConfigMap', place.namespace, 'settings', { data: { kept: 'tuned' } }, how);
      await api.patch(gaugeKind, place.namespace, 'level', { spec: { tuned: 7 } }, how);
    },
    later: async (place) => {
      const commit = await place.pushAndHint({
        'app/web.yaml': yaml(web(fullEnv.slice(0, 1))),
        'app/gauge.yaml': yaml(gauge('level', { level: 'high', tuned: 1 })),
      });
      await place.synced(commit);
      await place.waitForApplication('to be healthy', ({ status }) => status?.health?.status === 'Healthy');
      expect((await place.live(gaugeKind, 'level'))['spec']).toEqual({ level: 'high', tuned: 7 });
      const { spec } = await place.live('apps/v1/Deployment', 'web');
      expect(spec.replicas).toBe(3);
      expect(spec.template.spec.containers[0].env).toEqual([{ name: 'KEPT', value: '1' }]);
      expect(await dataOf(place, 'settings')).toEqual({ kept: 'tuned', removed: '1' });
    },
  },
  'a namespace with metadata of its own': {
    files: { 'app/settings.yaml': yaml(settings()) },
    objects: [clientSide(settings())],
    spec: () => ({
      syncPolicy: {
        automated,
        syncOptions: ['CreateNamespace=true'],
        managedNamespaceMetadata: { labels: { team: 'shop', tier: 'gold' } },
      },
    }),
    later: async (place) => {
      await place.change({
        spec: { syncPolicy: { managedNamespaceMetadata: { labels: { team: 'shop', tier: null } } } },
      });
      await waitFor('the label to go', async () => {
        const { labels } = (await place.world.api.get('v1/Namespace', '', place.namespace))!.metadata;
        expect(labels).toMatchObject({ team: 'shop' });
        return labels?.['tier'] === undefined;
      });
    },
  },
  'a Secret with stringData': {
    files: {
      'app/login.yaml': yaml(secretOf({ user: 'ada', password: 'canary' })),
      'app/other.yaml': yaml({ ...secretOf({ a: '1', b: '2' }), metadata: { name: 'other' } }),
    },
    objects: [
      clientSide(secretOf({ user: 'ada', password: 'canary' })),
      serverSide({ ...secretOf({ a: '1', b: '2' }), metadata: { name: 'other' } }),
    ],
    later: async (place) => {
      const commit = await place.pushAndHint({
        'app/login.yaml': yaml(secretOf({ user: 'ada' })),
        'app/other.yaml': yaml({ ...secretOf({ a: '1' }), metadata: { name: 'other' } }),
      });
      await place.synced(commit);
      expect(await dataOf(place, 'login', 'v1/Secret')).toEqual({ user: 'YWRh' });
      expect(await dataOf(place, 'other', 'v1/Secret')).toEqual({ a: 'MQ==' });
    },
  },
  'no automation, and a newer commit': {
    files: { 'app/settings.yaml': yaml(settings()) },
    objects: [clientSide(settings())],
    spec: () => ({ syncPolicy: { syncOptions: ['ApplyOutOfSyncOnly=true'] } }),
    since: (place) => place.push({ 'app/settings.yaml': yaml(settings({ kept: '2', removed: '1' })) }),
    later: async (place) => {
      await place.pushAndHint(lessSettings);
      await place.condition(/automated sync is off/, /Waiting/);
      expect(await dataOf(place, 'settings')).toEqual({ kept: '2', removed: '1' });
      await place.world.trueup('app', 'sync', place.name);
      await place.synced();
      expect(await dataOf(place, 'settings')).toEqual({ kept: '1' });
    },
  },
  'automation that is skipped': {
    files: { 'app/settings.yaml': yaml(settings()) },
    objects: [clientSide(settings())],
    metadata: { annotations: { 'argocd.argoproj.io/skip-reconcile': 'true' } },
  },
  'an operation in the middle': {
    files: { 'app/settings.yaml': yaml(settings()), 'app/web.yaml': yaml(web(fullEnv)) },
    objects: [clientSide(settings())],
    status: (commit) => ({
      operationState: {
        phase: 'Running',
        message: 'waiting for completion of hook',
        startedAt: '2026-01-01T00:00:00Z',
        operation: begun(commit),
        syncResult: { revision: commit },
      },
    }),
    operation: begun,
    later: loseEnv,
  },
  [withLeftOver]: {
    files: { 'app/settings.yaml': yaml(settings()) },
    objects: [
      clientSide(settings()),
      { manifest: configMap('left-over', { a: '1' }), requiresPruning: true },
    ],
    later: async (place) => {
      await place.world.trueup('app', 'sync', place.name, '--prune');
      await gone(place, 'v1/ConfigMap', 'left-over');
      await place.synced();
    },
  },
};
/** Those that are not taken over, and what is said of them. */
export const refusals: Readonly<Record<string, Sort & { readonly says: RegExp }>> = {
  'a plugin': {
    files: { 'app/settings.yaml': yaml(settings()) },
    objects: [clientSide(settings())],
    spec: ({ repository: { url } }) => ({
      source: { repoURL: url, path: 'app', targetRevision: 'main', plugin: { name: 'ours' } },
    }),
    says: /plugin/,
  },
  'another cluster': {
    files: { 'app/settings.yaml': yaml(settings()) },
    objects: [clientSide(settings())],
    spec: ({ namespace }) => ({ destination: { name: 'edge', namespace } }),
    says: /another cluster/,
  },
  'a window that is closed': {
    files: { 'app/settings.yaml': yaml(settings()) },
    objects: [clientSide(settings())],
    spec: () => ({ project: 'frozen' }),
    since: (place) =>
      place.world.api.patch('v1/ConfigMap', place.namespace, 'settings', { data: { kept: 'by hand' } }),
    says: /deny window/,
  },
};
/** The conditions that some have afterwards. */
export const said: Readonly<Record<string, RegExp>> = {
  [withLeftOver]: /left-over: it came with the takeover/,
  'automation that is skipped': /^suspended$/,
};
