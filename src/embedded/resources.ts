/** The built-in kinds that the embedded cluster serves, each in one version; docs/reference/embedded-cluster.md shows them. */

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';
export type Subresource = 'status' | 'scale';

/** Members of an object, from the outermost on. */
export interface ScalePaths {
  readonly wanted: readonly string[];
  readonly present: readonly string[];
  /** Of the selector as a text; undefined where the definition names none. */
  readonly selector: readonly string[] | undefined;
}

/** A kind that is served: built in, or a version of a CustomResourceDefinition. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The plural, as it stands in paths. */
  readonly name: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly subresources: readonly Subresource[];
  /** Of custom kinds: the definition's name; what is stored of a kind is stored under its group and plural. */
  readonly custom: boolean;
  /** Of custom kinds: printer columns as the definition has them. */
  readonly columns: readonly unknown[];
  /** Of custom kinds with a scale: where its members are. */
  readonly scaled?: ScalePaths;
  /** The fields that `fieldSelector` may name besides metadata.name and metadata.namespace. */
  readonly selectable: readonly string[];
}

/** In the order in which the API server lists them. */
export const allVerbs: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

type Scope = 'namespaced' | 'cluster';
interface Extras {
  readonly singular?: string;
  readonly short?: readonly string[];
  readonly all?: boolean;
  readonly subresources?: readonly Subresource[];
  readonly selectable?: readonly string[];
}

function builtIn(
  group: string,
  version: string,
  kind: string,
  name: string,
  scope: Scope,
  extras: Extras = {},
): Resource {
  return {
    group,
    version,
    kind,
    name,
    singular: extras.singular ?? kind.toLowerCase(),
    shortNames: extras.short ?? [],
    categories: extras.all === true ? ['all'] : [],
    namespaced: scope === 'namespaced',
    subresources: extras.subresources ?? [],
    custom: false,
    columns: [],
    selectable: extras.selectable ?? [],
  };
}

const status: readonly Subresource[] = ['status'];
const scaled: readonly Subresource[] = ['status', 'scale'];
const rbac = 'rbac.authorization.k8s.io';

export const definitionsName = 'customresourcedefinitions';

export const builtInResources: readonly Resource[] = [
  builtIn('', 'v1', 'ConfigMap', 'configmaps', 'namespaced', { short: ['cm'] }),
  builtIn('', 'v1', 'Endpoints', 'endpoints', 'namespaced', { short: ['ep'] }),
  builtIn('', 'v1', 'Event', 'events', 'namespaced', {
    short: ['ev'],
    selectable: [
      'involvedObject.kind',
      'involvedObject.namespace',
      'involvedObject.name',
      'involvedObject.uid',
      'involvedObject.apiVersion',
      'involvedObject.fieldPath',
      'reason',
      'reportingComponent',
      'source',
      'type',
    ],
  }),
  builtIn('', 'v1', 'LimitRange', 'limitranges', 'namespaced', { short: ['limits'] }),
  builtIn('', 'v1', 'Namespace', 'namespaces', 'cluster', {
    short: ['ns'],
    subresources: status,
    selectable: ['status.phase'],
  }),
  builtIn('', 'v1', 'Node', 'nodes', 'cluster', {
    short: ['no'],
    subresources: status,
    selectable: ['spec.unschedulable'],
  }),
  builtIn('', 'v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', 'namespaced', {
    short: ['pvc'],
    subresources: status,
  }),
  builtIn('', 'v1', 'PersistentVolume', 'persistentvolumes', 'cluster', {
    short: ['pv'],
    subresources: status,
  }),
  builtIn('', 'v1', 'Pod', 'pods', 'namespaced', {
    short: ['po'],
    all: true,
    subresources: status,
    selectable: [
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.serviceAccountName',
      'status.phase',
      'status.podIP',
    ],
  }),
  builtIn('', 'v1', 'ResourceQuota', 'resourcequotas', 'namespaced', {
    short: ['quota'],
    subresources: status,
  }),
  builtIn('', 'v1', 'Secret', 'secrets', 'namespaced', { selectable: ['type'] }),
  builtIn('', 'v1', 'ServiceAccount', 'serviceaccounts', 'namespaced', { short: ['sa'] }),
  builtIn('', 'v1', 'Service', 'services', 'namespaced', {
    short: ['svc'],
    all: true,
    subresources: status,
    selectable: ['spec.clusterIP', 'spec.type'],
  }),
  builtIn('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition', definitionsName, 'cluster', {
    short: ['crd', 'crds'],
    subresources: status,
  }),
  builtIn('apps', 'v1', 'ControllerRevision', 'controllerrevisions', 'namespaced'),
  builtIn('apps', 'v1', 'DaemonSet', 'daemonsets', 'namespaced', {
    short: ['ds'],
    all: true,
    subresources: status,
  }),
  builtIn('apps', 'v1', 'Deployment', 'deployments', 'namespaced', {
    short: ['deploy'],
    all: true,
    subresources: scaled,
  }),
  builtIn('apps', 'v1', 'ReplicaSet', 'replicasets', 'namespaced', {
    short: ['rs'],
    all: true,
    subresources: scaled,
    selectable: ['status.replicas'],
  }),
  builtIn('apps', 'v1', 'StatefulSet', 'statefulsets', 'namespaced', {
    short: ['sts'],
    all: true,
    subresources: scaled,
  }),
  builtIn('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', 'namespaced', {
    short: ['hpa'],
    all: true,
    subresources: status,
  }),
  builtIn('batch', 'v1', 'CronJob', 'cronjobs', 'namespaced', {
    short: ['cj'],
    all: true,
    subresources: status,
  }),
  builtIn('batch', 'v1', 'Job', 'jobs', 'namespaced', {
    all: true,
    subresources: status,
    selectable: ['status.successful'],
  }),
  builtIn('coordination.k8s.io', 'v1', 'Lease', 'leases', 'namespaced'),
  builtIn('discovery.k8s.io', 'v1', 'EndpointSlice', 'endpointslices', 'namespaced'),
  builtIn('networking.k8s.io', 'v1', 'IngressClass', 'ingressclasses', 'cluster'),
  builtIn('networking.k8s.io', 'v1', 'Ingress', 'ingresses', 'namespaced', {
    short: ['ing'],
    subresources: status,
  }),
  builtIn('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies', 'namespaced', { short: ['netpol'] }),
  builtIn('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets', 'namespaced', {
    short: ['pdb'],
    subresources: status,
  }),
  builtIn(rbac, 'v1', 'ClusterRoleBinding', 'clusterrolebindings', 'cluster'),
  builtIn(rbac, 'v1', 'ClusterRole', 'clusterroles', 'cluster'),
  builtIn(rbac, 'v1', 'RoleBinding', 'rolebindings', 'namespaced'),
  builtIn(rbac, 'v1', 'Role', 'roles', 'namespaced'),
  builtIn('scheduling.k8s.io', 'v1', 'PriorityClass', 'priorityclasses', 'cluster', { short: ['pc'] }),
  builtIn('storage.k8s.io', 'v1', 'StorageClass', 'storageclasses', 'cluster', { short: ['sc'] }),
];
