/** The names that Flux's users, their scripts and its command line know. */
import type { GroupVersionKind } from '#model/object.ts';

export const gitRepositoryKind: GroupVersionKind = {
  group: 'source.toolkit.fluxcd.io',
  version: 'v1',
  kind: 'GitRepository',
};
export const kustomizationKind: GroupVersionKind = {
  group: 'kustomize.toolkit.fluxcd.io',
  version: 'v1',
  kind: 'Kustomization',
};

export const finalizer = 'finalizers.fluxcd.io';
export const requestAnnotation = 'reconcile.fluxcd.io/requestedAt';

/** Flux's controller applies under this name; keeping it lets removals take on both ways of a takeover. */
export const fluxManager = 'kustomize-controller';
export const ownerNameLabel = 'kustomize.toolkit.fluxcd.io/name';
export const ownerNamespaceLabel = 'kustomize.toolkit.fluxcd.io/namespace';

// Ours: what Flux's resources have no word for.
export const allowEmptyAnnotation = 'trueup.dev/allow-empty';
