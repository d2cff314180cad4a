/**
 * One turn of a Unit: look, plan, and if its policy allows, run; then say where it is. A turn starts from what is
 * recorded and seen, never from what an earlier turn intended, so that any turn can be the first.
 */
import { makePlan, observe } from '#pipeline/pipeline.ts';
import { inventoryHolds } from '#pipeline/plan/compare.ts';
import { checkPaths } from '#pipeline/plan/cutting.ts';
import { pendingRevert, withStable } from '#pipeline/record/history.ts';
import { insteadOf, locate, type Located } from '#pipeline/source/locate.ts';
import { fail, failureLine, ok, type Failure, type Result } from '#model/failure.ts';
import type { UnitState } from '#model/outcome.ts';
import { isInSync } from '#model/plan.ts';
import type { RemoteSource } from '#model/rendered.ts';
import { ownerUid, type SourceSpec, type Unit } from '#model/unit.ts';
import { act, isSettled, type Wanted } from './act.ts';
import { interrupted } from './after-run.ts';
import { answer, endBetweenAttempts, endedMeanwhile, inVain, untilNextAttempt } from './asked.ts';
import { healthReport } from './health-report.ts';
import { inSyncPlan } from './in-sync-plan.ts';
import { freshSources } from './fresh-sources.ts';
import { landsInMs } from './landing.ts';
import { askingNow, isAnother, lookAgainMs, unreadableMs } from './patience.ts';
import {
  noteSeen,
  noteTolerated,
  polledSources,
  remotesOf,
  toleratedBy,
  type UnitRuntime,
} from './runtime.ts';
import { newState, standing, type Standing } from './standing.ts';
import { teardown } from './teardown.ts';
import { anew, earlier, planContext, settled, type TurnEnd, type TurnPorts } from './turn-ports.ts';

/** `progress` is called when a Run has started, for the status in between. */
export async function takeTurn(
  runtime: UnitRuntime,
  ports: TurnPorts,
  progress: () => void,
): Promise<TurnEnd> {
  const { unit } = runtime;
  runtime.waitingFor = undefined;
  runtime.nextAttemptMs = undefined;
  runtime.stirred.clear();
  const recorded = ports.states.get(unit.id);
  // Its state goes with the resource, and the end of either may be heard of first.
  if (recorded === undefined && runtime.wasRecorded) {
    const found = await ports.cluster.read(unit.owner);
    const isThere = found.ok && found.value?.metadata['uid'] === ownerUid(unit.id);
    // Asked of the cluster itself: what is kept of it here may be old (F6).
    if (!isThere)
      return { mayWriteStatus: false, tornDown: false, ...(found.ok ? {} : { againMs: unreadableMs }) };
  }
  if (recorded !== undefined) runtime.wasRecorded = true;
  const stands = standing(unit, recorded, ports.clock.now());
  if (!stands.mayAct) return observeOnly(runtime, stands, ports);
  runtime.observing = undefined;
  const state = recorded ?? newState(unit, ports.clock.now());
  ports.ownership.setInventory(unit.id, state.inventory);
  if (unit.teardown !== undefined) return teardown(runtime, state, ports, progress);
  if (unit.unsupported.length > 0 || (unit.request?.refused.length ?? 0) > 0)
    return refuse(runtime, state, ports);
  if (runtime.asking !== undefined && askingNow(runtime, unit) === undefined) {
    runtime.run = interrupted(runtime.run, 'it was withdrawn before its next attempt', ports);
    runtime.asking = undefined;
  }
  if (endedMeanwhile(runtime, state, ports)) return settled;
  endBetweenAttempts(runtime, ports);
  ports.sources.use(unit.id, polledSources(runtime, state.read));
  await freshSources(runtime, state, ports);
  // They wake it when they have been looked at; until then nothing is news.
  if (!ports.dependencies.isKnown(unit)) return { mayWriteStatus: false, tornDown: false, isPending: true };
  const dependency = await ports.dependencies.inTheWay(unit);
  // What it has become meanwhile was not looked at.
  if (isAnother(runtime.unit, unit)) return anew;
  if (dependency !== undefined) {
    const isRecorded = recorded !== undefined;
    return waitForOthers(runtime, { state, isRecorded, dependency }, ports, progress);
  }
  const end = await reconcile(runtime, state, ports, progress);
  await recordStable(runtime, ports);
  const landsMs = landsInMs(runtime, ports.states.get(unit.id), ports.clock);
  const contestedMs = runtime.plan?.contested === undefined ? Infinity : contestedLookMs;
  const againMs = Math.min(end.againMs ?? Infinity, landsMs || Infinity, contestedMs);
  return againMs === Infinity ? end : { ...end, againMs };
}

/** A field that a rival owns is not watched: only a look finds that it stands as Git says again. */
const contestedLookMs = 300_000;

