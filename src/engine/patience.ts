/** How long to wait before the next attempt: after failures, and when somebody keeps undoing what we heal. */
import type { RunView } from '#model/dialect.ts';
import { keyText } from '#model/object.ts';
import type { Plan, Step } from '#model/plan.ts';
import type { Random } from '#model/ports.ts';
import { isDrift } from '#model/sentences.ts';
import type { Retry, Unit } from '#model/unit.ts';
import { healOf, recentHeals } from './contests.ts';
import type { Asking, Retrying, UnitRuntime } from './runtime.ts';

/** After the last retry the Unit is still tried, at this pace: nobody has to suspend and resume it. */
const exhaustedMs = 600_000;
/** What could not be asked is asked again. */
export const unreadableMs = 5000;
const lookFirstMs = 2000;
const lookMaxMs = 300_000;
const healsBeforePatience = 3;
const healFirstMs = 1000;
const healMaxMs = 300_000;
/** An object that nobody touched for this long is healed at once again. */
const healForgetMs = 600_000;

/** Whatever a policy says, failures are not repeated faster than this. */
const retryFloorMs = 1000;

export function isExhausted({ limit }: Retry, attempts: number): boolean {
  return limit !== 'forever' && attempts > limit;
}

export function retryDelayMs(retry: Retry, attempts: number, random: Random): number {
  if (isExhausted(retry, attempts)) return exhaustedMs * (0.9 + 0.2 * random.next());
  const firstMs = Math.max(retry.firstMs, retryFloorMs);
  const grownMs = firstMs * Math.max(retry.factor, 1) ** Math.max(0, attempts - 1);
  const delayMs = Math.max(Math.min(grownMs, retry.maxMs), retryFloorMs);
  return delayMs * (0.9 + 0.2 * random.next());
}

/** What a failed attempt leaves behind. Attempts count for one set of inputs: a new commit starts afresh. */
export function afterFailure(
  runtime: UnitRuntime,
  inputs: Retrying['inputs'],
  generation: string,
  nowMs: number,
  random: Random,
  retryAfterMs: number | undefined,
): Retrying {
  const earlier = runtime.retrying;
  const isSame = earlier !== undefined && earlier.inputs === inputs && earlier.generation === generation;
  const attempts = (isSame ? earlier.attempts : 0) + 1;
  const delayMs = Math.max(retryDelayMs(runtime.unit.sync.retry, attempts, random), retryAfterMs ?? 0);
  return { inputs, generation, attempts, notBeforeMs: nowMs + delayMs };
}

/** Whether the automated operation that failed last is tried again: its last retry is not made yet, and nobody ended it. */
export function goesOn({ retrying, run, unit }: UnitRuntime): boolean {
  if (retrying === undefined || retrying.isEnded === true || run?.automated !== true) return false;
  return !isExhausted(unit.sync.retry, retrying.attempts);
}

/** The attempt that follows a failed one at what a person asked for; undefined where it was the last. */
export function askedAgain(
  { asking, unit: { request } }: UnitRuntime,
  { startedAtMs }: RunView,
  nowMs: number,
  random: Random,
): Asking | undefined {
  if (request?.retry === undefined) return undefined;
  const text = JSON.stringify(request);
  const earlier = asking?.request === text ? asking : { attempts: 0, begunAtMs: startedAtMs };
  const attempts = earlier.attempts + 1;
  if (isExhausted(request.retry, attempts)) return undefined;
  const notBeforeMs = nowMs + retryDelayMs(request.retry, attempts, random);
  return { ...earlier, request: text, attempts, notBeforeMs };
}

/** Of the wish that stands there now. */
export function askingNow({ asking }: UnitRuntime, { request }: Unit): Asking | undefined {
  return request !== undefined && asking?.request === JSON.stringify(request) ? asking : undefined;
}

/** What another writer can undo again and again. */
function isContested(step: Step): boolean {
  return isDrift(step) || step.reason === 'migration';
}

/** When to look again at what could not be planned: soon at first, then less and less often. */
export function lookAgainMs(runtime: UnitRuntime, random: Random): number {
  const delayMs = Math.min(lookFirstMs * 2 ** runtime.looks, lookMaxMs);
  runtime.looks += 1;
  return delayMs * (0.9 + 0.2 * random.next());
}

/** How long the heals of this plan have to wait: nothing at first, then longer and longer. */
export function healDelayMs(runtime: UnitRuntime, plan: Plan, nowMs: number): number {
  const delays = plan.steps
    .filter(isContested)
    .map(({ object }) => objectDelayMs(runtime, keyText(object), nowMs));
  return Math.max(0, ...delays);
}

/** The same for the object of this key. */
export function objectDelayMs({ heals }: UnitRuntime, key: string, nowMs: number): number {
  const { count = 0, lastMs = -Infinity } = heals.get(key) ?? {};
  if (nowMs - lastMs > healForgetMs || count < healsBeforePatience) return 0;
  const patienceMs = Math.min(healFirstMs * 2 ** (count - healsBeforePatience), healMaxMs);
  return Math.max(0, lastMs + patienceMs - nowMs);
}

export function doneSteps({ outcome }: RunView): ReadonlySet<string> {
  const steps = outcome?.steps ?? [];
  return new Set(steps.flatMap(({ step, result }) => (result === 'done' ? [step] : [])));
}

/** `done`: the steps that came to their end. */
export function countHeals(runtime: UnitRuntime, plan: Plan, done: ReadonlySet<string>, nowMs: number): void {
  for (const step of plan.steps.filter(({ id }) => done.has(id))) {
    const key = keyText(step.object);
    // What Git has new is another matter.
    if (step.tracked && !isContested(step)) runtime.heals.delete(key);
    if (!isContested(step)) continue;
    const earlier = runtime.heals.get(key);
    const isRecent = earlier !== undefined && nowMs - earlier.lastMs <= healForgetMs;
    const heals = [
      ...recentHeals(earlier?.heals ?? [], nowMs),
      ...(isDrift(step) ? [healOf(step, nowMs)] : []),
    ];
    runtime.heals.set(key, { count: (isRecent ? earlier.count : 0) + 1, lastMs: nowMs, heals });
  }
}

/** What has to stay the same for attempts to add up: the policy and the target, not the status. */
export function generationText(unit: Unit): string {
  return JSON.stringify([unit.sync, unit.target, unit.inputs]);
}

/** Whether the resource asks for something else by now: what was decided of it before says nothing any more. */
export function isAnother(now: Unit, before: Unit): boolean {
  const asked = ({ request, teardown }: Unit): string => JSON.stringify([request, teardown]);
  return now !== before && (generationText(now) !== generationText(before) || asked(now) !== asked(before));
}

/** What templates ask may be answered otherwise without end, by the Unit's own doing too: so often it is rendered for that. */
const answersPaceMs = 5_000;

/** How long a turn waits for another answer of the cluster; one that is to come anyway sees it too. */
export function answersDelayMs(runtime: UnitRuntime, nowMs: number): number {
  if (runtime.answersAtMs <= nowMs)
    runtime.answersAtMs = Math.max(nowMs, runtime.answersAtMs + answersPaceMs);
  return runtime.answersAtMs - nowMs;
}
