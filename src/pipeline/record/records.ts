/**
 * What the records have to take up: from a Unit's history, which survives a crash, and from a look at what drifted. Pure
 * and repeatable: what was taken up already gives nothing, so that no crash between two writes loses or doubles anything.
 */
import { withoutSecrets } from '#git/url.ts';
import { keyText, type ObjectRef } from '#model/object.ts';
import type { FieldChange, FieldOwner } from '#model/observed.ts';
import type { HistoryEntry, UnitState } from '#model/outcome.ts';
import type { Plan, Step } from '#model/plan.ts';
import type { DeploymentRecord, DriftRecord, DriftWriter, RecordChanges, RecordMark } from '#model/record.ts';
import { isDrift } from '#model/sentences.ts';
import type { Unit, UnitId } from '#model/unit.ts';
import { beganAtMs, pendingRevert } from './history.ts';

/** What the records have of a Unit. */
export interface Recorded {
  readonly mark: RecordMark | undefined;
  /** Its open drift, by the key of the object. */
  readonly open: ReadonlyMap<string, DriftRecord>;
}

/** What stands otherwise than Git says now, as a turn found it. */
export interface Look {
  readonly unit: UnitId;
  readonly owner: ObjectRef;
  readonly atMs: number;
  readonly drift: readonly Drifted[];
  /** Objects of which the plan does not tell whether they still drift. */
  readonly unsettled: ReadonlySet<string> | 'all';
  /** Why drift is left as it is, where the policy says so. */
  readonly left: string | undefined;
}

interface Drifted {
  readonly object: ObjectRef;
  readonly changes: readonly FieldChange[];
  readonly deleted: boolean;
  readonly seenAtMs: number;
  readonly beganAtMs: number;
  readonly healedAtMs?: number;
  /** Why this one is left as it is. */
  readonly left?: string;
}

type SyncEntry = Extract<HistoryEntry, { kind: 'sync' }>;
type DriftEntry = Extract<HistoryEntry, { kind: 'drift' }>;
const fieldsMax = 50;
const writersMax = 10;

/** Of a Unit's history what is not in the records; undefined: all of it is. */
export function fromHistory(state: UnitState, recorded: Recorded): RecordChanges | undefined {
  const { unit, sinceMs, history, owner } = state;
  const known = recorded.mark?.sinceMs === sinceMs ? recorded.mark : { entry: 0, pending: 0 };
  const fresh = unrecorded(state, recorded.mark);
  const pending = pendingRevert(state)?.id ?? 0;
  if (fresh.length === 0 && pending === known.pending) return undefined;
  const settled = history.filter(({ id }) => id === known.pending);
  const syncs = [...settled, ...fresh].filter((entry) => entry.kind === 'sync');
  const drifts = fresh
    .filter((entry) => entry.kind === 'drift')
    .map(driftedOf)
    .filter(differs);
  const entry = Math.max(known.entry, ...fresh.map(({ id }) => id));
  return {
    mark: { unit, sinceMs, entry, pending },
    deployments: syncs.filter(isDeployment).map((sync) => deploymentOf(state, sync)),
    drift: taken({ unit, owner }, drifts, recorded.open),
  };
}

/** The entries that the records lack. */
export function unrecorded(state: UnitState, mark: RecordMark | undefined): readonly HistoryEntry[] {
  const last = mark?.sinceMs === state.sinceMs ? mark.entry : 0;
  return state.history.filter(({ id }) => id > last);
}

/** What is open from now on, what has more to it, and what is over though we did not heal it. */
export function fromLook(look: Look, recorded: Recorded): RecordChanges | undefined {
  const seen = new Set(look.drift.map(({ object }) => keyText(object)));
  const ended = [...recorded.open]
    .filter(([key]) => !seen.has(key) && look.unsettled !== 'all' && !look.unsettled.has(key))
    .map(([, drift]): DriftRecord => ({ ...drift, ended: { atMs: look.atMs, how: 'elsewhere' } }));
  const found = taken(look, look.drift, recorded.open).filter(
    (drift) => JSON.stringify(drift) !== JSON.stringify(recorded.open.get(keyText(drift.object))),
  );
  return ended.length + found.length === 0 ? undefined : { deployments: [], drift: [...ended, ...found] };
}

/** The drift of a Run that the history, `state` being written, had no room for. */
export function fromRun(
  { unit, owner, history }: UnitState,
  plan: Plan,
  { seenAtMs, healedAtMs }: { readonly seenAtMs: number; readonly healedAtMs: number | undefined },
  recorded: Recorded,
): RecordChanges {
  const kept = new Set(
    history.flatMap((entry) =>
      entry.kind === 'drift' && entry.seenAtMs === seenAtMs ? [keyText(entry.object)] : [],
    ),
  );
  const drifts = driftOf(plan, seenAtMs)
    .filter(({ object }) => !kept.has(keyText(object)))
    .map((drifted) => ({ ...drifted, ...(healedAtMs === undefined ? {} : { healedAtMs }) }));
  return { deployments: [], drift: taken({ unit, owner }, drifts, recorded.open) };
}

