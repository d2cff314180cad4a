/** The dialect of Flux's GitRepository: a source that others refer to, with a status of its own. Pure. */
import type { DeclaredSource, Lookup, SourceDialect, SourceProgress } from '#model/dialect.ts';
import { failureLine, type Failure } from '#model/failure.ts';
import { isObject, type Json, type JsonObject } from '#model/json.ts';
import { refOf, type Manifest } from '#model/object.ts';
import { timestamp } from '#model/time.ts';
import { mergePatch } from '../merge-patch.ts';
import type { FluxOptions } from './compile.ts';
import { written, type Condition } from './conditions.ts';
import { finalizerPatch, isDeleting } from './finalizers.ts';
import { admitted } from './admission.ts';
import { gitRepositoryKind } from './names.ts';
import { gitRepositoryNotice } from './notice.ts';
import { predecessorOf } from './predecessor.ts';
import { isRequested, requestedAt } from './requests.ts';
import { revisionText } from './revision.ts';
import { readSource } from './source.ts';

export function gitRepositories(options: FluxOptions): SourceDialect {
  const { fluxNamespace } = options;
  return {
    admits: (resource) => admitted(resource, options),
    kind: gitRepositoryKind,
    plural: 'gitrepositories',
    optional: true,
    compile: (resource, lookup) => compile(resource, lookup, fluxNamespace),
    notice: gitRepositoryNotice,
    status: gitRepositoryStatus,
  };
}

function compile(resource: Manifest, lookup: Lookup, fluxNamespace: string): DeclaredSource {
  const read = readSource(resource);
  const { name, namespace = '' } = resource.metadata;
  const url = read.source?.url ?? '';
  const controller = 'source-controller' as const;
  const predecessor = predecessorOf({ resource, controller, fluxNamespace, url }, lookup);
  return {
    id: String(resource.metadata['uid'] ?? ''),
    owner: refOf(resource),
    generation: Number(resource.metadata['generation'] ?? 0),
    ...(read.source === undefined ? {} : { source: read.source }),
    suspended: read.source !== undefined && read.suspended,
    refused: read.refused,
    warnings: read.warnings,
    requested: !read.suspended && isRequested(resource),
    deleting: isDeleting(resource),
    ...(predecessor === undefined ? {} : { predecessor }),
    takeover: `flux reconcile source git ${name} -n ${namespace}`,
  };
}

/** The members of status that are ours; whatever else stands there survives (F31). */
const ownMembers = ['conditions', 'artifact', 'lastHandledReconcileAt', 'observedGeneration'] as const;

function gitRepositoryStatus(resource: Manifest, progress: SourceProgress, nowMs: number): JsonObject {
  const { declared, revision, failure } = progress;
  if (declared.deleting) return finalizerPatch(resource, false);
  const held = finalizerPatch(resource, true);
  // A suspended resource says what it said when it was suspended.
  if (declared.suspended) return held;
  const before = isObject(resource['status']) ? resource['status'] : {};
  const own = Object.fromEntries(ownMembers.map((member) => [member, before[member]]));
  const text = revision === undefined ? undefined : revisionText(revision, declared.source?.ref);
  const artifact = artifactOf(resource, text, own['artifact'], nowMs);
  const conditions = conditionsOf(declared, artifact, failure);
  const status = mergePatch(own, {
    artifact,
    conditions: written(conditions, own['conditions'], declared.generation, nowMs),
    lastHandledReconcileAt: progress.requestAnswered
      ? requestedAt(resource)
      : (own['lastHandledReconcileAt'] as Json),
    observedGeneration: declared.generation,
  });
  return status === undefined ? held : { ...held, status };
}

/**
 * What was fetched last stays while nothing newer can be had. There is no archive that others could download: the
 * address is empty.
 */
function artifactOf(
  { metadata }: Manifest,
  revision: string | undefined,
  before: unknown,
  nowMs: number,
): Json | undefined {
  const isSame = isObject(before) && before['revision'] === revision;
  if (revision === undefined || isSame) return before as Json | undefined;
  const commit = revision.slice(revision.lastIndexOf(':') + 1);
  return {
    revision,
    path: `gitrepository/${metadata.namespace}/${metadata.name}/${commit}.tar.gz`,
    url: '',
    lastUpdateTime: timestamp(nowMs),
  };
}

function reasonOf({ code }: Failure): string {
  if (code === 'Unsupported' || code === 'InvalidSpec') return code;
  if (code === 'UnsupportedGitUrl' || code === 'ForbiddenGitHost') return 'URLInvalid';
  if (code === 'GitAuthenticationFailed' || code === 'GitCredentialsMissing') return 'AuthenticationFailed';
  return 'GitOperationFailed';
}

function conditionsOf(
  { warnings }: DeclaredSource,
  artifact: unknown,
  failure: Failure | undefined,
): readonly Condition[] {
  const revision = isObject(artifact) ? String(artifact['revision']) : undefined;
  const stored = `stored artifact for revision '${revision}'`;
  const inStorage: readonly Condition[] =
    revision === undefined
      ? []
      : [{ type: 'ArtifactInStorage', status: 'True', reason: 'Succeeded', message: stored }];
  if (failure === undefined && revision !== undefined) {
    const message = [stored, ...warnings.map(failureLine)].join('; ');
    return [{ type: 'Ready', status: 'True', reason: 'Succeeded', message }, ...inStorage];
  }
  if (failure === undefined) {
    const message = 'fetching the repository';
    return [
      { type: 'Reconciling', status: 'True', reason: 'Progressing', message },
      { type: 'Ready', status: 'Unknown', reason: 'Progressing', message },
    ];
  }
  const reason = reasonOf(failure);
  const message = failureLine(failure);
  const isStalled = failure.stage === 'compile' || reason === 'URLInvalid';
  return [
    isStalled
      ? { type: 'Stalled', status: 'True', reason, message }
      : { type: 'Reconciling', status: 'True', reason: 'ProgressingWithRetry', message },
    { type: 'Ready', status: 'False', reason, message },
    ...(failure.stage === 'source'
      ? [{ type: 'FetchFailed', status: 'True', reason, message } as const]
      : []),
    ...inStorage,
  ];
}
