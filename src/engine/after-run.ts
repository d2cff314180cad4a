/** What a Run leaves behind for the next turn: how things stand now, or when to try again. */
import type { RunView } from '#model/dialect.ts';
import { observe, type MadePlan } from '#pipeline/pipeline.ts';
import { inventoryHolds } from '#pipeline/plan/compare.ts';
import type { Unit } from '#model/unit.ts';
import { tryingAgain } from './asked.ts';
import { healthReport } from './health-report.ts';
import { inSyncPlan } from './in-sync-plan.ts';
import { afterFailure, askedAgain, countHeals, doneSteps, generationText, goesOn } from './patience.ts';
import type { carryOut } from './run.ts';
import { noteSeen, toleratedBy, type UnitRuntime } from './runtime.ts';
import { settled, type TurnEnd, type TurnPorts } from './turn-ports.ts';

/** What was run. */
interface Ran {
  /** As it was when the Run began. */
  readonly unit: Unit;
  readonly made: MadePlan;
  readonly fromLastGood: boolean;
}

/** Stale Runs in a row before a turn waits like after a failure. */
const staleMax = 5;

export async function afterRun(
  runtime: UnitRuntime,
  { unit: { request }, made: { plan }, fromLastGood }: Ran,
  run: Awaited<ReturnType<typeof carryOut>>,
  ports: TurnPorts,
): Promise<TurnEnd> {
  const { unit } = runtime;
  const nowMs = ports.clock.monotonic();
  const isTold = !isBesideAsked(runtime, fromLastGood);
  const cutShort = (message: string): void => {
    if (isTold) runtime.run = interrupted(runtime.run, message, ports);
  };
  const failed = (retryAfterMs?: number): TurnEnd => {
    const generation = generationText(unit);
    const next = afterFailure(runtime, plan.rendered, generation, nowMs, ports.random, retryAfterMs);
    runtime.retrying = isTerminated(runtime.run) ? { ...next, isEnded: true } : next;
    const againMs = next.notBeforeMs - nowMs;
    if (isTold && goesOn(runtime)) runtime.nextAttemptMs = ports.clock.now() + againMs;
    return { ...settled, againMs };
  };
  if (!run.ok) {
    runtime.failures = [...runtime.failures, run.failure];
    cutShort(run.failure.message);
    return failed(run.failure.retryAfterMs);
  }
  const { result, view } = run.value;
  const labels = { unit: ports.unitName(unit.id), result };
  ports.meter.count('trueup_runs_total', { result });
  if (result === 'stale') {
    runtime.stale += 1;
    cutShort('the cluster changed while the plan ran; it is planned anew');
    return runtime.stale > staleMax ? failed() : { ...settled, againMs: 0 };
  }
  runtime.stale = 0;
  if (result === 'superseded') {
    cutShort('superseded: something else is wanted by now');
    // What comes instead says how things are.
    return { ...settled, mayWriteStatus: false, againMs: 0 };
  }
  if (isTold) runtime.run = view;
  countHeals(runtime, plan, doneSteps(view), nowMs);
  const isTriedAgain = result === 'failed' && !isTerminated(view);
  // What was written while it ran, a first wish or another one, is still to be fulfilled.
  const isAsked = request !== undefined && JSON.stringify(request) === JSON.stringify(unit.request);
  const asking = isAsked && isTriedAgain ? askedAgain(runtime, view, nowMs, ports.random) : undefined;
  if (isAsked) runtime.asking = asking;
  if (asking !== undefined)
    runtime.run = tryingAgain(view, asking.attempts, asking.notBeforeMs + ports.clock.now() - nowMs);
  else if (isAsked) runtime.answered = { ...runtime.answered, request: true };
  if (result === 'failed') {
    ports.log.warn(labels, view.message);
    const failures = (view.outcome?.steps ?? []).flatMap(({ failure }) => failure ?? []);
    if (asking !== undefined) return { ...settled, againMs: asking.notBeforeMs - nowMs };
    runtime.runFailures = failures.filter(({ code }) => code !== 'Stale');
    runtime.failures = [...runtime.failures, ...runtime.runFailures];
    return failed(Math.max(0, ...failures.map(({ retryAfterMs }) => retryAfterMs ?? 0)));
  }
  ports.log.info(labels, view.message);
  runtime.retrying = undefined;
  // What is applied now has its time to become well from now on.
  runtime.unwellSinceMs = undefined;
  runtime.runFailures = [];
  runtime.unhealed.clear();
  return afterSuccess(runtime, ports);
}

function isTerminated(run: RunView | undefined): boolean {
  return (run?.outcome?.steps ?? []).some(({ failure }) => failure?.code === 'Terminated');
}

/** What is repaired while a person's wish waits for its next attempt is told by the history: the wish is not over. */
export function isBesideAsked({ asking }: UnitRuntime, fromLastGood: boolean): boolean {
  return fromLastGood && asking !== undefined;
}

/** A Run that ended without an outcome is over all the same: nobody may wait for it. */
export function interrupted(
  run: RunView | undefined,
  message: string,
  { clock }: Pick<TurnPorts, 'clock'>,
): RunView | undefined {
  if (run === undefined || run.finishedAtMs !== undefined) return run;
  return { ...run, finishedAtMs: clock.now(), message };
}

/**
 * Says how things stand after the Run, from what the cluster answered. Anything else takes another turn, and is told
 * by that one: what is known here is from before the Run.
 */
async function afterSuccess(runtime: UnitRuntime, ports: TurnPorts): Promise<TurnEnd> {
  const state = ports.states.get(runtime.unit.id);
  const { located, answered } = runtime;
  const another: TurnEnd = { ...settled, againMs: 0, mayWriteStatus: answered.request || answered.refresh };
  if (state === undefined || located === undefined) return another;
  const sightings = await observe(
    state.inventory.map(({ ref }) => ref),
    ports.cluster,
  );
  noteSeen(runtime, sightings);
  const isFromHere = state.inputs === located.digest;
  if (!isFromHere || !inventoryHolds(state.inventory, sightings, toleratedBy(runtime))) return another;
  const made = inSyncPlan(runtime.unit, located, state, sightings);
  runtime.plan = made.plan;
  runtime.health = await healthReport(state, made, ports, runtime.unit);
  return settled;
}
