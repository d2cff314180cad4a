/** `argoproj.io/v1alpha1` Application → one Unit. */
import type { Lookup } from '#model/dialect.ts';
import type { Failure } from '#model/failure.ts';
import { isObject, type JsonObject } from '#model/json.ts';
import { refOf, type Manifest } from '#model/object.ts';
import { parseTimestamp } from '#model/time.ts';
import type { Input, SyncPolicy, SyncRequest, Unit } from '#model/unit.ts';
import { approvalOf } from '../approval.ts';
import { invalid, parseSpec } from '../parse-spec.ts';
import { conventions } from './conventions.ts';
import { inClusterServer } from './in-cluster.ts';
import { teardownOf } from './finalizers.ts';
import { rulesOf, systemRules } from './ignore-differences.ts';
import { isItsOperation, predecessorOf } from './predecessor.ts';
import { judgeProject } from './project.ts';
import { idleKeysOf, loginsOf, trustOf } from './repositories.ts';
import { operationTermination, planInfo } from './operation-request.ts';
import { applicationSpec, operation, type ApplicationSource, type ApplicationSpec } from './schema.ts';
import { settingsOf, trackingOf } from './settings.ts';
import { overridesOf } from './source-overrides.ts';
import { renderOf, type RenderContext } from './source-render.ts';
import { specOf, type SourceContext } from './source-spec.ts';
import { defaultRetry, policyRetry, requestRetry } from './retry.ts';
import { readSyncOptions } from './sync-options.ts';
import {
  compareWarnings,
  inspectSpec,
  isSet,
  refusedAnnotations,
  unreadableSetting,
  unsupported,
} from './unsupported.ts';

export const refreshAnnotation = 'argocd.argoproj.io/refresh';
const skipAnnotation = 'argocd.argoproj.io/skip-reconcile';
const pathsAnnotation = 'argocd.argoproj.io/manifest-generate-paths';

/** When somebody confirmed deletions that ask for it. */
const confirmAnnotation = 'argocd.argoproj.io/deletion-approved';

/** Argo CD's controller applies under this name; keeping it lets removals take on both ways of a takeover. */
export const fieldManager = 'argocd-controller';

export function sourcesOf(spec: ApplicationSpec): readonly ApplicationSource[] {
  if (spec.sources !== undefined && spec.sources.length > 0) return spec.sources;
  return spec.source === undefined ? [] : [spec.source];
}

/** The name by which tracking marks know an Application. */
export function trackingName(resource: Manifest, controlNamespace: string): string {
  const { name, namespace } = resource.metadata;
  return namespace === controlNamespace ? name : `${namespace}_${name}`;
}