/** The Unit is no more: nobody will see the end of what is open. */
export function fromEnd(unit: UnitId, atMs: number, recorded: Recorded): RecordChanges {
  const drift = [...recorded.open.values()].map((open): DriftRecord => ({
    ...open,
    ended: { atMs, how: 'forgotten' },
  }));
  return { deployments: [], drift, forget: unit };
}

export function lookOf(unit: Unit, plan: Plan, nowMs: number): Look {
  const others = plan.steps.filter((step) => !isDrift(step));
  return {
    unit: unit.id,
    owner: unit.owner,
    atMs: nowMs,
    drift: driftOf(plan, nowMs),
    // What could not be looked at has no step.
    unsettled: plan.blocked.length > 0 ? 'all' : new Set(others.map(({ object }) => keyText(object))),
    left: leftBecause(unit),
  };
}

function leftBecause({ sync }: Unit): string | undefined {
  if (sync.trigger === 'suspended') return 'suspended';
  if (sync.trigger === 'manual') return 'automated sync is off';
  return sync.selfHeal ? undefined : 'self-heal is off';
}

/** Neither what another controller did before a takeover, of which we have no plan, nor a deletion. */
function isDeployment({ plan, by, automated }: SyncEntry): boolean {
  return plan !== 'sha256:' && !(by === 'deletion' && automated === true);
}

function deploymentOf({ unit, sinceMs, owner }: UnitState, entry: SyncEntry): DeploymentRecord {
  const { id, atMs, durationMs, by, automated, attempt, result, counts, revert } = entry;
  return {
    unit,
    sinceMs,
    entry: id,
    owner,
    atMs,
    durationMs,
    revisions: entry.revisions.map(({ url, commit, label }) => ({
      url: withoutSecrets(url, []),
      commit,
      label,
    })),
    by,
    ...(automated === undefined ? {} : { automated }),
    ...(attempt === undefined ? {} : { attempt }),
    result,
    message: withoutSecrets(entry.message, []),
    applied: counts.applied,
    pruned: counts.pruned,
    ...(revert === undefined ? {} : { revert }),
  };
}

function driftedOf(entry: DriftEntry): Drifted {
  const { object, changes, atMs, durationMs, healed } = entry;
  const seenAtMs = entry.seenAtMs ?? atMs;
  return {
    object,
    changes,
    deleted: entry.deleted === true,
    seenAtMs,
    beganAtMs: Math.min(seenAtMs, atMs - durationMs),
    ...(healed ? { healedAtMs: atMs } : {}),
  };
}

function driftOf(plan: Plan, seenAtMs: number): readonly Drifted[] {
  const drifts = plan.steps.filter(isDrift).map(({ object, changes, action }: Step) => ({
    object,
    changes,
    deleted: action.verb === 'create',
    seenAtMs,
    beganAtMs: beganAtMs(changes, seenAtMs),
  }));
  const contested = (plan.contested ?? []).map(({ ref, changes, failure }) => ({
    object: ref,
    changes,
    deleted: changes.some(({ path }) => path === ''),
    seenAtMs,
    beganAtMs: beganAtMs(changes, seenAtMs),
    left: `healing is suspended: ${failure.message}`,
  }));
  return [...drifts, ...contested].filter(differs);
}

/** Where only the ownership of fields is another one, all stands as Git says. */
function differs({ changes, deleted }: Pick<Drifted, 'changes' | 'deleted'>): boolean {
  return deleted || changes.length > 0;
}

/** Many changes of one object are one incident for as long as it is open. */
function taken(
  { unit, owner, left }: Pick<UnitState, 'unit' | 'owner'> & { readonly left?: string | undefined },
  drifts: readonly Drifted[],
  open: ReadonlyMap<string, DriftRecord>,
): readonly DriftRecord[] {
  const now = new Map(open);
  const records: DriftRecord[] = [];
  for (const drifted of drifts) {
    const { object, changes, deleted, seenAtMs, beganAtMs: sinceMs, healedAtMs } = drifted;
    const why = drifted.left ?? left;
    const key = keyText(object);
    const earlier = now.get(key);
    const record: DriftRecord = {
      unit,
      owner,
      object,
      seenAtMs: earlier?.seenAtMs ?? seenAtMs,
      beganAtMs: earlier?.beganAtMs ?? sinceMs,
      by: writers(earlier?.by ?? [], changes),
      fields: [...new Set([...(earlier?.fields ?? []), ...changes.map(({ path }) => path)])].slice(
        0,
        fieldsMax,
      ),
      deleted: deleted || earlier?.deleted === true,
      ...(why === undefined ? {} : { left: why }),
      ...(healedAtMs === undefined ? {} : { ended: { atMs: healedAtMs, how: 'healed' } }),
    };
    records.push(record);
    if (healedAtMs === undefined) now.set(key, record);
    else now.delete(key);
  }
  return records;
}

function writers(earlier: readonly DriftWriter[], changes: readonly FieldChange[]): readonly DriftWriter[] {
  const owners = changes
    .map(({ owner }) => owner)
    .filter((owner): owner is FieldOwner => typeof owner === 'object');
  const all = [...earlier, ...owners].map(({ manager, operation, subresource }) => ({
    manager,
    operation,
    ...(subresource === undefined ? {} : { subresource }),
  }));
  return [...new Map(all.map((writer) => [JSON.stringify(writer), writer])).values()].slice(0, writersMax);
}
