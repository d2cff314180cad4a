/** What is recorded of Runs → `status.history` of a Kustomization: snapshots, newest first, as Flux 2.7 and later has them. */
import { isObject, type Json, type JsonObject } from '#model/json.ts';
import type { HistoryEntry, UnitState } from '#model/outcome.ts';
import { parseTimestamp, timestamp } from '#model/time.ts';
import type { GitRef } from '#model/unit.ts';
import { revisionText } from './revision.ts';

/** As many as Flux keeps. */
const snapshotsMax = 5;

type SyncEntry = Extract<HistoryEntry, { kind: 'sync' }>;

/** One snapshot for each plan and how it ended; before ours, those that another controller left. */
export function historyOf(state: UnitState, before: unknown, ref: GitRef | undefined): Json | undefined {
  const groups = new Map<string, SyncEntry[]>();
  for (const entry of state.history) {
    // What was taken over stands among the snapshots that were left.
    if (entry.kind !== 'sync' || entry.atMs < state.sinceMs) continue;
    const key = `${entry.plan} ${entry.result}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  const own = [...groups.values()]
    .toSorted((a, b) => b.at(-1)!.id - a.at(-1)!.id)
    .map((entries) => snapshotOf(entries, ref));
  const snapshots = [...own, ...leftBefore(before, state.sinceMs)].slice(0, snapshotsMax);
  return snapshots.length === 0 ? undefined : snapshots;
}

function snapshotOf(entries: readonly SyncEntry[], ref: GitRef | undefined): JsonObject {
  const [first, last] = [entries[0]!, entries.at(-1)!];
  const [revision] = last.revisions;
  const { approved } = last;
  const metadata = {
    ...(revision === undefined ? {} : { revision: revisionText(revision, ref) }),
    ...(approved === undefined ? {} : { approvedBy: approved.by }),
    ...(approved?.atMs === undefined ? {} : { approvedAt: timestamp(approved.atMs) }),
  };
  return {
    digest: last.plan,
    firstReconciled: timestamp(first.atMs),
    lastReconciled: timestamp(last.atMs),
    lastReconciledDuration: `${last.durationMs / 1000}s`,
    lastReconciledStatus: last.result === 'succeeded' ? 'ReconciliationSucceeded' : 'ReconciliationFailed',
    totalReconciliations: entries.length,
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
}

function leftBefore(before: unknown, sinceMs: number): readonly JsonObject[] {
  const snapshots = Array.isArray(before) ? before.filter(isObject) : [];
  return snapshots.filter((snapshot) => {
    const atMs = parseTimestamp(snapshot['lastReconciled']);
    return atMs !== undefined && atMs < sinceMs - (sinceMs % 1000);
  }) as readonly JsonObject[];
}
