/** What `trueup plan --out F` writes down, and `trueup apply F` reads. */
import type { Plan } from '#model/plan.ts';
import { planSummary, stepLine } from '#model/sentences.ts';
import { timestamp } from '#model/time.ts';
import type { CommandPorts } from './command.ts';

export const formVersion = 2;

/** What of the options decides over the plan. */
export interface Origin {
  /** The kind, and the namespace and name, of what declares the Unit. */
  readonly resource?: readonly string[];
  readonly repo?: string;
  readonly path?: string;
  readonly ref?: string;
  readonly recurse?: boolean;
  readonly destNamespace: string;
  readonly namespace: string;
}

export interface PlanFile {
  readonly form: number;
  readonly madeAt: string;
  readonly by: string;
  readonly of: Origin;
  readonly digest: string;
  readonly revisions: readonly { readonly url: string; readonly commit: string; readonly label: string }[];
  /** For people, and to tell what moved; Secrets without values. */
  readonly steps: readonly string[];
  readonly summary: string;
}

export function planFileText(
  plan: Plan,
  options: Origin,
  ports: Pick<CommandPorts, 'user' | 'clock'>,
): string {
  const { resource, repo, path, ref, recurse, destNamespace, namespace } = options;
  const of =
    resource === undefined
      ? { repo, path, ref, recurse, destNamespace, namespace }
      : { resource, destNamespace, namespace };
  const file = {
    form: formVersion,
    madeAt: timestamp(ports.clock.now()),
    by: ports.user,
    of,
    digest: plan.digest,
    revisions: plan.revisions.map(({ url, commit, label }) => ({ url, commit, label })),
    steps: plan.steps.map(stepLine),
    summary: planSummary(plan),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}
