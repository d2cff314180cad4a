/**
 * Carries out a plan. It has no choices: steps run in their order, each under its precondition; a precondition that
 * does not hold makes the Run stale, and the engine plans anew.
 */
import type { Failure } from '#model/failure.ts';
import type { Digest, Json } from '#model/json.ts';
import { describe, type Manifest } from '#model/object.ts';
import type { StepResult } from '#model/outcome.ts';
import type { Plan, Step } from '#model/plan.ts';
import type { Applied, Cluster, Written } from '#model/ports.ts';
import type { Result } from '#model/failure.ts';
import type { Content } from '../plan/plan.ts';
import { waitFor, type WaitPorts } from './wait.ts';

/** Requests of one Run that are in flight together; the cluster's own limit holds across Runs. */
const inFlightMax = 8;

export interface ExecutePorts extends WaitPorts {
  readonly cluster: Cluster;
  /** Why it is to end, if it is: what is under way is finished, the rest is not begun. */
  readonly whyEnded?: () => Failure | undefined;
}
export interface Executed {
  readonly result: 'succeeded' | 'stale' | 'failed';
  readonly steps: readonly StepResult[];
}

/** `onStep` is told of each step as it ends, for progress. */
export async function execute(
  plan: Plan,
  content: Content,
  ports: ExecutePorts,
  onStep: (result: StepResult) => void,
): Promise<Executed> {
  const results: StepResult[] = [];
  let stopped = false;
  for (const group of groupsOf(plan.steps)) {
    const ended = stopped ? undefined : ports.whyEnded?.();
    const outcomes =
      ended !== undefined
        ? group.map((step) => failed(step, ended))
        : stopped
          ? group.map(skipped)
          : await inParallel(group, inFlightMax, async (step) => run(step, content, ports));
    for (const outcome of outcomes) {
      results.push(outcome);
      onStep(outcome);
      if (outcome.result !== 'done') stopped = true;
    }
  }
  const has = (result: StepResult['result']): boolean => results.some((step) => step.result === result);
  return { result: has('failed') ? 'failed' : has('stale') ? 'stale' : 'succeeded', steps: results };
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

async function inParallel<T, R>(
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

async function run(step: Step, content: Content, ports: ExecutePorts): Promise<StepResult> {
  const { action } = step;
  switch (action.verb) {
    case 'create':
    case 'apply': {
      const manifest = bodyOf<Manifest>(content, action.desired);
      const applied = await ports.cluster.apply({
        ref: step.object,
        manifest,
        manager: step.manager,
        force: action.force.length > 0,
        expect: action.expect,
      });
      return appliedResult(step, applied);
    }
    case 'patch-metadata': {
      if (action.expect === 'absent') throw new Error(`${step.id}: a patch needs an object`);
      const patch = bodyOf<readonly Json[]>(content, action.patch);
      return appliedResult(step, await ports.cluster.patch(step.object, patch, step.manager, action.expect));
    }
    case 'delete': {
      if (action.expect === 'absent') throw new Error(`${step.id}: a delete needs an object`);
      const removed = await ports.cluster.remove(step.object, action.expect, action.propagation);
      return plainResult(step, removed);
    }
    case 'wait': {
      const failure = await waitFor(step.object, action.until, action.timeoutMs, ports);
      return failure === undefined ? done(step) : failed(step, failure);
    }
  }
}

function bodyOf<T>(content: Content, digest: Digest): T {
  const body = content.get(digest);
  if (body === undefined) throw new Error(`the plan names content ${digest} that it does not carry`);
  return body as T;
}

const done = (step: Step): StepResult => ({ step: step.id, object: step.object, result: 'done' });

function failed(step: Step, failure: Failure): StepResult {
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

function plainResult(step: Step, written: Result<Written<'gone' | 'deleting'>>): StepResult {
  if (!written.ok) return failed(step, written.failure);
  return written.value.result === 'stale' ? stale(step, written.value.why) : done(step);
}

function appliedResult(step: Step, applied: Result<Written<Applied>>): StepResult {
  if (!applied.ok) return failed(step, applied.failure);
  if (applied.value.result === 'stale') return stale(step, applied.value.why);
  const { object, values, warnings, created } = applied.value.value;
  if (step.action.verb === 'create' && !created) return stale(step, 'somebody else made it meanwhile');
  return { ...done(step), observed: object, values, ...(warnings.length === 0 ? {} : { warnings }) };
}
