/** `trueup suspend`, `resume` and `reconcile`: wishes that stand in the resource itself, as its own users write them. */
import type { JsonObject } from '#model/json.ts';
import { describe, refOf, type Manifest, type ObjectRef } from '#model/object.ts';
import { timestamp } from '#model/time.ts';
import { textAt } from './applications.ts';
import { CommandEnd, orEnd, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { waitUntil } from './following.ts';
import {
  isFlux,
  openResource,
  resourceStanding,
  skipAnnotation,
  wordsOf,
  type ListedKind,
  type Opened,
  type ResourceOptions,
} from './resources.ts';

/** Why and by whom, for those who find it suspended. */
const reasonAnnotation = 'trueup.dev/suspended';
const fluxRequestAnnotation = 'reconcile.fluxcd.io/requestedAt';
const argoRefreshAnnotation = 'argocd.argoproj.io/refresh';

export interface SuspendOptions extends ResourceOptions {
  readonly reason?: string;
}

/**
 * An Application keeps its policy: the annotation with which Argo CD is told to leave it alone stops either controller,
 * and taking it off brings back exactly what was. Flux's kinds have a field for it.
 */
export async function suspendCommand(
  words: readonly string[],
  options: SuspendOptions,
  ports: CommandPorts,
): Promise<void> {
  const { cluster, ref } = await openResource(words, options, ports);
  const why = options.reason === undefined ? '' : `: ${options.reason}`;
  const note = `by ${ports.user} at ${timestamp(ports.clock.now())}${why}`;
  const annotations = { [reasonAnnotation]: note };
  orEnd(
    await cluster.mergePatch(
      ref,
      isFlux(ref)
        ? { metadata: { annotations }, spec: { suspend: true } }
        : { metadata: { annotations: { ...annotations, [skipAnnotation]: 'true' } } },
    ),
  );
  ports.out(`${describe(ref)} is suspended: nothing is applied by itself, drift stays\n`);
}

export async function resumeCommand(
  words: readonly string[],
  options: ResourceOptions,
  ports: CommandPorts,
): Promise<void> {
  const { cluster, ref, resource } = await openResource(words, options, ports);
  if (!resourceStanding(resource).isSuspended) {
    ports.out(`${describe(ref)} is not suspended\n`);
    return;
  }
  const annotations = { [reasonAnnotation]: null };
  const patch: JsonObject = isFlux(ref)
    ? { metadata: { annotations }, spec: { suspend: false } }
    : { metadata: { annotations: { ...annotations, [skipAnnotation]: null } } };
  orEnd(await cluster.mergePatch(ref, patch));
  ports.out(`${describe(ref)} is resumed\n`);
}

export interface ReconcileOptions extends ResourceOptions {
  readonly withSource?: boolean;
}

/** Asks that it be looked at now; what its policy says is done, and no more. */
export async function reconcileCommand(
  words: readonly string[],
  options: ReconcileOptions,
  ports: CommandPorts,
): Promise<void> {
  const opened = await openResource(words, options, ports);
  const { ref, resource } = opened;
  if (resourceStanding(resource).isSuspended) {
    throw new CommandEnd(
      exitCodes.failed,
      `${describe(ref)} is suspended: nothing would be done; trueup resume ${wordsOf(opened)} first`,
    );
  }
  if (options.withSource === true) await requestOfSource(opened, ports);
  await requestLook(opened, ports);
  ports.out(`${describe(ref)} is to be looked at now\n`);
}

/** Answered when the status says so, with its source before it; and what came of it. */
export async function reconcileAndWait(
  opened: Opened,
  timeoutMs: number,
  ports: CommandPorts,
): Promise<void> {
  const { cluster, ref } = opened;
  await requestOfSource(opened, ports);
  const asked = await requestLook(opened, ports);
  ports.say(`${describe(ref)} is to be looked at now\n`);
  try {
    const after = await waitUntil(opened, timeoutMs, ports, (now) => {
      const isAnswered = textAt(now, 'status', 'lastHandledReconcileAt') === asked;
      return isAnswered && resourceStanding(now).ready !== 'Unknown';
    });
    const { ready, message } = resourceStanding(after);
    ports.out(`${ref.name}: ${ready === 'True' ? 'Ready' : 'not Ready'}: ${message}\n`);
    if (ready !== 'True') throw new CommandEnd(exitCodes.failed);
  } catch (error) {
    const now = await cluster.read(ref);
    const isOpen = now.ok && textAt(now.value, 'status', 'lastHandledReconcileAt') !== asked;
    // Carried out hours later it would surprise.
    if (isOpen)
      await cluster.mergePatch(ref, { metadata: { annotations: { [fluxRequestAnnotation]: null } } });
    throw error;
  }
}

async function requestOfSource({ cluster, resource, kinds }: Opened, ports: CommandPorts): Promise<void> {
  const source = sourceOf(resource, kinds);
  if (source === undefined) return;
  await requestLook({ cluster, ref: source }, ports);
  ports.say(`${describe(source)} is to be looked at now\n`);
}

/** What was written, by which the answer of Flux's kinds is known. */
export async function requestLook(
  { cluster, ref }: Pick<Opened, 'cluster' | 'ref'>,
  ports: CommandPorts,
): Promise<string> {
  const asked = timestamp(ports.clock.now());
  const annotations = isFlux(ref)
    ? { [fluxRequestAnnotation]: asked }
    : { [argoRefreshAnnotation]: 'normal' };
  orEnd(await cluster.mergePatch(ref, { metadata: { annotations } }));
  return asked;
}

/** What `spec.sourceRef` names; an Application's repository is asked anyway. */
function sourceOf(resource: Manifest, kinds: readonly ListedKind[]): ObjectRef | undefined {
  const kind = kinds.find(
    (one) => one.role === 'source' && one.kind.kind === textAt(resource, 'spec', 'sourceRef', 'kind'),
  );
  if (kind === undefined) return undefined;
  const namespace = textAt(resource, 'spec', 'sourceRef', 'namespace') || refOf(resource).namespace;
  return { ...kind.kind, namespace, name: textAt(resource, 'spec', 'sourceRef', 'name') };
}
