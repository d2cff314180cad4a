/** The planner: synchronous, deterministic, changes nothing. What it gives is all that the executor will do. */
import { digestOf } from '#fields/digest.ts';
import { changesBetween, forcedFields, plannedChanges } from '#fields/drift.ts';
import { migrateLegacy } from '#fields/legacy.ts';
import type { Failure } from '#model/failure.ts';
import { canonicalJson, type Digest, type Json } from '#model/json.ts';
import { keyText, type Manifest, type ObjectRef } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Plan, Step, StepAction, StepReason } from '#model/plan.ts';
import type { Sealer } from '#model/ports.ts';
import type { Propagation, Revision, Unit } from '#model/unit.ts';
import { isGoing, type Compared, type Comparison } from './compare.ts';
import type { DesiredObject } from './desired.ts';
import { madeUpGuards, objectGuards, pruneGuards } from './guards.ts';
import { applyOrder, deleteOrder, orders } from './order.ts';

export interface PlanInput {
  readonly unit: Unit;
  readonly revisions: readonly Revision[];
  readonly inputs: Digest;
  readonly desired: readonly DesiredObject[];
  readonly compared: Compared;
  /** By key text, of the objects that `bodiesNeeded` named. */
  readonly bodies: ReadonlyMap<string, Manifest>;
  readonly state: UnitState | undefined;
  /** Whether the target namespace exists; undefined: it does not matter. */
  readonly namespaceExists: boolean | undefined;
  /** Failures of earlier stages that block the plan. */
  readonly blocked: readonly Failure[];
  /** Whether templates made up values that another rendering would not give. */
  readonly madeUp: boolean;
  readonly sealer: Sealer;
  /** How often this has been tried before without success. */
  readonly attempt: number;
}

/** What a plan's digests stand for: manifests to apply and patches to send. */
export type Content = ReadonlyMap<Digest, Manifest | readonly Json[]>;
export interface Planned {
  readonly plan: Plan;
  readonly content: Content;
}

const establishedTimeoutMs = 60_000;

export function plan(input: PlanInput): Planned {
  const { unit, compared, state } = input;
  const content = new Map<Digest, Manifest | readonly Json[]>();
  const steps: Step[] = [
    ...namespaceSteps(input, content),
    ...compared.comparisons.flatMap((comparison) => objectSteps(input, comparison, content)),
  ];
  const { deletes, kept } = removals(input);
  steps.push(...deletes);
  const ordered = steps.toSorted((a, b) => a.order - b.order);
  const digest = digestOf(
    canonicalJson({ unit: unit.id, rendered: input.inputs, steps: ordered.map(lasting) }),
  );
  const blocked = [
    ...input.blocked,
    ...objectGuards(compared),
    ...(input.madeUp ? madeUpGuards({ ...input, digest }) : []),
    ...pruneGuards({
      unit,
      desired: input.desired.length,
      inventory: state?.inventory.length ?? 0,
      deletes: deletes.map((step) => step.object),
      digest,
    }),
  ];
  return {
    plan: {
      unit: unit.id,
      generation: unit.generation,
      revisions: input.revisions,
      rendered: input.inputs,
      steps: ordered.map((step) => ({ ...step, attempt: input.attempt })),
      digest,
      blocked,
      pruned: deletes.length,
      kept,
      desired: input.desired.map(({ ref, digest: wanted, at }) => ({ ref, digest: wanted, at })),
    },
    content,
  };
}

/** What of a step an approval is for: a migration follows the object's version, which moves with every status. */
function lasting(step: Step): unknown {
  return step.action.verb === 'patch-metadata' ? { id: step.id, reason: step.reason } : step;
}

function makeStep(
  object: ObjectRef,
  action: StepAction,
  reason: StepReason,
  details: Pick<Step, 'order' | 'manager' | 'tracked'> & Partial<Pick<Step, 'changes' | 'at'>>,
): Step {
  return {
    id: `${action.verb}:${keyText(object)}`,
    phase: 'sync',
    wave: 0,
    attempt: 0,
    object,
    action,
    reason,
    changes: [],
    ...details,
  };
}

function objectSteps(
  input: PlanInput,
  comparison: Comparison,
  content: Map<Digest, Manifest | readonly Json[]>,
): readonly Step[] {
  const { verdict } = comparison.verdict;
  if (verdict === 'same' || verdict === 'unknown' || verdict === 'conflict') return [];
  content.set(comparison.desired.digest, comparison.desired.manifest);
  if (verdict === 'missing') return withEstablished(input, createStep(input, comparison));
  if (verdict === 'terminating') return recreateSteps(input, comparison);
  const live = input.bodies.get(keyText(comparison.ref));
  if (live === undefined) return [];
  const migration = migrationStep(input, comparison, live, content);
  if (verdict === 'migration') return migration;
  return [...migration, ...withEstablished(input, applyStep(input, comparison, live))];
}

function createStep({ unit }: PlanInput, { ref, desired, verdict }: Comparison): Step {
  const known = verdict.verdict === 'missing' && verdict.known;
  return makeStep(
    ref,
    { verb: 'create', desired: desired.digest, force: [], expect: 'absent' },
    known ? 'drifted' : 'missing',
    {
      order: applyOrder(ref),
      manager: unit.manager,
      tracked: true,
      at: desired.at,
      ...(known ? { changes: [{ path: '', before: 'present', owner: 'unknown' as const }] } : {}),
    },
  );
}

