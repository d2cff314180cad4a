/** The second half of a turn: what was planned is run, or is held, or is waited for; and what it came to is recorded. */
import type { MadePlan } from '#pipeline/pipeline.ts';
import { gate, isOnlyDrift } from '#pipeline/plan/gate.ts';
import { ranHooks } from '#pipeline/plan/hook-run.ts';
import { withUnrecordedSync } from '#pipeline/record/history.ts';
import { inventoryNow, inventorySettled } from '#pipeline/record/inventory.ts';
import { locate, readOf, type Located } from '#pipeline/source/locate.ts';
import { ok } from '#model/failure.ts';
import { keyText, type ObjectRef } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Plan, Step } from '#model/plan.ts';
import { isDrift } from '#model/sentences.ts';
import { timestamp } from '#model/time.ts';
import type { Unit } from '#model/unit.ts';
import { afterRun, isBesideAsked } from './after-run.ts';
import { begunAtMs, inVain, untilNextAttempt } from './asked.ts';
import { contestsAfter } from './contests.ts';
import { hasCurrentAnswers } from './current-answers.ts';
import { driftsMeanwhile, heal, healsByItself, healsDue, suspendHealing } from './heal.ts';
import { healthReport } from './health-report.ts';
import {
  askingNow,
  generationText,
  goesOn,
  healDelayMs,
  isAnother,
  isExhausted,
  lookAgainMs,
  objectDelayMs,
} from './patience.ts';
import { carryOut, withDeletionHooks } from './run.ts';
import { landsInMs } from './landing.ts';
import { tryOut } from './try-out.ts';
import { polledSources, remotesOf, type UnitRuntime } from './runtime.ts';
import { anew, earlier, settled, type TurnEnd, type TurnPorts } from './turn-ports.ts';

export interface Wanted {
  readonly located: Located;
  readonly made: MadePlan;
}

export interface Acting extends Wanted {
  /** As it is acted on: a repair from the last good set answers nobody's request. */
  readonly unit: Unit;
  readonly fromLastGood: boolean;
}
/** What is done beside a plan that is held: what was applied last still holds against drift. */
export type Repair = () => Promise<TurnEnd>;

