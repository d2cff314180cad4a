/**
 * Runs it all: follows the resources that declare Units, takes turns where something changed, and writes back where
 * each stands. In steady state nothing here runs: no timer but the polls of Git, no request, no write.
 */
import { isUnchanged } from '#pipeline/source/dependence.ts';
import type { Dialect } from '#model/dialect.ts';
import { canonicalJson, isObject } from '#model/json.ts';
import { keyText, refOf, type Manifest, type ObjectKey, type SecretRef } from '#model/object.ts';
import type { ObjectChange } from '#model/ports.ts';
import type { SourceSpec, UnitId } from '#model/unit.ts';
import { Ownership } from './ownership.ts';
import { Queue } from './queue.ts';
import { concerns, ResourceCache } from './resource-cache.ts';
import { newRuntime, type UnitRuntime } from './runtime.ts';
import { Sources, type SourcesPorts } from './sources.ts';
import { resourceSignature, sightSignature } from './signatures.ts';
import { writeStatus } from './status-writer.ts';
import { takeTurn } from './turn.ts';
import type { TurnEnd, TurnPorts } from './turn-ports.ts';
import { UnitStates } from './unit-states.ts';

export type EnginePorts = Omit<TurnPorts, 'sources' | 'ownership' | 'states' | 'unitName' | 'isUnit'> &
  SourcesPorts;

export interface EngineOptions {
  readonly dialects: readonly Dialect[];
  /** How often each repository is asked for new commits, before jitter. */
  readonly pollMs: number;
  /** Turns that wait for I/O side by side. */
  readonly concurrency: number;
}

/** A status in between is written only for Runs that last. */
const runningStatusAfterMs = 1000;

export class Engine {
  readonly #ports: EnginePorts;
  readonly #options: EngineOptions;
  readonly #cache = new ResourceCache();
  readonly #states: UnitStates;
  readonly #sources: Sources;
  readonly #ownership: Ownership;
  readonly #queue: Queue;
  readonly #runtimes = new Map<UnitId, UnitRuntime>();
  /** The Unit that each resource declares, by the resource's key text. */
  readonly #unitOf = new Map<string, UnitId>();
  readonly #signatures = new Map<string, string>();
  #ready = false;

