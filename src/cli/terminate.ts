/** `trueup terminate`: ends the operation in progress after the steps that are under way. */
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { timestamp } from '#model/time.ts';
import { standingOf, textAt } from './applications.ts';
import { CommandEnd, orEnd, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { waitUntil } from './following.ts';
import { readState } from './history.ts';
import { openResource, type Opened, type ResourceOptions } from './resources.ts';

/** Carries the start of the operation that is meant, so that no other one is ever hit. */
const terminateAnnotation = 'trueup.dev/terminate';

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
  const started = await startOfRun(opened);
  if (started !== undefined) {
    const wish = `${started} by ${ports.user}`;
    orEnd(await cluster.mergePatch(ref, { metadata: { annotations: { [terminateAnnotation]: wish } } }));
    ports.say(`termination of the operation that began at ${started} requested\n`);
    // It is taken off when the operation is over, however that ended.
    const after = await waitUntil(opened, options.timeoutMs, ports, (now) => !hasWish(now));
    ports.out(`${ref.name}: ${await outcomeOf(opened, after)}\n`);
    return;
  }
  if (!isObject(resource['operation'])) {
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

/** An Application's status says when it began; of other kinds it stands in the record of the Unit. */
async function startOfRun({ cluster, resource }: Opened): Promise<string | undefined> {
  if (standingOf(resource).phase === 'Running')
    return textAt(resource, 'status', 'operationState', 'startedAt');
  const intent = (await readState(cluster, resource))?.intent;
  return intent === undefined ? undefined : timestamp(intent.startedAtMs);
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
