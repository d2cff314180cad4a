/** What another controller left in an Application's status, and whether that controller still runs (F29). */
import type { Lookup, Selection } from '#model/dialect.ts';
import { canonicalJson, isObject, type Json } from '#model/json.ts';
import type { Manifest, ObjectRef } from '#model/object.ts';
import { parseTimestamp } from '#model/time.ts';
import type { PastSync, Predecessor } from '#model/unit.ts';
import { statusManager, statusWriters, type StatusWriter } from '../status-writers.ts';

const controllerLabel = 'app.kubernetes.io/name=argocd-application-controller';

/** Where Argo CD's controller would be seen running. */
export function controllerSelections(controlNamespace: string): readonly Selection[] {
  return [
    { kind: { group: 'apps', version: 'v1', kind: 'StatefulSet' }, plural: 'statefulsets' },
    { kind: { group: 'apps', version: 'v1', kind: 'Deployment' }, plural: 'deployments' },
  ].map((selection) => ({
    ...selection,
    namespace: controlNamespace,
    labelSelector: controllerLabel,
    optional: true,
  }));
}

function runningController(lookup: Lookup, controlNamespace: string): string | undefined {
  for (const kind of ['StatefulSet', 'Deployment']) {
    for (const workload of lookup.list('apps', kind, controlNamespace)) {
      const status = workload['status'];
      if (isObject(status) && Number(status['readyReplicas'] ?? 0) > 0) {
        return `${kind} ${controlNamespace}/${workload.metadata.name}`;
      }
    }
  }
  return undefined;
}

export function predecessorOf(
  resource: Manifest,
  lookup: Lookup,
  controlNamespace: string,
): Predecessor | undefined {
  const status = resource['status'];
  const running = runningController(lookup, controlNamespace);
  const { ours, last } = lastWriters(resource);
  const isReconciled = last !== undefined && saysSomething(status);
  if (!isReconciled && running === undefined) return undefined;
  return {
    manager: last?.manager ?? 'argocd-application-controller',
    atMs: isReconciled ? last.atMs : 0,
    ...(ours === undefined ? {} : { oursAtMs: ours.atMs }),
    ...(running === undefined ? {} : { running }),
    objects: objectsOf(status).filter((object) => !isManagedNamespace(resource, object)),
    history: historyOf(status),
  };
}

function lastWriters(resource: Manifest): {
  readonly ours: StatusWriter | undefined;
  /** Of the others the one that wrote last. */
  readonly last: StatusWriter | undefined;
} {
  const writers = statusWriters(resource);
  const [last] = writers
    .filter(({ manager }) => manager !== statusManager)
    .toSorted((a, b) => b.atMs - a.atMs);
  return { ours: writers.find(({ manager }) => manager === statusManager), last };
}

/** Whether what the status says of an operation is the other controller's word. */
export function isItsStatus(resource: Manifest): boolean {
  const { ours, last } = lastWriters(resource);
  return last !== undefined && last.atMs > (ours?.atMs ?? 0) && saysSomething(resource['status']);
}

/**
 * Whether the operation that stands in the resource is the other controller's: what it asked of itself, or what it
 * had begun when it was stopped. Nobody has asked that of us.
 */
export function isItsOperation(resource: Manifest): boolean {
  const { operation, status } = resource;
  if (!isObject(operation) || !isItsStatus(resource)) return false;
  const { initiatedBy } = operation;
  if (isObject(initiatedBy) && initiatedBy['automated'] === true) return true;
  const begun = isObject(status) ? status['operationState'] : undefined;
  if (!isObject(begun) || !['Running', 'Terminating'].includes(String(begun['phase']))) return false;
  return canonicalJson(begun['operation'] as Json) === canonicalJson(operation as Json);
}

/** Clients that make an Application may send an empty status along; a controller leaves more. */
function saysSomething(status: unknown): boolean {
  if (!isObject(status)) return false;
  return ['reconciledAt', 'resources', 'history', 'operationState'].some(
    (member) => status[member] !== undefined,
  );
}

/** `status.history`, whose identifiers people's rollbacks refer to. */
function historyOf(status: unknown): readonly PastSync[] {
  if (!isObject(status) || !Array.isArray(status['history'])) return [];
  return status['history'].filter(isObject).flatMap((entry) => {
    const finishedAtMs = parseTimestamp(entry['deployedAt']);
    const revisions = revisionsOf(entry);
    if (revisions.length === 0 || finishedAtMs === undefined) return [];
    const { initiatedBy } = entry;
    const by =
      isObject(initiatedBy) && initiatedBy['automated'] !== true ? initiatedBy['username'] : undefined;
    return [
      {
        id: Number(entry['id'] ?? 0),
        revisions,
        startedAtMs: parseTimestamp(entry['deployStartedAt']) ?? finishedAtMs,
        finishedAtMs,
        by: typeof by === 'string' ? by : 'automated sync',
      },
    ];
  });
}

/** Of one source, or of each of several. */
function revisionsOf(entry: Readonly<Record<string, unknown>>): PastSync['revisions'] {
  const several = Array.isArray(entry['sources']) && Array.isArray(entry['revisions']);
  const sources: readonly unknown[] = several ? (entry['sources'] as unknown[]) : [entry['source']];
  const revisions: readonly unknown[] = several ? (entry['revisions'] as unknown[]) : [entry['revision']];
  return revisions.flatMap((commit, index) => {
    const source = sources[index];
    if (typeof commit !== 'string' || (!several && commit === '')) return [];
    return [{ url: isObject(source) ? String(source['repoURL'] ?? '') : '', commit }];
  });
}

/** `status.resources`, leaving out what is a hook. */
function objectsOf(status: unknown): readonly ObjectRef[] {
  if (!isObject(status) || !Array.isArray(status['resources'])) return [];
  return status['resources']
    .filter(isObject)
    .filter((resource) => resource['hook'] !== true && typeof resource['kind'] === 'string')
    .map((resource) => ({
      group: String(resource['group'] ?? ''),
      version: String(resource['version'] ?? ''),
      kind: String(resource['kind']),
      namespace: String(resource['namespace'] ?? ''),
      name: String(resource['name'] ?? ''),
    }));
}

/** The namespace that `managedNamespaceMetadata` describes is listed too: unmarked, and no object of the Application. */
function isManagedNamespace({ spec }: Manifest, { group, kind, name }: ObjectRef): boolean {
  if (group !== '' || kind !== 'Namespace' || !isObject(spec)) return false;
  const { destination, syncPolicy } = spec;
  return (
    isObject(destination) &&
    destination['namespace'] === name &&
    isObject(syncPolicy) &&
    isObject(syncPolicy['managedNamespaceMetadata'])
  );
}
