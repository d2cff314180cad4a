/**
 * How the resources that are reconciled stand, as metrics whose names and labels dashboards know: those of Argo CD for
 * Applications, those of Flux for every resource that has conditions as Kubernetes writes them, of whatever kind.
 */
import type { EngineObserver } from '#engine/observer.ts';
import { applicationKind } from '#dialects/argo/application.ts';
import { inClusterServer } from '#dialects/argo/in-cluster.ts';
import { withoutUserInfo } from '#git/url.ts';
import type { Sample } from '#host/metrics.ts';
import { isObject } from '#model/json.ts';
import { refOf, type Manifest, type ObjectKey } from '#model/object.ts';
import type { Meter } from '#model/ports.ts';
import { projectOf } from './api/listing.ts';

const conditionTypes = new Set(['Ready', 'Reconciling', 'Stalled', 'Healthy']);
const conditionStatuses = ['True', 'False', 'Unknown'] as const;

/** One sample an Application. */
export function* applicationSamples(applications: Iterable<Manifest>): Iterable<Sample> {
  for (const application of applications) {
    const { metadata, spec, status, operation } = application;
    const source = at(spec, 'source') ?? (at(spec, 'sources') as readonly unknown[] | undefined)?.[0];
    const automated = at(spec, 'syncPolicy', 'automated');
    const isAutomated = isObject(automated) && automated['enabled'] !== false;
    const doing =
      metadata['deletionTimestamp'] !== undefined ? 'delete' : operation === undefined ? '' : 'sync';
    yield {
      value: 1,
      labels: {
        autosync_enabled: String(isAutomated),
        dest_namespace: text(spec, 'destination', 'namespace'),
        dest_server: serverOf(application),
        health_status: text(status, 'health', 'status') || 'Unknown',
        name: metadata.name,
        namespace: metadata.namespace ?? '',
        operation: doing,
        project: projectOf(application),
        // Who may read metrics need not know the password in an address.
        repo: withoutUserInfo(text(source, 'repoURL')),
        sync_status: text(status, 'sync', 'status') || 'Unknown',
      },
    };
  }
}

/** For each condition three samples: 1 for the status that it has, 0 for the others, as Flux has them. */
export function* conditionSamples(resources: Iterable<Manifest>): Iterable<Sample> {
  for (const resource of resources) {
    if (readyOf(resource) === undefined) continue;
    const { kind, namespace, name } = refOf(resource);
    for (const condition of conditionsOf(resource)) {
      const type = text(condition, 'type');
      if (!conditionTypes.has(type)) continue;
      for (const status of conditionStatuses)
        yield {
          value: Number(text(condition, 'status') === status),
          labels: { kind, name, namespace, status, type },
        };
    }
  }
}

export interface ForgettingMeter extends Meter {
  /** The series with these labels go. */
  forget(name: string, labels: Readonly<Record<string, string>>): void;
}

/** Counts what turns came to. */
export function unitObserver(meter: ForgettingMeter): EngineObserver {
  return {
    turned: (resource, { seconds, run }) => {
      const { group, kind, namespace, name } = refOf(resource);
      if (readyOf(resource) !== undefined)
        meter.observe('gotk_reconcile_duration_seconds', seconds, { kind, name, namespace });
      if (group !== applicationKind.group || kind !== applicationKind.kind) return;
      const dest_server = serverOf(resource);
      meter.observe('argocd_app_reconcile', seconds, { dest_server, namespace });
      if (run === undefined) return;
      meter.count('argocd_app_sync_total', {
        dest_server,
        dry_run: String(run.dryRun),
        name,
        namespace,
        phase: run.succeeded ? 'Succeeded' : 'Failed',
        project: projectOf(resource),
      });
    },
    forgotten: ({ group, kind, namespace, name }: ObjectKey) => {
      meter.forget('gotk_reconcile_duration_seconds', { kind, name, namespace });
      if (group === applicationKind.group && kind === applicationKind.kind)
        meter.forget('argocd_app_sync_total', { name, namespace });
    },
  };
}

function serverOf({ spec }: Manifest): string {
  // By name there is only the cluster that Trueup runs for.
  return text(spec, 'destination', 'server') || inClusterServer;
}

function conditionsOf({ status }: Manifest): readonly unknown[] {
  const conditions = at(status, 'conditions');
  return Array.isArray(conditions) ? conditions : [];
}

/** A Ready condition with a status: an Application's own conditions have none. */
function readyOf(resource: Manifest): unknown {
  return conditionsOf(resource).find(
    (condition) => text(condition, 'type') === 'Ready' && text(condition, 'status') !== '',
  );
}

function at(value: unknown, ...path: readonly string[]): unknown {
  let found: unknown = value;
  for (const part of path) found = isObject(found) ? found[part] : undefined;
  return found;
}

function text(value: unknown, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
}
