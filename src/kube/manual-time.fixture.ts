/** A clock and timers that a test moves by hand, and waiting on conditions without sleeping. */
import type { Cancel, Clock, Log, Meter, Random, Timers } from '#model/ports.ts';

interface Armed {
  readonly atMs: number;
  readonly call: () => void;
}

export class ManualTime implements Clock, Timers {
  #nowMs = 1_000_000;
  /** What people's clock is ahead. */
  #aheadMs = 0;
  readonly #armed = new Set<Armed>();

  now(): number {
    return this.#nowMs + this.#aheadMs;
  }
  monotonic(): number {
    return this.#nowMs;
  }
  after(delayMs: number, call: () => void): Cancel {
    const armed = { atMs: this.#nowMs + delayMs, call };
    this.#armed.add(armed);
    return () => this.#armed.delete(armed);
  }

  /** Somebody sets the clock (F15): no time passes by that. */
  jump(byMs: number): void {
    this.#aheadMs += byMs;
  }

  /** Delays that are waited for now, shortest first. */
  get delaysMs(): readonly number[] {
    return [...this.#armed].map(({ atMs }) => atMs - this.#nowMs).toSorted((a, b) => a - b);
  }

  /** Moves the clock and fires what is due, in order. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const next = [...this.#armed].toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#armed.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.call();
    }
    this.#nowMs = untilMs;
  }
}

/** Lets I/O happen until the condition holds; fails after many turns, not after a time. */
export async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  for (let turn = 0; turn < 20_000; turn += 1) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`${what} did not come true`);
}

/** Always in the middle, so that delays can be computed. */
export const middling: Random = { next: () => 0.5, bytes: (count) => new Uint8Array(count) };

export class CountingMeter implements Meter {
  readonly counts: { readonly name: string; readonly labels: Readonly<Record<string, string>> }[] = [];
  count(name: string, labels: Readonly<Record<string, string>> = {}): void {
    this.counts.push({ name, labels });
  }
  observe(): void {}
}

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Lets I/O happen for a while, for what must not happen. */
export async function turns(count = 100): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
