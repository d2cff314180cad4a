/** `trueup suspend`, `resume` and `reconcile`: wishes that stand in the resource itself, as its own users write them. */
import type { JsonObject } from '#model/json.ts';
import { describe, refOf, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Cluster } from '#model/ports.ts';
import { timestamp } from '#model/time.ts';
import { textAt } from './applications.ts';
import { CommandEnd, orEnd, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import {
  kindsNamed,
  listedKinds,
  namespaceFor,
  readResource,
  resourceStanding,
  skipAnnotation,
  unknownKind,
  type ListedKind,
  type ResourceOptions,
} from './resources.ts';

/** Why and by whom, for those who find it suspended. */
const reasonAnnotation = 'trueup.dev/suspended';
const fluxRequestAnnotation = 'reconcile.fluxcd.io/requestedAt';
const argoRefreshAnnotation = 'argocd.argoproj.io/refresh';

const isFlux = ({ group }: { readonly group: string }): boolean => group.endsWith('toolkit.fluxcd.io');

export interface SuspendOptions extends ResourceOptions {
  readonly reason?: string;
}

/** `NAME`, `KIND NAME`, or as flux has it `source git NAME`. */
export function refOfWords(
  words: readonly string[],
  kinds: readonly ListedKind[],
  options: ResourceOptions,
): ObjectRef {
  const [name = '', ...before] = words.toReversed();
  const word =
    before.find((part) => !/^sources?$/i.test(part)) ?? (before.length > 0 ? '' : kinds[0]!.plural);
  const [found] = word === '' || word === 'all' ? [] : kindsNamed(word, kinds);
  if (found === undefined) throw unknownKind(word || words.join(' '), kinds);
  const [last = '', namespace = namespaceFor(found.kind, options)] = name.split('/').toReversed();
  return { ...found.kind, namespace, name: last };
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
  const { cluster, ref } = await opened(words, options, ports);
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
  const { cluster, ref, resource } = await opened(words, options, ports);
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
  const { cluster, ref, resource, kinds } = await opened(words, options, ports);
  if (resourceStanding(resource).isSuspended) {
    throw new CommandEnd(
      exitCodes.failed,
      `${describe(ref)} is suspended: nothing would be done; trueup resume ${ref.name} first`,
    );
  }
  const source = options.withSource === true ? sourceOf(resource, kinds) : undefined;
  if (source !== undefined) await request(cluster, source, ports);
  await request(cluster, ref, ports);
}

async function request(cluster: Cluster, ref: ObjectRef, ports: CommandPorts): Promise<void> {
  const annotations = isFlux(ref)
    ? { [fluxRequestAnnotation]: timestamp(ports.clock.now()) }
    : { [argoRefreshAnnotation]: 'normal' };
  orEnd(await cluster.mergePatch(ref, { metadata: { annotations } }));
  ports.out(`${describe(ref)} is to be looked at now\n`);
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

async function opened(
  words: readonly string[],
  options: ResourceOptions,
  ports: CommandPorts,
): Promise<{
  readonly cluster: Cluster;
  readonly ref: ObjectRef;
  readonly resource: Manifest;
  readonly kinds: readonly ListedKind[];
}> {
  const kinds = listedKinds(ports.dialects(options.namespace));
  const ref = refOfWords(words, kinds, options);
  const cluster = orEnd(await ports.cluster(options));
  return { cluster, ref, resource: await readResource(cluster, ref), kinds };
}
