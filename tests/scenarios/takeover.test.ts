/** A cluster as Argo CD leaves it: one Application, whichever way it was applied, and the old controller itself. */
import { describe, expect, it } from 'vitest';
import { argoStatusWriter, leaveObjects, leaveStatus, type Way } from './left-by-argo.ts';
import { configMap, deployment, service, yaml } from './manifests.ts';
import type { Manifest } from './manifests.ts';
import type { Place, World } from './world.ts';
import { applicationKind, useWorld, waitFor, writesAreCounted } from './world.ts';

const deploymentKind = 'apps/v1/Deployment';

const web = deployment('web', {
  replicas: 2,
  env: [
    { name: 'KEPT', value: '1' },
    { name: 'REMOVED', value: '1' },
  ],
});
const settings = configMap('settings', { kept: '1', removed: '1' });
const objects: readonly Manifest[] = [web, settings, service('web'), configMap('leaving', { a: '1' })];

async function leftPlace(
  world: World,
  way: Way,
  overrides: { readonly spec?: Manifest } = {},
): Promise<Place> {
  const place = await world.place();
  const commit = await place.push({
    'app/web.yaml': yaml(web, service('web')),
    'app/settings.yaml': yaml(settings),
    'app/leaving.yaml': yaml(configMap('leaving', { a: '1' })),
  });
  const leaving = { objects: objects.map((manifest) => ({ manifest, way })) };
  await leaveObjects(place, leaving);
  await waitFor('the pods', async () => (await podUids(world, place)).length === 2);
  await place.createApplication({
    ...overrides,
    metadata: {
      annotations: { 'example.com/unknown': 'kept' },
      finalizers: ['resources-finalizer.argocd.argoproj.io'],
    },
  });
  await leaveStatus(place, leaving, [commit]);
  return place;
}

async function podUids(world: World, place: Place): Promise<readonly string[]> {
  const pods = await world.api.list('v1/Pod', place.namespace);
  return pods.map(({ metadata }) => metadata.uid).toSorted();
}

/** All that must stay as it is when nothing is to be changed. */
async function standing(world: World, place: Place): Promise<object> {
  const live = await place.live(deploymentKind, 'web');
  return {
    pods: await podUids(world, place),
    deployment: [live.metadata.uid, live.metadata.generation],
    others: await Promise.all(
      ['settings', 'leaving'].map(async (name) => (await place.live('v1/ConfigMap', name)).metadata.uid),
    ),
  };
}

