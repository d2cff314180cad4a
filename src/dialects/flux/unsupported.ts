/** Honour or refuse (F30): what Flux's resources may set that is known, matters, and is not honoured yet. */
import type { Failure } from '#model/failure.ts';
import type { RefusedAnnotation } from '#model/unit.ts';
import { inspectWith, isSet, type Findings, type Members } from '../members.ts';
import type { GitRepositorySpec, KustomizationSpec } from './schema.ts';

export function unsupported(
  what: string,
  hint = 'remove it, or leave this resource to Flux until it is',
): Failure {
  return {
    kind: 'blocked',
    code: 'Unsupported',
    stage: 'compile',
    message: `${what} is not honoured yet, so nothing is applied`,
    hint,
  };
}

const inspect = inspectWith(unsupported);

const gitRepositoryMembers: Members = {
  honoured: ['url', 'interval', 'timeout', 'suspend', 'ref', 'secretRef', 'ignore', 'verify'],
  refused: [
    'include',
    'sparseCheckout',
    'recurseSubmodules',
    'proxySecretRef',
    'serviceAccountName',
    'provider',
  ],
};
const refMembers: Members = { honoured: ['branch', 'tag', 'semver', 'name', 'commit'], refused: [] };

export function inspectGitRepository(spec: GitRepositorySpec): Findings {
  const findings: Findings = { refused: [], unknown: [] };
  // `generic` is what is done anyway.
  const { provider, ...rest } = spec;
  inspect('spec', provider === 'generic' ? rest : spec, gitRepositoryMembers, findings);
  inspect('spec.ref', spec.ref, refMembers, findings);
  return findings;
}

const kustomizationMembers: Members = {
  honoured: [
    'interval',
    'retryInterval',
    'timeout',
    'sourceRef',
    'path',
    'prune',
    'wait',
    'suspend',
    'force',
    'deletionPolicy',
    'targetNamespace',
    'namePrefix',
    'nameSuffix',
    'dependsOn',
    'healthChecks',
    'components',
    'ignoreMissingComponents',
    'patches',
    'images',
    'commonMetadata',
    // Of v1beta1: whatever it says, the API server validates what is applied.
    'validation',
  ],
  refused: [
    'postBuild',
    'decryption',
    'serviceAccountName',
    'kubeConfig',
    'healthCheckExprs',
    'ignore',
    'buildMetadata',
    'patchesStrategicMerge',
    'patchesJson6902',
  ],
};
const sourceRefMembers: Members = { honoured: ['apiVersion', 'kind', 'name', 'namespace'], refused: [] };
const dependencyMembers: Members = { honoured: ['name', 'namespace'], refused: ['readyExpr'] };
const imageMembers: Members = { honoured: ['name', 'newName', 'newTag', 'digest'], refused: ['tagSuffix'] };
const metadataMembers: Members = { honoured: ['labels', 'annotations'], refused: [] };

export function inspectKustomization(spec: KustomizationSpec): Findings {
  const findings: Findings = { refused: [], unknown: [] };
  inspect('spec', spec, kustomizationMembers, findings);
  inspect('spec.sourceRef', spec.sourceRef, sourceRefMembers, findings);
  for (const [index, dependency] of (spec.dependsOn ?? []).entries())
    inspect(`spec.dependsOn[${index}]`, dependency, dependencyMembers, findings);
  for (const [index, image] of (spec.images ?? []).entries())
    inspect(`spec.images[${index}]`, image, imageMembers, findings);
  inspect('spec.commonMetadata', spec.commonMetadata, metadataMembers, findings);
  const policy = spec.deletionPolicy;
  if (isSet(policy) && !deletionPolicies.includes(policy!))
    findings.refused.push(unsupported(`spec.deletionPolicy: ${policy}`));
  return findings;
}

export const deletionPolicies: readonly string[] = ['MirrorPrune', 'Delete', 'WaitForTermination', 'Orphan'];

/** On rendered objects. */
export const refusedAnnotations: readonly RefusedAnnotation[] = [
  { key: 'kustomize.toolkit.fluxcd.io/prune', harmless: ['enabled', 'Enabled'], alsoLabel: true },
  { key: 'kustomize.toolkit.fluxcd.io/ssa', harmless: ['Override', 'override'], alsoLabel: true },
  { key: 'kustomize.toolkit.fluxcd.io/force', harmless: ['disabled', 'Disabled'], alsoLabel: true },
  { key: 'kustomize.toolkit.fluxcd.io/reconcile', harmless: ['enabled', 'Enabled'], alsoLabel: true },
  // Without postBuild nothing is substituted.
  { key: 'kustomize.toolkit.fluxcd.io/substitute', harmless: ['enabled', 'disabled', 'Enabled', 'Disabled'] },
];
