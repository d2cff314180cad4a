/** A Plan is immutable and so specific that the executor has no choice left. */
import type { Failure } from './failure.ts';
import type { Digest } from './json.ts';
import type { FieldChange } from './observed.ts';
import type { ObjectRef, Position } from './object.ts';
import type { Propagation, Revision, UnitId } from './unit.ts';

export type Phase = 'pre' | 'sync' | 'post' | 'fail';
export type Precondition = 'absent' | { readonly uid: string; readonly resourceVersion?: string };

export type StepAction =
  /** Server-side apply. `force` lists the fields that are taken from other managers; empty sends no force. */
  | {
      readonly verb: 'create' | 'apply';
      readonly desired: Digest;
      readonly force: readonly string[];
      readonly expect: Precondition;
    }
  /** A guarded JSON patch of metadata, its content named by digest. */
  | { readonly verb: 'patch-metadata'; readonly patch: Digest; readonly expect: Precondition }
  | { readonly verb: 'delete'; readonly expect: Precondition; readonly propagation: Propagation }
  | { readonly verb: 'wait'; readonly until: 'established' | 'absent'; readonly timeoutMs: number };

export type StepReason = 'missing' | 'changed' | 'drifted' | 'adopted' | 'removed' | 'migration' | 'gate';

export interface Step {
  readonly id: string;
  readonly phase: Phase;
  readonly wave: number;
  /** Counts from 0 within a Run's retries; not a part of the plan's digest. */
  readonly attempt: number;
  /** Within a wave: steps of one order run together, after all of the lower orders are done. */
  readonly order: number;
  readonly object: ObjectRef;
  readonly action: StepAction;
  readonly reason: StepReason;
  readonly changes: readonly FieldChange[];
  /** Which manager applies it: the Unit's, or one of its own for shared objects such as namespaces. */
  readonly manager: string;
  /** Whether it enters the Unit's inventory. */
  readonly tracked: boolean;
  readonly at?: Position;
}

export interface Plan {
  readonly digest: Digest;
  readonly unit: UnitId;
  readonly generation: number;
  readonly revisions: readonly Revision[];
  /** The render key of what is wanted. */
  readonly rendered: Digest;
  /** Empty: in sync. */
  readonly steps: readonly Step[];
  /** Non-empty: shown, not run. */
  readonly blocked: readonly Failure[];
  /** How many objects it deletes. */
  readonly pruned: number;
  /** Objects that stay though Git does not have them, and why. */
  readonly kept: readonly { readonly ref: ObjectRef; readonly why: string }[];
  /** Every object that is wanted, with the digest of what is wanted. */
  readonly desired: readonly { readonly ref: ObjectRef; readonly digest: Digest; readonly at?: Position }[];
}
