/**
 * Kinds that have no rule of their own: the conventions of kstatus. A controller says Stalled when it gave up,
 * Reconciling while it works, and Ready for the result; it reports the generation that it has seen. An object that
 * says nothing of the kind (a ConfigMap, a Role) is well by being there.
 */
import {
  conditionsOf,
  explain,
  health,
  healthy,
  isUnobserved,
  unobserved,
  type HealthRule,
} from './reading.ts';

export const custom: HealthRule = (manifest) => {
  if (isUnobserved(manifest)) return unobserved;
  const conditions = conditionsOf(manifest);
  const find = (type: string) => conditions.find((condition) => condition.type === type);
  const stalled = find('Stalled');
  if (stalled?.status === 'True') return health('Degraded', explain(stalled, 'Its controller gave up'));
  const reconciling = find('Reconciling');
  if (reconciling?.status === 'True')
    return health('Progressing', explain(reconciling, 'It is being reconciled'));
  // Crossplane's claims and composites, whose groups are anybody's: Synced says whether its controller can go on.
  const synced = find('Synced');
  if (synced?.status === 'False' && find('Ready') !== undefined)
    return synced.reason === 'ReconcilePaused'
      ? health('Suspended', explain(synced, 'Its reconciliation is paused'))
      : health('Degraded', explain(synced, 'It cannot be reconciled'));
  const ready = find('Ready') ?? find('Available');
  if (ready === undefined || ready.status === 'True') return healthy;
  if (ready.status === 'Unknown' || ready.status === '')
    return health('Progressing', explain(ready, 'It is not known whether it is ready'));
  // A controller that knows kstatus says Stalled when it is: until then, not ready is on the way.
  if (ready.type === 'Ready' && reconciling === undefined && stalled === undefined && isFailure(ready.reason))
    return health('Degraded', explain(ready, 'It is not ready'));
  return health('Progressing', explain(ready, 'It is not ready'));
};

/** Most controllers have neither Stalled nor Reconciling; the reason of Ready then tells an error from a wait. */
function isFailure(reason: string): boolean {
  return /fail|error|invalid|denied|forbidden|notfound|misconfigured|degraded/i.test(reason);
}
