/**
 * A cluster as Flux leaves it: objects with its labels and managed fields, an inventory and conditions in the status of
 * its resources, its finalizer, and the Leases of its controllers. Made by plain requests, and in a file of its own:
 * the Leases stand in `flux-system`, and hold for everything in it.
 */
import { inject, afterAll, describe, expect, it } from 'vitest';
import { createWorkTree, type WorkTree } from '../git-server/server.ts';
import { writesSince, type Mark, type Write } from './audit.ts';
import { configMap, deployment, service, yaml, type Manifest } from './manifests.ts';
import { gitRepositoryKind, kustomizationKind, useWorld, waitFor, writesAreCounted } from './world.ts';

const namespace = 'flux-system';
const manager = 'kustomize-controller';
const deploymentKind = 'apps/v1/Deployment';
const leaseKind = 'coordination.k8s.io/v1/Lease';
const controllers = ['kustomize-controller', 'source-controller'] as const;

const world = useWorld({ controlNamespace: namespace, stopped: true });
const where = `left-${world.id}`;
const name = `left-${world.id}`;
const labels = {
  'kustomize.toolkit.fluxcd.io/name': name,
  'kustomize.toolkit.fluxcd.io/namespace': namespace,
};
const web = deployment('web', {
  replicas: 2,
  env: [
    { name: 'KEPT', value: '1' },
    { name: 'REMOVED', value: '1' },
  ],
});
const settings = configMap('settings', { kept: '1', removed: '1' });
const leaving = configMap('leaving', { a: '1' });
const objects: readonly Manifest[] = [web, service('web'), settings, leaving];
let tree: WorkTree;
let commit: string;
let before: object;
let mark: Mark;

const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');
const statusOf = async (kind = kustomizationKind) => (await world.api.get(kind, namespace, name))?.['status'];
const log = (pattern: RegExp) =>
  waitFor(`the log to say ${pattern}`, async () => pattern.test(await world.log()), {
    seen: async () => (await world.log()).slice(-2000),
  });

interface Meta {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}
async function push(files: Readonly<Record<string, string | null>>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    if (text === null) await tree.remove(path);
    else await tree.write(path, text);
  }
  const pushed = await tree.commit('Change');
  await tree.push();
  return pushed;
}

/** The Leases as the leaders of Flux's controllers keep them. */
async function holdLeases(renewTime: string): Promise<void> {
  for (const controller of controllers) {
    const lease = `${controller}-leader-election`;
    const spec = { holderIdentity: `${controller}-0`, leaseDurationSeconds: 35, renewTime };
    if ((await world.api.get(leaseKind, namespace, lease)) === undefined)
      await world.api.create({
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: lease, namespace },
        spec,
      });
    else await world.api.patch(leaseKind, namespace, lease, { spec });
  }
}

async function leave(): Promise<void> {
  await world.createNamespace(where);
  tree = await createWorkTree(world.git, name);
  commit = await push({
    'app/web.yaml': yaml(web, service('web')),
    'app/settings.yaml': yaml(settings),
    'app/leaving.yaml': yaml(leaving),
  });
  for (const object of objects as readonly (Manifest & Meta)[]) {
    const body = { ...object, metadata: { ...object.metadata, namespace: where, labels } };
    const kind = `${object.apiVersion}/${object.kind}`;
    const how = { type: 'apply', manager, force: true } as const;
    await world.api.patch(kind, where, object.metadata.name, body, how);
  }
  await waitFor('the pods', async () => (await podUids()).length === 2);
  const metadata = {
    name,
    namespace,
    finalizers: ['finalizers.fluxcd.io'],
    annotations: { 'example.com/unknown': 'kept' },
  };
  await world.api.create({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata,
    spec: { interval: '1m', url: tree.url, ref: { branch: 'main' } },
  });
  await world.api.create({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata,
    spec: {
      interval: '10m',
      path: './app',
      prune: true,
      targetNamespace: where,
      sourceRef: { kind: 'GitRepository', name },
    },
  });
  await leaveStatus();
}

