/** Whether those that depend on a Unit may go on: it is applied as it is wanted now, and what it waits for is well. */
import type { Readiness } from '#model/dialect.ts';
import type { Failure } from '#model/failure.ts';
import { describe, keyText } from '#model/object.ts';
import { isWell, type HealthReport } from '#model/outcome.ts';
import { changesObjects } from '#model/plan.ts';
import { planSummary } from '#model/sentences.ts';
import type { Awaited } from '#model/unit.ts';
import type { UnitRuntime } from './runtime.ts';

/** As its last turn left it. `nowMs` is monotonic. */
export function readinessOf(runtime: UnitRuntime, nowMs: number): Readiness {
  const { unit, failures, plan, waitingFor } = runtime;
  if (unit.teardown !== undefined) return { ready: false, why: 'it is being deleted' };
  const serious = plan === undefined ? failures : failures.filter((failure) => !isOutage(failure));
  const [inTheWay] = [...unit.unsupported, ...serious, ...(plan?.blocked ?? [])];
  if (inTheWay !== undefined) return { ready: false, why: inTheWay.message };
  if (plan === undefined) return { ready: false, why: 'it has not been looked at yet' };
  if (plan.generation !== unit.generation)
    return { ready: false, why: 'its latest change is not applied yet' };
  if (changesObjects(plan))
    return { ready: false, why: waitingFor ?? `it is being applied: ${planSummary(plan)}` };
  return unit.awaited === undefined ? { ready: true } : wellness(runtime, unit.awaited, nowMs);
}

/** Git does not answer; what it said last is applied (F12). */
function isOutage({ stage, code }: Failure): boolean {
  return stage === 'source' && code !== 'OlderRevision';
}

type ObjectReport = HealthReport['objects'][number];

function wellness(runtime: UnitRuntime, awaited: Awaited, nowMs: number): Readiness {
  const unwell = unwellOf(runtime.health, awaited);
  const [first] = unwell;
  if (first === undefined) return { ready: true };
  const more = unwell.length > 1 ? `, and ${unwell.length - 1} more` : '';
  const isOverdue = runtime.unwellSinceMs !== undefined && nowMs - runtime.unwellSinceMs >= awaited.timeoutMs;
  return {
    ready: false,
    why: `${sentenceOf(first)}${more}`,
    unwell: unwell.map(({ ref }) => ref),
    ...(isOverdue ? { overdue: true } : {}),
  };
}

function sentenceOf({ ref, status, message = '' }: ObjectReport): string {
  const why = message.replace(/\.$/, '');
  return `${describe(ref)} is ${status.toLowerCase()}${why === '' ? '' : ` (${why})`}`;
}

function unwellOf(health: HealthReport | undefined, { objects }: Awaited): readonly ObjectReport[] {
  const reports = health?.objects ?? [];
  const wanted = objects === 'all' ? undefined : new Set(objects.map(keyText));
  return reports.filter(
    (report) => (wanted === undefined || wanted.has(keyText(report.ref))) && !isWell(report),
  );
}

/** Notes since when it is unwell, and says how long it has until it is overdue, if it is waited for. */
export function noteWellness(runtime: UnitRuntime, readiness: Readiness, nowMs: number): number | undefined {
  const { awaited } = runtime.unit;
  if (readiness.ready || readiness.unwell === undefined || awaited === undefined) {
    runtime.unwellSinceMs = undefined;
    return undefined;
  }
  runtime.unwellSinceMs ??= nowMs;
  const leftMs = runtime.unwellSinceMs + awaited.timeoutMs - nowMs;
  return leftMs > 0 ? leftMs : undefined;
}
