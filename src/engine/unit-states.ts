/** UnitStates in the cluster: read by following them, written by compare-and-swap. */
import {
  decodeUnitState,
  encodeUnitState,
  type PackedPart,
  shardNames,
  unitStateKind,
  unitStatePlural,
  unitStateRef,
} from '#pipeline/record/unit-state-codec.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import { refOf, type Manifest, type ObjectRef } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Clock, Cluster, Following, Written } from '#model/ports.ts';
import { ownerUid, type UnitId } from '#model/unit.ts';

interface Held {
  readonly state: UnitState;
  readonly resourceVersion: string;
  readonly shards: readonly string[];
  /** As they were packed, where it was written here. */
  readonly parts?: readonly PackedPart[];
  /** When somebody else's word on it was last heard, on the monotonic clock. */
  readonly heardMs: number;
}

/** What the watch told of a state while it was written: our own echo, or somebody else's word. */
interface Meanwhile {
  readonly place: string;
  heads: readonly Manifest[];
  isGone: boolean;
}

/** Is told of every state that is held from now on, whoever wrote it, and of each that is gone. */
export interface StatesObserver {
  noted(state: UnitState): void;
  forgotten(unit: UnitId): void;
}

export class UnitStates {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #observer: StatesObserver;
  readonly #held = new Map<UnitId, Held>();
  /** Heads and shards as they came, by namespace and name, until they can be put together. */
  readonly #objects = new Map<string, Manifest>();
  readonly #meanwhile = new Map<UnitId, Meanwhile>();
  /** How many were told to be gone. */
  #gone = 0;
  #changed: (unit: UnitId) => void = () => undefined;
  #following: Following | undefined;

