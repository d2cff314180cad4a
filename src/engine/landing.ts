/**
 * Creations that were given up without an answer: for how long they may still be carried out. It is counted from when
 * this process first knew of them, or tried last, so that no clock of another one matters.
 */
import { ranHooks } from '#pipeline/plan/hook-run.ts';
import { inventoryNow } from '#pipeline/record/inventory.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Clock } from '#model/ports.ts';
import type { UnitRuntime } from './runtime.ts';

/**
 * An API server ends a request after 60 s, unless it is told otherwise, and what is on its way to it takes its time too.
 */
export const landsWithinMs = 90_000;

/** How long until nothing is to be expected any more; 0: nothing is. */
export function landsInMs(runtime: UnitRuntime, state: UnitState | undefined, clock: Clock): number {
  if (state === undefined || !isUnanswered(runtime, state)) {
    runtime.landsAtMs = undefined;
    return 0;
  }
  runtime.landsAtMs ??= clock.monotonic() + landsWithinMs;
  return Math.max(runtime.landsAtMs - clock.monotonic(), 0);
}

function isUnanswered({ unit }: UnitRuntime, state: UnitState): boolean {
  // A Unit that stays looks after its hooks in the next sync.
  const isHookAwaited =
    unit.teardown !== undefined && ranHooks(state).ranHooks?.some(({ uid }) => uid === undefined) === true;
  return isHookAwaited || inventoryNow(state).some(({ unanswered }) => unanswered === true);
}
