/**
 * The verbs of the API on stored objects, for the HTTP edge and the cluster's own controllers alike. Everything is
 * synchronous: a request is done before the next begins, so that a run can be replayed.
 */
import { parse as parseYaml } from 'yaml';
import { isObject, parseJson, type JsonObject } from '#model/json.ts';
import type { Clock } from '#model/ports.ts';
import { timestamp } from '#model/time.ts';
import type { Allocator } from './allocator.ts';
import type { Machinery, WriteRequest, WriteResult, WriteVerb } from './machinery.ts';
import { valueAt, withMetadata, type Stored } from './objects.ts';
import type { Registry } from './registry.ts';
import { definitionsName, type Resource, type Subresource } from './resources.ts';
import {
  alreadyExists,
  conflict,
  invalid,
  notFound,
  qualified,
  refused,
  StatusError,
  type Status,
} from './status.ts';
import { resourceKey, type Store } from './store.ts';

export interface Address {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
}
export interface WriteOptions {
  readonly manager: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly subresource?: Subresource;
  /** Strict, Warn (the default) or Ignore. */
  readonly fieldValidation?: string;
}
export interface Written {
  readonly object: Stored;
  readonly created: boolean;
  readonly warnings: readonly string[];
}
export type Propagation = 'Background' | 'Foreground' | 'Orphan';
export interface DeleteOptions {
  readonly propagation?: Propagation;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly gracePeriodSeconds?: number;
  readonly dryRun?: boolean;
}
/** What is left of a deleted object: itself while something holds it, else word that it is gone. */
export type Deleted = { readonly left: Stored } | { readonly gone: Status };

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';
/** Holds a definition until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';
const namespaces = { group: '', name: 'namespaces' };
/** A cluster is none without them. */
const namespacesKept = new Set(['default', 'kube-public', 'kube-system']);
/** How often a name is made up before the request is told that it is taken. */
const namesTried = 8;

export interface ApiParts {
  readonly store: Store;
  readonly registry: Registry;
  readonly machinery: Machinery;
  readonly allocator: Allocator;
  readonly clock: Clock;
}

export class Api {
  readonly #parts: ApiParts;

  constructor(parts: ApiParts) {
    this.#parts = parts;
  }

  get({ resource, namespace, name }: Address): Stored {
    const found = this.find({ resource, namespace, name });
    if (found === undefined) throw notFound(resource, name);
    return found;
  }

  find({ resource, namespace, name }: Address): Stored | undefined {
    const found = this.#parts.store.get(resourceKey(resource), namespace, name);
    return found === undefined ? undefined : inVersion(found, resource);
  }

  list(resource: Resource, namespace?: string): readonly Stored[] {
    const found = this.#parts.store.list(resourceKey(resource), namespace);
    return resource.custom ? found.map((object) => inVersion(object, resource)) : found;
  }

  create(resource: Resource, namespace: string, body: string, options: WriteOptions): Written {
    this.#checkNamespace(resource, namespace, () => metadataIn(body)['name']);
    // Most bodies never say this word, and are read once only.
    if (body.includes('"resourceVersion"') && (metadataIn(body)['resourceVersion'] ?? '') !== '')
      throw refused(500, 'InternalError', 'resourceVersion should not be set on objects to be created');
    const address = { resource, namespace, name: '' };
    const isNameMadeUp = body.includes('"generateName"') && (metadataIn(body)['name'] ?? '') === '';
    for (let left = isNameMadeUp ? namesTried : 1; ; left -= 1) {
      try {
        return this.#write(address, 'create', body, undefined, options);
      } catch (error) {
        const isTaken = error instanceof StatusError && error.status.reason === 'AlreadyExists';
        if (!isTaken || left <= 1) throw error;
      }
    }
  }

  /** PUT and the four kinds of PATCH; an apply of what is not there creates it. */
  change(address: Address, verb: Exclude<WriteVerb, 'create'>, body: string, options: WriteOptions): Written {
    const live = this.find(address);
    if (live === undefined) {
      if (options.subresource !== undefined) throw notFound(address.resource, address.name);
      if (verb === 'apply') this.#checkApplied(address, body);
    } else if (verb === 'update' && isVersioned(address.resource)) checkVersioned(address, body);
    return this.#write(address, verb, body, live, options);
  }

  scale(address: Address, replicas: number, options: WriteOptions): Written {
    const request = this.#request(address, 'merge', '', this.get(address), options);
    const { scaled } = address.resource;
    const path = scaled === undefined ? {} : { replicasPath: scaled.wanted };
    const result = this.#parts.machinery.scale({ ...request, replicas, ...path });
    return this.#store(address.resource, result, options);
  }

