/** The API as a component of the cluster uses it: under its own name as field manager, and with the shapes of kinds. */
import { canonicalJson, jsonText } from '#model/json.ts';
import type { Clock } from '#model/ports.ts';
import { parseTimestamp, timestamp } from '#model/time.ts';
import type { Address, Api, DeleteOptions } from '../api.ts';
import type { Stored } from '../objects.ts';
import type { Registry } from '../registry.ts';
import type { Resource, Subresource } from '../resources.ts';
import { StatusError } from '../status.ts';
import { objectKey, type Change, type Store } from '../store.ts';
import type { KindOf } from './kinds.ts';

export interface ClientParts {
  readonly api: Api;
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: Clock;
}

export class Client {
  readonly #parts: ClientParts;
  readonly #manager: string;

  constructor(parts: ClientParts, manager: string) {
    this.#parts = parts;
    this.#manager = manager;
  }

  get store(): Store {
    return this.#parts.store;
  }
  get api(): Api {
    return this.#parts.api;
  }
  get clock(): Clock {
    return this.#parts.clock;
  }
  /** The time as objects have it. */
  get now(): string {
    return timestamp(this.#parts.clock.now());
  }

  /** Milliseconds until so long after a moment; not positive once it is past. */
  untilMs(moment: string | undefined, afterSeconds: number): number {
    return (parseTimestamp(moment) ?? 0) + afterSeconds * 1000 - this.#parts.clock.now();
  }

  resource(key: string): Resource | undefined {
    return this.#parts.registry.ofKey(key);
  }

  get<T extends Stored>({ key }: KindOf<T>, namespace: string, name: string): T | undefined {
    return this.#parts.store.get(key, namespace, name) as T | undefined;
  }

  /** What a key of a queue names. */
  at<T extends Stored>(kind: KindOf<T>, key: string): T | undefined {
    const { namespace, name } = named(key);
    return this.get(kind, namespace, name);
  }

  list<T extends Stored>({ key }: KindOf<T>, namespace?: string): readonly T[] {
    return this.#parts.store.list(key, namespace) as readonly T[];
  }

  create<T extends Stored>(kind: KindOf<T>, namespace: string, body: object): T {
    const { apiVersion, kind: name } = kind;
    const text = jsonText({ apiVersion, kind: name, ...body });
    const resource = this.#of(kind.key);
    return this.#parts.api.create(resource, namespace, text, { manager: this.#manager }).object as T;
  }

  /** Creates it unless it is there. */
  ensure<T extends Stored>(kind: KindOf<T>, namespace: string, name: string, body: object): void {
    if (this.get(kind, namespace, name) !== undefined) return;
    this.create(kind, namespace, { metadata: { name }, ...body });
  }

  /** A JSON merge patch. */
  patch<T extends Stored>(kind: KindOf<T>, object: T, patch: object, subresource?: Subresource): T {
    return this.patchAt(kind.key, object, patch, subresource) as T;
  }

  patchAt(key: string, object: Stored, patch: object, subresource?: Subresource): Stored {
    const options = { manager: this.#manager, ...(subresource === undefined ? {} : { subresource }) };
    return this.#parts.api.change(this.#address(key, object), 'merge', jsonText(patch), options).object;
  }

  /** Writes the status unless it is the stored one already. */
  setStatus<T extends Stored>(kind: KindOf<T>, object: T, status: object): T {
    const stored = this.get(kind, object.metadata.namespace ?? '', object.metadata.name);
    const sameNotes = stored?.metadata.annotations === object.metadata.annotations;
    if (sameNotes && canonicalJson(stored?.['status'] ?? {}) === canonicalJson(status)) return object;
    const text = jsonText({ ...object, status });
    const options = { manager: this.#manager, subresource: 'status' } as const;
    return this.#parts.api.change(this.#address(kind.key, object), 'update', text, options).object as T;
  }

  /** Through the scale subresource. */
  scale<T extends Stored>({ key }: KindOf<T>, object: T, replicas: number): void {
    this.#parts.api.scale(this.#address(key, object), replicas, {
      manager: this.#manager,
      subresource: 'scale',
    });
  }

  delete(key: string, object: Stored, options: DeleteOptions = {}): void {
    try {
      this.#parts.api.delete(this.#address(key, object), { uid: object.metadata.uid, ...options });
    } catch (error) {
      if (!(error instanceof StatusError) || error.status.code !== 404) throw error;
    }
  }

  #of(key: string): Resource {
    const found = this.#parts.registry.ofKey(key);
    if (found === undefined) throw new Error(`the kind ${key} is not served`);
    return found;
  }

  #address(key: string, { metadata }: Stored): Address {
    return { resource: this.#of(key), namespace: metadata.namespace ?? '', name: metadata.name };
  }
}

export const keyOf = ({ metadata }: Stored): string => objectKey(metadata.namespace ?? '', metadata.name);

export function named(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** For controllers that look at what changed itself. */
export const itself =
  (kind: KindOf<Stored>) =>
  ({ resource, object }: Change): readonly string[] =>
    resource === kind.key ? [keyOf(object)] : [];

export const isDeleting = ({ metadata }: Stored): boolean => metadata.deletionTimestamp !== undefined;
