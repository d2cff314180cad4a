/** What this replica looks after, and from when on: alone, everything, at once. */
import type { Clock } from '#model/ports.ts';
import type { UnitId } from '#model/unit.ts';
import type { Membership } from './membership.ts';
import type { UnitStates } from './unit-states.ts';

export class Share {
  readonly #membership: Membership | undefined;
  readonly #states: UnitStates;
  readonly #clock: Clock;

  constructor(membership: Membership | undefined, states: UnitStates, clock: Clock) {
    this.#membership = membership;
    this.#states = states;
    this.#clock = clock;
  }

  /** A Unit, or a resource that declares a source, by its key text. */
  isOwn(subject: UnitId | string): boolean {
    return this.#membership?.isOwn(subject, this.#holder(subject)) ?? true;
  }

  /** False: our Lease has run out. We are told when it is renewed. */
  get mayAct(): boolean {
    return this.#membership === undefined || this.#membership.untilMs() !== undefined;
  }

  /** Until nothing is under way any more of the Run that a dead replica began; 0 or less: now. */
  waitMs(unit: UnitId): number {
    return this.#runEndMs(unit) - this.#clock.monotonic();
  }

  /** Nothing is decided from what was known of its objects and sources before (F6). */
  sinceMs(unit: UnitId): number {
    if (this.#membership === undefined) return -Infinity;
    return Math.max(this.#states.heardMs(unit), this.#runEndMs(unit));
  }

  #runEndMs(unit: UnitId): number {
    const holder = this.#holder(unit);
    const isOthers = holder !== undefined && holder !== this.#membership?.id;
    return (isOthers ? this.#membership?.runsEndMs(holder) : undefined) ?? -Infinity;
  }

  #holder(unit: UnitId): string | undefined {
    return this.#states.get(unit)?.intent?.replica;
  }
}
