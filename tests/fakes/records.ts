/** The records in memory: what outlives the process on its disk. A failure that is injected holds until it is taken away. */
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { keyText } from '#model/object.ts';
import type { Records } from '#model/ports.ts';
import type {
  DeploymentRecord,
  DriftRecord,
  RecordChanges,
  RecordMark,
  RecordPage,
  RecordQuery,
} from '#model/record.ts';

export class MemoryRecords implements Records {
  readonly marks = new Map<string, RecordMark>();
  readonly #deployments = new Map<string, DeploymentRecord>();
  readonly #drift = new Map<string, DriftRecord>();
  failure: Failure | undefined;
  /** How often something was written, or tried to be. */
  writes = 0;

  /** All that was in them is gone, as with their disk. */
  lose(): void {
    this.marks.clear();
    this.#deployments.clear();
    this.#drift.clear();
  }

  get deployed(): readonly DeploymentRecord[] {
    return [...this.#deployments.values()];
  }
  get drifted(): readonly DriftRecord[] {
    return [...this.#drift.values()];
  }

  standing(): ReturnType<Records['standing']> {
    const open = this.drifted.filter(({ ended }) => ended === undefined);
    return this.#answer({ marks: [...this.marks.values()], open });
  }
  write({ mark, deployments, drift, forget }: RecordChanges): Promise<Result<undefined>> {
    this.writes += 1;
    if (this.failure !== undefined) return Promise.resolve(fail(this.failure));
    if (mark !== undefined) this.marks.set(mark.unit, mark);
    for (const record of deployments)
      this.#deployments.set(`${record.unit} ${record.sinceMs} ${record.entry}`, record);
    for (const record of drift)
      this.#drift.set(`${record.unit} ${keyText(record.object)} ${record.seenAtMs}`, record);
    if (forget !== undefined) this.marks.delete(forget);
    return Promise.resolve(ok(undefined));
  }
  deployments({ fromMs, untilMs, name }: RecordQuery): Promise<Result<RecordPage<DeploymentRecord>>> {
    const items = this.deployed.filter(
      ({ atMs, owner }) => atMs >= fromMs && atMs < untilMs && (name === undefined || owner.name === name),
    );
    return this.#answer({ items });
  }
  drift({ fromMs, untilMs, name }: RecordQuery): Promise<Result<RecordPage<DriftRecord>>> {
    const items = this.drifted.filter(
      ({ seenAtMs, ended, owner }) =>
        seenAtMs < untilMs &&
        (seenAtMs >= fromMs || ended === undefined) &&
        (name === undefined || owner.name === name),
    );
    return this.#answer({ items });
  }
  beganAtMs(): Promise<Result<number>> {
    return this.#answer(Math.min(...this.deployed.map(({ atMs }) => atMs)));
  }

  #answer<T>(value: T): Promise<Result<T>> {
    return Promise.resolve(this.failure === undefined ? ok(value) : fail(this.failure));
  }
}