async function leaveStatus(): Promise<void> {
  const revision = `main@sha1:${commit}`;
  const condition = (type: string, reason: string, message: string) => ({
    type,
    status: 'True',
    reason,
    message,
    lastTransitionTime: now(),
    observedGeneration: 1,
  });
  const stored = `stored artifact for revision '${revision}'`;
  const ofSource = {
    observedGeneration: 1,
    conditions: [
      condition('Ready', 'Succeeded', stored),
      condition('ArtifactInStorage', 'Succeeded', stored),
    ],
    artifact: {
      revision,
      digest: `sha256:${'a'.repeat(64)}`,
      lastUpdateTime: now(),
      path: `gitrepository/${namespace}/${name}/${commit}.tar.gz`,
      size: 1234,
      url: `http://source-controller.${namespace}.svc.cluster.local./gitrepository/${namespace}/${name}/${commit}.tar.gz`,
    },
  };
  const ofKustomization = {
    observedGeneration: 1,
    conditions: [condition('Ready', 'ReconciliationSucceeded', `Applied revision: ${revision}`)],
    lastAppliedRevision: revision,
    lastAttemptedRevision: revision,
    inventory: {
      entries: [
        { id: `${where}_leaving__ConfigMap`, v: 'v1' },
        { id: `${where}_settings__ConfigMap`, v: 'v1' },
        { id: `${where}_web__Service`, v: 'v1' },
        { id: `${where}_web_apps_Deployment`, v: 'v1' },
      ],
    },
    history: [
      {
        digest: `sha256:${'b'.repeat(64)}`,
        firstReconciled: now(),
        lastReconciled: now(),
        lastReconciledDuration: '1s',
        lastReconciledStatus: 'ReconciliationSucceeded',
        totalReconciliations: 7,
        metadata: { revision },
      },
    ],
    ofTheFuture: { unknown: ['to', 'us'] },
  };
  for (const [kind, controller, status] of [
    [gitRepositoryKind, 'gotk-source-controller', ofSource],
    [kustomizationKind, 'gotk-kustomize-controller', ofKustomization],
  ] as const)
    await world.api.patch(kind, namespace, name, { status }, { manager: controller, subresource: 'status' });
}

async function podUids(): Promise<readonly string[]> {
  return (await world.api.list('v1/Pod', where)).map(({ metadata }) => metadata.uid).toSorted();
}
/** All that must stay as it is when nothing is to be changed. */
async function standing(): Promise<object> {
  const live = await world.api.get(deploymentKind, where, 'web');
  const versionOf = async (kind: string, object: string) => {
    const found = await world.api.get(kind, where, object);
    return [found?.metadata.uid, found?.metadata.resourceVersion];
  };
  return {
    pods: await podUids(),
    deployment: [live?.metadata.uid, live?.metadata.generation],
    others: await Promise.all([
      versionOf('v1/ConfigMap', 'settings'),
      versionOf('v1/ConfigMap', 'leaving'),
      versionOf('v1/Service', 'web'),
    ]),
  };
}
/** Trueup's writes, of these objects and of these resources. */
async function writes(): Promise<readonly Write[]> {
  const all = await writesSince(inject('auditLog'), mark);
  return all.filter((write) => write.namespace === where || write.name === name);
}
async function applied(at: string): Promise<void> {
  await waitFor(
    `it to be Ready at ${at.slice(0, 8)}`,
    async () => {
      const status = await statusOf();
      const ready = status?.conditions?.find(({ type }: { readonly type: string }) => type === 'Ready');
      return ready?.status === 'True' && status.lastAppliedRevision === `main@sha1:${at}`;
    },
    { seen: () => statusOf() },
  );
}

afterAll(async () => {
  for (const controller of controllers)
    await world.api.remove(leaseKind, namespace, `${controller}-leader-election`);
});

