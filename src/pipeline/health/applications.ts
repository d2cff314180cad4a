/** Argo CD's Application: an application of applications is as well as its children say they are. */
import type { Health } from '#model/observed.ts';
import { health, healthy, objectAt, textOf, type HealthRule } from './reading.ts';

const known: Readonly<Record<string, Health>> = {
  Healthy: 'Healthy',
  Suspended: 'Suspended',
  Progressing: 'Progressing',
  Missing: 'Missing',
  Degraded: 'Degraded',
  Unknown: 'Unknown',
};

export const application: HealthRule = (manifest) => {
  const reported = objectAt(manifest, 'status', 'health');
  const status = textOf(reported['status']);
  if (status === 'Healthy') return healthy;
  const message = textOf(reported['message']);
  if (status === '') return health('Progressing', 'The Application has not been reconciled yet');
  return health(known[status] ?? 'Unknown', message || `The Application reports ${status}`);
};
