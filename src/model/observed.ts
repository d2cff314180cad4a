/** What the cluster says, as plain values handed to the planner. */
import type { Digest, Json } from './json.ts';
import type { GroupVersionKind, ObjectRef } from './object.ts';

export interface ApiResource extends GroupVersionKind {
  readonly plural: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

export type Health = 'Healthy' | 'Suspended' | 'Progressing' | 'Missing' | 'Degraded' | 'Unknown';
export interface ObjectHealth {
  readonly status: Health;
  /** Why it is not Healthy, or what a check of the installation says: one sentence. */
  readonly message?: string;
  /** False: it says nothing about what the object is a part of. */
  readonly counts?: false;
}

/** The fields that one manager owns through Apply: path text → value, secret leaves sealed. Paths are sorted. */
export type FieldValues = Readonly<Record<string, Json>>;

/** Who wrote a field, as managedFields records it: a tool, not a person. */
export interface FieldOwner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource?: string;
  readonly atMs: number;
}
export interface FieldChange {
  /** `.spec.template.spec.containers[name="web"].image` */
  readonly path: string;
  readonly before?: Json;
  readonly after?: Json;
  readonly secret?: true;
  /** Who made it what it is; 'unknown' when the field was removed, which leaves no owner. */
  readonly owner?: FieldOwner | 'unknown';
}

/** A live object, without its body. */
export interface ObservedObject {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly resourceVersion: string;
  /** The tracking annotations and labels found on it, by key: never trusted alone (F26). */
  readonly tracking: Readonly<Record<string, string>>;
  /** Of the live values on the fields that our manager owns; absent when it owns none. */
  readonly projection?: Digest;
  /** Another controller's Update entries own fields of ours too: a removal would not take before they are migrated. */
  readonly legacy: boolean;
  readonly deletingSinceMs?: number;
  readonly finalizers: readonly string[];
  readonly health: ObjectHealth;
}

/** The answer for one object: there, not there, or not known (its kind could not be listed). */
export type Sighting =
  | { readonly state: 'present'; readonly object: ObservedObject }
  | { readonly state: 'absent' }
  | {
      readonly state: 'unknown';
      readonly why: string;
      /** Its kind is not served at all: what the watch would tell is that nothing of it is left. */
      readonly notServed?: true;
    };

export interface InventoryEntry {
  readonly ref: ObjectRef;
  /** Absent while a create was attempted and not answered. */
  readonly uid?: string;
  /** Of the manifest that was applied last. */
  readonly desired?: Digest;
  /** As in the response to our last apply. */
  readonly projection?: Digest;
  /** kept: it came with a takeover and Git did not have it; only a person's demand deletes it. */
  readonly state: 'attempted' | 'applied' | 'deleting' | 'kept';
  /** Its creation, or an attempt at it before, was given up without an answer, and may still be carried out. */
  readonly unanswered?: true;
}
