/**
 * The end of a Unit, stage by stage: hooks before, its objects, hooks after. What is planned is carried out, and the
 * resource says which stages are left.
 */
import { planDeletionHooks, planTeardown, type MadePlan } from '#pipeline/pipeline.ts';
import { ranHooks } from '#pipeline/plan/hook-run.ts';
import { goneKeys, inventoryNow } from '#pipeline/record/inventory.ts';
import { locate } from '#pipeline/source/locate.ts';
import type { RunView, TornDown } from '#model/dialect.ts';
import { fail, failureLine, type Failure, type Result } from '#model/failure.ts';
import { describe } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Plan } from '#model/plan.ts';
import { timestamp } from '#model/time.ts';
import type { SourceSpec, Unit } from '#model/unit.ts';
import { interrupted } from './after-run.ts';
import { freshSources } from './fresh-sources.ts';
import { afterFailure, generationText, isExhausted } from './patience.ts';
import { landsInMs } from './landing.ts';
import { carryOut } from './run.ts';
import { polledSources, type UnitRuntime } from './runtime.ts';
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
  const stage = unit.teardown?.hooks?.phase ?? 'objects';
  const isEmpty =
    stage === 'objects' && state.inventory.length === 0 && ranHooks(state).ranHooks === undefined;
  if (unit.teardown?.leavesObjects === true) return { ...settled, tornDown: 'objects' };
  if (isEmpty) return over({ ...settled, tornDown: 'objects' }, runtime, state, ports);
  const { unreadable } = unit.limits;
  if (unreadable !== undefined && stage === 'objects') {
    runtime.failures = [unreadable];
    runtime.plan = undefined;
    return settled;
  }
  const made =
    stage === 'objects'
      ? await planTeardown(unit, planContext(runtime, state, ports), ports)
      : await hooksOfTheEnd(runtime, state, ports);
  if (!made.ok) {
    runtime.failures = [made.failure];
    return { ...settled, againMs: made.failure.retryAfterMs ?? attentionMs };
  }
  // As in `act`: what it wants must not be noted once it was forgotten.
  if (runtime.hasLeft) return settled;
  const { plan, sightings } = made.value;
  runtime.plan = plan;
  runtime.failures = [];
  if (stage !== 'objects')
    ports.ownership.setInterest(
      unit.id,
      plan.steps.map(({ object }) => object),
    );
  const landsMs = landsInMs(runtime, state, ports.clock);
  if (plan.steps.length > 0 && plan.blocked.length === 0) {
    const nowMs = ports.clock.monotonic();
    const generation = generationText(unit);
    const { retrying } = runtime;
    const isRetry = retrying?.inputs === plan.rendered && retrying.generation === generation;
    // Hooks are programs: they are not run every few minutes for ever.
    if (isRetry && plan.hookRun !== undefined && isExhausted(unit.sync.retry, retrying.attempts)) {
      runtime.failures = runtime.runFailures;
      runtime.waitingFor = `its hooks were run ${retrying.attempts} times without success; to delete it without them, ${unit.teardown?.hooks?.without}`;
      return settled;
    }
    if (isRetry && retrying.notBeforeMs > nowMs) {
      runtime.failures = runtime.runFailures;
      return { ...settled, againMs: retrying.notBeforeMs - nowMs };
    }
    if (!runtime.isOwn) return settled;
    const order = {
      unit,
      made: made.value,
      state,
      by: 'deletion',
      automated: true,
      attempt: isRetry ? retrying.attempts : 0,
      ancestry: 'same',
      terminate: () => runtime.unit.terminate,
      hasLeft: () => runtime.hasLeft,
      // Somebody may take off what it waits for.
      isSuperseded: () => Promise.resolve(ports.isStopping() || stageOf(runtime.unit) !== stage),
      news: runtime.news,
      seenAtMs: runtime.seenAtMs,
    } as const;
    if (plan.steps.some(({ action }) => action.verb === 'create')) runtime.landsAtMs = undefined;
    const run = await carryOut({ ...order, fromLastGood: true }, ports, (view) => {
      runtime.run = view;
      progress();
    });
    const failures = run.ok ? failuresOf(run.value.view) : [run.failure];
    runtime.failures = failures;
    runtime.runFailures = failures;
    runtime.run = run.ok ? run.value.view : interrupted(runtime.run, run.failure.message, ports);
    if (failures.length > 0) {
      const askedMs = Math.max(...failures.map(({ retryAfterMs = 0 }) => retryAfterMs));
      const endedMs = ports.clock.monotonic();
      runtime.retrying = afterFailure(runtime, plan.rendered, generation, endedMs, ports.random, askedMs);
      return { ...settled, againMs: runtime.retrying.notBeforeMs - endedMs };
    }
    const isDone = run.ok && run.value.result === 'succeeded';
    const after = ports.states.get(unit.id);
    const isLanded = landsInMs(runtime, after, ports.clock) === 0;
    if (stage !== 'objects')
      return isDone && isLanded ? { ...settled, tornDown: stage } : { ...settled, againMs: 0 };
    const left = after?.inventory.length ?? 0;
    const isEmptied = isDone && left === staying(plan) && isLanded;
    return { ...settled, tornDown: isEmptied && stage, againMs: attentionMs };
  }
  const lands = `the cluster may still create what it gave no answer to, until ${timestamp(ports.clock.now() + landsMs)}`;
  if (stage !== 'objects') {
    if (plan.blocked.length > 0) return { ...settled, againMs: attentionMs };
    if (landsMs === 0) return over({ ...settled, tornDown: stage }, runtime, state, ports);
    runtime.waitingFor = lands;
    return { ...settled, againMs: landsMs };
  }
  const inventory = inventoryNow(state);
  const gone = goneKeys(inventory, sightings, landsMs > 0).size + staying(plan) === inventory.length;
  runtime.waitingFor = [
    ...plan.kept.map(({ ref, why }) => `${describe(ref)}: ${why}`),
    ...(landsMs === 0 ? [] : [lands]),
  ].join('; ');
  return over(
    { ...settled, tornDown: gone && landsMs === 0 && stage, againMs: attentionMs },
    runtime,
    state,
    ports,
  );
}

