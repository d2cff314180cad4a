/** Binds pods to a node that may have them; says why where there is none. */
import type { Change } from '../store.ts';
import { isDeleting, keyOf, type Client } from './client.ts';
import { withCondition } from './conditions.ts';
import { claims, nodes, pods, type Condition, type Node, type NodeTerm, type Pod } from './kinds.ts';
import { hasLabels, meets } from './labels.ts';
import type { Recorder, Tell } from './recorder.ts';
import type { Controller } from './runner.ts';

const ours = 'default-scheduler';

export class Scheduler implements Controller {
  readonly name = 'scheduler';
  readonly #client: Client;
  readonly #tell: Tell;

  constructor(client: Client, recorder: Recorder) {
    this.#client = client;
    this.#tell = recorder.as(ours);
  }

  concerns({ resource, object, type }: Change): readonly string[] {
    const isWaiting = ({ spec }: Pod): boolean => spec.nodeName === undefined;
    if (resource === pods.key) return type === 'DELETED' || !isWaiting(object as Pod) ? [] : [keyOf(object)];
    if (resource === claims.key)
      return this.#client.list(pods, object.metadata.namespace).filter(isWaiting).map(keyOf);
    return resource === nodes.key ? this.#client.list(pods).filter(isWaiting).map(keyOf) : [];
  }

  sync(key: string): void {
    const pod = this.#client.at(pods, key);
    if (pod === undefined || pod.spec.nodeName !== undefined || isDeleting(pod)) return;
    if (pod.spec.schedulerName !== ours || (pod.spec.schedulingGates ?? []).length > 0) return;
    const found = this.#fit(pod);
    if (typeof found === 'string') this.#refuse(pod, found);
    else this.#bind(pod, found);
  }

  /** A node, or why there is none. */
  #fit(pod: Pod): Node | string {
    const all = this.#client.list(nodes);
    if (all.length === 0) return 'no nodes available to schedule pods';
    const none = `0/${all.length} nodes are available: `;
    for (const { persistentVolumeClaim } of pod.spec.volumes ?? []) {
      if (persistentVolumeClaim === undefined) continue;
      const { claimName } = persistentVolumeClaim;
      const claim = this.#client.get(claims, pod.metadata.namespace ?? '', claimName);
      if (claim === undefined) return `${none}persistentvolumeclaim "${claimName}" not found. not found`;
      if (isDeleting(claim)) return `${none}persistentvolumeclaim "${claimName}" is being deleted.`;
      if (claim.spec.volumeName === undefined)
        return `${none}pod has unbound immediate PersistentVolumeClaims.`;
    }
    const able = all.filter(({ spec }) => spec.unschedulable !== true);
    if (able.length === 0) return `${none}${all.length} node(s) were unschedulable.`;
    const fit = able.find((node) => mayRun(pod, node));
    return fit ?? `${none}${able.length} node(s) didn't match Pod's node affinity/selector.`;
  }

  /** Past field management, as the binding subresource is: nobody owns the name of the node. */
  #bind(pod: Pod, { metadata: { name: nodeName } }: Node): void {
    const conditions = withCondition(pod.status.conditions, this.#scheduled({ status: 'True' }));
    this.#client.api.replaceAsIs(this.#client.resource(pods.key)!, {
      ...pod,
      spec: { ...pod.spec, nodeName },
      status: { ...pod.status, conditions },
    });
    const { namespace, name } = pod.metadata;
    this.#tell(pod, 'Scheduled', `Successfully assigned ${namespace}/${name} to ${nodeName}`);
  }

  #refuse(pod: Pod, message: string): void {
    const condition = this.#scheduled({ status: 'False', reason: 'Unschedulable', message });
    const before = pod.status.conditions?.find(({ type }) => type === condition.type);
    if (before?.message === message) return;
    const conditions = withCondition(pod.status.conditions, condition);
    this.#client.setStatus(pods, pod, { ...pod.status, conditions });
    this.#tell(pod, 'FailedScheduling', message, { type: 'Warning' });
  }

  #scheduled(what: Omit<Condition, 'type'>): Condition {
    return { type: 'PodScheduled', lastProbeTime: null, lastTransitionTime: this.#client.now, ...what };
  }
}

export function mayRun({ spec }: Pick<Pod, 'spec'>, { metadata }: Node): boolean {
  if (!hasLabels(metadata.labels ?? {}, spec.nodeSelector)) return false;
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => holds(term, metadata));
}

function holds(
  { matchExpressions, matchFields }: NodeTerm,
  { name, labels = {} }: Node['metadata'],
): boolean {
  if (matchExpressions === undefined && matchFields === undefined) return false;
  return meets(matchExpressions, labels) && meets(matchFields, { 'metadata.name': name });
}
