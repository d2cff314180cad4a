/** `trueup terminate`: ends the operation in progress after the steps that are under way. */
import { operationNow } from '#dialects/argo/operation-request.ts';
import { terminateRequest } from '#dialects/termination.ts';
import type { Manifest } from '#model/object.ts';
import { terminateAnnotation } from '#model/wishes.ts';
import { standingOf } from './applications.ts';
import { CommandEnd, orEnd, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { waitUntil } from './following.ts';
import { readState } from './history.ts';
import { openResource, type Opened, type ResourceOptions } from './resources.ts';

export interface TerminateOptions extends ResourceOptions {
  readonly timeoutMs: number;
}

export async function terminateCommand(
  words: readonly string[],
  options: TerminateOptions,
  ports: CommandPorts,
): Promise<void> {
  const opened = await openResource(words, options, ports);
  const { cluster, ref, resource } = opened;
  const { isAsked, startedAt } = operationNow(resource, await readState(cluster, resource));
  if (startedAt !== undefined) {
    orEnd(await cluster.mergePatch(ref, terminateRequest(startedAt, ports.user)));
    ports.say(`termination of the operation that began at ${startedAt} requested\n`);
    // It is taken off when the operation is over, however that ended.
    const after = await waitUntil(opened, options.timeoutMs, ports, (now) => !hasWish(now));
    ports.out(`${ref.name}: ${await outcomeOf(opened, after)}\n`);
    return;
  }
  if (!isAsked) {
    throw new CommandEnd(exitCodes.failed, `${ref.name}: no operation is in progress`);
  }
  // Nobody has taken it up: it is withdrawn, unless somebody does just now.
  const resourceVersion = String(resource.metadata['resourceVersion']);
  const written = orEnd(await cluster.mergePatch(ref, { metadata: { resourceVersion }, operation: null }));
  if (written.result === 'stale') {
    throw new CommandEnd(exitCodes.failed, `${ref.name}: the Application changed meanwhile; run this again`);
  }
  ports.out(`${ref.name}: the sync that nobody had taken up is withdrawn\n`);
}

const hasWish = ({ metadata }: Manifest): boolean =>
  metadata.annotations?.[terminateAnnotation] !== undefined;

/** Of kinds whose status tells of no operation it stands in the record, which is written first. */
async function outcomeOf({ cluster }: Opened, resource: Manifest): Promise<string> {
  const { phase, message } = standingOf(resource);
  if (phase !== '') return `${phase}: ${message}`;
  const last = (await readState(cluster, resource))?.history.findLast(({ kind }) => kind === 'sync');
  return last?.kind === 'sync' ? `${last.result}: ${last.message}` : 'it is over';
}
