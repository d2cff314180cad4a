/**
 * The Applications that people publish, as they stand in their guides, with what the guides say of them; the
 * repositories that they name are mirrors. What else those guides have: the Kustomizations cert-manager, ingress-nginx,
 * payments-api-secrets and payment-service in flux.test.ts, the script that polls in api.test.ts, the rules that alert in
 * monitoring.test.ts. Not there yet: HelmRelease, ApplicationSet, Rollout.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkTree, type WorkTree } from '../git-server/server.ts';
import type { LiveObject } from './cluster-api.ts';
import { configMap, deployment, yaml } from './manifests.ts';
import { applicationKind, useWorld, waitFor, type Application } from './world.ts';

const paymentsApi = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: payments-api
  namespace: argocd
spec:
  project: production
  source:
    repoURL: https://github.com/acme/k8s-manifests
    targetRevision: main
    path: apps/payments-api/overlays/prod
  destination:
    server: https://kubernetes.default.svc
    namespace: payments
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
      - CreateNamespace=true
      - PrunePropagationPolicy=foreground
    retry:
      limit: 5
      backoff:
        duration: 5s
        factor: 2
        maxDuration: 3m
`;
const paymentService = `
# application.yaml
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: payment-service
  namespace: argocd
spec:
  project: production
  source:
    repoURL: https://github.com/org/payment-service
    targetRevision: main
    path: deploy/k8s
  destination:
    server: https://kubernetes.default.svc
    namespace: payments
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
      allowEmpty: false
`;
/** Published as a part: it has neither a source nor a destination. */
const platform = `
# Ordered deployment with waves
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: platform
spec:
  syncPolicy:
    syncOptions:
    - PrunePropagationPolicy=foreground
    - CreateNamespace=true
  ignoreDifferences:
  - group: apps
    kind: Deployment
    jsonPointers:
    - /spec/replicas
`;
const canary = `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata:
  name: payments-api
  namespace: payments
spec:
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: payments-api
  progressDeadlineSeconds: 600
  service:
    port: 8080
    targetPort: 8080
    gateways:
      - istio-system/public-gateway
    hosts:
      - payments.example.com
  analysis:
    interval: 1m
    threshold: 5
    maxWeight: 50
    stepWeight: 10
    metrics:
      - name: request-success-rate
        thresholdRange:
          min: 99
        interval: 1m
      - name: request-duration
        thresholdRange:
          max: 500
        interval: 1m
    webhooks:
      - name: load-test
        url: http://flagger-loadtester.test/
        timeout: 5s
        metadata:
          cmd: "hey -z 1m -q 10 -c 2 https://payments.example.com/healthz"
`;
const lua = `
local hs = { status = "Progressing", message = "the canary is analysed" }
if obj.status ~= nil and obj.status.phase == "Failed" then
  hs.status = "Degraded"
  hs.message = "the canary was rolled back"
elseif obj.status ~= nil and obj.status.phase == "Succeeded" then
  hs.status = "Healthy"
end
return hs
`;

const canaryKind = 'flagger.app/v1beta1/Canary';
const canaryDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'canaries.flagger.app' },
  spec: {
    group: 'flagger.app',
    names: { kind: 'Canary', plural: 'canaries', singular: 'canary', listKind: 'CanaryList' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const settingsName = 'argocd-cm';
const world = useWorld({
  controlNamespace: 'argocd',
  arguments: (origin) => [
    '--mirror',
    `https://github.com/acme/k8s-manifests=${origin}/k8s-manifests.git`,
    '--mirror',
    `https://github.com/org/payment-service=${origin}/payment-service.git`,
    '--mirror',
    `https://git.example.com/platform=${origin}/platform.git`,
  ],
  settings: (namespace) => [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: settingsName, namespace },
      data: { 'resource.customizations.health.flagger.app_Canary': lua },
    },
    canaryDefinition,
  ],
});
beforeAll(async () => {
  await waitFor('the kind Canary', () => world.api.list(canaryKind, 'default'));
});
// The namespace of these manifests is one for all files.
afterAll(async () => {
  await world.api.remove('v1/ConfigMap', 'argocd', settingsName);
  await world.api.remove(
    'apiextensions.k8s.io/v1/CustomResourceDefinition',
    '',
    canaryDefinition.metadata.name,
  );
});

const read = async (name: string): Promise<Application> => {
  const found = await world.api.get(applicationKind, 'argocd', name);
  if (found === undefined) throw new Error(`Application ${name} is not there`);
  return found as Application;
};
const until = (name: string, what: string, is: (application: Application) => boolean): Promise<Application> =>
  waitFor(
    `${name}: ${what}`,
    async () => {
      const found = await read(name);
      return is(found) ? found : undefined;
    },
    { timeoutMs: 60_000, seen: async () => (await read(name)).status },
  );
