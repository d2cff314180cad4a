/** `kustomize.toolkit.fluxcd.io/v1` Kustomization → one Unit. */
import { posix } from 'node:path';
import type { Lookup } from '#model/dialect.ts';
import type { Failure } from '#model/failure.ts';
import type { JsonObject } from '#model/json.ts';
import { refOf, splitApiVersion, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Awaited, Input, KustomizeEdits, SyncPolicy, SyncRequest, Unit } from '#model/unit.ts';
import { pruneAnnotation } from '#model/wishes.ts';
import { approvalOf } from '../approval.ts';
import { isSet } from '../members.ts';
import {
  allowEmptyAnnotation,
  finalizer,
  fluxManager,
  gitRepositoryKind,
  kustomizationKind,
  ownerNameLabel,
  ownerNamespaceLabel,
  requestAnnotation,
} from './names.ts';
import { durationMs, parseSpec } from '../parse-spec.ts';
import { terminationOf } from '../termination.ts';
import { isDeleting } from './finalizers.ts';
import { predecessorOf } from './predecessor.ts';
import { isRequested } from './requests.ts';
import { kustomizationSpec, type KustomizationSpec } from './schema.ts';
import { gitRepositoryOf, readSource, usedSource, type ReadSource } from './source.ts';
import { inspectKustomization, refusedAnnotations, unsupported } from './unsupported.ts';

export interface FluxOptions {
  /** Where Flux's controllers have their Leases. */
  readonly fluxNamespace: string;
  /** Globs of the namespaces whose resources are reconciled. */
  readonly namespaces: readonly string[];
  /** Whether a source may be in another namespace than what refers to it (S6). */
  readonly allowsOtherNamespaces: boolean;
}

const clusterName = 'in-cluster';

export function compileKustomization(
  resource: Manifest,
  lookup: Lookup,
  options: FluxOptions,
): readonly Unit[] {
  const parsed = parseSpec(kustomizationSpec, resource);
  if (!parsed.ok) return [{ ...bareUnit(resource, lookup, options, ''), unsupported: [parsed.failure] }];
  const spec = parsed.value;
  const { refused, unknown } = inspectKustomization(spec);
  const found = sourceOf(resource, spec, lookup, options, refused);
  const source = found === undefined ? undefined : usedSource(found.read, found.manifest);
  if (found !== undefined && source === undefined && found.read.refused.length === 0)
    refused.push(noArtifact(found.manifest));
  const teardown = teardownOf(resource, spec);
  const request = spec.suspend === true ? undefined : requestOf(resource);
  const awaited = awaitedOf(spec, refused);
  const bare = bareUnit(resource, lookup, options, source?.url ?? '');
  return [
    {
      ...bare,
      inputs: source === undefined ? [] : [inputOf(spec, source, found?.read.ignore)],
      remotes: { rule: '', logins: [] },
      target: { ...bare.target, namespace: spec.targetNamespace ?? '' },
      sync: policyOf(resource, spec, refused),
      followsEveryCommit: true,
      dependsOn: (spec.dependsOn ?? []).map(({ name, namespace }) => ({
        ...groupKind,
        namespace: namespace || (resource.metadata.namespace ?? ''),
        name,
      })),
      ...(awaited === undefined ? {} : { awaited }),
      unsupported: [...refused, ...refusedOf(found)],
      warnings: unknown,
      ...(teardown === undefined ? {} : { teardown }),
      ...(request === undefined ? {} : { request }),
      ...approvalOf(resource),
      ...terminationOf(resource),
    },
  ];
}

const groupKind = { group: kustomizationKind.group, kind: kustomizationKind.kind };

