/** `trueup takeover` and `trueup hand-back`: from another controller to Trueup, and the way back. */
import { describe, keyText, type Manifest, type ObjectRef } from '#model/object.ts';
import {
  approvalAnnotation,
  approvedAtAnnotation,
  approvedByAnnotation,
  pruneAnnotation,
  terminateAnnotation,
} from '#model/wishes.ts';
import { observe } from '#pipeline/pipeline.ts';
import { appSync } from './app-sync.ts';
import { standingOf } from './applications.ts';
import { CommandEnd, orEnd, type CommandPorts } from './command.ts';
import { readDeclarations } from './declarations.ts';
import { exitCodes } from './exit-codes.ts';
import { readState } from './history.ts';
import { refuseWhileOldControllerRuns } from './old-controller.ts';
import { blockedEnd, ofResource, planOf, planText, type Mirror } from './plan.ts';
import { isFlux, openResource, wordsOf, type Opened, type ResourceOptions } from './resources.ts';
import { reconcileAndWait } from './suspend.ts';

export interface TakeoverOptions extends ResourceOptions {
  readonly mirror: readonly Mirror[];
  readonly yes?: boolean;
  readonly timeoutMs: number;
}

/** The first plan is shown in any case; nothing is activated that was not asked for by --yes (F29). */
export async function takeoverCommand(
  words: readonly string[],
  options: TakeoverOptions,
  ports: CommandPorts,
): Promise<void> {
  const opened = await openResource(words, options, ports);
  const { ref, resource } = opened;
  const subject = await ofResource(opened, options, ports);
  const observed = subject.declarations.observed(resource);
  if (observed === undefined) {
    ports.out(`${ref.name} is not kept by another controller: there is nothing to take over\n`);
    return;
  }
  if (options.yes === true) refuseWhileOldControllerRuns(resource, subject.declarations, ports);
  const { plan } = await planOf(subject, ports);
  ports.out(planText(plan));
  if (plan.blocked.length > 0) throw blockedEnd(plan.blocked);
  if (options.yes === true) return activate(opened, options, ports);
  ports.say(
    `${ref.name} is ${observed}\nnothing was changed; this plan is carried out by: trueup takeover ${wordsOf(opened)} --yes\n`,
  );
}

/** The first request makes it ours; of Flux's kinds with its source, which keeps a status of its own. */
async function activate(opened: Opened, options: TakeoverOptions, ports: CommandPorts): Promise<void> {
  const { ref, controlNamespace: namespace } = opened;
  if (isFlux(ref)) return reconcileAndWait(opened, options.timeoutMs, ports);
  const { kubeconfig, context, timeoutMs } = options;
  const where = {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    namespace,
  };
  await appSync(wordsOf(opened), { ...where, timeoutMs }, ports);
}

/** Wishes to Trueup that would mean nothing to another controller, or come into force at a later return. */
const ownWishes = [
  approvalAnnotation,
  approvedByAnnotation,
  approvedAtAnnotation,
  terminateAnnotation,
  pruneAnnotation,
] as const;

export async function handBackCommand(
  words: readonly string[],
  options: ResourceOptions,
  ports: CommandPorts,
): Promise<void> {
  const opened = await openResource(words, options, ports);
  const { cluster, ref, resource, controlNamespace } = opened;
  const state = await readState(cluster, resource);
  const isRunning = standingOf(resource).phase === 'Running' || state?.intent !== undefined;
  if (isRunning || resource['operation'] !== undefined) {
    throw new CommandEnd(
      exitCodes.failed,
      `${ref.name}: an operation is in progress; wait for its end, or terminate it`,
    );
  }
  const declarations = await readDeclarations(cluster, controlNamespace, ports);
  const { tracking, manager } = declarations.unitOf(resource);
  const mark = tracking.annotation ?? tracking.labels?.[0]?.key;
  const objects = state?.inventory.map((entry) => entry.ref) ?? [];
  const sightings = await observe(objects, cluster);
  const unmarked = objects.filter((object) => {
    const sighting = sightings.get(keyText(object));
    return (
      sighting?.state === 'present' && mark !== undefined && sighting.object.tracking[mark] === undefined
    );
  });
  const annotations = resource.metadata.annotations ?? {};
  const left = ownWishes.filter((wish) => annotations[wish] !== undefined);
  if (left.length > 0) {
    const removed = Object.fromEntries(left.map((wish) => [wish, null]));
    orEnd(await cluster.mergePatch(ref, { metadata: { annotations: removed } }));
  }
  ports.out(
    [
      `${describe(ref)}: ${objects.length} objects, applied as ${manager}${mark === undefined ? '' : `, marked by ${mark}`}; status and history are in the ${ref.kind}`,
      ...unmarked.map((object) => `  ${describe(object)} has lost its mark: sync once before you go on`),
      'next:',
      `  1. stop trueup start for namespace ${controlNamespace}; if it runs on, it stands back by itself once the other controller is ready`,
      ...startCommands(ref, declarations.controllers, controlNamespace).map((line) => `  2. ${line}`),
      'UnitStates may stay: they do no harm, go with their resources, and make a return exact.',
      '',
    ].join('\n'),
  );
}

/** The controllers that go on with a resource of this kind: those that are there, else as they are installed. */
function startCommands(
  ref: ObjectRef,
  controllers: readonly Manifest[],
  namespace: string,
): readonly string[] {
  const partOf = ({ metadata }: Manifest): string => metadata.labels?.['app.kubernetes.io/part-of'] ?? '';
  const found = controllers.filter((controller) => (partOf(controller) === 'flux') === isFlux(ref));
  const scaled = found.map(({ kind, metadata }) => ({
    target: `${kind.toLowerCase()}/${metadata.name}`,
    where: metadata.namespace ?? namespace,
  }));
  const installed = isFlux(ref)
    ? ['source-controller', 'kustomize-controller'].map((name) => ({
        target: `deployment/${name}`,
        where: 'flux-system',
      }))
    : [{ target: 'statefulset/argocd-application-controller', where: namespace }];
  return (scaled.length > 0 ? scaled : installed).map(
    ({ target, where }) => `kubectl -n ${where} scale ${target} --replicas=1`,
  );
}