export function compileApplication(
  resource: Manifest,
  lookup: Lookup,
  controlNamespace: string,
): readonly Unit[] {
  const parsed = parseSpec(applicationSpec, resource);
  const sources = parsed.ok ? sourcesOf(parsed.value) : [];
  if (!parsed.ok || sources.length === 0) {
    const failure = parsed.ok ? invalid('spec.source is missing', 'set spec.source') : parsed.failure;
    return [unreadable(resource, failure, lookup, controlNamespace)];
  }
  const spec = parsed.value;

  const findings = inspectSpec(spec);
  const destination = destinationOf(spec, findings.refused);
  const settings = settingsOf(lookup, controlNamespace);
  const context = {
    application: resource.metadata.name,
    instance: trackingName(resource, controlNamespace),
    project: spec.project || 'default',
    namespace: destination,
    names: namesOf(sources, findings.refused),
    ...(settings.others.tools === undefined ? {} : { tools: settings.others.tools }),
  };
  const logins = loginsOf(lookup, controlNamespace, context.project);
  const trust = trustOf(lookup, controlNamespace, context.project);
  findings.refused.push(...settings.others.refused);
  for (const { key, message } of settings.problems) findings.refused.push(unreadableSetting(key, message));
  const repositories = sources.map((source) => source.repoURL);
  const verdict = judgeProject(
    {
      application: resource.metadata.name,
      project: spec.project || 'default',
      controlNamespace,
      applicationNamespace: resource.metadata.namespace ?? '',
      repositories,
      server: inClusterServer,
      namespace: destination,
    },
    lookup,
  );
  const ignores = [
    ...rulesOf(spec.ignoreDifferences, findings.refused),
    ...systemRules(settings.main, findings.refused),
  ];
  const access = { logins, trust, signed: verdict.signed };
  const inputs = sources.map((source) => inputOf(source, access, context, findings.refused));
  const annotations = resource.metadata.annotations ?? {};
  const predecessor = predecessorOf(resource, lookup, controlNamespace);
  const request = requestOf(resource);
  const teardown = teardownOf(resource);
  const refresh = annotations[refreshAnnotation];
  const confirmedAtMs = parseTimestamp(annotations[confirmAnnotation]);
  const namespaceMetadata = namespaceMetadataOf(spec);
  const { sensitiveAnnotations } = settings.others;
  return [
    {
      ...identityOf(resource, isAutomatic(spec), request),
      inputs,
      remotes: {
        ...(verdict.repositories === undefined ? {} : { allowed: verdict.repositories }),
        rule: `spec.sourceRepos of AppProject ${context.project}`,
        logins,
        ...(trust === undefined ? {} : { trust }),
      },
      target: {
        cluster: 'in-cluster',
        identity: '',
        namespace: destination,
        ...(namespaceMetadata === undefined ? {} : { namespaceMetadata }),
      },
      tracking: trackingOf(settings, context.instance),
      limits: {
        ...verdict.limits,
        refusedAnnotations,
        ...settings.filters,
      },
      conventions,
      sync: {
        ...policyOf(
          spec,
          resource,
          request === undefined ? undefined : operationOptions(resource),
          findings.refused,
        ),
        ...(settings.syncTimeoutMs === undefined ? {} : { waitMaxMs: settings.syncTimeoutMs }),
      },
      ...(ignores.length === 0 ? {} : { ignores }),
      ...(sensitiveAnnotations.length === 0 ? {} : { sensitiveAnnotations }),
      ...(verdict.windows.length === 0 ? {} : { windows: verdict.windows }),
      followsEveryCommit: annotations[pathsAnnotation] === undefined,
      unsupported: [...findings.refused, ...verdict.refused],
      warnings: [
        ...findings.unknown,
        ...compareWarnings(annotations),
        ...settings.others.warnings,
        ...verdict.warnings,
        ...idleKeysOf(lookup, controlNamespace, context.project, repositories),
      ],
      ...(teardown === undefined ? {} : { teardown }),
      ...(request === undefined ? {} : { request }),
      ...(refresh === undefined ? {} : { refresh: refresh === 'hard' ? 'hard' : 'normal' }),
      ...approvalOf(resource),
      ...operationTermination(resource),
      ...(confirmedAtMs === undefined ? {} : { confirmedAtMs }),
      ...(predecessor === undefined ? {} : { predecessor }),
    },
  ];
}

function identityOf(
  resource: Manifest,
  automatic: boolean,
  request: SyncRequest | undefined,
): Pick<Unit, 'id' | 'owner' | 'generation' | 'manager' | 'external' | 'dependsOn' | 'wishes'> {
  const { name } = resource.metadata;
  return {
    id: String(resource.metadata['uid'] ?? ''),
    owner: refOf(resource),
    // Applications have no status subresource.
    generation: undefined,
    manager: fieldManager,
    external: [],
    dependsOn: [],
    wishes: {
      sync: `trueup app sync ${name}`,
      // What an operation would delete besides is in no plan without it.
      approve: `trueup app sync ${name}${request?.prune === true ? ' --prune' : ''} --approve {plan}`,
      prune: `trueup app sync ${name} --prune deletes it`,
      allowEmpty: automatic
        ? 'set syncPolicy.automated.allowEmpty: true'
        : 'set syncPolicy.automated to {enabled: false, allowEmpty: true}, with which automated sync stays off',
      ignore: 'add to spec.ignoreDifferences: - {rule}',
      confirm: `set the annotation ${confirmAnnotation} of ${name} to the time of now, as 2026-01-02T03:04:05Z`,
    },
  };
}

