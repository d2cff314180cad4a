/**
 * A whole cluster as Argo CD leaves it, one Application of every sort: observed first, taken over one by one with what
 * the plan said and nothing else, followed from then on, and handed back.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChartRepository, type ChartRepository } from '../registries/chart-repository.ts';
import { helm, packChart } from '../registries/helm.ts';
import { startRegistry, type Registry } from '../registries/registry.ts';
import { systemClock } from '#host/clock.ts';
import { loopbackCertificates } from '#host/certificates.ts';
import {
  argoController,
  leaveObjects,
  leaveStatus,
  tracked,
  type Leaving,
  type LeftObject,
  type TrackingMethod,
} from './left-by-argo.ts';
import { configMap, deployment, service, yaml, type Manifest } from './manifests.ts';
import {
  applicationKind,
  cascadeFinalizer,
  useWorld,
  waitFor,
  writesAreCounted,
  type Place,
} from './world.ts';
import type { Write } from './audit.ts';
import type { LiveObject } from './cluster-api.ts';

const gaugeKind = 'takeover.example.com/v1/Gauge';
const gauge = (name: string, spec: object): Manifest => ({
  apiVersion: 'takeover.example.com/v1',
  kind: 'Gauge',
  metadata: { name },
  spec,
});
const lua = `
local hs = { status = "Healthy", message = "" }
if obj.spec.level == "low" then
  hs.status = "Degraded"
  hs.message = "the level is low"
end
return hs
`;
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
const clientSide = (manifest: Manifest): LeftObject => ({ manifest });

/** One Application as it was left. */
interface Sort {
  readonly files: Readonly<Record<string, string>>;
  readonly objects: readonly LeftObject[];
  readonly spec?: (place: Place) => object;
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

const home = (): string => path.join(world.directory, 'helm');
let charts: ChartRepository;
let registry: Registry;
const tls = loopbackCertificates(systemClock);
const login = { username: 'ada', password: 'correct horse' };
const world = useWorld({
  stopped: true,
  settings: (namespace) => [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm', namespace },
      data: {
        url: 'https://argocd.example.com',
        'timeout.reconciliation': '180s',
        'resource.customizations.health.takeover.example.com_Gauge': lua,
        'resource.customizations.ignoreDifferences.takeover.example.com_Gauge':
          'jsonPointers:\n- /spec/tuned\n',
      },
    },
    project(namespace, 'shop', { roles: [{ name: 'readers', policies: [] }], orphanedResources: {} }),
    project(namespace, 'frozen', {
      syncWindows: [{ kind: 'deny', schedule: '* * * * *', duration: '1h', applications: ['*'] }],
    }),
  ],
});
function project(namespace: string, name: string, spec: object): object {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name, namespace },
    spec: {
      sourceRepos: ['*'],
      destinations: [{ server: '*', namespace: '*' }],
      clusterResourceWhitelist: [{ group: '*', kind: '*' }],
      ...spec,
    },
  };
}

const web = (env: readonly { readonly name: string; readonly value: string }[]) =>
  deployment('web', { replicas: 2, env });
const fullEnv = [
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
const sorts: Readonly<Record<string, Sort>> = {
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
    spec: () => ({ source: { repoURL: charts.url, chart: 'web', targetRevision: '1.0.x' } }),
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
    spec: () => ({ source: { repoURL: `${registry.host}/charts`, chart: 'web', targetRevision: '1.0.0' } }),
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
    spec: ({ repository: { url } }) => ({
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
      const { api } = world;
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
        const { labels } = (await world.api.get('v1/Namespace', '', place.namespace))!.metadata;
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
      await world.trueup('app', 'sync', place.name);
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
      await world.trueup('app', 'sync', place.name, '--prune');
      await gone(place, 'v1/ConfigMap', 'left-over');
      await place.synced();
    },
  },
};
/** Those that are not taken over, and what is said of them. */
const refusals: Readonly<Record<string, Sort & { readonly says: RegExp }>> = {
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
      world.api.patch('v1/ConfigMap', place.namespace, 'settings', { data: { kept: 'by hand' } }),
    says: /deny window/,
  },
};

/** The conditions that some have afterwards. */
const said: Readonly<Record<string, RegExp>> = {
  [withLeftOver]: /left-over: it came with the takeover/,
  'automation that is skipped': /^suspended$/,
};