/** F29: another controller's Unit is looked at and left alone. */
async function observeOnly(
  runtime: UnitRuntime,
  { why, againMs }: Extract<Standing, { mayAct: false }>,
  ports: TurnPorts,
): Promise<TurnEnd> {
  const { unit } = runtime;
  if (runtime.observing !== why) ports.log.info({ unit: ports.unitName(unit.id) }, `only observed: ${why}`);
  runtime.observing = why;
  return { mayWriteStatus: false, tornDown: false, ...(againMs === undefined ? {} : { againMs }) };
}

/** Nothing new is applied before those that it depends on are ready; what is applied is kept as it is. */
async function waitForOthers(
  runtime: UnitRuntime,
  found: { readonly state: UnitState; readonly isRecorded: boolean; readonly dependency: Failure },
  ports: TurnPorts,
  progress: () => void,
): Promise<TurnEnd> {
  const { state, isRecorded, dependency } = found;
  runtime.failures = [dependency];
  runtime.plan = undefined;
  // The demand that takes it over is kept until there is a record of it.
  if (runtime.unit.request !== undefined && isRecorded)
    answer(runtime, dependency.message, ports.clock.now());
  const end = await repairFromLastGood(runtime, state, ports, progress);
  runtime.waitingFor = dependency.message;
  return end;
}

async function refuse(runtime: UnitRuntime, state: UnitState, ports: TurnPorts): Promise<TurnEnd> {
  const { unit } = runtime;
  const refused = unit.request?.refused ?? [];
  runtime.failures = refused;
  runtime.plan = undefined;
  if (unit.refresh !== undefined) runtime.answered = { ...runtime.answered, refresh: true };
  runtime.health = await healthReport(state, undefined, ports, unit);
  if (unit.request !== undefined) {
    const reason = [...unit.unsupported, ...refused][0]!;
    answer(runtime, `refused: ${reason.message}`, ports.clock.now());
  }
  return settled;
}

async function reconcile(
  runtime: UnitRuntime,
  state: UnitState,
  ports: TurnPorts,
  progress: () => void,
): Promise<TurnEnd> {
  const { unit } = runtime;
  const outages = polledSources(runtime, state.read).flatMap(
    (source) => ports.sources.failureOf(source) ?? [],
  );
  const wanted = believed(runtime, state, await locateWanted(unit, state, ports), ports);
  if (isAnother(runtime.unit, unit)) return anew;
  const { request } = unit;
  if (
    !wanted.ok &&
    request?.revisions !== undefined &&
    !inVain(runtime, failureLine(wanted.failure), isPassing(wanted.failure), ports)
  ) {
    // The wish fails, not the Unit: that goes on with what its spec says.
    const { request: _, ...unasked } = runtime.unit;
    runtime.unit = unasked;
    return reconcile(runtime, state, ports, progress);
  }
  if (wanted.ok) noteCommits(runtime, wanted.value, ports.clock.now());
  const made = wanted.ok ? await planFor(runtime, wanted.value, state, ports) : wanted;
  if (isAnother(runtime.unit, unit)) return anew;
  if (made.ok) {
    runtime.failures = outages;
    const repair = (): Promise<TurnEnd> => repairFromLastGood(runtime, state, ports, progress);
    return act(runtime, state, { ...made.value, unit, fromLastGood: false }, ports, progress, repair);
  }
  runtime.failures = [...outages, made.failure];
  runtime.plan = undefined;
  if (request !== undefined) inVain(runtime, made.failure.message, isPassing(made.failure), ports);
  const repaired = await repairFromLastGood(runtime, state, ports, progress);
  if (!isPassing(made.failure)) return repaired;
  const retryMs = Math.max(made.failure.retryAfterMs ?? 0, lookAgainMs(runtime, ports.random));
  const again = earlier({ ...settled, againMs: retryMs }, untilNextAttempt(runtime, ports));
  return earlier(repaired, again);
}

/** It is tried again without anybody changing anything. */
function isPassing({ kind }: Failure): boolean {
  return kind !== 'terminal' && kind !== 'blocked';
}

/**
 * A history that was rewritten, or moved back, and one of which we lack the newest part look alike. What another replica
 * has applied is believed to be newer until Git could be asked (F10).
 */
function believed(
  runtime: UnitRuntime,
  state: UnitState,
  located: Result<Located>,
  { sources, sinceMs }: TurnPorts,
): Result<Located> {
  const looksOlder =
    located.ok && (['rewritten', 'older'].includes(located.value.ancestry) || !isTried(state, located.value));
  if (!looksOlder || sinceMs === -Infinity) return located;
  const [missed] = polledSources(runtime, state.read).flatMap((source) => sources.missed(source) ?? []);
  return missed === undefined ? located : fail(missed);
}

/** Whether it is what the last sync was of, which may have applied some of it and failed. */
function isTried({ intent, history, revisions }: UnitState, located: Located): boolean {
  const last = history.findLast((entry) => entry.kind === 'sync');
  const tried = intent?.revisions ?? last?.revisions ?? revisions;
  return tried.length === 0 || sameCommits(located, { revisions: tried });
}

