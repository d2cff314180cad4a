/** The steps of one object, by the verdict on it. */
import { digestOf } from '#fields/digest.ts';
import { changesBetween, forcedFields, plannedChanges } from '#fields/drift.ts';
import { migrateLegacy } from '#fields/legacy.ts';
import { canonicalJson, type Digest, type Json } from '#model/json.ts';
import { keyText, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Step, StepAction, StepReason } from '#model/plan.ts';
import type { Comparison } from './compare.ts';
import { applyOrder, orders } from './order.ts';
import type { PlanInput } from './plan.ts';

/** What a plan's digests stand for: manifests to apply and patches to send. */
export type Content = Map<Digest, Manifest | readonly Json[]>;

export const gateTimeoutMs = 60_000;

export function makeStep(
  object: ObjectRef,
  action: StepAction,
  reason: StepReason,
  details: Pick<Step, 'order' | 'manager' | 'tracked'> & Partial<Step>,
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

export function objectSteps(input: PlanInput, comparison: Comparison, content: Content): readonly Step[] {
  const { wave } = comparison.desired;
  return stepsOf(input, comparison, content).map((step) => ({ ...step, wave }));
}

function stepsOf(input: PlanInput, comparison: Comparison, content: Content): readonly Step[] {
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
  const wait = makeStep(ref, { verb: 'wait', until: 'absent', timeoutMs: gateTimeoutMs }, 'gate', {
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
  content: Content,
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
  const action = { verb: 'wait', until: 'established', timeoutMs: gateTimeoutMs } as const;
  return [
    step,
    makeStep(step.object, action, 'gate', {
      order: orders.established,
      manager: unit.manager,
      tracked: false,
    }),
  ];
}
