/** Stage 8 for a Unit: the health of everything that it has or wants. */
import { reportOf } from '#pipeline/health/health.ts';
import { observe, type MadePlan } from '#pipeline/pipeline.ts';
import { keyText, type ObjectRef } from '#model/object.ts';
import type { ObjectHealth, Sighting } from '#model/observed.ts';
import { isWell, type HealthReport, type UnitState } from '#model/outcome.ts';
import type { Cluster } from '#model/ports.ts';
import type { Unit } from '#model/unit.ts';
import type { Dependencies } from './dependencies.ts';

export interface HealthReportPorts {
  readonly cluster: Cluster;
  readonly dependencies: Pick<Dependencies, 'notReady'>;
}

export async function healthReport(
  state: UnitState,
  made: MadePlan | undefined,
  { cluster, dependencies }: HealthReportPorts,
  unit: Unit,
): Promise<HealthReport> {
  const { awaited } = unit;
  const refs = new Map<string, ObjectRef>();
  if (made === undefined) for (const { ref } of state.inventory) refs.set(keyText(ref), ref);
  for (const { ref } of made?.plan.desired ?? []) refs.set(keyText(ref), ref);
  const known = made?.sightings ?? (await observe([...refs.values()], cluster));
  // What is waited for may be another's.
  const others = awaited === undefined || awaited.objects === 'all' ? [] : awaited.objects;
  for (const ref of others) refs.set(keyText(ref), ref);
  const unseen = others.filter((ref) => !known.has(keyText(ref)));
  const sightings = unseen.length === 0 ? known : new Map([...known, ...(await observe(unseen, cluster))]);
  const healths = new Map([...refs.keys()].map((key) => [key, healthOf(sightings.get(key))]));
  const waitedFor = awaited?.objects === 'all' ? [...refs.keys()] : others.map(keyText);
  for (const key of waitedFor) {
    const health = healths.get(key);
    const why = health && isWell(health) ? await dependencies.notReady(unit, key) : undefined;
    if (health !== undefined && why !== undefined)
      healths.set(key, { ...health, status: 'Progressing', message: why });
  }
  return reportOf([...refs].map(([key, ref]) => ({ ref, health: healths.get(key)! })));
}

function healthOf(sighting: Sighting | undefined): ObjectHealth {
  if (sighting?.state === 'present') return sighting.object.health;
  if (sighting?.state === 'absent') return { status: 'Missing', message: 'it is not in the cluster' };
  return { status: 'Unknown', message: sighting?.why ?? 'it was not looked at' };
}
