/**
 * Runs it all: follows the resources that declare Units, takes turns where something changed, and writes back where
 * each stands. In steady state nothing here runs: no timer but the polls of Git, no request, no write.
 */
import type { Dialect, ForeignKind, Readiness, SourceDialect } from '#model/dialect.ts';
import {
  keyText,
  refOf,
  type GroupKind,
  type Manifest,
  type ObjectKey,
  type SecretRef,
} from '#model/object.ts';
import type { HealthReport, UnitState } from '#model/outcome.ts';
import type { Cancel, ObjectChange } from '#model/ports.ts';
import { secretData } from '#model/secret.ts';
import type { Unit, UnitId } from '#model/unit.ts';
import { ClusterViews } from './cluster-views.ts';
import { DeclaredSources } from './declared-sources.ts';
import { Dependencies } from './dependencies.ts';
import { Foresight } from './foresight.ts';
import { endOfTurn, type EngineObserver } from './observer.ts';
import { movedUnits } from './moved.ts';
import { Ownership } from './ownership.ts';
import { answersDelayMs } from './patience.ts';
import { Queue } from './queue.ts';
import { noteWellness, readinessOf } from './readiness.ts';
import { concerns, ResourceCache, type Reads } from './resource-cache.ts';
import { newRuntime, polledSources, type UnitRuntime } from './runtime.ts';
import { Sources, type SourcesPorts } from './sources.ts';
import { resourceSignature, sightSignature } from './signatures.ts';
import { writeStatus } from './status-writer.ts';
import { takeTurn } from './turn.ts';
import type { TurnEnd, TurnPorts } from './turn-ports.ts';
import { UnitStates } from './unit-states.ts';

export type EnginePorts = Omit<
  TurnPorts,
  | 'sources'
  | 'ownership'
  | 'foresight'
  | 'dependencies'
  | 'states'
  | 'view'
  | 'unitName'
  | 'isUnit'
  | 'resting'
  | 'isStopping'
> &
  SourcesPorts;

export interface EngineOptions {
  readonly dialects: readonly Dialect[];
  /** How often each repository is asked for new commits, before jitter. */
  readonly pollMs: number;
  /** Turns that wait for I/O side by side. */
  readonly concurrency: number;
  /** Is told what turns came to, for metrics. */
  readonly observer?: EngineObserver;
}

/** What the engine knows of a resource that it reconciles. */
export interface Known {
  readonly resource: Manifest;
  readonly unit: Unit;
  readonly state: UnitState | undefined;
  readonly health: HealthReport | undefined;
}

/** A status in between is written only for Runs that last. */
const runningStatusAfterMs = 1000;
const reminderMs = 10_000;
/** The watch brings what was written meanwhile. */
const staleStatusMs = 100;
const forgetKindsAfterMs = 60_000;

export class Engine {
  readonly #ports: EnginePorts;
  readonly #options: EngineOptions;
  readonly #cache = new ResourceCache();
  readonly #states: UnitStates;
  readonly #sources: Sources;
  readonly #ownership: Ownership;
  readonly #queue: Queue;
  readonly #foresight: Foresight;
  readonly #views: ClusterViews;
  readonly #dependencies: Dependencies;
  readonly #declared: DeclaredSources;
  /** Secrets that are followed because a source names them. */
  readonly #secrets = new Map<string, Promise<void>>();
  readonly #runtimes = new Map<UnitId, UnitRuntime>();
  /** The Unit that each resource declares, by the resource's key text. */
  readonly #unitOf = new Map<string, UnitId>();
  readonly #signatures = new Map<string, string>();
  /** Why a resource is not ours, so that it is said once. */
  readonly #declined = new Map<string, string>();
  /** What made resources not ours to reconcile: when that changes they are asked again. */
  readonly #notAdmitted = new Map<string, Reads>();
  #ready = false;
  #isStopping = false;
  #cancelForgetting: Cancel | undefined;

