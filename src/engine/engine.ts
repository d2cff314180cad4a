/**
 * Runs it all: follows the resources that declare Units, takes turns where something changed, and writes back where
 * each stands. In steady state nothing here runs: no timer but the polls of Git, no request, no write.
 */
import type { Dialect, Readiness, Reported, SourceDialect } from '#model/dialect.ts';
import { stackOf, type Result } from '#model/failure.ts';
import {
  keyText,
  refOf,
  type GroupKind,
  type Manifest,
  type ObjectKey,
  type SecretRef,
} from '#model/object.ts';
import type { HealthReport, UnitState } from '#model/outcome.ts';
import type { Cancel } from '#model/ports.ts';
import { secretData } from '#model/secret.ts';
import type { Tracking, Unit, UnitId } from '#model/unit.ts';
import { Changes } from './changes.ts';
import { ClusterViews } from './cluster-views.ts';
import { DeclaredSources } from './declared-sources.ts';
import { Dependencies, type Commit } from './dependencies.ts';
import { fenced } from './fence.ts';
import { Foresight } from './foresight.ts';
import type { EngineObserver } from './observer.ts';
import { Membership, type ReplicaSettings } from './membership.ts';
import { movedUnits } from './moved.ts';
import { Ownership } from './ownership.ts';
import { answersDelayMs, unreadableMs } from './patience.ts';
import { Queue, type Urgency } from './queue.ts';
import { Recorder, type RecorderPorts } from './recorder.ts';
import { readinessOf } from './readiness.ts';
import { declares, Registrations } from './registrations.ts';
import { isKeyOf, ownKinds, ResourceCache } from './resource-cache.ts';
import { polledSources, type UnitRuntime } from './runtime.ts';
import { Share } from './share.ts';
import { Sources, type SourcesPorts } from './sources.ts';
import type { TurnPorts } from './turn-ports.ts';
import { Turns } from './turns.ts';
import { UnitStates } from './unit-states.ts';

export type EnginePorts = Omit<
  TurnPorts,
  | 'sources'
  | 'ownership'
  | 'foresight'
  | 'dependencies'
  | 'hold'
  | 'states'
  | 'recorder'
  | 'view'
  | 'unitName'
  | 'isUnit'
  | 'trackings'
  | 'resting'
  | 'isStopping'
  | 'replica'
  | 'sinceMs'
> &
  SourcesPorts &
  RecorderPorts;

export interface EngineOptions {
  readonly dialects: readonly Dialect[];
  /** How often each repository is asked for new commits, before jitter. */
  readonly pollMs: number;
  /** Turns that wait for I/O side by side. */
  readonly concurrency: number;
  /** Is told what turns came to, for metrics. */
  readonly observer?: EngineObserver;
  /** Absent: it is alone, and pays nothing for others. */
  readonly replica?: ReplicaSettings;
}

/** What the engine knows of a resource that it reconciles. */
export interface Known {
  readonly resource: Manifest;
  readonly unit: Unit;
  readonly state: UnitState | undefined;
  readonly health: HealthReport | undefined;
}

const reminderMs = 10_000;
const forgetKindsAfterMs = 60_000;

export class Engine {
  readonly #ports: EnginePorts;
  readonly #options: EngineOptions;
  readonly #cache = new ResourceCache();
  readonly #membership: Membership | undefined;
  readonly #share: Share;
  readonly #states: UnitStates;
  readonly #recorder: Recorder;
  readonly #sources: Sources;
  readonly #ownership: Ownership;
  readonly #queue: Queue;
  readonly #foresight: Foresight;
  readonly #views: ClusterViews;
  readonly #dependencies: Dependencies;
  readonly #declared: DeclaredSources;
  /** Secrets that are followed because a source names them. */
  readonly #secrets = new Map<string, Promise<void>>();
  readonly #registrations: Registrations;
  readonly #changes: Changes;
  readonly #turns: Turns;
  #ready = false;
  #isStopping = false;
  #cancelForgetting: Cancel | undefined;

