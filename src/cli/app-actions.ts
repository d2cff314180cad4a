/** `trueup app actions`: what may be done with an object of an Application, and doing it. */
import { customizationsOf } from '#dialects/argo/customizations.ts';
import { dataOf } from '#dialects/argo/settings.ts';
import { mergePatch } from '#dialects/merge-patch.ts';
import type { JsonObject } from '#model/json.ts';
import { describe, refOf, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Cluster } from '#model/ports.ts';
import type { Interpreter, KindActions } from '#model/scripts.ts';
import { judge } from '#pipeline/policy/limits.ts';
import { impactsOf, offeredActions, type Impact } from '#pipeline/scripts/actions.ts';
import { applicationRef, readApplication, textAt } from './applications.ts';
import { CommandEnd, endOf, orEnd, table, type ClusterOptions, type CommandPorts } from './command.ts';
import { readDeclarations } from './declarations.ts';
import { exitCodes } from './exit-codes.ts';

export interface ActionOptions extends ClusterOptions {
  readonly kind?: string;
  readonly group?: string;
  readonly resourceName?: string;
  readonly resourceNamespace?: string;
}
export interface ListActionsOptions extends ActionOptions {
  readonly output: 'table' | 'json';
}
export interface RunActionOptions extends ActionOptions {
  readonly all?: boolean;
  /** `name=value` */
  readonly param: readonly string[];
}

interface Actionable {
  readonly object: Manifest;
  readonly actions: KindActions;
}

export async function listActions(
  name: string,
  options: ListActionsOptions,
  ports: CommandPorts,
): Promise<void> {
  const cluster = orEnd(await ports.cluster(options));
  const application = await readApplication(cluster, applicationRef(name, options.namespace));
  const interpreter = ports.interpreter();
  const rows = [];
  for (const { object, actions } of await actionables(cluster, application, options))
    for (const action of orEnd(offeredActions(actions, object, interpreter)))
      rows.push({ object: refOf(object), ...action });
  await interpreter.close();
  if (options.output === 'json') {
    ports.out(`${JSON.stringify(rows, null, 2)}\n`);
    return;
  }
  if (rows.length === 0) {
    ports.say('there are no actions: argocd-cm names them in resource.customizations.actions.GROUP_KIND\n');
    return;
  }
  ports.out(
    table([
      ['GROUP', 'KIND', 'NAMESPACE', 'NAME', 'ACTION', 'DISABLED'],
      ...rows.map(({ object, name: action, disabled }) => [
        object.group,
        object.kind,
        object.namespace,
        object.name,
        action,
        String(disabled),
      ]),
    ]),
  );
}

export async function runAction(
  name: string,
  action: string,
  options: RunActionOptions,
  ports: CommandPorts,
): Promise<void> {
  const cluster = orEnd(await ports.cluster(options));
  const application = await readApplication(cluster, applicationRef(name, options.namespace));
  const found = await actionables(cluster, application, options);
  if (found.length === 0) throw new CommandEnd(exitCodes.failed, `${name}: no such object has actions`);
  if (found.length > 1 && options.all !== true) {
    const names = found.map(({ object }) => describe(refOf(object))).join(', ');
    throw new CommandEnd(
      exitCodes.usage,
      `${name}: ${found.length} objects match (${names}); name one with --kind and --resource-name, or say --all`,
    );
  }
  const parameters = parametersOf(options.param);
  const { limits } = (await readDeclarations(cluster, options.namespace, ports)).unitOf(application);
  const interpreter = ports.interpreter();
  const orders = found.flatMap(({ object, actions }) =>
    impactsFor(action, object, actions, parameters, interpreter).map((impact) => ({ impact, object })),
  );
  await interpreter.close();
  // All is permitted, or nothing is done.
  const [denied] = judge(
    { ...limits, refusedAnnotations: [] },
    orders.map(({ impact: { object: manifest } }) => ({
      ref: refOf(manifest),
      manifest,
      at: { path: `action ${action}` },
    })),
  );
  if (denied !== undefined) throw endOf(denied);
  for (const { impact, object } of orders) ports.out(`${await carryOut(impact, object, cluster)}\n`);
}

