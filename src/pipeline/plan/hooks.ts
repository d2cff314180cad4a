/** Hooks: objects that are run at one point of a sync. Which of them a plan runs, and with which steps. */
import type { Failure } from '#model/failure.ts';
import { describe, keyText } from '#model/object.ts';
import type { ObservedObject, Sighting } from '#model/observed.ts';
import type { BegunHook } from '#model/outcome.ts';
import type { Awaits, HookMark, Identity, Step, StepAction } from '#model/plan.ts';
import type { DesiredHook } from './desired.ts';
import { isRanHook, openRun, ranHooks, runMark } from './hook-run.ts';
import { applyOrder, deleteOrder, orders, phases, usualPropagation } from './order.ts';
import type { PlanInput } from './plan.ts';
import { gateTimeoutMs, makeStep, type Content } from './steps.ts';
import { trackedOwner } from './tracking.ts';

export interface SeenHook {
  readonly hook: DesiredHook;
  readonly sighting: Sighting;
}
export interface HookSteps {
  readonly steps: readonly Step[];
  readonly failures: readonly Failure[];
}

/**
 * A sync is what is new in Git, or what a person asked for. A heal is none, and runs no hooks. A sync that did not come
 * to its end owes them, also when all of its objects are applied. Whoever asks for a takeover does not ask for what
 * another controller has run already.
 */
export function isSync({ unit, state, inputs }: PlanInput, steps: readonly Step[]): boolean {
  if (unit.teardown !== undefined) return unit.teardown.hooks !== undefined;
  if (unit.request?.only !== undefined) return false;
  const isTakeover = state?.takenOver === true && state.inputs === undefined;
  // Who approved a plan asks for that one, and for nothing that it does not show.
  if (unit.request !== undefined && unit.request.plan === undefined && !isTakeover) return true;
  if (state?.hooks?.inputs === inputs && unit.sync.trigger === 'automatic') return true;
  return steps.some(
    ({ reason, changes }) =>
      ['missing', 'changed', 'removed'].includes(reason) || (reason === 'adopted' && changes.length > 0),
  );
}

export function hookSteps(input: PlanInput, content: Content): HookSteps {
  const steps: Step[] = [];
  const failures: Failure[] = [];
  /** By key text: what the hook of an earlier phase leaves standing. */
  const left = new Map<string, readonly Identity[]>();
  if (input.unit.request?.withoutHooks === true && input.unit.teardown === undefined)
    return { steps, failures };
  for (const seen of input.hooks.toSorted(byPhase)) {
    const { hook, sighting } = seen;
    const failure = guard(input, seen);
    if (failure !== undefined) {
      failures.push(failure);
      continue;
    }
    const name = keyText(hook.ref);
    const earlier = left.get(name) ?? [];
    const own = new HookPlan(input, hook, content).stepsFor(sighting, earlier);
    left.set(name, [...earlier, ...leftBy(own)]);
    steps.push(...own);
  }
  return { steps, failures };
}

const byPhase = ({ hook: a }: SeenHook, { hook: b }: SeenHook): number =>
  phases.indexOf(a.phase) - phases.indexOf(b.phase);

/** Whether it makes it or finds it: its end is waited for. */
function leftBy(steps: readonly Step[]): readonly Identity[] {
  return steps.flatMap(({ action }) =>
    action.verb === 'wait' && action.until === 'completed' && action.which !== undefined
      ? [action.which]
      : [],
  );
}

/** A Unit that goes takes the objects of its hooks along. */
export function ranHookSteps({ unit, ranHooks = [] }: PlanInput): readonly Step[] {
  return ranHooks.map(({ ref, uid }) => {
    const propagation = unit.teardown?.propagation ?? unit.sync.propagation ?? usualPropagation(ref);
    return makeStep(ref, { verb: 'delete', expect: { uid }, propagation }, 'hook', {
      order: deleteOrder(ref),
      manager: unit.manager,
      tracked: false,
    });
  });
}

