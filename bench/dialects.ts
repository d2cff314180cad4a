/**
 * The custom resources that ask for the applications: Argo CD's, as in Argo CD's runs, or Flux's, as in Flux's. The
 * repository and what it renders to are the same.
 */
import type { ApiServer, LiveObject } from './api-server.ts';
import { applicationName, branch, directoryOf, sourcePath, targetNamespace } from './applications.ts';
import type { Change } from './applications.ts';
import type { SourceKind } from './sources.ts';
import type { Trueup } from './trueup.ts';

export const dialectNames = ['argo', 'flux'] as const;
export type DialectName = (typeof dialectNames)[number];

/** What a resource's status says of an application. */
export interface Standing {
  /** Applied, well, and nothing in progress. */
  readonly synced: boolean;
  readonly revision: string | undefined;
}

export interface Dialect {
  /** Where the resources live, by the API's path. */
  readonly path: string;
  readonly namespace: string;
  /** What all of them share: the first thing that is created, and its collection. */
  readonly sharedPath: string;
  shared(repositoryUrl: string): object;
  resource(index: number, repositoryUrl: string, kind: SourceKind): object;
  standing(resource: LiveObject): Standing;
  /** Tells of a push, as the dialect's users have it done. */
  notify(change: Change, repositoryUrl: string, told: Told): Promise<void>;
}

interface Told {
  readonly api: ApiServer;
  readonly trueup: Trueup;
}

const argoNamespace = 'argocd';
const fluxNamespace = 'flux-system';

interface ApplicationStatus {
  readonly sync?: { readonly status?: string; readonly revision?: string };
  readonly health?: { readonly status?: string };
  readonly operationState?: { readonly phase?: string };
}

/** Automated, with prune and selfHeal; a push is told by a webhook. */
const argo: Dialect = {
  namespace: argoNamespace,
  path: `/apis/argoproj.io/v1alpha1/namespaces/${argoNamespace}/applications`,
  sharedPath: `/apis/argoproj.io/v1alpha1/namespaces/${argoNamespace}/appprojects`,
  /** Everybody's project, which allows everything, as an installation of Argo CD has it. */
  shared: () => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'default', namespace: argoNamespace },
    spec: {
      sourceRepos: ['*'],
      destinations: [{ namespace: '*', server: '*' }],
      clusterResourceWhitelist: [{ group: '*', kind: '*' }],
    },
  }),
  resource: (index, repositoryUrl, kind) => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name: applicationName(index),
      namespace: argoNamespace,
      annotations: { 'argocd.argoproj.io/manifest-generate-paths': `/${directoryOf(index)}` },
    },
    spec: {
      project: 'default',
      source: { repoURL: repositoryUrl, targetRevision: branch, path: sourcePath(index, kind) },
      destination: { server: 'https://kubernetes.default.svc', namespace: targetNamespace(index) },
      syncPolicy: { automated: { prune: true, selfHeal: true } },
    },
  }),
  standing: (resource) => {
    const { sync, health, operationState } = (resource['status'] ?? {}) as ApplicationStatus;
    const synced =
      sync?.status === 'Synced' &&
      health?.status === 'Healthy' &&
      resource['operation'] === undefined &&
      (operationState === undefined || operationState.phase === 'Succeeded');
    return { synced, revision: sync?.revision };
  },
  notify: (change, repositoryUrl, { trueup }) => trueup.notify(change, repositoryUrl),
};

interface KustomizationStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly observedGeneration?: number;
  readonly lastAppliedRevision?: string;
}

const repositories = `/apis/source.toolkit.fluxcd.io/v1/namespaces/${fluxNamespace}/gitrepositories`;

/**
 * One GitRepository and its Kustomizations, with the intervals of Flux's runs; a push is told by the annotation that
 * `flux reconcile` and Flux's Receiver set.
 */
const flux: Dialect = {
  namespace: fluxNamespace,
  path: `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${fluxNamespace}/kustomizations`,
  sharedPath: repositories,
  shared: (repositoryUrl) => ({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'repo', namespace: fluxNamespace },
    spec: { url: repositoryUrl, interval: '10m', ref: { branch } },
  }),
  resource: (index, _, kind) => ({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: applicationName(index), namespace: fluxNamespace },
    spec: {
      interval: '1h',
      prune: true,
      wait: false,
      path: `./${sourcePath(index, kind)}`,
      sourceRef: { kind: 'GitRepository', name: 'repo' },
    },
  }),
  standing: (resource) => {
    const status = (resource['status'] ?? {}) as KustomizationStatus;
    const is = (type: string): boolean =>
      status.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
    const isCurrent = status.observedGeneration === resource.metadata.generation;
    return {
      synced: isCurrent && is('Ready') && !is('Reconciling'),
      revision: status.lastAppliedRevision?.split(':').pop(),
    };
  },
  notify: async ({ after }, _, { api }) => {
    const annotations = { 'reconcile.fluxcd.io/requestedAt': after };
    await api.mergePatch(`${repositories}/repo`, { metadata: { annotations } });
  },
};

export const dialects: Readonly<Record<DialectName, Dialect>> = { argo, flux };
