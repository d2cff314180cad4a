/** One Run: the intent is recorded, the plan is carried out, the outcome is recorded. */
import { execute, type ExecutePorts } from '#pipeline/apply/execute.ts';
import { observe, type MadePlan } from '#pipeline/pipeline.ts';
import { isOnlyDrift } from '#pipeline/plan/gate.ts';
import { beginRun, ranHooks, withHook } from '#pipeline/plan/hook-run.ts';
import type { News } from '#pipeline/apply/wait.ts';
import { readOf } from '#pipeline/source/locate.ts';
import {
  goneKeys,
  inventoryAfter,
  inventoryBefore,
  inventoryNow,
  withUnanswered,
} from '#pipeline/record/inventory.ts';
import { isRevert, withDrift, withSync } from '#pipeline/record/history.ts';
import type { RunView } from '#model/dialect.ts';
import { failureLine, ok, type Failure, type Result } from '#model/failure.ts';
import { keyText } from '#model/object.ts';
import type { InventoryEntry } from '#model/observed.ts';
import type { StepResult, UnitState } from '#model/outcome.ts';
import type { Plan } from '#model/plan.ts';
import type { Clock, Cluster, Timers } from '#model/ports.ts';
import { driftSentence, isDrift } from '#model/sentences.ts';
import { approvalFor, type Ancestry, type Unit } from '#model/unit.ts';
import { isNamed } from './asked.ts';
import { contestsAfter } from './contests.ts';
import { fenced } from './fence.ts';
import { leaseLost, type Tenure } from './lease.ts';
import type { Ownership } from './ownership.ts';
import type { Recorder } from './recorder.ts';
import type { UnitStates } from './unit-states.ts';

export interface RunPorts {
  /** Where there are several replicas: who this one is, and how long one Run of it may write. */
  readonly replica?: { readonly id: string; tenure(): Tenure };
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly states: UnitStates;
  readonly recorder: Pick<Recorder, 'inTheWay' | 'ran'>;
  readonly ownership: Ownership;
  /** While it waits for something that may take long, others get its place. */
  readonly resting: <T>(wait: Promise<T>) => Promise<T>;
}
export interface RunOrder {
  readonly unit: Unit;
  readonly made: MadePlan;
  readonly state: UnitState;
  readonly by: string;
  readonly automated: boolean;
  readonly attempt: number;
  readonly ancestry: Ancestry;
  /** Only what drifted was repaired, from the last good set: what Git says now is not applied by it. */
  readonly fromLastGood: boolean;
  /** When the operation began that it is a further attempt at. */
  readonly sinceMs?: number;
  /** The operation that somebody wants ended, as the resource says it now. */
  readonly terminate: () => Unit['terminate'];
  /** Whether the resource that declares the Unit is there no more. */
  readonly hasLeft: () => boolean;
  /** Whether something else is wanted by now, or has to be done first. */
  readonly isSuperseded: (soFar: Inventory) => Promise<boolean>;
  readonly news: News;
  /** When each of its commits was first seen, by the commit; of those that were seen since the start. */
  readonly seenAtMs: ReadonlyMap<string, number>;
}
/** By key text. */
export type Inventory = ReadonlyMap<string, InventoryEntry>;
/** 'stale': nothing is wrong, but what the plan was made from is not so any more. 'superseded': something else is wanted. */
export type RunResult = {
  readonly result: 'succeeded' | 'failed' | 'stale' | 'superseded';
  readonly view: RunView;
};

export async function carryOut(
  order: RunOrder,
  ports: RunPorts,
  /** Called when it has started, and with what it waits for. */
  started: (view: RunView) => void,
): Promise<Result<RunResult>> {
  const { unit, made, by, automated, attempt } = order;
  const { plan } = made;
  const objects = plan.steps.filter(({ tracked }) => tracked).map(({ object }) => object);
  const approved = approvalFor(unit, plan.digest);
  const view: RunView = {
    startedAtMs: ports.clock.now(),
    by,
    automated,
    revisions: plan.revisions,
    attempt,
    ...(!automated && unit.request?.asWritten !== undefined ? { asked: unit.request.asWritten } : {}),
    ...(approved === undefined ? {} : { approved }),
    message: startMessage(plan),
  };
  if (order.hasLeft()) return ok({ result: 'stale', view });
  const holder = ports.ownership.claim(unit.id, objects);
  if (holder !== undefined) return ok({ result: 'stale', view });
  // From before the intent: one that ends later has ended for this Run.
  const tenure = ports.replica?.tenure();
  try {
    const { startedAtMs: nowMs } = view;
    const state = withDrift(order.state, plan, { healed: false, nowMs, seenAtMs: nowMs });
    const intent: UnitState = {
      ...(order.fromLastGood || plan.isPartial === true ? state : withDeletionHooks(state, plan)),
      epoch: order.state.epoch + 1,
      inventory: inventoryBefore(inventoryNow(order.state), plan),
      intent: {
        plan: plan.digest,
        // A heal brings nothing of a newer commit.
        revisions: order.fromLastGood ? order.state.revisions : plan.revisions,
        by,
        startedAtMs: view.startedAtMs,
        attempt,
        ...(ports.replica === undefined ? {} : { replica: ports.replica.id }),
      },
      ...(plan.hookRun === undefined ? {} : beginRun(order.state, plan.rendered, plan.hookRun)),
    };
    const recorded = await ports.states.write(intent, order.state);
    if (!recorded.ok) return recorded;
    if (recorded.value === 'stale') return ok({ result: 'stale', view });
    ports.ownership.setInventory(unit.id, intent.inventory);
    started(view);
    const tenured = { ...ports, ...(tenure === undefined ? {} : { tenure }) };
    return await conclude(order, intent, view, tenured, started);
  } finally {
    ports.ownership.release(unit.id, objects);
  }
}