  delete(address: Address, options: DeleteOptions): Deleted {
    const { resource, name } = address;
    if (isNamespace(resource) && namespacesKept.has(name))
      throw refused(
        403,
        'Forbidden',
        `namespaces "${name}" is forbidden: this namespace may not be deleted`,
        { name, kind: resource.name },
      );
    const live = this.get(address);
    const { uid, resourceVersion } = options;
    const named = { group: resource.group, name: resource.kind };
    if (uid !== undefined && uid !== live.metadata.uid)
      throw conflict(
        named,
        name,
        `the UID in the precondition (${uid}) does not match the UID in record (${live.metadata.uid}). The object might have been deleted and then recreated`,
      );
    if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion)
      throw conflict(
        named,
        name,
        `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${live.metadata.resourceVersion}). The object might have been modified`,
      );
    const doomed = this.#doomed(live, resource, options);
    if (options.dryRun === true) return doomed === undefined ? ended(resource, live) : { left: doomed };
    if (doomed === undefined) return ended(resource, this.remove(address) ?? live);
    if (doomed === live) return { left: live };
    return { left: this.#parts.store.put(resourceKey(resource), doomed) };
  }

  /** Stores what a controller of the cluster itself decided, past defaults and validation. */
  replaceAsIs(resource: Resource, object: Stored): Stored {
    if (isReleased(object)) {
      this.remove({ resource, namespace: object.metadata.namespace ?? '', name: object.metadata.name });
      return object;
    }
    return this.#parts.store.put(resourceKey(resource), object);
  }

  /** Gives the object as it was last. */
  remove({ resource, namespace, name }: Address): Stored | undefined {
    const last = this.#parts.store.remove(resourceKey(resource), namespace, name);
    if (resource.name === definitionsName) this.#parts.registry.undefine(name);
    return last;
  }

  /** The object as it is to be kept while it is being deleted; undefined when nothing holds it. */
  #doomed(live: Stored, resource: Resource, options: DeleteOptions): Stored | undefined {
    const { metadata } = live;
    const finalizers = new Set(metadata.finalizers);
    finalizers.delete(foregroundFinalizer);
    finalizers.delete(orphanFinalizer);
    if (options.propagation === 'Foreground') finalizers.add(foregroundFinalizer);
    if (options.propagation === 'Orphan') finalizers.add(orphanFinalizer);
    if (options.propagation === undefined) for (const kept of metadata.finalizers ?? []) finalizers.add(kept);
    if (resource.name === definitionsName && metadata.deletionTimestamp === undefined)
      finalizers.add(cleanupFinalizer);
    const graceSeconds = graceOf(live, resource, options);
    const hasContent = isNamespace(resource) && Array.isArray(valueAt(live, ['spec', 'finalizers']));
    if (finalizers.size === 0 && graceSeconds === 0 && !hasContent) return undefined;
    const changed = {
      ...(finalizers.size === 0 ? {} : { finalizers: [...finalizers] }),
      ...(metadata.deletionTimestamp !== undefined &&
      graceSeconds >= (metadata.deletionGracePeriodSeconds ?? 0)
        ? {}
        : {
            deletionTimestamp: timestamp(this.#parts.clock.now() + graceSeconds * 1000),
            deletionGracePeriodSeconds: graceSeconds,
            ...(metadata.generation === undefined ? {} : { generation: metadata.generation + 1 }),
          }),
    };
    const before = new Set(metadata.finalizers);
    const isSame = !('deletionTimestamp' in changed) && finalizers.symmetricDifference(before).size === 0;
    if (isSame) return live;
    const doomed = withMetadata(live, changed);
    return isNamespace(resource)
      ? { ...doomed, status: { ...(live['status'] as object), phase: 'Terminating' } }
      : doomed;
  }

