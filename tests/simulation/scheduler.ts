/**
 * The only source of events: timers, and I/O that is under way. Time passes from one event to the next, and only when
 * everything that could happen without it has happened; of those that are due at one moment the seed says which is first.
 */
import type { Cancel, Clock, Timers } from '#model/ports.ts';
import type { SeededRandom } from './random.ts';

interface Event {
  readonly atMs: number;
  readonly rank: number;
  readonly order: number;
  readonly process: Process | undefined;
  readonly call: () => void;
  isCancelled: boolean;
}

/** Something that runs, and can be stopped for a while or for good: its timers and its answers wait or are lost with it. */
export class Process implements Clock, Timers {
  readonly name: string;
  readonly #scheduler: Scheduler;
  /** What its wall clock shows besides the time that passed. */
  wallMs: number;
  #isGone = false;
  #paused: (() => void)[] | undefined;
  #pending = 0;

  constructor(name: string, scheduler: Scheduler, wallMs: number) {
    this.name = name;
    this.#scheduler = scheduler;
    this.wallMs = wallMs;
  }

  get isGone(): boolean {
    return this.#isGone;
  }
  get isPaused(): boolean {
    return this.#paused !== undefined;
  }
  /** Timers that it waits for, and I/O. */
  get pending(): number {
    return this.#pending;
  }

  now(): number {
    return this.wallMs + this.#scheduler.nowMs;
  }
  monotonic(): number {
    return this.#scheduler.nowMs;
  }
  after(delayMs: number, call: () => void): Cancel {
    if (this.#isGone) return () => undefined;
    this.#pending += 1;
    const event = this.#scheduler.add(this, delayMs, () => {
      this.#pending -= 1;
      this.run(call);
    });
    return () => {
      if (event.isCancelled) return;
      event.isCancelled = true;
      this.#pending -= 1;
    };
  }

  /** Now, after its pause, or never. */
  run(call: () => void): void {
    if (this.#isGone) return;
    if (this.#paused === undefined) call();
    else this.#paused.push(call);
  }
  pause(): void {
    this.#paused ??= [];
  }
  resume(): void {
    const calls = this.#paused ?? [];
    this.#paused = undefined;
    for (const call of calls) this.run(call);
  }
  /** From one moment to the next; what it asked for may still be carried out by others. */
  end(): void {
    this.#isGone = true;
    this.#paused = undefined;
  }
}

/** What a process that is gone hears. Each is one of its own: a promise holds whoever waits for it. */
export const never = (): Promise<never> => new Promise(() => undefined);

/** Events at one moment, without any time passing, before it is called spinning. */
const eventsAtOnceMax = 20_000;

export class Scheduler {
  readonly #random: SeededRandom;
  readonly #heap: Event[] = [];
  #order = 0;
  #nowMs = 0;
  #events = 0;
  #atOnce = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  get nowMs(): number {
    return this.#nowMs;
  }
  get events(): number {
    return this.#events;
  }

  add(process: Process | undefined, delayMs: number, call: () => void): Event {
    const event: Event = {
      // Whole milliseconds, so that events do meet; and never too early.
      atMs: this.#nowMs + Math.max(0, Math.ceil(delayMs)),
      rank: this.#random.next(),
      order: this.#order++,
      process,
      call: () => {
        event.isCancelled = true;
        call();
      },
      isCancelled: false,
    };
    push(this.#heap, event);
    return event;
  }
  at(delayMs: number, call: () => void): void {
    this.add(undefined, delayMs, call);
  }

  /** Event by event, for what never waits for I/O. */
  settle(untilMs: number): void {
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) next.call();
  }

  /** Everything that can happen without an event has happened. */
  async drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Event by event, until this moment, or until `isOver` says so after one of them. */
  async runUntil(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    await this.drain();
    while (!isOver()) {
      const next = this.#next(untilMs);
      if (next === undefined) break;
      next.call();
      await this.drain();
    }
    if (!isOver()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** The next event until then, which happens now. */
  #next(untilMs: number): Event | undefined {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) return undefined;
      pop(this.#heap);
      if (next.isCancelled || next.process?.isGone === true) continue;
      this.#atOnce = next.atMs === this.#nowMs ? this.#atOnce + 1 : 0;
      if (this.#atOnce > eventsAtOnceMax)
        throw new Error(`it spins: ${eventsAtOnceMax} events at one moment`);
      this.#nowMs = next.atMs;
      this.#events += 1;
      return next;
    }
  }
}

const isBefore = (one: Event, other: Event): boolean =>
  one.atMs - other.atMs < 0 ||
  (one.atMs === other.atMs &&
    (one.rank < other.rank || (one.rank === other.rank && one.order < other.order)));

function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!isBefore(event, heap[above]!)) break;
    heap[at] = heap[above]!;
    at = above;
  }
  heap[at] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below += 1;
    if (!isBefore(heap[below]!, last)) break;
    heap[at] = heap[below]!;
    at = below;
  }
  heap[at] = last;
}
