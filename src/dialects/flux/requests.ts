/** `reconcile.fluxcd.io/requestedAt`: somebody wants it looked at now, until the status says that it was. */
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { requestAnnotation } from './names.ts';

export function requestedAt(resource: Manifest): string | undefined {
  return resource.metadata.annotations?.[requestAnnotation];
}

export function isRequested(resource: Manifest): boolean {
  const asked = requestedAt(resource);
  return asked !== undefined && asked !== '' && asked !== handledAt(resource);
}

export function handledAt(resource: Manifest): string | undefined {
  const status = resource['status'];
  const handled = isObject(status) ? status['lastHandledReconcileAt'] : undefined;
  return typeof handled === 'string' ? handled : undefined;
}
