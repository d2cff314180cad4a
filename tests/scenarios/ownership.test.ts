/** Whose field is whose: what must not be mistaken for drift, and what must not be taken from others. */
import { describe, expect, inject, it } from 'vitest';
import { configMap, deployment, service, yaml } from './manifests.ts';
import type { Manifest } from './manifests.ts';
import type { Place } from './world.ts';
import { useWorld, waitFor, writesAreCounted } from './world.ts';

const world = useWorld();
const deploymentKind = 'apps/v1/Deployment';

async function placeWith(files: Readonly<Record<string, string>>): Promise<Place> {
  const place = await world.place();
  await place.push(files);
  await place.createApplication();
  await place.synced();
  return place;
}

/** Gives Trueup every occasion to see a difference, and shows that it writes nothing. */
async function expectQuiet(place: Place, kind: string, name: string): Promise<void> {
  const mark = await world.mark();
  await place.refresh();
  await place.refresh('hard');
  // An event of the object itself that changes nothing of ours.
  await world.api.patch(kind, place.namespace, name, { metadata: { annotations: { touched: world.id } } });
  const { status } = await place.refresh('hard');
  expect(status?.sync?.status).toBe('Synced');
  expect(await place.writesSince(mark)).toEqual([]);
}

describe.runIf(writesAreCounted)('no heal loop', () => {
  it.runIf(inject('hasAdmissionPolicies'))('where admission rewrites what is applied', async () => {
    const place = await world.place();
    const name = `mirror-${place.name}`;
    const [policy, binding] = imagePolicy(name, place.namespace);
    await world.api.create(policy);
    await world.api.create(binding);
    try {
      const trial = yaml(deployment('trial', { image: 'registry.example/web:1' }));
      await waitFor('the admission policy to be in force', async () => {
        const dryRun = ['create', '-f', '-', '-n', place.namespace, '--dry-run=server', '-o', 'yaml'];
        const { stdout } = await world.kubectlWith(trial, ...dryRun);
        return stdout.includes('mirror.example/web:1');
      });
      await place.push({ 'app/web.yaml': yaml(deployment('web', { image: 'registry.example/web:1' })) });
      await place.createApplication();
      await place.synced();
      const live = await place.live(deploymentKind, 'web');
      expect(live['spec'].template.spec.containers[0].image).toBe('mirror.example/web:1');
      await expectQuiet(place, deploymentKind, 'web');
      // It still heals what is changed for real.
      await world.kubectl('scale', 'deployment/web', '--replicas=3', '-n', place.namespace);
      await waitFor(
        'the replicas',
        async () => (await place.live(deploymentKind, 'web'))['spec'].replicas === 1,
      );
      await place.synced();
    } finally {
      await world.api.remove('admissionregistration.k8s.io/v1/MutatingAdmissionPolicyBinding', '', name);
      await world.api.remove('admissionregistration.k8s.io/v1/MutatingAdmissionPolicy', '', name);
    }
  });

  it('where the API server writes values in another way, or leaves empty ones out', async () => {
    const container = {
      resources: { requests: { cpu: '1000m', memory: '1024Mi' }, limits: { cpu: '2.0' } },
      ports: [{ containerPort: 8080 }],
      env: [{ name: 'EMPTY', value: '' }],
    };
    const manifest = deployment('web', { container }) as {
      readonly spec: { readonly template: { readonly spec: object } };
    };
    const pod = { ...manifest.spec.template.spec, hostNetwork: false, nodeSelector: {}, initContainers: [] };
    const spec = { ...manifest.spec, template: { ...manifest.spec.template, spec: pod } };
    const place = await placeWith({
      'app/web.yaml': yaml({ ...manifest, spec }),
      'app/service.yaml': yaml(service('web')),
    });
    const live = await place.live(deploymentKind, 'web');
    expect(live['spec'].template.spec.containers[0].resources.requests.cpu).toBe('1');
    await expectQuiet(place, deploymentKind, 'web');
    expect(await world.stop()).toBe(0);
    const mark = await world.mark();
    await world.start();
    await place.refresh();
    expect(await place.writesSince(mark)).toEqual([]);
  });

  it('where a Secret has stringData; its drift is healed, and a key that leaves Git goes', async () => {
    const secret = (stringData: object) =>
      yaml({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login' }, stringData, type: 'Opaque' });
    const place = await placeWith({ 'app/secret.yaml': secret({ user: 'ada', word: 'one' }) });
    await expectQuiet(place, 'v1/Secret', 'login');
    const data = async () =>
      (await place.live('v1/Secret', 'login'))['data'] as Readonly<Record<string, string>>;
    const encoded = (text: string) => Buffer.from(text).toString('base64');
    await world.api.patch('v1/Secret', place.namespace, 'login', { data: { word: encoded('changed') } });
    await waitFor('the value to be healed', async () => (await data())['word'] === encoded('one'));
    const commit = await place.pushAndHint({ 'app/secret.yaml': secret({ user: 'ada' }) });
    await place.synced(commit);
    expect(await data()).toEqual({ user: encoded('ada') });
  });

  it('where managedFields were cleared; and a later removal still takes', async () => {
    const place = await placeWith({
      'app/settings.yaml': yaml(configMap('settings', { kept: '1', removed: '1' })),
    });
    const mark = await world.mark();
    await world.api.patch('v1/ConfigMap', place.namespace, 'settings', { metadata: { managedFields: [{}] } });
    // First they are applied again, then what the API server kept under another name is migrated.
    await waitFor('our fields to be ours again, and only ours', async () => {
      const { managedFields = [] } = (await place.live('v1/ConfigMap', 'settings')).metadata;
      const isOurs = managedFields.some(
        ({ manager, operation }) => manager === 'argocd-controller' && operation === 'Apply',
      );
      const others = managedFields.filter(({ manager }) => manager === 'before-first-apply');
      return isOurs && !JSON.stringify(others).includes('f:removed');
    });
    await place.synced();
    expect((await place.writesSince(mark)).length).toBeLessThanOrEqual(4);
    await expectQuiet(place, 'v1/ConfigMap', 'settings');
    const commit = await place.pushAndHint({
      'app/settings.yaml': yaml(configMap('settings', { kept: '1' })),
    });
    await place.synced(commit);
    expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ kept: '1' });
  });

  it('where two tools want different values: writes are bounded, and it is said (F3)', async () => {
    const place = await placeWith({ 'app/settings.yaml': yaml(configMap('settings', { value: 'git' })) });
    const mark = await world.mark();
    for (let round = 0; round < 5; round++) {
      await world.api.patch(
        'v1/ConfigMap',
        place.namespace,
        'settings',
        { data: { value: 'other' } },
        { manager: 'rival' },
      );
      await waitFor(
        'the value to be healed',
        async () => (await place.live('v1/ConfigMap', 'settings'))['data'].value === 'git',
        { timeoutMs: 60_000 },
      );
    }
    await place.synced();
    const writes = (await place.writesSince(mark)).filter(({ resource }) => resource === 'configmaps');
    expect(writes.length).toBeLessThanOrEqual(10);
    expect((await world.trueup('app', 'history', place.name)).stdout).toContain('rival');
  });
});

