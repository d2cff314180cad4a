/**
 * What etcd and the watch cache are to a real API server: the objects, one counter of versions, and the last changes
 * for those who watch.
 */
import type { ObjectKeeper } from '#model/ports.ts';
import type { Stored } from './objects.ts';
import type { Resource } from './resources.ts';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';
export interface Change {
  readonly type: ChangeType;
  readonly version: number;
  readonly resource: string;
  /** As it is now; of a deletion, as it was last, with the version of the deletion. */
  readonly object: Stored;
  readonly before: Stored | undefined;
}
export interface Kept {
  readonly resource: string;
  readonly object: Stored;
}
/** What is stored of a kind is stored under its group and plural, whatever version a client speaks. */
export const resourceKey = ({ group, name }: Pick<Resource, 'group' | 'name'>): string => `${group}/${name}`;
export const objectKey = (namespace: string, name: string): string => `${namespace}/${name}`;

/** Changes that a watch can still begin after, for each kind. */
const historyLength = 2_000;

export class Store {
  readonly #keeper: ObjectKeeper;
  readonly #objects = new Map<string, Map<string, Stored>>();
  readonly #history = new Map<string, Change[]>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #dependents = new Map<string, Set<string>>();
  #version: number;

  constructor(keeper: ObjectKeeper) {
    this.#keeper = keeper;
    const { version, objects } = keeper.load();
    this.#version = version;
    for (const kept of objects) {
      const { resource } = kept;
      const object = kept.object as Stored;
      this.#of(resource).set(keyOf(object), object);
      this.#index(resource, object);
    }
    this.#oldest = version;
  }

  /** The version before which nothing is remembered. */
  #oldest: number;

  get version(): number {
    return this.#version;
  }

  get(resource: string, namespace: string, name: string): Stored | undefined {
    return this.#objects.get(resource)?.get(objectKey(namespace, name));
  }

  /** In the order of their keys, as etcd gives them. */
  list(resource: string, namespace?: string): readonly Stored[] {
    const all = this.#objects.get(resource);
    if (all === undefined) return [];
    const prefix = `${namespace ?? ''}/`;
    return [...all.entries()]
      .filter(([key]) => namespace === undefined || key.startsWith(prefix))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  count(resource: string): number {
    return this.#objects.get(resource)?.size ?? 0;
  }

  resources(): readonly string[] {
    return [...this.#objects.keys()].filter((resource) => this.count(resource) > 0);
  }

  /** What names the object with this UID as an owner. */
  dependents(uid: string): readonly Kept[] {
    const found: Kept[] = [];
    for (const at of this.#dependents.get(uid) ?? []) {
      const split = at.indexOf(' ');
      const object = this.#objects.get(at.slice(0, split))?.get(at.slice(split + 1));
      if (object !== undefined) found.push({ resource: at.slice(0, split), object });
    }
    return found;
  }

  /** Stores the object under the next version and returns it with that version. */
  put(resource: string, object: Stored): Stored {
    const objects = this.#of(resource);
    const before = objects.get(keyOf(object));
    const version = this.#next();
    const stored: Stored = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(version) },
    };
    objects.set(keyOf(stored), stored);
    if (before !== undefined) this.#forget(resource, before);
    this.#index(resource, stored);
    this.#keeper.put(resource, keyOf(stored), version, stored);
    this.#tell({
      type: before === undefined ? 'ADDED' : 'MODIFIED',
      version,
      resource,
      object: stored,
      before,
    });
    return stored;
  }

  remove(resource: string, namespace: string, name: string): Stored | undefined {
    const before = this.get(resource, namespace, name);
    if (before === undefined) return undefined;
    const version = this.#next();
    this.#of(resource).delete(keyOf(before));
    this.#forget(resource, before);
    this.#keeper.remove(resource, keyOf(before), version);
    const object: Stored = {
      ...before,
      metadata: { ...before.metadata, resourceVersion: String(version) },
    };
    this.#tell({ type: 'DELETED', version, resource, object, before });
    return object;
  }

  /** The changes after a version; undefined when it is too long ago. */
  since(resource: string, version: number): readonly Change[] | undefined {
    const history = this.#history.get(resource) ?? [];
    const [first] = history;
    const isWhole = history.length < historyLength;
    const reachesBack = first !== undefined && first.version <= version;
    if (version < this.#oldest || (!isWhole && !reachesBack)) return undefined;
    return history.filter((change) => change.version > version);
  }

  /** Called for every change, after it took effect, in order. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #next(): number {
    this.#version += 1;
    return this.#version;
  }

  #of(resource: string): Map<string, Stored> {
    const known = this.#objects.get(resource);
    if (known !== undefined) return known;
    const made = new Map<string, Stored>();
    this.#objects.set(resource, made);
    return made;
  }

  #tell(change: Change): void {
    const history = this.#history.get(change.resource) ?? [];
    history.push(change);
    // In blocks: shifting one by one costs more than it saves.
    if (history.length > 2 * historyLength) history.splice(0, historyLength);
    this.#history.set(change.resource, history);
    for (const listener of this.#listeners) listener(change);
  }

  #index(resource: string, object: Stored): void {
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const known = this.#dependents.get(uid) ?? new Set<string>();
      known.add(`${resource} ${keyOf(object)}`);
      this.#dependents.set(uid, known);
    }
  }

  #forget(resource: string, object: Stored): void {
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const known = this.#dependents.get(uid);
      known?.delete(`${resource} ${keyOf(object)}`);
      if (known?.size === 0) this.#dependents.delete(uid);
    }
  }
}

const keyOf = ({ metadata }: Stored): string => objectKey(metadata.namespace ?? '', metadata.name);

/** Keeps nothing: for tests, simulation and previews. */
export const forgetful: ObjectKeeper = {
  load: () => ({ version: 0, objects: [] }),
  put: () => undefined,
  remove: () => undefined,
};
