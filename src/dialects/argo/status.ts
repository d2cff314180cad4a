/** Where a Unit is → the parts of an Application that its users, their scripts and `kubectl get` read. */
import type { Progress } from '#model/dialect.ts';
import { isObject, type Json, type JsonObject } from '#model/json.ts';
import { describe, keyText, type Manifest } from '#model/object.ts';
import { isInSync, isOnlyOwnership } from '#model/plan.ts';
import { timestamp } from '#model/time.ts';
import { terminateAnnotation } from '#model/wishes.ts';
import { spentApproval } from '../approval.ts';
import { refreshAnnotation } from './compile.ts';
import { conditionsOf } from './conditions.ts';
import { withHookFinalizers, withoutStage } from './finalizers.ts';
import { inClusterServer } from './in-cluster.ts';
import { mergePatch } from '../merge-patch.ts';
import { isTerminationSpent } from '../termination.ts';
import { operationStateOf } from './operation-state.ts';
import { earlierRevisions, revisionMembers, sourceMembers } from './revisions.ts';

/** Beyond this, `status.resources` is cut: the object must fit into etcd. The inventory in UnitState is whole. */
const resourcesMax = 1000;
const historyDefault = 10;

/** The members of status that are ours; whatever else stands there survives (F31). */
const ownMembers = [
  'sync',
  'health',
  'operationState',
  'history',
  'conditions',
  'resources',
  'sourceType',
  'sourceTypes',
  'controllerNamespace',
  'resourceHealthSource',
] as const;

export function applicationStatus(
  resource: Manifest,
  progress: Progress,
  nowMs: number,
  controlNamespace: string,
): JsonObject {
  if (progress.tornDown !== false) {
    const metadata = withoutStage(resource, progress.tornDown);
    return Object.keys(metadata).length === 0 ? {} : { metadata };
  }
  const before = isObject(resource['status']) ? resource['status'] : {};
  const own = Object.fromEntries(ownMembers.map((member) => [member, before[member]]));
  const status = mergePatch(own, {
    sync: syncOf(resource, progress, own),
    health: healthOf(progress, own, nowMs),
    operationState: operationStateOf(resource, progress, own['operationState'], nowMs),
    history: historyOf(resource, progress),
    conditions: conditionsOf(progress, own['conditions'], nowMs),
    resources: resourcesOf(progress, own['resources']),
    ...sourceTypes(resource, progress),
    controllerNamespace: controlNamespace,
    resourceHealthSource: 'appTree',
  });
  const isAnswered = progress.requestAnswered && resource['operation'] !== undefined;
  return {
    ...metadataPatch(resource, progress),
    ...(isAnswered ? { operation: null } : {}),
    ...(status === undefined
      ? {}
      : { status: { ...(status as JsonObject), reconciledAt: timestamp(nowMs) } }),
  };
}

/** What is found out from the files of a source is not known here. */
function sourceTypes(resource: Manifest, { unit }: Progress): JsonObject {
  const types = unit.inputs.map(({ render }) =>
    render.kind === 'helm' ? 'Helm' : render.kind === 'kustomize' ? 'Kustomize' : 'Directory',
  );
  return Array.isArray((resource['spec'] as JsonObject | undefined)?.['sources'])
    ? { sourceTypes: types }
    : { sourceType: types[0] ?? 'Directory' };
}

function metadataPatch(resource: Manifest, progress: Progress): JsonObject {
  const annotations = resource.metadata.annotations ?? {};
  const spent: Record<string, null> = { ...spentApproval(resource, progress) };
  if (progress.refreshAnswered && annotations[refreshAnnotation] !== undefined)
    spent[refreshAnnotation] = null;
  if (annotations[terminateAnnotation] !== undefined && isTerminationSpent(progress))
    spent[terminateAnnotation] = null;
  const { state, unit } = progress;
  const metadata = {
    // Before its first sync it is not known what it has.
    ...(state?.inputs === undefined || unit.teardown !== undefined
      ? {}
      : withHookFinalizers(resource, state.deletionHooks ?? [])),
    ...(Object.keys(spent).length === 0 ? {} : { annotations: spent }),
  };
  return Object.keys(metadata).length === 0 ? {} : { metadata };
}

function syncOf(resource: Manifest, progress: Progress, own: Readonly<Record<string, unknown>>): Json {
  const spec = (resource['spec'] ?? {}) as JsonObject;
  const { revisions } = progress;
  return {
    status: syncStatus(progress),
    ...(revisions.length > 0
      ? revisionMembers(resource, revisions)
      : earlierRevisions(resource, own['sync'])),
    comparedTo: {
      ...sourceMembers(resource),
      destination: spec['destination'] ?? { server: inClusterServer },
    },
  };
}