async function conclude(
  order: RunOrder,
  intent: UnitState,
  view: RunView,
  ports: RunPorts & { readonly tenure?: Tenure },
  told: (view: RunView) => void,
): Promise<Result<RunResult>> {
  const { unit, made, ancestry } = order;
  const { plan, content } = made;
  const startedMs = ports.clock.monotonic();
  const { tenure } = ports;
  const cluster = tenure === undefined ? ports.cluster : fenced(ports.cluster, tenure);
  const whyEnded = (): Failure | undefined =>
    isNamed(order.terminate(), order.sinceMs ?? view.startedAtMs, view.startedAtMs)
      ? terminated(order.terminate()!.by)
      : order.hasLeft()
        ? resourceGone
        : tenure !== undefined && tenure.untilMs() === undefined
          ? leaseLost
          : undefined;
  let current = intent;
  const recordHooks: ExecutePorts['recordHooks'] = async (hooks) => {
    const run = hooks.reduce(withHook, current.hooks!);
    const before = current;
    current = { ...current, hooks: run };
    return ports.states.write(current, before);
  };
  const results: StepResult[] = [];
  let soFar: Inventory | undefined;
  const isSuperseded = (): Promise<boolean> => {
    soFar ??= inventorySoFar(intent, plan, results);
    return order.isSuperseded(soFar);
  };
  const onStep = (result: StepResult): void => {
    results.push(result);
    soFar = undefined;
  };
  const news: News = {
    next: () => {
      const { arrived, forget } = order.news.next();
      return { arrived: ports.resting(arrived), forget };
    },
  };
  let said = view.message;
  const waits = (message: string): void => {
    if (message !== said) told({ ...view, message });
    said = message;
  };
  const { clock, timers } = ports;
  const executing = { cluster, clock, timers, whyEnded, isSuperseded, news, recordHooks, waits };
  const executed = await execute(plan, content, executing, onStep);
  const sightings = await observe(
    intent.inventory.map(({ ref }) => ref),
    ports.cluster,
  );
  const durationMs = ports.clock.monotonic() - startedMs;
  const sent = withUnanswered(intent.inventory, executed.steps);
  const { inventory, values } = inventoryAfter(
    sent,
    intent.values,
    plan,
    executed.steps,
    // For how long that is so, whoever looks next decides.
    goneKeys(sent, sightings, true),
    order.state.takenOver && executed.result === 'succeeded',
  );
  const succeeded = executed.result === 'succeeded';
  const failures = executed.steps.flatMap(({ failure, result }) =>
    failure !== undefined && result === 'failed' ? [failure] : [],
  );
  const message = succeeded ? doneMessage(plan) : failedMessage(failures, executed.steps.length);
  const { intent: _, hooks, contests: __, ...rest } = current;
  const contests = contestsAfter(current, plan);
  const settled: UnitState = {
    ...rest,
    ...ranHooks(current),
    ...(contests.length === 0 ? {} : { contests }),
    ...hooksAfter(hooks, order, executed.result, failures),
    inventory,
    values,
    ...(succeeded && !order.fromLastGood && plan.isPartial !== true
      ? {
          revisions: plan.revisions,
          inputs: plan.rendered,
          read: readOf(made.located) ?? [],
          ancestry,
          warnings: made.warnings,
          takenOver: false,
        }
      : {}),
  };
  const reverting = plan.revisions.find((revision) => isRevert(revision.message));
  const seenAtMs = order.seenAtMs.get(reverting?.commit ?? '') ?? view.startedAtMs;
  const isDeployed = reverting !== undefined && !order.fromLastGood;
  const revert = isDeployed ? { revert: { seenAtMs } } : {};
  const { startedAtMs: atMs, by, automated, attempt, approved } = view;
  const facts = {
    atMs,
    durationMs,
    by,
    automated,
    attempt,
    message,
    ...(approved === undefined ? {} : { approved }),
    ...revert,
  } as const;
  const nowMs = ports.clock.now();
  const isOver = executed.result === 'succeeded' || executed.result === 'failed';
  const records = (): UnitState => {
    if (!isOver) return settled;
    const drift = { healed: succeeded, nowMs, seenAtMs: atMs } as const;
    const withDrifts = withDrift(settled, plan, drift);
    // A heal deploys nothing: it stands in the history as drift. What drifts before a first sync is put right by that.
    const isFirst = !order.fromLastGood && order.state.revisions.length === 0 && plan.steps.some(isDrift);
    const isHeal = (order.fromLastGood && unit.teardown === undefined) || isOnlyDrift(plan);
    if (view.automated && succeeded && isHeal && !isFirst) return withDrifts;
    // Nor does a sync of some objects.
    if (plan.isPartial === true) return withDrifts;
    return withSync(withDrifts, plan, { ...facts, result: succeeded ? 'succeeded' : 'failed' });
  };
  const recorded = records();
  const written = await ports.states.write(recorded, current);
  if (!written.ok) return written;
  if (written.value === 'written' && isOver)
    ports.recorder.ran(recorded, plan, { seenAtMs: atMs, healedAtMs: succeeded ? nowMs : undefined });
  // A Unit that went meanwhile has nothing any more: what it left behind must not be held for it.
  const remaining = order.hasLeft() ? undefined : ports.states.get(unit.id);
  ports.ownership.setInventory(unit.id, remaining?.inventory ?? []);
  return ok({
    result: written.value === 'stale' ? 'stale' : executed.result,
    view: {
      ...view,
      finishedAtMs: ports.clock.now(),
      message,
      outcome: { plan: plan.digest, result: executed.result, steps: executed.steps, inventory },
    },
  });
}

