/** How a person's wish that something ends is written into the resource of a Unit, whatever its kind. */
import type { Progress } from '#model/dialect.ts';
import type { JsonObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { Unit } from '#model/unit.ts';
import { terminateAnnotation } from '#model/wishes.ts';

/** A merge patch. */
export function terminateRequest(startedAt: string, by: string): JsonObject {
  return { metadata: { annotations: { [terminateAnnotation]: `${startedAt} by ${by}` } } };
}

export function terminationOf({ metadata }: Manifest): Pick<Unit, 'terminate'> {
  const written = metadata.annotations?.[terminateAnnotation];
  if (written === undefined) return {};
  const [startedAt = '', by = 'somebody'] = written.split(/ by (.*)/s);
  return { terminate: { startedAt: startedAt.trim(), by } };
}

/**
 * Whichever operation was meant is over. What waits for its next attempt, or is asked for and was cut short, is not, and
 * may be the one.
 */
export function isTerminationSpent({ phase, run, unit, requestAnswered }: Progress): boolean {
  const isAsked = unit.request !== undefined && !requestAnswered;
  return phase === 'settled' && !isAsked && (run === undefined || run.finishedAtMs !== undefined);
}
