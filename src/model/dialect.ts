/** How foreign resources are read and answered. Dialects are pure: no I/O, no clock. */
import type { Failure, Stage } from './failure.ts';
import type { JsonObject } from './json.ts';
import type { Manifest, GroupVersionKind, ObjectKey, ObjectRef } from './object.ts';
import type { HealthReport, Outcome, UnitState } from './outcome.ts';
import type { Plan } from './plan.ts';
import type { Ancestry, Approval, DeletionPhase, Predecessor, Revision, SourceSpec, Unit } from './unit.ts';

/** Objects of one kind that are followed with their bodies. */
export interface Selection {
  readonly kind: GroupVersionKind;
  readonly plural: string;
  /** Absent: every namespace. */
  readonly namespace?: string;
  /** Absent: all of them. */
  readonly name?: string;
  readonly labelSelector?: string;
  /** The cluster may lack the kind; it then has none. */
  readonly optional: boolean;
}

/** Reads over watched caches, synchronous; it records hits and misses, so that a change compiles again. */
export interface Lookup {
  get(key: ObjectKey): Manifest | undefined;
  list(group: string, kind: string, namespace?: string): readonly Manifest[];
}

/** Where a Unit is now. */
export interface Progress {
  readonly unit: Unit;
  readonly stage: Stage;
  readonly phase: 'running' | 'settled';
  /** One sentence: what it waits for. */
  readonly waitingFor?: string;
  readonly revisions: readonly Revision[];
  readonly ancestry?: Ancestry;
  /** What would be done now; no steps: in sync. */
  readonly plan?: Plan;
  /** The Run that runs or ran last. */
  readonly run?: RunView;
  readonly health?: HealthReport;
  /** Whether those that depend on it may go on. */
  readonly readiness: Readiness;
  /** Why the pipeline stopped before a plan could be made, or was not run. */
  readonly failures: readonly Failure[];
  readonly state?: UnitState;
  /** The person's request, and the demand to refresh, have been answered: they can be taken off the resource. */
  readonly requestAnswered: boolean;
  readonly refreshAnswered: boolean;
  /** The stage of its end that is over: with the last one, the resource may go. */
  readonly tornDown: TornDown;
}

/** objects: they are gone, but for those that stay. */
export type TornDown = false | 'objects' | DeletionPhase;

export interface RunView {
  readonly startedAtMs: number;
  readonly finishedAtMs?: number;
  readonly by: string;
  readonly automated: boolean;
  readonly revisions: readonly Revision[];
  readonly attempt: number;
  /** The wish that it fulfils, as it was written. */
  readonly asked?: JsonObject;
  readonly approved?: Approval;
  readonly outcome?: Outcome;
  readonly message: string;
}

export type Readiness =
  | { readonly ready: true }
  | {
      readonly ready: false;
      /** One sentence: what is missing. */
      readonly why: string;
      /** It is applied, and these objects are not well yet. */
      readonly unwell?: readonly ObjectKey[];
      /** It took longer than it was given. */
      readonly overdue?: true;
    };

export interface Reported {
  /** Whether those that depend on it may go on. */
  readonly readiness: Readiness;
  /** What is applied. */
  readonly commit?: string;
}

/** What every reader of a foreign kind says of it. */
export interface ForeignKind {
  readonly kind: GroupVersionKind;
  readonly plural: string;
  /** A cluster may lack it: the dialect is then idle. */
  readonly optional: boolean;
  /** What is worth an event, as the resource's own status says it. */
  notice(resource: Manifest): Notice | undefined;
}
export interface Notice {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, as the users of the kind know it. */
  readonly reason: string;
  readonly message: string;
  /** Since when it is so. */
  readonly atMs: number;
  /** It tells how a Run ended, and is news only when one has. */
  readonly ofRun: boolean;
}

/** A source that a resource of its own declares, for the Units of others. */
export interface DeclaredSource {
  /** The UID of the resource. */
  readonly id: string;
  readonly owner: ObjectRef;
  readonly generation: number;
  /** Absent where nothing can be fetched: see `refused`. */
  readonly source?: SourceSpec;
  readonly suspended: boolean;
  /** What cannot be read or is not honoured (F30): non-empty means that nothing is fetched for it. */
  readonly refused: readonly Failure[];
  readonly warnings: readonly Failure[];
  /** Somebody asks for a look at the repository now. */
  readonly requested: boolean;
  readonly deleting: boolean;
  readonly predecessor?: Predecessor;
  /** What to do to have it taken over. */
  readonly takeover: string;
}
/** Where a declared source is now. */
export interface SourceProgress {
  readonly declared: DeclaredSource;
  readonly revision?: Revision;
  readonly failure?: Failure;
  readonly requestAnswered: boolean;
}
/** One per foreign kind that declares a source. */
export interface SourceDialect extends ForeignKind {
  /** See `Dialect.admits`. */
  admits(resource: Manifest): true | string;
  compile(resource: Manifest, lookup: Lookup): DeclaredSource;
  /** See `Dialect.status`. */
  status(resource: Manifest, progress: SourceProgress, nowMs: number): JsonObject;
}

/** One per foreign kind that declares Units, with the kinds that declare sources for it. */
export interface Dialect extends ForeignKind {
  readonly sources: readonly SourceDialect[];
  /** What `compile` and `status` look up, besides the resource itself. */
  readonly selections: readonly Selection[];
  /** Whether this resource is ours to reconcile at all; the sentence says why not. */
  admits(resource: Manifest, lookup: Lookup): true | string;
  /** What its own status says, for a resource that others reconcile. */
  reported(resource: Manifest): Reported;
  /** A resource that cannot be read gives a Unit that is blocked with the reason, so that only it fails (F28). */
  compile(resource: Manifest, lookup: Lookup): readonly Unit[];
  /**
   * A merge patch of the resource that keeps it until its objects are taken care of, where its end takes them along;
   * empty when it stands there. Nothing is applied before.
   */
  hold?(resource: Manifest): JsonObject;
  /** A merge patch of the resource that tells its users where the Units are; empty when nothing changed. */
  status(resource: Manifest, progress: readonly Progress[], nowMs: number): JsonObject;
}
