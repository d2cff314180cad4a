/** A Unit that is deleted with its objects: they are planned away, and the resource goes when they are gone. */
import { planTeardown } from '#pipeline/pipeline.ts';
import { goneKeys } from '#pipeline/record/inventory.ts';
import { describe } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
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
  if (state.inventory.length === 0) return { ...settled, tornDown: true };
  const made = await planTeardown(unit, planContext(runtime, state, ports), ports);
  if (!made.ok) {
    runtime.failures = [made.failure];
    return { ...settled, againMs: made.failure.retryAfterMs ?? attentionMs };
  }
  const { plan, sightings } = made.value;
  runtime.plan = plan;
  if (plan.steps.length > 0 && plan.blocked.length === 0) {
    const order = {
      unit,
      made: made.value,
      state,
      by: 'deletion',
      automated: true,
      attempt: 0,
      ancestry: 'same',
    } as const;
    const run = await carryOut({ ...order, fromLastGood: true }, ports, (view) => {
      runtime.run = view;
      progress();
    });
    if (!run.ok) runtime.failures = [run.failure];
    const left = ports.states.get(unit.id)?.inventory.length ?? 0;
    return { ...settled, tornDown: run.ok && left === 0, againMs: attentionMs };
  }
  const gone = goneKeys(state.inventory, sightings).size === state.inventory.length;
  runtime.waitingFor = plan.kept.map(({ ref, why }) => `${describe(ref)}: ${why}`).join('; ');
  return { ...settled, tornDown: gone, againMs: attentionMs };
}
