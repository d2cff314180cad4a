/** What turns came to, told to whoever counts it. The engine knows of no metric's name. */
import type { Manifest, ObjectKey } from '#model/object.ts';
import type { Clock } from '#model/ports.ts';
import type { UnitRuntime } from './runtime.ts';

export interface TurnReport {
  readonly seconds: number;
  /** It is only looked at: nothing may be written about it (F29). */
  readonly isObserved?: true;
  /** A Run that ended in this turn, or a request that was refused; one that was stale is none. */
  readonly run?: { readonly succeeded: boolean; readonly dryRun: boolean };
}
export interface EngineObserver {
  /** The resource is as it is after its status was written. */
  turned(resource: Manifest, turn: TurnReport): void;
  /** The resource is gone, or no longer reconciled. */
  forgotten(key: ObjectKey): void;
}

/** Called as a turn begins; what it returns, as it ends. */
export function endOfTurn(runtime: UnitRuntime, clock: Clock): () => TurnReport {
  const startedMs = clock.monotonic();
  const { run: before, unit } = runtime;
  return () => {
    const { run, answered } = runtime;
    const seconds = (clock.monotonic() - startedMs) / 1000;
    if (runtime.observing !== undefined) return { seconds, isObserved: true };
    const isNew = run !== undefined && run !== before;
    const isOver = isNew && run.finishedAtMs !== undefined && runtime.nextAttemptMs === undefined;
    if (!isOver || (run.outcome === undefined && !answered.request)) return { seconds };
    const succeeded = run.outcome?.result === 'succeeded';
    return { seconds, run: { succeeded, dryRun: unit.request?.dryRun === true } };
  };
}

/** Several who are told the same. */
export function observers(...all: readonly EngineObserver[]): EngineObserver {
  return {
    turned: (resource, turn) => all.forEach((one) => one.turned(resource, turn)),
    forgotten: (key) => all.forEach((one) => one.forgotten(key)),
  };
}