/** An object of that name that is not this Unit's is neither deleted nor replaced. */
function guard({ unit }: PlanInput, { hook, sighting }: SeenHook): Failure | undefined {
  const failure = { kind: 'blocked', stage: 'plan', subject: hook.ref, at: hook.at } as const;
  if (sighting.state === 'unknown') {
    const message = `its live state is not known: ${sighting.why}`;
    const hint = 'it is looked at again by itself';
    return { ...failure, kind: 'transient', code: 'ObservationIncomplete', message, hint };
  }
  if (sighting.state === 'absent') return undefined;
  const owner = trackedOwner(sighting.object.tracking, hook.ref, unit.tracking);
  if (owner === unit.tracking.owner) return undefined;
  const whose = owner === undefined ? 'nobody says whose it is' : `it belongs to ${owner}`;
  return {
    ...failure,
    code: 'ObjectConflict',
    message: `a ${describe(hook.ref)} that is no hook of this Unit stands there already: ${whose}`,
    hint: 'give the hook another name, or delete that object',
  };
}

/** The steps of one hook: what is left to do of it, from what is recorded and what stands there. */
class HookPlan {
  readonly #input: PlanInput;
  readonly #hook: DesiredHook;
  readonly #content: Content;
  readonly #mark: HookMark;

  constructor(input: PlanInput, hook: DesiredHook, content: Content) {
    this.#input = input;
    this.#hook = hook;
    this.#content = content;
    this.#mark = { key: hook.key, digest: hook.stable };
  }

  /** `earlier`: what stands there by then, of earlier phases of the same plan. */
  stepsFor(sighting: Sighting, earlier: readonly Identity[]): readonly Step[] {
    const { state, inputs, hookRun, unit } = this.#input;
    if (unit.teardown?.hooks?.haveRun === true) return this.#leftover(sighting);
    const run = openRun(state, inputs)?.begun ?? [];
    const begun = run.find(({ key }) => key === this.#hook.key);
    const live = sighting.state === 'present' ? sighting.object : undefined;
    if (begun?.result === 'succeeded') {
      if (live === undefined) return [];
      if (live.uid === begun.uid) return this.#cleanup({ uid: live.uid });
      // That of an earlier attempt, created late: nobody looks after it when the Unit is gone.
      return unit.teardown === undefined ? [] : [this.#removal({ uid: live.uid })];
    }
    // Before it is made it is recorded: the same mark without a record is of a Unit that was here before.
    const isEarlierPhases =
      live !== undefined && run.some(({ key, uid }) => key !== this.#hook.key && uid === live.uid);
    if (begun !== undefined && live?.tracking[runMark] === hookRun && !isEarlierPhases)
      return this.#ending({ uid: live.uid });
    // It was made and is not there any more: whether it ended well is not known, and it is not run again in silence.
    if (begun?.uid !== undefined) return this.#ending({ uid: begun.uid });
    if (earlier.length > 0)
      return this.#anew({ lastOf: [...(live === undefined ? [] : [{ uid: live.uid }]), ...earlier] });
    if (live === undefined) return this.#making();
    const which = { uid: live.uid };
    if (isEarlierPhases) return this.#anew(which);
    if (live.deletingSinceMs !== undefined) return [this.#wait('absent', which, -0.5), ...this.#making()];
    const isOver = live.health.status === 'Healthy' || live.health.status === 'Degraded';
    if (!this.#hook.deletions.has('before')) {
      // As long as one that ended well stands, it counts; but not what only a sync without success has left.
      if (live.health.status === 'Healthy') return this.#isOwed(live) ? this.#anew(which) : [];
      return isOver ? this.#anew(which) : this.#ending(which);
    }
    // An earlier sync left it running: it is let come to its end, unless Git has another one in its place.
    const isSame = this.#earlier().some(
      ({ uid, digest }) => uid === live.uid && digest === this.#hook.stable,
    );
    return isSame && !isOver ? [this.#wait('ended', which, -0.9), ...this.#anew(which)] : this.#anew(which);
  }

  /** Somebody else has run it. */
  #leftover(sighting: Sighting): readonly Step[] {
    if (sighting.state !== 'present') return [];
    const { uid, health } = sighting.object;
    const { deletions } = this.#hook;
    const goes =
      (health.status === 'Healthy' && deletions.has('succeeded')) ||
      (health.status === 'Degraded' && deletions.has('failed'));
    return goes ? [this.#removal({ uid })] : [];
  }

  #removal(which: Identity, before = 0): Step {
    return this.#step('delete', { verb: 'delete', expect: which, propagation: 'Background' }, before);
  }

  /** Whether it was made by us, and would be gone if its sync had come to its end. */
  #isOwed(live: ObservedObject): boolean {
    const { state } = this.#input;
    const ran = state === undefined ? [] : (ranHooks(state).ranHooks ?? []);
    const { deletions, ref } = this.#hook;
    return deletions.has('succeeded') && ran.some((hook) => isRanHook(hook, ref, live));
  }

  #earlier(): readonly BegunHook[] {
    const run = this.#input.state?.hooks;
    return [...(run?.earlier ?? []), ...(run?.begun ?? [])];
  }

  #anew(which: Identity): readonly Step[] {
    return [this.#removal(which, -0.75), this.#wait('absent', which, -0.5), ...this.#making()];
  }

  #making(): readonly Step[] {
    const { manifest, digest, at } = this.#hook;
    this.#content.set(digest, manifest);
    const create = this.#step('create', { verb: 'create', desired: digest, force: [], expect: 'absent' }, 0);
    return [...this.#left(), { ...create, at }, ...this.#ending({ madeBy: create.id })];
  }

  /** Of an attempt that ended before it came to delete them. */
  #left(): readonly Step[] {
    const { key, ref: own, deletions } = this.#hook;
    return this.#earlier().flatMap((hook) => {
      const { ref, uid, result } = hook;
      const isLeft = hook.key === key && keyText(ref) !== keyText(own) && result !== undefined;
      if (!isLeft || uid === undefined || !deletions.has(result)) return [];
      return [{ ...this.#removal({ uid }, -0.75), id: `delete-left:${key}:${uid}`, object: ref }];
    });
  }