describe.each(['client-side apply', 'server-side apply'] as const)('what was reconciled by %s', (way) => {
  const world = useWorld({ stopped: true });

  it.runIf(writesAreCounted)(
    'is observed first; the first sync deletes and restarts nothing; later removals take',
    async () => {
      const place = await leftPlace(world, way);
      const left = await place.read();
      const before = await standing(world, place);
      const mark = await world.mark();
      await world.start();

      // Another Application, new, is reconciled at once: by then Trueup has looked at the one that was left too.
      const fresh = await world.place();
      await fresh.push({ 'app/settings.yaml': yaml(configMap('settings', { a: '1' })) });
      await fresh.createApplication();
      await fresh.synced();
      expect(await place.writesSince(mark)).toEqual([]);
      expect((await world.writesSince(mark)).filter(({ name }) => name === place.name)).toEqual([]);
      expect((await place.read()).metadata.resourceVersion).toBe(left.metadata.resourceVersion);
      expect(await standing(world, place)).toEqual(before);

      const activated = await world.trueup('takeover', place.name, '--yes');
      expect(activated, activated.stderr).toMatchObject({ code: 0 });
      await place.synced();
      expect(await standing(world, place)).toEqual(before);
      expect((await place.writesSince(mark)).filter(({ verb }) => verb === 'delete')).toEqual([]);

      const after = await place.read();
      expect(after.status?.['ofTheFuture']).toEqual(left.status?.['ofTheFuture']);
      expect(after.status?.['summary']).toEqual(left.status?.['summary']);
      expect(after['spec']).toEqual(left['spec']);
      expect(after.metadata.annotations?.['example.com/unknown']).toBe('kept');
      expect(after.metadata.finalizers).toEqual(left.metadata.finalizers);

      // A key inside an object, an item of a list, and a whole object leave Git.
      const lessWeb = deployment('web', { replicas: 2, env: [{ name: 'KEPT', value: '1' }] });
      const commit = await place.pushAndHint({
        'app/web.yaml': yaml(lessWeb, service('web')),
        'app/settings.yaml': yaml(configMap('settings', { kept: '1' })),
        'app/leaving.yaml': null,
      });
      await place.synced(commit);
      expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ kept: '1' });
      expect((await place.live(deploymentKind, 'web'))['spec'].template.spec.containers[0].env).toEqual([
        { name: 'KEPT', value: '1' },
      ]);
      await waitFor('the prune', async () => (await place.get('v1/ConfigMap', 'leaving')) === undefined);
      // From here on it is like any other: once more a key, healing, and then silence.
      const last = await place.pushAndHint({
        'app/settings.yaml': yaml(configMap('settings', { other: '1' })),
      });
      await place.synced(last);
      expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ other: '1' });
      await world.kubectl('scale', 'deployment/web', '--replicas=5', '-n', place.namespace);
      await waitFor(
        'the replicas',
        async () => (await place.live(deploymentKind, 'web'))['spec'].replicas === 2,
      );
      const quiet = await world.mark();
      await place.synced();
      await place.refresh('hard');
      expect(await place.writesSince(quiet)).toEqual([]);
    },
  );

  it.runIf(writesAreCounted)(
    'keeps what drifted, and what had left Git before, until it is activated; and the first sync deletes nothing',
    async () => {
      await world.stop();
      const place = await leftPlace(world, way);
      await place.push({ 'app/leaving.yaml': null });
      await world.kubectl('scale', 'deployment/web', '--replicas=3', '-n', place.namespace);
      const mark = await world.mark();
      await world.start();
      const fresh = await world.place();
      await fresh.push({ 'app/settings.yaml': yaml(configMap('settings', { a: '1' })) });
      await fresh.createApplication();
      await fresh.synced();
      expect(await place.writesSince(mark)).toEqual([]);
      expect((await place.live(deploymentKind, 'web'))['spec'].replicas).toBe(3);
      const shown = await world.trueup('plan', '--app', place.name);
      expect(`${shown.stdout}${shown.stderr}`).toMatch(/web/);

      const activated = await world.trueup('app', 'sync', place.name);
      expect(activated, activated.stderr).toMatchObject({ code: 0 });
      expect((await place.live(deploymentKind, 'web'))['spec'].replicas).toBe(2);
      expect((await place.writesSince(mark)).filter(({ verb }) => verb === 'delete')).toEqual([]);
    },
  );
});

describe.each(['label', 'annotation+label'] as const)('what was marked by %s', (tracking) => {
  const world = useWorld({
    stopped: true,
    settings: (namespace) => [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'argocd-cm', namespace },
        data: { 'application.resourceTrackingMethod': tracking },
      },
    ],
  });

  it.runIf(writesAreCounted)('keeps its marks, gets no others, and is pruned by them', async () => {
    const place = await world.place();
    const commit = await place.push({
      'app/settings.yaml': yaml(settings, configMap('leaving', { a: '1' })),
    });
    const objects = [settings, configMap('leaving', { a: '1' }), configMap('left-over', { a: '1' })];
    const leaving = { tracking, objects: objects.map((manifest) => ({ manifest })) };
    await leaveObjects(place, leaving);
    await place.createApplication();
    await leaveStatus(place, leaving, [commit]);
    const marksOf = async (): Promise<object> => {
      const { labels, annotations = {} } = (await place.live('v1/ConfigMap', 'settings')).metadata;
      return { labels, annotations: Object.keys(annotations) };
    };
    const left = await marksOf();
    await world.start();
    const taken = await world.trueup('takeover', place.name, '--yes');
    expect(taken, taken.stderr).toMatchObject({ code: 0 });
    await place.condition(/left-over: it came with the takeover/, /Kept/);
    expect(await marksOf()).toEqual(left);
    await place.pushAndHint({ 'app/settings.yaml': yaml(settings) });
    await waitFor('the prune', async () => (await place.get('v1/ConfigMap', 'leaving')) === undefined);
    expect(await place.get('v1/ConfigMap', 'left-over')).toBeDefined();
    await world.trueup('app', 'sync', place.name, '--prune');
    expect(await place.get('v1/ConfigMap', 'left-over')).toBeUndefined();
    const handed = await world.trueup('hand-back', place.name);
    const mark = tracking === 'label' ? 'app.kubernetes.io/instance' : 'argocd.argoproj.io/tracking-id';
    expect(handed.stdout).toContain(`1 objects, applied as argocd-controller, marked by ${mark}`);
  });
});

