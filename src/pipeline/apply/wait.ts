/**
 * Waits of a plan, those of one group together: nothing is asked again before something that concerns the Unit has
 * changed.
 */
import type { Failure } from '#model/failure.ts';
import { describe } from '#model/object.ts';
import type { ObservedObject, Sighting } from '#model/observed.ts';
import type { Awaits, Step, StepAction } from '#model/plan.ts';
import type { Clock, Cluster, Timers } from '#model/ports.ts';

/** Resolves when something that concerns the Unit has changed since it was asked for. */
export interface News {
  next(): { readonly arrived: Promise<void>; readonly forget: () => void };
}
export interface WaitPorts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Absent: it is looked again and again. */
  readonly news?: News;
  /** Why the Run is to end now, if it is. */
  readonly whyEnded?: () => Failure | undefined;
  /** Whether another revision is wanted by now, or the process stops: what waits is left to the next plan. */
  readonly isSuperseded?: () => Promise<boolean>;
  /** What it waits for, in one sentence. */
  readonly waits?: (sentence: string) => void;
}

export interface Wait {
  readonly step: Step;
  readonly action: Extract<StepAction, { readonly verb: 'wait' }>;
  /** The one object that is meant, and no other of its name. */
  readonly uid?: string;
}
export type WaitEnd =
  | { readonly result: 'done' | 'superseded' }
  | { readonly result: 'stale'; readonly why: string }
  /** ended: the whole Run, for this reason. */
  | { readonly result: 'failed' | 'ended'; readonly failure: Failure };

const pollMs = 200;
const sightingDeadlineMs = 10_000;
/** Controllers get this long to react before their word that something is Degraded counts. */
const settleMs = 2000;

/** One end a wait, in their order. Of those that are not decided when the Run ends early, the end says why. */
export async function waitForAll(waits: readonly Wait[], ports: WaitPorts): Promise<readonly WaitEnd[]> {
  const { cluster, clock } = ports;
  const startedMs = clock.monotonic();
  const degradedSinceMs = new Map<number, number>();
  const ends = new Map<number, WaitEnd>();
  for (;;) {
    const news = ports.news?.next();
    const open = [...waits.keys()].filter((index) => !ends.has(index));
    const sightings = await cluster.sightings(
      open.map((index) => waits[index]!.step.object),
      sightingDeadlineMs,
    );
    const nowMs = clock.monotonic();
    let nextMs = Infinity;
    const pending: string[] = [];
    for (const [position, index] of open.entries()) {
      const wait = waits[index]!;
      const verdict = judge(wait, sightings[position]!);
      if (!('why' in verdict) || verdict.result === 'stale') {
        ends.set(index, verdict);
        continue;
      }
      const isUnwell = verdict.result === 'unwell';
      const sinceMs = degradedSinceMs.get(index) ?? nowMs;
      if (isUnwell) degradedSinceMs.set(index, sinceMs);
      else degradedSinceMs.delete(index);
      const settledMs = isUnwell ? sinceMs + settleMs - nowMs : Infinity;
      const leftMs = startedMs + (wait.action.timeoutMs ?? Infinity) - nowMs;
      if (settledMs <= 0) ends.set(index, failedWait(unhealthy(wait, verdict.why)));
      else if (leftMs <= 0) ends.set(index, failedWait(timedOut(wait, verdict.why)));
      else {
        nextMs = Math.min(nextMs, settledMs, leftMs);
        pending.push(sentenceOf(wait, verdict.why));
      }
    }
    const early = await earlyEnd([...ends.values()], ports);
    if (pending.length === 0 || early !== undefined) {
      news?.forget();
      if (
        waits.some(
          ({ action }, index) => action.until === 'established' && ends.get(index)?.result === 'done',
        )
      )
        await cluster.resources(true);
      return waits.map((_, index) => ends.get(index) ?? early!);
    }
    const more = pending.length > 1 ? `, and ${pending.length - 1} more` : '';
    ports.waits?.(`${pending[0]}${more}`);
    await somethingNew(news, nextMs, ports);
  }
}

/** Why what is still waited for is not waited for any longer. */
async function earlyEnd(ends: readonly WaitEnd[], ports: WaitPorts): Promise<WaitEnd | undefined> {
  const failure = ports.whyEnded?.();
  if (failure !== undefined) return { result: 'ended', failure };
  const stale = ends.find(({ result }) => result === 'stale');
  if (stale !== undefined) return stale;
  // The first failure ends the Run; what the others come to does not matter to it.
  if (ends.some(({ result }) => result === 'failed')) return { result: 'superseded' };
  return (await ports.isSuperseded?.()) === true ? { result: 'superseded' } : undefined;
}

