/** The kinds that the controllers work on, with the part of their shape that they need; the machinery keeps to it. */
import type { Stored } from '../objects.ts';

/** A built-in kind; `T` is what its objects look like. */
export interface KindOf<T extends Stored> {
  readonly apiVersion: string;
  readonly kind: string;
  /** As the store has it. */
  readonly key: string;
  readonly shape?: T;
}
function kindOf<T extends Stored>(apiVersion: string, kind: string, name: string): KindOf<T> {
  const [group] = apiVersion.includes('/') ? apiVersion.split('/') : [''];
  return { apiVersion, kind, key: `${group}/${name}` };
}

export type Labels = Readonly<Record<string, string>>;
export type Truth = 'True' | 'False' | 'Unknown';
export interface Condition {
  readonly type: string;
  readonly status: Truth;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
  readonly lastUpdateTime?: string;
  readonly lastProbeTime?: string | null;
  readonly observedGeneration?: number;
}
export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly LabelRequirement[];
}
export interface LabelRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

interface Reference {
  readonly name?: string;
  readonly optional?: boolean;
}
export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly restartPolicy?: string;
  readonly imagePullPolicy?: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly envFrom?: readonly { readonly configMapRef?: Reference; readonly secretRef?: Reference }[];
  readonly env?: readonly {
    readonly name: string;
    readonly valueFrom?: {
      readonly configMapKeyRef?: Reference & { readonly key: string };
      readonly secretKeyRef?: Reference & { readonly key: string };
      readonly fieldRef?: { readonly fieldPath: string };
    };
  }[];
}
export interface Volume {
  readonly name: string;
  readonly configMap?: Reference;
  readonly secret?: { readonly secretName?: string; readonly optional?: boolean };
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly projected?: {
    readonly sources?: readonly { readonly configMap?: Reference; readonly secret?: Reference }[];
  };
}
export interface NodeTerm {
  readonly matchExpressions?: readonly LabelRequirement[];
  readonly matchFields?: readonly LabelRequirement[];
}
export interface PodSpec {
  readonly nodeName?: string;
  readonly nodeSelector?: Labels;
  readonly schedulerName?: string;
  readonly schedulingGates?: readonly object[];
  readonly restartPolicy?: string;
  readonly hostNetwork?: boolean;
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly tolerations?: readonly object[];
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms: readonly NodeTerm[];
      };
    };
  };
}
export interface Terminated {
  readonly exitCode: number;
  readonly reason: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly containerID: string;
}
export interface ContainerState {
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly running?: { readonly startedAt: string };
  readonly terminated?: Terminated;
}
export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly imageID: string;
  readonly containerID?: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly state: ContainerState;
  readonly lastState: ContainerState;
}
export interface PodStatus {
  readonly phase: string;
  readonly reason?: string;
  readonly conditions?: readonly Condition[];
  readonly startTime?: string;
  readonly hostIP?: string;
  readonly podIP?: string;
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly [member: string]: unknown;
}
export interface Pod extends Stored {
  readonly spec: PodSpec;
  readonly status: PodStatus;
}
export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Labels;
    readonly annotations?: Labels;
    readonly finalizers?: readonly string[];
  };
  readonly spec: PodSpec;
}

