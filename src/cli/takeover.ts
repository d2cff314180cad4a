/** `trueup takeover` and `trueup hand-back`: from another controller to Trueup, and the way back. */
import { describe, keyText } from '#model/object.ts';
import type { Manifest } from '#model/object.ts';
import { observe } from '#pipeline/pipeline.ts';
import { appSync, refuseWhileOldControllerRuns } from './app-sync.ts';
import { readState } from './app-history.ts';
import { applicationRef, readApplication, standingOf } from './applications.ts';
import { CommandEnd, orEnd, type ClusterOptions, type CommandPorts } from './command.ts';
import { readDeclarations } from './declarations.ts';
import { exitCodes } from './exit-codes.ts';
import { blockedEnd, ofApplication, planOf, planText, type Mirror } from './plan.ts';

export interface TakeoverOptions extends ClusterOptions {
  readonly mirror: readonly Mirror[];
  readonly yes?: boolean;
  readonly timeoutMs: number;
}

/** The first plan is shown in any case; nothing is activated that was not asked for by --yes (F29). */
export async function takeoverCommand(
  name: string,
  options: TakeoverOptions,
  ports: CommandPorts,
): Promise<void> {
  const cluster = orEnd(await ports.cluster(options));
  const application = await readApplication(cluster, applicationRef(name, options.namespace));
  const declarations = await readDeclarations(cluster, options.namespace, ports);
  const observed = declarations.observed(application);
  if (observed === undefined) {
    ports.out(`${name} is not kept by another controller: there is nothing to take over\n`);
    return;
  }
  if (options.yes === true)
    await refuseWhileOldControllerRuns(cluster, application, options.namespace, ports);
  const { plan } = await planOf(await ofApplication(name, options, ports), ports);
  ports.out(planText(plan));
  if (plan.blocked.length > 0) throw blockedEnd(plan.blocked);
  if (options.yes !== true) {
    ports.say(
      `${name} is ${observed}\nnothing was changed; this plan is carried out by: trueup takeover ${name} --yes\n`,
    );
    return;
  }
  const { kubeconfig, context, namespace, timeoutMs } = options;
  const where = {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  };
  await appSync(name, { ...where, namespace, timeoutMs }, ports);
}

/** Wishes to Trueup that would mean nothing to another controller, or come into force at a later return. */
const ownWishes = ['trueup.dev/approved-plan', 'trueup.dev/terminate'] as const;

export async function handBackCommand(
  name: string,
  options: ClusterOptions,
  ports: CommandPorts,
): Promise<void> {
  const cluster = orEnd(await ports.cluster(options));
  const ref = applicationRef(name, options.namespace);
  const application = await readApplication(cluster, ref);
  if (standingOf(application).phase === 'Running' || application['operation'] !== undefined) {
    throw new CommandEnd(
      exitCodes.failed,
      `${name}: an operation is in progress; wait for it: trueup app wait ${name} --operation`,
    );
  }
  const state = await readState(cluster, application);
  const declarations = await readDeclarations(cluster, options.namespace, ports);
  const { tracking, manager } = declarations.unitOf(application);
  const mark = tracking.annotation ?? tracking.labels?.[0]?.key;
  const objects = state?.inventory.map((entry) => entry.ref) ?? [];
  const sightings = await observe(objects, cluster);
  const unmarked = objects.filter((object) => {
    const sighting = sightings.get(keyText(object));
    return (
      sighting?.state === 'present' && mark !== undefined && sighting.object.tracking[mark] === undefined
    );
  });
  const annotations = application.metadata.annotations ?? {};
  const left = ownWishes.filter((wish) => annotations[wish] !== undefined);
  if (left.length > 0) {
    const removed = Object.fromEntries(left.map((wish) => [wish, null]));
    orEnd(await cluster.mergePatch(ref, { metadata: { annotations: removed } }));
  }
  ports.out(
    [
      `${describe(ref)}: ${objects.length} objects, applied as ${manager}${mark === undefined ? '' : `, marked by ${mark}`}; status and history are in the Application`,
      ...unmarked.map((object) => `  ${describe(object)} has lost its mark: sync once before you go on`),
      'next:',
      `  1. stop trueup start for namespace ${options.namespace}; if it runs on, it stands back by itself once the other controller is ready`,
      ...startCommands(declarations.controllers, options.namespace).map((line) => `  2. ${line}`),
      'UnitStates may stay: they do no harm, go with their Applications, and make a return exact.',
      '',
    ].join('\n'),
  );
}

function startCommands(controllers: readonly Manifest[], namespace: string): readonly string[] {
  const names = controllers.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`);
  const scaled = names.length > 0 ? names : ['statefulset/argocd-application-controller'];
  return scaled.map((target) => `kubectl -n ${namespace} scale ${target} --replicas=1`);
}
