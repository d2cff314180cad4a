/** Failures and warnings of a Unit → `status.conditions`, with the types that Argo CD's users know where there is one. */
import type { Progress } from '#model/dialect.ts';
import { failureLine, type Failure } from '#model/failure.ts';
import { isObject, type Json } from '#model/json.ts';
import { describe } from '#model/object.ts';
import { isOnlyOwnership } from '#model/plan.ts';
import { driftSentence, isDrift } from '#model/sentences.ts';
import { timestamp } from '#model/time.ts';

const shownMax = 10;
const messageLengthMax = 2000;

const typesByCode: Readonly<Record<string, string>> = {
  InvalidSpec: 'InvalidSpecError',
  ProjectDenies: 'InvalidSpecError',
  ProjectMissing: 'InvalidSpecError',
  Unsupported: 'Unsupported',
  ObjectConflict: 'SharedResourceWarning',
  PruneHeld: 'Held',
  OlderRevision: 'Held',
  EmptyRender: 'Held',
  RandomTemplate: 'Held',
  ForeignController: 'Suspended',
};

const warningTypes: Readonly<Record<string, string>> = {
  RepeatedResource: 'RepeatedResourceWarning',
  KindExcluded: 'ExcludedResourceWarning',
};

function typeOf(failure: Failure): string {
  return typesByCode[failure.code] ?? (failure.stage === 'apply' ? 'SyncError' : 'ComparisonError');
}

interface Condition {
  readonly type: string;
  readonly message: string;
}

function allConditions(progress: Progress): readonly Condition[] {
  const { unit, failures, plan, ancestry, revisions } = progress;
  const all = [...failures, ...unit.unsupported, ...(plan?.blocked ?? [])];
  const conditions = all.map((failure) => ({ type: typeOf(failure), message: failureLine(failure) }));
  const warnings = [...unit.warnings, ...(progress.state?.warnings ?? [])];
  conditions.push(
    ...warnings.map((warning) => ({
      type: warningTypes[warning.code] ?? 'Warning',
      message: failureLine(warning),
    })),
  );
  if (progress.waitingFor !== undefined) conditions.push({ type: 'Waiting', message: progress.waitingFor });
  if (ancestry === 'rewritten') {
    conditions.push({
      type: 'HistoryRewritten',
      message: `${revisions[0]?.label ?? ''} does not descend from what was applied before: history was rewritten`,
    });
  }
  for (const { failure } of plan?.contested ?? [])
    conditions.push({ type: 'HealingSuspended', message: failureLine(failure) });
  for (const step of plan?.steps ?? [])
    if (isDrift(step) && !isOnlyOwnership(step))
      conditions.push({ type: 'Drift', message: driftSentence(step) });
  for (const { ref, why } of plan?.kept ?? []) {
    conditions.push({ type: 'Kept', message: `${describe(ref)}: ${why}` });
  }
  return conditions;
}

/** One condition a type: its messages are joined, so that a long list does not flood the status. */
export function conditionsOf(progress: Progress, before: unknown, nowMs: number): Json | undefined {
  const byType = new Map<string, Set<string>>();
  for (const { type, message } of allConditions(progress)) {
    byType.set(type, (byType.get(type) ?? new Set()).add(message));
  }
  if (byType.size === 0) return undefined;
  const earlier = Array.isArray(before) ? before.filter(isObject) : [];
  return [...byType].map(([type, messages]) => {
    const shown = [...messages].slice(0, shownMax).join('; ');
    const more = messages.size > shownMax ? `; and ${messages.size - shownMax} more` : '';
    const message = `${shown}${more}`.slice(0, messageLengthMax);
    const same = earlier.find((condition) => condition['type'] === type && condition['message'] === message);
    return {
      type,
      message,
      lastTransitionTime: (same?.['lastTransitionTime'] as string | undefined) ?? timestamp(nowMs),
    };
  });
}