function impactsFor(
  action: string,
  object: Manifest,
  actions: KindActions,
  parameters: Readonly<Record<string, string>>,
  interpreter: Interpreter,
): readonly Impact[] {
  const subject = describe(refOf(object));
  const offers = orEnd(offeredActions(actions, object, interpreter));
  const offered = offers.find((one) => one.name === action);
  const script = actions.actions.find((one) => one.name === action)?.script;
  if (offered === undefined || script === undefined) {
    const names = offers.map((one) => one.name).join(', ') || 'none';
    throw new CommandEnd(exitCodes.usage, `${subject}: has no action "${action}"; there are: ${names}`);
  }
  if (offered.disabled)
    throw new CommandEnd(exitCodes.failed, `${subject}: the action ${action} is disabled at present`);
  const defaults = Object.fromEntries(
    offered.params.flatMap((one) => (one.default === undefined ? [] : [[one.name, one.default]])),
  );
  return orEnd(impactsOf(script, object, { ...defaults, ...parameters }, interpreter));
}

/** Says what was done. A patch holds only for the object as the script saw it. */
async function carryOut({ operation, object }: Impact, before: Manifest, cluster: Cluster): Promise<string> {
  const ref = refOf(object);
  if (operation === 'create') {
    const created = orEnd(await cluster.create(object));
    if (created.result === 'stale')
      throw new CommandEnd(exitCodes.failed, `${describe(ref)}: ${created.why}`);
    return `${describe(ref)}: created`;
  }
  const patch = mergePatch(before, object as unknown as JsonObject) as JsonObject | undefined;
  if (patch === undefined) return `${describe(ref)}: unchanged`;
  const { resourceVersion, uid } = before.metadata;
  const guard = { resourceVersion: String(resourceVersion), uid: String(uid) };
  const metadata = { ...(patch['metadata'] as JsonObject | undefined), ...guard };
  const patched = orEnd(await cluster.mergePatch(ref, { ...patch, metadata }));
  if (patched.result === 'stale')
    throw new CommandEnd(exitCodes.failed, `${describe(ref)}: it changed meanwhile; run this again`);
  return `${describe(ref)}: patched`;
}

/** The live objects of the Application that match, and have actions. */
async function actionables(
  cluster: Cluster,
  application: Manifest,
  options: ActionOptions,
): Promise<readonly Actionable[]> {
  const configMap = orEnd(
    await cluster.read({
      group: '',
      version: 'v1',
      kind: 'ConfigMap',
      namespace: options.namespace,
      name: 'argocd-cm',
    }),
  );
  const { actions, problems } = customizationsOf(dataOf(configMap));
  const [problem] = problems;
  if (problem !== undefined)
    throw new CommandEnd(exitCodes.failed, `argocd-cm: ${problem.key}: ${problem.message}`);
  const found: Actionable[] = [];
  for (const ref of resourcesOf(application).filter((one) => isMeant(one, options))) {
    const name = ref.group === '' ? ref.kind : `${ref.group}/${ref.kind}`;
    const own = actions.find(({ of }) => of === name);
    const object = own === undefined ? undefined : orEnd(await cluster.read(ref));
    if (own !== undefined && object !== undefined) found.push({ object, actions: own.actions });
  }
  return found;
}

function isMeant(ref: ObjectRef, { kind, group, resourceName, resourceNamespace }: ActionOptions): boolean {
  return (
    (kind ?? ref.kind) === ref.kind &&
    (group ?? ref.group) === ref.group &&
    (resourceName ?? ref.name) === ref.name &&
    (resourceNamespace ?? ref.namespace) === ref.namespace
  );
}

function resourcesOf({ status }: Manifest): readonly ObjectRef[] {
  const resources = (status as { readonly resources?: readonly unknown[] } | undefined)?.resources ?? [];
  return resources.map((resource) => ({
    group: textAt(resource, 'group'),
    version: textAt(resource, 'version'),
    kind: textAt(resource, 'kind'),
    namespace: textAt(resource, 'namespace'),
    name: textAt(resource, 'name'),
  }));
}

function parametersOf(given: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new CommandEnd(exitCodes.usage, `--param ${text}: write it as NAME=VALUE`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
