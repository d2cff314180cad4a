/** Waiting on the injected timers, so that a test or the simulation moves the clock instead of sleeping. */
import type { Random, Timers } from '#model/ports.ts';

/** Resolves after `delayMs`, or at once when `signal` is or gets aborted; never rejects. */
export function pause(timers: Timers, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = timers.after(delayMs, done);
    signal?.addEventListener('abort', done);
  });
}

/** Delays that double from `firstMs` to `maxMs`, each cut by up to a half at random so that retries spread. */
export class Backoff {
  readonly #random: Random;
  readonly #firstMs: number;
  readonly #maxMs: number;
  #attempts = 0;

  constructor(random: Random, firstMs: number, maxMs: number) {
    this.#random = random;
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
  }

  next(): number {
    const fullMs = Math.min(this.#maxMs, this.#firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return fullMs * (0.5 + this.#random.next() / 2);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
