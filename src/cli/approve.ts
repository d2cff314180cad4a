/** `trueup approve`: a person's word for exactly one plan, of any kind that declares Units. */
import { approvalInVain, approvalRequest, approvalWithdrawal, waitingPlans } from '#dialects/approval.ts';
import { describe, type Manifest } from '#model/object.ts';
import type { HistoryEntry } from '#model/outcome.ts';
import { approvalAnnotation } from '#model/wishes.ts';
import { conditionsOf, standingOf, textAt } from './applications.ts';
import { CommandEnd, orEnd, type CommandPorts } from './command.ts';
import { readDeclarations } from './declarations.ts';
import { exitCodes } from './exit-codes.ts';
import { waitUntil } from './following.ts';
import { readState } from './history.ts';
import { refuseWhileOldControllerRuns } from './old-controller.ts';
import {
  isFlux,
  openResource,
  resourceStanding,
  wordsOf,
  type Opened,
  type ResourceOptions,
} from './resources.ts';

export interface ApproveOptions extends ResourceOptions {
  /** Its digest; absent: the plan that waits now. */
  readonly plan?: string;
  readonly timeoutMs: number;
}

export async function approveCommand(
  words: readonly string[],
  options: ApproveOptions,
  ports: CommandPorts,
): Promise<void> {
  const opened = await openResource(words, options, ports);
  const declarations = await readDeclarations(opened.cluster, opened.controlNamespace, ports);
  refuseWhileOldControllerRuns(opened.resource, declarations, ports);
  const plan = planToApprove(opened.resource, options.plan ?? true);
  await approveAndWait(opened, plan, options.timeoutMs, ports);
}

/** The plan that waits for a person, or the one that was named if it is one that waits. */
export function planToApprove(resource: Manifest, wanted: string | true): string {
  const { name } = resource.metadata;
  const [first] = waitingPlans(resource);
  if (wanted === true && first === undefined)
    throw new CommandEnd(exitCodes.failed, `${name}: no plan waits for approval`);
  const plan = wanted === true ? first! : wanted;
  const stale = approvalInVain(resource, plan);
  if (stale !== undefined) throw new CommandEnd(exitCodes.failed, `${name}: ${stale}`);
  return plan;
}

/**
 * The server carries it out: it has the leases, the record and the eyes. It plans for itself and runs only the plan
 * that has the approved digest, so that nothing that comes in between is applied by this approval.
 */
export async function approveAndWait(
  opened: Opened,
  plan: string,
  timeoutMs: number,
  ports: CommandPorts,
): Promise<void> {
  const { cluster, ref, resource: before } = opened;
  const words = wordsOf(opened);
  if (resourceStanding(before).isSuspended)
    throw new CommandEnd(exitCodes.failed, `${words} is suspended: trueup resume ${words} first`);
  const [earlier] = await syncsOf(opened, before);
  orEnd(await cluster.mergePatch(ref, approvalRequest(plan, ports.user, ports.clock.now())));
  ports.say(`approved ${plan} of ${ref.name}\n`);
  try {
    const after = await waitUntil(opened, timeoutMs, ports, isOver(before, plan));
    const ran = (await syncsOf(opened, after)).find(
      (entry) => entry.plan === plan && entry.id > (earlier?.id ?? 0),
    );
    if (ran?.result === 'succeeded') {
      ports.out(`${ref.name}: Succeeded: ${ran.message}\n`);
      return;
    }
    const why = ran === undefined ? whyNot(after, plan) : `Failed: ${ran.message}`;
    throw new CommandEnd(exitCodes.failed, `${describe(ref)}: ${why}`);
  } catch (error) {
    const now = await cluster.read(ref);
    // An approval that nobody used must not come into force much later.
    if (now.ok && now.value !== undefined && isApproved(now.value, plan))
      orEnd(await cluster.mergePatch(ref, approvalWithdrawal));
    throw error;
  }
}

type SyncEntry = Extract<HistoryEntry, { kind: 'sync' }>;

/** The last one first: they stand in the record before the status says that they are over. */
async function syncsOf({ cluster }: Opened, resource: Manifest): Promise<readonly SyncEntry[]> {
  const { history = [] } = (await readState(cluster, resource)) ?? {};
  return history.filter((entry) => entry.kind === 'sync').toReversed();
}

const isApproved = ({ metadata }: Manifest, plan: string): boolean =>
  metadata.annotations?.[approvalAnnotation] === plan;

/** It is taken off when the plan has run; else it failed, or another plan waits by now. */
function isOver(before: Manifest, plan: string): (now: Manifest) => boolean {
  const known = [plan, ...waitingPlans(before)];
  const failedBefore = failureOf(before);
  return (now) => {
    if (standingOf(now).phase === 'Running') return false;
    if (!isApproved(now, plan)) return true;
    if (waitingPlans(now).some((digest) => !known.includes(digest))) return true;
    const failed = failureOf(now);
    return failed !== undefined && failed !== failedBefore;
  };
}

/** What tells one failed attempt from another. */
function failureOf(resource: Manifest): string | undefined {
  if (!isFlux({ group: resource.apiVersion.split('/')[0]! })) {
    const { phase } = standingOf(resource);
    return phase === 'Failed' ? textAt(resource, 'status', 'operationState', 'startedAt') : undefined;
  }
  const { ready, message } = resourceStanding(resource);
  return ready === 'False' ? message : undefined;
}

function whyNot(resource: Manifest, plan: string): string {
  const [waiting] = waitingPlans(resource);
  if (waiting !== undefined && waiting !== plan)
    return `nothing was applied: what was approved is plan ${plan}, and by now it would be ${waiting}`;
  const { phase, message } = standingOf(resource);
  if (phase === '') return resourceStanding(resource).message;
  const conditions = conditionsOf(resource).map(({ type, message: text }) => `\n${type}: ${text}`);
  return `${phase}: ${message}${conditions.join('')}`;
}