/** A replica that had it before may have recorded more than was heard of here, and no write of ours has found that (F6). */
async function over(
  end: TurnEnd,
  runtime: UnitRuntime,
  state: UnitState,
  ports: TurnPorts,
): Promise<TurnEnd> {
  if (end.tornDown === false || ports.replica === undefined) return end;
  const stands = await ports.states.stands(state);
  if (stands.ok && stands.value) return end;
  if (!stands.ok) runtime.failures = [stands.failure];
  return { ...settled, againMs: stands.ok ? 0 : attentionMs };
}

function stageOf({ teardown }: Unit): TornDown {
  return teardown !== undefined && (teardown.hooks?.phase ?? 'objects');
}

/**
 * As what was synced last has them: a Unit that goes takes nothing new from Git, and needs Git only where that is not here.
 * What was never synced has them as Git says now.
 */
async function hooksOfTheEnd(
  runtime: UnitRuntime,
  state: UnitState,
  ports: TurnPorts,
): Promise<Result<MadePlan>> {
  const { unit } = runtime;
  const [refused] = unit.unsupported;
  const found = refused === undefined ? await planned() : fail(refused);
  return found.ok ? found : fail(unknownHooks(unit, found.failure));

  async function planned(): Promise<Result<MadePlan>> {
    const { view } = ports;
    ports.sources.use(unit.id, polledSources(runtime, state.read));
    const isSynced = state.revisions.length === unit.inputs.length;
    if (!isSynced) await freshSources(runtime, state, ports);
    const instead = state.revisions.map(({ commit }) => ({ commit }));
    const question = { unit, state, view, ...(isSynced ? { instead, when: 'then' as const } : {}) };
    const located = await locate(question, ports);
    if (!located.ok) return located;
    const follow = async (_: unknown, source: SourceSpec): Promise<void> => ports.sources.ready(source);
    return planDeletionHooks(unit, located.value, planContext(runtime, state, ports), { ...ports, follow });
  }
}

function unknownHooks({ teardown }: Unit, cause: Failure): Failure {
  return {
    kind: 'transient',
    code: 'DeletionHooksUnknown',
    stage: 'render',
    message: `it is to be deleted, and its hooks for that cannot be known: ${failureLine(cause)}`,
    hint: `it waits until they can; to delete it without them, ${teardown?.hooks?.without}`,
    ...(cause.retryAfterMs === undefined ? {} : { retryAfterMs: cause.retryAfterMs }),
  };
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
