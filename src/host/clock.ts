/** The real clock and timers: with random.ts, the only place where time enters the system. */
import process from 'node:process';
import type { Cancel, Clock, Timers } from '#model/ports.ts';

/** Time for people from the system's clock; durations and leases from one that never jumps (F15). */
export const systemClock: Clock = {
  now: () => Date.now(),
  // performance.now() starts anew in each thread.
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
};

/** What a Node.js timer can hold; it would fire at once for anything longer. */
const longestDelayMs = 2 ** 31 - 1;

export const systemTimers: Timers = {
  after(delayMs: number, call: () => void): Cancel {
    let handle: NodeJS.Timeout;
    const arm = (remainingMs: number): void => {
      const step = Math.min(Math.max(remainingMs, 0), longestDelayMs);
      handle = setTimeout(() => (remainingMs > step ? arm(remainingMs - step) : call()), step);
    };
    arm(delayMs);
    return () => clearTimeout(handle);
  },
};