/** Runs what was planned, where it may, or says why it does not. */
export async function act(
  runtime: UnitRuntime,
  state: UnitState,
  { unit, located, made, fromLastGood }: Acting,
  ports: TurnPorts,
  progress: () => void,
  repair: Repair,
): Promise<TurnEnd> {
  const { plan } = made;
  // What it wants must not be noted once it was forgotten: nobody would let go of that.
  if (runtime.hasLeft) return settled;
  if (!fromLastGood) {
    runtime.located = located;
    runtime.remotes = remotesOf(readOf(located));
    ports.sources.use(unit.id, polledSources(runtime, state.read));
  }
  // What is wanted but may not run stays in view, also while the last good set is repaired.
  runtime.plan = fromLastGood ? (runtime.plan ?? plan) : plan;
  // While the last good set is repaired, what is held still waits for others to let go.
  const wanted = [...new Set([runtime.plan, plan])].flatMap(objectsOf);
  ports.ownership.setInterest(unit.id, [...wanted, ...awaitedElsewhere(unit)]);
  runtime.health = await healthReport(state, made, ports, unit);
  if (!fromLastGood && isAnother(runtime.unit, unit)) return anew;
  if (unit.request?.dryRun === true) return tryOut(runtime, unit, made, ports, progress);
  const nowMs = ports.clock.now();
  const opened = gate({ unit, plan, state, ancestry: located.ancestry, nowMs });
  if (!opened.open) {
    if (opened.failure !== undefined) runtime.failures = [...runtime.failures, opened.failure];
    // What a person has to decide is waited for; anything else may come right by itself.
    const mayComeRight = plan.blocked.some(({ kind }) => kind !== 'blocked');
    if (unit.request !== undefined) inVain(runtime, opened.why, mayComeRight, ports);
    if (plan.steps.length > 0 && plan.blocked.length === 0) runtime.waitingFor = opened.why;
    if (plan.steps.length === 0 && plan.blocked.length === 0 && !fromLastGood && plan.isPartial !== true) {
      await recordInSync(runtime, state, { unit, located, made }, ports);
    }
    if (!mayComeRight) runtime.looks = 0;
    const waiting = opened.untilMs === undefined ? settled : borderEnd(opened.untilMs - nowMs);
    const later = mayComeRight ? { ...settled, againMs: lookAgainMs(runtime, ports.random) } : waiting;
    const end = earlier(later, untilNextAttempt(runtime, ports));
    const isHeld = plan.blocked.length > 0 || opened.failure !== undefined;
    if (fromLastGood || !isHeld || state.inputs === located.digest) return end;
    return earlier(end, await repair());
  }
  const mayRepair = unit.sync.selfHeal && isRepair(plan, state) && !waitsForAnEnd(plan);
  if (fromLastGood && !mayRepair) return settled;
  if (!(await hasCurrentAnswers(made, ports.view))) {
    runtime.waitingFor = 'the cluster has not yet said how what the chart looks up is now';
    return { ...settled, againMs: lookAgainMs(runtime, ports.random) };
  }
  const suspended = opened.automated ? await suspendHealing(runtime, state, plan, ports) : undefined;
  if (suspended !== undefined) return suspended;
  const mayHeal = healsByItself(unit, plan, nowMs);
  const monotonicMs = ports.clock.monotonic();
  const heals = mayHeal ? healsDue(runtime, plan, monotonicMs) : undefined;
  if (heals !== undefined) {
    const unrecordable = await ports.recorder.inTheWay(state, heals);
    if (unrecordable === undefined) return heal(runtime, state, { ...made, plan: heals }, ports);
  }
  // Those that have to wait are looked at while the Run waits.
  const drifted = mayHeal ? plan.steps.filter(isDrift).map(({ object }) => object) : [];
  for (const object of drifted) runtime.stirred.set(keyText(object), object);
  const delays = drifted.map((object) => objectDelayMs(runtime, keyText(object), monotonicMs));
  const healsInMs = Math.min(Infinity, ...delays.filter((ms) => ms > 0));
  const asking = askingNow(runtime, unit);
  const askedMs = (asking?.notBeforeMs ?? 0) - ports.clock.monotonic();
  const waitMs = opened.automated ? waitBeforeRun(runtime, made, ports) : Math.max(askedMs, 0);
  const unrecordable = waitMs > 0 ? undefined : await ports.recorder.inTheWay(state, plan);
  // Until the next attempt, which speaks for itself.
  if ((waitMs > 0 || unrecordable !== undefined) && runtime.retrying?.inputs === plan.rendered)
    runtime.failures = [...runtime.failures, ...runtime.runFailures];
  if (unrecordable !== undefined) {
    runtime.failures = [...runtime.failures, unrecordable];
    return { ...settled, againMs: lookAgainMs(runtime, ports.random) };
  }
  const held = waitMs > 0 ? ok(true) : await ports.hold();
  if (!held.ok) {
    runtime.failures = [...runtime.failures, held.failure];
    return { ...settled, againMs: lookAgainMs(runtime, ports.random) };
  }
  // The watch tells what it is by now; where that is late, asking at once again would find the same.
  if (!held.value) return { ...anew, againMs: lookAgainMs(runtime, ports.random) };
  runtime.looks = 0;
  if (waitMs === Infinity) {
    runtime.waitingFor = `its hooks were run ${runtime.retrying?.attempts} times without success; they run again with the next change, or: ${unit.wishes.sync}`;
    return Number.isFinite(healsInMs) ? { ...settled, againMs: healsInMs } : settled;
  }
  if (waitMs > 0) {
    const atMs = ports.clock.now() + waitMs;
    runtime.waitingFor = `the next attempt is at ${timestamp(atMs)}`;
    if (opened.automated && isRetry(runtime, plan) && goesOn(runtime)) runtime.nextAttemptMs = atMs;
    return { ...settled, againMs: Math.min(waitMs, healsInMs) };
  }
  // Another replica's since this turn began: that one decides from what is so now.
  if (!runtime.isOwn) return settled;
  // What it sends may land for as long as that takes.
  runtime.landsAtMs = undefined;
  const sinceMs = begunAtMs(runtime, unit, state);
  const run = await carryOut(
    {
      unit,
      made,
      state,
      by: opened.by,
      automated: opened.automated,
      attempt: (opened.automated ? runtime.retrying?.attempts : asking?.attempts) ?? 0,
      ancestry: located.ancestry,
      fromLastGood,
      ...(sinceMs === undefined ? {} : { sinceMs }),
      // A change of the resource is compiled at once, also while this Run goes on.
      terminate: () => runtime.unit.terminate,
      hasLeft: () => runtime.hasLeft,
      isSuperseded: async (soFar) =>
        (await isSuperseded(runtime, { unit, located, fromLastGood }, state, ports)) ||
        (healsByItself(unit, plan, ports.clock.now()) &&
          (await driftsMeanwhile(runtime, plan, soFar, ports))),
      news: runtime.news,
      seenAtMs: runtime.seenAtMs,
    },
    ports,
    (view) => {
      if (isBesideAsked(runtime, fromLastGood)) return;
      runtime.run = view;
      progress();
    },
  );
  return afterRun(runtime, { unit, made, fromLastGood }, run, ports);
}

/** A Run that waits must not hold back the commit, or the change of policy, that would help it. */
async function isSuperseded(
  { unit: now }: UnitRuntime,
  { unit, located: planned, fromLastGood }: Pick<Acting, 'unit' | 'located' | 'fromLastGood'>,
  state: UnitState,
  ports: TurnPorts,
): Promise<boolean> {
  if (ports.isStopping() || now.teardown !== undefined || now.unsupported.length > 0) return true;
  if (generationText(now) !== generationText(unit)) return true;
  if (fromLastGood || unit.request?.revisions !== undefined) return false;
  // As the cluster answered then: what a Run does may change its answers, and asking for them at each event is dear.
  const read = readOf(planned);
  // What was applied last may not have read the files that this plan has.
  const known = read === undefined ? state : { ...state, read };
  const question = { unit, state: known, when: 'then' } as const;
  const located = await locate(question, ports);
  const commits = planned.revisions.map(({ commit }) => commit);
  if (!located.ok || located.value.revisions.every(({ commit }, index) => commit === commits[index]))
    return false;
  const instead = commits.map((commit) => ({ commit }));
  const before = await locate({ ...question, instead }, ports);
  return before.ok && before.value.digest !== located.value.digest;
}

