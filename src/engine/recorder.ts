/**
 * Brings what happened into the records, after it was written where any replica takes over from. Nothing is lost while they
 * cannot be written (F17): a Unit's history keeps it, no new sync starts, and the rest is brought in when they can be.
 */
import {
  fromEnd,
  fromHistory,
  fromLook,
  fromRun,
  lookOf,
  unrecorded,
  type Recorded,
} from '#pipeline/record/records.ts';
import { isOnlyDrift } from '#pipeline/plan/gate.ts';
import type { Failure } from '#model/failure.ts';
import { keyText } from '#model/object.ts';
import { historyMax, type UnitState } from '#model/outcome.ts';
import type { Plan } from '#model/plan.ts';
import type { Cancel, Clock, Log, Meter, Records, Timers } from '#model/ports.ts';
import type { DriftRecord, RecordChanges, RecordMark } from '#model/record.ts';
import { isDrift } from '#model/sentences.ts';
import type { UnitId } from '#model/unit.ts';
import type { UnitRuntime } from './runtime.ts';
import type { TurnEnd } from './turn-ports.ts';

export interface RecorderPorts {
  readonly records: Records;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly meter: Meter;
}

interface Known {
  mark: RecordMark | undefined;
  readonly open: Map<string, DriftRecord>;
}
/** A state, a look, a Run, an end: what it changes depends on what the records have when its turn comes. */
interface Item {
  readonly kind: 'history' | 'look' | 'run' | 'end';
  readonly changes: (recorded: Recorded) => RecordChanges | undefined;
}

const retryMs = 30_000;
/** What could be written a moment ago can be written now. */
const provenForMs = 1000;
/** So much, and then others have their turn on this thread. A write costs as much as many looks at what is there. */
const atOnceMax = 200;
const writeCost = 10;

export class Recorder {
  readonly #ports: RecorderPorts;
  #known: Map<UnitId, Known> | undefined;
  readonly #waiting = new Map<UnitId, Item[]>();
  #failure: Failure | undefined;
  #provenAtMs = -Infinity;
  #draining: Promise<void> | undefined;
  #cancelRetry: Cancel | undefined;
  #isThere: ((unit: UnitId) => boolean) | undefined;
  #isStopped = false;