function applyStep(input: PlanInput, { ref, desired, verdict }: Comparison, live: Manifest): Step {
  const { unit, sealer, state } = input;
  const { verdict: reason } = verdict as { verdict: 'changed' | 'drifted' | 'adopted' };
  const recorded = state?.values[keyText(ref)];
  const changes =
    reason === 'drifted' && recorded !== undefined
      ? changesBetween(recorded, live, unit.manager, sealer)
      : plannedChanges(desired.manifest, live, unit.manager, sealer);
  return makeStep(
    ref,
    {
      verb: 'apply',
      desired: desired.digest,
      force: forcedFields(desired.manifest, live, unit.manager),
      expect: { uid: String(live.metadata['uid']) },
    },
    reason,
    { order: applyOrder(ref), manager: unit.manager, tracked: true, at: desired.at, changes },
  );
}

/** It is on its way out: wait until it is gone, then make it anew. */
function recreateSteps(input: PlanInput, comparison: Comparison): readonly Step[] {
  const { ref, desired } = comparison;
  const create = createStep(input, comparison);
  const wait = makeStep(ref, { verb: 'wait', until: 'absent', timeoutMs: establishedTimeoutMs }, 'gate', {
    order: create.order - 0.5,
    manager: input.unit.manager,
    tracked: false,
    at: desired.at,
  });
  return [wait, create];
}

/**
 * Entries of an earlier tool that own our fields as well would keep a field that Git removes. They are migrated
 * before the object is applied again, under the object's resourceVersion.
 */
function migrationStep(
  { unit }: PlanInput,
  { ref, desired, verdict }: Comparison,
  live: Manifest,
  content: Map<Digest, Manifest | readonly Json[]>,
): readonly Step[] {
  if (!('object' in verdict) || !verdict.object.legacy) return [];
  const patch = migrateLegacy(live, unit.manager);
  if (patch.length === 0) return [];
  const digest = digestOf(canonicalJson(patch));
  content.set(digest, patch);
  const expect = {
    uid: String(live.metadata['uid']),
    resourceVersion: String(live.metadata['resourceVersion']),
  };
  return [
    makeStep(ref, { verb: 'patch-metadata', patch: digest, expect }, 'migration', {
      order: applyOrder(ref) - 0.5,
      manager: unit.manager,
      tracked: true,
      at: desired.at,
    }),
  ];
}

/** Custom resources wait until the kind that the same plan defines is served. */
function withEstablished({ unit }: PlanInput, step: Step): readonly Step[] {
  if (step.order !== orders.definitions) return [step];
  const action = { verb: 'wait', until: 'established', timeoutMs: establishedTimeoutMs } as const;
  return [
    step,
    makeStep(step.object, action, 'gate', {
      order: orders.established,
      manager: unit.manager,
      tracked: false,
    }),
  ];
}

/** CreateNamespace: made once, under a manager of its own, never tracked and never pruned. */
function namespaceSteps(
  { unit, namespaceExists, desired }: PlanInput,
  content: Map<Digest, Manifest | readonly Json[]>,
): readonly Step[] {
  const name = unit.target.namespace;
  const isRendered = desired.some(
    ({ ref }) => ref.kind === 'Namespace' && ref.group === '' && ref.name === name,
  );
  if (!unit.sync.createNamespace || namespaceExists !== false || isRendered || desired.length === 0)
    return [];
  const manifest: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  const digest = digestOf(canonicalJson(manifest));
  content.set(digest, manifest);
  return [
    makeStep(
      { group: '', version: 'v1', kind: 'Namespace', namespace: '', name },
      { verb: 'create', desired: digest, force: [], expect: 'absent' },
      'gate',
      { order: orders.namespaces, manager: `trueup-${unit.id}`, tracked: false },
    ),
  ];
}

function removals(input: PlanInput): { readonly deletes: readonly Step[]; readonly kept: Plan['kept'] } {
  const { unit, state } = input;
  const deletes: Step[] = [];
  const kept: { ref: ObjectRef; why: string }[] = [];
  const mayPrune = unit.sync.prune || unit.request?.prune === true || unit.teardown !== undefined;
  const asked = unit.request?.prune === true || unit.teardown !== undefined;
  for (const removal of input.compared.removals) {
    const { ref } = removal.entry;
    if (removal.state !== 'present') continue;
    if (isGoing(removal.entry, { state: 'present', object: removal.object })) continue;
    if (!mayPrune) kept.push({ ref, why: 'it is not in Git, and pruning is off' });
    else if (!asked && (state?.takenOver === true || removal.entry.state === 'kept')) {
      kept.push({
        ref,
        why: `it came with the takeover and is not in Git: ${unit.wishes.prune}`,
      });
    } else if (removal.object.deletingSinceMs !== undefined) {
      const finalizers = removal.object.finalizers.join(', ');
      kept.push({
        ref,
        why: `it is being deleted${finalizers === '' ? '' : ` and waits for ${finalizers}`}`,
      });
    } else {
      const expect = { uid: removal.object.uid };
      const propagation = unit.teardown?.propagation ?? unit.sync.propagation ?? usualPropagation(ref);
      deletes.push(
        makeStep(ref, { verb: 'delete', expect, propagation }, 'removed', {
          order: deleteOrder(ref),
          manager: unit.manager,
          tracked: true,
        }),
      );
    }
  }
  return { deletes, kept };
}

/**
 * Foreground: what belongs to it goes first. Plain data has nothing that belongs to it, or nothing whose end anybody
 * waits for: in the background it is gone with the request, without three more of the garbage collector and another turn.
 */
function usualPropagation({ group, kind }: ObjectRef): Propagation {
  return group === '' && (kind === 'ConfigMap' || kind === 'Secret') ? 'Background' : 'Foreground';
}
