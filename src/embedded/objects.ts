/** Objects as they are stored: with a UID, a version and a time of creation. */
import type { Json } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';

export type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
};
export interface StoredMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly [key: string]: Json | undefined;
}
export interface Stored extends Manifest {
  readonly metadata: StoredMetadata & Manifest['metadata'];
}

export function withMetadata(object: Stored, change: Partial<StoredMetadata>): Stored {
  return { ...object, metadata: { ...object.metadata, ...change } as Stored['metadata'] };
}

export function controllerOf(object: Stored): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** The value at a path of members, where there is one. */
export function valueAt(object: unknown, path: readonly string[]): unknown {
  let value = object;
  for (const member of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[member];
  }
  return value;
}
