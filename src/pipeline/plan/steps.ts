/** The steps of one object, by the verdict on it. */
import { digestOf } from '#fields/digest.ts';
import { changesBetween, forcedFields, plannedChanges } from '#fields/drift.ts';
import { maskedChanges } from '#fields/secrets.ts';
import { respecting } from '#fields/ignored.ts';
import { migrateLegacy } from '#fields/legacy.ts';
import { canonicalJson, type Digest, type Json } from '#model/json.ts';
import { keyText, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Step, StepAction, StepReason } from '#model/plan.ts';
import type { Comparison } from './compare.ts';
import { digestFor } from './desired.ts';
import { ignoredOf, isTolerated } from './ignoring.ts';
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
  if (isTolerated(input, comparison, live)) return [];
  const { replace, force } = comparison.desired.options;
  if (replace && force && verdict !== 'migration') return anewSteps(input, comparison, live);
  const migration = migrationStep(input, comparison, live, content);
  if (verdict === 'migration') return migration;
  const isFirst = migration.length === 0 && !replace;
  const apply = applyStep(input, respectingIgnored(input, comparison, live, content), live, isFirst);
  const whole = replace ? [replaceStep(apply, live)] : [];
  return [...migration, ...whole, ...withEstablished(input, apply)];
}

function createStep({ unit }: PlanInput, { ref, desired, verdict }: Comparison): Step {
  const known = (verdict.verdict === 'missing' || verdict.verdict === 'terminating') && verdict.known;
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

function applyStep(
  input: PlanInput,
  { ref, desired, verdict, isCopied }: Comparison & { readonly isCopied?: boolean },
  live: Manifest,
  isFirst: boolean,
): Step {
  const { unit, sealer, state } = input;
  const { verdict: reason } = verdict as { verdict: 'changed' | 'drifted' | 'adopted' };
  const recorded = state?.values[keyText(ref)];
  const changes =
    reason === 'drifted' && recorded !== undefined
      ? changesBetween(recorded, live, unit.manager, sealer)
      : plannedChanges(desired.manifest, live, unit.manager, sealer);
  const force = forcedFields(desired.manifest, live, unit.manager);
  // A forced apply takes whatever stands there when it arrives, and that may be late: it is for what was seen (F3).
  const isOfVersion = isCopied === true || (isFirst && force.length > 0);
  return makeStep(
    ref,
    {
      verb: 'apply',
      desired: desired.digest,
      force,
      expect: {
        uid: String(live.metadata['uid']),
        ...(isOfVersion ? { resourceVersion: String(live.metadata['resourceVersion']) } : {}),
      },
      ...(desired.options.force || unit.request?.force === true ? { orElse: 'recreate' as const } : {}),
    },
    reason,
    {
      order: applyOrder(ref),
      manager: unit.manager,
      tracked: true,
      at: desired.at,
      changes: maskedChanges(changes, live, unit.sensitiveAnnotations),
    },
  );
}

/** With ignored fields as they are in the cluster, if that is asked for. */
function respectingIgnored(
  input: PlanInput,
  comparison: Comparison,
  live: Manifest,
  content: Content,
): Comparison & { readonly isCopied?: boolean } {
  const { unit, sealer } = input;
  const ignored = ignoredOf(input, comparison.ref);
  if (unit.sync.respectsIgnored !== true || ignored === undefined) return comparison;
  const bodies = { desired: comparison.desired.manifest, live };
  const { manifest, isCopied } = respecting(bodies, unit.manager, ignored);
  const digest = digestFor(manifest, sealer);
  content.set(digest, manifest);
  return { ...comparison, desired: { ...comparison.desired, manifest, digest }, isCopied };
}

/** Before the apply, which then owns what it left: everything that Git does not have is gone by then. */
function replaceStep(apply: Step, live: Manifest): Step {
  if (apply.action.verb !== 'apply') throw new Error(`${apply.id} is no apply`);
  const { desired } = apply.action;
  const { uid, resourceVersion } = live.metadata;
  const expect = { uid: String(uid), resourceVersion: String(resourceVersion) };
  const action = { verb: 'replace', desired, expect } as const;
  const id = `replace:${keyText(apply.object)}`;
  return { ...apply, id, action, order: apply.order - 0.25, tracked: false };
}

/** Deleted and made anew, rather than changed. */
function anewSteps(input: PlanInput, comparison: Comparison, live: Manifest): readonly Step[] {
  const { ref } = comparison;
  const reason = comparison.verdict.verdict === 'same' ? 'changed' : comparison.verdict.verdict;
  const [wait, create] = recreateSteps(input, comparison) as [Step, Step];
  const expect = { uid: String(live.metadata['uid']) };
  const replacement = comparison.desired.digest;
  const action = { verb: 'delete', expect, propagation: 'Background', replacement } as const;
  const details = {
    id: `delete-first:${keyText(ref)}`,
    order: create.order - 0.75,
    manager: input.unit.manager,
    tracked: false,
  };
  return [makeStep(ref, action, 'gate', details), wait, { ...create, reason: reason as StepReason }];
}

/** What is to be made anew in every sync, though it stands as Git says. */
export function forcedSteps(input: PlanInput, comparison: Comparison, content: Content): readonly Step[] {
  const { verdict, desired, ref } = comparison;
  const { replace, force } = desired.options;
  if (verdict.verdict !== 'same' || !replace || !force) return [];
  content.set(desired.digest, desired.manifest);
  const { uid } = verdict.object;
  const live = { ...desired.manifest, metadata: { ...desired.manifest.metadata, uid } };
  return anewSteps(input, { ...comparison, ref }, live).map((step) => ({ ...step, wave: desired.wave }));
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
