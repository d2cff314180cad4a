/** The resources that declare Units, compiled: which Unit each one declares, and why another one declares none. */
import type { Dialect } from '#model/dialect.ts';
import { stackOf } from '#model/failure.ts';
import { keyText, refOf, type Manifest } from '#model/object.ts';
import type { Log } from '#model/ports.ts';
import type { UnitId } from '#model/unit.ts';
import { isKeyOf, type ResourceCache, type Reads } from './resource-cache.ts';
import { newRuntime, type UnitRuntime } from './runtime.ts';

export interface RegistrationsPorts {
  readonly dialects: readonly Dialect[];
  readonly cache: ResourceCache;
  readonly log: Log;
  /** Told of each compilation. */
  readonly compiled: (key: string, runtime: UnitRuntime) => void;
  /** Told of a Unit that is gone, or no longer reconciled, when nothing here knows it any more. */
  readonly left: (key: string, runtime: UnitRuntime) => void;
}

export interface Registered {
  readonly dialect: Dialect;
  readonly runtime: UnitRuntime;
}

export class Registrations {
  readonly #ports: RegistrationsPorts;
  readonly #runtimes = new Map<UnitId, UnitRuntime>();
  /** The Unit that each resource declares, by the resource's key text. */
  readonly #unitOf = new Map<string, UnitId>();
  /** Why a resource is not ours, so that it is said once. */
  readonly #declined = new Map<string, string>();
  /** What made resources not ours to reconcile: when that changes they are asked again. */
  readonly #notAdmitted = new Map<string, Reads>();

  constructor(ports: RegistrationsPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#runtimes.size + this.#unitOf.size + this.#declined.size + this.#notAdmitted.size;
  }

  get runtimes(): Iterable<UnitRuntime> {
    return this.#runtimes.values();
  }

  get notAdmitted(): Iterable<readonly [key: string, reads: Reads]> {
    return this.#notAdmitted;
  }

  runtime(unit: UnitId): UnitRuntime | undefined {
    return this.#runtimes.get(unit);
  }

  /** Of the Unit that the resource declares, if it does. */
  at(key: string): UnitRuntime | undefined {
    return this.#runtimes.get(this.#unitOf.get(key) ?? '');
  }

  dialectOf(key: string): Dialect | undefined {
    return this.#ports.dialects.find((dialect) => isKeyOf(key, dialect));
  }

  /** Another replica looks after it from now on: what we remember of it is of no use, but to a turn that is under way. */
  release(id: UnitId): void {
    const runtime = this.#runtimes.get(id);
    if (runtime === undefined) return;
    const { unit, reads, wasRecorded, news } = runtime;
    this.#runtimes.set(id, { ...newRuntime(unit, reads), wasRecorded, news });
  }

  /** F28: a resource on which a dialect fails, which is a bug, must not stop the others. */
  register(key: string): Registered | undefined {
    try {
      return this.#compile(key);
    } catch (error) {
      this.#ports.log.error({ resource: key, stack: stackOf(error) }, `compile failed: ${String(error)}`);
      return undefined;
    }
  }

  /** Compiles the resource as it is now. Done as soon as it is seen, so that what its turn needs can be under way. */
  #compile(key: string): Registered | undefined {
    const { cache } = this.#ports;
    const dialect = this.dialectOf(key);
    const resource = cache.at(key);
    if (resource === undefined) this.#declined.delete(key);
    if (dialect === undefined || resource === undefined) return this.#forget(key);
    const { lookup, reads } = cache.recording();
    const admitted = dialect.admits(resource, lookup);
    if (admitted !== true) return this.#decline(key, admitted, reads);
    this.#notAdmitted.delete(key);
    this.#declined.delete(key);
    const [unit] = dialect.compile(resource, lookup);
    // One that is being deleted and that nothing of ours holds is as good as gone: its end may be heard of later.
    const isLeaving = resource.metadata['deletionTimestamp'] !== undefined && unit?.teardown === undefined;
    if (unit === undefined || isLeaving) return this.#forget(key);
    // A resource that was deleted and made again under its name is another Unit.
    if (this.#unitOf.get(key) !== unit.id) this.#forget(key);
    this.#unitOf.set(key, unit.id);
    const runtime = this.#runtimes.get(unit.id) ?? newRuntime(unit, reads);
    this.#runtimes.set(unit.id, runtime);
    runtime.unit = unit;
    runtime.reads = reads;
    this.#ports.compiled(key, runtime);
    return { dialect, runtime };
  }

  #decline(key: string, why: string, reads: Reads): undefined {
    if (this.#declined.get(key) !== why) this.#ports.log.info({ resource: key }, `not reconciled: ${why}`);
    this.#declined.set(key, why);
    this.#forget(key);
    this.#notAdmitted.set(key, reads);
    return undefined;
  }

  #forget(key: string): undefined {
    this.#notAdmitted.delete(key);
    const runtime = this.at(key);
    if (runtime === undefined) return;
    this.#unitOf.delete(key);
    this.#runtimes.delete(runtime.unit.id);
    runtime.hasLeft = true;
    runtime.news.tell();
    this.#ports.left(key, runtime);
  }
}

/** Whether the resource declares a Unit that is known. */
export function declares(registrations: Registrations, resource: Manifest): boolean {
  return registrations.at(keyText(refOf(resource))) !== undefined;
}
