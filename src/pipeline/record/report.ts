/** The figures of a time, each from the records that it counts. What cannot be measured is absent: never 0, never 100 %. */
import { ok, type Result } from '#model/failure.ts';
import type { ObjectRef } from '#model/object.ts';
import type { Records } from '#model/ports.ts';
import type { DeploymentRecord, DriftRecord, RecordPage, RecordQuery } from '#model/record.ts';

const dayMs = 86_400_000;
/** A twelfth of the Gregorian year. */
export const monthMs = (365.2425 / 12) * dayMs;
/** Less says nothing of a month. */
const observedMinMs = dayMs;
const rollbacksShown = 50;

export interface Report {
  readonly fromMs: number;
  readonly untilMs: number;
  /** What was before it is not known. */
  readonly recordedSinceMs: number;
  readonly deployments: {
    readonly count: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly medianMs?: number;
    /** Of 1. */
    readonly successRate?: number;
  };
  readonly drift: {
    /** Seen in this time. */
    readonly incidents: number;
    readonly healed: number;
    readonly elsewhere: number;
    readonly forgotten: number;
    readonly open: number;
    /** Seen before it, and still open. */
    readonly openFromBefore: number;
    readonly perMonth?: number;
    readonly medianHealMs?: number;
  };
  readonly rollbacks: {
    readonly count: number;
    /** Of those that became stable. */
    readonly medianMs?: number;
    /** The last ones. */
    readonly last: readonly RollbackTime[];
  };
}
export interface RollbackTime {
  readonly owner: ObjectRef;
  readonly label: string;
  readonly atMs: number;
  /** From when its commit was seen until all was Synced and Healthy; absent: that was not seen. */
  readonly tookMs?: number;
}

/** `pause` lets others have this thread: there may be many pages. */
export async function makeReport(
  records: Records,
  query: RecordQuery,
  pause: () => Promise<void>,
): Promise<Result<Report>> {
  const began = await records.beganAtMs();
  if (!began.ok) return began;
  const deployments = new Deployments();
  const drift = new Drift(query.fromMs);
  const read = await eachPage((next) => records.deployments({ ...query, ...next }), deployments, pause);
  if (!read.ok) return read;
  const also = await eachPage((next) => records.drift({ ...query, ...next }), drift, pause);
  if (!also.ok) return also;
  const observedMs = query.untilMs - Math.max(query.fromMs, began.value);
  return ok({
    fromMs: query.fromMs,
    untilMs: query.untilMs,
    recordedSinceMs: began.value,
    deployments: deployments.figures(),
    drift: drift.figures(observedMs),
    rollbacks: deployments.rollbacks(),
  });
}

interface Tally<T> {
  take(record: T): void;
}

async function eachPage<T>(
  read: (next: { readonly next?: string }) => Promise<Result<RecordPage<T>>>,
  tally: Tally<T>,
  pause: () => Promise<void>,
): Promise<Result<undefined>> {
  let next: string | undefined;
  do {
    const page = await read(next === undefined ? {} : { next });
    if (!page.ok) return page;
    for (const record of page.value.items) tally.take(record);
    next = page.value.next;
    if (next !== undefined) await pause();
  } while (next !== undefined);
  return ok(undefined);
}

class Deployments implements Tally<DeploymentRecord> {
  #failed = 0;
  readonly #tookMs: number[] = [];
  #rollbacks = 0;
  readonly #stableAfterMs: number[] = [];
  #last: RollbackTime[] = [];

  take({ result, durationMs, revert, owner, revisions, atMs }: DeploymentRecord): void {
    if (result === 'failed') this.#failed += 1;
    else this.#tookMs.push(durationMs);
    // One that failed brought nothing back.
    if (revert === undefined || result === 'failed') return;
    this.#rollbacks += 1;
    const tookMs = revert.stableAtMs === undefined ? undefined : revert.stableAtMs - revert.seenAtMs;
    if (tookMs !== undefined) this.#stableAfterMs.push(tookMs);
    const label = revisions[0]?.label ?? '';
    const time = { owner, label, atMs, ...(tookMs === undefined ? {} : { tookMs }) };
    this.#last = [...this.#last, time].slice(-rollbacksShown);
  }

  figures(): Report['deployments'] {
    const succeeded = this.#tookMs.length;
    const count = succeeded + this.#failed;
    return {
      count,
      succeeded,
      failed: this.#failed,
      ...ifAny('medianMs', median(this.#tookMs)),
      ...ifAny('successRate', count === 0 ? undefined : succeeded / count),
    };
  }

  rollbacks(): Report['rollbacks'] {
    return {
      count: this.#rollbacks,
      ...ifAny('medianMs', median(this.#stableAfterMs)),
      last: this.#last,
    };
  }
}

class Drift implements Tally<DriftRecord> {
  readonly #fromMs: number;
  readonly #counts = { healed: 0, elsewhere: 0, forgotten: 0, open: 0 };
  #openFromBefore = 0;
  readonly #healedAfterMs: number[] = [];

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  take({ seenAtMs, beganAtMs, ended }: DriftRecord): void {
    if (seenAtMs < this.#fromMs) {
      this.#openFromBefore += 1;
      return;
    }
    this.#counts[ended?.how ?? 'open'] += 1;
    if (ended?.how === 'healed') this.#healedAfterMs.push(ended.atMs - beganAtMs);
  }

  figures(observedMs: number): Report['drift'] {
    const { healed, elsewhere, forgotten, open } = this.#counts;
    const incidents = healed + elsewhere + forgotten + open;
    const perMonth = observedMs < observedMinMs ? undefined : incidents / (observedMs / monthMs);
    return {
      incidents,
      ...this.#counts,
      openFromBefore: this.#openFromBefore,
      ...ifAny('perMonth', perMonth),
      ...ifAny('medianHealMs', median(this.#healedAfterMs)),
    };
  }
}

/** Undefined of nothing; between two, the middle of them. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

function ifAny<K extends string>(
  name: K,
  value: number | undefined,
): Readonly<Record<K, number>> | Readonly<Record<never, never>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, number>);
}
