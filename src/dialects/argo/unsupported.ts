/** Honour or refuse (F30): what an Application may set that is known, matters, and is not honoured yet. */
import type { Failure } from '#model/failure.ts';
import type { RefusedAnnotation } from '#model/unit.ts';
import { inspectWith, type Findings, type Members } from '../members.ts';
import type { ApplicationSpec } from './schema.ts';

export { isSet } from '../members.ts';

export function unsupported(
  what: string,
  hint = 'remove it, or leave this Application to Argo CD until it is',
): Failure {
  return {
    kind: 'blocked',
    code: 'Unsupported',
    stage: 'compile',
    message: `${what} is not honoured yet, so nothing is applied`,
    hint,
  };
}

const specMembers: Members = {
  honoured: ['project', 'source', 'sources', 'destination', 'syncPolicy', 'revisionHistoryLimit', 'info'],
  refused: ['ignoreDifferences', 'sourceHydrator'],
};
const sourceMembers: Members = {
  honoured: ['repoURL', 'path', 'targetRevision', 'directory', 'kustomize', 'helm', 'name', 'ref', 'chart'],
  refused: ['plugin'],
};
const directoryMembers: Members = { honoured: ['recurse', 'include', 'exclude'], refused: ['jsonnet'] };
const kustomizeMembers: Members = {
  honoured: [
    'namePrefix',
    'nameSuffix',
    'namespace',
    'images',
    'replicas',
    'commonLabels',
    'forceCommonLabels',
    'labelWithoutSelector',
    'labelIncludeTemplates',
    'commonAnnotations',
    'forceCommonAnnotations',
    'patches',
    'components',
  ],
  refused: ['version', 'commonAnnotationsEnvsubst', 'ignoreMissingComponents', 'kubeVersion', 'apiVersions'],
};
const helmMembers: Members = {
  honoured: [
    'releaseName',
    'namespace',
    'valueFiles',
    'ignoreMissingValueFiles',
    'values',
    'valuesObject',
    'parameters',
    'fileParameters',
    'skipCrds',
    'skipTests',
    'skipSchemaValidation',
    'kubeVersion',
    'apiVersions',
    'passCredentials',
  ],
  refused: ['version'],
};
const policyMembers: Members = {
  honoured: ['automated', 'syncOptions', 'retry'],
  refused: ['managedNamespaceMetadata'],
};
const automatedMembers: Members = { honoured: ['enabled', 'prune', 'selfHeal', 'allowEmpty'], refused: [] };
/** A retry always plans anew, from the newest commit: `refresh: true` asks for what is done anyway. */
const retryMembers: Members = { honoured: ['limit', 'backoff', 'refresh'], refused: [] };

const inspect = inspectWith(unsupported);

/**
 * Sync options that ask for what is done anyway: objects are always applied by server-side apply, only where they
 * differ, deletes come last, a shared object stops the sync, and a missing kind is waited for.
 */
const harmlessOptions = [
  'Validate=true',
  'Validate=false',
  'SkipDryRunOnMissingResource=true',
  'SkipDryRunOnMissingResource=false',
  'ApplyOutOfSyncOnly=true',
  'ApplyOutOfSyncOnly=false',
  'PruneLast=true',
  'PruneLast=false',
  'Prune=true',
  'Delete=true',
  'Replace=false',
  'Force=false',
  'ServerSideApply=true',
  'ServerSideApply=false',
  'FailOnSharedResource=true',
  'FailOnSharedResource=false',
  'RespectIgnoreDifferences=true',
  'RespectIgnoreDifferences=false',
  'CreateNamespace=true',
  'CreateNamespace=false',
  'ClientSideApplyMigration=true',
  'DisableClientSideApplyMigration=false',
];

/** CreateNamespace is left out: that an operation asks for it, and its spec does not, is not done. */
export function isHarmlessOption(option: string): boolean {
  return harmlessOptions.includes(option) && option !== 'CreateNamespace=true';
}

export function isPropagationOption(option: string): boolean {
  return /^PrunePropagationPolicy=(foreground|background|orphan)$/i.test(option);
}

export function inspectSpec(spec: ApplicationSpec): Findings {
  const findings: Findings = { refused: [], unknown: [] };
  inspect('spec', spec, specMembers, findings);
  const sources = spec.sources ?? [];
  for (const [index, source] of (sources.length > 0 ? sources : [spec.source]).entries()) {
    const path = sources.length > 0 ? `spec.sources[${index}]` : 'spec.source';
    inspect(path, source, sourceMembers, findings);
    inspect(`${path}.directory`, source?.directory, directoryMembers, findings);
    inspect(`${path}.kustomize`, source?.kustomize, kustomizeMembers, findings);
    // `version: v3` asks for what is done anyway.
    const { version, ...helm } = source?.helm ?? {};
    inspect(`${path}.helm`, version === 'v3' ? helm : source?.helm, helmMembers, findings);
  }
  inspect('spec.syncPolicy', spec.syncPolicy, policyMembers, findings);
  inspect('spec.syncPolicy.automated', spec.syncPolicy?.automated, automatedMembers, findings);
  inspect('spec.syncPolicy.retry', spec.syncPolicy?.retry, retryMembers, findings);
  for (const option of spec.syncPolicy?.syncOptions ?? []) {
    if (harmlessOptions.includes(option) || isPropagationOption(option)) continue;
    findings.refused.push(unsupported(`The sync option ${option} (spec.syncPolicy.syncOptions)`));
  }
  return findings;
}

/** On rendered objects. */
export const refusedAnnotations: readonly RefusedAnnotation[] = [
  { key: 'argocd.argoproj.io/hook', harmless: [] },
  { key: 'argocd.argoproj.io/hook-delete-policy', harmless: [] },
  { key: 'helm.sh/hook', harmless: ['crd-install'] },
  // `keep`: Argo CD does not prune these.
  { key: 'helm.sh/resource-policy', harmless: [] },
  { key: 'argocd.argoproj.io/sync-wave', harmless: ['0'] },
  { key: 'argocd.argoproj.io/sync-options', harmless: harmlessOptions },
  { key: 'argocd.argoproj.io/compare-options', harmless: [] },
  { key: 'argocd.argoproj.io/ignore-healthcheck', harmless: ['false'] },
];
