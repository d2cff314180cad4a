/** Where a Unit is → the status of its Kustomization, as Flux's users, their scripts and its command line read it. */
import type { Progress } from '#model/dialect.ts';
import { failureLine, type Failure } from '#model/failure.ts';
import { isObject, type Json, type JsonObject } from '#model/json.ts';
import { describe, type Manifest } from '#model/object.ts';
import { planSummary } from '#model/sentences.ts';
import { humanDuration } from '#model/time.ts';
import type { Revision } from '#model/unit.ts';
import { terminateAnnotation } from '#model/wishes.ts';
import { spentApproval } from '../approval.ts';
import { mergePatch } from '../merge-patch.ts';
import { isTerminationSpent } from '../termination.ts';
import { written, type Condition } from './conditions.ts';
import { finalizerPatch, holdPatch } from './finalizers.ts';
import { historyOf } from './history.ts';
import { inventoryOf } from './inventory.ts';
import { requestedAt } from './requests.ts';
import { revisionText } from './revision.ts';

/** The members of status that are ours; whatever else stands there survives (F31). */
const ownMembers = [
  'conditions',
  'history',
  'inventory',
  'lastAppliedRevision',
  'lastAttemptedRevision',
  'lastHandledReconcileAt',
  'observedGeneration',
] as const;

export function kustomizationStatus(resource: Manifest, progress: Progress, nowMs: number): JsonObject {
  if (progress.tornDown) return finalizerPatch(resource, false);
  const held = holdPatch(resource);
  // A suspended resource says what it said when it was suspended.
  if (progress.unit.sync.trigger === 'suspended' && progress.unit.unsupported.length === 0)
    return withSpentWishes(resource, progress, held);
  const before = isObject(resource['status']) ? resource['status'] : {};
  const own = Object.fromEntries(ownMembers.map((member) => [member, before[member]]));
  const { generation = 0 } = progress.unit;
  const attempted = progress.revisions[0];
  const status = mergePatch(own, {
    conditions: written(conditionsOf(progress), own['conditions'], generation, nowMs),
    history:
      progress.state === undefined
        ? (own['history'] as Json)
        : historyOf(progress.state, own['history'], progress.unit.inputs[0]?.source.ref),
    inventory:
      progress.state === undefined ? (own['inventory'] as Json) : inventoryOf(progress.state.inventory),
    lastAppliedRevision: appliedRevision(progress, own['lastAppliedRevision']),
    lastAttemptedRevision:
      attempted === undefined ? (own['lastAttemptedRevision'] as Json) : textOf(attempted, progress),
    lastHandledReconcileAt: progress.requestAnswered
      ? requestedAt(resource)
      : (own['lastHandledReconcileAt'] as Json),
    observedGeneration: generation,
  });
  const patch = withSpentWishes(resource, progress, held);
  return status === undefined ? patch : { ...patch, status };
}

function textOf(revision: Revision, { unit }: Progress): string {
  return revisionText(revision, unit.inputs[0]?.source.ref);
}

/** Wishes that are over say nothing any more. */
function withSpentWishes(resource: Manifest, progress: Progress, patch: JsonObject): JsonObject {
  const spent: Record<string, null> = { ...spentApproval(resource, progress) };
  if (resource.metadata.annotations?.[terminateAnnotation] !== undefined && isTerminationSpent(progress))
    spent[terminateAnnotation] = null;
  if (Object.keys(spent).length === 0) return patch;
  const metadata = isObject(patch['metadata']) ? (patch['metadata'] as JsonObject) : {};
  return { ...patch, metadata: { ...metadata, annotations: spent } };
}

/** Flux says so when what it waits for is well, too. */
function appliedRevision(progress: Progress, before: unknown): Json | undefined {
  const [revision] = progress.revisions;
  if (progress.readiness.ready && revision !== undefined) return textOf(revision, progress);
  return before as Json | undefined;
}

const reasons: Readonly<Record<string, string>> = {
  DependencyNotReady: 'DependencyNotReady',
  DependencyCycle: 'DependencyNotReady',
  SourceMissing: 'ArtifactFailed',
  CrossNamespaceDenied: 'AccessDenied',
  Unsupported: 'Unsupported',
  InvalidSpec: 'InvalidSpec',
  PruneHeld: 'Held',
  EmptyRender: 'Held',
  OlderRevision: 'Held',
  RandomTemplate: 'Held',
};
const reasonsByStage: Readonly<Record<string, string>> = {
  source: 'ArtifactFailed',
  artifact: 'ArtifactFailed',
  render: 'BuildFailed',
};

