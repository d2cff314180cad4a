/**
 * The files of one application: the Kustomize overlays that the peers rendered, plain files with the objects that those
 * overlays render, and the latter with thousands of objects more (../docs/internals/benchmarks.md).
 */
import { createHash } from 'node:crypto';
import { stringify } from 'yaml';

export const sourceKinds = ['kustomize', 'directory', 'configmaps-5000', 'objects-10000'] as const;
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
  /** What else changes where everything does. */
  everywhere?(app: AppNames, version: string): AppFiles;
}

const directory: AppSource = {
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
    return texts({
      'configmap.yaml': configMap({ ...app, name: settings }, data),
      'deployment.yaml': deployment(
        { ...metadata(app), annotations: { [versionAnnotation]: version } },
        app,
        settings,
      ),
    });
  },
};

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
  directory,
  'configmaps-5000': large(5_000, [configMap]),
  'objects-10000': large(10_000, [configMap, plainServiceAccount, role, roleBinding]),
};

const texts = (objects: Readonly<Record<string, object>>): AppFiles =>
  Object.fromEntries(Object.entries(objects).map(([path, object]) => [path, stringify(object)]));

/** A file has this many objects. */
const inOneFile = 100;

/** The directory's four objects, and as many more of these kinds in turn as it takes. */
function large(
  objects: number,
  kinds: readonly ((app: AppNames, data: Readonly<Record<string, string>>) => object)[],
): AppSource {
  const everywhere: NonNullable<AppSource['everywhere']> = (app, version) => {
    const made = [...Array(objects - 4).keys()].map((index) => {
      const name = `${app.name}-${String(index).padStart(5, '0')}`;
      return stringify(kinds[index % kinds.length]!({ ...app, name }, { version, greeting: `I am ${name}` }));
    });
    const files = Math.ceil(made.length / inOneFile);
    return Object.fromEntries(
      [...Array(files).keys()].map((file) => [
        `objects-${String(file).padStart(3, '0')}.yaml`,
        made.slice(file * inOneFile, (file + 1) * inOneFile).join('---\n'),
      ]),
    );
  };
  return {
    ...directory,
    fixed: (app) => ({ ...directory.fixed(app), ...everywhere(app, '0') }),
    everywhere,
  };
}

function configMap(app: AppNames, data: Readonly<Record<string, string>>): object {
  const { name, namespace, team } = app;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: { [benchLabel]: 'true', team } },
    data,
  };
}

function plainServiceAccount(app: AppNames, annotations: Readonly<Record<string, string>>): object {
  return serviceAccount({ ...metadata(app), annotations });
}

function role(app: AppNames, annotations: Readonly<Record<string, string>>): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { ...metadata(app), annotations },
    rules: [
      { apiGroups: [''], resources: ['configmaps'], resourceNames: [app.name], verbs: ['get', 'watch'] },
    ],
  };
}

function roleBinding(app: AppNames, annotations: Readonly<Record<string, string>>): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { ...metadata(app), annotations },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: app.name },
    subjects: [{ kind: 'ServiceAccount', name: app.name, namespace: app.namespace }],
  };
}

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

function metadata({ name, namespace, team }: AppNames): object {
  return { name, namespace, labels: { app: name, [benchLabel]: 'true', team } };
}

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
