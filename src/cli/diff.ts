/** `trueup diff`: field by field what Git and the cluster differ in, and who made it so. */
import { jsonText } from '#model/json.ts';
import { describe } from '#model/object.ts';
import type { FieldChange } from '#model/observed.ts';
import { changesObjects, type Plan, type Step } from '#model/plan.ts';
import { ownerPhrase, planSummary, valuePhrase } from '#model/sentences.ts';
import { failureLine } from '#model/failure.ts';
import { CommandEnd, table, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { ofResource, planOf, type Mirror } from './plan.ts';
import { openResource, type ResourceOptions } from './resources.ts';

export interface DiffOptions extends ResourceOptions {
  readonly mirror: readonly Mirror[];
  readonly revision?: string;
  /** False: end with 0 also when there are differences. */
  readonly exitCode: boolean;
  readonly output: 'table' | 'json';
}

/** As scripts know them of `argocd app diff`: 1 says that there are differences, so a failure is another number. */
export const diffExitCodes = { clean: 0, differences: 1, failed: 2 } as const;

export async function diffCommand(
  words: readonly string[],
  options: DiffOptions,
  ports: CommandPorts,
): Promise<void> {
  const plan = await planned(words, options, ports);
  const isClean = !changesObjects(plan) && plan.kept.length === 0;
  ports.out(options.output === 'json' ? `${jsonText(differences(plan), 2)}\n` : diffText(plan));
  for (const failure of plan.blocked) ports.say(`this would not be applied: ${failureLine(failure)}\n`);
  ports.say(`${plan.revisions.map(({ label }) => label).join(', ')}: ${planSummary(plan)}\n`);
  if (!isClean && options.exitCode) throw new CommandEnd(diffExitCodes.differences);
}

async function planned(words: readonly string[], options: DiffOptions, ports: CommandPorts): Promise<Plan> {
  try {
    const subject = await ofResource(await openResource(words, options, ports), options, ports);
    return (await planOf(subject, ports, options.revision)).plan;
  } catch (error) {
    if (error instanceof CommandEnd && error.exitCode === exitCodes.failed)
      throw new CommandEnd(diffExitCodes.failed, error.message);
    throw error;
  }
}

const verbs: Readonly<Record<Step['action']['verb'], string>> = {
  create: '+',
  apply: '~',
  replace: '~',
  'patch-metadata': '~',
  delete: '-',
  wait: '…',
};

const isShown = ({ action, reason }: Step): boolean =>
  action.verb !== 'wait' && action.verb !== 'replace' && reason !== 'hook';

/** From what is there to what Git says. A drift is told the other way round: from what was applied to what became of it. */
function changesTo({ reason, changes }: Step): readonly FieldChange[] {
  if (reason !== 'drifted') return changes;
  return changes.map(({ before, after, ...change }) => ({
    ...change,
    ...(after === undefined ? {} : { before: after }),
    ...(before === undefined ? {} : { after: before }),
  }));
}

function diffText(plan: Plan): string {
  const steps = plan.steps.filter(isShown).map((step) => {
    const head = `${verbs[step.action.verb]} ${describe(step.object)}  ${step.reason}\n`;
    if (step.changes.length === 0) return head;
    const lines = table([['FIELD', 'BEFORE', 'AFTER', 'OWNER'], ...changesTo(step).map(cells)]);
    return `${head}${lines.replace(/^(?=.)/gm, '    ')}`;
  });
  const kept = plan.kept.map(({ ref, why }) => `= ${describe(ref)}  kept: ${why}\n`);
  return [...steps, ...kept].join('');
}

function cells({ path, before, after, secret, owner }: FieldChange): readonly string[] {
  if (secret === true) return [path, 'secret', 'changed', ownerPhrase(owner)];
  return [path, valuePhrase(before), valuePhrase(after), ownerPhrase(owner)];
}

function differences({ steps, kept, digest, revisions }: Plan): unknown {
  return {
    digest,
    revisions,
    objects: steps.filter(isShown).map((step) => ({
      object: step.object,
      verb: step.action.verb,
      reason: step.reason,
      changes: changesTo(step),
    })),
    kept,
  };
}
