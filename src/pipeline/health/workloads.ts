/** Deployments, StatefulSets, DaemonSets and ReplicaSets: are the wanted pods there, new, and available? */
import {
  conditionOf,
  count,
  explain,
  health,
  healthy,
  isUnobserved,
  numberOf,
  objectAt,
  textOf,
  unobserved,
  type HealthRule,
} from './reading.ts';

export const deployment: HealthRule = (manifest) => {
  const spec = objectAt(manifest, 'spec');
  const status = objectAt(manifest, 'status');
  if (spec['paused'] === true) return health('Suspended', 'The Deployment is paused');
  // A Deployment's controller always reports what it has seen; without it, the status is of nothing.
  if (isUnobserved(manifest) || status['observedGeneration'] === undefined) return unobserved;
  const progressing = conditionOf(manifest, 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded')
    return health('Degraded', explain(progressing, 'The rollout exceeded its progress deadline'));
  const failure = conditionOf(manifest, 'ReplicaFailure');
  if (failure?.status === 'True') return health('Degraded', explain(failure, 'Pods cannot be created'));

  const wanted = numberOf(spec['replicas'], 1);
  const updated = numberOf(status['updatedReplicas']);
  const all = numberOf(status['replicas']);
  const available = numberOf(status['availableReplicas']);
  if (updated < wanted)
    return health('Progressing', `${updated} of ${count(wanted, 'replica')} are updated to the new version`);
  if (all > updated)
    return health('Progressing', `${count(all - updated, 'old replica')} must still terminate`);
  if (available < updated)
    return health('Progressing', `${available} of ${count(updated, 'updated replica')} are available`);
  return healthy;
};

export const statefulSet: HealthRule = (manifest) => {
  const spec = objectAt(manifest, 'spec');
  const status = objectAt(manifest, 'status');
  if (isUnobserved(manifest) || status['observedGeneration'] === undefined) return unobserved;
  const wanted = numberOf(spec['replicas'], 1);
  const ready = numberOf(status['readyReplicas']);
  const updated = numberOf(status['updatedReplicas']);
  const strategy = objectAt(spec, 'updateStrategy');
  if (ready < wanted) return health('Progressing', `${ready} of ${count(wanted, 'replica')} are ready`);
  // Pods are replaced when somebody deletes them: nothing to wait for.
  if (textOf(strategy['type']) === 'OnDelete') return healthy;
  const partition = numberOf(objectAt(strategy, 'rollingUpdate')['partition']);
  const toUpdate = Math.max(0, wanted - partition);
  if (updated < toUpdate)
    return health(
      'Progressing',
      `${updated} of ${count(toUpdate, 'replica')} are updated to the new version`,
    );
  if (partition > 0) return healthy;
  if (textOf(status['updateRevision']) !== textOf(status['currentRevision']))
    return health('Progressing', 'The new revision is not current yet');
  return healthy;
};

export const daemonSet: HealthRule = (manifest) => {
  const status = objectAt(manifest, 'status');
  if (isUnobserved(manifest) || status['observedGeneration'] === undefined) return unobserved;
  const wanted = numberOf(status['desiredNumberScheduled']);
  const updated = numberOf(status['updatedNumberScheduled']);
  const available = numberOf(status['numberAvailable']);
  const onDelete = textOf(objectAt(manifest, 'spec', 'updateStrategy')['type']) === 'OnDelete';
  if (!onDelete && updated < wanted)
    return health('Progressing', `${updated} of ${count(wanted, 'pod')} are updated to the new version`);
  if (available < wanted)
    return health('Progressing', `${available} of ${count(wanted, 'pod')} are available`);
  return healthy;
};

export const replicaSet: HealthRule = (manifest) => {
  const status = objectAt(manifest, 'status');
  if (isUnobserved(manifest) || status['observedGeneration'] === undefined) return unobserved;
  const failure = conditionOf(manifest, 'ReplicaFailure');
  if (failure?.status === 'True') return health('Degraded', explain(failure, 'Pods cannot be created'));
  const wanted = numberOf(objectAt(manifest, 'spec')['replicas'], 1);
  const available = numberOf(status['availableReplicas']);
  if (available < wanted)
    return health('Progressing', `${available} of ${count(wanted, 'replica')} are available`);
  return healthy;
};
