/**
 * Calls that the server has put off with Retry-After (F4): until then the very same is not sent, whoever asks for it
 * next. What it says with 429 holds for all calls: limiter.ts.
 */
import { digestOf } from '#fields/digest.ts';
import type { Digest } from '#model/json.ts';
import type { Clock } from '#model/ports.ts';
import type { Call, Refusal } from './call.ts';

interface Held {
  readonly untilMs: number;
  readonly refusal: Refusal;
}

export class PutOff {
  readonly #clock: Clock;
  readonly #held = new Map<Digest, Held>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(call: Call, delayMs: number, refusal: Refusal): void {
    const nowMs = this.#clock.monotonic();
    for (const [key, { untilMs }] of this.#held) if (untilMs <= nowMs) this.#held.delete(key);
    this.#held.set(keyOf(call), { untilMs: nowMs + delayMs, refusal });
  }

  /** For how long it may not be sent yet, and what the server said; undefined where it may. */
  of(call: Call): { readonly leftMs: number; readonly refusal: Refusal } | undefined {
    const held = this.#held.size === 0 ? undefined : this.#held.get(keyOf(call));
    const leftMs = (held?.untilMs ?? 0) - this.#clock.monotonic();
    return held === undefined || leftMs <= 0 ? undefined : { leftMs, refusal: held.refusal };
  }
}

const keyOf = ({ method, path, body = '' }: Call): Digest => digestOf(`${method} ${path} ${body}`);
