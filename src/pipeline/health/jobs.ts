/** Jobs and CronJobs. */
import { parseTimestamp } from '#model/time.ts';
import {
  conditionOf,
  explain,
  health,
  healthy,
  listAt,
  numberOf,
  objectAt,
  type HealthRule,
} from './reading.ts';

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

/**
 * By its last run, once that is over, as Argo CD does. Of one that never succeeded it is not known whether its first run
 * has failed, so that it counts as well.
 */
export const cronJob: HealthRule = (manifest) => {
  if (objectAt(manifest, 'spec')['suspend'] === true) return health('Suspended', 'The CronJob is suspended');
  const status = objectAt(manifest, 'status');
  const scheduledMs = parseTimestamp(status['lastScheduleTime']);
  const succeededMs = parseTimestamp(status['lastSuccessfulTime']);
  if (scheduledMs === undefined || succeededMs === undefined || listAt(status, 'active').length > 0)
    return healthy;
  return succeededMs < scheduledMs ? health('Degraded', 'Its last run did not succeed') : healthy;
};