const synced = (name: string, commit: string): Promise<Application> =>
  until(
    name,
    `to be Synced at ${commit.slice(0, 8)}`,
    ({ status }) => status?.sync?.status === 'Synced' && status.sync.revision === commit,
  );
const healthy = (name: string): Promise<Application> =>
  until(name, 'to be Healthy', ({ status }) => status?.health?.status === 'Healthy');
const get = (kind: string, name: string, namespace = 'payments'): Promise<LiveObject | undefined> =>
  world.api.get(kind, namespace, name);
const apply = async (manifest: string): Promise<void> => {
  const done = await world.kubectlWith(manifest, 'apply', '-n', 'argocd', '-f', '-');
  expect(done, done.stderr).toMatchObject({ code: 0 });
};

/** Pushes and tells, as a Git host does. */
async function push(
  tree: WorkTree,
  page: string,
  files: Readonly<Record<string, string | null>>,
): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    if (text === null) await tree.remove(path);
    else await tree.write(path, text);
  }
  const commit = await tree.commit('Change');
  await tree.push();
  await world.hint(tree, {}, JSON.stringify({ repository: { html_url: page } }));
  return commit;
}

describe('payments-api', () => {
  const at = 'apps/payments-api/overlays/prod';
  const page = 'https://github.com/acme/k8s-manifests';
  const name = 'payments-api';
  const whole = {
    [`${at}/api.yaml`]: yaml(deployment(name, { replicas: 2 })),
    [`${at}/settings.yaml`]: yaml(configMap('settings', { level: 'info' })),
    [`${at}/canary.yaml`]: canary,
  };
  const report = (phase: string) =>
    world.api.patch(canaryKind, 'payments', name, { status: { phase } }, { subresource: 'status' });
  let tree: WorkTree;

  it('is applied to a namespace of its own, and is healthy when its replicas are and Lua says so', async () => {
    tree = await createWorkTree(world.git, 'k8s-manifests');
    const commit = await push(tree, page, whole);
    await apply(paymentsApi);
    await synced(name, commit);
    await until(name, 'to be Progressing', ({ status }) => /analysed/.test(status?.health?.message ?? ''));
    await report('Failed');
    await until(
      name,
      'to be Degraded',
      ({ status }) =>
        status?.health?.status === 'Degraded' && /rolled back/.test(status.health.message ?? ''),
    );
    await report('Succeeded');
    await healthy(name);
    const live = await get('apps/v1/Deployment', name);
    expect(live?.['status'].readyReplicas).toBe(live?.['spec'].replicas);
  });

  it('heals within seconds what somebody changed', async () => {
    const startedMs = performance.now();
    await world.kubectl('-n', 'payments', 'scale', 'deployment', name, '--replicas=0');
    await waitFor(
      'the replicas',
      async () => (await get('apps/v1/Deployment', name))?.['spec'].replicas === 2,
    );
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    await healthy(name);
  });

  it('prunes what left Git, in the foreground: an owner goes after what it owns', async () => {
    const all = await world.api.list('apps/v1/ReplicaSet', 'payments');
    const owned = all.find(({ metadata }) => metadata.ownerReferences?.[0]?.name === name);
    const held = { metadata: { finalizers: ['example.com/hold'] } };
    const replicaSet = owned!.metadata.name;
    await world.api.patch('apps/v1/ReplicaSet', 'payments', replicaSet, held);
    const files = { [`${at}/api.yaml`]: null, [`${at}/canary.yaml`]: null };
    const commit = await push(tree, page, files);
    const going = await waitFor('the Deployment to be going', async () => {
      const live = await get('apps/v1/Deployment', name);
      return live?.metadata.deletionTimestamp === undefined ? undefined : live;
    });
    expect(going.metadata.finalizers).toEqual(['foregroundDeletion']);
    await world.api.patch('apps/v1/ReplicaSet', 'payments', replicaSet, { metadata: { finalizers: null } });
    await waitFor(
      'both to be gone',
      async () =>
        (await get('apps/v1/Deployment', name)) === undefined && (await get(canaryKind, name)) === undefined,
      { timeoutMs: 60_000 },
    );
    await synced(name, commit);
    expect(await get('v1/ConfigMap', 'settings')).toBeDefined();
  });

  it('tries again after 5 s and then 10 s, and the commit that mends it is not held up', async () => {
    const refused = { ...configMap('settings', { level: 'info' }), data: { 'not a key!': '1' } };
    const starts: number[] = [];
    await push(tree, page, { [`${at}/settings.yaml`]: yaml(refused) });
    for (const attempt of [0, 1, 2]) {
      const { status } = await until(
        name,
        `attempt ${attempt} to have failed`,
        ({ status: now }) =>
          now?.operationState?.phase === 'Running' &&
          /; retrying attempt #/.test(now.operationState.message ?? '') &&
          ((now.operationState as { readonly retryCount?: number }).retryCount ?? 0) === attempt,
      );
      starts.push(Date.parse(status?.operationState?.startedAt ?? ''));
    }
    const [first = 0, second = 0, third = 0] = starts;
    expect((second - first) / 1000).toBeGreaterThanOrEqual(4);
    expect((third - second) / 1000).toBeGreaterThanOrEqual(8);
    expect((third - first) / 1000).toBeLessThan(40);
    await synced(name, await push(tree, page, whole));
  });
});

