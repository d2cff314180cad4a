/** Stage 8 for a Unit: the health of everything that it has or wants. */
import { reportOf } from '#pipeline/health/health.ts';
import { observe, type MadePlan } from '#pipeline/pipeline.ts';
import { keyText, type ObjectRef } from '#model/object.ts';
import type { ObjectHealth, Sighting } from '#model/observed.ts';
import type { HealthReport, UnitState } from '#model/outcome.ts';
import type { Cluster } from '#model/ports.ts';

export async function healthReport(
  state: UnitState,
  made: MadePlan | undefined,
  cluster: Cluster,
): Promise<HealthReport> {
  const refs = new Map<string, ObjectRef>();
  if (made === undefined) for (const { ref } of state.inventory) refs.set(keyText(ref), ref);
  for (const { ref } of made?.plan.desired ?? []) refs.set(keyText(ref), ref);
  const sightings = made?.sightings ?? (await observe([...refs.values()], cluster));
  return reportOf([...refs].map(([key, ref]) => ({ ref, health: healthOf(sightings.get(key)) })));
}

function healthOf(sighting: Sighting | undefined): ObjectHealth {
  if (sighting?.state === 'present') return sighting.object.health;
  if (sighting?.state === 'absent') return { status: 'Missing', message: 'it is not in the cluster' };
  return { status: 'Unknown', message: sighting?.why ?? 'it was not looked at' };
}
