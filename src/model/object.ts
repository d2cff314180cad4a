/** How Kubernetes objects are named. */
import type { Json } from './json.ts';

export interface GroupKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
}
export interface GroupVersionKind extends GroupKind {
  readonly version: string;
}
export interface ObjectKey extends GroupKind {
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
}
export interface ObjectRef extends ObjectKey {
  readonly version: string;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [key: string]: Json | undefined;
}
/** An object as it is written in a file or stands in the cluster. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [key: string]: unknown;
}
/** What the API server adds to the metadata of a live object. */
export interface LiveMetadata extends Metadata {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
}

/** Where an object stands in the source. Lines count from 1. */
export interface Position {
  readonly path: string;
  readonly line?: number;
}

/** Names a Secret or one key of it; never carries its value. */
export interface SecretRef {
  readonly namespace: string;
  readonly name: string;
  readonly key?: string;
}

export function splitApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

export function apiVersionOf(kind: { readonly group: string; readonly version: string }): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}

export function refOf(manifest: Manifest): ObjectRef {
  return {
    ...splitApiVersion(manifest.apiVersion),
    kind: manifest.kind,
    namespace: manifest.metadata.namespace ?? '',
    name: manifest.metadata.name,
  };
}

/** Of two states of one object the larger is the newer; 0 where none is told. */
export function versionOf({ metadata }: Manifest): bigint {
  return BigInt(String(metadata['resourceVersion'] ?? '0'));
}

export type KeyText = string;
/** One text an object, without its version: two versions of one object are one object. */
export function keyText(key: ObjectKey): KeyText {
  return `${key.group}/${key.kind}/${key.namespace}/${key.name}`;
}
/** One text a kind and version. */
export function kindText(kind: GroupVersionKind): string {
  return `${kind.group}/${kind.version}/${kind.kind}`;
}

/** How messages name an object: `Deployment payments/api`, `Namespace payments`. */
export function describe(key: ObjectKey): string {
  return `${key.kind} ${key.namespace === '' ? '' : `${key.namespace}/`}${key.name}`;
}
