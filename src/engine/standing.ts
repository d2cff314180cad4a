/** Whether a Unit is ours to act on (F29), and what stands recorded of it when nothing does. */
import type { InventoryEntry } from '#model/observed.ts';
import type { HistoryEntry, UnitState } from '#model/outcome.ts';
import type { PastSync, Unit } from '#model/unit.ts';

type SyncEntry = Extract<HistoryEntry, { kind: 'sync' }>;

export type Standing = { readonly mayAct: true } | { readonly mayAct: false; readonly why: string };

/** managedFields has whole seconds: what was written in the second in which we began is not "afterwards". */
const secondMs = 1000;

export function standing(unit: Unit, state: UnitState | undefined): Standing {
  const { predecessor } = unit;
  if (predecessor === undefined) return { mayAct: true };
  if (predecessor.running !== undefined) {
    return {
      mayAct: false,
      why: `another controller runs: ${predecessor.running}; stop it, then sync this Unit once`,
    };
  }
  if (state === undefined) {
    if (predecessor.atMs === 0 || unit.request !== undefined) return { mayAct: true };
    return {
      mayAct: false,
      why: `${predecessor.manager} kept its status so far; trueup app sync ${unit.owner.name} takes it over`,
    };
  }
  const oursMs = Math.max(predecessor.oursAtMs ?? 0, state.sinceMs);
  if (predecessor.atMs > oursMs + secondMs && unit.request === undefined) {
    return {
      mayAct: false,
      why: `suspended: ${predecessor.manager} writes its status too; stop that controller, then trueup app sync ${unit.owner.name}`,
    };
  }
  return { mayAct: true };
}

function pastEntry({ id, url, commit, startedAtMs, finishedAtMs, by }: PastSync): SyncEntry {
  const label = commit.slice(0, 8);
  return {
    kind: 'sync',
    id,
    atMs: startedAtMs,
    durationMs: finishedAtMs - startedAtMs,
    revisions: [{ url, commit, label, author: '', message: '', atMs: startedAtMs }],
    by,
    plan: 'sha256:',
    result: 'succeeded',
    message: 'before the takeover',
    counts: { applied: 0, pruned: 0 },
  };
}

/** A Unit that we see for the first time. What another controller left seeds the inventory, unproven. */
export function newState(unit: Unit, nowMs: number): UnitState {
  const left = unit.predecessor?.objects ?? [];
  const history = (unit.predecessor?.history ?? []).map(pastEntry);
  const inventory: readonly InventoryEntry[] = left.map((ref) => ({ ref, state: 'attempted' }));
  return {
    unit: unit.id,
    owner: unit.owner,
    epoch: 0,
    revisions: history.at(-1)?.revisions ?? [],
    inventory,
    values: {},
    history,
    sinceMs: nowMs,
    takenOver: left.length > 0,
  };
}
