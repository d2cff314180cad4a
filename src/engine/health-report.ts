/** Stage 8 for a Unit: the health of everything that it has or wants. */
import { reportOf } from '#pipeline/health/health.ts';
import { observe, type MadePlan } from '#pipeline/pipeline.ts';
import { keyText, type ObjectRef } from '#model/object.ts';
import type { ObjectHealth, Sighting } from '#model/observed.ts';
import type { HealthReport, UnitState } from '#model/outcome.ts';
import type { Cluster } from '#model/ports.ts';
import type { Unit } from '#model/unit.ts';

export async function healthReport(
  state: UnitState,
  made: MadePlan | undefined,
  cluster: Cluster,
  { awaited }: Pick<Unit, 'awaited'>,
): Promise<HealthReport> {
  const refs = new Map<string, ObjectRef>();
  if (made === undefined) for (const { ref } of state.inventory) refs.set(keyText(ref), ref);
  for (const { ref } of made?.plan.desired ?? []) refs.set(keyText(ref), ref);
  const known = made?.sightings ?? (await observe([...refs.values()], cluster));
  // What is waited for may be another's.
  const others = awaited === undefined || awaited.objects === 'all' ? [] : awaited.objects;
  for (const ref of others) refs.set(keyText(ref), ref);
  const unseen = others.filter((ref) => !known.has(keyText(ref)));
  const sightings = unseen.length === 0 ? known : new Map([...known, ...(await observe(unseen, cluster))]);
  return reportOf([...refs].map(([key, ref]) => ({ ref, health: healthOf(sightings.get(key)) })));
}

function healthOf(sighting: Sighting | undefined): ObjectHealth {
  if (sighting?.state === 'present') return sighting.object.health;
  if (sighting?.state === 'absent') return { status: 'Missing', message: 'it is not in the cluster' };
  return { status: 'Unknown', message: sighting?.why ?? 'it was not looked at' };
}
