/** What is kept for reports long after a Unit's own history has moved on: deployments, and drift with who made it. */
import type { ObjectRef } from './object.ts';
import type { FieldOwner } from './observed.ts';
import type { UnitId } from './unit.ts';

/** A Run that applied what Git says, whatever came of it. Unit, `sinceMs` and `entry` are its identity. */
export interface DeploymentRecord {
  readonly unit: UnitId;
  /** When its UnitState began: one that was deleted counts its entries anew. */
  readonly sinceMs: number;
  /** The number of its history entry. */
  readonly entry: number;
  /** The resource that declares the Unit. */
  readonly owner: ObjectRef;
  readonly atMs: number;
  readonly durationMs: number;
  readonly revisions: readonly { readonly url: string; readonly commit: string; readonly label: string }[];
  readonly by: string;
  readonly automated?: boolean;
  readonly attempt?: number;
  readonly result: 'succeeded' | 'failed';
  readonly message: string;
  readonly applied: number;
  readonly pruned: number;
  /** A rollback: when its commit was seen, and when all was Synced and Healthy after it. */
  readonly revert?: { readonly seenAtMs: number; readonly stableAtMs?: number };
}

export type DriftWriter = Pick<FieldOwner, 'manager' | 'operation' | 'subresource'>;

/** One object that stood otherwise than Git says, from when it was seen until it did not. No values (S14). */
export interface DriftRecord {
  readonly unit: UnitId;
  readonly owner: ObjectRef;
  readonly object: ObjectRef;
  /** With Unit and object its identity. */
  readonly seenAtMs: number;
  /** As far back as managed fields tell, in whole seconds; no later than it was seen. */
  readonly beganAtMs: number;
  /** Empty: what was removed leaves no owner. */
  readonly by: readonly DriftWriter[];
  readonly fields: readonly string[];
  /** The object itself was away. */
  readonly deleted: boolean;
  /** Why it is not healed, where the policy says so. */
  readonly left?: string;
  /** elsewhere: somebody put it back, or Git took it over. forgotten: its Unit is no more. Absent: open. */
  readonly ended?: { readonly atMs: number; readonly how: 'healed' | 'elsewhere' | 'forgotten' };
}

/** How far a Unit's history has been brought into the records. */
export interface RecordMark {
  readonly unit: UnitId;
  readonly sinceMs: number;
  readonly entry: number;
  /** The entry of a rollback that was not stable yet; 0: none. */
  readonly pending: number;
}

/** Written together or not at all. */
export interface RecordChanges {
  readonly mark?: RecordMark;
  readonly deployments: readonly DeploymentRecord[];
  readonly drift: readonly DriftRecord[];
  /** Of a Unit that is no more: its mark goes. */
  readonly forget?: UnitId;
}

export interface RecordQuery {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Only of resources with these; the kind in any case of letters. */
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** From the page before. */
  readonly next?: string;
}
export interface RecordPage<T> {
  readonly items: readonly T[];
  readonly next?: string;
}
