/** Keeps the repositories that Units use up to date: one fetch for all of them, by polling and by hints. */
import type { Failure } from '#model/failure.ts';
import type { Cancel, Clock, Log, Random, Repositories, Timers } from '#model/ports.ts';
import type { SourceSpec, UnitId } from '#model/unit.ts';

interface Used {
  spec: SourceSpec;
  readonly units: Set<UnitId>;
  cancel: Cancel | undefined;
  failures: number;
  failure: Failure | undefined;
  first: Promise<void> | undefined;
}

export interface SourcesPorts {
  readonly repositories: Repositories;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** A single missed poll is not an outage. */
const failuresToAlarm = 2;
const secondTryMs = 5000;

/** Who asks matters: other credentials are another answer. */
function accessText({ url, credentials }: SourceSpec): string {
  return `${url} ${credentials?.namespace ?? ''}/${credentials?.name ?? ''}`;
}

export class Sources {
  readonly #used = new Map<string, Used>();
  readonly #ports: SourcesPorts;
  readonly #intervalMs: number;
  readonly #moved: (units: ReadonlySet<UnitId>) => void;
  #stopped = false;

  /** `moved` is told when a ref moved, and when a repository stops or starts to answer. */
  constructor(ports: SourcesPorts, intervalMs: number, moved: (units: ReadonlySet<UnitId>) => void) {
    this.#ports = ports;
    this.#intervalMs = intervalMs;
    this.#moved = moved;
  }

  get urls(): readonly string[] {
    return [...new Set([...this.#used.values()].map(({ spec }) => spec.url))];
  }

  /** Says which repositories a Unit uses now; those that nobody uses are no longer polled. */
  use(unit: UnitId, specs: readonly SourceSpec[]): void {
    const keys = new Set(specs.map(accessText));
    for (const spec of specs) {
      const used = this.#used.get(accessText(spec));
      if (used === undefined) this.#used.set(accessText(spec), this.#begin(spec, unit));
      else {
        used.spec = spec;
        used.units.add(unit);
      }
    }
    for (const [key, used] of this.#used) {
      if (keys.has(key) || !used.units.delete(unit) || used.units.size > 0) continue;
      used.cancel?.();
      this.#used.delete(key);
    }
  }

  forget(unit: UnitId): void {
    this.use(unit, []);
  }

  /** Resolves when the repository was fetched once since the start, or could not be. */
  async ready(spec: SourceSpec): Promise<void> {
    await this.#used.get(accessText(spec))?.first;
  }

  /** Why the repository does not answer, once that is more than a single missed poll. */
  failureOf(spec: SourceSpec): Failure | undefined {
    const used = this.#used.get(accessText(spec));
    return used !== undefined && used.failures >= failuresToAlarm ? used.failure : undefined;
  }

  /** A hint that something was pushed: fetches now. */
  async hint(url: string): Promise<void> {
    const meant = [...this.#used.values()].filter(({ spec }) => spec.url === url);
    await Promise.all(meant.map((used) => this.#poll(used, true)));
  }

  stop(): void {
    this.#stopped = true;
    for (const used of this.#used.values()) used.cancel?.();
  }

  #begin(spec: SourceSpec, unit: UnitId): Used {
    const used: Used = {
      spec,
      units: new Set([unit]),
      cancel: undefined,
      failures: 0,
      failure: undefined,
      first: undefined,
    };
    used.first = this.#poll(used);
    return used;
  }

  /** Somebody who asks is told at once when there is no answer; a poll on the clock is tried once more first. */
  async #poll(used: Used, isAsked = false): Promise<void> {
    used.cancel?.();
    used.cancel = undefined;
    const isFirst = used.first === undefined;
    const fetched = await this.#ports.repositories.fetch(used.spec);
    if (this.#stopped || this.#used.get(accessText(used.spec)) !== used) return;
    const alarmBefore = used.failures >= failuresToAlarm;
    if (fetched.ok) {
      used.failures = 0;
      used.failure = undefined;
    } else {
      used.failures = Math.max(used.failures + 1, isFirst || isAsked ? failuresToAlarm : 0);
      used.failure = fetched.failure;
      this.#ports.log.warn({ code: fetched.failure.code }, fetched.failure.message);
    }
    const alarmNow = used.failures >= failuresToAlarm;
    // Whoever uses it waits for the first fetch anyway.
    const isNews = (fetched.ok && fetched.value.changed) || alarmBefore !== alarmNow;
    if (isNews && !isFirst) this.#moved(used.units);
    this.#schedule(used);
  }

  /** Jitter spreads the polls of many repositories. A missed poll is soon tried again; an outage keeps the usual pace. */
  #schedule(used: Used): void {
    used.cancel?.();
    const isMissed = used.failures > 0 && used.failures < failuresToAlarm;
    const paceMs = isMissed ? Math.min(secondTryMs, this.#intervalMs) : this.#intervalMs;
    const delayMs = paceMs * (0.9 + 0.2 * this.#ports.random.next());
    used.cancel = this.#ports.timers.after(delayMs, () => void this.#poll(used));
  }
}
