/**
 * Plan files: `trueup plan --out F`, then `trueup apply F`. What is applied is what was written down, or nothing: the
 * file holds no manifests, only what the plan was made from and its digest; who applies it makes the plan anew, and
 * goes on only where that has the same digest.
 */
import { execute } from '#pipeline/apply/execute.ts';
import type { MadePlan } from '#pipeline/pipeline.ts';
import { failureLine } from '#model/failure.ts';
import { isObject, type Json } from '#model/json.ts';
import type { Plan } from '#model/plan.ts';
import { planSummary, stepLine } from '#model/sentences.ts';
import { parseTimestamp } from '#model/time.ts';
import { applicationRef, conditionsOf, readApplication, standingOf, textAt } from './applications.ts';
import { CommandEnd, orEnd, type ClusterOptions, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { waitUntil } from './following.ts';
import { adHoc, blockedEnd, ofResource, planOf, type Mirror } from './plan.ts';
import { applicationWords, openResource } from './resources.ts';
import { formVersion, type PlanFile } from './plan-file.ts';

const approvalAnnotation = 'trueup.dev/approved-plan';
const approvedByAnnotation = 'trueup.dev/approved-by';

export interface ApplyOptions extends ClusterOptions {
  readonly mirror: readonly Mirror[];
  readonly timeoutMs: number;
}

export async function applyCommand(name: string, options: ApplyOptions, ports: CommandPorts): Promise<void> {
  const file = readPlanFile(name, ports);
  const where = { ...options, ...file.of, output: 'table' } as const;
  const subject =
    file.of.app === undefined
      ? await adHoc(where, ports)
      : await ofResource(await openResource(applicationWords(file.of.app), where, ports), where, ports);
  const made = await planOf(subject, ports);
  const { plan } = made;
  if (plan.digest !== file.digest) throw stale(name, file, plan);
  if (plan.blocked.length > 0) throw blockedEnd(plan.blocked);
  if (plan.steps.length === 0) {
    ports.out('in sync: nothing to do\n');
    return;
  }
  if (file.of.app === undefined) await carryOut(made, subject.pipeline.cluster, ports);
  else await approve(file.of.app, file, where, ports);
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

/** Without an Application nobody else acts: the plan is carried out here, each step under its precondition. */
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

/**
 * The server carries it out: it has the leases, the record and the eyes. It plans for itself and runs only the plan
 * that has the approved digest, so that nothing that comes in between is applied by this approval.
 */
async function approve(
  name: string,
  file: PlanFile,
  options: ApplyOptions,
  ports: CommandPorts,
): Promise<void> {
  const cluster = orEnd(await ports.cluster(options));
  const ref = applicationRef(name, options.namespace);
  const before = await readApplication(cluster, ref);
  const setApproval = async (value: Json): Promise<void> => {
    const annotations = {
      [approvalAnnotation]: value,
      [approvedByAnnotation]: value === null ? null : ports.user,
    };
    orEnd(await cluster.mergePatch(ref, { metadata: { annotations } }));
  };
  if (before.metadata.annotations?.['argocd.argoproj.io/skip-reconcile'] === 'true')
    throw new CommandEnd(exitCodes.failed, `${name} is suspended: trueup resume ${name} first`);
  await setApproval(file.digest);
  ports.say(`approved ${file.digest} of ${name}\n`);
  const startedBefore = parseTimestamp(textAt(before, 'status', 'operationState', 'startedAt')) ?? 0;
  try {
    const after = await waitUntil(
      { cluster, ref, plural: 'applications' },
      options.timeoutMs,
      ports,
      (now) => {
        const { phase } = standingOf(now);
        const isSpent = now.metadata.annotations?.[approvalAnnotation] === undefined;
        const started = parseTimestamp(textAt(now, 'status', 'operationState', 'startedAt')) ?? 0;
        return phase !== 'Running' && (isSpent || (phase === 'Failed' && started > startedBefore));
      },
    );
    const { phase, message } = standingOf(after);
    ports.out(`${name}: ${phase}: ${message}\n`);
    if (phase === 'Succeeded') return;
    for (const { type, message: text } of conditionsOf(after)) ports.say(`${type}: ${text}\n`);
    await setApproval(null);
  } catch (error) {
    // An approval that nobody used must not come into force much later.
    await setApproval(null);
    throw error;
  }
  throw new CommandEnd(exitCodes.failed);
}