describe.runIf(writesAreCounted)('what Flux reconciled', () => {
  const takeover = (...more: readonly string[]) =>
    world.trueup('takeover', `kustomization/${namespace}/${name}`, ...more);

  it('is left alone while its controllers hold their Leases, whoever asks (F29)', async () => {
    await leave();
    await holdLeases(new Date().toISOString().replace('Z', '000Z'));
    before = await standing();
    mark = await world.mark();
    await world.start();
    await log(/only observed: another controller runs: kustomize-controller-0 holds Lease/);
    await log(/only observed: another controller runs: source-controller-0 holds Lease/);
    const shown = await takeover();
    expect(shown, shown.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/to delete\n$/) });
    const refused = await takeover('--yes');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/holds Lease flux-system\//) });
    expect(await writes()).toEqual([]);
  });

  it('is only observed when they are gone, until somebody asks', async () => {
    const left = await world.api.get(kustomizationKind, namespace, name);
    await holdLeases('2026-01-01T00:00:00.000000Z');
    await log(/only observed: gotk-kustomize-controller kept its status so far/);
    await log(/only observed: gotk-source-controller kept its status so far/);
    expect(await writes()).toEqual([]);
    const seen = await world.api.get(kustomizationKind, namespace, name);
    expect(seen?.metadata.resourceVersion).toBe(left?.metadata.resourceVersion);
    expect(await standing()).toEqual(before);
  });

  it('is taken over: each object is applied once, which changes and restarts nothing', async () => {
    const left = await statusOf();
    const taken = await takeover('--yes');
    expect(taken, taken.stderr).toMatchObject({ code: 0 });
    await applied(commit);
    expect(await standing()).toEqual(before);
    const done = (await writes()).filter((write) => write.namespace === where);
    expect(done.map(({ verb }) => verb)).toEqual(objects.map(() => 'patch'));
    const status = await statusOf();
    expect(status.inventory).toEqual(left.inventory);
    expect(status.ofTheFuture).toEqual(left.ofTheFuture);
    const after = await world.api.get(kustomizationKind, namespace, name);
    expect(after?.metadata).toMatchObject({
      finalizers: ['finalizers.fluxcd.io'],
      annotations: { 'example.com/unknown': 'kept' },
    });
    const ready = (await statusOf(gitRepositoryKind)).conditions.map(
      ({ type, status: value }: Record<string, string>) => [type, value],
    );
    expect(ready).toContainEqual(['Ready', 'True']);
  });

  it('follows Git from then on: what is removed there goes, from inside objects too', async () => {
    const lessWeb = deployment('web', { replicas: 2, env: [{ name: 'KEPT', value: '1' }] });
    commit = await push({
      'app/web.yaml': yaml(lessWeb, service('web')),
      'app/settings.yaml': yaml(configMap('settings', { kept: '1' })),
      'app/leaving.yaml': null,
    });
    await world.hint(tree);
    await applied(commit);
    expect((await world.api.get('v1/ConfigMap', where, 'settings'))?.['data']).toEqual({ kept: '1' });
    const live = await world.api.get(deploymentKind, where, 'web');
    expect(live?.['spec'].template.spec.containers[0].env).toEqual([{ name: 'KEPT', value: '1' }]);
    await waitFor(
      'the prune',
      async () => (await world.api.get('v1/ConfigMap', where, 'leaving')) === undefined,
    );
    expect((await statusOf()).inventory.entries).toHaveLength(3);
  });

  it('has what Flux goes on from: hand-back says so', async () => {
    const handed = await world.trueup('hand-back', `kustomization/${namespace}/${name}`);
    expect(handed, handed.stderr).toMatchObject({ code: 0 });
    expect(handed.stdout).toMatch(/3 objects, applied as kustomize-controller, marked by/);
    expect(handed.stdout).not.toMatch(/lost its mark/);
    expect(handed.stdout).toContain('scale deployment/kustomize-controller --replicas=1');
    for (const [kind, object] of [
      [deploymentKind, 'web'],
      ['v1/Service', 'web'],
      ['v1/ConfigMap', 'settings'],
    ] as const) {
      const live = await world.api.get(kind, where, object);
      expect(live?.metadata.labels).toMatchObject(labels);
      const appliers = live?.metadata.managedFields?.filter(({ operation }) => operation === 'Apply');
      expect(appliers?.map((entry) => entry.manager)).toEqual([manager]);
    }
    expect(await statusOf()).toMatchObject({
      lastAppliedRevision: `main@sha1:${commit}`,
      inventory: { entries: [{ v: 'v1' }, { v: 'v1' }, { v: 'v1' }] },
    });
  });

  it('is suspended when the old controller comes back and writes, saying by whom (F29)', async () => {
    let round = 0;
    let wroteMs = -Infinity;
    await waitFor(
      'Trueup to stand back, and to say for whom',
      async () => {
        // As the old controller does: it looks at each of its intervals, and says that it did.
        if (performance.now() - wroteMs > 2000) {
          wroteMs = performance.now();
          const snapshot = { digest: 'sha256:0', totalReconciliations: round++ };
          await world.api.patch(
            kustomizationKind,
            namespace,
            name,
            { status: { history: [snapshot] } },
            { manager: 'gotk-kustomize-controller', subresource: 'status' },
          );
        }
        return new RegExp(`${name}.*suspended: gotk-kustomize-controller`).test(await world.log());
      },
      { seen: async () => (await world.log()).slice(-2000) },
    );
    mark = await world.mark();
    await push({ 'app/settings.yaml': yaml(configMap('settings', { kept: '2' })) });
    await world.hint(tree);
    const shown = await world.trueup('why', `kustomization/${namespace}/${name}`);
    expect(shown.stdout).toMatch(/suspended: gotk-kustomize-controller writes its status too/);
    // Its source is still ours: when that has moved, the Kustomization was looked at, too.
    const head = await tree.head();
    await waitFor('the source to move', async () => {
      return (await statusOf(gitRepositoryKind)).artifact.revision === `main@sha1:${head}`;
    });
    const objectsWritten = (await writes()).filter((write) => write.namespace === where);
    expect(objectsWritten).toEqual([]);
    expect((await writes()).filter(({ resource }) => resource === 'kustomizations')).toEqual([]);
  });
});
