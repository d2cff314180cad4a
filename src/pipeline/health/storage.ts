/** Volumes and claims. */
import { conditionOf, explain, health, healthy, objectAt, textOf, type HealthRule } from './reading.ts';

export const persistentVolumeClaim: HealthRule = (manifest) => {
  const phase = textOf(objectAt(manifest, 'status')['phase']);
  if (phase === 'Lost') return health('Degraded', 'The volume of the claim is lost');
  if (phase !== 'Bound') return health('Progressing', 'The claim is not bound to a volume yet');
  const failed = conditionOf(manifest, 'ModifyVolumeError') ?? conditionOf(manifest, 'ControllerResizeError');
  if (failed?.status === 'True') return health('Degraded', explain(failed, 'The volume cannot be changed'));
  return healthy;
};

export const persistentVolume: HealthRule = (manifest) => {
  const status = objectAt(manifest, 'status');
  switch (textOf(status['phase'])) {
    case 'Available':
    case 'Bound':
    case 'Released':
      return healthy;
    case 'Failed':
      return health('Degraded', textOf(status['message']) || 'The volume cannot be reclaimed');
    default:
      return health('Progressing', 'The volume is not available yet');
  }
};
