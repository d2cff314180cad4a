/** A Plan is immutable and so specific that the executor has no choice left. */
import type { Failure } from './failure.ts';
import type { Digest } from './json.ts';
import type { FieldChange } from './observed.ts';
import type { ObjectRef, Position } from './object.ts';
import type { DeletionPhase, Phase, Propagation, Revision, UnitId } from './unit.ts';

export type Precondition = 'absent' | { readonly uid: string; readonly resourceVersion?: string };
/**
 * One object and no other of its name: by its UID, or what an earlier step of the plan makes; or the last of several
 * that is there by then.
 */
export type Identity =
  | { readonly uid: string }
  | { readonly madeBy: string }
  | { readonly lastOf: readonly Identity[] };
/** healthy: Suspended will do. completed: a hook has ended well. ended: it has ended, or is gone. */
export type Awaits = 'established' | 'absent' | 'healthy' | 'completed' | 'ended';

export type StepAction =
  /** Server-side apply. `force` lists the fields that are taken from other managers; empty sends no force. */
  | {
      readonly verb: 'create' | 'apply';
      readonly desired: Digest;
      readonly force: readonly string[];
      readonly expect: Precondition;
      /** Where the cluster refuses the change of an immutable field, it is deleted and made anew. */
      readonly orElse?: 'recreate';
    }
  /** Written whole: what it does not have goes. */
  | {
      readonly verb: 'replace';
      readonly desired: Digest;
      readonly expect: { readonly uid: string; readonly resourceVersion: string };
    }
  /** A guarded JSON patch of metadata, its content named by digest. */
  | { readonly verb: 'patch-metadata'; readonly patch: Digest; readonly expect: Precondition }
  | {
      readonly verb: 'delete';
      readonly expect: Identity;
      readonly propagation: Propagation;
      /** What is made in its place: it stays where the cluster would not take that. */
      readonly replacement?: Digest;
    }
  /** Without a time limit: until it comes about, a person ends the Run, or another revision supersedes it. */
  | {
      readonly verb: 'wait';
      readonly until: Awaits;
      readonly timeoutMs?: number;
      readonly which?: Identity;
    };

export type StepReason =
  | 'missing'
  | 'changed'
  | 'drifted'
  | 'adopted'
  | 'removed'
  | 'migration'
  | 'gate'
  | 'hook';

/** That a step is about a hook. */
export interface HookMark {
  /** Its phase and object, as the record of the sync knows it. */
  readonly key: string;
  /** Of what it runs, without the marks of the sync that runs it. */
  readonly digest: Digest;
}

/** That a step takes away what a hook left; another object in its place is left alone. */
export interface Cleanup {
  /** After a failure: only if this wait for the hook's end was successful. Absent: that it ended well is recorded. */
  readonly wait?: string;
  readonly orFailed?: true;
}

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
  readonly hook?: HookMark;
  readonly cleanup?: Cleanup;
  readonly at?: Position;
}

export interface Kept {
  readonly ref: ObjectRef;
  readonly why: string;
  /** It stays for good, and nothing is out of sync for it. */
  readonly isMeant?: true;
}

/** An object that drifted, and whose healing is suspended. */
export interface Contested {
  readonly ref: ObjectRef;
  readonly changes: readonly FieldChange[];
  /** Whom we contend with for what, and what to do. */
  readonly failure: Failure;
}

export interface Plan {
  readonly digest: Digest;
  readonly unit: UnitId;
  readonly generation: number | undefined;
  readonly revisions: readonly Revision[];
  /** The render key of what is wanted. */
  readonly rendered: Digest;
  /** The sync that the hooks of this plan belong to; absent where it runs none. */
  readonly hookRun?: string;
  /** What hooks there are for the deletion of the Unit. Absent: none. */
  readonly deletionHooks?: readonly DeletionPhase[];
  /** It is about some of the objects only: it says nothing of the others. */
  readonly isPartial?: true;
  /** Empty: in sync. */
  readonly steps: readonly Step[];
  /** Non-empty: shown, not run. */
  readonly blocked: readonly Failure[];
  /** Objects that differ in ignored fields only: as they stand, they are in sync. Absent: none. */
  readonly tolerated?: readonly { readonly ref: ObjectRef; readonly projection: Digest }[];
  /** What drifted and is left as it is, because somebody sets it back again and again. Absent: nothing. */
  readonly contested?: readonly Contested[];
  /** How many objects it deletes. */
  readonly pruned: number;
  /** Objects that stay though Git does not have them, and why. */
  readonly kept: readonly Kept[];
  /** Every object that is wanted, with the digest of what is wanted. */
  readonly desired: readonly { readonly ref: ObjectRef; readonly digest: Digest; readonly at?: Position }[];
}

/** Whether any object is to be changed: hooks and waits alone leave a Unit in sync. */
export function changesObjects({ steps }: Pick<Plan, 'steps'>): boolean {
  return steps.some((step) => step.reason !== 'hook' && step.reason !== 'gate' && !isOnlyOwnership(step));
}

/** The object stands as it was applied, though somebody else has set the same values since. */
export function isOnlyOwnership({ reason, action, changes }: Step): boolean {
  return reason === 'drifted' && action.verb === 'apply' && changes.length === 0;
}

/** Everything that Git has is as it says, and nothing else of the Unit is there. */
export function isInSync(plan: Plan): boolean {
  const isKept = plan.kept.some(({ isMeant }) => isMeant !== true);
  const isContested = plan.contested !== undefined;
  return (
    plan.isPartial !== true && !changesObjects(plan) && !isKept && !isContested && plan.blocked.length === 0
  );
}
