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
