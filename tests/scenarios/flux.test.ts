/**
 * Flux's resources on a cluster, as people publish them: the manifests are theirs, as they are, and the repositories that
 * they name are mirrors. All in one file, because these manifests name the namespace, which is one.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { createWorkTree, type WorkTree } from '../git-server/server.ts';
import { writesSince } from './audit.ts';
import type { LiveObject } from './cluster-api.ts';
import { configMap, deployment, yaml } from './manifests.ts';
import { repositoryRoot } from './trueup-process.ts';
import {
  applicationKind,
  gitRepositoryKind,
  kustomizationKind,
  useWorld,
  waitFor,
  writesAreCounted,
  type Application,
  type Condition,
} from './world.ts';

const namespace = 'flux-system';
const url = (name: string): string => `https://git.example.com/acme/${name}.git`;
const repositories = ['fleet-infra', 'payment-service', 'fleet', 'mixed', 'plain', 'forced', 'left'];

/** Published: cert-manager, and ingress-nginx that waits for it. */
const chain = `
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: cert-manager
  namespace: flux-system
spec:
  interval: 10m
  retryInterval: 2m
  timeout: 5m
  sourceRef:
    kind: GitRepository
    name: fleet-infra
  path: ./infrastructure/cert-manager
  prune: true
  wait: true
  healthChecks:
    - apiVersion: apps/v1
      kind: Deployment
      name: cert-manager
      namespace: cert-manager
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: ingress-nginx
  namespace: flux-system
spec:
  interval: 10m
  dependsOn:
    - name: cert-manager
  sourceRef:
    kind: GitRepository
    name: fleet-infra
  path: ./infrastructure/ingress-nginx
  prune: true
  wait: true
`;
/** Published, too: its Secrets are encrypted with SOPS. */
const encrypted = `
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: payments-api-secrets
  namespace: flux-system
spec:
  interval: 10m
  sourceRef:
    kind: GitRepository
    name: fleet-infra
  path: ./secrets/payments
  decryption:
    provider: sops
    secretRef:
      name: sops-aws-creds
`;
/** Published elsewhere: with a member of an earlier version. */
const paymentService = `
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: payment-service
  namespace: flux-system
spec:
  interval: 1m
  sourceRef:
    kind: GitRepository
    name: payment-repo
  path: ./deploy
  prune: true
  validation: kubernetes
`;

const gitRepository = (name: string, repository = name): object => ({
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name, namespace },
  spec: { interval: '1m', url: url(repository), ref: { branch: 'main' } },
});
const kustomization = (name: string, spec: object): object => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name, namespace },
  spec: { interval: '10m', prune: true, sourceRef: { kind: 'GitRepository', name }, ...spec },
});
const inNamespace = (name: string): object => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

interface FluxCondition extends Condition {
  readonly status: string;
  readonly reason: string;
}
interface FluxStatus {
  readonly conditions?: readonly FluxCondition[];
  readonly lastAppliedRevision?: string;
  readonly lastHandledReconcileAt?: string;
  readonly history?: readonly object[];
  readonly artifact?: { readonly revision: string };
  readonly inventory?: { readonly entries: readonly { readonly id: string; readonly v: string }[] };
}

const world = useWorld({
  controlNamespace: namespace,
  arguments: (origin) => repositories.flatMap((name) => ['--mirror', `${url(name)}=${origin}/${name}.git`]),
});
const trees = new Map<string, WorkTree>();

async function push(name: string, files: Readonly<Record<string, string | null>>): Promise<string> {
  const tree = trees.get(name) ?? (await createWorkTree(world.git, name));
  trees.set(name, tree);
  for (const [path, text] of Object.entries(files)) {
    if (text === null) await tree.remove(path);
    else await tree.write(path, text);
  }
  const commit = await tree.commit('Change');
  await tree.push();
  const body = JSON.stringify({ repository: { html_url: url(name).replace(/\.git$/, '') } });
  await world.hint(tree, {}, body);
  return commit;
}
async function statusOf(name: string, kind = kustomizationKind): Promise<FluxStatus> {
  const found = await world.api.get(kind, namespace, name);
  return (found?.['status'] ?? {}) as FluxStatus;
}
const conditionOf = async (name: string, type: string, kind = kustomizationKind) =>
  (await statusOf(name, kind)).conditions?.find((condition) => condition.type === type);