export interface ReplicaSet extends Stored {
  readonly spec: {
    readonly replicas: number;
    readonly minReadySeconds?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
  };
  readonly status: {
    readonly replicas: number;
    readonly fullyLabeledReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly terminatingReplicas?: number;
    readonly observedGeneration?: number;
    readonly conditions?: readonly Condition[];
  };
}
/** A number, or a percentage of the replicas. */
export type IntOrPercent = number | string;
export interface Deployment extends Stored {
  readonly spec: {
    readonly replicas: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly strategy: {
      readonly type: string;
      readonly rollingUpdate?: { readonly maxSurge: IntOrPercent; readonly maxUnavailable: IntOrPercent };
    };
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit: number;
    readonly progressDeadlineSeconds: number;
    readonly paused?: boolean;
  };
  readonly status: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly terminatingReplicas?: number;
    readonly unavailableReplicas?: number;
    readonly collisionCount?: number;
    readonly conditions?: readonly Condition[];
  };
}
export interface Namespace extends Stored {
  readonly spec: { readonly finalizers?: readonly string[] };
  readonly status: { readonly phase: string; readonly conditions?: readonly Condition[] };
}
export interface Node extends Stored {
  readonly spec: { readonly unschedulable?: boolean };
}
export interface Claim extends Stored {
  readonly spec: {
    readonly volumeName?: string;
    readonly storageClassName?: string;
    readonly accessModes: readonly string[];
    readonly volumeMode?: string;
    readonly selector?: LabelSelector;
    readonly resources: { readonly requests?: Labels };
  };
  readonly status: { readonly phase?: string };
}
export interface KubeEvent extends Stored {
  readonly involvedObject: {
    readonly namespace?: string;
    readonly uid?: string;
    readonly fieldPath?: string;
  };
  readonly reason: string;
  readonly message: string;
  readonly count?: number;
  readonly lastTimestamp?: string | null;
  readonly source?: { readonly component?: string };
}

export interface PersistentVolume extends Stored {
  readonly spec: {
    readonly capacity?: Labels;
    readonly accessModes: readonly string[];
    readonly volumeMode?: string;
    readonly storageClassName?: string;
    readonly persistentVolumeReclaimPolicy?: string;
    readonly claimRef?: { readonly namespace?: string; readonly name?: string; readonly uid?: string };
  };
  readonly status: { readonly phase?: string };
}
export interface StorageClass extends Stored {
  readonly provisioner: string;
  readonly reclaimPolicy?: string;
  readonly volumeBindingMode?: string;
}
export interface ControllerRevision extends Stored {
  readonly revision: number;
  readonly data: { readonly spec: { readonly template: PodTemplate } };
}
export interface StatefulSet extends Stored {
  readonly spec: {
    readonly replicas: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly serviceName?: string;
    readonly podManagementPolicy?: string;
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly ordinals?: { readonly start?: number };
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly partition?: number };
    };
    readonly volumeClaimTemplates?: readonly (Pick<Claim, 'spec'> & {
      readonly metadata: PodTemplate['metadata'] & { readonly name: string };
    })[];
    readonly persistentVolumeClaimRetentionPolicy?: {
      readonly whenDeleted?: string;
      readonly whenScaled?: string;
    };
  };
  readonly status: {
    readonly replicas?: number;
    readonly currentReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
  };
}
export interface DaemonSet extends Stored {
  readonly spec: {
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly maxSurge?: IntOrPercent; readonly maxUnavailable?: IntOrPercent };
    };
  };
}
export interface Job extends Stored {
  readonly spec: {
    readonly parallelism?: number;
    readonly completions?: number;
    readonly backoffLimit?: number;
    readonly activeDeadlineSeconds?: number;
    readonly ttlSecondsAfterFinished?: number;
    readonly completionMode?: string;
    readonly suspend?: boolean;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
  };
  readonly status: {
    readonly active?: number;
    readonly succeeded?: number;
    readonly failed?: number;
    readonly startTime?: string;
    readonly completionTime?: string;
    readonly completedIndexes?: string;
    readonly conditions?: readonly Condition[];
  };
}
export interface CronJob extends Stored {
  readonly spec: {
    readonly schedule: string;
    readonly timeZone?: string;
    readonly suspend?: boolean;
    readonly concurrencyPolicy?: string;
    readonly startingDeadlineSeconds?: number;
    readonly successfulJobsHistoryLimit?: number;
    readonly failedJobsHistoryLimit?: number;
    readonly jobTemplate: { readonly metadata?: PodTemplate['metadata']; readonly spec: object };
  };
  readonly status: {
    readonly active?: readonly { readonly name?: string; readonly uid?: string }[];
    readonly lastScheduleTime?: string;
    readonly lastSuccessfulTime?: string;
  };
}
export interface ServicePort {
  readonly name?: string;
  readonly protocol?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly appProtocol?: string;
}
export interface Service extends Stored {
  readonly spec: {
    readonly type?: string;
    readonly selector?: Labels;
    readonly ports?: readonly ServicePort[];
    readonly publishNotReadyAddresses?: boolean;
    readonly loadBalancerIP?: string;
  };
  readonly status: { readonly loadBalancer?: LoadBalancer };
}
export interface LoadBalancer {
  readonly ingress?: readonly { readonly ip?: string }[];
}
export interface Ingress extends Stored {
  readonly status: { readonly loadBalancer?: LoadBalancer };
}
export interface Definition extends Stored {
  readonly spec: {
    readonly group: string;
    readonly names: Readonly<Record<string, unknown>> & { readonly plural: string; readonly kind: string };
  };
  readonly status: { readonly conditions?: readonly Condition[] | null };
}
export interface Autoscaler extends Stored {
  readonly spec: {
    readonly scaleTargetRef: { readonly apiVersion?: string; readonly kind: string; readonly name: string };
    readonly minReplicas?: number;
    readonly maxReplicas: number;
  };
  readonly status: { readonly conditions?: readonly Condition[] | null };
}
export interface DisruptionBudget extends Stored {
  readonly spec: {
    readonly selector?: LabelSelector;
    readonly minAvailable?: IntOrPercent;
    readonly maxUnavailable?: IntOrPercent;
  };
  readonly status: { readonly conditions?: readonly Condition[] };
}