function syncStatus({ plan, failures, unit }: Progress): 'Synced' | 'OutOfSync' | 'Unknown' {
  // Without a plan for what is wanted now, nothing is known of it.
  if (plan === undefined || unit.unsupported.length > 0) return 'Unknown';
  if (failures.some(({ stage }) => ['compile', 'source', 'artifact', 'render', 'observe'].includes(stage))) {
    return failures.some(({ code }) => code === 'OlderRevision') ? 'OutOfSync' : 'Unknown';
  }
  return isInSync(plan) ? 'Synced' : 'OutOfSync';
}

/** Health is never green when an earlier stage failed. */
function healthOf(progress: Progress, own: Readonly<Record<string, unknown>>, nowMs: number): Json {
  const { health, failures, plan, unit } = progress;
  const overall = health?.overall ?? 'Unknown';
  const inTheWay = failures[0] ?? unit.unsupported[0] ?? plan?.blocked.find(({ kind }) => kind !== 'blocked');
  const hidden = overall === 'Healthy' && (inTheWay !== undefined || plan === undefined);
  const status = hidden ? 'Unknown' : overall;
  const because = health?.because;
  const why = because === undefined ? undefined : `${describe(because.object)}: ${because.sentence}`;
  const message = hidden ? inTheWay?.message : why;
  const before = own['health'];
  const isSame = isObject(before) && before['status'] === status;
  return {
    status,
    ...(message === undefined ? {} : { message }),
    lastTransitionTime:
      isSame && typeof before['lastTransitionTime'] === 'string'
        ? before['lastTransitionTime']
        : timestamp(nowMs),
  };
}

function historyOf(resource: Manifest, progress: Progress): Json | undefined {
  const spec = (resource['spec'] ?? {}) as JsonObject;
  const limit =
    typeof spec['revisionHistoryLimit'] === 'number' ? spec['revisionHistoryLimit'] : historyDefault;
  const entries = (progress.state?.history ?? []).flatMap((entry) => {
    if (entry.kind !== 'sync' || entry.result !== 'succeeded') return [];
    return [
      {
        id: entry.id,
        ...revisionMembers(resource, entry.revisions),
        deployStartedAt: timestamp(entry.atMs),
        deployedAt: timestamp(entry.atMs + entry.durationMs),
        initiatedBy: entry.by === 'automated sync' ? { automated: true } : { username: entry.by },
        ...sourceMembers(resource),
      },
    ];
  });
  const last = entries.slice(Math.max(0, entries.length - Math.max(0, limit)));
  return last.length === 0 ? undefined : last;
}

function resourcesOf({ plan }: Progress, before: unknown): Json | undefined {
  if (plan === undefined) return before as Json | undefined;
  const waiting = new Set(
    [
      ...plan.steps.flatMap((step) =>
        step.tracked && step.reason !== 'migration' && !isOnlyOwnership(step) ? [step.object] : [],
      ),
      ...(plan.contested ?? []).map(({ ref }) => ref),
    ].map(({ group, kind, namespace, name }) => `${group}/${kind}/${namespace}/${name}`),
  );
  const wanted = plan.desired.map(({ ref }) => ({
    ref,
    status: waiting.has(`${ref.group}/${ref.kind}/${ref.namespace}/${ref.name}`) ? 'OutOfSync' : 'Synced',
    requiresPruning: false,
  }));
  const unwanted = [
    ...plan.kept.map(({ ref }) => ref),
    ...plan.steps.filter(({ reason }) => reason === 'removed').map(({ object }) => object),
  ].map((ref) => ({ ref, status: 'OutOfSync', requiresPruning: true }));
  // In one order, whichever way the plan was made: equal standings are equal statuses.
  const sorted = [...wanted, ...unwanted].toSorted((a, b) => (keyText(a.ref) < keyText(b.ref) ? -1 : 1));
  return sorted.slice(0, resourcesMax).map(({ ref, status, requiresPruning }) => ({
    ...(ref.group === '' ? {} : { group: ref.group }),
    version: ref.version,
    kind: ref.kind,
    ...(ref.namespace === '' ? {} : { namespace: ref.namespace }),
    name: ref.name,
    status,
    ...(requiresPruning ? { requiresPruning } : {}),
  }));
}
