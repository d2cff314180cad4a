/** What came of a Run, and what is kept of it. */
import type { Failure } from './failure.ts';
import type { Digest } from './json.ts';
import type {
  FieldChange,
  FieldOwner,
  FieldValues,
  Health,
  InventoryEntry,
  ObjectHealth,
  ObservedObject,
} from './observed.ts';
import type { ObjectRef } from './object.ts';
import type { TracePaths } from './rendered.ts';
import type { Ancestry, Approval, DeletionPhase, Phase, Revision, UnitId } from './unit.ts';

/** A failed precondition is 'stale': the engine observes and plans anew; the executor never adapts. */
export interface StepResult {
  readonly step: string;
  readonly object: ObjectRef;
  readonly result: 'done' | 'stale' | 'failed' | 'skipped' | 'superseded';
  readonly phase?: Phase;
  readonly isHook?: true;
  readonly observed?: ObservedObject;
  readonly values?: FieldValues;
  /** What the API server remarked, for example that a version is deprecated. */
  readonly warnings?: readonly string[];
  readonly failure?: Failure;
  /** Of a dry run: why nothing can be said of it. */
  readonly untried?: string;
}

export interface Outcome {
  readonly plan: Digest;
  readonly result: 'succeeded' | 'stale' | 'failed' | 'superseded';
  readonly steps: readonly StepResult[];
  readonly inventory: readonly InventoryEntry[];
}

export interface HealthReport {
  readonly overall: Health;
  readonly because?: { readonly object: ObjectRef; readonly sentence: string };
  readonly objects: readonly (ObjectHealth & { readonly ref: ObjectRef })[];
}

/** Nobody who waits for it has to wait longer. */
export const isWell = ({ status }: ObjectHealth): boolean => status === 'Healthy' || status === 'Suspended';

/** How many entries of each sort a Unit's history keeps. */
export const historyMax = 20;

/** One line of a Unit's history. */
export type HistoryEntry =
  | {
      readonly kind: 'sync';
      readonly id: number;
      readonly atMs: number;
      readonly durationMs: number;
      readonly revisions: readonly Revision[];
      readonly by: string;
      /** Absent: not known, as before a takeover. */
      readonly automated?: boolean;
      /** Counts from 0 within retries. */
      readonly attempt?: number;
      readonly plan: Digest;
      /** Absent: nobody had to, or did. */
      readonly approved?: Approval;
      readonly result: 'succeeded' | 'failed';
      readonly message: string;
      readonly counts: { readonly applied: number; readonly pruned: number };
      /** Its commit takes an earlier one back: when that was seen, and when all was Synced and Healthy after it. */
      readonly revert?: { readonly seenAtMs: number; readonly stableAtMs?: number };
    }
  | {
      readonly kind: 'drift';
      readonly id: number;
      readonly atMs: number;
      readonly object: ObjectRef;
      readonly changes: readonly FieldChange[];
      /** The object was away. */
      readonly deleted?: true;
      readonly healed: boolean;
      /** When the Run that found it began. */
      readonly seenAtMs?: number;
      /** How long it stood, from the time in managedFields or from when it was seen. */
      readonly durationMs: number;
      readonly sentence: string;
    };

export interface Intent {
  readonly plan: Digest;
  readonly revisions: readonly Revision[];
  readonly by: string;
  readonly startedAtMs: number;
  readonly attempt: number;
  /** Whose Run it is, where there are several replicas. */
  readonly replica?: string;
}

/** The hooks of the sync that goes on, or that ended last without success: what a crash must not run a second time. */
export interface HookRun {
  /** What is marked on the objects of this attempt, and is in the names that are made for them. */
  readonly id: string;
  /** The inputs that are synced. */
  readonly inputs: Digest;
  readonly begun: readonly BegunHook[];
  /** Of earlier syncs, and not seen to end. */
  readonly earlier: readonly BegunHook[];
  /** The attempt failed: the next one runs them all again. */
  readonly failed?: true;
}
export interface BegunHook {
  readonly key: string;
  readonly ref: ObjectRef;
  readonly digest: Digest;
  /** Absent until its creation was answered. */
  readonly uid?: string;
  readonly result?: 'succeeded' | 'failed';
}

export interface RanHook {
  readonly ref: ObjectRef;
  /** Absent where its creation was not answered. */
  readonly uid?: string;
  /** The mark of the attempt that made it; a creation that was sent before may land after it, with the same mark. */
  readonly mark?: string;
}

/** Two writers who set the same fields of an object again and again: we stop, until somebody decides. */
export interface Contest {
  readonly object: ObjectRef;
  /** The other one; absent: what is taken away leaves no owner. */
  readonly by?: FieldOwner;
  /** Empty: the object itself is deleted again and again. */
  readonly fields: readonly string[];
  /** How often we set them within `withinMs` before we stopped. */
  readonly heals: number;
  readonly withinMs: number;
  readonly sinceMs: number;
}

/** Where a Unit is, kept in the cluster: what any replica takes over from. */
export interface UnitState {
  readonly unit: UnitId;
  readonly owner: ObjectRef;
  /** Raised by each Run; an intent is a compare-and-swap that carries it. */
  readonly epoch: number;
  readonly intent?: Intent;
  readonly hooks?: HookRun;
  /** Objects of hooks that may still stand: they go with the Unit. */
  readonly ranHooks?: readonly RanHook[];
  /** What hooks for its own deletion it had when it was synced last. */
  readonly deletionHooks?: readonly DeletionPhase[];
  /** Objects whose healing is suspended. */
  readonly contests?: readonly Contest[];
  /** Last applied, and how that related to what was applied before it. */
  readonly revisions: readonly Revision[];
  readonly ancestry?: Ancestry;
  /** The render inputs whose output the inventory's `desired` digests are. */
  readonly inputs?: Digest;
  /** What rendering those inputs read, in their order: what a commit must change to matter. */
  readonly read?: readonly TracePaths[];
  /** What rendering those inputs remarked. */
  readonly warnings?: readonly Failure[];
  readonly inventory: readonly InventoryEntry[];
  /** Key text → the values at our last apply, secret leaves sealed. */
  readonly values: Readonly<Record<string, FieldValues>>;
  readonly history: readonly HistoryEntry[];
  /** When we became responsible for it. */
  readonly sinceMs: number;
  /** Taken over from another controller and not yet synced by us. */
  readonly takenOver: boolean;
}