const says = (name: string, pattern: RegExp, status = 'False') =>
  waitFor(
    `${name} to say ${pattern}`,
    async () => {
      const ready = await conditionOf(name, 'Ready');
      return ready?.status === status && pattern.test(ready.message) ? ready : undefined;
    },
    { timeoutMs: 60_000, seen: () => statusOf(name) },
  );
const applied = (name: string, commit: string) =>
  waitFor(
    `${name} to be Ready at ${commit.slice(0, 8)}`,
    async () => {
      const status = await statusOf(name);
      const ready = status.conditions?.find(({ type }) => type === 'Ready');
      return ready?.status === 'True' && status.lastAppliedRevision === `main@sha1:${commit}`
        ? status
        : undefined;
    },
    { timeoutMs: 60_000, seen: () => statusOf(name) },
  );
const data = async (where: string, name: string): Promise<unknown> =>
  (await world.api.get('v1/ConfigMap', where, name))?.['data'];
const apply = async (text: string): Promise<void> => {
  const finished = await world.kubectlWith(text, 'apply', '-f', '-');
  expect(finished.code, finished.stderr).toBe(0);
};
async function rendersOf(): Promise<number> {
  const text = await (await fetch(`${world.origin}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('trueup_renders_total'));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('what people publish', () => {
  /** Not available for some minutes. */
  const slow = (name: string, minReadySeconds: number): object => {
    const made = deployment(name, { metadata: { namespace: name } }) as { readonly spec: object };
    return { ...made, spec: { ...made.spec, minReadySeconds } };
  };
  const infrastructure = (minReadySeconds: number) => ({
    'infrastructure/cert-manager/namespace.yaml': yaml(inNamespace('cert-manager')),
    'infrastructure/cert-manager/deployment.yaml': yaml(slow('cert-manager', minReadySeconds)),
    'infrastructure/ingress-nginx/all.yaml': yaml(inNamespace('ingress-nginx'), slow('ingress-nginx', 0)),
  });

  it('ingress-nginx waits while cert-manager is not well, says so, and follows by itself', async () => {
    await push('fleet-infra', infrastructure(500));
    await apply(yaml(gitRepository('fleet-infra')));
    await apply(chain);
    const waiting = await says('ingress-nginx', /waits for Kustomization flux-system\/cert-manager/);
    expect(waiting.reason).toBe('DependencyNotReady');
    await says('ingress-nginx', /Deployment cert-manager\/cert-manager is progressing/);
    await says('cert-manager', /Running health checks/, 'Unknown');
    expect(await world.api.get('v1/Namespace', '', 'ingress-nginx')).toBeUndefined();

    const commit = await push('fleet-infra', infrastructure(0));
    const status = await applied('ingress-nginx', commit);
    expect(status.inventory?.entries).toEqual([
      { id: '_ingress-nginx__Namespace', v: 'v1' },
      { id: 'ingress-nginx_ingress-nginx_apps_Deployment', v: 'v1' },
    ]);
    await applied('cert-manager', commit);
    const { artifact } = await statusOf('fleet-infra', gitRepositoryKind);
    expect(artifact?.revision).toBe(`main@sha1:${commit}`);
    expect(await conditionOf('fleet-infra', 'ArtifactInStorage', gitRepositoryKind)).toMatchObject({
      status: 'True',
    });
    const live = await world.api.get('apps/v1/Deployment', 'cert-manager', 'cert-manager');
    expect(live?.metadata.labels).toEqual({
      'kustomize.toolkit.fluxcd.io/name': 'cert-manager',
      'kustomize.toolkit.fluxcd.io/namespace': namespace,
    });
    expect(
      live?.metadata.managedFields?.map(({ manager, operation }) => [manager, operation]),
    ).toContainEqual(['kustomize-controller', 'Apply']);
  });

  it('what happened stands in its history, and in what kubectl describe shows', async () => {
    const status = await statusOf('ingress-nginx');
    expect(status.history).toEqual([
      {
        digest: expect.stringMatching(/^sha256:/),
        firstReconciled: expect.stringMatching(/Z$/),
        lastReconciled: expect.stringMatching(/Z$/),
        lastReconciledDuration: expect.stringMatching(/^[\d.]+s$/),
        lastReconciledStatus: 'ReconciliationSucceeded',
        totalReconciliations: 1,
        metadata: { revision: status.lastAppliedRevision },
      },
    ]);
    const described = async (kind: string, name: string): Promise<string> =>
      (await world.kubectl('describe', kind, name, '-n', namespace)).stdout.replaceAll(/ +/g, ' ');
    const text = await waitFor('the events', async () => {
      const found = await described('kustomization', 'ingress-nginx');
      return /Normal ReconciliationSucceeded/.test(found) ? found : undefined;
    });
    expect(text).toMatch(
      /Normal DependencyNotReady .* trueup waits for Kustomization flux-system\/cert-manager\n/,
    );
    expect(text).toMatch(/ReconciliationSucceeded .* trueup Applied revision: main@sha1:/);
    expect(await described('gitrepository', 'fleet-infra')).toMatch(/Normal NewArtifact .* stored artifact/);
  });

  it('what is encrypted is refused by name, and nothing of it is applied', async () => {
    await apply(encrypted);
    const ready = await says('payments-api-secrets', /spec\.decryption is not honoured yet/);
    expect(ready.reason).toBe('Unsupported');
    expect(await conditionOf('payments-api-secrets', 'Stalled')).toMatchObject({ status: 'True' });
  });

  it('a directory of plain manifests is applied, pruned, and healed', async () => {
    await world.createNamespace(`payments-${world.id}`);
    const where = `payments-${world.id}`;
    const file = (name: string, value: string) => yaml(configMap(name, { a: value }, { namespace: where }));
    await push('payment-service', {
      'deploy/one.yaml': file('one', '1'),
      'deploy/deeper/two.yml': file('two', '1'),
      'deploy/ignored.yaml': 'not: a manifest\n',
      'deploy/deeper/left-out.yaml': 'not: a manifest\n',
      '.sourceignore': 'deploy/ignored.yaml\n',
      'README.md': 'not: a manifest\n',
    });
    const source = gitRepository('payment-repo', 'payment-service') as { readonly spec: object };
    await apply(yaml({ ...source, spec: { ...source.spec, ignore: 'left-*.yaml\n' } }));
    await apply(paymentService);
    await waitFor('both to be applied', async () => (await data(where, 'one')) && (await data(where, 'two')));

    await world.api.patch('v1/ConfigMap', where, 'one', { data: { a: 'x' } }, { manager: 'somebody' });
    await waitFor('the drift to be healed', async () => {
      const value = (await data(where, 'one')) as { readonly a: string };
      return value.a === '1';
    });
    const commit = await push('payment-service', { 'deploy/deeper/two.yml': null });
    await applied('payment-service', commit);
    expect(await data(where, 'two')).toBeUndefined();
  });

  it('suspended it stands still; asked, it is looked at, as the flux command asks', async () => {
    const where = `payments-${world.id}`;
    const patch = (body: object) => world.api.patch(kustomizationKind, namespace, 'payment-service', body);
    await patch({ spec: { suspend: true } });
    const file = yaml(configMap('one', { a: '2' }, { namespace: where }));
    const commit = await push('payment-service', { 'deploy/one.yaml': file });
    await waitFor('the source to move', async () => {
      const { artifact } = await statusOf('payment-repo', gitRepositoryKind);
      return artifact?.revision === `main@sha1:${commit}`;
    });
    expect(await data(where, 'one')).toEqual({ a: '1' });
    await patch({ spec: { suspend: false } });
    await applied('payment-service', commit);
    expect(await data(where, 'one')).toEqual({ a: '2' });

    const asked = { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': 'now' } } };
    await patch(asked);
    await waitFor(
      'the demand to be answered',
      async () => (await statusOf('payment-service')).lastHandledReconcileAt === 'now',
    );
  });

  it('deleted, it takes its objects along', async () => {
    const where = `payments-${world.id}`;
    await world.api.remove(kustomizationKind, namespace, 'payment-service');
    await waitFor('it to be gone', async () => {
      return (await world.api.get(kustomizationKind, namespace, 'payment-service')) === undefined;
    });
    expect(await data(where, 'one')).toBeUndefined();
  });
});

describe('many on one GitRepository', () => {
  const names = ['a', 'b', 'c', 'd'];

  it('one fetch serves all, and a commit renders only what it changes', async () => {
    const where = `plain-${world.id}`;
    await world.createNamespace(where);
    const file = (name: string, value: string) => yaml(configMap(name, { v: value }, { namespace: where }));
    const files = Object.fromEntries(names.map((name) => [`${name}/${name}.yaml`, file(name, '1')]));
    const first = await push('plain', files);
    await apply(yaml(gitRepository('plain')));
    const sourceRef = { kind: 'GitRepository', name: 'plain' };
    for (const name of names)
      await apply(yaml(kustomization(`plain-${name}`, { path: `./${name}`, sourceRef })));
    for (const name of names) await applied(`plain-${name}`, first);
    const before = await rendersOf();
    const commit = await push('plain', { 'b/b.yaml': file('b', '2') });
    for (const name of names) await applied(`plain-${name}`, commit);
    expect(await data(where, 'b')).toEqual({ v: '2' });
    expect((await rendersOf()) - before).toBe(1);
  });

  it.runIf(writesAreCounted)('what stands is not written to', async () => {
    const mark = await world.mark();
    await world.api.patch(kustomizationKind, namespace, 'plain-a', {
      metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': 'again' } },
    });
    await waitFor(
      'the demand to be answered',
      async () => (await statusOf('plain-a')).lastHandledReconcileAt === 'again',
    );
    const writes = await writesSince(inject('auditLog'), mark);
    expect(writes.filter((write) => write.namespace === `plain-${world.id}`)).toEqual([]);
  });
});

describe('force', () => {
  it('what cannot be changed is made anew with it, and is left and named without it', async () => {
    const where = `forced-${world.id}`;
    await world.createNamespace(where);
    const fixed = (name: string, a: string) =>
      yaml({ ...configMap(name, { a }, { namespace: where }), immutable: true });
    const both = (a: string) => ({
      'with/one.yaml': fixed('with', a),
      'without/one.yaml': fixed('without', a),
    });
    const first = await push('forced', both('1'));
    const sourceRef = { kind: 'GitRepository', name: 'forced' };
    const named = (name: string, spec: object) =>
      kustomization(name, { path: `./${name}`, sourceRef, ...spec });
    await apply(yaml(gitRepository('forced'), named('with', { force: true }), named('without', {})));
    await applied('with', first);
    await applied('without', first);
    const live = async (name: string): Promise<readonly unknown[]> => {
      const found = await world.api.get('v1/ConfigMap', where, name);
      return [found?.['data'], found?.metadata.uid];
    };
    const [before, stays] = [await live('with'), await live('without')];

    const commit = await push('forced', both('2'));
    await applied('with', commit);
    expect(await live('with')).toEqual([{ a: '2' }, expect.not.stringMatching(String(before[1]))]);
    await says('without', /field is immutable.*spec\.force of a Kustomization.*\[ImmutableField\]/);
    expect(await live('without')).toEqual(stays);
  });
});

describe('one repository for Argo CD and Flux', () => {
  const where = `mixed-${world.id}`;
  const sourceRef = { kind: 'GitRepository', name: 'mixed' };
  const files = (value: string) => ({
    'argo/one.yaml': yaml(configMap('from-argo', { a: value })),
    'flux/two.yaml': yaml(configMap('from-flux', { a: value })),
    'after/three.yaml': yaml(configMap('after', { a: value })),
  });
  const application = (): Promise<Application | undefined> =>
    world.api.get(applicationKind, namespace, 'mixed') as Promise<Application | undefined>;
  const synced = (commit: string) =>
    waitFor(
      `the Application to be Synced at ${commit.slice(0, 8)}`,
      async () => {
        const { sync } = (await application())?.status ?? {};
        return sync?.status === 'Synced' && sync.revision === commit;
      },
      { seen: application },
    );

  it('a Kustomization waits for an Application of its commit, says so, and goes on when it is there', async () => {
    await world.createNamespace(where);
    const commit = await push('mixed', files('1'));
    const healthChecks = [
      { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', name: 'mixed', namespace },
    ];
    await apply(
      yaml(
        gitRepository('mixed'),
        kustomization('mixed', { path: './flux', targetNamespace: where, healthChecks }),
        kustomization('after', {
          path: './after',
          targetNamespace: where,
          sourceRef,
          dependsOn: [{ name: 'mixed' }],
        }),
      ),
    );
    await says('mixed', /Application flux-system\/mixed is missing/, 'Unknown');
    const waiting = await says(
      'after',
      /waits for Kustomization flux-system\/mixed: Application .* is missing/,
    );
    expect(waiting.reason).toBe('DependencyNotReady');
    const why = await world.trueup('why', 'kustomization/after');
    expect(why.stdout).toMatch(/Application flux-system\/mixed/);

    // Nobody syncs it yet.
    await world.api.create({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: 'mixed', namespace },
      spec: {
        project: 'default',
        source: { repoURL: url('mixed'), path: 'argo', targetRevision: 'main' },
        destination: { server: 'https://kubernetes.default.svc', namespace: where },
      },
    });
    await waitFor('the Application to be seen', async () => (await application())?.status?.sync?.status);
    expect((await conditionOf('mixed', 'Ready'))?.status).toBe('Unknown');
    expect(await data(where, 'after')).toBeUndefined();
    const automated = { automated: { prune: true, selfHeal: true } };
    await world.api.patch(applicationKind, namespace, 'mixed', { spec: { syncPolicy: automated } });
    await synced(commit);
    await applied('mixed', commit);
    await applied('after', commit);
    const managers = async (name: string): Promise<readonly (string | undefined)[]> => {
      const live = await world.api.get('v1/ConfigMap', where, name);
      return live?.metadata.managedFields?.map(({ manager }) => manager) ?? [];
    };
    expect(await managers('from-argo')).toEqual(['argocd-controller']);
    expect(await managers('from-flux')).toEqual(['kustomize-controller']);
  });

  it('and so does the next commit, which an Application that is well does not have yet', async () => {
    const sync = (syncPolicy: object | null) =>
      world.api.patch(applicationKind, namespace, 'mixed', { spec: { syncPolicy } });
    await sync(null);
    const commit = await push('mixed', files('2'));
    await says('mixed', /Application flux-system\/mixed is progressing \(automated sync is off/, 'Unknown');
    await says('after', /waits for Kustomization flux-system\/mixed/);
    expect((await application())?.status).toMatchObject({
      sync: { status: 'OutOfSync' },
      health: { status: 'Healthy' },
    });
    expect([await data(where, 'from-flux'), await data(where, 'after')]).toEqual([{ a: '2' }, { a: '1' }]);
    await sync({ automated: {} });
    await applied('after', commit);
    expect(await data(where, 'from-argo')).toEqual({ a: '2' });
    expect(await data(where, 'after')).toEqual({ a: '2' });
  });
});

describe('F29: what Flux has reconciled', () => {
  const where = `left-${world.id}`;
  const labels = {
    'kustomize.toolkit.fluxcd.io/name': 'left',
    'kustomize.toolkit.fluxcd.io/namespace': namespace,
  };
  const left = (name: string) => configMap(name, { a: '1' }, { namespace: where, labels });
  const log = (pattern: RegExp) =>
    waitFor(`the log to say ${pattern}`, async () => pattern.test(await world.log()));

  it('is only observed, also as to its status, until somebody asks; then its inventory is ours', async () => {
    await world.createNamespace(where);
    const commit = await push('left', {
      'app/kept.yaml': yaml(configMap('kept', { a: '1' }, { namespace: where })),
    });
    const how = { type: 'apply', manager: 'kustomize-controller', force: true } as const;
    for (const name of ['kept', 'gone']) await world.api.patch('v1/ConfigMap', where, name, left(name), how);
    const before = await world.api.get('v1/ConfigMap', where, 'kept');
    // While Flux runs: its controller holds a Lease, and writes the status of what it reconciles.
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
    const renewed = new Date().toISOString().replace('Z', '000Z');
    await world.api.create({
      ...lease,
      metadata: { name: 'kustomize-controller-leader-election', namespace },
      spec: { holderIdentity: 'kustomize-controller-0', leaseDurationSeconds: 3600, renewTime: renewed },
    });
    await apply(yaml(gitRepository('left'), kustomization('left', { path: './app' })));
    await log(/only observed: another controller runs: kustomize-controller-0 holds Lease/);
    const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const ready = { type: 'Ready', status: 'True', reason: 'ReconciliationSucceeded', message: 'Applied' };
    const status = {
      observedGeneration: 1,
      lastAppliedRevision: `main@sha1:${commit}`,
      conditions: [{ ...ready, lastTransitionTime: at, observedGeneration: 1 }],
      inventory: {
        entries: ['kept', 'gone'].map((name) => ({ id: `${where}_${name}__ConfigMap`, v: 'v1' })),
      },
      ofTheFuture: { unknown: ['to', 'us'] },
    };
    await world.api.patch(
      kustomizationKind,
      namespace,
      'left',
      { status },
      {
        manager: 'gotk-kustomize-controller',
        subresource: 'status',
      },
    );
    await world.api.remove('coordination.k8s.io/v1/Lease', namespace, 'kustomize-controller-leader-election');
    await log(/only observed: gotk-kustomize-controller kept its status so far/);
    expect(await statusOf('left')).toEqual(status);
    expect(await world.api.get('v1/ConfigMap', where, 'kept')).toEqual(before);

    await world.api.patch(kustomizationKind, namespace, 'left', {
      metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': 'T1' } },
    });
    await waitFor(
      'it to be taken over',
      async () => (await statusOf('left')).lastHandledReconcileAt === 'T1',
    );
    const standing = await applied('left', commit);
    expect(standing.conditions?.find(({ type }) => type === 'Ready')?.message).toMatch(
      /ConfigMap left-\w+\/gone: it came with the takeover/,
    );
    expect((await statusOf('left')) as object).toMatchObject({ ofTheFuture: { unknown: ['to', 'us'] } });
    const after = await world.api.get('v1/ConfigMap', where, 'kept');
    expect([after?.metadata.uid, after?.metadata.managedFields?.map(({ manager }) => manager)]).toEqual([
      before?.metadata.uid,
      ['kustomize-controller'],
    ]);
    expect(await data(where, 'gone')).toEqual({ a: '1' });
  });
});

describe('the Flux fleet of the examples', () => {
  const example = join(repositoryRoot, 'examples/flux-fleet');

  async function filesOfExample(): Promise<Readonly<Record<string, string>>> {
    const entries = await readdir(example, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    return Object.fromEntries(
      await Promise.all(
        files.map(async (file) => [file.slice(example.length + 1), await readFile(file, 'utf8')] as const),
      ),
    );
  }

  it('staging settles from its two files; what is not honoured yet says so', async () => {
    const commit = await push('fleet', await filesOfExample());
    for (const file of ['sources.yaml', 'applications.yaml']) {
      const path = join(example, 'infrastructure/clusters/staging', file);
      const finished = await world.kubectl('apply', '-f', path);
      expect(finished.code, finished.stderr).toBe(0);
    }
    await applied('infrastructure', commit);
    await applied('payment-service', commit);
    const live = (await world.api.get('apps/v1/Deployment', 'payments', 'payment-api')) as LiveObject;
    expect(live['spec'].replicas).toBe(2);
    await says('user-service', /spec\.postBuild is not honoured yet/);
    const tenant = await world.api.get(kustomizationKind, 'team-a', 'team-a');
    expect(tenant?.['spec'].serviceAccountName).toBe('deployer');
  });
});

describe('a private repository', () => {
  it('is fetched with the Secret that the GitRepository names, and as soon as that is right', async () => {
    const where = `private-${world.id}`;
    await world.createNamespace(where);
    const tree = await createWorkTree(world.git, 'private');
    await tree.write('one.yaml', yaml(configMap('one', { a: '1' }, { namespace: where })));
    const commit = await tree.commit('Change');
    await tree.push();
    world.git.setAuth({ username: 'ada', password: 'right' });
    try {
      const source = gitRepository('private') as { readonly spec: object };
      const spec = { ...source.spec, interval: '1h', url: tree.url, secretRef: { name: 'login' } };
      await apply(yaml({ ...source, spec }, kustomization('private', {})));
      const refused = () => conditionOf('private', 'Ready', gitRepositoryKind);
      await waitFor(
        'it to lack its login',
        async () => (await refused())?.reason === 'AuthenticationFailed',
        {
          seen: refused,
        },
      );
      const stringData = { username: 'ada', password: 'right' };
      await world.api.create({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'login', namespace },
        stringData,
      });
      await applied('private', commit);
      expect(await data(where, 'one')).toEqual({ a: '1' });
      expect(await world.log()).not.toContain('right"');
    } finally {
      world.git.setAuth(undefined);
      await world.api.remove('v1/Secret', namespace, 'login').catch(() => undefined);
    }
  });
});
