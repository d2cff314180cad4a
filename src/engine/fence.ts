/**
 * A cluster that is written to only within a tenure; what a Run writes is over before that ends (F14).
 * What is seen in it is no older than `sinceMs` (F6).
 */
import { fail, type Result } from '#model/failure.ts';
import type { Cluster } from '#model/ports.ts';
import { leaseLost, type Tenure } from './lease.ts';

export function fenced(cluster: Cluster, tenure: Tenure, sinceMs?: number): Cluster {
  const within = async <T>(write: (untilMs: number) => Promise<Result<T>>): Promise<Result<T>> => {
    const untilMs = tenure.untilMs();
    return untilMs === undefined ? fail(leaseLost) : write(untilMs);
  };
  return {
    id: cluster.id,
    resources: (refresh) => cluster.resources(refresh),
    capabilities: () => cluster.capabilities(),
    onKinds: (listener) => cluster.onKinds(listener),
    follow: (selection, listener) => cluster.follow(selection, listener),
    observe: (kinds) => cluster.observe(kinds),
    onChange: (listener) => cluster.onChange(listener),
    sightings: (refs, deadlineMs, since = sinceMs) => cluster.sightings(refs, deadlineMs, since),
    bodies: (refs) => cluster.bodies(refs),
    read: (ref) => cluster.read(ref),
    list: (kind, namespace) => cluster.list(kind, namespace),
    metadata: (kind, page) => cluster.metadata(kind, page),
    close: () => cluster.close(),
    apply: (request) => within((untilMs) => cluster.apply({ ...request, untilMs })),
    patch: (ref, patch, manager, expect) =>
      within((untilMs) => cluster.patch(ref, patch, manager, expect, untilMs)),
    remove: (ref, expect, propagation) =>
      within((untilMs) => cluster.remove(ref, expect, propagation, untilMs)),
    delete: (ref) => within((untilMs) => cluster.delete(ref, untilMs)),
    // Each of these has a precondition of its own, by which a late one does nothing.
    create: (manifest) => within(() => cluster.create(manifest)),
    tryCreation: (manifest) => within(() => cluster.tryCreation(manifest)),
    replace: (manifest) => within(() => cluster.replace(manifest)),
    mergePatch: (ref, patch) => within(() => cluster.mergePatch(ref, patch)),
  };
}
