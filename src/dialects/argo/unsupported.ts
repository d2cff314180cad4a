/** Honour or refuse (F30): what an Application may set that is known, matters, and is not honoured yet. */
import type { Failure } from '#model/failure.ts';
import { historyMax } from '#model/outcome.ts';
import type { RefusedAnnotation } from '#model/unit.ts';
import { inspectWith, type Findings, type Members } from '../members.ts';
import {
  compareOptionsAnnotation,
  harmlessCompareOptions,
  idleCompareOptions,
  objectCompareOptions,
} from './compare-options.ts';
import { conventions } from './conventions.ts';
import type { ApplicationSource, ApplicationSpec } from './schema.ts';
import { objectValues, readSyncOptions, syncOptionsAnnotation } from './sync-options.ts';

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

/** A warning: it is passed over, and what is done instead. */
export function withoutEffect(what: string, instead: string): Failure {
  return {
    kind: 'blocked',
    code: 'OptionWithoutEffect',
    stage: 'compile',
    message: `${what} has no effect: ${instead}`,
    hint: 'remove it, if nothing relies on it',
  };
}

/**
 * A health check that cannot be read would let objects pass that it was written to hold up, and a list of excluded kinds
 * would let them be applied.
 */
export function unreadableSetting(key: string, message: string): Failure {
  return {
    kind: 'blocked',
    code: 'InvalidCustomization',
    stage: 'compile',
    message: `${key} of ConfigMap argocd-cm cannot be read (${message}), so nothing is applied`,
    hint: 'correct it',
  };
}

const specMembers: Members = {
  honoured: [
    'project',
    'source',
    'sources',
    'destination',
    'syncPolicy',
    'revisionHistoryLimit',
    'info',
    'ignoreDifferences',
  ],
  refused: ['sourceHydrator'],
};
const sourceMembers: Members = {
  honoured: ['repoURL', 'path', 'targetRevision', 'directory', 'kustomize', 'helm', 'name', 'ref', 'chart'],
  refused: ['plugin'],
};
const overrideMembers: Members = { honoured: ['directory', 'kustomize', 'helm'], refused: ['plugin'] };
const directoryMembers: Members = {
  honoured: ['recurse', 'include', 'exclude', 'jsonnet'],
  refused: [],
};
const jsonnetMembers: Members = { honoured: ['extVars', 'tlas', 'libs'], refused: [] };
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
    'ignoreMissingComponents',
    'commonAnnotationsEnvsubst',
    'version',
    // They are for `helmCharts` of a kustomization, which is refused.
    'kubeVersion',
    'apiVersions',
  ],
  refused: [],
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
/** By where in a source they stand. */
export const membersOfSource = {
  '': sourceMembers,
  directory: directoryMembers,
  'directory.jsonnet': jsonnetMembers,
  kustomize: kustomizeMembers,
  helm: helmMembers,
} as const;
const policyMembers: Members = {
  honoured: ['automated', 'syncOptions', 'retry', 'managedNamespaceMetadata'],
  refused: [],
};
const automatedMembers: Members = { honoured: ['enabled', 'prune', 'selfHeal', 'allowEmpty'], refused: [] };
/** A retry always plans anew, from the newest commit: `refresh: true` asks for what is done anyway. */
const retryMembers: Members = { honoured: ['limit', 'backoff', 'refresh'], refused: [] };

const inspect = inspectWith(unsupported);

export function inspectSpec(spec: ApplicationSpec): Findings {
  const findings: Findings = { refused: [], unknown: [] };
  inspect('spec', spec, specMembers, findings);
  const sources = spec.sources ?? [];
  for (const [index, source] of (sources.length > 0 ? sources : [spec.source]).entries()) {
    const path = sources.length > 0 ? `spec.sources[${index}]` : 'spec.source';
    inspectSource(path, source, sourceMembers, findings);
  }
  const { revisionHistoryLimit: limit = 0 } = spec;
  if (limit > historyMax)
    findings.unknown.push(
      withoutEffect(
        `spec.revisionHistoryLimit above ${historyMax} (${limit})`,
        `no more than ${historyMax} syncs are kept`,
      ),
    );
  inspect('spec.syncPolicy', spec.syncPolicy, policyMembers, findings);
  inspect('spec.syncPolicy.automated', spec.syncPolicy?.automated, automatedMembers, findings);
  inspect('spec.syncPolicy.retry', spec.syncPolicy?.retry, retryMembers, findings);
  const { refused, idle } = readSyncOptions(spec.syncPolicy?.syncOptions ?? []);
  for (const option of refused)
    findings.refused.push(unsupported(`The sync option ${option} (spec.syncPolicy.syncOptions)`));
  for (const [option, instead] of Object.entries(idle))
    findings.unknown.push(withoutEffect(`The sync option ${option} (spec.syncPolicy.syncOptions)`, instead));
  return findings;
}

function inspectSource(
  path: string,
  source: Partial<ApplicationSource> | undefined,
  members: Members,
  findings: Findings,
): void {
  inspect(path, source, members, findings);
  inspect(`${path}.directory`, source?.directory, directoryMembers, findings);
  inspect(`${path}.directory.jsonnet`, source?.directory?.jsonnet, jsonnetMembers, findings);
  inspect(`${path}.kustomize`, source?.kustomize, kustomizeMembers, findings);
  // `version: v3` asks for what is done anyway.
  const { version, ...helm } = source?.helm ?? {};
  inspect(`${path}.helm`, version === 'v3' ? helm : source?.helm, helmMembers, findings);
}

/** Of a file that changes a source: where it is cannot be changed. */
export function inspectOverride(path: string, source: Partial<ApplicationSource>): Findings {
  const findings: Findings = { refused: [], unknown: [] };
  inspectSource(path, source, overrideMembers, findings);
  return findings;
}

/** Of an Application's own annotation on comparing: what of it changes nothing. */
export function compareWarnings(annotations: Readonly<Record<string, string>>): readonly Failure[] {
  const asked = (annotations[compareOptionsAnnotation] ?? '').split(',').map((part) => part.trim());
  return asked
    .filter((part) => part !== '' && !harmlessCompareOptions.includes(part))
    .map((part) =>
      withoutEffect(
        `The annotation ${compareOptionsAnnotation}: "${part}"`,
        Object.hasOwn(idleCompareOptions, part)
          ? idleCompareOptions[part]!
          : 'it is no option of Applications',
      ),
    );
}

const objectValuesOf: Readonly<Record<string, Omit<RefusedAnnotation, 'key'>>> = {
  [syncOptionsAnnotation]: objectValues,
  [compareOptionsAnnotation]: { harmless: Object.keys(objectCompareOptions), idle: idleCompareOptions },
};

/** On rendered objects. */
export const refusedAnnotations: readonly RefusedAnnotation[] = [
  ...conventions.hooks.flatMap(({ key, values, deletion }) => [
    { key, harmless: Object.keys(values) },
    { key: deletion.key, harmless: Object.keys(deletion.values) },
  ]),
  ...conventions.options.map(({ key, values }) => ({
    key,
    ...(objectValuesOf[key] ?? { harmless: Object.keys(values) }),
  })),
];
