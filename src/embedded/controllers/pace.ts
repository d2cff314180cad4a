/** What takes time in a real cluster takes a little here as well. Kept in memory: after a restart it begins anew. */
import type { Clock } from '#model/ports.ts';
import type { Again } from './runner.ts';

export class Pace {
  readonly #clock: Clock;
  readonly #since = new Map<string, { readonly step: string; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the delay is over since `step` was first asked for; until then, asks to be called again. One step a UID. */
  passed(uid: string, step: string, delayMs: number, again: Again): boolean {
    const nowMs = this.#clock.monotonic();
    const known = this.#since.get(uid);
    const since = known?.step === step ? known.atMs : nowMs;
    if (known?.step !== step) this.#since.set(uid, { step, atMs: nowMs });
    const leftMs = since + delayMs - nowMs;
    if (leftMs > 0) {
      again(leftMs);
      return false;
    }
    this.#since.delete(uid);
    return true;
  }

  isWaiting(uid: string, step: string): boolean {
    return this.#since.get(uid)?.step === step;
  }

  forget(uid: string): void {
    this.#since.delete(uid);
  }
}