  constructor(ports: EnginePorts, options: EngineOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#states = new UnitStates(ports.cluster);
    this.#sources = new Sources(ports, options.pollMs, (_url, units) => void this.#sourceMoved(units));
    this.#ownership = new Ownership((unit) => this.#again(unit));
    this.#queue = new Queue({
      concurrency: options.concurrency,
      work: (key) => this.#turn(key),
      timers: ports.timers,
      monotonic: () => ports.clock.monotonic(),
    });
  }

  /** Resolves when everything that Units are made from has been read, and the first turns are under way. */
  async start(): Promise<void> {
    const { cluster } = this.#ports;
    for (const dialect of this.#options.dialects) {
      const own = { kind: dialect.kind, plural: dialect.plural, optional: false };
      this.#cache.follow(cluster, [own, ...dialect.selections], (keys) =>
        this.#resourcesChanged(dialect, keys),
      );
    }
    await Promise.all([this.#cache.synced(), this.#states.start((unit) => this.#again(unit))]);
    for (const state of this.#states.all()) this.#ownership.setInventory(state.unit, state.inventory);
    cluster.onChange((changes) => this.#objectsChanged(changes));
    this.#ready = true;
    for (const dialect of this.#options.dialects) {
      for (const resource of this.#cache.list(dialect.kind.group, dialect.kind.kind)) {
        this.#queue.add(keyText(refOf(resource)));
      }
    }
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** For metrics: how many Units there are, and how many were looked at since the start. */
  get counts(): { readonly units: number; readonly looked: number; readonly queued: number } {
    const looked = [...this.#runtimes.values()].filter((runtime) => runtime.looked).length;
    return { units: this.#runtimes.size, looked, queued: this.#queue.depth };
  }

  /** The decoded data of a Secret that a dialect's selections follow: credentials of repositories. */
  secret({ namespace, name }: SecretRef): Readonly<Record<string, string>> | undefined {
    const data = this.#cache.get({ group: '', kind: 'Secret', namespace, name })?.['data'];
    if (!isObject(data)) return undefined;
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [
        key,
        Buffer.from(String(value), 'base64').toString('utf8'),
      ]),
    );
  }

  /** A hint that somebody pushed to these repositories (F24): they are asked, nothing else. */
  async hint(isMeant: (url: string) => boolean): Promise<number> {
    const urls = this.#sources.urls.filter(isMeant);
    await Promise.all(urls.map((url) => this.#sources.hint(url)));
    return urls.length;
  }

  async stop(): Promise<void> {
    this.#ready = false;
    this.#sources.stop();
    this.#cache.stop();
    this.#states.stop();
    await this.#queue.stop();
  }

  #again(unit: UnitId): void {
    const runtime = this.#runtimes.get(unit);
    if (this.#ready && runtime !== undefined) this.#queue.add(keyText(runtime.unit.owner));
  }

  #resourcesChanged(dialect: Dialect, keys: readonly ObjectKey[]): void {
    for (const key of keys) {
      const isOwn = key.group === dialect.kind.group && key.kind === dialect.kind.kind;
      if (isOwn) this.#declarationChanged(keyText(key), this.#cache.get(key));
      for (const runtime of isOwn ? [] : this.#runtimes.values()) {
        if (concerns(runtime.reads, key)) this.#again(runtime.unit.id);
      }
    }
  }

  /** Our own status writes come back as events too: only what is not ours makes a turn. */
  #declarationChanged(key: string, resource: Manifest | undefined): void {
    const signature = resource === undefined ? 'gone' : resourceSignature(resource);
    if (this.#signatures.get(key) === signature) return;
    this.#signatures.set(key, signature);
    if (this.#ready) this.#queue.add(key, 'urgent');
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
    const { moved, rest } = await changedTrees(runtimes, this.#ports);
    for (const runtime of moved) this.#queue.add(keyText(runtime.unit.owner), 'urgent');
    for (const runtime of rest) {
      if (runtime.unit.followsEveryCommit || runtime.failures.length > 0) this.#again(runtime.unit.id);
    }
  }

  async #turn(key: string): Promise<void> {
    const dialect = this.#options.dialects.find(({ kind }) => key.startsWith(`${kind.group}/${kind.kind}/`));
    const resource = this.#resource(key);
    if (dialect === undefined || resource === undefined) return this.#forget(key);
    const { lookup, reads } = this.#cache.recording();
    const admitted = dialect.admits(resource, lookup);
    if (admitted !== true) {
      this.#ports.log.info({ resource: key }, `not reconciled: ${admitted}`);
      return this.#forget(key);
    }
    const [unit] = dialect.compile(resource, lookup);
    if (unit === undefined) return this.#forget(key);
    // A resource that was deleted and made again under its name is another Unit.
    if (this.#unitOf.get(key) !== unit.id) this.#forget(key);
    this.#unitOf.set(key, unit.id);
    const runtime = this.#runtimes.get(unit.id) ?? newRuntime(unit, reads);
    this.#runtimes.set(unit.id, runtime);
    runtime.unit = unit;
    runtime.reads = reads;
    runtime.answered = { request: false, refresh: false };
    await this.#guardedTurn(key, dialect, runtime);
  }

  async #guardedTurn(key: string, dialect: Dialect, runtime: UnitRuntime): Promise<void> {
    const { timers, log } = this.#ports;
    let cancelStatus = (): void => undefined;
    const progress = (): void => {
      cancelStatus = timers.after(
        runningStatusAfterMs,
        () => void this.#status(key, dialect, runtime, undefined),
      );
    };
    try {
      const end = await takeTurn(runtime, this.#turnPorts(), progress);
      cancelStatus();
      runtime.looked = true;
      await this.#status(key, dialect, runtime, end);
      if (end.againMs === 0) this.#queue.add(key);
      else if (end.againMs !== undefined) this.#queue.addAfter(key, end.againMs);
    } catch (error) {
      // A bug in one Unit's turn must not stop the others; it is said loudly and tried again.
      cancelStatus();
      log.error(
        { unit: key, stack: error instanceof Error ? (error.stack ?? '') : '' },
        `turn failed: ${String(error)}`,
      );
      this.#queue.addAfter(key, 60_000);
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
    const view = { runtime, state, end, nowMs: this.#ports.clock.now() };
    const written = await writeStatus(dialect, resource, view, this.#ports.cluster);
    if (!written.ok) {
      this.#ports.log.warn(
        { resource: key, code: written.failure.code },
        `status: ${written.failure.message}`,
      );
      this.#queue.addAfter(key, 5000);
    } else if (written.value === 'stale') this.#queue.add(key);
    else if (written.value !== 'unchanged') this.#cache.put(written.value);
  }

  #turnPorts(): TurnPorts {
    return {
      ...this.#ports,
      sources: this.#sources,
      ownership: this.#ownership,
      states: this.#states,
      unitName: (unit) => {
        const owner = this.#runtimes.get(unit)?.unit.owner ?? this.#states.get(unit)?.owner;
        return owner === undefined ? unit : `${owner.kind} ${owner.namespace}/${owner.name}`;
      },
      isUnit: (trackingName) =>
        [...this.#runtimes.values()].some(({ unit }) => unit.tracking.owner === trackingName),
    };
  }

  #resource(key: string): Manifest | undefined {
    const [group = '', kind = '', namespace = '', name = ''] = key.split('/');
    return this.#cache.get({ group, kind, namespace, name });
  }

  #forget(key: string): void {
    const unit = this.#unitOf.get(key);
    if (unit === undefined) return;
    this.#unitOf.delete(key);
    this.#runtimes.delete(unit);
    this.#sources.forget(unit);
    this.#ownership.forget(unit);
  }
}

/** Which of the Units would have other objects now: those that read something which a commit has changed. */
async function changedTrees(
  runtimes: readonly UnitRuntime[],
  { repositories }: EnginePorts,
): Promise<{ readonly moved: readonly UnitRuntime[]; readonly rest: readonly UnitRuntime[] }> {
  const moved: UnitRuntime[] = [];
  const rest: UnitRuntime[] = [];
  const commits = new Map<string, Promise<string | undefined>>();
  const commitOf = (source: SourceSpec): Promise<string | undefined> => {
    const refText = canonicalJson([source.url, source.ref]);
    const commit =
      commits.get(refText) ??
      repositories.resolve(source).then((resolved) => (resolved.ok ? resolved.value.commit : undefined));
    commits.set(refText, commit);
    return commit;
  };
  for (const runtime of runtimes) {
    const located = runtime.located?.inputs ?? [];
    let isSame = located.length === runtime.unit.inputs.length;
    for (const input of isSame ? located : []) {
      const commit = await commitOf(input.input.source);
      isSame &&= commit !== undefined && (await isUnchanged(input, commit, repositories));
    }
    (isSame ? rest : moved).push(runtime);
  }
  return { moved, rest };
}