const places = new Map<string, Place>();
const commits = new Map<string, string>();
const placeOf = (sort: string): Place => places.get(sort)!;

async function leave(name: string, sort: Sort, tracking?: TrackingMethod): Promise<void> {
  const place = await world.place();
  places.set(name, place);
  const commit = await place.push({ 'README.md': name, ...sort.files });
  commits.set(name, commit);
  const leaving: Leaving = { objects: sort.objects, ...(tracking === undefined ? {} : { tracking }) };
  await leaveObjects(place, leaving);
  const { metadata = {}, spec } = sort;
  await world.api.create({
    ...place.application({
      spec: { project: 'shop', ...spec?.(place) } as Manifest,
      metadata: { finalizers: [cascadeFinalizer], ...metadata },
    }),
    ...(sort.operation === undefined ? {} : { operation: sort.operation(commit) }),
  });
  await leaveStatus(place, leaving, sort.revisions?.(commit) ?? [commit], sort.status?.(commit));
}

/** Argo CD applies the namespace under its own name, unmarked, and lists it among the objects. */
async function leaveNamespace(place: Place): Promise<void> {
  const body = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: place.namespace,
      labels: { team: 'shop', tier: 'gold' },
      annotations: { 'argocd.argoproj.io/sync-options': 'ServerSideApply=true' },
    },
  };
  const how = { type: 'apply', manager: argoController, force: true } as const;
  await world.api.patch('v1/Namespace', '', place.namespace, body, how);
  const { resources } = (await place.read()).status!;
  const namespace = { version: 'v1', kind: 'Namespace', name: place.namespace, status: 'Synced' };
  await world.api.patch(
    applicationKind,
    world.controlNamespace,
    place.name,
    { status: { resources: [...resources!, namespace] } },
    { manager: 'argocd-application-controller' },
  );
}

/** All that must stay as it is: nothing is made anew, and no controller has anything to do. */
async function standing(place: Place): Promise<object> {
  const kinds = [
    'apps/v1/Deployment',
    'apps/v1/ReplicaSet',
    'v1/Pod',
    'v1/ConfigMap',
    'v1/Secret',
    'v1/Service',
    'batch/v1/Job',
    gaugeKind,
  ];
  const all = await Promise.all(kinds.map((kind) => world.api.list(kind, place.namespace)));
  return all.flat().map(({ metadata, data }) => [metadata.name, metadata.uid, metadata.generation, data]);
}

/** The writes that a plan stands for, in the words of the audit log. */
function planned(text: string): readonly string[] {
  const steps = text.matchAll(/^([-+~=>]) (\w+) (?:\S+\/)?(\S+) {2}(?!kept)/gm);
  return [...steps]
    .map(([, sign, kind = '', name]) => `${sign === '-' ? 'delete' : 'patch'} ${kind.toLowerCase()}s/${name}`)
    .toSorted();
}
/** Each once: an object that was applied client-side is written twice, the second time only its managed fields. */
const lines = (writes: readonly Write[]): readonly string[] =>
  [...new Set(writes.map(({ verb, resource, name }) => `${verb} ${resource}/${name}`))].toSorted();

async function freshOne(): Promise<void> {
  const fresh = await world.place();
  await fresh.push({ 'app/settings.yaml': yaml(configMap('settings', { a: '1' })) });
  await fresh.createApplication({ spec: { project: 'shop' } });
  await fresh.synced();
}

/** Shows its plan, and carries it out. */
async function takeover(place: Place): Promise<string> {
  const taken = await world.trueup('takeover', place.name, '--yes');
  expect(taken, taken.stdout + taken.stderr).toMatchObject({ code: 0 });
  return taken.stdout;
}

