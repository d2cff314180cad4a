/**
 * Plan files: `trueup plan --out F`, then `trueup apply F`. What is applied is what was written down, or nothing: the
 * file holds no manifests, only what the plan was made from and its digest; who applies it makes the plan anew, and
 * goes on only where that has the same digest.
 */
import { execute } from '#pipeline/apply/execute.ts';
import type { MadePlan } from '#pipeline/pipeline.ts';
import { failureLine } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { Plan } from '#model/plan.ts';
import { planSummary, stepLine } from '#model/sentences.ts';
import { approveAndWait } from './approve.ts';
import { CommandEnd, type ClusterOptions, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { adHoc, blockedEnd, ofResource, planOf, type Mirror } from './plan.ts';
import { openResource } from './resources.ts';
import { formVersion, type PlanFile } from './plan-file.ts';

export interface ApplyOptions extends ClusterOptions {
  readonly mirror: readonly Mirror[];
  readonly timeoutMs: number;
}

export async function applyCommand(name: string, options: ApplyOptions, ports: CommandPorts): Promise<void> {
  const file = readPlanFile(name, ports);
  const where = { ...options, ...file.of, output: 'table' } as const;
  const { resource } = file.of;
  const opened = resource === undefined ? undefined : await openResource(resource, where, ports);
  const subject = opened === undefined ? await adHoc(where, ports) : await ofResource(opened, where, ports);
  // Who applies it approves it: it may have been held.
  const made = await planOf({ ...subject, unit: { ...subject.unit, approved: file.digest } }, ports);
  const { plan } = made;
  if (plan.digest !== file.digest) throw stale(name, file, plan);
  if (plan.blocked.length > 0) throw blockedEnd(plan.blocked);
  if (plan.steps.length === 0) {
    ports.out('in sync: nothing to do\n');
    return;
  }
  if (opened === undefined) await carryOut(made, subject.pipeline.cluster, ports);
  else await approveAndWait(opened, file.digest, options.timeoutMs, ports);
}

function readPlanFile(name: string, ports: CommandPorts): PlanFile {
  const bad = (why: string): CommandEnd => new CommandEnd(exitCodes.usage, `${name} is no plan file: ${why}`);
  let file: unknown;
  try {
    file = JSON.parse(ports.readFile(name));
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error));
  }
  if (!isObject(file) || !isObject(file['of']) || typeof file['digest'] !== 'string')
    throw bad('write one by trueup plan --out');
  if (file['form'] !== formVersion)
    throw bad(`its form ${String(file['form'])} is not known to this version of Trueup`);
  return file as unknown as PlanFile;
}

/** Says what moved: the commits, and the steps that came, went or are others now. */
function stale(name: string, file: PlanFile, plan: Plan): CommandEnd {
  const commits = plan.revisions.flatMap(({ url, commit, label }) => {
    const then = file.revisions.find((revision) => revision.url === url);
    return then === undefined || then.commit === commit
      ? []
      : [`${url} moved from ${then.label} to ${label}`];
  });
  const now = plan.steps.map(stepLine);
  const gone = file.steps.filter((step) => !now.includes(step)).map((step) => `not any more: ${step}`);
  const came = now.filter((step) => !file.steps.includes(step)).map((step) => `now: ${step}`);
  const moved = [...commits, ...gone, ...came];
  const lines = moved.length === 0 ? ['an object or its recorded state changed in the cluster'] : moved;
  return new CommandEnd(
    exitCodes.failed,
    `${name} is stale, and nothing was applied; since ${file.madeAt}:\n  ${lines.join('\n  ')}\nplan again: trueup plan --out ${name}`,
  );
}

/** Without a resource nobody else acts: the plan is carried out here, each step under its precondition. */
async function carryOut(
  { plan, content }: MadePlan,
  cluster: Parameters<typeof execute>[2]['cluster'],
  ports: CommandPorts,
): Promise<void> {
  const { clock, timers } = ports;
  const executed = await execute(plan, content, { cluster, clock, timers }, ({ step, result }) =>
    ports.say(`${result}: ${step}\n`),
  );
  if (executed.result === 'succeeded') {
    ports.out(`applied: ${planSummary(plan)}\n`);
    return;
  }
  const failures = executed.steps.flatMap(({ failure }) => failure ?? []);
  throw new CommandEnd(exitCodes.failed, failures.map(failureLine).join('\n'));
}