async function somethingNew(
  news: ReturnType<News['next']> | undefined,
  withinMs: number,
  { timers }: WaitPorts,
): Promise<void> {
  let cancel = (): void => undefined;
  const limitMs = news === undefined ? Math.min(pollMs, withinMs) : withinMs;
  const inTime = new Promise<void>((resolve) => {
    if (Number.isFinite(limitMs)) cancel = timers.after(limitMs, resolve);
  });
  await Promise.race(news === undefined ? [inTime] : [inTime, news.arrived]);
  cancel();
  news?.forget();
}

/** waiting: it may come about yet. unwell: it will not, unless its controller says otherwise soon. */
type Verdict = WaitEnd | { readonly result: 'waiting' | 'unwell'; readonly why: string };

const done = { result: 'done' } as const;
const failedWait = (failure: Failure): WaitEnd => ({ result: 'failed', failure });
const waiting = (why: string): Verdict => ({ result: 'waiting', why });

function judge({ step, action: { until }, uid }: Wait, sighting: Sighting): Verdict {
  // Deleted, and then its kind was deleted too: nothing of it can be left.
  if (sighting.state === 'unknown' && sighting.notServed === true && until === 'absent') return done;
  if (sighting.state === 'unknown') return waiting(`it cannot be seen: ${sighting.why}`);
  if (sighting.state === 'absent' || (uid !== undefined && sighting.object.uid !== uid)) {
    if (until === 'absent' || until === 'ended') return done;
    if (until === 'healthy') return { result: 'stale', why: 'it was deleted' };
    return until === 'completed' ? failedWait(vanished(step)) : waiting('it is not there');
  }
  const { object } = sighting;
  return until === 'absent' ? waiting(heldBy(object)) : judgeHealth(until, object);
}

function judgeHealth(until: Exclude<Awaits, 'absent'>, { health, deletingSinceMs }: ObservedObject): Verdict {
  const { status, counts } = health;
  const why = (health.message ?? '').replace(/\.$/, '');
  if (status === 'Healthy') return done;
  const isOver = status === 'Degraded' || status === 'Unknown';
  if (until === 'ended') return isOver ? done : waiting(why);
  if (until === 'completed') return { result: isOver ? 'unwell' : 'waiting', why };
  if (until === 'healthy') {
    if (deletingSinceMs !== undefined) return { result: 'stale', why: 'it is being deleted' };
    // As a child of an application of applications, unless somebody customises that.
    if (status === 'Suspended' || counts === false) return done;
    if (status === 'Degraded') return { result: 'unwell', why };
  }
  return waiting(why);
}

function heldBy({ finalizers, health }: ObservedObject): string {
  return finalizers.length === 0
    ? (health.message ?? '')
    : `it waits for the finalizer ${finalizers.join(', ')}`;
}

const wanted: Readonly<Record<Awaits, string>> = {
  established: 'established',
  absent: 'gone',
  healthy: 'healthy',
  completed: 'completed',
  ended: 'ended',
};
const withWhy = (why: string): string => (why === '' ? '' : `: ${why}`);

function sentenceOf({ step, action: { until } }: Wait, why: string): string {
  const earlier = until === 'ended' ? ', which an earlier sync began,' : '';
  return `waiting until ${describe(step.object)}${earlier} is ${wanted[until]}${withWhy(why)}`;
}

function unhealthy({ step }: Wait, why: string): Failure {
  const failure = { kind: 'transient', stage: 'apply' } as const;
  return step.hook === undefined
    ? {
        ...failure,
        code: 'WaveUnhealthy',
        message: `it is degraded, and what comes after it was not begun${withWhy(why)}`,
        hint: 'correct it in Git; a new commit is applied at once',
      }
    : {
        ...failure,
        code: 'HookFailed',
        message: `the hook failed${withWhy(why)}`,
        hint: 'look at its logs; the next attempt runs all hooks again',
      };
}

function vanished(step: Step): Failure {
  return {
    kind: 'transient',
    code: 'HookVanished',
    stage: 'apply',
    message: 'the hook was deleted before it was seen to end: whether it did its work is not known',
    hint: 'the next attempt runs all hooks again; leave finished hooks to their delete policy',
    subject: step.object,
  };
}

function timedOut({ action: { until, timeoutMs = 0 } }: Wait, why: string): Failure {
  return {
    kind: 'transient',
    code: 'WaitTimeout',
    stage: 'apply',
    message: `it was not ${wanted[until]} within ${timeoutMs / 1000} s${withWhy(why)}`,
    hint: 'it is tried again by itself; kubectl describe shows what holds it',
  };
}
