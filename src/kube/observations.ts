/**
 * The kinds that are observed compactly: a store and a reflector each. Answers what is known of objects, waiting
 * until their kinds are listed; what cannot be known is 'unknown' with the reason, never absent (F19).
 */
import type { Failure, Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import type { GroupVersionKind, Manifest, ObjectKey, ObjectRef } from '#model/object.ts';
import { apiVersionOf, keyText, kindText } from '#model/object.ts';
import type { Sighting } from '#model/observed.ts';
import type { Lens, ObjectChange } from '#model/ports.ts';
import type { Discovery } from './discovery.ts';
import { collectionPath, notServed, resourceName } from './discovery.ts';
import type { Collection, ReflectorState } from './collection.ts';
import type { NewKinds } from './new-kinds.ts';
import type { ReflectorOptions, ReflectorPorts } from './reflector.ts';
import { Reflector } from './reflector.ts';
import { KindStore } from './store.ts';
import type { Transport } from './transport.ts';

export interface ObservationOptions {
  readonly reflector: Partial<ReflectorOptions>;
  /** A kind whose watch could not be resumed for so long is no longer known. */
  readonly staleAfterMs: number;
}

/** A kind that was refused is asked for again, when somebody needs it, at most this often. */
const REFUSAL_RECHECK_MS = 1_000;

interface Observation {
  readonly kind: GroupVersionKind;
  readonly store: KindStore;
  readonly reflector: Reflector;
  state: ReflectorState;
  listed: boolean;
  /** When the list that stands was begun, on the monotonic clock. */
  listedMs: number;
  /** When it was asked to list anew. */
  relistMs: number;
  readonly waiters: Set<() => void>;
}

export class Observations {
  readonly #transport: Transport;
  readonly #discovery: Discovery;
  readonly #ports: ReflectorPorts;
  readonly #lens: Lens;
  readonly #options: ObservationOptions;
  readonly #newKinds: NewKinds;
  /** Of kinds that nobody looks at any more: until when the server wants to be left alone with them (F4). */
  readonly #notBeforeMs = new Map<string, number>();
  readonly #byKind = new Map<string, Observation>();
  readonly #listeners: ((changes: readonly ObjectChange[]) => void)[] = [];
  #pending = new Map<string, ObjectChange>();

  constructor(
    transport: Transport,
    discovery: Discovery,
    ports: ReflectorPorts,
    lens: Lens,
    options: ObservationOptions,
    newKinds: NewKinds,
  ) {
    this.#transport = transport;
    this.#discovery = discovery;
    this.#ports = ports;
    this.#lens = lens;
    this.#options = options;
    this.#newKinds = newKinds;
    lens.onOther?.((concerns) => {
      for (const { kind, store, reflector } of this.#byKind.values())
        if (concerns(kind) && !store.lookAgain()) reflector.relist();
    });
  }

  observe(kinds: readonly GroupVersionKind[]): void {
    const wanted = new Set(kinds.map(kindText));
    for (const [text, observation] of this.#byKind) {
      if (!wanted.has(text)) this.#drop(text, observation);
    }
    for (const kind of kinds) this.#observation(kind);
  }

  onChange(listener: (changes: readonly ObjectChange[]) => void): void {
    this.#listeners.push(listener);
  }

  async sightings(
    refs: readonly ObjectRef[],
    deadlineMs: number,
    sinceMs = -Infinity,
  ): Promise<readonly Sighting[]> {
    const kinds = new Map<string, GroupVersionKind>();
    for (const ref of refs) kinds.set(kindText(ref), ref);
    const observations = new Map([...kinds].map(([text, kind]) => [text, this.#observation(kind)]));
    const expired = this.#deadline(deadlineMs);
    await Promise.all(
      [...observations].map(([text, observation]) => {
        const wanted = refs.filter((ref) => kindText(ref) === text);
        return this.#settled(observation, wanted, expired, sinceMs);
      }),
    );
    expired.cancel();
    return refs.map((ref) => {
      const observation = observations.get(kindText(ref));
      return observation === undefined
        ? { state: 'unknown', why: 'it is not observed' }
        : this.#sighting(observation, ref, sinceMs);
    });
  }

  /** What the store has: the body, 'absent', or undefined where it cannot say. */
  body(ref: ObjectRef): Manifest | 'absent' | undefined {
    const observation = this.#byKind.get(kindText(ref));
    if (observation === undefined || this.#doubt(observation) !== undefined) return undefined;
    if (observation.store.isBehind(ref)) return undefined;
    if (observation.store.get(ref) === undefined) return 'absent';
    return observation.store.body(ref);
  }

  /** Whether the object is there, as far as we know; undefined where we cannot say. */
  present(ref: ObjectRef): boolean | undefined {
    const observation = this.#byKind.get(kindText(ref));
    if (observation === undefined || !observation.listed) return undefined;
    return observation.store.get(ref) !== undefined;
  }

  /** Takes in what a write of ours returned. Where the kind is observed in another version, its watch has to tell. */
  merge(ref: ObjectRef, manifest: Manifest): void {
    for (const { kind, store } of this.#byKind.values()) {
      if (kind.group !== ref.group || kind.kind !== ref.kind) continue;
      if (kind.version === ref.version) store.merge(manifest);
      else store.expect(manifest);
    }
  }

  deleted(ref: ObjectKey, uid: string): void {
    for (const observation of this.#byKind.values()) {
      if (observation.kind.group === ref.group && observation.kind.kind === ref.kind)
        observation.store.deleted(ref, uid);
    }
  }

  /** Discovery found new kinds: those that were missed are listed at once. */
  rediscovered(came: (kind: GroupVersionKind) => boolean): void {
    for (const { state, kind, reflector } of this.#byKind.values()) {
      if (state.phase === 'failing' && state.failure.code === 'KindNotServed' && came(kind)) reflector.came();
    }
  }

  close(): void {
    for (const [text, observation] of this.#byKind) this.#drop(text, observation);
  }

  #observation(kind: GroupVersionKind): Observation {
    const text = kindText(kind);
    const known = this.#byKind.get(text);
    if (known !== undefined) return known;
    const observation = this.#start({ group: kind.group, version: kind.version, kind: kind.kind });
    this.#byKind.set(text, observation);
    observation.reflector.start((this.#notBeforeMs.get(text) ?? 0) - this.#ports.clock.monotonic());
    this.#notBeforeMs.delete(text);
    return observation;
  }

  #start(kind: GroupVersionKind): Observation {
    const store = new KindStore(kind, this.#lens, (changes) => this.#changed(changes));
    const reflector = new Reflector(
      this.#transport,
      this.#ports,
      this.#options.reflector,
      () => this.#collection(kind),
      {
        begin: () => {
          const listing = store.beginListing();
          const begunMs = this.#ports.clock.monotonic();
          return {
            page: listing.page,
            commit: (resourceVersion) => {
              listing.commit(resourceVersion);
              observation.listed = true;
              observation.listedMs = begunMs;
              for (const waiter of observation.waiters) waiter();
            },
          };
        },
        events: (events, resourceVersion) => {
          for (const event of events) {
            if (event.type === 'set') store.set(event.manifest);
            else store.gone(event.manifest);
          }
          store.reached(resourceVersion);
          for (const waiter of observation.waiters) waiter();
        },
        state: (state) => {
          observation.state = state;
          if (state.phase === 'failing' && state.failure.code === 'KindNotServed') this.#newKinds.wanted();
          for (const waiter of observation.waiters) waiter();
        },
      },
    );
    const observation: Observation = {
      kind,
      store,
      reflector,
      state: { phase: 'starting' },
      listed: false,
      listedMs: -Infinity,
      relistMs: -Infinity,
      waiters: new Set(),
    };
    return observation;
  }

  async #collection(kind: GroupVersionKind): Promise<Result<Collection>> {
    const served = await this.#discovery.locate(kind);
    if (!served.ok) return served;
    if (!served.value.verbs.includes('list') || !served.value.verbs.includes('watch')) {
      return fail({
        ...notServed(kind),
        kind: 'terminal',
        code: 'KindNotListable',
        message: `the cluster cannot list ${kind.kind}`,
      });
    }
    return ok({
      resource: resourceName(served.value),
      path: collectionPath(served.value),
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
    });
  }

  #drop(text: string, observation: Observation): void {
    const { notBeforeMs } = observation.reflector;
    if (notBeforeMs > this.#ports.clock.monotonic()) this.#notBeforeMs.set(text, notBeforeMs);
    observation.reflector.stop();
    this.#byKind.delete(text);
    for (const waiter of observation.waiters) waiter();
  }

  /** Resolves when the kind is listed and our own writes are seen, or it is surely refused, or the deadline passed. */
  #settled(
    observation: Observation,
    refs: readonly ObjectRef[],
    expired: Deadline,
    sinceMs: number,
  ): Promise<void> {
    const known = (): boolean =>
      this.#doubt(observation) === undefined &&
      observation.listedMs >= sinceMs &&
      !refs.some((ref) => observation.store.isBehind(ref));
    if (known()) return Promise.resolve();
    if (observation.listedMs < sinceMs && observation.relistMs < sinceMs) {
      observation.relistMs = this.#ports.clock.monotonic();
      observation.reflector.relist();
    }
    const outdated = this.#outdatedRefusal(observation);
    if (outdated !== undefined) observation.reflector.poke();
    return new Promise((resolve) => {
      const check = (): void => {
        const { state } = observation;
        const refused = state.phase === 'failing' && state.refused && state !== outdated;
        const dropped = this.#byKind.get(kindText(observation.kind)) !== observation;
        if (!known() && !refused && !expired.passed && !dropped) return;
        observation.waiters.delete(check);
        expired.waiters.delete(check);
        resolve();
      };
      observation.waiters.add(check);
      expired.waiters.add(check);
      check();
    });
  }

  /** A refusal of some time ago: a CRD or a role may have come since, so that one more attempt is worth it, now. */
  #outdatedRefusal({ state }: Observation): ReflectorState | undefined {
    if (state.phase !== 'failing' || !state.refused) return undefined;
    return this.#ports.clock.monotonic() - state.triedMs >= REFUSAL_RECHECK_MS ? state : undefined;
  }

  #sighting(observation: Observation, ref: ObjectRef, sinceMs: number): Sighting {
    const why = this.#doubt(observation);
    if (why !== undefined)
      return { state: 'unknown', why, ...(isNotServed(observation) ? { notServed: true } : {}) };
    if (observation.listedMs < sinceMs)
      return {
        state: 'unknown',
        why: `${ref.kind} is listed anew, because another replica wrote here before`,
      };
    if (observation.store.isBehind(ref))
      return { state: 'unknown', why: 'the watch has not yet told of our own last write' };
    const object = observation.store.get(ref);
    return object === undefined ? { state: 'absent' } : { state: 'present', object };
  }

  /** Why nothing can be said of objects of this kind; undefined when it can. */
  #doubt(observation: Observation): string | undefined {
    const { state, listed, kind } = observation;
    if (state.phase !== 'failing') return listed ? undefined : `${kind.kind} is not listed yet`;
    if (
      listed &&
      !state.refused &&
      this.#ports.clock.monotonic() - state.sinceMs < this.#options.staleAfterMs
    )
      return undefined;
    return sentenceOf(state.failure);
  }

  #deadline(deadlineMs: number): Deadline {
    const deadline: Deadline = { passed: false, waiters: new Set(), cancel: () => undefined };
    deadline.cancel = this.#ports.timers.after(deadlineMs, () => {
      deadline.passed = true;
      for (const waiter of deadline.waiters) waiter();
    });
    return deadline;
  }

  /** Changes of one turn go out together, the last of each object only. */
  #changed(changes: readonly ObjectChange[]): void {
    if (this.#pending.size === 0) queueMicrotask(() => this.#flush());
    for (const change of changes) {
      // Per version: an object that is observed in two versions has a projection in each.
      const text = `${change.ref.version}/${keyText(change.ref)}`;
      this.#pending.set(text, change);
    }
  }

  #flush(): void {
    const changes = [...this.#pending.values()];
    this.#pending = new Map();
    for (const listener of this.#listeners) listener(changes);
  }
}

interface Deadline {
  passed: boolean;
  readonly waiters: Set<() => void>;
  cancel: () => void;
}

function isNotServed({ state }: Observation): boolean {
  return state.phase === 'failing' && state.failure.code === 'KindNotServed';
}

function sentenceOf(failure: Failure): string {
  return failure.hint === '' ? failure.message : `${failure.message} (${failure.hint})`;
}
