/** Resources that declare a source: kept up to date with everybody else's fetches, and told what is there. */
import type { DeclaredSource, SourceDialect, SourceProgress } from '#model/dialect.ts';
import { keyText, refOf, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Clock, Cluster, Log, Repositories } from '#model/ports.ts';
import type { EngineObserver } from './observer.ts';
import type { Reads, ResourceCache } from './resource-cache.ts';
import type { Sources } from './sources.ts';
import { patchAsRead } from './status-writer.ts';
import { sourceStanding } from './standing.ts';

export interface DeclaredSourcesPorts {
  readonly cluster: Cluster;
  readonly repositories: Repositories;
  readonly clock: Clock;
  readonly log: Log;
  readonly cache: ResourceCache;
  readonly sources: Sources;
  /** Somebody asks for a look at this repository: other replicas may use it too. */
  readonly asked: (url: string) => void;
  readonly observer?: EngineObserver | undefined;
}

interface Held {
  readonly id: string;
  readonly owner: ObjectRef;
  readonly reads: Reads;
  observing?: string;
}

export class DeclaredSources {
  readonly #ports: DeclaredSourcesPorts;
  readonly #held = new Map<string, Held>();

  constructor(ports: DeclaredSourcesPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#held.size;
  }

  /** The resource that a user of the fetches stands for. */
  keyOf(id: string): string | undefined {
    return [...this.#held].find(([, held]) => held.id === id)?.[0];
  }

  get all(): Iterable<readonly [key: string, reads: Reads]> {
    return [...this.#held].map(([key, { reads }]) => [key, reads] as const);
  }

  forget(key: string): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.#held.delete(key);
    this.#ports.sources.forget(held.id);
    this.#ports.observer?.forgotten(held.owner);
  }

  /** When to look again, if not only when something changes. */
  async turn(dialect: SourceDialect, resource: Manifest): Promise<number | undefined> {
    const { cache, clock, log } = this.#ports;
    const key = keyText(refOf(resource));
    const admitted = dialect.admits(resource);
    if (admitted !== true) {
      log.debug({ resource: key }, `not reconciled: ${admitted}`);
      this.forget(key);
      return undefined;
    }
    const { lookup, reads } = cache.recording();
    const declared = dialect.compile(resource, lookup);
    if (this.#held.get(key)?.id !== declared.id) this.forget(key);
    const held: Held = { ...this.#held.get(key), id: declared.id, owner: declared.owner, reads };
    this.#held.set(key, held);
    const stands = sourceStanding(declared, clock.now());
    if (!stands.mayAct) {
      if (held.observing !== stands.why) log.info({ resource: key }, `only observed: ${stands.why}`);
      held.observing = stands.why;
      return stands.againMs;
    }
    const startedMs = clock.monotonic();
    const progress = await this.#look(declared);
    // It may have been changed or deleted meanwhile: then another turn comes.
    const current = cache.get(declared.owner);
    if (current === undefined) return undefined;
    const againMs = await this.#write(dialect, current, progress);
    const told = cache.get(declared.owner);
    const seconds = (clock.monotonic() - startedMs) / 1000;
    if (told !== undefined && !declared.deleting) this.#ports.observer?.turned(told, { seconds });
    return againMs;
  }

  async #look(declared: DeclaredSource): Promise<SourceProgress> {
    const { sources, repositories } = this.#ports;
    const { id, source, refused, suspended, deleting, requested } = declared;
    const isIdle = source === undefined || refused.length > 0 || suspended || deleting;
    if (isIdle) {
      sources.forget(id);
      const [failure] = refused;
      return { declared, requestAnswered: requested, ...(failure === undefined ? {} : { failure }) };
    }
    sources.use(id, [source]);
    await sources.ready(source);
    if (requested) {
      this.#ports.asked(source.url);
      await sources.hint(source.url);
    }
    const revision = await repositories.resolve(source);
    const outage = sources.failureOf(source);
    const failure = outage ?? (revision.ok ? undefined : revision.failure);
    return {
      declared,
      requestAnswered: requested,
      ...(revision.ok ? { revision: revision.value } : {}),
      ...(failure === undefined ? {} : { failure }),
    };
  }

  async #write(
    dialect: SourceDialect,
    resource: Manifest,
    progress: SourceProgress,
  ): Promise<number | undefined> {
    const { cluster, cache, clock, log } = this.#ports;
    const patch = dialect.status(resource, progress, clock.now());
    if (Object.keys(patch).length === 0) return undefined;
    const written = await patchAsRead(resource, patch, cluster);
    if (!written.ok) {
      log.warn(
        { resource: keyText(refOf(resource)), code: written.failure.code },
        `status: ${written.failure.message}`,
      );
      return failedMs;
    }
    if (written.value === undefined) return undefined;
    cache.put(written.value.resource);
    return written.value.isWritten ? undefined : staleMs;
  }
}

const failedMs = 5000;
/** What was written meanwhile may say something else. */
const staleMs = 100;