/** All that can be said without reading the spec. */
function bareUnit(resource: Manifest, lookup: Lookup, { fluxNamespace }: FluxOptions, url: string): Unit {
  const { name, namespace = '' } = resource.metadata;
  const controller = 'kustomize-controller' as const;
  const predecessor = predecessorOf({ resource, controller, fluxNamespace, url }, lookup);
  const teardown = teardownOf(resource, undefined);
  const annotate = `kubectl annotate kustomization/${name} -n ${namespace} --overwrite`;
  return {
    id: String(resource.metadata['uid'] ?? ''),
    owner: refOf(resource),
    generation: Number(resource.metadata['generation'] ?? 0),
    manager: fluxManager,
    inputs: [],
    remotes: { allowed: [], rule: '', logins: [] },
    external: [],
    target: { cluster: clusterName, identity: '', namespace: '' },
    tracking: {
      owner: `${namespace}/${name}`,
      labels: [
        { key: ownerNamespaceLabel, value: namespace },
        { key: ownerNameLabel, value: name },
      ],
    },
    wishes: {
      sync: `flux reconcile kustomization ${name} -n ${namespace}`,
      approve: `trueup approve kustomization/${namespace}/${name} --plan {plan}`,
      prune: `${annotate} ${pruneAnnotation}=true ${requestAnnotation}="$(date +%s)" deletes it`,
      allowEmpty: `${annotate} ${allowEmptyAnnotation}=true`,
    },
    limits: { refusedAnnotations },
    sync: {
      trigger: 'suspended',
      prune: false,
      selfHeal: false,
      allowEmpty: false,
      createNamespace: false,
      propagation: 'Background',
      retry: { limit: 'forever', firstMs: retryFirstMs, factor: 2, maxMs: retryFirstMs },
    },
    followsEveryCommit: true,
    dependsOn: [],
    unsupported: [],
    warnings: [],
    ...(teardown === undefined ? {} : { teardown }),
    ...(predecessor === undefined ? {} : { predecessor }),
  };
}

/** A failed attempt is repeated soon at first, and then at most every `retryInterval`. */
const retryFirstMs = 5000;

interface FoundSource {
  readonly manifest: Manifest;
  readonly read: ReadSource;
}

function sourceOf(
  resource: Manifest,
  { sourceRef }: KustomizationSpec,
  lookup: Lookup,
  { allowsOtherNamespaces }: FluxOptions,
  refused: Failure[],
): FoundSource | undefined {
  const own = resource.metadata.namespace ?? '';
  const { kind, name, namespace = own } = sourceRef;
  if (kind !== gitRepositoryKind.kind) {
    refused.push(unsupported(`The source ${kind} ${name} (spec.sourceRef)`, 'use a GitRepository'));
    return undefined;
  }
  if (namespace !== own && !allowsOtherNamespaces) {
    refused.push(denied(namespace, name));
    return undefined;
  }
  const manifest = gitRepositoryOf(lookup, namespace, name);
  if (manifest === undefined) {
    refused.push(missing(namespace, name));
    return undefined;
  }
  return { manifest, read: readSource(manifest) };
}

/** What is wrong with the source is said of the source. */
function refusedOf(found: FoundSource | undefined): readonly Failure[] {
  if (found === undefined) return [];
  return found.read.refused.map((failure) => ({ subject: refOf(found.manifest), ...failure }));
}

function missing(namespace: string, name: string): Failure {
  return {
    kind: 'transient',
    code: 'SourceMissing',
    stage: 'source',
    message: `GitRepository ${namespace}/${name} does not exist`,
    hint: 'create it, or correct spec.sourceRef',
  };
}

function noArtifact({ metadata }: Manifest): Failure {
  return {
    kind: 'transient',
    code: 'SourceMissing',
    stage: 'source',
    message: `GitRepository ${metadata.namespace}/${metadata.name} is suspended and has never been fetched`,
    hint: 'resume it',
  };
}

function denied(namespace: string, name: string): Failure {
  return {
    kind: 'blocked',
    code: 'CrossNamespaceDenied',
    stage: 'policy',
    message: `spec.sourceRef names GitRepository ${namespace}/${name}, in another namespace`,
    hint: 'declare a GitRepository in this namespace, or start with --cross-namespace-refs',
  };
}

