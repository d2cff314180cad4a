/** Jobs and CronJobs. */
import { conditionOf, explain, health, healthy, numberOf, objectAt, type HealthRule } from './reading.ts';

export const job: HealthRule = (manifest) => {
  const failed = conditionOf(manifest, 'Failed');
  if (failed?.status === 'True') return health('Degraded', explain(failed, 'The Job failed'));
  if (conditionOf(manifest, 'Complete')?.status === 'True') return healthy;
  const target = conditionOf(manifest, 'FailureTarget');
  if (target?.status === 'True') return health('Degraded', explain(target, 'The Job is failing'));
  if (conditionOf(manifest, 'Suspended')?.status === 'True' || objectAt(manifest, 'spec')['suspend'] === true)
    return health('Suspended', 'The Job is suspended');
  const status = objectAt(manifest, 'status');
  const wanted = numberOf(objectAt(manifest, 'spec')['completions'], 1);
  return health('Progressing', `${numberOf(status['succeeded'])} of ${wanted} completions are done`);
};

/** The Jobs that it starts are judged by themselves; a schedule that is on is well. */
export const cronJob: HealthRule = (manifest) =>
  objectAt(manifest, 'spec')['suspend'] === true ? health('Suspended', 'The CronJob is suspended') : healthy;
