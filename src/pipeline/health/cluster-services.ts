/** What extends or scales the cluster: custom resource definitions, API services, autoscalers, budgets, namespaces. */
import {
  conditionOf,
  conditionsOf,
  explain,
  health,
  healthy,
  isUnobserved,
  objectAt,
  textOf,
  unobserved,
  type HealthRule,
} from './reading.ts';

export const customResourceDefinition: HealthRule = (manifest) => {
  const names = conditionOf(manifest, 'NamesAccepted');
  if (names?.status === 'False') return health('Degraded', explain(names, 'Its names are not accepted'));
  const nonStructural = conditionOf(manifest, 'NonStructuralSchema');
  if (nonStructural?.status === 'True')
    return health('Degraded', explain(nonStructural, 'Its schema is not structural'));
  const established = conditionOf(manifest, 'Established');
  if (established?.status !== 'True') return health('Progressing', 'It is not established yet');
  if (conditionOf(manifest, 'Terminating')?.status === 'True')
    return health('Progressing', 'It is being deleted, with all its objects');
  return healthy;
};

export const apiService: HealthRule = (manifest) => {
  const available = conditionOf(manifest, 'Available');
  if (available?.status === 'True') return healthy;
  return health(
    'Progressing',
    available === undefined ? 'It is not available yet' : explain(available, 'It is not available yet'),
  );
};

/** Reasons for which an autoscaler that says "not now" is nevertheless at work. */
const harmless = new Set(['DesiredWithinRange', 'TooFewReplicas', 'TooManyReplicas', 'ScalingDisabled']);

export const horizontalPodAutoscaler: HealthRule = (manifest) => {
  if (isUnobserved(manifest)) return unobserved;
  const conditions = conditionsOf(manifest);
  const broken = conditions.find(
    ({ type, status, reason }) =>
      (type === 'AbleToScale' || type === 'ScalingActive') && status === 'False' && !harmless.has(reason),
  );
  if (broken !== undefined) return health('Degraded', explain(broken, 'The autoscaler cannot scale'));
  const able = conditions.some(({ type, status }) => type === 'AbleToScale' && status === 'True');
  return able ? healthy : health('Progressing', 'The autoscaler has not measured anything yet');
};

export const podDisruptionBudget: HealthRule = (manifest) => (isUnobserved(manifest) ? unobserved : healthy);

export const namespace: HealthRule = (manifest) =>
  textOf(objectAt(manifest, 'status')['phase']) === 'Terminating'
    ? health('Progressing', terminationOf(manifest))
    : healthy;

/** Why a namespace does not go away, as the namespace controller reports it. */
export function terminationOf(manifest: Parameters<HealthRule>[0]): string {
  const waiting = conditionsOf(manifest).find(
    ({ type, status }) => status === 'True' && /^Namespace.*(Remaining|Failure)$/.test(type),
  );
  return waiting === undefined
    ? 'The namespace is being deleted'
    : explain(waiting, 'The namespace is being deleted');
}
