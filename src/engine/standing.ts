/** Whether a Unit is ours to act on (F29), and what stands recorded of it when nothing does. */
import type { InventoryEntry } from '#model/observed.ts';
import type { HistoryEntry, UnitState } from '#model/outcome.ts';
import type { DeclaredSource } from '#model/dialect.ts';
import type { PastSync, Predecessor, Unit } from '#model/unit.ts';

type SyncEntry = Extract<HistoryEntry, { kind: 'sync' }>;

export type Standing =
  | { readonly mayAct: true }
  | {
      readonly mayAct: false;
      readonly why: string;
      /** When it may be otherwise though nobody tells. */
      readonly againMs?: number;
    };

/** managedFields has whole seconds: what was written in the second in which we began is not "afterwards". */
const secondMs = 1000;

/** A lock that was not renewed for this many times its duration is nobody's any more, even if clocks differ. */
const lockDurations = 2;

/** Whether another controller runs at this moment. */
export function occupied(predecessor: Predecessor, wish: string, nowMs: number): Standing {
  const { running, lock } = predecessor;
  const why = (who: string): string => `another controller runs: ${who}; stop it, then: ${wish}`;
  if (running !== undefined) return { mayAct: false, why: why(running) };
  const againMs = lock === undefined ? 0 : lock.renewedAtMs + lockDurations * lock.durationMs - nowMs;
  if (againMs > 0) return { mayAct: false, why: why(lock!.holder), againMs };
  return { mayAct: true };
}

export function standing(unit: Unit, state: UnitState | undefined, nowMs: number): Standing {
  const { predecessor, wishes } = unit;
  if (predecessor === undefined) return { mayAct: true };
  const occupation = occupied(predecessor, wishes.sync, nowMs);
  if (!occupation.mayAct) return occupation;
  if (state === undefined) {
    if (predecessor.atMs === 0 || unit.request !== undefined) return { mayAct: true };
    return {
      mayAct: false,
      why: `${predecessor.manager} kept its status so far; to take it over: ${wishes.sync}`,
    };
  }
  const oursMs = Math.max(predecessor.oursAtMs ?? 0, state.sinceMs);
  if (predecessor.atMs > oursMs + secondMs && unit.request === undefined) {
    return {
      mayAct: false,
      why: `suspended: ${predecessor.manager} writes its status too; stop that controller, then: ${wishes.sync}`,
    };
  }
  return { mayAct: true };
}

/** The same for a source, which keeps no record of its own: its status says who wrote it last. */
export function sourceStanding(declared: DeclaredSource, nowMs: number): Standing {
  const { predecessor, takeover, requested } = declared;
  if (predecessor === undefined) return { mayAct: true };
  const occupation = occupied(predecessor, takeover, nowMs);
  if (!occupation.mayAct || requested || predecessor.atMs === 0) return occupation;
  const { manager, atMs, oursAtMs } = predecessor;
  if (oursAtMs !== undefined && atMs <= oursAtMs + secondMs) return { mayAct: true };
  return { mayAct: false, why: `${manager} kept its status so far; to take it over: ${takeover}` };
}

function pastEntry({ id, revisions, startedAtMs, finishedAtMs, by }: PastSync): SyncEntry {
  return {
    kind: 'sync',
    id,
    atMs: startedAtMs,
    durationMs: finishedAtMs - startedAtMs,
    revisions: revisions.map(({ url, commit }) => ({
      url,
      commit,
      label: commit.slice(0, 8),
      author: '',
      message: '',
      atMs: startedAtMs,
    })),
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