describe.runIf(writesAreCounted)('a cluster that Argo CD kept', () => {
  const everySort = { ...sorts, ...refusals };
  let before: Readonly<Record<string, object>>;

  beforeAll(async () => {
    const chartsRoot = path.join(world.directory, 'charts');
    const registryRoot = path.join(world.directory, 'registry');
    await mkdir(home(), { recursive: true });
    await mkdir(registryRoot);
    for (const version of ['1.0.0', '1.1.0']) await packChart(home(), 'web', version, chartsRoot);
    await helm(home(), 'repo', 'index', chartsRoot);
    charts = await startChartRepository({
      root: chartsRoot,
      tls: { key: tls.key, cert: tls.certificate },
      login,
    });
    registry = await startRegistry(registryRoot, login);
    const { username, password } = login;
    const { host } = registry;
    await helm(home(), 'registry', 'login', host, '--plain-http', '-u', username, '-p', password);
    const archive = path.join(chartsRoot, 'web-1.0.0.tgz');
    await helm(home(), 'push', archive, `oci://${host}/charts`, '--plain-http');
    const repository = (name: string, data: object): object => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name,
        namespace: world.controlNamespace,
        labels: { 'argocd.argoproj.io/secret-type': 'repository' },
      },
      stringData: { type: 'helm', ...login, ...data },
    });
    await world.api.create(repository('charts', { url: charts.url }));
    await world.api.create(repository('registry', { url: `${host}/charts`, enableOCI: 'true' }));
    await world.api.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-tls-certs-cm', namespace: world.controlNamespace },
      data: { localhost: tls.authority },
    });
    await world.api.create({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gauges.takeover.example.com' },
      spec: {
        group: 'takeover.example.com',
        names: { kind: 'Gauge', plural: 'gauges', singular: 'gauge', listKind: 'GaugeList' },
        scope: 'Namespaced',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    });
    await waitFor('the kind Gauge', () => world.api.list(gaugeKind, 'default'));
    for (const [name, sort] of Object.entries(everySort)) await leave(name, sort);
    await leaveNamespace(placeOf('a namespace with metadata of its own'));
    for (const [name, { since }] of Object.entries(everySort)) await since?.(placeOf(name));
    await waitFor('the pods', async () => {
      const place = placeOf('fields that are ignored');
      return (await place.live('apps/v1/Deployment', 'web'))['status'].readyReplicas === 3;
    });
    await waitFor(
      'the hook to have run',
      async () => (await placeOf('hooks that have run').live('batch/v1/Job', 'before'))['status'].succeeded,
    );
    before = Object.fromEntries(
      await Promise.all([...places].map(async ([name, place]) => [name, await standing(place)] as const)),
    );
  }, 180_000);
  afterAll(async () => {
    await Promise.all([charts?.close(), registry?.close()]);
  });

  it('is observed first: nothing of it is written (F29)', async () => {
    const mark = await world.mark();
    const versions = async (): Promise<readonly string[]> =>
      Promise.all([...places.values()].map(async (place) => (await place.read()).metadata.resourceVersion));
    const left = await versions();
    await world.start();
    await freshOne();
    const names = new Set([...places.values()].map(({ name }) => name));
    const writes = await world.writesSince(mark);
    expect(writes.filter(({ namespace, name }) => names.has(namespace) || names.has(name))).toEqual([]);
    expect(await versions()).toEqual(left);
    for (const [name, place] of places) expect(await standing(place), name).toEqual(before[name]);
    const log = await world.log();
    for (const [name, place] of places)
      expect(log, name).toMatch(new RegExp(`${place.name}.*only observed: argocd-application-controller`));
  });

  it.each(Object.keys(sorts))('%s: what is taken over is what the plan says, and no more', async (name) => {
    const place = placeOf(name);
    const left = await place.read();
    const mark = await world.mark();
    const plan = planned(await takeover(place));
    expect(plan).not.toEqual([]);
    const manual = name === 'automation that is skipped' || name === withLeftOver;
    const after = manual ? await place.read() : await place.synced();
    expect(lines(await place.writesSince(mark))).toEqual(plan);
    if (['no automation, and a newer commit', 'an operation in the middle'].every((other) => other !== name))
      expect(await standing(place)).toEqual(before[name]);
    expect((after.status?.conditions ?? []).map(({ message }) => message)).toEqual(
      said[name] === undefined ? [] : [expect.stringMatching(said[name])],
    );
    const health = name === 'fields that are ignored' ? 'Degraded' : 'Healthy';
    await place.waitForApplication(`to be ${health}`, ({ status }) => status?.health?.status === health);
    expect(after['operation']).toBeUndefined();
    expect(after['spec']).toEqual(left['spec']);
    expect(after.metadata).toMatchObject({
      finalizers: left.metadata.finalizers,
      ...(left.metadata.annotations === undefined ? {} : { annotations: left.metadata.annotations }),
    });
    expect(after.status?.['ofTheFuture']).toEqual(left.status?.['ofTheFuture']);
    expect(after.status?.history?.map(({ id }) => id)).toEqual([6, 7]);
    const quiet = await world.mark();
    await place.refresh('hard');
    expect(await place.writesSince(quiet)).toEqual([]);
  });

  it.each(Object.entries(refusals))('%s: is refused, and nothing is written', async (name, { says }) => {
    const place = placeOf(name);
    const mark = await world.mark();
    const refused = await world.trueup('takeover', place.name, '--yes');
    expect(refused.code).not.toBe(0);
    expect(refused.stdout + refused.stderr).toMatch(says);
    expect(await place.writesSince(mark)).toEqual([]);
    expect(await standing(place)).toEqual(before[name]);
  });

  it.each(Object.entries(sorts).filter(([, { later }]) => later !== undefined))(
    '%s: what changes later is followed, removals among it',
    async (name, { later }) => {
      await later!(placeOf(name));
    },
  );

  it('has what Argo CD goes on from when it is handed back', async () => {
    const marked = 'argocd.argoproj.io/tracking-id';
    for (const [name, { objects, metadata }] of Object.entries(sorts)) {
      const place = placeOf(name);
      const handed = await world.trueup('hand-back', place.name);
      expect(handed, handed.stdout + handed.stderr).toMatchObject({ code: 0 });
      expect(handed.stdout).toMatch(
        /applied as argocd-controller, marked by argocd\.argoproj\.io\/tracking-id/,
      );
      expect(handed.stdout).not.toMatch(/lost its mark/);
      const { metadata: own, status, operation } = await place.read();
      expect(operation).toBeUndefined();
      expect(own.finalizers).toEqual([cascadeFinalizer]);
      expect(own.annotations ?? {}).toEqual(
        (metadata as LiveObject['metadata'] | undefined)?.annotations ?? {},
      );
      expect(status?.operationState?.phase, name).toBe('Succeeded');
      expect(status?.history?.map(({ id }) => id)).toEqual(status?.history?.map((_, index) => 6 + index));
      for (const { manifest, isHook } of objects) {
        const { apiVersion, kind, metadata: wanted } = manifest as unknown as LiveObject;
        const live = await place.get(`${apiVersion}/${kind}`, wanted.name);
        if (live === undefined || isHook === true) continue;
        const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
        expect(live.metadata.annotations?.[marked]).toBe(
          `${place.name}:${group}/${kind}:${place.namespace}/${wanted.name}`,
        );
        expect(Object.keys(live.metadata.annotations ?? {}).filter((key) => key.includes('trueup'))).toEqual(
          [],
        );
        expect(live.metadata.finalizers).toBeUndefined();
        const appliers = live.metadata.managedFields?.filter((entry) => entry.operation === 'Apply');
        expect(appliers?.map(({ manager }) => manager)).toEqual([argoController]);
      }
    }
  });

  it('is applied by Argo CD as before: nothing restarts, and removals take', async () => {
    await world.stop();
    const place = placeOf('a directory, applied client-side');
    const apply = async (env: Parameters<typeof web>[0]): Promise<LiveObject> => {
      const manifest = tracked(place, clientSide(web(env)));
      const args = ['apply', '-f', '-', `--field-manager=${argoController}`];
      const done = await world.kubectlWith(JSON.stringify(manifest), ...args);
      expect(done, done.stderr).toMatchObject({ code: 0 });
      return place.live('apps/v1/Deployment', 'web');
    };
    const left = await place.live('apps/v1/Deployment', 'web');
    const more = [...fullEnv.slice(0, 1), { name: 'ADDED', value: '1' }];
    const same = await apply(fullEnv.slice(0, 1));
    expect(same['spec']).toEqual(left['spec']);
    expect(same.metadata.generation).toBe(left.metadata.generation);
    expect((await apply(more))['spec'].template.spec.containers[0].env).toEqual(more);
    const after = await apply(fullEnv.slice(0, 1));
    expect(after['spec'].template.spec.containers[0].env).toEqual(fullEnv.slice(0, 1));
  });
});