/** A spec that cannot be read blocks its own Unit, and no other. */
function unreadable(resource: Manifest, failure: Failure, lookup: Lookup, controlNamespace: string): Unit {
  const teardown = teardownOf(resource);
  const predecessor = predecessorOf(resource, lookup, controlNamespace);
  const request = requestOf(resource);
  return {
    ...identityOf(resource, false, request),
    inputs: [],
    remotes: { allowed: [], rule: '', logins: [] },
    target: { cluster: 'in-cluster', identity: '', namespace: '' },
    tracking: { owner: trackingName(resource, controlNamespace) },
    limits: { refusedAnnotations, ...settingsOf(lookup, controlNamespace).filters },
    sync: {
      trigger: 'suspended',
      prune: false,
      selfHeal: false,
      allowEmpty: false,
      createNamespace: false,
      propagation: 'Foreground',
      retry: defaultRetry,
    },
    followsEveryCommit: false,
    unsupported: [failure],
    warnings: [],
    ...(request === undefined ? {} : { request }),
    ...(teardown === undefined ? {} : { teardown }),
    ...(predecessor === undefined ? {} : { predecessor }),
    ...(resource.metadata.annotations?.[refreshAnnotation] === undefined ? {} : { refresh: 'normal' }),
  };
}

function destinationOf(spec: ApplicationSpec, refused: Failure[]): string {
  const { server, name, namespace } = spec.destination;
  const named = name !== undefined && name !== '' && name !== 'in-cluster';
  const elsewhere = server !== undefined && server !== '' && server.replace(/\/$/, '') !== inClusterServer;
  if (named || elsewhere) {
    refused.push(
      unsupported(`The destination ${name ?? server} (another cluster)`, `use ${inClusterServer}`),
    );
  }
  return namespace ?? '';
}

/** By which sources call each other: `$values/…`. */
function namesOf(sources: readonly ApplicationSource[], refused: Failure[]): readonly string[] {
  const names = new Set<string>();
  for (const [index, { ref }] of sources.entries()) {
    if (ref === undefined || ref === '') continue;
    const at = `spec.sources[${index}].ref`;
    if (!/^[A-Za-z0-9_-]+$/.test(ref))
      refused.push(invalid(`${at}: "${ref}" is no name`, 'use letters, digits, - and _'));
    if (names.has(ref)) refused.push(invalid(`${at}: two sources are called "${ref}"`, 'give each its own'));
    names.add(ref);
  }
  return [...names];
}

