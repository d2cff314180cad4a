/**
 * What is deployed: N applications in one repository, each a directory with the four objects that the peers' Kustomize
 * overlays render (../docs/internals/benchmarks.md). Trueup has no Kustomize yet, so the rendered objects lie there
 * as plain files: rendering is not part of what is measured here, and it is part of the peers' figures.
 */
import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { createWorkTree, type WorkTree } from '../tests/git-server/work-tree.ts';
import type { GitServer } from '../tests/git-server/api.ts';

export const namespaceCount = 10;
export const controlNamespace = 'argocd';
/** On every object; what the observers select by. */
export const benchLabel = 'bench';
export const versionAnnotation = 'bench/version';

const branch = 'main';

export const applicationName = (index: number): string => `app-${String(index).padStart(4, '0')}`;
export const targetNamespace = (index: number): string =>
  `bench-${String(index % namespaceCount).padStart(2, '0')}`;
export const teamOf = (index: number): string => `team-${index % 7}`;
const directoryOf = (index: number): string => `apps/${applicationName(index)}`;

export function application(index: number, repositoryUrl: string): object {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name: applicationName(index),
      namespace: controlNamespace,
      annotations: { 'argocd.argoproj.io/manifest-generate-paths': `/${directoryOf(index)}` },
    },
    spec: {
      project: 'default',
      source: { repoURL: repositoryUrl, targetRevision: branch, path: directoryOf(index) },
      destination: { server: 'https://kubernetes.default.svc', namespace: targetNamespace(index) },
      syncPolicy: { automated: { prune: true, selfHeal: true } },
    },
  };
}

/** Everybody's project, which allows everything, as an installation of Argo CD has it. */
export const project = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AppProject',
  metadata: { name: 'default', namespace: controlNamespace },
  spec: {
    sourceRepos: ['*'],
    destinations: [{ namespace: '*', server: '*' }],
    clusterResourceWhitelist: [{ group: '*', kind: '*' }],
  },
};

export interface Change {
  readonly version: string;
  readonly before: string;
  readonly after: string;
  readonly files: readonly string[];
}

/** The one repository of all applications. */
export class Repository {
  readonly #tree: WorkTree;
  #version = 0;
  #head = '';

  private constructor(tree: WorkTree) {
    this.#tree = tree;
  }

  static async create(server: GitServer, count: number): Promise<Repository> {
    const repository = new Repository(await createWorkTree(server, 'repo'));
    for (let index = 0; index < count; index++) {
      await repository.#write(index, fixedObjects(index));
      await repository.#write(index, versionedObjects(index, '0'));
    }
    repository.#head = await repository.#commitAndPush('All applications');
    return repository;
  }

  /** Gives these applications a new version: one commit, pushed. */
  async change(indexes: readonly number[]): Promise<Change> {
    const version = String(++this.#version);
    const before = this.#head;
    const files: string[] = [];
    for (const index of indexes) files.push(...(await this.#write(index, versionedObjects(index, version))));
    this.#head = await this.#commitAndPush(`Version ${version}`);
    return { version, before, after: this.#head, files };
  }

  async #write(index: number, objects: Readonly<Record<string, object>>): Promise<readonly string[]> {
    const written: string[] = [];
    for (const [file, object] of Object.entries(objects)) {
      const path = `${directoryOf(index)}/${file}`;
      await this.#tree.write(path, stringify(object));
      written.push(path);
    }
    return written;
  }

  async #commitAndPush(message: string): Promise<string> {
    const commit = await this.#tree.commit(message);
    await this.#tree.git('push', '--quiet', 'origin', branch);
    return commit;
  }
}

function metadata(index: number, name = applicationName(index)): object {
  return {
    name,
    namespace: targetNamespace(index),
    labels: { app: applicationName(index), [benchLabel]: 'true', team: teamOf(index) },
  };
}

function fixedObjects(index: number): Readonly<Record<string, object>> {
  return {
    'service.yaml': {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(index),
      spec: {
        selector: { app: applicationName(index) },
        ports: [{ name: 'http', port: 80, targetPort: 'http' }],
      },
    },
    'serviceaccount.yaml': { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(index) },
  };
}

/** A new version is a new ConfigMap, by a suffix of its content as Kustomize's generator makes one, and who uses it. */
function versionedObjects(index: number, version: string): Readonly<Record<string, object>> {
  const name = applicationName(index);
  const data = { version, log_level: 'info' };
  const digest = createHash('sha256')
    .update(JSON.stringify([name, data]))
    .digest('hex')
    .slice(0, 10);
  const settings = `${name}-${digest}`;
  const { labels: _, ...generated } = metadata(index, settings) as { readonly labels: object };
  const container = {
    name: 'web',
    image: 'registry.example/web:1.0.0',
    ports: [{ containerPort: 8080, name: 'http' }],
    envFrom: [{ configMapRef: { name: settings } }],
    resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 5 },
  };
  return {
    'configmap.yaml': {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...generated, labels: { [benchLabel]: 'true', team: teamOf(index) } },
      data,
    },
    'deployment.yaml': {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { ...metadata(index), annotations: { [versionAnnotation]: version } },
      spec: {
        replicas: 0,
        revisionHistoryLimit: 2,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { serviceAccountName: name, containers: [container] },
        },
      },
    },
  };
}
