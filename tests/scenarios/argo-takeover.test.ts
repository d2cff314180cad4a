/**
 * A whole cluster as Argo CD leaves it, one Application of every sort: observed first, taken over one by one with what
 * the plan said and nothing else, followed from then on, and handed back.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fullEnv, gaugeKind, refusals, said, sorts, web, type Sort } from './argo-sorts.ts';
import type { Write } from './audit.ts';
import { startChartServers, type ChartServers } from './chart-servers.ts';
import type { LiveObject } from './cluster-api.ts';
import {
  argoController,
  argoStatusWriter,
  clientSide,
  leaveObjects,
  leaveStatus,
  tracked,
} from './left-by-argo.ts';
import { configMap, yaml, type Manifest } from './manifests.ts';
import {
  applicationKind,
  cascadeFinalizer,
  useWorld,
  waitFor,
  writesAreCounted,
  type Place,
} from './world.ts';

const lua = `
local hs = { status = "Healthy", message = "" }
if obj.spec.level == "low" then
  hs.status = "Degraded"
  hs.message = "the level is low"
end
return hs
`;

const installation = 'shop-1';
let servers: ChartServers;
const world = useWorld({
  stopped: true,
  settings: (namespace) => [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm', namespace },
      data: {
        url: 'https://argocd.example.com',
        installationID: installation,
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

const places = new Map<string, Place>();
const placeOf = (sort: string): Place => places.get(sort)!;

async function leave(name: string, sort: Sort): Promise<void> {
  const place = await world.place();
  places.set(name, place);
  const commit = await place.push({ 'README.md': name, ...sort.files });
  await leaveObjects(place, { ...sort, installation });
  const { metadata = {}, spec } = sort;
  await world.api.create({
    ...place.application({
      spec: { project: 'shop', ...spec?.(place, servers) } as Manifest,
      metadata: { finalizers: [cascadeFinalizer], ...metadata },
    }),
    ...(sort.operation === undefined ? {} : { operation: sort.operation(commit) }),
  });
  await leaveStatus(place, sort, sort.revisions?.(commit) ?? [commit], sort.status?.(commit));
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
    { manager: argoStatusWriter },
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
    servers = await startChartServers(world);
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
  afterAll(() => servers?.close());

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
    // Argo CD's status says Synced as well.
    const written = async (): Promise<readonly string[]> => lines(await place.writesSince(mark));
    await waitFor('what the plan says', async () => (await written()).length >= plan.length);
    const after = said[name] === undefined ? await place.synced() : await place.read();
    expect(await written()).toEqual(plan);
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

  it('an Application of Applications: each child waits for a word of its own', async () => {
    const [root, child] = [await world.place(), await world.place()];
    const manifest = child.application({ spec: { project: 'shop' } });
    const settings = clientSide(configMap('settings', { a: '1' }));
    const ofChild = { objects: [settings], installation };
    const leavingRoot = { manifest, namespace: world.controlNamespace };
    const ofRoot = { objects: [leavingRoot], installation };
    const commit = await child.push({ 'app/settings.yaml': yaml(settings.manifest) });
    const rootCommit = await root.push({ 'app/child.yaml': yaml(manifest) });
    // What nobody has reconciled yet is reconciled at once.
    await world.stop();
    await leaveObjects(root, ofRoot);
    await leaveObjects(child, ofChild);
    await leaveStatus(child, ofChild, [commit]);
    await root.createApplication({ spec: { project: 'shop' } });
    await leaveStatus(root, ofRoot, [rootCommit]);
    await world.start();
    const { status } = await child.read();
    const mark = await world.mark();
    await takeover(root);
    await root.synced();
    await freshOne();
    expect(await child.writesSince(mark)).toEqual([]);
    expect((await child.read()).status).toEqual(status);
    await takeover(child);
    await child.synced();
  });

  it('has what Argo CD goes on from when it is handed back', async () => {
    const marked = 'argocd.argoproj.io/tracking-id';
    const handBack = async ([name, { objects, metadata }]: readonly [string, Sort]): Promise<void> => {
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
        expect(live.metadata.annotations).toMatchObject({
          [marked]: `${place.name}:${group}/${kind}:${place.namespace}/${wanted.name}`,
          'argocd.argoproj.io/installation-id': installation,
        });
        expect(Object.keys(live.metadata.annotations ?? {}).filter((key) => key.includes('trueup'))).toEqual(
          [],
        );
        expect(live.metadata.finalizers).toBeUndefined();
        const appliers = live.metadata.managedFields?.filter((entry) => entry.operation === 'Apply');
        expect(appliers?.map(({ manager }) => manager)).toEqual([argoController]);
      }
    };
    await Promise.all(Object.entries(sorts).map(handBack));
  });

  it('is applied by Argo CD as before: nothing restarts, and removals take', async () => {
    await world.stop();
    const place = placeOf('a directory, applied client-side');
    const apply = async (env: Parameters<typeof web>[0]): Promise<LiveObject> => {
      const manifest = tracked(place, clientSide(web(env)), { installation });
      const args = ['apply', '-f', '-', `--field-manager=${argoController}`];
      const done = await world.kubectlWith(JSON.stringify(manifest), ...args);
      expect(done, done.stderr).toMatchObject({ code: 0 });
      return place.live('apps/v1/Deployment', 'web');
    };
    const podUids = async (): Promise<readonly string[]> =>
      (await world.api.list('v1/Pod', place.namespace)).map(({ metadata }) => metadata.uid).toSorted();
    const left = await place.live('apps/v1/Deployment', 'web');
    const pods = await podUids();
    const more = [...fullEnv.slice(0, 1), { name: 'ADDED', value: '1' }];
    const same = await apply(fullEnv.slice(0, 1));
    expect(same['spec']).toEqual(left['spec']);
    expect(await podUids()).toEqual(pods);
    expect((await apply(more))['spec'].template.spec.containers[0].env).toEqual(more);
    const after = await apply(fullEnv.slice(0, 1));
    expect(after['spec'].template.spec.containers[0].env).toEqual(fullEnv.slice(0, 1));
  });
});
