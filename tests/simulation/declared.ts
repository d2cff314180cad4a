/** How an application is declared in each dialect, and where its resource says how it stands. */
import { statusManager, statusWriters } from '#dialects/status-writers.ts';
import type { Stored } from '#embedded/objects.ts';
import type { Manifest } from '#model/object.ts';
import { placeOf, tierLabel, type App } from './fleet.ts';
import { memberOf, type Kubectl, type Named } from './kubectl.ts';
import { windowedProject } from './windows.ts';

const controlNamespace = 'argocd';
const fluxNamespace = 'flux-system';

export interface Standing {
  readonly isDone: boolean;
  readonly says: string;
  readonly commit: string | undefined;
}
interface Declaring {
  readonly kind: string;
  readonly at: (name: string) => Named;
  /** All that has to be created, the application's own resource last. */
  readonly manifests: (app: App) => readonly { readonly at: Named; readonly manifest: object }[];
  /** Of the spec: what people change for a while, and how it was. */
  readonly suspended: object;
  readonly resumed: (app: App) => object;
  /** Where it is, or at a path that is not there. */
  readonly source: (app: App, path?: string) => object;
  readonly isSuspended: (resource: object) => boolean;
  readonly unsupported: readonly [object, object];
  /** It asks for something of that. */
  readonly isUnsupported: (resource: unknown) => boolean;
  /** One that nobody can make sense of. */
  readonly malformed: (which: number) => object;
  readonly cascade: readonly string[];
  readonly refresh: (kind: string, nowMs: number) => object;
  /** A sync, now. */
  readonly asks: (nowMs: number) => object;
  /** It is asked for, and not answered. */
  readonly isAsked: (resource: unknown) => boolean;
  /** What stands there of such, and of refreshes. */
  readonly wishOf: (resource: unknown) => unknown;
  readonly standing: (resource: Stored | undefined) => Standing;
}

const argo: Declaring = {
  kind: 'Application',
  at: (name) => ({
    group: 'argoproj.io',
    version: 'v1alpha1',
    plural: 'applications',
    namespace: controlNamespace,
    name,
  }),
  manifests: (app) => [
    ...(app.hasWindows ? [windowedProject] : []),
    {
      at: argo.at(app.name),
      manifest: {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Application',
        metadata: {
          name: app.name,
          namespace: controlNamespace,
          ...(app.cascades ? { finalizers: argo.cascade } : {}),
        },
        spec: {
          project: app.hasWindows ? windowedProject.at.name : 'default',
          ...argo.source(app),
          destination: { server: 'https://kubernetes.default.svc', namespace: app.namespace },
          ...argo.resumed(app),
        },
      },
    },
  ],
  suspended: { syncPolicy: null },
  resumed: ({ selfHeal }) => ({ syncPolicy: { automated: { prune: true, selfHeal } } }),
  source: (app, path = placeOf(app).directory) => ({
    source: { repoURL: placeOf(app).server.url, path, targetRevision: 'main' },
  }),
  isSuspended: (resource) => memberOf(resource, 'spec', 'syncPolicy', 'automated') === undefined,
  unsupported: [{ source: { plugin: { name: 'acme' } } }, { source: { plugin: null } }],
  isUnsupported: (resource) => memberOf(resource, 'spec', 'source', 'plugin') !== undefined,
  malformed: (which) => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'malformed', namespace: controlNamespace },
    spec: [
      { project: 'default' },
      { project: 'default', source: { repoURL: 'not an address' }, destination: {} },
      { project: 'nobody', source: { repoURL: '', path: '../..' }, destination: { server: 'no' } },
    ][which],
  }),
  cascade: ['resources-finalizer.argocd.argoproj.io'],
  refresh: (kind) => ({ metadata: { annotations: { 'argocd.argoproj.io/refresh': kind } } }),
  asks: () => ({ operation: { initiatedBy: { username: 'ada' }, sync: {} } }),
  isAsked: (resource) => memberOf(resource, 'operation') !== undefined,
  wishOf: (resource) => [
    memberOf(resource, 'operation'),
    memberOf(resource, 'metadata', 'annotations', 'argocd.argoproj.io/refresh'),
  ],
  standing: (resource) => {
    const says = String(memberOf(resource, 'status', 'sync', 'status'));
    const hasOperation = memberOf(resource, 'operation') !== undefined;
    const revision = memberOf(resource, 'status', 'sync', 'revision');
    return {
      isDone: says === 'Synced' && !hasOperation,
      says: hasOperation ? `${says}, with an operation that nobody answers` : says,
      commit: typeof revision === 'string' ? revision : undefined,
    };
  },
};

