/** What a turn is handed, and how it ends. */
import type { TornDown } from '#model/dialect.ts';
import type { Result } from '#model/failure.ts';
import type { PlanContext, PlanPorts } from '#pipeline/pipeline.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Log, Meter, Random } from '#model/ports.ts';
import type { Tracking, UnitId } from '#model/unit.ts';
import type { Dependencies } from './dependencies.ts';
import type { Foresight } from './foresight.ts';
import type { Ownership } from './ownership.ts';
import type { RunPorts } from './run.ts';
import type { UnitRuntime } from './runtime.ts';
import type { Sources } from './sources.ts';

export interface TurnPorts extends PlanPorts, RunPorts {
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  readonly sources: Sources;
  readonly ownership: Ownership;
  readonly foresight: Foresight;
  readonly dependencies: Dependencies;
  readonly unitName: (unit: UnitId) => string;
  readonly isUnit: (trackingName: string) => boolean;
  /** How Units are marked, each way once. */
  readonly trackings: () => readonly Tracking[];
  /** Has the resource kept until its objects are taken care of; false: it is another by now, or gone. */
  readonly hold: () => Promise<Result<boolean>>;
  /** What waits is left as it is: the next start goes on from what is recorded. */
  readonly isStopping: () => boolean;
  /** On the monotonic clock: what was known before is too old to decide from (F6). */
  readonly sinceMs: number;
}

/** When to take the next turn, if not only when something changes. */
export interface TurnEnd {
  readonly againMs?: number;
  /** False: nothing may be written, not even a status. */
  readonly mayWriteStatus: boolean;
  readonly tornDown: TornDown;
  /** Nothing was looked at: others come first. */
  readonly isPending?: true;
}

export const settled: TurnEnd = { mayWriteStatus: true, tornDown: false };

/** Nothing was decided: the next turn begins from what the resource says by now. */
export const anew: TurnEnd = { mayWriteStatus: false, tornDown: false, againMs: 0 };

/** Whichever is sooner; of those that say no time, the first. */
export function earlier(one: TurnEnd, other: TurnEnd): TurnEnd {
  const [sooner] = [one, other]
    .filter(({ againMs }) => againMs !== undefined)
    .toSorted((a, b) => a.againMs! - b.againMs!);
  return sooner ?? one;
}

export function planContext(runtime: UnitRuntime, state: UnitState, ports: TurnPorts): PlanContext {
  const { unit } = runtime;
  // Who asks has it healed again; who approved a plan gets that one.
  const isAsked =
    (unit.request !== undefined && unit.request.plan === undefined) || unit.refresh !== undefined;
  return {
    state,
    ...(state.contests === undefined || isAsked ? {} : { contests: state.contests }),
    attempt: runtime.retrying?.attempts ?? 0,
    isUnit: ports.isUnit,
    trackings: ports.trackings,
    otherOwner: (ref, uid) => {
      const other = ports.ownership.other(unit.id, ref, uid);
      // From now on: it may be let go before this turn ends.
      if (other !== undefined && !runtime.hasLeft) ports.ownership.waitFor(unit.id, ref);
      return other === undefined ? undefined : ports.unitName(other);
    },
  };
}
