/** Waits of a plan: for a kind to be served, for an object to be gone. */
import type { Failure } from '#model/failure.ts';
import type { ObjectRef } from '#model/object.ts';
import type { Clock, Cluster, Timers } from '#model/ports.ts';

export interface WaitPorts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Why the Run is to end now, if it is. */
  readonly whyEnded?: () => Failure | undefined;
}

const pollMs = 200;
const sightingDeadlineMs = 10_000;

/** Undefined when it came about; else why not. A Run that is to end does not wait for this. */
export async function waitFor(
  ref: ObjectRef,
  until: 'established' | 'absent',
  timeoutMs: number,
  { cluster, clock, timers, whyEnded }: WaitPorts,
): Promise<Failure | undefined> {
  const startedMs = clock.monotonic();
  for (;;) {
    const [sighting] = await cluster.sightings([ref], sightingDeadlineMs);
    if (until === 'absent' && sighting?.state === 'absent') return undefined;
    if (
      until === 'established' &&
      sighting?.state === 'present' &&
      sighting.object.health.status === 'Healthy'
    ) {
      await cluster.resources(true);
      return undefined;
    }
    const ended = whyEnded?.();
    if (ended !== undefined) return ended;
    if (clock.monotonic() - startedMs > timeoutMs) return timedOut(ref, until, timeoutMs, sighting);
    await new Promise<void>((resolve) => timers.after(pollMs, resolve));
  }
}

function timedOut(
  ref: ObjectRef,
  until: 'established' | 'absent',
  timeoutMs: number,
  sighting: Awaited<ReturnType<Cluster['sightings']>>[number] | undefined,
): Failure {
  const object = sighting?.state === 'present' ? sighting.object : undefined;
  const finalizers = object?.finalizers.join(', ') ?? '';
  const holds =
    finalizers === '' ? (object?.health.message ?? '') : `it waits for the finalizer ${finalizers}`;
  const wanted = until === 'established' ? 'established' : 'gone';
  return {
    kind: 'transient',
    code: 'WaitTimeout',
    stage: 'apply',
    message: `it was not ${wanted} within ${timeoutMs / 1000} s${holds === '' ? '' : `: ${holds}`}`,
    hint: 'it is tried again by itself; kubectl describe shows what holds it',
    subject: ref,
  };
}