/** No Run is under way, and none owes hooks. */
export function isSettled({ intent, hooks }: UnitState): boolean {
  return intent === undefined && hooks === undefined;
}

/** At the border of a window it is looked at again, and not before. */
function borderEnd(inMs: number): TurnEnd {
  return Number.isFinite(inMs) ? { ...settled, againMs: Math.max(inMs, 1) } : settled;
}

/** Of the last good set: drift, and what an earlier attempt at a repair could not make anew. */
function isRepair(plan: Plan, { inventory }: UnitState): boolean {
  const attempted = new Set(
    inventory.flatMap(({ ref, state }) => (state === 'attempted' ? [keyText(ref)] : [])),
  );
  const isAgain = ({ reason, object }: Step): boolean =>
    reason === 'missing' && attempted.has(keyText(object));
  return isOnlyDrift({ ...plan, steps: plan.steps.filter((step) => !isAgain(step)) });
}

/** Something that somebody else deleted is on its way out: it is made anew when it is gone, however long that takes. */
function waitsForAnEnd({ steps }: Plan): boolean {
  const deleted = new Set(
    steps.flatMap(({ action, object }) => (action.verb === 'delete' ? keyText(object) : [])),
  );
  return steps.some(
    ({ action, object }) =>
      action.verb === 'wait' && action.until === 'absent' && !deleted.has(keyText(object)),
  );
}

function objectsOf({ desired, steps }: Plan): readonly ObjectRef[] {
  const hooks = steps.flatMap(({ hook, object }) => (hook === undefined ? [] : [object]));
  return [...desired.map(({ ref }) => ref), ...hooks];
}

function awaitedElsewhere({ awaited }: Unit): readonly ObjectRef[] {
  return awaited === undefined || awaited.objects === 'all' ? [] : awaited.objects;
}

/** Nothing to apply, but what is recorded is not what was looked at: a new commit that changes nothing, a crash. */
async function recordInSync(
  runtime: UnitRuntime,
  state: UnitState,
  { unit, located, made }: Omit<Acting, 'fromLastGood'>,
  ports: TurnPorts,
): Promise<void> {
  const mayLand = landsInMs(runtime, state, ports.clock) > 0;
  const inventory = inventorySettled(inventoryNow(state), made.plan, made.sightings, mayLand);
  const contests = contestsAfter(state, made.plan);
  const isContested = contests.length === (state.contests ?? []).length;
  // A sync that was broken off, or failed, owes its hooks until it may go on (F1).
  const isOwed = unit.sync.trigger !== 'automatic' && state.hooks?.inputs === located.digest;
  const owed = isOwed ? state.hooks : undefined;
  const isEnded = state.intent === undefined && state.hooks === owed;
  const isRecorded = state.inputs === located.digest && isEnded && isContested;
  if (isRecorded && inventory === state.inventory) return;
  if (made.plan.kept.length !== 0 && state.takenOver) return;
  const { intent: _, hooks: __, contests: ___, ...rest } = withDeletionHooks(state, made.plan);
  const next: UnitState = {
    ...rest,
    ...ranHooks(state),
    ...(owed === undefined ? {} : { hooks: owed }),
    ...(contests.length === 0 ? {} : { contests }),
    inventory,
    inputs: located.digest,
    read: readOf(located) ?? [],
    revisions: located.revisions,
    ancestry: located.ancestry,
    warnings: made.warnings,
    takenOver: false,
  };
  const recorded = withUnrecordedSync(next, state, made.plan, ports.clock.now());
  const written = await ports.states.write(recorded, state);
  if (!written.ok) runtime.failures = [...runtime.failures, written.failure];
  // What another wrote arrives by itself; and a Unit that went meanwhile has nothing any more.
  else if (written.value === 'written' && !runtime.hasLeft)
    ports.ownership.setInventory(state.unit, inventory);
}

function waitBeforeRun(runtime: UnitRuntime, { plan }: MadePlan, ports: TurnPorts): number {
  const nowMs = ports.clock.monotonic();
  const { retrying, unit } = runtime;
  const again = isRetry(runtime, plan) ? retrying : undefined;
  // Hooks are programs: they are not run every few minutes for ever.
  if (again !== undefined && plan.hookRun !== undefined && isExhausted(unit.sync.retry, again.attempts))
    return Infinity;
  // A fight over one object must not hold back what Git has new.
  const healMs = isOnlyDrift(plan) ? healDelayMs(runtime, plan, nowMs) : 0;
  return Math.max(again === undefined ? 0 : again.notBeforeMs - nowMs, healMs);
}

/** Whether the same failed before. */
function isRetry({ retrying, unit }: UnitRuntime, { rendered }: Plan): boolean {
  return retrying?.inputs === rendered && retrying.generation === generationText(unit);
}
