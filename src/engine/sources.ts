/** Keeps the repositories that Units use up to date: one fetch for all of them, by polling and by hints. */
import type { Failure } from '#model/failure.ts';
import { canonicalJson } from '#model/json.ts';
import type { Cancel, Clock, Log, Random, Repositories, Timers } from '#model/ports.ts';
import type { SecretRef } from '#model/object.ts';
import { longestTimeout } from '#model/source-timeouts.ts';
import type { SourceSpec, SourceTimeout, UnitId } from '#model/unit.ts';

interface Used {
  spec: SourceSpec;
  /** Who uses it, and what each asks of it. */
  readonly units: Map<UnitId, Wanted>;
  cancel: Cancel | undefined;
  /** Those that are under way. */
  polls: number;
  failures: number;
  failure: Failure | undefined;
  first: Promise<void> | undefined;
  /** When the newest poll that is over was begun, on the monotonic clock. */
  polledMs: number;
}

interface Wanted {
  /** How often it is to be asked. */
  readonly paceMs: number;
  readonly timeout: SourceTimeout | undefined;
}

export interface SourcesPorts {
  readonly repositories: Repositories;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}
export interface SourcesOptions {
  /** How often a repository is asked of which nothing else is said. */
  readonly intervalMs: number;
  /** Told when a ref moved, and when a repository stops or starts to answer. */
  readonly moved: (units: ReadonlySet<UnitId>) => void;
  /** Resolves when it is known whether there is such a Secret. */
  readonly secretKnown: (ref: SecretRef) => Promise<void>;
}

/** A single missed poll is not an outage. */
const failuresToAlarm = 2;
const secondTryMs = 5000;

/** Who asks matters: other credentials are another answer. */
function accessText({ kind, url, chart, ref, credentials, passCredentials = false }: SourceSpec): string {
  const access = `${url} ${credentials?.namespace ?? ''}/${credentials?.name ?? ''}`;
  // All refs of a Git repository come in one fetch; of archives each is looked up by itself.
  return kind === 'git'
    ? access
    : `${access} ${kind} ${chart ?? ''} ${canonicalJson(ref)} ${passCredentials}`;
}

/** Its login, and the keys of its signatures. */
function secretsOf({ credentials, signed }: SourceSpec): readonly SecretRef[] {
  return [credentials, signed?.secret].filter((secret) => secret !== undefined);
}

export class Sources {
  readonly #used = new Map<string, Used>();
  readonly #ports: SourcesPorts;
  readonly #options: SourcesOptions;
  #stopped = false;

