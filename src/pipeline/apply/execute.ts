/**
 * Carries out a plan. It has no choices: steps run in their order, each under its precondition; a precondition that
 * does not hold makes the Run stale, and the engine plans anew.
 */
import { failureLine, type Failure } from '#model/failure.ts';
import type { Digest, Json } from '#model/json.ts';
import { describe, type Manifest } from '#model/object.ts';
import type { BegunHook, StepResult } from '#model/outcome.ts';
import type { Identity, Plan, Precondition, Step } from '#model/plan.ts';
import type { Applied, Cluster, Written } from '#model/ports.ts';
import type { Result } from '#model/failure.ts';
import type { Content } from '../plan/steps.ts';
import { waitForAll, type Wait, type WaitEnd, type WaitPorts } from './wait.ts';

const recreateMs = 60_000;
/** Between the tries to create what was deleted for that. */
const anewDelaysMs = [1000, 5000, 15_000];

/** Requests of one Run that are in flight together; the cluster's own limit holds across Runs. */
export const inFlightMax = 8;

export interface ExecutePorts extends WaitPorts {
  readonly cluster: Cluster;
  /** Written before a hook is made, when it is made, and when it has ended: a crash runs none a second time (F1). */
  readonly recordHooks?: (hooks: readonly BegunHook[]) => Promise<Result<'written' | 'stale'>>;
}
export interface Executed {
  readonly result: 'succeeded' | 'stale' | 'failed' | 'superseded';
  readonly steps: readonly StepResult[];
}

/** `onStep` is told of each step as it ends, for progress. */
export async function execute(
  plan: Plan,
  content: Content,
  ports: ExecutePorts,
  onStep: (result: StepResult) => void,
): Promise<Executed> {
  const run = new Execution(content, ports, onStep);
  const groups = groupsOf(plan.steps);
  const isRemedy = ([step]: readonly Step[]): boolean => step?.phase === 'fail';
  for (const group of groups.filter((steps) => !isRemedy(steps))) await run.group(group);
  if (run.result === 'failed' && ports.whyEnded?.() === undefined) {
    run.goOn();
    for (const group of groups.filter(isRemedy)) await run.group(group);
  }
  return { result: run.result, steps: run.results };
}

class Execution {
  readonly results: StepResult[] = [];
  readonly #content: Content;
  readonly #ports: ExecutePorts;
  readonly #onStep: (result: StepResult) => void;
  #stopped = false;
  /** Waits of which the record does not say how they ended. */
  readonly #unrecorded = new Set<string>();

  constructor(content: Content, ports: ExecutePorts, onStep: (result: StepResult) => void) {
    this.#content = content;
    this.#ports = ports;
    this.#onStep = onStep;
  }

  get result(): Executed['result'] {
    const has = (result: StepResult['result']): boolean =>
      this.results.some((step) => step.result === result);
    if (has('failed')) return 'failed';
    return has('stale') ? 'stale' : has('superseded') ? 'superseded' : 'succeeded';
  }

  /** What was stopped by a failure does not stop what is done because of it. */
  goOn(): void {
    this.#stopped = false;
  }

  async group(steps: readonly Step[]): Promise<void> {
    const byId = new Map(steps.map((step) => [step.id, step]));
    const outcomes = await this.#run(steps.filter((step) => this.#isMeant(step)));
    for (const outcome of outcomes) {
      const { phase, hook } = byId.get(outcome.step)!;
      const placed: StepResult = { ...outcome, phase, ...(hook === undefined ? {} : { isHook: true }) };
      this.results.push(placed);
      this.#onStep(placed);
      if (outcome.result !== 'done') this.#stopped = true;
    }
  }

  /** What follows a failure depends on how far the sync came; all else is reached only if what is before it is done. */
  #isMeant({ phase, action, cleanup }: Step): boolean {
    if (phase !== 'fail') return true;
    if (action.verb === 'delete' && this.#uidOf(action.expect) === undefined) return false;
    if (cleanup?.wait === undefined) return true;
    // As long as it stands it tells whoever goes on how it ended; without it, it would be run again (F1).
    if (this.#unrecorded.has(cleanup.wait)) return false;
    const result = this.#of(cleanup.wait)?.result;
    return result === 'done' || (result === 'failed' && cleanup.orFailed === true);
  }

  #of(step: string): StepResult | undefined {
    return this.results.find((result) => result.step === step);
  }