  #ending(which: Identity): readonly Step[] {
    const wait = this.#wait('completed', which, 0);
    return [{ ...wait, order: orders.waits }, ...this.#cleanup(which, wait.id)];
  }

  /** Without a wait: it has ended well. */
  #cleanup(which: Identity, wait?: string): readonly Step[] {
    const cleanup = wait === undefined ? {} : { wait };
    const { deletions, phase } = this.#hook;
    const removal = { ...this.#removal(which), order: orders.cleanup };
    const name = keyText(this.#hook.ref);
    const succeeded = { ...removal, id: `delete-succeeded:${phase}:${name}`, cleanup };
    const failed = {
      ...removal,
      id: `delete-failed:${phase}:${name}`,
      phase: 'fail',
      cleanup: { ...cleanup, orFailed: true },
    } as const;
    return [...(deletions.has('succeeded') ? [succeeded] : []), ...(deletions.has('failed') ? [failed] : [])];
  }

  /** Only the end of a hook has no time limit of its own: a migration takes as long as it takes. */
  #wait(until: Awaits, which: Identity, before: number): Step {
    const limitMs = until === 'absent' ? gateTimeoutMs : this.#input.unit.sync.waitMaxMs;
    const timeout = limitMs === undefined ? {} : { timeoutMs: limitMs };
    return this.#step(`wait-${until}`, { verb: 'wait', until, which, ...timeout }, before);
  }

  #step(what: string, action: StepAction, before: number): Step {
    const { ref, phase, wave } = this.#hook;
    return makeStep(ref, action, 'hook', {
      id: `${what}:${phase}:${keyText(ref)}`,
      phase,
      wave,
      order: applyOrder(ref) + before,
      manager: this.#input.unit.manager,
      tracked: false,
      hook: this.#mark,
    });
  }
}