describe('payment-service', () => {
  const page = 'https://github.com/org/payment-service';
  const name = 'payment-service';
  const file = 'deploy/k8s/service.yaml';

  it('is applied, healed, and never emptied without a word', async () => {
    if ((await world.api.get('v1/Namespace', '', 'payments')) === undefined)
      await world.createNamespace('payments');
    const tree = await createWorkTree(world.git, name);
    const text = yaml(deployment(name), configMap(`${name}-settings`, { a: '1' }));
    await apply(paymentService);
    await synced(name, await push(tree, page, { [file]: text, 'deploy/k8s/README.md': 'Ours\n' }));
    await healthy(name);
    await world.kubectl('-n', 'payments', 'delete', 'configmap', `${name}-settings`);
    await waitFor('the ConfigMap', () => get('v1/ConfigMap', `${name}-settings`));
    await push(tree, page, { [file]: null });
    await until(
      name,
      'to be held',
      ({ status }) =>
        status?.conditions?.some(({ type, message }) => type === 'Held' && /EmptyRender/.test(message)) ===
        true,
    );
    expect(await get('apps/v1/Deployment', name)).toBeDefined();
    const commit = await push(tree, page, { [file]: yaml(deployment(name)) });
    await synced(name, commit);
    await waitFor('the prune', async () => (await get('v1/ConfigMap', `${name}-settings`)) === undefined);
  });
});

describe('platform', () => {
  const wave = (number: number): object => ({
    annotations: { 'argocd.argoproj.io/sync-wave': String(number) },
  });
  const hook = (type: string): object => ({ annotations: { 'argocd.argoproj.io/hook': type } });
  const where = 'platform';
  const page = 'https://git.example.com/platform';

  it('says what it lacks where it is applied as it was printed', async () => {
    const done = await world.kubectlWith(platform, 'apply', '-n', 'argocd', '-f', '-');
    expect(done, done.stderr).toMatchObject({ code: 0 });
    const { status } = await until(
      'platform',
      'to say so',
      (now) => now.status?.conditions?.some(({ type }) => type === 'InvalidSpecError') === true,
    );
    expect(status?.conditions?.[0]?.message).toMatch(/spec\.(source|destination)/);
  });

  it('with a source and a destination it goes by phases and waves, and replicas are nobody’s drift', async () => {
    const tree = await createWorkTree(world.git, 'platform');
    await push(tree, page, {
      'app/before.yaml': yaml(configMap('before', {}, hook('PreSync'))),
      'app/base.yaml': yaml(configMap('base', { a: '1' }, wave(-1))),
      'app/web.yaml': yaml(deployment('web', { replicas: 2, metadata: wave(1) })),
      'app/last.yaml': yaml(configMap('last', { a: '1' }, wave(2))),
      'app/after.yaml': yaml(configMap('after', {}, hook('PostSync'))),
    });
    const source = { repoURL: page, path: 'app', targetRevision: 'main' };
    const destination = { server: 'https://kubernetes.default.svc', namespace: where };
    await world.api.patch(applicationKind, 'argocd', 'platform', {
      spec: { project: 'default', source, destination },
    });
    await until(
      'platform',
      'to wait for a word',
      ({ status }) => status?.conditions?.some(({ type }) => type === 'Waiting') === true,
    );
    const done = await world.trueup('app', 'sync', 'platform');
    expect(done, done.stderr).toMatchObject({ code: 0 });
    const { status } = await healthy('platform');
    const { syncResult } = status!.operationState as {
      readonly syncResult?: { readonly resources: readonly { readonly name: string }[] };
    };
    const order = syncResult!.resources.map(({ name }) => name).filter((name) => name !== where);
    expect(order).toEqual(['before', 'base', 'web', 'last', 'after']);
    await world.kubectl('-n', where, 'scale', 'deployment', 'web', '--replicas=4');
    await world.api.patch(applicationKind, 'argocd', 'platform', {
      metadata: { annotations: { 'argocd.argoproj.io/refresh': 'hard' } },
    });
    const looked = await until(
      'platform',
      'to be looked at',
      ({ metadata }) => metadata.annotations?.['argocd.argoproj.io/refresh'] === undefined,
    );
    expect(looked.status?.sync?.status).toBe('Synced');
    expect((await get('apps/v1/Deployment', 'web', where))?.['spec'].replicas).toBe(4);
  });
});
