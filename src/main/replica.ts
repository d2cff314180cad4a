/** What makes this process one replica of several. */
import { hostname } from 'node:os';
import { renewMs } from '#engine/members.ts';
import { systemRandom } from '#host/random.ts';
import { ok, type Result } from '#model/failure.ts';
import type { Cluster, Log, Meter } from '#model/ports.ts';
import { openDirectCluster, type ClusterSettings } from './open-cluster.ts';

const hostBytesMax = 40;

/** The pod and this start of it: a container that starts again in its pod is another replica than before. */
export function replicaId(host = hostname(), start = systemRandom.bytes(3)): string {
  const name = host
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .slice(0, hostBytesMax)
    .replaceAll(/^-+|-+$/g, '');
  return `${name || 'replica'}-${Buffer.from(start).toString('hex')}`;
}

/** A connection of its own, in the engine's thread: a renewal waits for no other request, and for no other thread. */
export function openLeases(settings: ClusterSettings, log: Log, meter: Meter): Cluster {
  return openDirectCluster({ ...settings, deadlineMs: renewMs }, log, meter);
}

/** Whether the Leases may be read at all: said at the start, and not by waiting for them. */
export async function checkLeases(cluster: Cluster, namespace: string): Promise<Result<undefined>> {
  const found = await cluster.list({ group: 'coordination.k8s.io', version: 'v1', kind: 'Lease' }, namespace);
  return found.ok ? ok(undefined) : found;
}
