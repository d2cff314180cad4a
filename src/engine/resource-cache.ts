/** The foreign resources that dialects read, followed with their bodies, behind the synchronous Lookup. */
import type { Dialect, ForeignKind, Lookup, Selection } from '#model/dialect.ts';
import { ok, type Result } from '#model/failure.ts';
import { keyText, refOf, versionOf, type Manifest, type ObjectKey } from '#model/object.ts';
import type { Clock, Cluster, FollowBatch, Following } from '#model/ports.ts';

/** What a compilation asked for: any change of it compiles again. */
export interface Reads {
  readonly keys: ReadonlySet<string>;
  readonly lists: ReadonlySet<string>;
}

const listText = (group: string, kind: string): string => `${group}/${kind}`;

export class ResourceCache {
  readonly #objects = new Map<string, Manifest>();
  readonly #byKind = new Map<string, Map<string, Manifest>>();
  /** The versions of what the cluster answered, by key text, until the watch has come as far. */
  readonly #answered = new Map<string, bigint>();
  /** When they were last asked for, by key text, on the monotonic clock. */
  readonly #readMs = new Map<string, number>();
  readonly #following: Following[] = [];
  readonly #unsynced = new Set<Selection>();
  readonly #waiters: (() => void)[] = [];

  follow(
    cluster: Cluster,
    selections: readonly Selection[],
    changed: (keys: readonly ObjectKey[]) => void,
  ): void {
    for (const selection of selections) {
      this.#unsynced.add(selection);
      this.#following.push(
        cluster.follow(selection, (batch) => {
          const keys = this.#take(batch);
          if (batch.synced && this.#unsynced.delete(selection) && this.#unsynced.size === 0) {
            for (const wake of this.#waiters.splice(0)) wake();
          }
          if (keys.length > 0) changed(keys);
        }),
      );
    }
  }

  /** Follows one more; resolves when something is known of it, if only that it may not be read. */
  followOne(cluster: Cluster, selection: Selection, changed: () => void): Promise<void> {
    return new Promise((resolve) => {
      let isKnown = false;
      this.#following.push(
        cluster.follow(selection, (batch) => {
          const keys = this.#take(batch);
          if (isKnown && keys.length > 0) changed();
          isKnown = true;
          resolve();
        }),
      );
    });
  }

  /** Resolves when every selection has been listed once. */
  async synced(): Promise<void> {
    if (this.#unsynced.size > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** The kinds that could not be listed yet, for messages. */
  get missing(): readonly string[] {
    return [...this.#unsynced].map(({ kind }) => kind.kind);
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: ObjectKey): Manifest | undefined {
    return this.#objects.get(keyText(key));
  }

  /** By its key text. */
  at(key: string): Manifest | undefined {
    return this.#objects.get(key);
  }

  list(group: string, kind: string): readonly Manifest[] {
    return [...(this.#byKind.get(listText(group, kind))?.values() ?? [])];
  }

  all(): Iterable<Manifest> {
    return this.#objects.values();
  }

  /** Takes in what the cluster answered before the watch tells of it; false: something newer is here. */
  put(manifest: Manifest): boolean {
    const held = this.#objects.get(keyText(refOf(manifest)));
    if (held === undefined || versionOf(held) >= versionOf(manifest)) return false;
    this.#set(manifest);
    this.#answered.set(keyText(refOf(manifest)), versionOf(manifest));
    return true;
  }

  /**
   * Makes sure that what is here of them is no older than `sinceMs` on the monotonic clock; `taken` is told what was.
   * False: one of them is gone, and the watch has yet to tell.
   */
  async renew(
    keys: Iterable<string>,
    sinceMs: number,
    { cluster, clock }: { readonly cluster: Pick<Cluster, 'read'>; readonly clock: Pick<Clock, 'monotonic'> },
    taken: (key: ObjectKey) => void,
  ): Promise<Result<boolean>> {
    for (const key of keys) {
      const held = this.#objects.get(key);
      if (held === undefined || (this.#readMs.get(key) ?? -Infinity) >= sinceMs) continue;
      const nowMs = clock.monotonic();
      const read = await cluster.read(refOf(held));
      if (!read.ok) return read;
      // Of another one by its name the watch tells too, after the end of this one.
      const isIt = read.value?.metadata['uid'] === held.metadata['uid'] && this.#objects.has(key);
      if (read.value === undefined || !isIt) return ok(false);
      this.#readMs.set(key, nowMs);
      if (this.put(read.value)) taken(refOf(read.value));
    }
    return ok(true);
  }

  /** A Lookup that records what it is asked. */
  recording(): { readonly lookup: Lookup; readonly reads: Reads } {
    const keys = new Set<string>();
    const lists = new Set<string>();
    return {
      reads: { keys, lists },
      lookup: {
        get: (key) => {
          keys.add(keyText(key));
          return this.get(key);
        },
        list: (group, kind, namespace) => {
          lists.add(listText(group, kind));
          return this.list(group, kind).filter(
            (manifest) => namespace === undefined || manifest.metadata.namespace === namespace,
          );
        },
      },
    };
  }

  stop(): void {
    for (const following of this.#following.splice(0)) following.stop();
  }

  #take({ changed, gone }: FollowBatch): readonly ObjectKey[] {
    const news = changed.filter((manifest) => !this.#isOvertaken(manifest));
    for (const manifest of news) this.#set(manifest);
    for (const key of gone) {
      this.#answered.delete(keyText(key));
      this.#readMs.delete(keyText(key));
      this.#objects.delete(keyText(key));
      this.#byKind.get(listText(key.group, key.kind))?.delete(keyText(key));
    }
    return [...news.map(refOf), ...gone];
  }

  /** A watch that is behind tells of what stood before our own write: nobody is to decide from that again. */
  #isOvertaken(manifest: Manifest): boolean {
    const key = keyText(refOf(manifest));
    const answered = this.#answered.get(key);
    if (answered !== undefined && versionOf(manifest) < answered) return true;
    this.#answered.delete(key);
    return false;
  }

  #set(manifest: Manifest): void {
    const ref = refOf(manifest);
    const kind = listText(ref.group, ref.kind);
    this.#objects.set(keyText(ref), manifest);
    const ofKind = this.#byKind.get(kind) ?? new Map<string, Manifest>();
    this.#byKind.set(kind, ofKind.set(keyText(ref), manifest));
  }
}

export function concerns(reads: Reads, key: ObjectKey): boolean {
  return reads.keys.has(keyText(key)) || reads.lists.has(listText(key.group, key.kind));
}

/** The kind that declares Units, and those that declare sources for them. */
export const ownKinds = (dialect: Dialect): readonly ForeignKind[] => [dialect, ...dialect.sources];

export const isKeyOf = (key: string, { kind }: ForeignKind): boolean =>
  key.startsWith(`${kind.group}/${kind.kind}/`);