function reasonOf({ code, stage }: Failure): string {
  return reasons[code] ?? reasonsByStage[stage] ?? 'ReconciliationFailed';
}

/** What stays until somebody changes something: nothing is tried again before. */
function isStalled({ kind, code, stage }: Failure): boolean {
  return code === 'DependencyCycle' || (stage === 'compile' && kind !== 'transient');
}

export function conditionsOf(progress: Progress): readonly Condition[] {
  const { unit, failures, plan, phase, readiness, run } = progress;
  if (unit.teardown !== undefined) return [reconciling(deletionOf(progress)), unknown(deletionOf(progress))];
  if (phase === 'running') return underWay(run?.message ?? 'applying');
  if (readiness.ready) return applied(progress);
  const [failure, ...more] = [...unit.unsupported, ...failures, ...(plan?.blocked ?? [])];
  if (failure !== undefined) return failed(failure, more.length);
  if (readiness.unwell !== undefined) return checking(progress, readiness.overdue === true, readiness.why);
  return underWay(readiness.why);
}

function deletionOf({ plan, waitingFor }: Progress): string {
  return waitingFor || (plan === undefined ? 'being deleted' : `being deleted: ${planSummary(plan)}`);
}

function reconciling(message: string, reason = 'Progressing'): Condition {
  return { type: 'Reconciling', status: 'True', reason, message };
}

function unknown(message: string): Condition {
  return { type: 'Ready', status: 'Unknown', reason: 'Progressing', message };
}

function underWay(message: string): readonly Condition[] {
  return [reconciling(message), unknown(message)];
}

function applied(progress: Progress): readonly Condition[] {
  const [revision] = progress.revisions;
  const text = revision === undefined ? '' : textOf(revision, progress);
  const kept = progress.plan?.kept.map(({ ref, why }) => `${describe(ref)}: ${why}`) ?? [];
  const contested = progress.plan?.contested?.map(({ failure }) => failureLine(failure)) ?? [];
  const message = [`Applied revision: ${text}`, ...contested, ...kept, ...warnings(progress)].join('; ');
  const ready: Condition = { type: 'Ready', status: 'True', reason: 'ReconciliationSucceeded', message };
  const suspended: Condition = {
    type: 'HealingSuspended',
    status: 'True',
    reason: 'Contested',
    message: contested.join('; '),
  };
  const held = contested.length === 0 ? [ready] : [ready, suspended];
  if (progress.unit.awaited === undefined) return held;
  return [
    ...held,
    {
      type: 'Healthy',
      status: 'True',
      reason: 'Succeeded',
      message: 'Everything that is waited for is well',
    },
  ];
}

function warnings({ unit, state }: Progress): readonly string[] {
  return [...unit.warnings, ...(state?.warnings ?? [])].slice(0, 5).map(failureLine);
}

function failed(failure: Failure, others: number): readonly Condition[] {
  const reason = reasonOf(failure);
  const message = `${failureLine(failure)}${others === 0 ? '' : `; and ${others} more`}`;
  const ready: Condition = { type: 'Ready', status: 'False', reason, message };
  if (isStalled(failure)) return [{ type: 'Stalled', status: 'True', reason, message }, ready];
  return [reconciling(message, 'ProgressingWithRetry'), ready];
}

/** It is applied, and what is waited for is not well yet. */
function checking(progress: Progress, isOverdue: boolean, why: string): readonly Condition[] {
  const { awaited } = progress.unit;
  const timeout = humanDuration(awaited?.timeoutMs ?? 0);
  const [revision] = progress.revisions;
  const at = revision === undefined ? '' : ` for revision ${textOf(revision, progress)}`;
  if (!isOverdue) {
    const message = `Running health checks${at} with a timeout of ${timeout}: ${why}`;
    const healthy: Condition = { type: 'Healthy', status: 'Unknown', reason: 'Progressing', message };
    return [reconciling(message), unknown(message), healthy];
  }
  const message = `Health check failed after ${timeout}: ${why}`;
  const reason = 'HealthCheckFailed';
  return [
    reconciling(message, 'ProgressingWithRetry'),
    { type: 'Ready', status: 'False', reason, message },
    { type: 'Healthy', status: 'False', reason, message },
  ];
}