  async #run(steps: readonly Step[]): Promise<readonly StepResult[]> {
    const [first] = steps;
    if (first === undefined) return [];
    // What cleans up after a failure does so whatever else has failed.
    const isAnyhow = first.phase === 'fail' && first.cleanup !== undefined;
    if (this.#stopped && !isAnyhow) return steps.map(skipped);
    const why = this.#ports.whyEnded?.();
    if (why !== undefined) return steps.map((step) => failed(step, why));
    const made = steps.filter(({ action, hook }) => action.verb === 'create' && hook !== undefined);
    const recorded = await this.#record(made.map((step) => ({ step })));
    if (recorded !== undefined) return steps.map(recorded);
    const waits = steps.filter(({ action }) => action.verb === 'wait');
    const ended = waits.length === 0 ? [] : await this.#wait(waits);
    const others = steps.filter(({ action }) => action.verb !== 'wait');
    const outcomes = await inParallel(others, inFlightMax, (step) => this.#act(step));
    const known = others.flatMap((step, index) => {
      const uid = outcomes[index]?.observed?.uid;
      return made.includes(step) && uid !== undefined ? [{ step, uid }] : [];
    });
    const noted = await this.#record(known);
    return [...ended, ...(noted === undefined ? outcomes : others.map(noted))];
  }

  async #wait(steps: readonly Step[]): Promise<readonly StepResult[]> {
    const waits = steps.flatMap((step): readonly Wait[] => {
      const { action } = step;
      if (action.verb !== 'wait') return [];
      const uid = action.which === undefined ? undefined : this.#uidOf(action.which);
      return [{ step, action, ...(uid === undefined ? {} : { uid }) }];
    });
    const ends = await waitForAll(waits, this.#ports);
    const hooks = waits.flatMap(({ step, action, uid }, index) => {
      const { result } = ends[index]!;
      if (action.until !== 'completed' || (result !== 'done' && result !== 'failed')) return [];
      const end = result === 'done' ? ('succeeded' as const) : ('failed' as const);
      return [{ step, result: end, ...(uid === undefined ? {} : { uid }) }];
    });
    const recorded = await this.#record(hooks);
    if (recorded !== undefined) for (const { step } of waits) this.#unrecorded.add(step.id);
    // The person who ends the Run ends what it runs.
    const isTerminated = this.#ports.whyEnded?.()?.code === 'Terminated';
    for (const [index, { step, action, uid }] of waits.entries())
      if (
        isTerminated &&
        ends[index]?.result === 'ended' &&
        action.until === 'completed' &&
        uid !== undefined
      )
        await this.#ports.cluster.remove(step.object, { uid }, 'Background');
    return waits.map(({ step }, index) => recorded?.(step) ?? waitResult(step, ends[index]!));
  }

  /** Undefined when it is recorded; else the end of the steps that it is about. */
  async #record(
    hooks: readonly ({ readonly step: Step } & Partial<BegunHook>)[],
  ): Promise<((step: Step) => StepResult) | undefined> {
    const known = hooks.flatMap(({ step: { hook, object }, ...rest }) =>
      hook === undefined ? [] : [{ ...hook, ref: object, ...rest }],
    );
    if (known.length === 0 || this.#ports.recordHooks === undefined) return undefined;
    const written = await this.#ports.recordHooks(known);
    if (!written.ok) return (step) => failed(step, written.failure);
    return written.value === 'written'
      ? undefined
      : (step) => stale(step, 'its record was written by another');
  }

  /** Undefined: nothing has been made that is meant. */
  #uidOf(which: Identity): string | undefined {
    if ('uid' in which) return which.uid;
    if ('madeBy' in which) return this.#of(which.madeBy)?.observed?.uid;
    return which.lastOf.map((each) => this.#uidOf(each)).findLast((uid) => uid !== undefined);
  }

  async #act(step: Step): Promise<StepResult> {
    const { action } = step;
    const { cluster } = this.#ports;
    switch (action.verb) {
      case 'create':
      case 'apply': {
        const applied = await cluster.apply({
          ref: step.object,
          manifest: bodyOf<Manifest>(this.#content, action.desired),
          manager: step.manager,
          force: action.force.length > 0,
          expect: action.expect,
        });
        if (action.verb === 'apply' && action.orElse === 'recreate' && isImmutable(applied))
          return this.#recreate(step, action.desired, action.expect);
        return appliedResult(step, applied);
      }
      case 'replace': {
        const manifest = bodyOf<Manifest>(this.#content, action.desired);
        const metadata = { ...manifest.metadata, ...action.expect };
        return plainResult(step, await cluster.replace({ ...manifest, metadata }));
      }
      case 'patch-metadata': {
        if (action.expect === 'absent') throw new Error(`${step.id}: a patch needs an object`);
        const patch = bodyOf<readonly Json[]>(this.#content, action.patch);
        return appliedResult(step, await cluster.patch(step.object, patch, step.manager, action.expect));
      }
      case 'delete': {
        const uid = this.#uidOf(action.expect);
        if (uid === undefined) throw new Error(`${step.id}: nothing was made that it could delete`);
        const refused = action.replacement && (await this.#refusedAnew(step, action.replacement));
        if (refused) return refused;
        const removed = await cluster.remove(step.object, { uid }, action.propagation);
        const isReplaced = step.cleanup !== undefined && removed.ok && removed.value.result === 'stale';
        return isReplaced ? done(step) : plainResult(step, removed);
      }
      case 'wait':
        throw new Error(`${step.id}: waits are waited for together`);
    }
  }

  async #recreate(step: Step, desired: Digest, expect: Precondition): Promise<StepResult> {
    if (expect === 'absent') throw new Error(`${step.id}: what is not there is not made anew`);
    const { cluster } = this.#ports;
    const refused = await this.#refusedAnew(step, desired);
    if (refused !== undefined) return refused;
    const removed = await cluster.remove(step.object, expect, 'Background');
    if (!removed.ok || removed.value.result === 'stale') return plainResult(step, removed);
    const action = { verb: 'wait', until: 'absent', timeoutMs: recreateMs } as const;
    const [end] = await waitForAll([{ step, action, uid: expect.uid }], this.#ports);
    if (end!.result !== 'done') return waitResult(step, end!);
    const manifest = bodyOf<Manifest>(this.#content, desired);
    const order = {
      ref: step.object,
      manifest,
      manager: step.manager,
      force: false,
      expect: 'absent',
    } as const;
    for (const delayMs of [...anewDelaysMs, undefined]) {
      const made = await cluster.apply(order);
      if (made.ok) return appliedResult(step, made);
      const isLast = delayMs === undefined || this.#ports.whyEnded?.() !== undefined;
      if (isLast || made.failure.kind !== 'transient') return failed(step, notMadeAnew(made.failure));
      await new Promise((resolve) => this.#ports.timers.after(delayMs, () => resolve(undefined)));
    }
    throw new Error('the last try has ended');
  }

  /** Before a deletion: what the cluster would not take must not cost what is there. */
  async #refusedAnew(step: Step, desired: Digest): Promise<StepResult | undefined> {
    const tried = await this.#ports.cluster.tryCreation(bodyOf<Manifest>(this.#content, desired));
    if (tried.ok) return undefined;
    const { message } = tried.failure;
    return failed(step, { ...tried.failure, message: `it is not deleted to be made anew: ${message}` });
  }
}

/** As of a Job's template. */
export function isImmutable(applied: Result<Written<Applied>>): boolean {
  return !applied.ok && applied.failure.code === 'ImmutableField';
}

/** The next sync finds nothing and creates it. */
function notMadeAnew(failure: Failure): Failure {
  return {
    kind: 'transient',
    code: 'NotMadeAnew',
    stage: 'apply',
    message: `it WAS DELETED to be made anew, and creating it failed, so it is missing: ${failure.message}`,
    hint: `the next sync creates it; ${failure.hint}`,
    ...(failure.isUnanswered === undefined ? {} : { isUnanswered: failure.isUnanswered }),
    cause: failureLine(failure),
  };
}

function groupsOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const groups = new Map<string, Step[]>();
  for (const step of steps) {
    const key = `${step.phase}/${step.wave}/${step.order}`;
    groups.set(key, [...(groups.get(key) ?? []), step]);
  }
  return [...groups.values()];
}

function skipped(step: Step): StepResult {
  return { step: step.id, object: step.object, result: 'skipped' };
}

export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  call: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await call(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}

function waitResult(step: Step, end: WaitEnd): StepResult {
  switch (end.result) {
    case 'done':
      return done(step);
    case 'failed':
      return failed(step, end.failure);
    case 'stale':
      return stale(step, end.why);
    case 'ended':
      return failed(step, end.failure);
    case 'superseded':
      return { step: step.id, object: step.object, result: 'superseded' };
  }
}

export function bodyOf<T>(content: Content, digest: Digest): T {
  const body = content.get(digest);
  if (body === undefined) throw new Error(`the plan names content ${digest} that it does not carry`);
  return body as T;
}

const done = (step: Step): StepResult => ({ step: step.id, object: step.object, result: 'done' });

export function failed(step: Step, failure: Failure): StepResult {
  const placed = { ...failure, subject: step.object, ...(step.at === undefined ? {} : { at: step.at }) };
  return { step: step.id, object: step.object, result: 'failed', failure: placed };
}

function stale(step: Step, why: string): StepResult {
  const failure: Failure = {
    kind: 'transient',
    code: 'Stale',
    stage: 'apply',
    message: `${describe(step.object)} changed while the plan was made: ${why}`,
    hint: 'it is planned anew by itself',
    subject: step.object,
  };
  return { step: step.id, object: step.object, result: 'stale', failure };
}

function plainResult(step: Step, written: Result<Written<unknown>>): StepResult {
  if (!written.ok) return failed(step, written.failure);
  return written.value.result === 'stale' ? stale(step, written.value.why) : done(step);
}

export function appliedResult(step: Step, applied: Result<Written<Applied>>): StepResult {
  if (!applied.ok) return failed(step, applied.failure);
  if (applied.value.result === 'stale') return stale(step, applied.value.why);
  const { object, values, warnings, created } = applied.value.value;
  if (step.action.verb === 'create' && !created) return stale(step, 'somebody else made it meanwhile');
  return { ...done(step), observed: object, values, ...(warnings.length === 0 ? {} : { warnings }) };
}
