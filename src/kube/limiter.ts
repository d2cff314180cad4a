/**
 * Bounds how many calls one cluster gets from us at once, in order of arrival. When the server says "too many
 * requests" it pauses all of them (F4): retrying only the one that was told would send the rest into the same wall.
 * One limiter a cluster, so that a sick cluster never starves another.
 */
import type { Cancel, Clock, Timers } from '#model/ports.ts';

export class Limiter {
  readonly #inFlightMax: number;
  readonly #clock: Clock;
  readonly #timers: Timers;
  #inFlight = 0;
  #waiting: Waiting[] = [];
  /** Where the queue starts: shifting a long array is slow. */
  #head = 0;
  #pausedUntilMs = 0;
  #wake: (() => void) | undefined;

  constructor(inFlightMax: number, clock: Clock, timers: Timers) {
    this.#inFlightMax = inFlightMax;
    this.#clock = clock;
    this.#timers = timers;
  }

  /**
   * Resolves to true when it is the caller's turn, who then has to `release`; to false when the turn did not come in
   * `waitMsMax`, so that no call is sent long after it was asked for (F14).
   */
  acquire(waitMsMax: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiting: Waiting = { admit: resolve, cancel: undefined };
      this.#waiting.push(waiting);
      this.#admit();
      if (waiting.admit === undefined) return;
      waiting.cancel = this.#timers.after(waitMsMax, () => {
        waiting.admit = undefined;
        resolve(false);
      });
    });
  }

  release(): void {
    this.#inFlight -= 1;
    this.#admit();
  }

  /** Nothing new starts for `delayMs`; a longer pause that already holds stays. */
  pauseFor(delayMs: number): void {
    const untilMs = this.#clock.monotonic() + delayMs;
    if (untilMs <= this.#pausedUntilMs) return;
    this.#pausedUntilMs = untilMs;
    this.#wake?.();
    this.#wake = this.#timers.after(delayMs, () => {
      this.#wake = undefined;
      this.#admit();
    });
  }

  /** How long nothing may be sent. */
  get pausedMs(): number {
    return Math.max(0, this.#pausedUntilMs - this.#clock.monotonic());
  }

  close(): void {
    this.#wake?.();
    this.#wake = undefined;
    this.#pausedUntilMs = 0;
    this.#admit();
  }

  #admit(): void {
    if (this.#wake !== undefined) return;
    while (this.#inFlight < this.#inFlightMax && this.#head < this.#waiting.length) {
      const next = this.#waiting[this.#head];
      this.#head += 1;
      if (next?.admit === undefined) continue;
      const { admit, cancel } = next;
      next.admit = undefined;
      cancel?.();
      this.#inFlight += 1;
      admit(true);
    }
    if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }
}

interface Waiting {
  /** Undefined once it was admitted or gave up. */
  admit: ((turn: boolean) => void) | undefined;
  cancel: Cancel | undefined;
}