  constructor(ports: EnginePorts, options: EngineOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#states = new UnitStates(ports.cluster);
    this.#sources = new Sources(ports, {
      intervalMs: options.pollMs,
      moved: (units) => void this.#sourceMoved(units),
      secretKnown: (ref) => this.#secretKnown(ref),
    });
    this.#declared = new DeclaredSources({ ...ports, cache: this.#cache, sources: this.#sources });
    this.#dependencies = new Dependencies({
      repositories: ports.repositories,
      runtimeOf: (resource) => this.#runtimes.get(this.#unitOf.get(resource) ?? ''),
      readinessOf: (runtime) => this.#readinessOf(runtime),
    });
    this.#foresight = new Foresight(ports.repositories);
    this.#views = new ClusterViews(ports, (units) => this.#answersChanged(units));
    this.#ownership = new Ownership(
      (unit) => this.#again(unit),
      () => this.#forgetKinds(),
    );
    this.#queue = new Queue({
      concurrency: options.concurrency,
      work: (key) => this.#turn(key),
      stirred: (key) => this.#runtimes.get(this.#unitOf.get(key) ?? '')?.news.tell(),
      timers: ports.timers,
      monotonic: () => ports.clock.monotonic(),
    });
  }

  /** Resolves when everything that Units are made from has been read, and the first turns are under way. */
  async start(): Promise<void> {
    const { cluster } = this.#ports;
    for (const dialect of this.#options.dialects) {
      const own = ownKinds(dialect).map(({ kind, plural, optional }) => ({ kind, plural, optional }));
      this.#cache.follow(cluster, [...own, ...dialect.selections], (keys) =>
        this.#resourcesChanged(dialect, keys),
      );
    }
    const cancelReminder = this.#remindOfMissing();
    await Promise.all([this.#cache.synced(), this.#states.start((unit) => this.#recordChanged(unit))]);
    cancelReminder();
    for (const state of this.#states.all()) this.#ownership.setInventory(state.unit, state.inventory);
    cluster.onChange((changes) => this.#objectsChanged(changes));
    this.#ready = true;
    for (const dialect of this.#options.dialects) {
      for (const { kind } of ownKinds(dialect)) {
        for (const resource of this.#cache.list(kind.group, kind.kind)) {
          this.#announce(keyText(refOf(resource)));
          this.#queue.add(keyText(refOf(resource)));
        }
      }
    }
  }

  /** Only kinds that some Unit has or wants are watched. A while later, because what goes often comes back at once. */
  #forgetKinds(): void {
    this.#cancelForgetting ??= this.#ports.timers.after(forgetKindsAfterMs, () => {
      this.#cancelForgetting = undefined;
      this.#ports.cluster.observe(this.#ownership.kinds());
    });
  }

  /** A start that waits says for what, until it does not. */
  #remindOfMissing(): () => void {
    let cancel = (): void => undefined;
    const remind = (): void => {
      const kinds = this.#cache.missing.join(', ') || 'UnitState';
      this.#ports.log.warn({ kinds }, `not ready: these kinds could not be listed yet: ${kinds}`);
      cancel = this.#ports.timers.after(reminderMs, remind);
    };
    cancel = this.#ports.timers.after(reminderMs, remind);
    return () => cancel();
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** For metrics: how many Units there are, and how many were looked at since the start. */
  get counts(): { readonly units: number; readonly looked: number; readonly queued: number } {
    const looked = [...this.#runtimes.values()].filter((runtime) => runtime.looked).length;
    return { units: this.#runtimes.size, looked, queued: this.#queue.depth };
  }

  /** The resources of one kind that are reconciled or observed, as they are known now: without a request. */
  declared({ group, kind }: GroupKind): readonly Manifest[] {
    return this.#cache.list(group, kind).filter((resource) => this.#unitOf.has(keyText(refOf(resource))));
  }

  /** Every resource that some dialect reads. */
  followed(): readonly Manifest[] {
    return [...this.#cache.all()];
  }

  /** Undefined for what is not reconciled, whether it is there or not (S13). */
  known(key: ObjectKey): Known | undefined {
    const resource = this.#cache.get(key);
    const unit = this.#unitOf.get(keyText(key));
    const runtime = unit === undefined ? undefined : this.#runtimes.get(unit);
    if (resource === undefined || runtime === undefined) return undefined;
    return { resource, unit: runtime.unit, state: this.#states.get(runtime.unit.id), health: runtime.health };
  }

  /** The decoded data of a Secret that a dialect's selections follow: credentials of repositories. */
  secret({ namespace, name }: SecretRef): Readonly<Record<string, string>> | undefined {
    return secretData(this.#cache.get({ group: '', kind: 'Secret', namespace, name }));
  }

  /** Resolves when it is known whether there is such a Secret: one that no dialect follows is from now on. */
  #secretKnown(ref: SecretRef): Promise<void> {
    const { namespace, name } = ref;
    const key = { group: '', kind: 'Secret', namespace, name };
    if (this.#cache.get(key) !== undefined && !this.#secrets.has(keyText(key))) return Promise.resolve();
    let known = this.#secrets.get(keyText(key));
    if (known === undefined) {
      const kind = { group: '', version: 'v1', kind: 'Secret' };
      const selection = { kind, plural: 'secrets', namespace, name, optional: true };
      known = this.#cache.followOne(
        this.#ports.cluster,
        selection,
        () => void this.#sources.loginChanged(ref),
      );
      this.#secrets.set(keyText(key), known);
    }
    return known;
  }

  #readinessOf(runtime: UnitRuntime): Readiness {
    const resource = this.#cache.get(runtime.unit.owner);
    if (runtime.observing === undefined || resource === undefined)
      return readinessOf(runtime, this.#ports.clock.monotonic());
    const dialect = this.#dialectOf(keyText(runtime.unit.owner));
    return dialect?.reported(resource) ?? { ready: false, why: runtime.observing };
  }

  #dialectOf(key: string): Dialect | undefined {
    return this.#options.dialects.find((dialect) => isKeyOf(key, dialect));
  }

  #sourceDialectOf(key: string): SourceDialect | undefined {
    return this.#options.dialects.flatMap(({ sources }) => sources).find((dialect) => isKeyOf(key, dialect));
  }

  /** A hint that somebody pushed to these repositories (F24): they are asked, nothing else. */
  hint(isMeant: (url: string) => boolean): number {
    const urls = this.#sources.urls.filter(isMeant);
    for (const url of urls) void this.#sources.hint(url);
    return urls.length;
  }

  async stop(): Promise<void> {
    this.#ready = false;
    this.#isStopping = true;
    for (const { news } of this.#runtimes.values()) news.tell();
    this.#cancelForgetting?.();
    this.#sources.stop();
    this.#cache.stop();
    this.#states.stop();
    this.#views.stop();
    await this.#queue.stop();
  }

  #again(unit: UnitId): void {
    const runtime = this.#runtimes.get(unit);
    if (this.#ready && runtime !== undefined) this.#queue.add(keyText(runtime.unit.owner));
  }

  #answersChanged(units: Iterable<UnitId>): void {
    for (const unit of units) {
      const runtime = this.#runtimes.get(unit);
      if (runtime === undefined) continue;
      const delayMs = answersDelayMs(runtime, this.#ports.clock.monotonic());
      if (delayMs > 0) this.#queue.addAfter(keyText(runtime.unit.owner), delayMs);
      else this.#again(unit);
    }
  }

  /** Somebody else wrote or deleted it. The record of a Unit that is no more must not hold its objects. */
  #recordChanged(unit: UnitId): void {
    if (this.#runtimes.has(unit)) this.#again(unit);
    else if (this.#ready) this.#ownership.setInventory(unit, this.#states.get(unit)?.inventory ?? []);
  }

  #resourcesChanged(dialect: Dialect, keys: readonly ObjectKey[]): void {
    for (const key of keys) {
      const isOwn = ownKinds(dialect).some(({ kind }) => key.group === kind.group && key.kind === kind.kind);
      if (isOwn && !this.#declarationChanged(keyText(key), this.#cache.get(key))) continue;
      // No Unit is made from what declares another one.
      if (isKeyOf(keyText(key), dialect)) continue;
      for (const runtime of this.#runtimes.values()) {
        if (concerns(runtime.reads, key)) this.#again(runtime.unit.id);
      }
      for (const [resource, reads] of [...this.#notAdmitted, ...this.#declared.all]) {
        if (this.#ready && concerns(reads, key)) this.#queue.add(resource);
      }
    }
  }

  /** Our own status writes come back as events too: only what is not ours makes a turn. */
  #declarationChanged(key: string, resource: Manifest | undefined): boolean {
    const signature = resource === undefined ? 'gone' : resourceSignature(resource);
    if (this.#signatures.get(key) === signature) return false;
    this.#signatures.set(key, signature);
    if (!this.#ready) return true;
    this.#announce(key);
    this.#queue.add(key, 'urgent');
    return true;
  }

  #objectsChanged(changes: readonly ObjectChange[]): void {
    for (const { ref, object } of changes) {
      const key = keyText(ref);
      const signature = sightSignature(object);
      for (const unit of this.#ownership.concerned(ref)) {
        const runtime = this.#runtimes.get(unit);
        if (runtime === undefined || runtime.seen.get(key) === signature) continue;
        runtime.seen.set(key, signature);
        this.#again(unit);
      }
    }
  }

  /** Units whose files changed go first; of the others, only those that follow every commit get a new status. */
  async #sourceMoved(units: ReadonlySet<UnitId>): Promise<void> {
    const runtimes = [...units].flatMap((unit) => this.#runtimes.get(unit) ?? []);
    for (const key of [...units].flatMap((unit) => this.#declared.keyOf(unit) ?? [])) this.#queue.add(key);
    const { moved, rest } = await movedUnits(runtimes, this.#ports.repositories);
    for (const runtime of moved) this.#queue.add(keyText(runtime.unit.owner), 'urgent');
    for (const runtime of rest) {
      if (runtime.unit.followsEveryCommit || runtime.failures.length > 0) this.#again(runtime.unit.id);
    }
  }

  async #turn(key: string): Promise<void> {
    const source = this.#sourceDialectOf(key);
    if (source !== undefined) return this.#sourceTurn(key, source);
    const registered = this.#register(key);
    if (registered === undefined) return;
    const { dialect, runtime } = registered;
    runtime.answered = { request: false, refresh: false };
    await this.#guardedTurn(key, dialect, runtime);
  }

  async #sourceTurn(key: string, dialect: SourceDialect): Promise<void> {
    const resource = this.#resource(key);
    if (resource === undefined) return this.#declared.forget(key);
    try {
      const againMs = await this.#declared.turn(dialect, resource);
      if (againMs !== undefined) this.#queue.addAfter(key, againMs);
    } catch (error) {
      this.#ports.log.error({ resource: key, stack: stackOf(error) }, `turn failed: ${String(error)}`);
      this.#queue.addAfter(key, 60_000);
    }
  }

  /** F28: a resource on which a dialect fails, which is a bug, must not stop the others. */
  #register(key: string): Registered | undefined {
    try {
      return this.#compile(key);
    } catch (error) {
      this.#ports.log.error({ resource: key, stack: stackOf(error) }, `compile failed: ${String(error)}`);
      return undefined;
    }
  }

  /** Compiles the resource as it is now. Done as soon as it is seen, so that what its turn needs can be under way. */
  #compile(key: string): Registered | undefined {
    const dialect = this.#dialectOf(key);
    const resource = this.#resource(key);
    if (resource === undefined) this.#declined.delete(key);
    if (dialect === undefined || resource === undefined) return this.#forget(key);
    const { lookup, reads } = this.#cache.recording();
    const admitted = dialect.admits(resource, lookup);
    if (admitted !== true) {
      if (this.#declined.get(key) !== admitted)
        this.#ports.log.info({ resource: key }, `not reconciled: ${admitted}`);
      this.#declined.set(key, admitted);
      this.#forget(key);
      this.#notAdmitted.set(key, reads);
      return undefined;
    }
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
    if (this.#dependencies.set(key, unit.dependsOn)) this.#retryCircles();
    return { dialect, runtime };
  }

  /** A circle that was opened holds nobody any more. */
  #retryCircles(): void {
    for (const { failures, unit } of this.#runtimes.values())
      if (failures.some(({ code }) => code === 'DependencyCycle')) this.#again(unit.id);
  }

  /** Those that depend on it take a turn when it is news to them how it stands. */
  #tellDependents(key: string, runtime: UnitRuntime): void {
    const dependents = this.#dependencies.dependentsOf(key);
    const standing = this.#dependencies.standingOf(runtime);
    if (runtime.told === standing) return;
    runtime.told = standing;
    for (const dependent of dependents) if (this.#ready) this.#queue.add(dependent);
  }

  /** A Unit that will surely read its sources: they are fetched before its turn comes. */
  #announce(key: string): void {
    const runtime = this.#register(key)?.runtime;
    if (runtime === undefined || runtime.unit.unsupported.length > 0) return;
    const { unit } = runtime;
    if (unit.predecessor !== undefined || unit.teardown !== undefined) return;
    this.#sources.use(unit.id, polledSources(runtime, this.#states.get(unit.id)?.read));
    this.#foresight.add(unit);
  }

  async #guardedTurn(key: string, dialect: Dialect, runtime: UnitRuntime): Promise<void> {
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
      const end = await takeTurn(runtime, this.#turnPorts(runtime.unit), progress);
      const turn = ofTurn();
      cancelStatus();
      // The status of the end must not be overtaken by the one in between.
      await inBetween;
      if (end.isPending !== true) runtime.looked = true;
      await this.#status(key, dialect, runtime, end);
      const resource = this.#resource(key);
      if (resource !== undefined) this.#options.observer?.turned(resource, turn);
      const nowMs = this.#ports.clock.monotonic();
      const overdueMs = noteWellness(runtime, this.#readinessOf(runtime), nowMs);
      if (overdueMs !== undefined) this.#queue.addAfter(key, overdueMs);
      this.#tellDependents(key, runtime);
      if (end.againMs === 0) this.#queue.add(key);
      else if (end.againMs !== undefined) this.#queue.addAfter(key, end.againMs);
    } catch (error) {
      // A bug in one Unit's turn must not stop the others; it is said loudly and tried again.
      cancelStatus();
      log.error({ unit: key, stack: stackOf(error) }, `turn failed: ${String(error)}`);
      this.#queue.addAfter(key, 60_000);
    } finally {
      this.#views.settle(runtime.unit.id, runtime.failures.length === 0);
    }
  }

  async #status(
    key: string,
    dialect: Dialect,
    runtime: UnitRuntime,
    end: TurnEnd | undefined,
  ): Promise<void> {
    const resource = this.#resource(key);
    if (resource === undefined || end?.mayWriteStatus === false) return;
    const state = this.#states.get(runtime.unit.id);
    const readiness = this.#readinessOf(runtime);
    const view = { runtime, state, end, readiness, nowMs: this.#ports.clock.now() };
    const written = await writeStatus(dialect, resource, view, this.#ports.cluster);
    if (!written.ok) {
      this.#ports.log.warn(
        { resource: key, code: written.failure.code },
        `status: ${written.failure.message}`,
      );
      this.#queue.addAfter(key, 5000);
    } else if (written.value === 'stale') this.#queue.addAfter(key, staleStatusMs);
    else if (written.value !== 'unchanged') this.#cache.put(written.value);
  }

  #turnPorts(unit: Unit): TurnPorts {
    return {
      ...this.#ports,
      view: this.#views.view(unit),
      sources: this.#sources,
      ownership: this.#ownership,
      foresight: this.#foresight,
      dependencies: this.#dependencies,
      states: this.#states,
      resting: (wait) => this.#queue.resting(keyText(unit.owner), wait),
      isStopping: () => this.#isStopping,
      unitName: (id) => {
        const owner = this.#runtimes.get(id)?.unit.owner ?? this.#states.get(id)?.owner;
        return owner === undefined ? id : `${owner.kind} ${owner.namespace}/${owner.name}`;
      },
      isUnit: (trackingName) =>
        [...this.#runtimes.values()].some(({ unit }) => unit.tracking.owner === trackingName),
    };
  }

  #resource(key: string): Manifest | undefined {
    const [group = '', kind = '', namespace = '', name = ''] = key.split('/');
    return this.#cache.get({ group, kind, namespace, name });
  }

  #forget(key: string): undefined {
    this.#notAdmitted.delete(key);
    const unit = this.#unitOf.get(key);
    if (unit === undefined) return;
    const owner = this.#runtimes.get(unit)?.unit.owner;
    if (owner !== undefined) this.#options.observer?.forgotten(owner);
    this.#unitOf.delete(key);
    this.#runtimes.delete(unit);
    this.#dependencies.set(key, []);
    for (const dependent of this.#dependencies.dependentsOf(key)) if (this.#ready) this.#queue.add(dependent);
    this.#retryCircles();
    this.#foresight.forget(unit);
    this.#views.forget(unit);
    this.#sources.forget(unit);
    this.#ownership.forget(unit);
  }
}

/** The kind that declares Units, and those that declare sources for them. */
const ownKinds = (dialect: Dialect): readonly ForeignKind[] => [dialect, ...dialect.sources];

const isKeyOf = (key: string, { kind }: ForeignKind): boolean =>
  key.startsWith(`${kind.group}/${kind.kind}/`);

interface Registered {
  readonly dialect: Dialect;
  readonly runtime: UnitRuntime;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? '') : '';
}
