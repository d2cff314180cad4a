/** In which order kinds are applied; deletes run the other way round, after all applies. */
import type { GroupKind } from '#model/object.ts';
import type { Phase, Propagation } from '#model/unit.ts';

/** One after the other; the last only after a failure. */
export const phases: readonly Phase[] = ['pre-delete', 'pre', 'sync', 'post', 'post-delete', 'fail'];

export const orders = {
  definitions: 0,
  established: 1,
  namespaces: 2,
  config: 3,
  rest: 4,
  gates: 5,
  deletes: 6,
  /** After all deletes of a wave. */
  waits: 12,
  cleanup: 13,
} as const;

/** What others refer to, and would fail or hang without. */
const configKinds = new Set([
  '/ConfigMap',
  '/LimitRange',
  '/PersistentVolume',
  '/PersistentVolumeClaim',
  '/ResourceQuota',
  '/Secret',
  '/ServiceAccount',
  'policy/PodDisruptionBudget',
  'networking.k8s.io/NetworkPolicy',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
  'rbac.authorization.k8s.io/Role',
  'rbac.authorization.k8s.io/RoleBinding',
  'scheduling.k8s.io/PriorityClass',
  'storage.k8s.io/StorageClass',
  'node.k8s.io/RuntimeClass',
]);
/** What sits in the way of other requests: only once its backend has been applied. */
const gateKinds = new Set([
  'apiregistration.k8s.io/APIService',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
]);

export function applyOrder(kind: GroupKind): number {
  const text = `${kind.group}/${kind.kind}`;
  if (kind.kind === 'CustomResourceDefinition') return orders.definitions;
  if (text === '/Namespace') return orders.namespaces;
  if (configKinds.has(text)) return orders.config;
  return gateKinds.has(text) ? orders.gates : orders.rest;
}

export function deleteOrder(kind: GroupKind): number {
  return orders.deletes + (orders.gates - applyOrder(kind));
}

/** What has no state of its own: it is well as soon as it is there. */
const passiveKinds = new Set(
  [...configKinds].filter((text) => !/PersistentVolume|PodDisruptionBudget/.test(text)),
);
export function isPassive(kind: GroupKind): boolean {
  return passiveKinds.has(`${kind.group}/${kind.kind}`);
}

/**
 * Foreground: what belongs to it goes first. Plain data has nothing that belongs to it, or nothing whose end anybody
 * waits for: it is gone with the request, without the garbage collector's three and without a second turn.
 */
export function usualPropagation({ group, kind }: GroupKind): Propagation {
  return group === '' && (kind === 'ConfigMap' || kind === 'Secret') ? 'Background' : 'Foreground';
}
