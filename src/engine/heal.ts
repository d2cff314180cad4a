/**
 * Drift of what is applied, while a Run waits or is about to: it is healed first, by a Run of its own, and what waited goes on
 * from what is recorded of it. And when healing ends, because somebody sets it back each time.
 */
import type { MadePlan } from '#pipeline/pipeline.ts';
import { healsFirst } from '#pipeline/plan/heals.ts';
import { judgeWindows } from '#pipeline/policy/windows.ts';
import { withDrift } from '#pipeline/record/history.ts';
import { describe, keyText } from '#model/object.ts';
import type { InventoryEntry, Sighting } from '#model/observed.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Plan } from '#model/plan.ts';
import { ownerPhrase } from '#model/sentences.ts';
import type { Unit } from '#model/unit.ts';
import { beginning } from './contests.ts';
import { countHeals, doneSteps, lookAgainMs, objectDelayMs } from './patience.ts';
import { carryOut, type Inventory } from './run.ts';
import { toleratedBy, type UnitRuntime } from './runtime.ts';
import { settled, type TurnEnd, type TurnPorts } from './turn-ports.ts';

const sightingDeadlineMs = 10_000;

/**
 * Somebody who approved this plan, or asked for some objects, gets that and nothing else; and a window may let through what a
 * person asks for, and no heal.
 */
export function healsByItself(
  { sync, request, approved, windows = [] }: Unit,
  plan: Plan,
  nowMs: number,
): boolean {
  const isOther = request?.plan !== undefined || request?.only !== undefined || approved === plan.digest;
  const mayHeal = sync.selfHeal && sync.trigger === 'automatic' && !isOther;
  return mayHeal && judgeWindows(windows, nowMs, false).open;
}

/** What can be healed now; what could not be healed is left to the whole plan, which says why. */
export function healsDue(runtime: UnitRuntime, plan: Plan, nowMs: number): Plan | undefined {
  return healsFirst(plan, (key) => !runtime.unhealed.has(key) && objectDelayMs(runtime, key, nowMs) === 0);
}

/** Where somebody sets back again and again what this plan heals: it is recorded, and the next plan leaves it out. */
export async function suspendHealing(
  runtime: UnitRuntime,
  state: UnitState,
  plan: Plan,
  ports: TurnPorts,
): Promise<TurnEnd | undefined> {
  const { clock, log } = ports;
  const { contests: known = [] } = state;
  const times = { monotonicMs: clock.monotonic(), nowMs: clock.now() };
  const begun = beginning(plan, (key) => runtime.heals.get(key)?.heals ?? [], known, times);
  if (begun.length === 0) return undefined;
  const keys = new Set(begun.map(({ object }) => keyText(object)));
  const drift = { ...plan, steps: plan.steps.filter(({ object }) => keys.has(keyText(object))) };
  const seen = { healed: false, nowMs: times.nowMs, seenAtMs: times.nowMs } as const;
  const next = { ...withDrift(state, drift, seen), contests: [...known, ...begun] };
  const written = await ports.states.write(next, state);
  if (!written.ok) {
    runtime.failures = [...runtime.failures, written.failure];
    return { ...settled, againMs: lookAgainMs(runtime, ports.random) };
  }
  for (const { object, by } of begun)
    log.warn(
      { unit: ports.unitName(state.unit), object: describe(object) },
      `healing is suspended: ${ownerPhrase(by ?? 'unknown')} sets it back each time`,
    );
  return { mayWriteStatus: false, tornDown: false, againMs: 0 };
}

/** Another turn follows at once, with what else is to be done. */
export async function heal(
  runtime: UnitRuntime,
  state: UnitState,
  made: MadePlan,
  ports: TurnPorts,
): Promise<TurnEnd> {
  const { unit, isOwn } = runtime;
  // Another replica's since this turn began: that one decides from what is so now.
  if (!isOwn) return settled;
  const order = {
    unit,
    made,
    state,
    by: 'automated sync',
    automated: true,
    attempt: 0,
    ancestry: 'same',
    fromLastGood: true,
    terminate: () => undefined,
    hasLeft: () => runtime.hasLeft,
    isSuperseded: () => Promise.resolve(ports.isStopping()),
    news: runtime.news,
    seenAtMs: runtime.seenAtMs,
  } as const;
  runtime.landsAtMs = undefined;
  const run = await carryOut(order, ports, () => undefined);
  const nowMs = ports.clock.monotonic();
  const result = run.ok ? run.value.result : 'failed';
  const message = run.ok ? run.value.view.message : run.failure.message;
  ports.meter.count('trueup_runs_total', { result });
  ports.log.info({ unit: ports.unitName(unit.id), result }, message);
  if (run.ok) countHeals(runtime, made.plan, doneSteps(run.value.view), nowMs);
  for (const { object } of made.plan.steps)
    if (result === 'succeeded') runtime.unhealed.delete(keyText(object));
    else runtime.unhealed.add(keyText(object));
  return { mayWriteStatus: false, tornDown: false, againMs: 0 };
}

/** Whether something drifted that is applied already, and can be healed now; a Run that waits ends for it. */
export async function driftsMeanwhile(
  runtime: UnitRuntime,
  plan: Plan,
  inventory: Inventory,
  ports: TurnPorts,
): Promise<boolean> {
  const refs = [...runtime.stirred.values()];
  if (refs.length === 0) return false;
  const sightings = await ports.cluster.sightings(refs, sightingDeadlineMs);
  const wanted = new Map(plan.desired.map(({ ref, digest }) => [keyText(ref), digest]));
  const contested = new Set((plan.contested ?? []).map(({ ref }) => keyText(ref)));
  const nowMs = ports.clock.monotonic();
  let soonestMs = Infinity;
  for (const [index, ref] of refs.entries()) {
    const key = keyText(ref);
    const entry = inventory.get(key);
    const sighting = sightings[index]!;
    const isApplied =
      entry?.state === 'applied' && entry.desired !== undefined && entry.desired === wanted.get(key);
    const isOther = contested.has(key) || runtime.unhealed.has(key);
    if (!isApplied || isOther || !hasDrifted(runtime, key, entry, sighting)) {
      runtime.stirred.delete(key);
      continue;
    }
    soonestMs = Math.min(soonestMs, objectDelayMs(runtime, key, nowMs));
  }
  runtime.cancelHealLook();
  if (soonestMs > 0 && Number.isFinite(soonestMs))
    runtime.cancelHealLook = ports.timers.after(soonestMs, () => runtime.news.tell());
  return soonestMs <= 0;
}

function hasDrifted(runtime: UnitRuntime, key: string, entry: InventoryEntry, sighting: Sighting): boolean {
  if (sighting.state === 'absent') return true;
  if (sighting.state === 'unknown') return false;
  const { uid, projection, deletingSinceMs } = sighting.object;
  if (deletingSinceMs !== undefined) return false;
  if (uid === entry.uid && projection === entry.projection) return false;
  return projection === undefined || toleratedBy(runtime).get(key) !== projection;
}
