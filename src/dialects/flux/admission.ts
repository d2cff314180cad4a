/** Which of Flux's resources are ours to reconcile: those of every namespace, unless the installation says otherwise. */
import { matchesPattern } from '#model/glob.ts';
import type { Manifest } from '#model/object.ts';
import type { FluxOptions } from './compile.ts';

export function admitted(resource: Manifest, { namespaces }: FluxOptions): true | string {
  const namespace = resource.metadata.namespace ?? '';
  if (namespaces.some((pattern) => matchesPattern(pattern, namespace))) return true;
  return `namespace ${namespace} is not among those that --flux-namespaces names`;
}
