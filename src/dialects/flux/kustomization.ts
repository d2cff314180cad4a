/** The dialect of Flux's Kustomization: which resources it reads, and how it reads and answers them. Pure. */
import type { Dialect, Readiness, Reported } from '#model/dialect.ts';
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { admitted } from './admission.ts';
import { compileKustomization, type FluxOptions } from './compile.ts';
import { conditionOf } from './conditions.ts';
import { holdPatch } from './finalizers.ts';
import { gitRepositories } from './git-repository.ts';
import { kustomizationKind } from './names.ts';
import { kustomizationNotice } from './notice.ts';
import { controllerSelections } from './predecessor.ts';
import { parseRevision } from './revision.ts';
import { kustomizationStatus } from './status.ts';

const defaults: FluxOptions = {
  fluxNamespace: 'flux-system',
  namespaces: ['*'],
  allowsOtherNamespaces: false,
};

/** Flux's resources are reconciled in every namespace. */
export function fluxDialect(given: Partial<FluxOptions> = {}): Dialect {
  const options = { ...defaults, ...given };
  return {
    kind: kustomizationKind,
    plural: 'kustomizations',
    optional: true,
    sources: [gitRepositories(options)],
    selections: controllerSelections(options.fluxNamespace),
    admits: (resource) => admitted(resource, options),
    reported,
    notice: kustomizationNotice,
    compile: (resource, lookup) => compileKustomization(resource, lookup, options),
    hold: holdPatch,
    status: (resource, [progress], nowMs) =>
      progress === undefined ? {} : kustomizationStatus(resource, progress, nowMs),
  };
}

function reported(resource: Manifest): Reported {
  const { status } = resource;
  const commit = isObject(status) ? parseRevision(status['lastAppliedRevision'])?.commit : undefined;
  return { readiness: readinessOf(resource), ...(commit === undefined ? {} : { commit }) };
}

function readinessOf(resource: Manifest): Readiness {
  const { status, metadata } = resource;
  const ready = conditionOf(resource, 'Ready');
  const isCurrent = isObject(status) && status['observedGeneration'] === metadata['generation'];
  if (ready?.['status'] === 'True' && isCurrent) return { ready: true };
  const why = ready?.['status'] === 'True' ? 'its latest change is not applied yet' : ready?.['message'];
  return { ready: false, why: typeof why === 'string' ? why : 'it has not reported yet' };
}