export const namespaces = kindOf<Namespace>('v1', 'Namespace', 'namespaces');
export const nodes = kindOf<Node>('v1', 'Node', 'nodes');
export const pods = kindOf<Pod>('v1', 'Pod', 'pods');
export const configMaps = kindOf<Stored>('v1', 'ConfigMap', 'configmaps');
export const secrets = kindOf<Stored>('v1', 'Secret', 'secrets');
export const serviceAccounts = kindOf<Stored>('v1', 'ServiceAccount', 'serviceaccounts');
export const claims = kindOf<Claim>('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims');
export const events = kindOf<KubeEvent>('v1', 'Event', 'events');
export const replicaSets = kindOf<ReplicaSet>('apps/v1', 'ReplicaSet', 'replicasets');
export const deployments = kindOf<Deployment>('apps/v1', 'Deployment', 'deployments');
export const statefulSets = kindOf<StatefulSet>('apps/v1', 'StatefulSet', 'statefulsets');
export const daemonSets = kindOf<DaemonSet>('apps/v1', 'DaemonSet', 'daemonsets');
export const controllerRevisions = kindOf<ControllerRevision>(
  'apps/v1',
  'ControllerRevision',
  'controllerrevisions',
);
export const jobs = kindOf<Job>('batch/v1', 'Job', 'jobs');
export const cronJobs = kindOf<CronJob>('batch/v1', 'CronJob', 'cronjobs');
export const volumes = kindOf<PersistentVolume>('v1', 'PersistentVolume', 'persistentvolumes');
export const storageClasses = kindOf<StorageClass>('storage.k8s.io/v1', 'StorageClass', 'storageclasses');
export const services = kindOf<Service>('v1', 'Service', 'services');
export const endpoints = kindOf<Stored>('v1', 'Endpoints', 'endpoints');
export const endpointSlices = kindOf<Stored>('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices');
export const ingresses = kindOf<Ingress>('networking.k8s.io/v1', 'Ingress', 'ingresses');
export const definitions = kindOf<Definition>(
  'apiextensions.k8s.io/v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
);
export const disruptionBudgets = kindOf<DisruptionBudget>(
  'policy/v1',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
);
export const autoscalers = kindOf<Autoscaler>(
  'autoscaling/v2',
  'HorizontalPodAutoscaler',
  'horizontalpodautoscalers',
);
