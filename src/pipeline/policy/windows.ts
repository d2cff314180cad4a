/** Sync windows: whether a sync may begin now; if not, which window is in the way, and until when. Pure. */
import { scheduleOf } from '#model/cron.ts';
import { humanDuration, timestamp } from '#model/time.ts';
import type { SyncWindow } from '#model/unit.ts';

export type WindowVerdict =
  | { readonly open: true }
  | { readonly open: false; readonly why: string; /** When it may be otherwise. */ readonly untilMs: number };

/** A person's wish passes windows only if all that are in the way let it. */
export function judgeWindows(
  windows: readonly SyncWindow[],
  nowMs: number,
  isManual: boolean,
): WindowVerdict {
  const times = windows.map((window) => ({ window, ...timesOf(window, nowMs) }));
  const denying = times.filter(({ window, endMs }) => window.kind === 'deny' && endMs !== undefined);
  const passes = (some: typeof times): boolean => isManual && some.every(({ window }) => window.manualSync);
  const untilMs = Math.min(...times.map(({ endMs, startMs }) => endMs ?? startMs));
  if (denying.length > 0) {
    if (passes(denying)) return { open: true };
    const last = denying.reduce((one, other) => (other.endMs! > one.endMs! ? other : one));
    const why = `${nameOf(last.window)} denies syncs until ${timestamp(last.endMs!)}`;
    return { open: false, why, untilMs };
  }
  const allowing = times.filter(({ window }) => window.kind === 'allow');
  if (allowing.length === 0 || allowing.some(({ endMs }) => endMs !== undefined) || passes(allowing))
    return { open: true };
  const next = allowing.reduce((one, other) => (other.startMs < one.startMs ? other : one));
  const opens = Number.isFinite(next.startMs) ? `not before ${timestamp(next.startMs)}` : 'never again';
  return { open: false, why: `${nameOf(next.window)} allows syncs ${opens}`, untilMs };
}

/** `endMs` only while it is open; `startMs` is the next start. */
function timesOf(
  { schedule, timeZone, durationMs }: SyncWindow,
  nowMs: number,
): { readonly startMs: number; readonly endMs?: number } {
  const times = scheduleOf(schedule, timeZone);
  const startMs = times.after(nowMs);
  let endMs = times.before(nowMs) + durationMs;
  if (endMs <= nowMs) return { startMs };
  // Starts that overlap prolong it.
  for (let next = startMs, steps = 0; next <= endMs && steps < overlapsMax; steps += 1) {
    endMs = next + durationMs;
    next = times.after(next);
  }
  return { startMs, endMs };
}

/** A window that opens again before it closes is looked at again after so many starts. */
const overlapsMax = 100;

function nameOf({ kind, schedule, durationMs, timeZone, of }: SyncWindow): string {
  return `the ${kind} window "${schedule}" (${humanDuration(durationMs)}, ${timeZone}) of ${of}`;
}