describe('the old controller', () => {
  const world = useWorld({ stopped: true });

  it.runIf(writesAreCounted)(
    'still running: nothing is written, and activation is refused (F29)',
    async () => {
      const place = await leftPlace(world, 'client-side apply');
      await world.api.create({
        ...(deployment('argocd-application-controller') as object),
        metadata: {
          name: 'argocd-application-controller',
          namespace: world.controlNamespace,
          labels: { 'app.kubernetes.io/name': 'argocd-application-controller' },
        },
      });
      await waitFor('it to run', async () => {
        const live = await world.api.get(
          deploymentKind,
          world.controlNamespace,
          'argocd-application-controller',
        );
        return live?.['status']?.readyReplicas === 1;
      });
      const mark = await world.mark();
      await world.start();
      const shown = await world.trueup('takeover', place.name);
      expect(shown, shown.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/to change/) });
      expect(shown.stderr).toMatch(/nothing was changed/);
      const early = await world.trueup('takeover', place.name, '--yes');
      expect(early).toMatchObject({ code: 1, stderr: expect.stringMatching(/--replicas=0/) });
      const refused = await world.trueup('app', 'sync', place.name, '--timeout', '20');
      expect(refused.code).not.toBe(0);
      expect(`${refused.stdout}${refused.stderr}`).toMatch(/argocd-application-controller/);
      expect(await place.writesSince(mark)).toEqual([]);
    },
  );

  it.runIf(writesAreCounted)(
    'coming back: what it writes a status to is suspended, saying by whom (F29)',
    async () => {
      await world.stop();
      await world.api.remove(deploymentKind, world.controlNamespace, 'argocd-application-controller');
      await waitFor('it to be gone', async () => {
        const live = await world.api.get(
          deploymentKind,
          world.controlNamespace,
          'argocd-application-controller',
        );
        return live === undefined;
      });
      await world.start();
      const place = await world.place();
      await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '1' })) });
      await place.createApplication();
      await place.synced();
      let round = 0;
      await waitFor(
        'Trueup to stand back, and to say for whom',
        async () => {
          // As the old controller does: it looks again and again, and writes when.
          const status = { reconciledAt: `2026-01-01T00:00:${String(round++ % 60).padStart(2, '0')}Z` };
          const how = { manager: argoStatusWriter };
          await world.api.patch(applicationKind, world.controlNamespace, place.name, { status }, how);
          return new RegExp(`${place.name}.*suspended.*${argoStatusWriter}`).test(await world.log());
        },
        { seen: async () => (await world.log()).slice(-2000) },
      );
      const mark = await world.mark();
      await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '2' })) });
      await world.hint(place.repository);
      const fresh = await world.place();
      await fresh.push({ 'app/settings.yaml': yaml(configMap('settings', { a: '1' })) });
      await fresh.createApplication();
      await fresh.synced();
      expect(await place.writesSince(mark)).toEqual([]);
    },
  );
});
