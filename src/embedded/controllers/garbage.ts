/** Deletes what has lost its owners, and carries out how an owner's deletion was asked for: foreground or orphan. */
import { foregroundFinalizer, orphanFinalizer } from '../api.ts';
import type { OwnerReference, Stored } from '../objects.ts';
import type { Registry } from '../registry.ts';
import type { Change, Kept } from '../store.ts';
import { isDeleting, keyOf, named, type Client } from './client.ts';
import type { Controller } from './runner.ts';

const has = ({ metadata }: Stored, finalizer: string): boolean =>
  isDeleting({ metadata } as Stored) && metadata.finalizers?.includes(finalizer) === true;
const waits = (object: Stored): boolean => has(object, foregroundFinalizer);
const keyFor = (resource: string, object: Stored): string => `${resource} ${keyOf(object)}`;

export class Garbage implements Controller {
  readonly name = 'garbage';
  readonly #client: Client;
  readonly #registry: Registry;

  constructor(client: Client, registry: Registry) {
    this.#client = client;
    this.#registry = registry;
  }

  concerns({ type, resource, object, before }: Change): readonly string[] {
    const keys: string[] = [];
    const { uid, ownerReferences = [] } = object.metadata;
    const isHeld = waits(object) || has(object, orphanFinalizer);
    if (type !== 'DELETED' && (ownerReferences.length > 0 || isHeld)) keys.push(keyFor(resource, object));
    if (type === 'DELETED' || isHeld)
      for (const dependent of this.#client.store.dependents(uid))
        keys.push(keyFor(dependent.resource, dependent.object));
    // Owners that wait for this one to go, or not to block them any more.
    for (const reference of before?.metadata.ownerReferences ?? ownerReferences) {
      const owner = this.#ownerOf(reference, object);
      if (owner !== undefined && owner !== 'unknown' && waits(owner.object))
        keys.push(keyFor(owner.resource, owner.object));
    }
    return keys;
  }

  sync(key: string): void {
    const space = key.indexOf(' ');
    const resource = key.slice(0, space);
    const { namespace, name } = named(key.slice(space + 1));
    const object = this.#client.store.get(resource, namespace, name);
    if (object === undefined || this.#client.resource(resource) === undefined) return;
    if (has(object, orphanFinalizer)) this.#orphan(resource, object);
    else if (waits(object)) this.#finish(resource, object);
    else if (!isDeleting(object)) this.#collect(resource, object);
  }

  #orphan(resource: string, owner: Stored): void {
    for (const { resource: kind, object } of this.#client.store.dependents(owner.metadata.uid))
      this.#disown(kind, object, new Set([owner.metadata.uid]));
    this.#drop(resource, owner, orphanFinalizer);
  }

  /** Its dependents are deleted by themselves, as they see it wait; it goes after those that block it. */
  #finish(resource: string, owner: Stored): void {
    const { uid } = owner.metadata;
    const blocks = ({ object }: Kept): boolean =>
      object.metadata.ownerReferences?.some(
        (each) => each.uid === uid && each.blockOwnerDeletion === true,
      ) === true;
    if (!this.#client.store.dependents(uid).some(blocks)) this.#drop(resource, owner, foregroundFinalizer);
  }

  #collect(resource: string, object: Stored): void {
    const references = object.metadata.ownerReferences ?? [];
    const solid: OwnerReference[] = [];
    const waiting: OwnerReference[] = [];
    const absent: OwnerReference[] = [];
    for (const reference of references) {
      const owner = this.#ownerOf(reference, object);
      if (owner === undefined) absent.push(reference);
      // Where the kind is not served nobody knows whether the owner lives.
      else if (owner === 'unknown' || !waits(owner.object)) solid.push(reference);
      else if (reference.blockOwnerDeletion === true) waiting.push(reference);
      else absent.push(reference);
    }
    const done = [...waiting, ...absent];
    if (done.length === 0) return;
    if (solid.length > 0) {
      this.#disown(resource, object, new Set(done.map(({ uid }) => uid)));
      return;
    }
    const hasDependents = this.#client.store.dependents(object.metadata.uid).length > 0;
    const propagation = waiting.length > 0 && hasDependents ? 'Foreground' : 'Background';
    this.#client.delete(resource, object, { propagation });
  }

  #ownerOf(reference: OwnerReference, dependent: Stored): Kept | 'unknown' | undefined {
    const slash = reference.apiVersion.indexOf('/');
    const group = slash === -1 ? '' : reference.apiVersion.slice(0, slash);
    const resource = this.#registry.ofKind(group, reference.kind);
    if (resource === undefined) return 'unknown';
    const key = `${resource.group}/${resource.name}`;
    const namespace = resource.namespaced ? (dependent.metadata.namespace ?? '') : '';
    const object = this.#client.store.get(key, namespace, reference.name);
    return object?.metadata.uid === reference.uid ? { resource: key, object } : undefined;
  }

  #disown(resource: string, object: Stored, owners: ReadonlySet<string>): void {
    const left = (object.metadata.ownerReferences ?? []).filter(({ uid }) => !owners.has(uid));
    this.#client.patchAt(resource, object, {
      metadata: { ownerReferences: left.length === 0 ? null : left },
    });
  }

  #drop(resource: string, object: Stored, finalizer: string): void {
    const left = (object.metadata.finalizers ?? []).filter((each) => each !== finalizer);
    this.#client.patchAt(resource, object, { metadata: { finalizers: left.length === 0 ? null : left } });
  }
}
