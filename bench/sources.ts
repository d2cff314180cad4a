/**
 * The files of one application, in the two ways that are measured: the Kustomize overlays that the peers rendered, and
 * plain files with the objects that those overlays render (../docs/internals/benchmarks.md).
 */
import { createHash } from 'node:crypto';
import { stringify } from 'yaml';

export const sourceKinds = ['kustomize', 'directory'] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** On every object; what the observers select by. */
export const benchLabel = 'bench';
export const versionAnnotation = 'bench/version';

export interface AppNames {
  readonly name: string;
  readonly namespace: string;
  readonly team: string;
}

/** Paths relative to the application's directory → contents. */
export type AppFiles = Readonly<Record<string, string>>;

export interface AppSource {
  /** What the Application names as its source, relative to its directory; empty for the directory itself. */
  readonly root: string;
  /** What no version changes. */
  fixed(app: AppNames): AppFiles;
  /** What a new version changes. */
  versioned(app: AppNames, version: string): AppFiles;
}

export const sources: Readonly<Record<SourceKind, AppSource>> = {
  /** A base with three objects; an overlay with namespace, labels, a generated ConfigMap and a patch. */
  kustomize: {
    root: 'overlay',
    fixed: (app) =>
      texts({
        'base/kustomization.yaml': kustomization({
          resources: ['deployment.yaml', 'service.yaml', 'serviceaccount.yaml'],
        }),
        'base/deployment.yaml': deployment(baseMetadata(app), app, app.name),
        'base/service.yaml': service(baseMetadata(app), app),
        'base/serviceaccount.yaml': serviceAccount(baseMetadata(app)),
      }),
    versioned: (app, version) =>
      texts({
        'overlay/kustomization.yaml': kustomization({
          namespace: app.namespace,
          resources: ['../base'],
          labels: [{ pairs: { [benchLabel]: 'true', team: app.team } }],
          configMapGenerator: [{ name: app.name, literals: [`version=${version}`, 'log_level=info'] }],
          patches: [{ target: { kind: 'Deployment' }, patch: annotationsPatch(version) }],
        }),
      }),
  },
  directory: {
    root: '',
    fixed: (app) =>
      texts({
        'service.yaml': service(metadata(app), app),
        'serviceaccount.yaml': serviceAccount(metadata(app)),
      }),
    versioned: (app, version) => {
      const data = { version, log_level: 'info' };
      // A new version is a new ConfigMap, by a suffix of its content as Kustomize's generator makes one.
      const settings = `${app.name}-${digestOf([app.name, data])}`;
      const labels = { [benchLabel]: 'true', team: app.team };
      return texts({
        'configmap.yaml': {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: settings, namespace: app.namespace, labels },
          data,
        },
        'deployment.yaml': deployment(
          { ...metadata(app), annotations: { [versionAnnotation]: version } },
          app,
          settings,
        ),
      });
    },
  },
};

const texts = (objects: Readonly<Record<string, object>>): AppFiles =>
  Object.fromEntries(Object.entries(objects).map(([path, object]) => [path, stringify(object)]));

const kustomization = (members: object): object => ({
  apiVersion: 'kustomize.config.k8s.io/v1beta1',
  kind: 'Kustomization',
  ...members,
});

const annotationsPatch = (version: string): string =>
  stringify([{ op: 'add', path: '/metadata/annotations', value: { [versionAnnotation]: version } }]);

const digestOf = (content: unknown): string =>
  createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 10);

const baseMetadata = ({ name }: AppNames): object => ({ name, labels: { app: name } });

const metadata = ({ name, namespace, team }: AppNames): object => ({
  name,
  namespace,
  labels: { app: name, [benchLabel]: 'true', team },
});

const service = (metadata: object, { name }: AppNames): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata,
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
});

const serviceAccount = (metadata: object): object => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });

function deployment(metadata: object, { name }: AppNames, settings: string): object {
  const container = {
    name: 'web',
    image: 'registry.example/web:1.0.0',
    ports: [{ containerPort: 8080, name: 'http' }],
    envFrom: [{ configMapRef: { name: settings } }],
    resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 5 },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas: 0,
      revisionHistoryLimit: 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { serviceAccountName: name, containers: [container] },
      },
    },
  };
}
