/** A Unit that is deleted with its objects: they are planned away, and the resource goes when they are gone. */
import { planTeardown } from '#pipeline/pipeline.ts';
import { goneKeys } from '#pipeline/record/inventory.ts';
import type { RunView } from '#model/dialect.ts';
import type { Failure } from '#model/failure.ts';
import { describe } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Plan } from '#model/plan.ts';
import { interrupted } from './after-run.ts';
import { afterFailure, generationText } from './patience.ts';
import { carryOut } from './run.ts';
import type { UnitRuntime } from './runtime.ts';
import { planContext, settled, type TurnEnd, type TurnPorts } from './turn-ports.ts';

/** How often it is looked at; the watch is usually faster. */
const attentionMs = 5000;

export async function teardown(
  runtime: UnitRuntime,
  state: UnitState,
  ports: TurnPorts,
  progress: () => void,
): Promise<TurnEnd> {
  const { unit } = runtime;
  const isEmpty = state.inventory.length === 0 && state.ranHooks === undefined;
  if (unit.teardown?.leavesObjects === true || isEmpty) return { ...settled, tornDown: true };
  const made = await planTeardown(unit, planContext(runtime, state, ports), ports);
  if (!made.ok) {
    runtime.failures = [made.failure];
    return { ...settled, againMs: made.failure.retryAfterMs ?? attentionMs };
  }
  const { plan, sightings } = made.value;
  runtime.plan = plan;
  if (plan.steps.length > 0 && plan.blocked.length === 0) {
    const nowMs = ports.clock.monotonic();
    const generation = generationText(unit);
    const { retrying } = runtime;
    const isRetry = retrying?.inputs === plan.rendered && retrying.generation === generation;
    if (isRetry && retrying.notBeforeMs > nowMs) return { ...settled, againMs: retrying.notBeforeMs - nowMs };
    if (!runtime.isOwn) return settled;
    const order = {
      unit,
      made: made.value,
      state,
      by: 'deletion',
      automated: true,
      attempt: 0,
      ancestry: 'same',
      terminate: () => runtime.unit.terminate,
      hasLeft: () => runtime.hasLeft,
      isSuperseded: () => Promise.resolve(ports.isStopping()),
      news: runtime.news,
      seenAtMs: runtime.seenAtMs,
    } as const;
    const run = await carryOut({ ...order, fromLastGood: true }, ports, (view) => {
      runtime.run = view;
      progress();
    });
    const failures = run.ok ? failuresOf(run.value.view) : [run.failure];
    runtime.failures = failures;
    runtime.run = run.ok ? run.value.view : interrupted(runtime.run, run.failure.message, ports);
    if (failures.length > 0) {
      runtime.retrying = afterFailure(runtime, plan.rendered, generation, nowMs, ports.random, undefined);
      return { ...settled, againMs: runtime.retrying.notBeforeMs - nowMs };
    }
    const left = ports.states.get(unit.id)?.inventory.length ?? 0;
    return { ...settled, tornDown: run.ok && left === staying(plan), againMs: attentionMs };
  }
  const gone = goneKeys(state.inventory, sightings).size + staying(plan) === state.inventory.length;
  runtime.waitingFor = plan.kept.map(({ ref, why }) => `${describe(ref)}: ${why}`).join('; ');
  return { ...settled, tornDown: gone, againMs: attentionMs };
}

/** How many objects outlive the Unit, because they are not to be deleted with it. */
function staying({ kept }: Plan): number {
  return kept.filter(({ isMeant }) => isMeant === true).length;
}

function failuresOf(view: RunView): readonly Failure[] {
  return (view.outcome?.steps ?? []).flatMap(({ failure, result }) =>
    failure !== undefined && result === 'failed' ? [failure] : [],
  );
}
