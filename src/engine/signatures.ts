/** What of a resource or an object matters for another turn: equal signatures, no turn. */
import { canonicalJson } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { ObservedObject } from '#model/observed.ts';

/** Ours: what we write ourselves must not wake us. */
const ownManager = 'trueup';
const volatileMetadata = new Set(['resourceVersion', 'generation', 'managedFields']);

/** Everything but the status and what changes with it; and who else wrote, so that foreign status writes are seen (F29). */
export function resourceSignature(resource: Manifest): string {
  const { status: _, metadata, ...rest } = resource;
  const kept = Object.fromEntries(Object.entries(metadata).filter(([key]) => !volatileMetadata.has(key)));
  const entries = Array.isArray(metadata['managedFields']) ? metadata['managedFields'] : [];
  const others = (entries as readonly Record<string, unknown>[])
    .filter((entry) => entry['manager'] !== ownManager)
    .map((entry) => [entry['manager'], entry['time']]);
  return canonicalJson([rest, kept, others]);
}

export const statusText = (resource: Manifest): string => canonicalJson(resource['status'] ?? {});

export function sightSignature(object: ObservedObject | undefined): string {
  if (object === undefined) return 'gone';
  const { uid, projection, legacy, deletingSinceMs, finalizers, health, tracking } = object;
  return canonicalJson([
    uid,
    projection ?? null,
    legacy,
    deletingSinceMs ?? null,
    finalizers,
    health,
    tracking,
  ]);
}
