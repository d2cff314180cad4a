/** `trueup app terminate`: ends the operation in progress after the steps that are under way. */
import { applicationRef, readApplication, standingOf, textAt } from './applications.ts';
import { CommandEnd, orEnd, type ClusterOptions, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { waitUntil } from './app-sync.ts';

/** Carries the start of the operation that is meant, so that no other one is ever hit. */
const terminateAnnotation = 'trueup.dev/terminate';

export interface TerminateOptions extends ClusterOptions {
  readonly timeoutMs: number;
}

export async function appTerminate(
  name: string,
  options: TerminateOptions,
  ports: CommandPorts,
): Promise<void> {
  const cluster = orEnd(await ports.cluster(options));
  const ref = applicationRef(name, options.namespace);
  const before = await readApplication(cluster, ref);
  const started = textAt(before, 'status', 'operationState', 'startedAt');
  if (standingOf(before).phase === 'Running') {
    const wish = `${started} by ${ports.user}`;
    orEnd(await cluster.mergePatch(ref, { metadata: { annotations: { [terminateAnnotation]: wish } } }));
    ports.say(`termination of the operation that began at ${started} requested\n`);
    const after = await waitUntil(cluster, ref, options.timeoutMs, ports, (now) => {
      const isSame = textAt(now, 'status', 'operationState', 'startedAt') === started;
      return !isSame || standingOf(now).phase !== 'Running';
    });
    const { phase, message } = standingOf(after);
    ports.out(`${name}: ${phase}: ${message}\n`);
    return;
  }
  if (before['operation'] === undefined) {
    throw new CommandEnd(exitCodes.failed, `${name}: no operation is in progress`);
  }
  // Nobody has taken it up: it is withdrawn, unless somebody does just now.
  const resourceVersion = String(before.metadata['resourceVersion']);
  const written = orEnd(await cluster.mergePatch(ref, { metadata: { resourceVersion }, operation: null }));
  if (written.result === 'stale') {
    throw new CommandEnd(exitCodes.failed, `${name}: the Application changed meanwhile; run this again`);
  }
  ports.out(`${name}: the sync that nobody had taken up is withdrawn\n`);
}