  constructor(cluster: Cluster, clock: Clock, observer: StatesObserver) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#observer = observer;
  }

  /** Resolves when all of them are known. `changed` tells of states that somebody else wrote or deleted. */
  async start(changed: (unit: UnitId) => void): Promise<void> {
    this.#changed = changed;
    await new Promise<void>((resolve) => {
      this.#following = this.#cluster.follow(
        { kind: unitStateKind, plural: unitStatePlural, optional: false },
        ({ synced, changed: manifests, gone }) => {
          for (const unit of gone.flatMap((key) => this.#forget(`${key.namespace}/${key.name}`))) {
            this.#observer.forgotten(unit);
            changed(unit);
          }
          for (const unit of this.#take(manifests)) changed(unit);
          if (synced) resolve();
        },
      );
    });
  }

  stop(): void {
    this.#following?.stop();
  }

  /** States, and the objects that they are put together from. */
  get size(): number {
    return this.#held.size + this.#objects.size + this.#meanwhile.size;
  }

  get(unit: UnitId): UnitState | undefined {
    return this.#held.get(unit)?.state;
  }

  /** Since when it is as it is, if somebody else wrote it: what was known of its objects before may be old (F6). */
  heardMs(unit: UnitId): number {
    return this.#held.get(unit)?.heardMs ?? -Infinity;
  }

  all(): readonly UnitState[] {
    return [...this.#held.values()].map(({ state }) => state);
  }

  /**
   * Writes what was made of `from`, which is what `get` gave, or a first state. 'stale': that does not stand there any
   * more, because somebody else wrote since; what they wrote arrives by itself.
   */
  async write(state: UnitState, from: UnitState): Promise<Result<'written' | 'stale'>> {
    const held = this.#held.get(state.unit);
    // It may have arrived while `state` was made: its version is not the one that this was made from.
    if (held !== undefined && held.state !== from) return ok('stale');
    const { namespace, name } = unitStateRef(state.owner, state.unit);
    const meanwhile: Meanwhile = { place: `${namespace}/${name}`, heads: [], isGone: false };
    this.#meanwhile.set(state.unit, meanwhile);
    try {
      const written = await this.#write(state);
      // What is gone may be what was written just now, with the resource that it belongs to.
      return meanwhile.isGone && written.ok && written.value === 'written'
        ? await this.#reload(state)
        : written;
    } finally {
      this.#meanwhile.delete(state.unit);
      for (const head of meanwhile.heads) if (this.#hold(head) !== undefined) this.#changed(state.unit);
    }
  }

  /** Whether nothing newer than this stands in the cluster; where something does, that is held from now on. */
  async stands(state: UnitState): Promise<Result<boolean>> {
    const read = await this.#reload(state);
    const held = this.get(state.unit);
    return read.ok ? ok(held === undefined || held === state) : read;
  }

  async #write(state: UnitState): Promise<Result<'written' | 'stale'>> {
    const held = this.#held.get(state.unit);
    const { manifests, parts } = encodeUnitState(state, held?.resourceVersion, held?.parts);
    const [head, ...shards] = manifests;
    for (const shard of shards) {
      // A shard is named by its content: one that is there already is the same one.
      if (held?.shards.includes(shard.metadata.name) === true && this.#objects.has(placeOf(shard))) continue;
      const created = await this.#cluster.create(shard);
      if (!created.ok) return created;
    }
    const written = await this.#writeHead(head, held);
    if (!written.ok) return written;
    if (written.value.result === 'stale') return this.#reload(state);
    const value = written.value.value;
    this.#held.set(state.unit, {
      state,
      resourceVersion: String(value.metadata['resourceVersion']),
      shards: shardNames(value),
      // One alone is packed whenever it changes.
      ...(parts.length > 1 ? { parts } : {}),
      heardMs: held?.heardMs ?? -Infinity,
    });
    this.#observer.noted(state);
    await this.#dropShards(held?.shards ?? [], shardNames(value), state.owner.namespace);
    return ok('written');
  }

  #writeHead(head: Manifest, held: Held | undefined): Promise<Result<Written<Manifest>>> {
    return held === undefined ? this.#cluster.create(head) : this.#cluster.replace(head);
  }

  /** What we held was old: read what stands there now, so that the next attempt starts from it. */
  async #reload(state: UnitState): Promise<Result<'stale'>> {
    const ref = unitStateRef(state.owner, state.unit);
    const gone = this.#gone;
    const head = await this.#cluster.read(ref);
    if (!head.ok) return head;
    if (head.value === undefined) {
      if (this.#held.delete(state.unit)) {
        this.#observer.forgotten(state.unit);
        this.#changed(state.unit);
      }
      return ok('stale');
    }
    for (const name of shardNames(head.value)) {
      const shard = await this.#cluster.read({ ...ref, name });
      if (!shard.ok) return shard;
      if (shard.value !== undefined) this.#objects.set(`${ref.namespace}/${name}`, shard.value);
    }
    // The watch may have brought it meanwhile: then it is held already.
    if (this.#isKnown(head.value)) return ok('stale');
    // Some went while it was read, and this may be one of them: nobody would tell of that again.
    if (gone !== this.#gone) return this.#reload(state);
    if (this.#hold(head.value) === undefined) return fail(unreadable(ref));
    // The watch will bring nothing new of it.
    this.#changed(state.unit);
    return ok('stale');
  }

  async #dropShards(before: readonly string[], now: readonly string[], namespace: string): Promise<void> {
    for (const name of before.filter((shard) => !now.includes(shard))) {
      await this.#cluster.delete({ ...unitStateKind, namespace, name });
    }
  }

  #take(manifests: readonly Manifest[]): readonly UnitId[] {
    for (const manifest of manifests) {
      if (manifest['shardOf'] !== undefined) this.#objects.set(placeOf(manifest), manifest);
    }
    const changed: UnitId[] = [];
    for (const head of manifests) {
      if (head['shardOf'] !== undefined) continue;
      this.#objects.set(placeOf(head), { ...head, packed: undefined });
      const writing = this.#meanwhile.get(unitOf(head));
      if (writing !== undefined) {
        writing.heads = [...writing.heads, head];
        continue;
      }
      const unit = this.#hold(head);
      if (unit !== undefined) changed.push(unit);
    }
    return changed;
  }

  /** The Unit whose state this is, if it is newer than what is held. */
  #hold(head: Manifest): UnitId | undefined {
    const namespace = head.metadata.namespace ?? '';
    if (this.#isKnown(head) || !isInItsPlace(head)) return undefined;
    const state = decodeUnitState(head, (name) => this.#objects.get(`${namespace}/${name}`));
    if (state === undefined) return undefined;
    const resourceVersion = String(head.metadata['resourceVersion']);
    const heardMs = this.#clock.monotonic();
    this.#held.set(state.unit, { state, resourceVersion, shards: shardNames(head), heardMs });
    this.#observer.noted(state);
    return state.unit;
  }

  /** Our own writes come back as events: they need no second decoding. */
  #isKnown(head: Manifest): boolean {
    const held = this.#held.get(unitOf(head));
    return (
      held !== undefined && BigInt(held.resourceVersion) >= BigInt(String(head.metadata['resourceVersion']))
    );
  }

  /** The Units whose state is gone with it. */
  #forget(place: string): readonly UnitId[] {
    this.#gone += 1;
    this.#objects.delete(place);
    for (const meanwhile of this.#meanwhile.values())
      if (meanwhile.place === place) Object.assign(meanwhile, { heads: [], isGone: true });
    const units: UnitId[] = [];
    for (const [unit, { state }] of this.#held) {
      const ref = unitStateRef(state.owner, unit);
      if (`${ref.namespace}/${ref.name}` === place && this.#held.delete(unit)) units.push(unit);
    }
    return units;
  }
}

function unitOf(head: Manifest): UnitId {
  return isObject(head['state']) ? String(head['state']['unit']) : '';
}

function placeOf(manifest: Manifest): string {
  const { namespace, name } = refOf(manifest);
  return `${namespace}/${name}`;
}

function unreadable(ref: ObjectRef): Failure {
  return {
    kind: 'terminal',
    code: 'UnitStateUnreadable',
    stage: 'record',
    message: 'its recorded state cannot be read by this version of Trueup',
    hint: 'run the version that wrote it, or delete the UnitState: the Unit then observes and adopts its objects again',
    subject: ref,
  };
}

/**
 * A state is believed only under the name, in the namespace and with the owner that its Unit has: who may write such
 * objects elsewhere could else hand us an inventory, and with it deletes.
 */
function isInItsPlace(head: Manifest): boolean {
  const state = head['state'];
  if (!isObject(state) || !isObject(state['owner'])) return false;
  const unit = String(state['unit']);
  const ref = unitStateRef(state['owner'] as unknown as ObjectRef, unit);
  const owners = head.metadata['ownerReferences'];
  const isOwned =
    Array.isArray(owners) && owners.some((owner) => isObject(owner) && owner['uid'] === ownerUid(unit));
  return isOwned && ref.name === head.metadata.name && ref.namespace === head.metadata.namespace;
}