function inputOf(spec: KustomizationSpec, source: Input['source'], ignore: string | undefined): Input {
  return {
    source,
    path:
      posix
        .join('/', spec.path ?? '')
        .slice(1)
        .replace(/\/+$/, '') || '.',
    render: {
      kind: 'kustomize',
      // Flux reads the whole source: a kustomization may name what lies beside it.
      loadRestriction: 'none',
      edits: editsOf(spec),
      generates: { ignore: ignore ?? '', readsIgnoreFiles: true },
    },
  };
}

function editsOf(spec: KustomizationSpec): KustomizeEdits {
  const edits = {
    namePrefix: spec.namePrefix,
    nameSuffix: spec.nameSuffix,
    namespace: spec.targetNamespace,
    imageFields: spec.images?.map(({ name, newName, newTag, digest }) => ({
      name,
      ...(newName === undefined ? {} : { newName }),
      ...(newTag === undefined ? {} : { newTag }),
      ...(digest === undefined ? {} : { digest }),
    })),
    patches: spec.patches as readonly JsonObject[] | undefined,
    components: spec.components,
    componentsMayMiss: spec.ignoreMissingComponents,
    metadata: spec.commonMetadata,
  };
  return Object.fromEntries(Object.entries(edits).filter(([, value]) => isSet(value)));
}

function policyOf(resource: Manifest, spec: KustomizationSpec, refused: Failure[]): SyncPolicy {
  const intervalMs = durationMs(spec.interval, 'interval', 600_000, refused);
  const maxMs = durationMs(spec.retryInterval, 'retryInterval', intervalMs, refused);
  return {
    trigger: spec.suspend === true ? 'suspended' : 'automatic',
    prune: spec.prune ?? false,
    selfHeal: true,
    allowEmpty: resource.metadata.annotations?.[allowEmptyAnnotation] === 'true',
    createNamespace: false,
    propagation: 'Background',
    retry: { limit: 'forever', firstMs: Math.min(retryFirstMs, maxMs), factor: 2, maxMs },
    ...(spec.force === true ? { objects: { force: true } } : {}),
  };
}

/** `wait` looks at everything that is applied, and then `healthChecks` says nothing more. */
function awaitedOf(spec: KustomizationSpec, refused: Failure[]): Awaited | undefined {
  const timeoutMs = durationMs(
    spec.timeout,
    'timeout',
    durationMs(spec.interval, 'interval', 600_000, []),
    refused,
  );
  if (spec.wait === true) return { objects: 'all', timeoutMs };
  const objects = (spec.healthChecks ?? []).map(({ apiVersion, kind, namespace = '', name }): ObjectRef => ({
    ...splitApiVersion(apiVersion),
    kind,
    namespace,
    name,
  }));
  return objects.length === 0 ? undefined : { objects, timeoutMs };
}

/** Without a spec that can be read, nothing is deleted. */
function teardownOf(resource: Manifest, spec: KustomizationSpec | undefined): Unit['teardown'] {
  const finalizers = (resource.metadata['finalizers'] ?? []) as readonly string[];
  if (!isDeleting(resource) || !finalizers.includes(finalizer)) return undefined;
  const policy = spec?.deletionPolicy ?? 'MirrorPrune';
  const deletes = policy === 'MirrorPrune' ? spec?.prune === true : policy !== 'Orphan';
  const isHeld = spec === undefined || spec.suspend === true;
  return { propagation: 'Background', ...(deletes && !isHeld ? {} : { leavesObjects: true }) };
}

function requestOf(resource: Manifest): SyncRequest | undefined {
  if (!isRequested(resource)) return undefined;
  return {
    by: requestAnnotation,
    prune: resource.metadata.annotations?.[pruneAnnotation] === 'true',
    dryRun: false,
    refused: [],
  };
}
