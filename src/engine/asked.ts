/** What a person asks for: when it is over, and when it is tried again. */
import type { RunView } from '#model/dialect.ts';
import type { StepResult, UnitState } from '#model/outcome.ts';
import { parseTimestamp, timestamp } from '#model/time.ts';
import type { Unit } from '#model/unit.ts';
import { afterFailure, askedAgain, askingNow, generationText, goesOn } from './patience.ts';
import type { UnitRuntime } from './runtime.ts';
import { settled, type TurnEnd, type TurnPorts } from './turn-ports.ts';

/** It is over without a Run. */
export function answer(
  runtime: UnitRuntime,
  message: string,
  nowMs: number,
  /** What a dry run came to. */
  steps?: readonly StepResult[],
): void {
  const { plan } = runtime;
  const view = viewOf(runtime, message, nowMs);
  const digest = plan?.digest ?? 'sha256:';
  runtime.answered = { ...runtime.answered, request: true };
  runtime.asking = undefined;
  const result = steps?.some((step) => step.result === 'failed') === true ? 'failed' : 'succeeded';
  runtime.run =
    steps === undefined ? view : { ...view, outcome: { plan: digest, result, steps, inventory: [] } };
}

function viewOf({ unit: { request }, located, run }: UnitRuntime, message: string, nowMs: number): RunView {
  // One that waited for its next attempt began with an earlier one.
  const begun = run?.finishedAtMs === undefined ? run : undefined;
  return {
    startedAtMs: begun?.startedAtMs ?? nowMs,
    finishedAtMs: nowMs,
    by: request?.by ?? '',
    automated: false,
    revisions: located?.revisions ?? [],
    attempt: begun?.attempt ?? 0,
    ...(request?.asWritten === undefined ? {} : { asked: request.asWritten }),
    message,
  };
}

/**
 * An attempt that could not become a Run. Where that may come right by itself it is followed by another one, as often as
 * the person said; else it is over, and this is false.
 */
export function inVain(
  runtime: UnitRuntime,
  message: string,
  mayComeRight: boolean,
  { clock, random }: Pick<TurnPorts, 'clock' | 'random'>,
): boolean {
  const nowMs = clock.monotonic();
  const now = askingNow(runtime, runtime.unit);
  // Whatever made this turn, the next attempt is later.
  if (mayComeRight && now !== undefined && now.notBeforeMs > nowMs) return true;
  const view = { ...viewOf(runtime, message, clock.now()), attempt: now?.attempts ?? 0 };
  const next = mayComeRight ? askedAgain(runtime, view, nowMs, random) : undefined;
  runtime.asking = next;
  runtime.run =
    next === undefined ? view : tryingAgain(view, next.attempts, next.notBeforeMs + clock.now() - nowMs);
  if (next === undefined) runtime.answered = { ...runtime.answered, request: true };
  return next !== undefined;
}

/** An operation goes on until it succeeds, or was tried as often as it is to be. `atMs`: since 1970. */
export function tryingAgain(view: RunView, attempts: number, atMs: number): RunView {
  const { finishedAtMs: _, ...unfinished } = view;
  const message = `${view.message}; retrying attempt #${attempts} at ${timestamp(atMs)}`;
  return { ...unfinished, message };
}

export function untilNextAttempt({ asking }: UnitRuntime, { clock }: Pick<TurnPorts, 'clock'>): TurnEnd {
  return asking === undefined
    ? settled
    : { ...settled, againMs: Math.max(asking.notBeforeMs - clock.monotonic(), 0) };
}

/**
 * When the operation began that stands there now, as far as is known. Each attempt has a start of its own, and so has
 * what was cut off and stands in the record: those who end it may have read any of them.
 */
export function begunAtMs(runtime: UnitRuntime, unit: Unit, { intent }: UnitState): number | undefined {
  const { request } = unit;
  const cutOff = request !== undefined && intent?.by === request.by ? [intent.startedAtMs] : [];
  const asking = askingNow(runtime, unit);
  const starts = asking === undefined ? cutOff : [asking.begunAtMs, ...cutOff];
  return starts.length === 0 ? undefined : Math.min(...starts);
}

/** Whether what a person wants ended began between these times: its start is its name. */
export function isNamed(terminate: Unit['terminate'], fromMs: number, untilMs: number): boolean {
  const named = parseTimestamp(terminate?.startedAt);
  // A name has whole seconds.
  return named !== undefined && named >= Math.floor(fromMs / 1000) * 1000 && named <= untilMs;
}

/**
 * Whether somebody has ended it while it was not running, and was not over: it is over then. Also where what was
 * remembered of it was lost, and where its end could not be told.
 */
export function endedMeanwhile(
  runtime: UnitRuntime,
  state: UnitState,
  { clock, random }: Pick<TurnPorts, 'clock' | 'random'>,
): boolean {
  const { asking, plan, unit } = runtime;
  const { terminate, request } = unit;
  if (terminate === undefined || request === undefined || !isMeant(runtime, state)) return false;
  const when = asking === undefined ? '' : ' between two attempts';
  answer(runtime, `terminated by ${terminate.by}${when}`, clock.now());
  // By its name it is known again.
  const startedAtMs = parseTimestamp(terminate.startedAt);
  if (startedAtMs !== undefined && runtime.run !== undefined) runtime.run = { ...runtime.run, startedAtMs };
  // Automated sync begins again after a while, as after any failure.
  if (plan !== undefined)
    runtime.retrying = afterFailure(
      runtime,
      plan.rendered,
      generationText(unit),
      clock.monotonic(),
      random,
      undefined,
    );
  return true;
}

/** Somebody ends an automated operation between two attempts. */
export function endBetweenAttempts(runtime: UnitRuntime, { clock }: Pick<TurnPorts, 'clock'>): void {
  const { retrying, run, unit } = runtime;
  const { terminate } = unit;
  if (retrying === undefined || run === undefined || terminate === undefined || !goesOn(runtime)) return;
  if (!isNamed(terminate, run.startedAtMs, run.startedAtMs)) return;
  // Automated sync begins again after a while, as after any failure.
  runtime.retrying = { ...retrying, isEnded: true };
  const message = `terminated by ${terminate.by} between two attempts`;
  runtime.run = { ...run, finishedAtMs: clock.now(), message };
}

/** Whether it is the request that stands there which somebody wants ended. */
function isMeant(runtime: UnitRuntime, state: UnitState): boolean {
  const { run, unit } = runtime;
  const { terminate, request } = unit;
  if (terminate?.told === 'running') return true;
  if (isNamed(terminate, begunAtMs(runtime, unit, state) ?? Infinity, Infinity)) return true;
  if (run === undefined || run.automated || terminate?.told === 'over') return false;
  const isItsRun = run.by === request?.by && JSON.stringify(run.asked) === JSON.stringify(request.asWritten);
  return isItsRun && isNamed(terminate, run.startedAtMs, run.startedAtMs);
}
