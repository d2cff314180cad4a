/** The replicas of one installation: each keeps a Lease of its own alive, and follows those of the others. */
import type { Cluster } from '#model/ports.ts';

export interface ReplicaSettings {
  /** Who it is from its start to its end; never used again, not by the same pod after a restart either. */
  readonly id: string;
  /** Where the installation keeps its Leases. */
  readonly namespace: string;
  /** Reads and writes the Leases. With a connection of its own, so that no queue of requests delays a renewal. */
  readonly cluster: Pick<Cluster, 'follow' | 'create' | 'mergePatch' | 'remove' | 'delete'>;
}
