/** Flux's finalizer: it is on every resource that is reconciled, so that its end is noticed. */
import type { JsonObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { finalizer } from './names.ts';

export const isDeleting = ({ metadata }: Manifest): boolean => metadata['deletionTimestamp'] !== undefined;

export function finalizerPatch(resource: Manifest, isWanted: boolean): JsonObject {
  const finalizers = (resource.metadata['finalizers'] ?? []) as readonly string[];
  if (finalizers.includes(finalizer) === isWanted) return {};
  const now = isWanted ? [...finalizers, finalizer] : finalizers.filter((name) => name !== finalizer);
  return { metadata: { finalizers: now } };
}

/** Puts it on, unless the resource is on its way out: then nothing can be added. */
export function holdPatch(resource: Manifest): JsonObject {
  return isDeleting(resource) ? {} : finalizerPatch(resource, true);
}
