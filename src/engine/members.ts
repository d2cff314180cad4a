/**
 * Which replicas are alive, and which of them owns what. Pure: time comes in as an argument, always on our own monotonic
 * clock. Nobody's wall clock is ever compared with ours (F15).
 */
import { digestOf } from '#fields/digest.ts';

/** A member is alive for so long after its Lease was seen to change. */
export const leaseMs = 15_000;
export const renewMs = 5_000;
/** A replica stops by itself so long before the others take it for dead. */
export const marginMs = 2_000;
/** What a request of a Run may take, and how long after a member's end one of its requests may still land (F14). */
export const longestRequestMs = 10_000;
/** The Lease of a member that is dead is deleted after this. */
const forgetMs = 60_000;

interface Seen {
  /** Its Lease's resourceVersion: anything else is a sign of life. */
  version: string;
  lastMs: number;
  life: 'alive' | 'dead' | 'left';
  /** It was taken for gone, and a word of it came: its Lease has to be looked at, now. */
  isDoubted?: true;
}

export class Members {
  readonly #own: string;
  readonly #startedMs: number;
  readonly #seen = new Map<string, Seen>();

  constructor(own: string, startedMs: number) {
    this.#own = own;
    this.#startedMs = startedMs;
  }

  /** In order, we ourselves included. */
  get alive(): readonly string[] {
    const others = [...this.#seen].filter(([, { life }]) => life === 'alive').map(([id]) => id);
    return [this.#own, ...others].toSorted();
  }

  /** Its Lease as it is now; true if that is a sign of life. */
  saw(id: string, version: string, nowMs: number): boolean {
    const before = this.#seen.get(id);
    if (before?.version === version && before.life !== 'left') return false;
    this.#seen.set(id, { version, lastMs: nowMs, life: 'alive' });
    return true;
  }

  /**
   * What it writes is a sign of life of one whose Lease was not seen yet, or not since it was taken for gone; true if it
   * was not known to live. If it is a late word of one that is gone, its Lease will tell.
   */
  heard(id: string, nowMs: number): boolean {
    const seen = this.#seen.get(id);
    if (id === this.#own || seen?.life === 'alive') return false;
    this.#seen.set(
      id,
      seen === undefined
        ? { version: '', lastMs: nowMs, life: 'alive' }
        : { ...seen, life: 'alive', isDoubted: true },
    );
    return true;
  }

  /** It deleted its Lease, or somebody else did: what it has begun may still go on for a while. */
  left(id: string): void {
    const seen = this.#seen.get(id);
    if (seen !== undefined) seen.life = 'left';
  }

  died(id: string): void {
    const seen = this.#seen.get(id);
    if (seen !== undefined) seen.life = 'dead';
  }

  /** Those of whom nothing was seen for the length of a Lease: to be looked at once more before they count as dead. */
  silent(nowMs: number): readonly string[] {
    return this.#of('alive', ({ lastMs, isDoubted }) => isDoubted === true || lastMs + leaseMs <= nowMs);
  }

  /** Forgets those that have been gone for long; the dead among them, whose Lease can go. */
  bury(nowMs: number): readonly { readonly id: string; readonly version: string }[] {
    const isOver = ({ lastMs }: Seen): boolean => lastMs + forgetMs <= nowMs;
    const dead = this.#of('dead', isOver).map((id) => ({ id, version: this.#seen.get(id)!.version }));
    for (const id of [...this.#of('dead', isOver), ...this.#of('left', isOver)]) this.#seen.delete(id);
    return dead;
  }

  /** When there is something to look at again. */
  get nextMs(): number | undefined {
    const times = [...this.#seen.values()].map(
      ({ life, lastMs, isDoubted }) =>
        lastMs + (life !== 'alive' ? forgetMs : isDoubted === true ? 0 : leaseMs),
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** We could not look for a while: nobody is dead for that. */
  excuse(nowMs: number): void {
    for (const seen of this.#seen.values()) if (seen.life === 'alive') seen.lastMs = nowMs;
  }

  /** From when on nothing that such a replica has begun can still be under way. */
  doneMs(id: string): number {
    return (this.#seen.get(id)?.lastMs ?? this.#startedMs) + leaseMs + longestRequestMs;
  }

  #of(life: Seen['life'], is: (seen: Seen) => boolean): readonly string[] {
    return [...this.#seen].flatMap(([id, seen]) => (seen.life === life && is(seen) ? [id] : []));
  }
}

/** By rendezvous hashing: who comes or goes moves only what it gets or had. */
export function ownerAmong(subject: string, members: readonly string[]): string | undefined {
  let owner: string | undefined;
  let highest = '';
  for (const member of members) {
    const weight = digestOf(`${member} ${subject}`);
    if (weight > highest) [owner, highest] = [member, weight];
  }
  return owner;
}
