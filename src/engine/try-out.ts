/** A sync that somebody wants tried only: the cluster is asked, and nothing is written. */
import { dryRun } from '#pipeline/apply/dry-run.ts';
import type { MadePlan } from '#pipeline/pipeline.ts';
import type { RunView } from '#model/dialect.ts';
import { failureLine, type Failure } from '#model/failure.ts';
import type { StepResult } from '#model/outcome.ts';
import { planSummary } from '#model/sentences.ts';
import type { Unit } from '#model/unit.ts';
import { answer, isNamed } from './asked.ts';
import { isAnother } from './patience.ts';
import { resourceGone, terminated } from './run.ts';
import type { UnitRuntime } from './runtime.ts';
import { anew, settled, type TurnEnd, type TurnPorts } from './turn-ports.ts';

const shownMax = 3;

export async function tryOut(
  runtime: UnitRuntime,
  unit: Unit,
  { plan, content }: MadePlan,
  ports: TurnPorts,
  progress: () => void,
): Promise<TurnEnd> {
  const message = `dry run: ${planSummary(plan)}`;
  if (plan.blocked.length > 0) {
    answer(runtime, message, ports.clock.now());
    return settled;
  }
  const { request } = unit;
  const view: RunView = {
    startedAtMs: ports.clock.now(),
    by: request?.by ?? '',
    automated: false,
    revisions: plan.revisions,
    attempt: 0,
    ...(request?.asWritten === undefined ? {} : { asked: request.asWritten }),
    message,
  };
  const before = runtime.run;
  runtime.run = view;
  progress();
  const isOver = (): boolean => ports.isStopping() || isAnother(runtime.unit, unit);
  const whyEnded = (): Failure | undefined => {
    const { terminate } = runtime.unit;
    if (isNamed(terminate, view.startedAtMs, view.startedAtMs)) return terminated(terminate?.by ?? '');
    return runtime.hasLeft || isOver() ? resourceGone : undefined;
  };
  const steps = await dryRun(plan, content, { cluster: ports.cluster, whyEnded });
  if (isOver()) {
    runtime.run = before;
    return anew;
  }
  answer(runtime, `${message}${remarks(steps)}`, ports.clock.now(), steps);
  return settled;
}

function remarks(steps: readonly StepResult[]): string {
  const failures = steps.flatMap(({ failure }) => failure ?? []);
  const untried = steps.filter((step) => step.untried !== undefined).length;
  const lines = failures.slice(0, shownMax).map(failureLine);
  if (failures.length > shownMax) lines.push(`and ${failures.length - shownMax} more`);
  return [
    failures.length === 0 ? '' : `; ${failures.length} failed: ${lines.join('; ')}`,
    untried === 0 ? '' : `; ${untried} not checked`,
  ].join('');
}