  constructor(ports: SourcesPorts, options: SourcesOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  get size(): number {
    return this.#used.size;
  }

  get urls(): readonly string[] {
    return [...new Set([...this.#used.values()].map(({ spec }) => spec.url))];
  }

  /** Says which repositories a Unit uses now; those that nobody uses are no longer polled. */
  use(unit: UnitId, specs: readonly SourceSpec[]): void {
    const keys = new Set(specs.map(accessText));
    for (const [key, same] of Map.groupBy(specs, accessText)) {
      const paceMs = soonest(same.map(({ pollMs }) => pollMs ?? this.#options.intervalMs));
      const wanted = { paceMs, timeout: longestTimeout(same.map(({ timeout }) => timeout)) };
      const spec = same[0]!;
      const used = this.#used.get(key);
      if (used === undefined) this.#used.set(key, this.#begin(spec, unit, wanted));
      else {
        used.spec = spec;
        const before = paceOf(used);
        used.units.set(unit, wanted);
        this.#paceChanged(used, before);
      }
    }
    for (const [key, used] of this.#used) {
      const before = paceOf(used);
      if (keys.has(key) || !used.units.delete(unit)) continue;
      if (used.units.size > 0) {
        this.#paceChanged(used, before);
        continue;
      }
      used.cancel?.();
      this.#used.delete(key);
    }
  }

  #paceChanged(used: Used, beforeMs: number): void {
    const nowMs = paceOf(used);
    if (nowMs === beforeMs) return;
    // Nobody has asked for a while.
    if (beforeMs === 0 && used.polls === 0) void this.#poll(used);
    else if (used.cancel !== undefined) this.#schedule(used);
  }

  forget(unit: UnitId): void {
    this.use(unit, []);
  }

  /** Resolves when the repository was fetched once since the start, and since `sinceMs`, or could not be. */
  async ready(spec: SourceSpec, sinceMs = -Infinity): Promise<void> {
    const used = this.#used.get(accessText(spec));
    await used?.first;
    if (used !== undefined && used.polledMs < sinceMs) await this.#poll(used, true);
  }

  /** Why it could not be fetched when it was tried last. */
  missed(spec: SourceSpec): Failure | undefined {
    return this.#used.get(accessText(spec))?.failure;
  }

  /** Why the repository does not answer, once that is more than a single missed poll. */
  failureOf(spec: SourceSpec): Failure | undefined {
    const used = this.#used.get(accessText(spec));
    return used !== undefined && used.failures >= failuresToAlarm ? used.failure : undefined;
  }

  /** A hint that something was pushed: fetches now. */
  hint(url: string): Promise<void> {
    return this.#ask(({ spec }) => spec.url === url);
  }

  /** A login changed: what was refused may be permitted now. */
  loginChanged({ namespace, name }: SecretRef): Promise<void> {
    return this.#ask(({ spec }) =>
      secretsOf(spec).some((secret) => secret.namespace === namespace && secret.name === name),
    );
  }

  async #ask(isMeant: (used: Used) => boolean): Promise<void> {
    await Promise.all([...this.#used.values()].filter(isMeant).map((used) => this.#poll(used, true)));
  }

  stop(): void {
    this.#stopped = true;
    for (const used of this.#used.values()) used.cancel?.();
  }

  #begin(spec: SourceSpec, unit: UnitId, wanted: Wanted): Used {
    const used: Used = {
      spec,
      units: new Map([[unit, wanted]]),
      cancel: undefined,
      polls: 0,
      failures: 0,
      failure: undefined,
      first: undefined,
      polledMs: -Infinity,
    };
    used.first = this.#poll(used);
    return used;
  }

  /** Somebody who asks is told at once when there is no answer; a poll on the clock is tried once more first. */
  async #poll(used: Used, isAsked = false): Promise<void> {
    used.cancel?.();
    used.cancel = undefined;
    const isFirst = used.first === undefined;
    used.polls += 1;
    const beganMs = this.#ports.clock.monotonic();
    for (const secret of secretsOf(used.spec)) await this.#options.secretKnown(secret);
    const fetched = await this.#ports.repositories.fetch(patient(used));
    used.polls -= 1;
    used.polledMs = Math.max(used.polledMs, beganMs);
    const hasMoved = fetched.ok && fetched.value.changed;
    if (hasMoved) this.#tellOthers(used);
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
    const isNews = hasMoved || alarmBefore !== alarmNow;
    if (isNews && !isFirst) this.#options.moved(new Set(used.units.keys()));
    this.#schedule(used);
  }

  /** One copy serves all logins: who asks the server after this one hears that nothing moved. */
  #tellOthers(used: Used): void {
    const others = [...this.#used.values()].filter(
      (other) => other !== used && other.spec.url === used.spec.url,
    );
    if (others.length === 0 || this.#stopped) return;
    this.#options.moved(new Set(others.flatMap(({ units }) => [...units.keys()])));
  }

  /** Jitter spreads the polls of many repositories. A missed poll is soon tried again; an outage keeps the usual pace. */
  #schedule(used: Used): void {
    used.cancel?.();
    used.cancel = undefined;
    const isMissed = used.failures > 0 && used.failures < failuresToAlarm;
    const usualMs = paceOf(used);
    // Nobody wants it to be asked: only those who ask are told.
    if (usualMs === 0) return;
    const paceMs = isMissed ? Math.min(secondTryMs, usualMs) : usualMs;
    const delayMs = paceMs * (0.9 + 0.2 * this.#ports.random.next());
    used.cancel = this.#ports.timers.after(delayMs, () => void this.#poll(used));
  }
}

function paceOf({ units }: Used): number {
  return soonest([...units.values()].map(({ paceMs }) => paceMs));
}

/** With the time of the one that gives its server most. */
function patient({ spec, units }: Used): SourceSpec {
  const { timeout: _own, ...rest } = spec;
  const timeout = longestTimeout([...units.values()].map((wanted) => wanted.timeout));
  return timeout === undefined ? rest : { ...rest, timeout };
}

/** The shortest of some intervals, of which 0 is never. */
function soonest(intervalsMs: readonly number[]): number {
  const some = intervalsMs.filter((intervalMs) => intervalMs > 0);
  return some.length === 0 ? 0 : Math.min(...some);
}
