/** Turns of Units as the engine takes them: what a turn came to is told to whoever has to know, and when the next is due. */
import type { Dialect, Readiness } from '#model/dialect.ts';
import { ok, stackOf, type Result } from '#model/failure.ts';
import { versionOf, type Manifest } from '#model/object.ts';
import type { Clock, Cluster, Log, Timers } from '#model/ports.ts';
import type { Unit } from '#model/unit.ts';
import { isOverwritten } from './changes.ts';
import type { ClusterViews } from './cluster-views.ts';
import { endOfTurn, type EngineObserver } from './observer.ts';
import type { Queue } from './queue.ts';
import { noteWellness } from './readiness.ts';
import type { ResourceCache } from './resource-cache.ts';
import type { Recorder } from './recorder.ts';
import { isAnother } from './patience.ts';
import type { UnitRuntime } from './runtime.ts';
import { statusText } from './signatures.ts';
import { patchAsRead, writeStatus } from './status-writer.ts';
import { takeTurn } from './turn.ts';
import type { TurnEnd, TurnPorts } from './turn-ports.ts';
import type { UnitStates } from './unit-states.ts';

export interface TurnsPorts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly cache: ResourceCache;
  readonly states: UnitStates;
  readonly recorder: Pick<Recorder, 'looked'>;
  readonly views: ClusterViews;
  readonly queue: Queue;
  readonly observer: EngineObserver | undefined;
  readonly hasOthers: boolean;
  /** Takes the resource, which was read before the watch told of it, for news. */
  readonly arrived: (resource: Manifest) => void;
  readonly turnPorts: (unit: Unit) => Omit<TurnPorts, 'hold'>;
  readonly readinessOf: (runtime: UnitRuntime) => Readiness;
  readonly tellDependents: (key: string, runtime: UnitRuntime) => void;
}

/** A status in between is written only for Runs that last. */
const runningStatusAfterMs = 1000;
/** What was written meanwhile may mean another turn. */
const staleStatusMs = 100;
/** Somebody else may write the resource all the time. */
const statusAttemptsMax = 3;

export class Turns {
  readonly #ports: TurnsPorts;

  constructor(ports: TurnsPorts) {
    this.#ports = ports;
  }

  /** Takes one, and says in the resource's status how it ended. Never throws: a bug in one must not stop the others. */
  async take(key: string, dialect: Dialect, runtime: UnitRuntime): Promise<void> {
    const { timers, log } = this.#ports;
    let cancelStatus = (): void => undefined;
    let inBetween: Promise<unknown> = Promise.resolve();
    let isDue = false;
    const progress = (): void => {
      if (isDue) return;
      isDue = true;
      cancelStatus = timers.after(runningStatusAfterMs, () => {
        isDue = false;
        inBetween = this.#status(key, dialect, runtime, undefined).catch((error: unknown) =>
          log.error({ unit: key, stack: stackOf(error) }, `status in between failed: ${String(error)}`),
        );
      });
    };
    const ofTurn = endOfTurn(runtime, this.#ports.clock);
    try {
      const turnPorts = { ...this.#ports.turnPorts(runtime.unit), hold: () => this.#hold(key, dialect) };
      const end = await takeTurn(runtime, turnPorts, progress);
      const turn = ofTurn();
      this.#ports.recorder.looked(runtime, end);
      cancelStatus();
      // The status of the end must not be overtaken by the one in between.
      await inBetween;
      // The resource may be there again: that is another Unit, of which this turn says nothing.
      if (runtime.hasLeft) return;
      if (end.isPending !== true && !runtime.looked) {
        runtime.looked = true;
        // Who waits for that has to hear it, also where it stands as it did with another replica.
        runtime.told = undefined;
      }
      await this.#status(key, dialect, runtime, end);
      const resource = this.#ports.cache.at(key);
      if (resource !== undefined) this.#ports.observer?.turned(resource, turn);
      const nowMs = this.#ports.clock.monotonic();
      const overdueMs = noteWellness(runtime, this.#ports.readinessOf(runtime), nowMs);
      if (overdueMs !== undefined) this.#ports.queue.addAfter(key, overdueMs);
      this.#ports.tellDependents(key, runtime);
      if (end.againMs === 0) this.#ports.queue.add(key);
      else if (end.againMs !== undefined) this.#ports.queue.addAfter(key, end.againMs);
    } catch (error) {
      // It is said loudly and tried again.
      cancelStatus();
      log.error({ unit: key, stack: stackOf(error) }, `turn failed: ${String(error)}`);
      this.#ports.queue.addAfter(key, 60_000);
    } finally {
      this.#ports.views.settle(runtime.unit.id, runtime.failures.length === 0);
    }
  }

  async #hold(key: string, dialect: Dialect): Promise<Result<boolean>> {
    const resource = this.#ports.cache.at(key);
    if (resource === undefined) return ok(false);
    const patch = dialect.hold?.(resource) ?? {};
    if (Object.keys(patch).length === 0) return ok(true);
    const written = await patchAsRead(resource, patch, this.#ports.cluster);
    if (!written.ok) return written;
    if (written.value === undefined) return ok(false);
    this.#ports.cache.put(written.value.resource);
    if (!written.value.isWritten) this.#ports.arrived(written.value.resource);
    return ok(written.value.isWritten);
  }

  async #status(
    key: string,
    dialect: Dialect,
    runtime: UnitRuntime,
    end: TurnEnd | undefined,
    attempt = 1,
  ): Promise<void> {
    const resource = this.#ports.cache.at(key);
    // What a turn came to that another replica's may have overtaken is that one's to tell.
    const isOurs = runtime.isOwn && !runtime.hasLeft;
    if (resource === undefined || !isOurs || end?.mayWriteStatus === false) return;
    const state = this.#ports.states.get(runtime.unit.id);
    const readiness = this.#ports.readinessOf(runtime);
    const view = { runtime, state, end, readiness, nowMs: this.#ports.clock.now() };
    // What arrives meanwhile may be this.
    runtime.published = undefined;
    const written = await writeStatus(dialect, resource, view, this.#ports.cluster);
    if (!written.ok) {
      this.#ports.log.warn(
        { resource: key, code: written.failure.code },
        `status: ${written.failure.message}`,
      );
      this.#ports.queue.addAfter(key, 5000);
      return;
    }
    if (written.value !== undefined) this.#ports.cache.put(written.value.resource);
    if (written.value?.isWritten !== false)
      return this.#noteStatus(key, runtime, written.value?.resource ?? resource);
    const before = runtime.unit;
    this.#ports.arrived(written.value.resource);
    // What was asked for meanwhile must not be answered by what this turn came to.
    const maySay = end === undefined || !isAnother(runtime.unit, before);
    if (maySay && attempt < statusAttemptsMax) return this.#status(key, dialect, runtime, end, attempt + 1);
    this.#ports.queue.addAfter(key, staleStatusMs);
  }

  /** Another replica may still believe that the Unit is its own. */
  #noteStatus(key: string, runtime: UnitRuntime, resource: Manifest): void {
    if (!this.#ports.hasOthers) return;
    runtime.published = { version: versionOf(resource), status: statusText(resource) };
    if (isOverwritten(runtime, this.#ports.cache.at(key))) this.#ports.queue.add(key);
  }
}