function noteCommits(runtime: UnitRuntime, { revisions }: Located, nowMs: number): void {
  const before = runtime.seenAtMs;
  runtime.seenAtMs = new Map(revisions.map(({ commit }) => [commit, before.get(commit) ?? nowMs]));
}

/** From the revert in Git to all being well: one write, and only after a revert. */
async function recordStable(runtime: UnitRuntime, ports: TurnPorts): Promise<void> {
  const state = ports.states.get(runtime.unit.id);
  if (state === undefined || pendingRevert(state) === undefined) return;
  const { plan, failures, health } = runtime;
  const isSynced = plan !== undefined && isInSync(plan);
  if (!isSynced || failures.length > 0 || health?.overall !== 'Healthy') return;
  // Where the record cannot be written now, the next turn finds it still pending.
  const written = await ports.states.write(withStable(state, ports.clock.now()), state);
  if (!written.ok) ports.log.warn({ code: written.failure.code }, written.failure.message);
}

async function locateWanted(unit: Unit, state: UnitState, ports: TurnPorts): Promise<Result<Located>> {
  const revisions = unit.request?.revisions;
  const { view } = ports;
  if (revisions === undefined) return locate({ unit, state, view }, ports);
  const instead = insteadOf(unit, revisions);
  const asked = await locate({ unit, state, view, instead }, ports);
  // What changes nothing is not undone either.
  if (!asked.ok || unit.sync.trigger !== 'automatic' || unit.request?.dryRun === true) return asked;
  const current = await locate({ unit, state, view }, ports);
  if (!current.ok || sameCommits(current.value, asked.value)) return current;
  const failure: Failure = {
    kind: 'blocked',
    code: 'AutomatedSyncOn',
    stage: 'source',
    message: `automated sync is on: ${revisions.filter(Boolean).join(', ')} would be undone at once`,
    hint: 'revert in Git, or turn automated sync off first',
  };
  return fail(failure);
}

function sameCommits(one: Pick<Located, 'revisions'>, other: Pick<Located, 'revisions'>): boolean {
  return one.revisions.every(({ commit }, index) => commit === other.revisions[index]?.commit);
}

/** The plan of what is wanted; without rendering when nothing that it depends on has changed. */
async function planFor(
  runtime: UnitRuntime,
  located: Located,
  state: UnitState,
  ports: TurnPorts,
): Promise<Result<Wanted>> {
  const { unit } = runtime;
  if (
    state.inputs === located.digest &&
    isSettled(state) &&
    unit.request === undefined &&
    unit.refresh !== 'hard'
  ) {
    const sightings = await observe(
      state.inventory.map(({ ref }) => ref),
      ports.cluster,
    );
    noteSeen(runtime, sightings);
    const checked = await checkPaths(unit, ports.cutter);
    if (!checked.ok) return checked;
    if (inventoryHolds(state.inventory, sightings, toleratedBy(runtime))) {
      ports.foresight.forget(unit.id);
      return ok({ located, made: inSyncPlan(unit, located, state, sightings) });
    }
  }
  ports.renderer.prepare?.();
  await ports.foresight.look(unit);
  const follow = async (remote: RemoteSource, source: SourceSpec): Promise<void> => {
    runtime.remotes = [...(runtime.remotes ?? remotesOf(state.read)), remote];
    ports.sources.use(unit.id, polledSources(runtime, state.read));
    await ports.sources.ready(source);
  };
  const made = await makePlan(unit, located, planContext(runtime, state, ports), { ...ports, follow });
  if (!made.ok) return made;
  noteSeen(runtime, made.value.sightings);
  noteTolerated(runtime, made.value.plan);
  return ok({ located: made.value.located, made: made.value });
}

/** F8, F12: what Git says now cannot be had; what it said last still holds against drift. */
async function repairFromLastGood(
  runtime: UnitRuntime,
  state: UnitState,
  ports: TurnPorts,
  progress: () => void,
): Promise<TurnEnd> {
  const { unit } = runtime;
  const { request: _, ...unasked } = unit;
  // Sources that were added or taken away since have no last good set of theirs.
  if (state.revisions.length === 0 || state.revisions.length !== unit.inputs.length) {
    runtime.health = await healthReport(state, undefined, ports, unit);
    return settled;
  }
  const instead = state.revisions.map(({ commit }) => ({ commit }));
  const question = { unit, state, instead, when: 'then' } as const;
  const located = await locate(question, ports);
  if (!located.ok || located.value.digest !== state.inputs) return settled;
  // A repair runs no hooks: those that a sync of the same files still owes wait for that.
  const { hooks: __, ...applied } = state;
  const made = await planFor({ ...runtime, unit: unasked }, located.value, applied, ports);
  // Where it is not kept, and the cluster answers otherwise by now, it is something else.
  if (!made.ok || made.value.located.digest !== state.inputs) return settled;
  const acting = { ...made.value, unit: unasked, fromLastGood: true };
  return act(runtime, state, acting, ports, progress, () => Promise.resolve(settled));
}
