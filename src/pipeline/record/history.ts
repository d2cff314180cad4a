/** A Unit's history: Runs and drift, newest last, bounded. */
import type { Json } from '#model/json.ts';
import { keyText } from '#model/object.ts';
import type { FieldChange, FieldOwner } from '#model/observed.ts';
import { historyMax, type HistoryEntry, type UnitState } from '#model/outcome.ts';
import type { Plan } from '#model/plan.ts';
import type { Revision } from '#model/unit.ts';
import { driftSentence, isDrift } from '#model/sentences.ts';

const changesMax = 10;

const valueLengthMax = 200;

/** The record must fit into one object, whatever stood in a ConfigMap. */
function shortened({ before, after, ...change }: FieldChange): FieldChange {
  const short = (value: Json): Json => {
    const text = JSON.stringify(value);
    return text.length > valueLengthMax ? `${text.slice(0, valueLengthMax)}…` : value;
  };
  return {
    ...change,
    ...(before === undefined ? {} : { before: short(before) }),
    ...(after === undefined ? {} : { after: short(after) }),
  };
}

/**
 * Whether a commit takes an earlier one back, by what git and hosts write as its first line: `Revert "…"`, or the merge
 * of a branch that a host named `revert-12-…`. A revert of a revert is one as well.
 */
export function isRevert(message: string): boolean {
  return /^Revert ["“']/.test(message) || /^Merge .*\brevert-\d+-/.test(message);
}

/** The last deployment, if it is a revert that was not stable yet when it was last looked at. */
export function pendingRevert({ history }: UnitState): SyncEntry | undefined {
  const last = history.findLast((entry) => entry.kind === 'sync');
  const isPending = last?.result === 'succeeded' && last.revert !== undefined;
  return isPending && last.revert.stableAtMs === undefined ? last : undefined;
}

/** All is as the revert wants it, and healthy. */
export function withStable(state: UnitState, nowMs: number): UnitState {
  const pending = pendingRevert(state);
  if (pending?.revert === undefined) return state;
  const done: SyncEntry = { ...pending, revert: { ...pending.revert, stableAtMs: nowMs } };
  return { ...state, history: state.history.map((entry) => (entry === pending ? done : entry)) };
}

type SyncEntry = Extract<HistoryEntry, { kind: 'sync' }>;
type DriftEntry = Extract<HistoryEntry, { kind: 'drift' }>;
export type SyncFacts = Pick<
  SyncEntry,
  'atMs' | 'durationMs' | 'by' | 'automated' | 'attempt' | 'approved' | 'result' | 'message' | 'revert'
>;

function nextId({ history }: UnitState): number {
  return Math.max(0, ...history.map(({ id }) => id)) + 1;
}

/** The last of each sort stay, so that much drift or a long row of failures does not push the deployments out. */
function bounded(history: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const sort = (entry: HistoryEntry): string => (entry.kind === 'sync' ? entry.result : entry.kind);
  const last = (wanted: string): readonly HistoryEntry[] =>
    history.filter((entry) => sort(entry) === wanted).slice(-historyMax);
  return [...last('succeeded'), ...last('failed'), ...last('drift')].toSorted((a, b) => a.id - b.id);
}

export function withSync(state: UnitState, plan: Plan, facts: SyncFacts): UnitState {
  const verbs = plan.steps.filter(({ reason }) => reason !== 'hook').map(({ action }) => action.verb);
  const entry: SyncEntry = {
    kind: 'sync',
    id: nextId(state),
    revisions: plan.revisions,
    plan: plan.digest,
    counts: {
      applied: verbs.filter((verb) => verb === 'create' || verb === 'apply').length,
      pruned: plan.pruned,
    },
    ...facts,
  };
  return { ...state, history: bounded([...state.history, entry]) };
}

/**
 * `next`, with the sync that a process began, carried out, and did not live to record: all that it was for is applied
 * now. Nothing where `state` has none under way, or one that brought nothing new.
 */
export function withUnrecordedSync(
  next: UnitState,
  { intent, revisions }: UnitState,
  plan: Plan,
  nowMs: number,
): UnitState {
  const commits = (of: readonly Revision[]): string => of.map(({ commit }) => commit).join();
  const isDone = intent !== undefined && commits(intent.revisions) === commits(plan.revisions);
  if (!isDone || commits(intent.revisions) === commits(revisions)) return next;
  const { startedAtMs: atMs, by, attempt } = intent;
  return withSync(
    next,
    { ...plan, digest: intent.plan },
    {
      atMs,
      durationMs: nowMs - atMs,
      by,
      automated: by === 'automated sync',
      attempt,
      result: 'succeeded',
      message: 'all of it is applied; whoever did it ended before that was recorded',
      ...(plan.revisions.some(({ message }) => isRevert(message)) ? { revert: { seenAtMs: atMs } } : {}),
    },
  );
}

/** Since when drift is known to stand. Writes through a subresource carry no time in managedFields. */
export function beganAtMs(changes: readonly FieldChange[], seenAtMs: number): number {
  const owners = changes
    .map(({ owner }) => owner)
    .filter((owner): owner is FieldOwner => typeof owner === 'object');
  return Math.min(seenAtMs, ...owners.map(({ atMs }) => atMs).filter((atMs) => atMs > 0));
}

/**
 * One entry a drifted object: what was changed, by which tool, since when. It is said when a Run begins, because its end
 * may not be recorded, and again at its end, in place of that.
 */
export function withDrift(
  state: UnitState,
  plan: Plan,
  {
    healed,
    nowMs,
    seenAtMs,
  }: { readonly healed: boolean; readonly nowMs: number; readonly seenAtMs: number },
): UnitState {
  let id = nextId(state);
  const entries: readonly DriftEntry[] = plan.steps.filter(isDrift).map((step) => {
    return {
      kind: 'drift',
      id: id++,
      atMs: nowMs,
      object: step.object,
      changes: step.changes.slice(0, changesMax).map(shortened),
      ...(step.action.verb === 'create' ? { deleted: true } : {}),
      healed,
      seenAtMs,
      durationMs: nowMs - beganAtMs(step.changes, seenAtMs),
      sentence: driftSentence(step),
    };
  });
  if (entries.length === 0) return state;
  const said = new Set(entries.map(({ object }) => keyText(object)));
  const isBegun = (entry: HistoryEntry): boolean =>
    entry.kind === 'drift' && !entry.healed && entry.seenAtMs === seenAtMs && said.has(keyText(entry.object));
  const others = state.history.filter((entry) => !isBegun(entry));
  return { ...state, history: bounded([...others, ...entries]) };
}