  #request(
    { resource, namespace, name }: Address,
    verb: WriteVerb,
    body: string,
    live: Stored | undefined,
    options: WriteOptions,
  ): WriteRequest {
    return {
      resource,
      subresource: options.subresource ?? '',
      namespace,
      name,
      verb,
      live,
      body,
      manager: options.manager,
      force: options.force ?? false,
      fieldValidation: options.fieldValidation ?? 'Warn',
      allocate: this.#parts.allocator.offer(resource),
    };
  }

  #write(
    address: Address,
    verb: WriteVerb,
    body: string,
    live: Stored | undefined,
    options: WriteOptions,
  ): Written {
    const result = this.#parts.machinery.write(this.#request(address, verb, body, live, options));
    return this.#store(address.resource, result, options);
  }

  #store(resource: Resource, result: WriteResult, options: WriteOptions): Written {
    const { created, unchanged, warnings = [] } = result;
    const { name, namespace = '' } = result.object.metadata;
    const key = resourceKey(resource);
    const live = this.#parts.store.get(key, namespace, name);
    if (created && live !== undefined)
      throw alreadyExists(resource, name, live.metadata.deletionTimestamp !== undefined, warnings);
    // A PUT may create too.
    if (created) this.#checkNamespace(resource, namespace, () => name);
    if (unchanged && live !== undefined)
      return { object: inVersion(live, resource), created: false, warnings };
    if (options.dryRun === true) return { object: result.object, created, warnings };
    if (isReleased(result.object)) {
      this.remove({ resource, namespace, name });
      return { object: result.object, created: false, warnings };
    }
    // First: what cannot be defined must not be found at the next start.
    if (resource.name === definitionsName) this.#parts.registry.define(result.object);
    const object = this.#parts.store.put(
      key,
      inVersion(result.object, this.#parts.registry.ofKey(key) ?? resource),
    );
    return { object: inVersion(object, resource), created, warnings };
  }

  #checkNamespace(resource: Resource, namespace: string, nameOf: () => unknown): void {
    if (!resource.namespaced) return;
    const found = this.#parts.store.get(resourceKey(namespaces), '', namespace);
    if (found === undefined) throw notFound(namespaces, namespace);
    if (found.metadata.deletionTimestamp === undefined) return;
    const given = nameOf();
    const name = typeof given === 'string' ? given : '';
    const details: JsonObject = {
      ...(name === '' ? {} : { name }),
      ...(resource.group === '' ? {} : { group: resource.group }),
      kind: resource.name,
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    };
    throw refused(
      403,
      'Forbidden',
      `${qualified(resource)} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
      details,
    );
  }

  /** Of an apply that creates. A UID in it names an object that is there no more. */
  #checkApplied({ resource, namespace, name }: Address, body: string): void {
    const uid = body.includes('uid') ? (metadataIn(body)['uid'] ?? '') : '';
    if (uid !== '')
      throw conflict(
        resource,
        name,
        `uid mismatch: the provided object specified uid ${String(uid)}, and no existing object was found`,
      );
    this.#checkNamespace(resource, namespace, () => name);
  }
}

const isNamespace = ({ group, name }: Resource): boolean => group === '' && name === namespaces.name;

/** Of an object as it was sent, in JSON or YAML; empty where it cannot be read: that is said where it is decoded. */
function metadataIn(body: string): Readonly<Record<string, unknown>> {
  try {
    const isJson = body.trimStart().startsWith('{');
    const read = isJson ? parseJson(body) : parseYaml(body, { logLevel: 'silent' });
    const found = valueAt(read, ['metadata']);
    return isObject(found) ? found : {};
  } catch {
    return {};
  }
}

/** Built-in kinds that are never replaced blindly; no custom one is. */
const versioned = new Set([
  'apiextensions.k8s.io/customresourcedefinitions',
  'coordination.k8s.io/leases',
  'policy/poddisruptionbudgets',
]);
const isVersioned = (resource: Resource): boolean => resource.custom || versioned.has(resourceKey(resource));

function checkVersioned({ resource, name }: Address, body: string): void {
  const version = metadataIn(body)['resourceVersion'] ?? '';
  if (version !== '' && version !== '0') return;
  throw invalid(resource, qualified(resource), name, [
    {
      field: 'metadata.resourceVersion',
      reason: 'FieldValueInvalid',
      message: 'Invalid value: 0: must be specified for an update',
    },
  ]);
}

/** Custom kinds of several versions are converted as `strategy: None` says: by their apiVersion alone. */
export function inVersion(object: Stored, { custom, group, version }: Resource): Stored {
  const apiVersion = `${group}/${version}`;
  return custom && object.apiVersion !== apiVersion ? { ...object, apiVersion } : object;
}

/** Its deletion was asked for, and nothing holds it any more. */
function isReleased(object: Stored): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  const holders = valueAt(object, ['spec', 'finalizers']);
  const holdsContent = object.kind === 'Namespace' && Array.isArray(holders) && holders.length > 0;
  return (
    deletionTimestamp !== undefined &&
    (finalizers ?? []).length === 0 &&
    (deletionGracePeriodSeconds ?? 0) === 0 &&
    !holdsContent
  );
}

/** Only pods are given time, as their own period or the request says, and only once they run somewhere. */
function graceOf(live: Stored, resource: Resource, { gracePeriodSeconds }: DeleteOptions): number {
  if (resource.group !== '' || resource.name !== 'pods') return 0;
  const phase = valueAt(live, ['status', 'phase']);
  if (valueAt(live, ['spec', 'nodeName']) === undefined || phase === 'Failed' || phase === 'Succeeded')
    return 0;
  const own = valueAt(live, ['spec', 'terminationGracePeriodSeconds']);
  const asked = gracePeriodSeconds ?? (typeof own === 'number' ? own : 0);
  return asked < 0 ? 1 : asked;
}

/** Kinds whose last state is the answer to their deletion. */
const lastStateShown = new Set([
  'namespaces',
  'persistentvolumeclaims',
  'persistentvolumes',
  'pods',
  'resourcequotas',
  'serviceaccounts',
  'services',
  'storageclasses',
]);

function ended({ group, name: kind, custom }: Resource, object: Stored): Deleted {
  const { name, uid } = object.metadata;
  if (!custom && lastStateShown.has(kind)) return { left: object };
  const details = { name, ...(group === '' ? {} : { group }), kind, uid };
  return { gone: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
}
