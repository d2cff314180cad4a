/** What Flux left in the status of its resources, and whether its controllers still run (F29). */
import type { Lookup, Selection } from '#model/dialect.ts';
import { isObject } from '#model/json.ts';
import type { Manifest, ObjectRef } from '#model/object.ts';
import { parseTimestamp } from '#model/time.ts';
import type { Lock, PastSync, Predecessor } from '#model/unit.ts';
import { statusManager, statusWriters } from '../status-writers.ts';
import { inventoryRefs } from './inventory.ts';
import { parseRevision } from './revision.ts';

export type Controller = 'kustomize-controller' | 'source-controller';
const controllers: readonly Controller[] = ['kustomize-controller', 'source-controller'];

/** Where Flux's controllers would be seen: their Deployments anywhere, and the Leases under which they work. */
export function controllerSelections(fluxNamespace: string): readonly Selection[] {
  return [
    {
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      plural: 'deployments',
      labelSelector: partOfFlux,
      optional: true,
    },
    ...controllers.map((controller) => ({
      kind: { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease' },
      plural: 'leases',
      namespace: fluxNamespace,
      name: leaseOf(controller),
      optional: true,
    })),
  ];
}

const partOfFlux = 'app.kubernetes.io/part-of=flux';
const leaseOf = (controller: Controller): string => `${controller}-leader-election`;

function runningOf(lookup: Lookup, controller: Controller): string | undefined {
  const found = lookup.list('apps', 'Deployment').find(({ metadata, status }) => {
    const { labels = {}, name } = metadata;
    const isMeant = labels['app.kubernetes.io/component'] === controller || name === controller;
    const isFlux = labels['app.kubernetes.io/part-of'] === 'flux';
    return isFlux && isMeant && isObject(status) && Number(status['readyReplicas'] ?? 0) > 0;
  });
  return found === undefined ? undefined : `Deployment ${found.metadata.namespace}/${found.metadata.name}`;
}

/** Whoever holds it renews it every few seconds; one that was given back has no holder. */
function lockOf(lookup: Lookup, controller: Controller, fluxNamespace: string): Lock | undefined {
  const name = leaseOf(controller);
  const key = { group: 'coordination.k8s.io', kind: 'Lease', namespace: fluxNamespace, name };
  const spec = lookup.get(key)?.['spec'];
  if (!isObject(spec) || typeof spec['holderIdentity'] !== 'string' || spec['holderIdentity'] === '')
    return undefined;
  return {
    holder: `${spec['holderIdentity']} holds Lease ${fluxNamespace}/${name}`,
    renewedAtMs: parseTimestamp(spec['renewTime']) ?? 0,
    durationMs: Number(spec['leaseDurationSeconds'] ?? 0) * 1000,
  };
}

export interface PredecessorQuestion {
  readonly resource: Manifest;
  readonly controller: Controller;
  readonly fluxNamespace: string;
  /** Where what is recorded came from. */
  readonly url: string;
}

export function predecessorOf(question: PredecessorQuestion, lookup: Lookup): Predecessor | undefined {
  const { resource, controller, fluxNamespace, url } = question;
  const running = runningOf(lookup, controller);
  const lock = lockOf(lookup, controller, fluxNamespace);
  const writers = statusWriters(resource);
  const [last] = writers
    .filter(({ manager }) => manager !== statusManager)
    .toSorted((a, b) => b.atMs - a.atMs);
  const ours = writers.find(({ manager }) => manager === statusManager);
  const isReconciled = last !== undefined && saysSomething(resource['status']);
  if (!isReconciled && running === undefined && lock === undefined) return undefined;
  return {
    manager: last?.manager ?? controller,
    atMs: isReconciled ? last.atMs : 0,
    ...(ours === undefined ? {} : { oursAtMs: ours.atMs }),
    ...(running === undefined ? {} : { running }),
    ...(lock === undefined ? {} : { lock }),
    objects: objectsOf(resource['status']),
    history: historyOf(resource['status'], url),
  };
}

/** Clients that make a resource may send along `observedGeneration: -1`, which Flux's definitions have as default. */
function saysSomething(status: unknown): boolean {
  return isObject(status) && Array.isArray(status['conditions']) && status['conditions'].length > 0;
}

function objectsOf(status: unknown): readonly ObjectRef[] {
  return isObject(status) ? inventoryRefs(status['inventory']) : [];
}

/** What was applied last: nothing older may follow it without a person's word (F10). */
function historyOf(status: unknown, url: string): readonly PastSync[] {
  const revision = isObject(status) ? parseRevision(status['lastAppliedRevision']) : undefined;
  if (!isObject(status) || revision === undefined) return [];
  const conditions = Array.isArray(status['conditions']) ? status['conditions'].filter(isObject) : [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const atMs = parseTimestamp(ready?.['lastTransitionTime']) ?? 0;
  return [
    {
      id: 0,
      revisions: [{ url, commit: revision.commit }],
      startedAtMs: atMs,
      finishedAtMs: atMs,
      by: 'automated sync',
    },
  ];
}