describe('fields of others', () => {
  it('replicas that Git does not set are the autoscaler’s', async () => {
    const { spec, ...rest } = deployment('web') as { readonly spec: Manifest };
    const { replicas: _, ...unsized } = spec;
    const place = await placeWith({ 'app/web.yaml': yaml({ ...rest, spec: unsized }) });
    await world.kubectl('scale', 'deployment/web', '--replicas=4', '-n', place.namespace);
    await place.refresh('hard');
    const changed = yaml({ ...rest, spec: { ...unsized, minReadySeconds: 1 } });
    const commit = await place.pushAndHint({ 'app/web.yaml': changed });
    await place.synced(commit);
    const live = await place.live(deploymentKind, 'web');
    expect(live['spec'].minReadySeconds).toBe(1);
    expect(live['spec'].replicas).toBe(4);
  });

  it('an object that stood there before is adopted: what Git declares is set, the rest stays', async () => {
    const place = await world.place();
    await world.api.create(
      configMap('settings', { value: 'before', further: 'kept' }, { namespace: place.namespace }),
    );
    const before = await place.live('v1/ConfigMap', 'settings');
    await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: 'git' })) });
    await place.createApplication();
    await place.synced();
    const after = await place.live('v1/ConfigMap', 'settings');
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(after['data']).toEqual({ value: 'git', further: 'kept' });
  });

  it('a key that leaves Git leaves the object, and the others’ keys stay', async () => {
    const place = await placeWith({
      'app/settings.yaml': yaml(configMap('settings', { kept: '1', removed: '1' })),
    });
    await world.api.patch('v1/ConfigMap', place.namespace, 'settings', { data: { further: '1' } });
    const commit = await place.pushAndHint({
      'app/settings.yaml': yaml(configMap('settings', { kept: '1' })),
    });
    await place.synced(commit);
    expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ kept: '1', further: '1' });
  });
});

describe('an object of another Application', () => {
  it.runIf(writesAreCounted)('is a conflict: named, and nothing of the second is written', async () => {
    const first = await placeWith({ 'app/shared.yaml': yaml(configMap('shared', { of: 'first' })) });
    const second = await world.place();
    const shared = configMap('shared', { of: 'second' }, { namespace: first.namespace });
    await second.push({
      'app/shared.yaml': yaml(shared),
      'app/own.yaml': yaml(configMap('own', { a: '1' })),
    });
    const mark = await world.mark();
    await second.createApplication();
    const message = await second.condition(/shared/);
    expect(message).toContain(first.name);
    await second.refresh();
    await first.refresh();
    expect(await first.writesSince(mark)).toEqual([]);
    expect(await second.writesSince(mark)).toEqual([]);
    expect((await first.live('v1/ConfigMap', 'shared'))['data']).toEqual({ of: 'first' });

    // The first gives it up; then the second may have it.
    await first.pushAndHint({
      'app/shared.yaml': null,
      'app/other.yaml': yaml(configMap('other', { a: '1' })),
    });
    await first.synced();
    await second.refresh();
    await second.synced(undefined, 60_000);
    expect((await first.live('v1/ConfigMap', 'shared'))['data']).toEqual({ of: 'second' });
  });
});

/** Rewrites the image of every Deployment of a namespace, as registries' mirrors do. */
function imagePolicy(name: string, namespace: string): readonly [object, object] {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  return [
    {
      apiVersion,
      kind: 'MutatingAdmissionPolicy',
      metadata: { name },
      spec: {
        matchConstraints: {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          resourceRules: [
            {
              apiGroups: ['apps'],
              apiVersions: ['v1'],
              operations: ['CREATE', 'UPDATE'],
              resources: ['deployments'],
            },
          ],
        },
        failurePolicy: 'Fail',
        reinvocationPolicy: 'Never',
        mutations: [
          {
            patchType: 'JSONPatch',
            jsonPatch: {
              expression:
                '[JSONPatch{op: "replace", path: "/spec/template/spec/containers/0/image", value: "mirror.example/web:1"}]',
            },
          },
        ],
      },
    },
    { apiVersion, kind: 'MutatingAdmissionPolicyBinding', metadata: { name }, spec: { policyName: name } },
  ];
}
