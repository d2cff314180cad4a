/**
 * Runs the cluster's controllers over one queue: a change of the store names keys, and each key is looked at once, in
 * the order in which it was named, outside the request that changed something. When nothing is due there is no timer.
 */
import type { Cancel, Clock, Log, Timers } from '#model/ports.ts';
import { StatusError } from '../status.ts';
import type { Change, Store } from '../store.ts';

/** Asks for the key to be looked at again; of several delays the shortest counts. */
export type Again = (afterMs: number) => void;

export interface Controller {
  readonly name: string;
  /** The keys that are to be looked at because of a change. Everything stored is told as ADDED at the start. */
  concerns(change: Change): readonly string[];
  /** Brings what the key names one step further, from what is stored alone. */
  sync(key: string, again: Again): void;
}

export interface RunnerParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly controllers: readonly Controller[];
}

const attemptsMax = 10;
const backoffMs = 50;
const backoffMsMax = 30_000;

interface Item {
  readonly controller: Controller;
  readonly key: string;
}
const idOf = ({ controller, key }: Item): string => `${controller.name} ${key}`;

export class Runner {
  readonly #parts: RunnerParts;
  readonly #ready = new Map<string, Item>();
  readonly #later = new Map<string, { readonly item: Item; readonly atMs: number }>();
  readonly #failures = new Map<string, number>();
  #stopListening: (() => void) | undefined;
  #armed: { readonly atMs: number; readonly cancel: Cancel } | undefined;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  start(): void {
    const { store } = this.#parts;
    this.#stopListening = store.onChange((change) => this.#hear(change));
    for (const resource of store.resources())
      for (const object of store.list(resource))
        this.#hear({ type: 'ADDED', version: store.version, resource, object, before: undefined });
  }

  stop(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#armed?.cancel();
    this.#armed = undefined;
    this.#ready.clear();
    this.#later.clear();
  }

  #hear(change: Change): void {
    for (const controller of this.#parts.controllers)
      for (const key of controller.concerns(change)) {
        const item = { controller, key };
        this.#ready.set(idOf(item), item);
      }
    this.#arm();
  }

  /** One timer, for what is due first. */
  #arm(): void {
    if (this.#stopListening === undefined) return;
    const nowMs = this.#parts.clock.monotonic();
    const atMs =
      this.#ready.size > 0 ? nowMs : Math.min(...[...this.#later.values()].map(({ atMs }) => atMs));
    if (this.#armed !== undefined && this.#armed.atMs <= atMs) return;
    this.#armed?.cancel();
    this.#armed = undefined;
    if (atMs === Infinity) return;
    const cancel = this.#parts.timers.after(Math.max(0, atMs - nowMs), () => {
      this.#armed = undefined;
      this.#turn();
    });
    this.#armed = { atMs, cancel };
  }

  /** One key, so that requests get their turn between. */
  #turn(): void {
    this.#takeDue();
    const [next] = this.#ready;
    if (next !== undefined) {
      this.#ready.delete(next[0]);
      this.#look(...next);
    }
    this.#arm();
  }

  #takeDue(): void {
    const nowMs = this.#parts.clock.monotonic();
    const due = [...this.#later].filter(([, { atMs }]) => atMs <= nowMs);
    for (const [id, { item }] of due.toSorted(([, a], [, b]) => a.atMs - b.atMs)) {
      this.#later.delete(id);
      this.#ready.set(id, item);
    }
  }

  #look(id: string, item: Item): void {
    try {
      item.controller.sync(item.key, (afterMs) => this.#postpone(id, item, afterMs));
      this.#failures.delete(id);
    } catch (error) {
      this.#retry(id, item, error);
    }
  }

  #postpone(id: string, item: Item, afterMs: number): void {
    const atMs = this.#parts.clock.monotonic() + afterMs;
    const known = this.#later.get(id);
    if (known === undefined || known.atMs > atMs) this.#later.set(id, { item, atMs });
  }

  /** A refusal may pass, as when a namespace comes back; whatever else is thrown is a bug, and said so. */
  #retry(id: string, item: Item, error: unknown): void {
    const failures = (this.#failures.get(id) ?? 0) + 1;
    const fields = { controller: item.controller.name, key: item.key, error: String(error) };
    if (!(error instanceof StatusError)) this.#parts.log.error(fields, 'A controller of the cluster failed');
    if (failures >= attemptsMax) {
      this.#failures.delete(id);
      this.#parts.log.warn(fields, 'A controller of the cluster gives up until something changes');
      return;
    }
    this.#failures.set(id, failures);
    this.#postpone(id, item, Math.min(backoffMs * 2 ** (failures - 1), backoffMsMax));
  }
}
