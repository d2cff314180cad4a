/**
 * Which Unit is worked on next. A key is worked on by one worker at a time; what arrives meanwhile is remembered
 * once. Urgent keys go first: a person or a change waits for them. They never hold up the others for good.
 */
import type { Cancel, Timers } from '#model/ports.ts';

export type Urgency = 'urgent' | 'normal';

/** So many urgent ones in a row, then one that waits. */
const urgentInARow = 8;

export class Queue {
  readonly #urgent = new Set<string>();
  readonly #waiting = new Set<string>();
  readonly #delayed = new Map<string, { readonly atMs: number; readonly cancel: Cancel }>();
  readonly #running = new Set<string>();
  readonly #again = new Map<string, Urgency>();
  readonly #resting = new Map<string, number>();
  readonly #limit: number;
  readonly #work: (key: string) => Promise<void>;
  readonly #stirred: (key: string) => void;
  readonly #timers: Timers;
  readonly #monotonic: () => number;
  #row = 0;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(options: {
    readonly concurrency: number;
    readonly work: (key: string) => Promise<void>;
    /** Told of a key that is asked for while it is worked on. */
    readonly stirred?: (key: string) => void;
    readonly timers: Timers;
    readonly monotonic: () => number;
  }) {
    this.#limit = options.concurrency;
    this.#work = options.work;
    this.#stirred = options.stirred ?? ((): void => undefined);
    this.#timers = options.timers;
    this.#monotonic = options.monotonic;
  }

  get depth(): number {
    return this.#urgent.size + this.#waiting.size;
  }

  isUnderWay(key: string): boolean {
    return this.#running.has(key);
  }

  add(key: string, urgency: Urgency = 'normal'): void {
    if (this.#stopped) return;
    this.#cancelDelay(key);
    if (this.#running.has(key)) {
      if (this.#again.get(key) !== 'urgent') this.#again.set(key, urgency);
      this.#stirred(key);
    } else if (urgency === 'urgent') {
      this.#waiting.delete(key);
      this.#urgent.add(key);
    } else if (!this.#urgent.has(key)) this.#waiting.add(key);
    this.#pump();
  }

  /** An earlier time that is already set stays. */
  addAfter(key: string, delayMs: number): void {
    if (this.#stopped) return;
    const atMs = this.#monotonic() + delayMs;
    const earlier = this.#delayed.get(key);
    if (earlier !== undefined && earlier.atMs <= atMs) return;
    this.#cancelDelay(key);
    const cancel = this.#timers.after(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { atMs, cancel });
  }

  /** The work on this key waits for something that may take long: meanwhile others get its place. */
  async resting<T>(key: string, wait: Promise<T>): Promise<T> {
    this.#resting.set(key, (this.#resting.get(key) ?? 0) + 1);
    this.#pump();
    try {
      return await wait;
    } finally {
      const left = this.#resting.get(key)! - 1;
      if (left === 0) this.#resting.delete(key);
      else this.#resting.set(key, left);
    }
  }

  /** Takes no more work, and resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const key of this.#delayed.keys()) this.#cancelDelay(key);
    this.#urgent.clear();
    this.#waiting.clear();
    this.#again.clear();
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #cancelDelay(key: string): void {
    this.#delayed.get(key)?.cancel();
    this.#delayed.delete(key);
  }

  #pump(): void {
    while (!this.#stopped && this.#running.size - this.#resting.size < this.#limit) {
      const isUrgent = this.#urgent.size > 0 && (this.#row < urgentInARow || this.#waiting.size === 0);
      this.#row = isUrgent ? this.#row + 1 : 0;
      const from = isUrgent ? this.#urgent : this.#waiting;
      const next = from.values().next();
      if (next.done === true) return;
      from.delete(next.value);
      this.#running.add(next.value);
      void this.#run(next.value);
    }
  }

  async #run(key: string): Promise<void> {
    try {
      await this.#work(key);
    } finally {
      this.#running.delete(key);
      const again = this.#again.get(key);
      this.#again.delete(key);
      if (again !== undefined) this.add(key, again);
      this.#pump();
      if (this.#stopped && this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}