  constructor(world: EnginePorts, options: EngineOptions) {
    this.#membership = this.#join(world, options.replica);
    // A replica writes nothing, a status neither, while its Lease is not its own.
    const cluster = this.#membership === undefined ? world.cluster : fenced(world.cluster, this.#membership);
    const ports = { ...world, cluster };
    this.#ports = ports;
    this.#options = options;
    this.#recorder = new Recorder(ports);
    this.#states = new UnitStates(cluster, ports.clock, this.#recorder);
    this.#share = new Share(this.#membership, this.#states, ports.clock);
    this.#sources = new Sources(ports, {
      intervalMs: options.pollMs,
      moved: (units) => void this.#sourceMoved(units),
      secretKnown: (ref) => this.#secretKnown(ref),
    });
    this.#declared = new DeclaredSources({
      ...ports,
      cache: this.#cache,
      sources: this.#sources,
      asked: (url) => this.#membership?.tell([url]),
      observer: options.observer,
    });
    this.#registrations = new Registrations({
      dialects: options.dialects,
      cache: this.#cache,
      log: ports.log,
      compiled: (key, { unit }) => {
        if (this.#dependencies.set(key, unit.dependsOn)) this.#retryCircles();
      },
      left: (key, runtime) => this.#left(key, runtime.unit),
    });
    this.#dependencies = new Dependencies({
      repositories: ports.repositories,
      runtimeOf: (resource) => this.#registrations.at(resource),
      readinessOf: (runtime) => this.#readinessOf(runtime),
      reportedOf: (resource) => this.#reported(resource)?.readiness,
      isReconciled: (runtime) => this.#isReconciled(runtime),
      isLookedAt: (runtime) => runtime.looked || !this.#share.isOwn(runtime.unit.id),
      commitsOf: (runtime) => this.#commitsOf(runtime),
    });
    this.#foresight = new Foresight(ports.repositories);
    this.#views = new ClusterViews(ports, (units) => this.#answersChanged(units));
    this.#ownership = new Ownership(
      (unit) => this.#again(unit),
      () => this.#forgetKinds(),
    );
    this.#changes = new Changes({
      cache: this.#cache,
      registrations: this.#registrations,
      declared: this.#declared,
      ownership: this.#ownership,
    });
    this.#queue = new Queue({
      concurrency: options.concurrency,
      work: (key) => this.#turn(key),
      stirred: (key) => this.#registrations.at(key)?.news.tell(),
      timers: ports.timers,
      monotonic: () => ports.clock.monotonic(),
    });
    this.#turns = new Turns({
      ...ports,
      cache: this.#cache,
      states: this.#states,
      recorder: this.#recorder,
      views: this.#views,
      queue: this.#queue,
      observer: options.observer,
      hasOthers: this.#membership !== undefined,
      arrived: (resource) => this.#arrived(refOf(resource)),
      turnPorts: (unit) => this.#turnPorts(unit),
      readinessOf: (runtime) => this.#readinessOf(runtime),
      tellDependents: (key, runtime) => this.#tellDependents(key, runtime),
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
    await Promise.all([
      this.#cache.synced(),
      this.#states.start((unit) => this.#recordChanged(unit)),
      this.#membership?.start(),
    ]);
    cancelReminder();
    this.#recorder.only((unit) => this.#states.get(unit) !== undefined);
    for (const state of this.#states.all()) this.#ownership.setInventory(state.unit, state.inventory);
    cluster.onChange((changes) => {
      // Drift, and the end of what is awaited: neither waits until a whole fleet has been rendered.
      for (const { unit } of this.#changes.objects(changes)) this.#again(unit.id, 'urgent');
    });
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
      const own = this.#membership === undefined ? 'UnitState' : 'UnitState, Lease';
      const kinds = this.#cache.missing.join(', ') || own;
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
    const runtimes = [...this.#registrations.runtimes].filter(({ isOwn }) => isOwn);
    const looked = runtimes.filter((runtime) => runtime.looked).length;
    return { units: runtimes.length, looked, queued: this.#queue.depth };
  }

  /** How much each part remembers: bounded by what is there, however long it runs. */
  get sizes(): Readonly<Record<string, number>> {
    return {
      changes: this.#changes.size,
      declaredSources: this.#declared.size,
      dependencies: this.#dependencies.size,
      foresight: this.#foresight.size,
      ownership: this.#ownership.size,
      recorder: this.#recorder.size,
      registrations: this.#registrations.size,
      resources: this.#cache.size,
      sources: this.#sources.size,
      states: this.#states.size,
      views: this.#views.size,
    };
  }

  /** The resources of one kind that are reconciled or observed, as they are known now: without a request. */
  declared({ group, kind }: GroupKind): readonly Manifest[] {
    return this.#cache.list(group, kind).filter((resource) => declares(this.#registrations, resource));
  }

  /** Whether this replica looks after it, and so tells of it in metrics. */
  isOwn(resource: Manifest): boolean {
    const key = keyText(refOf(resource));
    return this.#share.isOwn(this.#registrations.at(key)?.unit.id ?? key);
  }

  /** Who shares the work, we ourselves included; empty: there are no replicas. */
  get members(): readonly string[] {
    return this.#membership?.members ?? [];
  }

  /** What is recorded of every Unit. */
  states(): readonly UnitState[] {
    return this.#states.all();
  }

  /** Every resource that some dialect reads. */
  followed(): readonly Manifest[] {
    return [...this.#cache.all()];
  }

  /** Undefined for what is not reconciled, whether it is there or not (S13). */
  known(key: ObjectKey): Known | undefined {
    const resource = this.#cache.get(key);
    const runtime = this.#registrations.at(keyText(key));
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
    const reported = this.#isReconciled(runtime) ? undefined : this.#reported(keyText(runtime.unit.owner));
    return reported?.readiness ?? readinessOf(runtime, this.#ports.clock.monotonic());
  }

  #isReconciled({ unit, observing }: UnitRuntime): boolean {
    return this.#share.isOwn(unit.id) && observing === undefined;
  }

  #commitsOf(runtime: UnitRuntime): readonly Commit[] {
    const { unit, located } = runtime;
    const isOwn = this.#share.isOwn(unit.id);
    if (isOwn && located !== undefined) return commitsAt(runtime);
    // What its status says may be an earlier one that has all of it.
    if (!unit.followsEveryCommit) return [];
    const commit = this.#reported(keyText(unit.owner))?.commit;
    return commit === undefined ? [] : [{ commit, label: commit.slice(0, 8) }];
  }

  #reported(key: string): Reported | undefined {
    const resource = this.#cache.at(key);
    return resource && this.#registrations.dialectOf(key)?.reported(resource);
  }

  #sourceDialectOf(key: string): SourceDialect | undefined {
    return this.#options.dialects.flatMap(({ sources }) => sources).find((dialect) => isKeyOf(key, dialect));
  }

  /** A hint that somebody pushed to these repositories (F24): they are asked, nothing else. */
  hint(isMeant: (url: string) => boolean): number {
    const elsewhere = [...this.#registrations.runtimes]
      .filter(({ isOwn }) => !isOwn)
      .flatMap((runtime) => polledSources(runtime, this.#states.get(runtime.unit.id)?.read))
      .map(({ url }) => url);
    const urls = [...new Set([...this.#sources.urls, ...elsewhere])].filter(isMeant);
    for (const url of urls) void this.#sources.hint(url);
    this.#membership?.tell(urls);
    return urls.length;
  }

  #join(ports: EnginePorts, replica: ReplicaSettings | undefined): Membership | undefined {
    if (replica === undefined) return undefined;
    return new Membership(replica, {
      ...ports,
      changed: (mayActAgain) => this.#shared(mayActAgain),
      hinted: (isMeant) => {
        for (const url of this.#sources.urls.filter(isMeant)) void this.#sources.hint(url);
      },
    });
  }

  /** Others came or went: what we gain takes a turn, what we lose is let go. */
  #shared(mayActAgain: boolean): void {
    if (!this.#ready) return;
    for (const runtime of this.#registrations.runtimes) {
      const wasOwn = runtime.isOwn;
      if (!this.#isOurs(runtime) || (wasOwn && !mayActAgain)) continue;
      const key = keyText(runtime.unit.owner);
      this.#announce(key);
      this.#queue.add(key);
    }
    for (const { kind } of this.#options.dialects.flatMap(({ sources }) => sources)) {
      for (const resource of this.#cache.list(kind.group, kind.kind))
        this.#queue.add(keyText(refOf(resource)));
    }
    const { units } = this.counts;
    this.#ports.log.info({ units, members: this.members }, `this replica looks after ${units} Units`);
  }

  /** Whether this replica looks after the Unit now; if no longer, it lets it go. Who asks this takes a turn if it is. */
  #isOurs(runtime: UnitRuntime): boolean {
    const isOwn = this.#share.isOwn(runtime.unit.id);
    const wasOwn = runtime.isOwn;
    runtime.isOwn = isOwn;
    // A Run that waits has to hear that it is over.
    if (!isOwn) runtime.news.tell();
    // Its turn lets it go when it ends: a Run that began just now makes it ours until then.
    if (wasOwn && !isOwn && !this.#queue.isUnderWay(keyText(runtime.unit.owner))) this.#release(runtime.unit);
    return isOwn;
  }

  #release(unit: Unit): void {
    this.#letGo(unit);
    this.#ownership.setInterest(unit.id, []);
    this.#registrations.release(unit.id);
    // Who waits until it is looked at here goes by what it says of itself from now on.
    this.#wakeDependents(keyText(unit.owner));
  }

  async stop(): Promise<void> {
    this.#ready = false;
    this.#isStopping = true;
    for (const { news } of this.#registrations.runtimes) news.tell();
    this.#cancelForgetting?.();
    this.#sources.stop();
    this.#cache.stop();
    this.#states.stop();
    this.#views.stop();
    await this.#queue.stop();
    await this.#membership?.stop();
    await this.#recorder.stop();
  }

  #again(unit: UnitId, urgency?: Urgency): void {
    const runtime = this.#registrations.runtime(unit);
    if (this.#ready && runtime !== undefined && this.#isOurs(runtime))
      this.#queue.add(keyText(runtime.unit.owner), urgency);
  }

  #answersChanged(units: Iterable<UnitId>): void {
    for (const unit of units) {
      const runtime = this.#registrations.runtime(unit);
      if (runtime === undefined) continue;
      const delayMs = answersDelayMs(runtime, this.#ports.clock.monotonic());
      if (delayMs > 0) this.#queue.addAfter(keyText(runtime.unit.owner), delayMs);
      else this.#again(unit);
    }
  }

  /** Somebody else wrote or deleted it. The record of a Unit that is no more must not hold its objects. */
  #recordChanged(unit: UnitId): void {
    const runtime = this.#registrations.runtime(unit);
    const holder = this.#states.get(unit)?.intent?.replica;
    if (holder !== undefined && this.#ready) this.#membership?.heard(holder);
    if (runtime !== undefined) runtime.wasRecorded = true;
    if (runtime !== undefined && this.#isOurs(runtime)) this.#again(unit);
    else if (this.#ready) this.#ownership.setInventory(unit, this.#states.get(unit)?.inventory ?? []);
  }

  #resourcesChanged(dialect: Dialect, keys: readonly ObjectKey[]): void {
    const { changed, concerned } = this.#changes.resources(dialect, keys);
    if (!this.#ready) return;
    for (const key of changed) {
      // A fleet that is created must not hold up who changes one that is there.
      const isNew =
        this.#registrations.dialectOf(key) !== undefined && this.#registrations.at(key) === undefined;
      this.#announce(key);
      this.#queue.add(key, isNew ? 'normal' : 'urgent');
    }
    for (const key of concerned) this.#queue.add(key);
    // Of what others look after, their status tells.
    for (const key of keys) {
      const text = keyText(key);
      const runtime = this.#registrations.at(text);
      if (runtime === undefined && this.#registrations.dialectOf(text) !== undefined) this.#tellAwaiting(key);
      if (runtime !== undefined && !this.#share.isOwn(runtime.unit.id)) this.#tellDependents(text, runtime);
    }
  }

  /** It was read before the watch told of it. When it is taken back soon, the watch may tell of neither. */
  #arrived(key: ObjectKey): void {
    for (const dialect of this.#options.dialects)
      if (ownKinds(dialect).some((kind) => isKeyOf(keyText(key), kind)))
        this.#resourcesChanged(dialect, [key]);
    this.#registrations.register(keyText(key));
  }

  /** Units whose files changed go first; of the others, only those that follow every commit get a new status. */
  async #sourceMoved(units: ReadonlySet<UnitId>): Promise<void> {
    const runtimes = [...units].flatMap((unit) => this.#registrations.runtime(unit) ?? []);
    for (const key of [...units].flatMap((unit) => this.#declared.keyOf(unit) ?? [])) this.#queue.add(key);
    const { moved, rest } = await movedUnits(runtimes, this.#ports.repositories);
    for (const { unit } of moved) if (readsSources(unit)) this.#foresight.add(unit);
    for (const runtime of moved) this.#queue.add(keyText(runtime.unit.owner), 'urgent');
    for (const runtime of rest) {
      if (runtime.unit.followsEveryCommit || runtime.failures.length > 0) this.#again(runtime.unit.id);
      else this.#tellDependents(keyText(runtime.unit.owner), runtime);
    }
  }

  async #turn(key: string): Promise<void> {
    const source = this.#sourceDialectOf(key);
    if (source !== undefined) return this.#sourceTurn(key, source);
    const registered = this.#registrations.register(key);
    if (registered === undefined) return;
    const { dialect, runtime } = registered;
    const wasOwn = runtime.isOwn;
    const isOwn = this.#isOurs(runtime);
    if (isOwn && this.#share.mayAct) {
      const waitMs = this.#share.waitMs(runtime.unit.id);
      if (waitMs > 0) return this.#queue.addAfter(key, waitMs);
      if (await this.#isCurrent(key, dialect, runtime)) {
        runtime.answered = { request: false, refresh: false };
        await this.#turns.take(key, dialect, runtime);
      }
    }
    // It may be another's by now: it was ours for the sake of its Run, or went in the middle of its turn.
    if ((wasOwn || isOwn) && !this.#share.isOwn(runtime.unit.id)) this.#release(runtime.unit);
  }

  /**
   * Whoever had the Unit before us may have known newer ones of the resources that say what it is: older ones would
   * bring back what they said (F10).
   */
  async #isCurrent(key: string, dialect: Dialect, runtime: UnitRuntime): Promise<boolean> {
    const sinceMs = this.#share.sinceMs(runtime.unit.id);
    if (sinceMs === -Infinity) return true;
    const renew = (keys: readonly string[]): Promise<Result<boolean>> =>
      this.#cache.renew(keys, sinceMs, this.#ports, (read) => this.#arrived(read));
    const renewed = await renew([key]);
    // It may name other sources by now.
    const reads = this.#registrations.register(key)?.runtime.reads.keys ?? [];
    const sources = [...reads].filter((read) => dialect.sources.some((of) => isKeyOf(read, of)));
    const known = renewed.ok ? await renew(sources) : renewed;
    if (!known.ok) this.#ports.log.warn({ unit: key, code: known.failure.code }, known.failure.message);
    const isKnown = renewed.ok && renewed.value && known.ok && known.value;
    // What was heard of the record meanwhile may come of a newer one still.
    const isLast = this.#share.sinceMs(runtime.unit.id) === sinceMs;
    const isCurrent = isKnown && isLast && this.#registrations.register(key)?.runtime === runtime;
    if (!isCurrent) this.#queue.addAfter(key, unreadableMs);
    return isCurrent;
  }

  async #sourceTurn(key: string, dialect: SourceDialect): Promise<void> {
    const resource = this.#cache.at(key);
    if (resource === undefined || !this.#share.isOwn(key)) return this.#declared.forget(key);
    if (!this.#share.mayAct) return;
    try {
      const againMs = await this.#declared.turn(dialect, resource);
      if (againMs !== undefined) this.#queue.addAfter(key, againMs);
    } catch (error) {
      this.#ports.log.error({ resource: key, stack: stackOf(error) }, `turn failed: ${String(error)}`);
      this.#queue.addAfter(key, 60_000);
    }
  }

  /** A circle that was opened holds nobody any more. */
  #retryCircles(): void {
    for (const { failures, unit } of this.#registrations.runtimes)
      if (failures.some(({ code }) => code === 'DependencyCycle')) this.#again(unit.id);
  }

  /** Those that depend on it take a turn when it is news to them how it stands. */
  #tellDependents(key: string, runtime: UnitRuntime): void {
    const standing = this.#dependencies.standingOf(runtime);
    if (runtime.told === standing) return;
    runtime.told = standing;
    this.#wakeDependents(key);
    this.#tellAwaiting(runtime.unit.owner);
  }

  #wakeDependents(key: string): void {
    for (const dependent of this.#dependencies.dependentsOf(key)) if (this.#ready) this.#queue.add(dependent);
  }

  /** Those that wait for a resource as for any object: of that they hear how well it is, and not where it is. */
  #tellAwaiting(resource: ObjectKey): void {
    for (const id of this.#ownership.concerned(resource))
      if (this.#registrations.runtime(id)?.unit.awaited !== undefined) this.#again(id);
  }

  /** A Unit that will surely read its sources: they are fetched before its turn comes. */
  #announce(key: string): void {
    const runtime = this.#registrations.register(key)?.runtime;
    if (runtime === undefined || !this.#isOurs(runtime) || !readsSources(runtime.unit)) return;
    const { unit } = runtime;
    this.#sources.use(unit.id, polledSources(runtime, this.#states.get(unit.id)?.read));
    this.#foresight.add(unit);
  }

  #turnPorts(unit: Unit): Omit<TurnPorts, 'hold'> {
    const sinceMs = this.#share.sinceMs(unit.id);
    const { cluster } = this.#ports;
    const membership = this.#membership;
    return {
      ...this.#ports,
      ...(membership === undefined
        ? {}
        : { replica: membership, cluster: fenced(cluster, membership, sinceMs) }),
      sinceMs,
      view: this.#views.view(unit),
      sources: this.#sources,
      ownership: this.#ownership,
      foresight: this.#foresight,
      dependencies: this.#dependencies,
      states: this.#states,
      recorder: this.#recorder,
      resting: (wait) => this.#queue.resting(keyText(unit.owner), wait),
      isStopping: () => this.#isStopping,
      unitName: (id) => {
        const owner = this.#registrations.runtime(id)?.unit.owner ?? this.#states.get(id)?.owner;
        return owner === undefined ? id : `${owner.kind} ${owner.namespace}/${owner.name}`;
      },
      isUnit: (trackingName) =>
        [...this.#registrations.runtimes].some(({ unit }) => unit.tracking.owner === trackingName),
      trackings: () => {
        const trackings = [...this.#registrations.runtimes].map(({ unit: { tracking } }) => tracking);
        return [...new Map(trackings.map((tracking) => [trackingForm(tracking), tracking])).values()];
      },
    };
  }

  #left(key: string, unit: Unit): void {
    this.#letGo(unit);
    this.#ownership.forget(unit.id);
    this.#dependencies.set(key, []);
    this.#wakeDependents(key);
    this.#retryCircles();
  }

  /** Nothing is done for it here any more. */
  #letGo({ id, owner }: Unit): void {
    this.#options.observer?.forgotten(owner);
    this.#foresight.forget(id);
    this.#views.forget(id);
    this.#sources.forget(id);
  }
}

/** Who does not follow every commit is also at those which change nothing for it. */
function commitsAt({ unit, located }: UnitRuntime): readonly Commit[] {
  if (located === undefined || unit.followsEveryCommit) return located?.revisions ?? [];
  return located.revisions.map((revision, index) => {
    const commit = located.inputs[index]?.same?.commit;
    return commit === undefined || commit === revision.commit
      ? revision
      : { commit, label: commit.slice(0, 8) };
  });
}

/** The same of all that are marked in the same way. */
function trackingForm({ annotation, installation, labels = [] }: Tracking): string {
  return [annotation, installation?.key, installation?.value, ...labels.map(({ key }) => key)].join();
}

const readsSources = ({ unsupported, predecessor, teardown }: Unit): boolean =>
  unsupported.length === 0 && predecessor === undefined && teardown === undefined;