/** As it would be recorded if the Run ended now. */
function inventorySoFar(
  { inventory, values }: UnitState,
  plan: Plan,
  results: readonly StepResult[],
): Inventory {
  const after = inventoryAfter(inventory, values, plan, results, new Set(), false);
  return new Map(after.inventory.map((entry) => [keyText(entry.ref), entry]));
}

/** As it would be deleted from now on. */
export function withDeletionHooks(state: UnitState, { deletionHooks }: Plan): UnitState {
  const { deletionHooks: _, ...rest } = state;
  return deletionHooks === undefined ? rest : { ...rest, deletionHooks };
}

/**
 * What runs no hooks ends none: those of the sync that goes on are still owed. Those of a stage of the Unit's end are
 * remembered until the resource says that the stage is over: they are not run again meanwhile (F1).
 */
function hooksAfter(
  hooks: UnitState['hooks'],
  { made: { plan }, unit: { teardown }, fromLastGood }: Pick<RunOrder, 'made' | 'unit' | 'fromLastGood'>,
  result: RunResult['result'],
  failures: readonly Failure[],
): Pick<UnitState, 'hooks'> {
  if (hooks === undefined) return {};
  const isBesides = plan.isPartial === true || (fromLastGood && teardown === undefined);
  if (isBesides || (teardown?.hooks !== undefined && result === 'succeeded')) return { hooks };
  if (result === 'succeeded') return {};
  // Whoever goes on after one that had to stop goes on with its hooks, as after a crash.
  const isCut = failures.length > 0 && failures.every(({ code }) => cutShort.has(code));
  return { hooks: result === 'failed' && !isCut ? { ...hooks, failed: true } : hooks };
}

const cutShort: ReadonlySet<string> = new Set(['ResourceGone', 'LeaseLost']);

export const terminated = (by: string): Failure => ({
  kind: 'terminal',
  code: 'Terminated',
  stage: 'apply',
  message: `the operation was terminated by ${by} before this step`,
  hint: 'automated sync begins again after a while; trueup suspend keeps it from that',
});

export const resourceGone: Failure = {
  kind: 'terminal',
  code: 'ResourceGone',
  stage: 'apply',
  message: 'the resource that declares it is there no more, or is not ours to reconcile',
  hint: 'what was applied stays; a resource with a finalizer takes its objects with it',
};

function startMessage(plan: Plan): string {
  return `applying ${plan.steps.length - plan.pruned} and deleting ${plan.pruned} objects`;
}

function doneMessage(plan: Plan): string {
  const drift = plan.steps.filter(isDrift).map(driftSentence);
  const applied = plan.steps.filter(
    ({ action, tracked }) => tracked && (action.verb === 'create' || action.verb === 'apply'),
  ).length;
  const parts: string[] = [];
  if (drift.length > 0) parts.push(`healed: ${drift.slice(0, 5).join('; ')}`);
  if (applied > drift.length) parts.push(`applied ${applied - drift.length}`);
  if (plan.pruned > 0) parts.push(`pruned ${plan.pruned}`);
  const migrated = plan.steps.filter(({ reason }) => reason === 'migration').length;
  const hooks = new Set(
    plan.steps.flatMap(({ hook }) => (hook?.key.startsWith('fail:') === false ? hook.key : [])),
  );
  if (hooks.size > 0) parts.push(`ran ${hooks.size} hook${hooks.size === 1 ? '' : 's'}`);
  if (migrated > 0) parts.push(`took over field ownership of ${migrated}`);
  return parts.length === 0 ? 'in sync: nothing to do' : parts.join(', ');
}

function failedMessage(failures: readonly Failure[], steps: number): string {
  const [first] = failures;
  if (first === undefined) return 'the cluster changed while the plan ran; it is planned anew';
  const more = failures.length > 1 ? `; and ${failures.length - 1} more` : '';
  return `${failures.length} of ${steps} steps failed: ${failureLine(first)}${more}`;
}