  constructor(ports: RecorderPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return (this.#known?.size ?? 0) + this.#waiting.size;
  }

  /** A state as it stands in the cluster now, whoever wrote it. */
  noted(state: UnitState): void {
    this.#add(state.unit, { kind: 'history', changes: (recorded) => fromHistory(state, recorded) });
  }

  /** A turn ended: what it found is how things are, unless another turn follows at once. */
  looked({ unit, plan }: UnitRuntime, { mayWriteStatus, againMs, isPending }: TurnEnd): void {
    if (plan === undefined || !mayWriteStatus || againMs === 0 || isPending === true) return;
    if (unit.teardown !== undefined) return;
    // It went meanwhile, and its end was recorded: nobody would see the end of what is opened after that.
    if (this.#isThere?.(unit.id) === false) return;
    const known = this.#known?.get(unit.id);
    const hasDrift = plan.contested !== undefined || plan.steps.some(isDrift);
    const isQuiet = !hasDrift && (known?.open.size ?? 0) === 0;
    if (isQuiet && this.#known !== undefined && !this.#waiting.has(unit.id)) return;
    const look = lookOf(unit, plan, this.#ports.clock.now());
    this.#add(unit.id, { kind: 'look', changes: (recorded) => fromLook(look, recorded) });
  }

  /** A Run repaired more than the history of its Unit keeps. */
  ran(state: UnitState, plan: Plan, times: Parameters<typeof fromRun>[2]): void {
    if (plan.steps.filter(isDrift).length <= historyMax) return;
    this.#add(state.unit, {
      kind: 'run',
      changes: (recorded) => fromRun(state, plan, times, recorded),
    });
  }

  forgotten(unit: UnitId): void {
    const atMs = this.#ports.clock.now();
    this.#add(unit, { kind: 'end', changes: (recorded) => fromEnd(unit, atMs, recorded) });
  }

  /** All states are known from now on: Units that went while nobody looked are forgotten. */
  only(isThere: (unit: UnitId) => boolean): void {
    this.#isThere = isThere;
    this.#forgetOthers();
    void this.#drain();
  }

  #forgetOthers(): void {
    if (this.#isThere === undefined) return;
    for (const unit of this.#known?.keys() ?? []) if (!this.#isThere(unit)) this.forgotten(unit);
  }

  /**
   * Why no Run may start: what comes of it could not be kept. Drift is repaired all the same for as long as the Unit's
   * own history has room for it.
   */
  async inTheWay(state: UnitState, plan: Plan): Promise<Failure | undefined> {
    if (this.#failure !== undefined) await this.#drain().then(() => this.#prove());
    const nowMs = this.#ports.clock.monotonic();
    if (this.#failure === undefined && nowMs - this.#provenAtMs > provenForMs)
      this.#wrote(await this.#ports.records.write({ deployments: [], drift: [] }));
    if (this.#failure === undefined) return undefined;
    const unwritten = unrecorded(state, this.#known?.get(state.unit)?.mark).length;
    const hasRoom = unwritten + plan.steps.length <= historyMax;
    // What was never seen to be applied as a whole is not healed: its first sync goes on.
    const isHeal = isOnlyDrift(plan) && state.revisions.length > 0;
    return isHeal && hasRoom ? undefined : this.#failure;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelRetry?.();
    await this.#draining;
  }

  #add(unit: UnitId, item: Item): void {
    const items = this.#waiting.get(unit) ?? [];
    // The newer state has all that the older one had, and the newer look is the one that holds.
    if (items.at(-1)?.kind === item.kind && item.kind !== 'run') items.pop();
    items.push(item);
    this.#waiting.set(unit, items);
    if (this.#failure === undefined) void this.#drain();
  }

  #drain(): Promise<void> {
    this.#draining ??= this.#writeAll().finally(() => {
      this.#draining = undefined;
      // What came after the last look at what waits, and before this.
      if (this.#waiting.size > 0 && this.#failure === undefined) void this.#drain();
    });
    return this.#draining;
  }

  async #writeAll(): Promise<void> {
    if (!(await this.#load())) return;
    let cost = 0;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const [unit, item] = next;
      const known = this.#known!.get(unit) ?? { mark: undefined, open: new Map() };
      const changes = item.changes(known);
      if (changes !== undefined) {
        if (!this.#wrote(await this.#ports.records.write(changes))) return;
        this.#take(unit, known, changes);
      }
      this.#done(unit, item);
      cost += changes === undefined ? 1 : writeCost;
      if (cost < atOnceMax) continue;
      cost = 0;
      await new Promise<void>((resolve) => void this.#ports.timers.after(0, resolve));
    }
  }

  #next(): readonly [UnitId, Item] | undefined {
    const [first] = this.#waiting;
    return first === undefined ? undefined : [first[0], first[1][0]!];
  }

  #done(unit: UnitId, item: Item): void {
    const left = (this.#waiting.get(unit) ?? []).filter((other) => other !== item);
    if (left.length === 0) this.#waiting.delete(unit);
    else this.#waiting.set(unit, left);
  }

  #take(unit: UnitId, known: Known, { mark, drift, forget }: RecordChanges): void {
    if (forget !== undefined) return void this.#known!.delete(unit);
    if (mark !== undefined) known.mark = mark;
    for (const record of drift) {
      const key = keyText(record.object);
      if (record.ended === undefined) known.open.set(key, record);
      else if (known.open.get(key)?.seenAtMs === record.seenAtMs) known.open.delete(key);
    }
    this.#known!.set(unit, known);
  }

  async #load(): Promise<boolean> {
    if (this.#known !== undefined) return true;
    const found = await this.#ports.records.standing();
    if (!found.ok) return this.#wrote(found);
    const known = new Map<UnitId, Known>();
    for (const mark of found.value.marks) known.set(mark.unit, { mark, open: new Map() });
    for (const record of found.value.open) {
      const of = known.get(record.unit) ?? { mark: undefined, open: new Map() };
      of.open.set(keyText(record.object), record);
      known.set(record.unit, of);
    }
    this.#known = known;
    this.#forgetOthers();
    return true;
  }

  /** Says once when it begins and when it is over; in between it is tried again. */
  #wrote(result: { readonly ok: true } | { readonly ok: false; readonly failure: Failure }): boolean {
    const { log, meter, timers, clock } = this.#ports;
    if (result.ok) {
      if (this.#failure !== undefined) log.info({}, 'the records can be written again');
      this.#failure = undefined;
      this.#cancelRetry?.();
      this.#cancelRetry = undefined;
      this.#provenAtMs = clock.monotonic();
      return true;
    }
    const { code, message } = result.failure;
    meter.count('trueup_record_failures_total');
    if (this.#failure === undefined) log.error({ code }, message);
    this.#failure = result.failure;
    this.#cancelRetry?.();
    // What is left is in the Units' histories.
    if (!this.#isStopped)
      this.#cancelRetry = timers.after(retryMs, () => void this.#drain().then(() => this.#prove()));
    return false;
  }

  /** With nothing left to write, an empty write tells. */
  async #prove(): Promise<void> {
    if (this.#failure !== undefined && this.#waiting.size === 0)
      this.#wrote(await this.#ports.records.write({ deployments: [], drift: [] }));
  }
}