export function labelled({ tier }: App): object {
  if (tier === undefined) return {};
  const patch = [{ op: 'add', path: '/metadata/labels', value: { [tierLabel]: tier } }];
  return { patches: [{ target: { kind: 'ConfigMap' }, patch: JSON.stringify(patch) }] };
}
const sourceName = (app: App): string => placeOf(app).server.url.split('/').at(-1)!;

const flux: Declaring = {
  kind: 'Kustomization',
  at: (name) => ({
    group: 'kustomize.toolkit.fluxcd.io',
    version: 'v1',
    plural: 'kustomizations',
    namespace: fluxNamespace,
    name,
  }),
  manifests: (app) => {
    const source = sourceName(app);
    return [
      {
        at: {
          group: 'source.toolkit.fluxcd.io',
          version: 'v1',
          plural: 'gitrepositories',
          namespace: fluxNamespace,
          name: source,
        },
        manifest: {
          apiVersion: 'source.toolkit.fluxcd.io/v1',
          kind: 'GitRepository',
          metadata: { name: source, namespace: fluxNamespace },
          spec: { interval: '1m', url: placeOf(app).server.url, ref: { branch: 'main' } },
        },
      },
      {
        at: flux.at(app.name),
        manifest: {
          apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
          kind: 'Kustomization',
          metadata: { name: app.name, namespace: fluxNamespace },
          spec: {
            interval: '10m',
            ...flux.source(app),
            ...labelled(app),
            prune: true,
            targetNamespace: app.namespace,
            dependsOn: app.dependsOn.map((name) => ({ name })),
          },
        },
      },
    ];
  },
  suspended: { suspend: true },
  resumed: () => ({ suspend: null }),
  source: (app, path = placeOf(app).directory) => ({
    path: `./${path}`,
    sourceRef: { kind: 'GitRepository', name: sourceName(app) },
  }),
  isSuspended: (resource) => memberOf(resource, 'spec', 'suspend') === true,
  unsupported: [{ decryption: { provider: 'sops' } }, { decryption: null }],
  isUnsupported: (resource) => memberOf(resource, 'spec', 'decryption') !== undefined,
  malformed: (which) => ({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'malformed', namespace: fluxNamespace },
    spec: [{}, { interval: 'soon', path: 7, prune: 'yes' }, { interval: '10m', sourceRef: { kind: 'Cat' } }][
      which
    ],
  }),
  cascade: [],
  refresh: (_, nowMs) => ({
    metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': new Date(nowMs).toISOString() } },
  }),
  asks: (nowMs) => flux.refresh('normal', nowMs),
  isAsked: (resource) => flux.wishOf(resource) !== memberOf(resource, 'status', 'lastHandledReconcileAt'),
  wishOf: (resource) => memberOf(resource, 'metadata', 'annotations', 'reconcile.fluxcd.io/requestedAt'),
  standing: (resource) => {
    const ready = conditionOf(resource, 'Ready');
    const applied = String(memberOf(resource, 'status', 'lastAppliedRevision'));
    return {
      isDone: memberOf(ready, 'status') === 'True',
      says: `${String(memberOf(ready, 'reason'))}: ${String(memberOf(ready, 'message'))}`,
      commit: applied.split(':')[1],
    };
  },
};

function conditionOf(resource: unknown, type: string): unknown {
  const conditions = memberOf(resource, 'status', 'conditions');
  return (Array.isArray(conditions) ? conditions : []).find((each) => memberOf(each, 'type') === type);
}
/** What a resource says of who contends with us; undefined where it says nothing of that. */
export function suspensionOf(resource: unknown): string | undefined {
  const condition = conditionOf(resource, 'HealingSuspended');
  return condition === undefined ? undefined : String(memberOf(condition, 'message'));
}
export const declaring = (app: App): Declaring => (app.dialect === 'argo' ? argo : flux);

export function declare(kubectl: Kubectl, app: App): void {
  for (const { at, manifest } of declaring(app).manifests(app)) kubectl.create(at, manifest);
}
export function isDeclaring(object: unknown, app: App): boolean {
  return (
    memberOf(object, 'kind') === declaring(app).kind && memberOf(object, 'metadata', 'name') === app.name
  );
}
export function resourceOf(kubectl: Kubectl, app: App): Stored | undefined {
  return kubectl.get(declaring(app).at(app.name));
}

/** F29: who wrote its status last is another controller, and nobody asked us to take it over. People's tools are none. */
export function isAnothers(resource: object, app: App): boolean {
  const writers = statusWriters(resource as Manifest);
  const lastMs = (isOurs: boolean): number =>
    Math.max(
      0,
      ...writers.filter(({ manager }) => (manager === statusManager) === isOurs).map(({ atMs }) => atMs),
    );
  return lastMs(false) > lastMs(true) + 1000 && !declaring(app).isAsked(resource);
}