function inputOf(
  source: ApplicationSource,
  access: SourceContext,
  context: RenderContext,
  refused: Failure[],
): Input {
  const name = source.ref;
  // With a name and without a path it is there for the others only, as for Argo CD.
  const isOnlyNamed = isSet(name) && !isSet(source.path) && !isSet(source.chart);
  if (isOnlyNamed && [source.helm, source.kustomize, source.directory].some(isSet))
    refused.push(invalid(`The source "${name}" says how it is rendered, and has no path`, 'set its path'));
  return {
    ...(isSet(name) ? { name: name! } : {}),
    source: specOf(source, access, refused),
    path:
      source.path === undefined || source.path === ''
        ? '.'
        : source.path.replace(/^\.\//, '').replace(/\/+$/, '') || '.',
    ...(isOnlyNamed
      ? { render: { kind: 'none' } }
      : {
          render: renderOf(source, context, refused),
          overrides: overridesOf(source, context),
        }),
  };
}

function isAutomatic({ syncPolicy }: ApplicationSpec): boolean {
  const automated = syncPolicy?.automated ?? undefined;
  return automated !== undefined && automated.enabled !== false;
}

function policyOf(
  spec: ApplicationSpec,
  resource: Manifest,
  /** Those of an operation count instead for as long as it is not answered. */
  asked: readonly string[] | undefined,
  refused: Failure[],
): SyncPolicy {
  const { automated } = spec.syncPolicy ?? {};
  const isSkipped = resource.metadata.annotations?.[skipAnnotation] === 'true';
  const automatic = isAutomatic(spec);
  const written = asked ?? spec.syncPolicy?.syncOptions ?? [];
  const { createNamespace, propagation, objects, respectsIgnored } = readSyncOptions(written);
  return {
    trigger: isSkipped ? 'suspended' : automatic ? 'automatic' : 'manual',
    prune: automatic && automated?.prune === true,
    selfHeal: automatic && automated?.selfHeal === true,
    allowEmpty: automated?.allowEmpty === true,
    createNamespace,
    propagation,
    retry: policyRetry(spec, refused),
    ...(respectsIgnored ? { respectsIgnored } : {}),
    ...(Object.keys(objects).length === 0 ? {} : { objects }),
  };
}

/** Members of `operation.sync` that are read, or that ask for nothing else than what is done. */
const honouredOfSync = [
  'revision',
  'revisions',
  'prune',
  'dryRun',
  'syncOptions',
  'syncStrategy',
  'resources',
  'autoHealAttemptsCount',
];

function operationOptions(resource: Manifest): readonly string[] | undefined {
  const parsed = operation.safeParse(resource['operation']);
  return parsed.success ? (parsed.data.sync?.syncOptions ?? undefined) : undefined;
}

function namespaceMetadataOf(spec: ApplicationSpec): Unit['target']['namespaceMetadata'] {
  const { labels, annotations } = spec.syncPolicy?.managedNamespaceMetadata ?? {};
  if (labels === undefined && annotations === undefined) return undefined;
  return {
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function requestOf(resource: Manifest): SyncRequest | undefined {
  const written = resource['operation'];
  if (written === undefined || written === null || isItsOperation(resource)) return undefined;
  const parsed = operation.safeParse(written);
  const refused: Failure[] = [];
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = ['operation', ...(issue?.path ?? [])].join('.');
    return {
      by: '',
      prune: false,
      dryRun: false,
      refused: [invalid(`${path}: ${issue?.message}`, `correct ${path}`)],
    };
  }
  const { sync, initiatedBy, info, retry } = parsed.data;
  const plan = info?.find(({ name }) => name === planInfo)?.value;
  if (sync === undefined) refused.push(unsupported('An operation without `sync`'));
  for (const [member, value] of Object.entries(sync ?? {})) {
    if (!honouredOfSync.includes(member) && isSet(value))
      refused.push(unsupported(`operation.sync.${member}`));
  }
  for (const option of readSyncOptions(sync?.syncOptions ?? []).refused)
    refused.push(unsupported(`The sync option ${option} (operation.sync.syncOptions)`));
  const { apply, hook } = sync?.syncStrategy ?? {};
  const isForced = apply?.force === true || hook?.force === true;
  const only = (sync?.resources ?? []).map(({ group = '', kind, name, namespace, exclude }) => ({
    group,
    kind,
    name,
    ...(namespace === undefined || namespace === '' ? {} : { namespace }),
    ...(exclude === true ? { exclude } : {}),
  }));
  const revisions = sync?.revision ? [sync.revision] : (sync?.revisions ?? []);
  const { spec } = resource;
  const sources = isObject(spec) && Array.isArray(spec['sources']) ? spec['sources'].length : 0;
  if (revisions.length > Math.max(sources, 1))
    refused.push(
      invalid(
        `operation.sync.revisions: it has ${revisions.length}, for ${Math.max(sources, 1)} sources`,
        'name one for each',
      ),
    );
  return {
    by: initiatedBy?.username || (initiatedBy?.automated === true ? 'automation' : 'an unnamed user'),
    ...(revisions.some((revision) => revision !== '') ? { revisions } : {}),
    prune: sync?.prune ?? false,
    dryRun: sync?.dryRun ?? false,
    ...(plan === undefined ? {} : { plan }),
    ...(isForced ? { force: true } : {}),
    // Argo CD's strategy `apply` runs no hooks; `hook` and none run them.
    ...(apply != null && hook == null ? { withoutHooks: true } : {}),
    ...(only.length === 0 ? {} : { only }),
    ...(retry == null ? {} : { retry: requestRetry(retry, 'operation.retry', refused) }),
    asWritten: written as JsonObject,
    refused,
  };
}
