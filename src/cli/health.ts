/** `trueup health`: judges live objects of a file without any cluster, for who writes checks in Lua. */
import { customizationsOf } from '#dialects/argo/customizations.ts';
import { dataOf } from '#dialects/argo/settings.ts';
import { isObject, jsonText } from '#model/json.ts';
import { describe, refOf, type Manifest } from '#model/object.ts';
import { judgeHealth } from '#pipeline/health/health.ts';
import type { Judgement } from '#pipeline/health/reading.ts';
import { ScriptedHealth } from '#pipeline/health/scripted.ts';
import { CommandEnd, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { readManifests } from './manifest-files.ts';

export interface HealthOptions {
  readonly file: string;
  /** A file with the ConfigMap argocd-cm. */
  readonly config?: string;
  readonly exitCode?: boolean;
  readonly output: 'table' | 'json';
}
interface Judged extends Judgement {
  readonly object: Manifest;
}

export async function healthCommand(options: HealthOptions, ports: CommandPorts): Promise<void> {
  const objects = readManifests(options.file, ports).flatMap((manifest) => itemsOf(manifest, options.file));
  if (objects.length === 0) throw new CommandEnd(exitCodes.usage, `${options.file}: has no objects`);
  const interpreter = ports.interpreter();
  // Nothing is tried again later: the command is over then.
  const timers = { after: () => () => undefined };
  const scripted = new ScriptedHealth({ interpreter, clock: ports.clock, timers });
  scripted.use(checksOf(options, ports));
  const judged = objects.map((object): Judged => ({
    object,
    ...judgeHealth(object, (manifest) => scripted.judge(manifest)),
  }));
  await interpreter.close();
  ports.out(options.output === 'json' ? asJson(judged) : judged.map(asText).join('\n'));
  if (options.exitCode === true && judged.some(({ health }) => health.status !== 'Healthy'))
    throw new CommandEnd(exitCodes.unhealthy);
}

function checksOf({ config }: HealthOptions, ports: CommandPorts): Parameters<ScriptedHealth['use']>[0] {
  if (config === undefined) return [];
  const [configMap] = readManifests(config, ports).filter(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata?.name === 'argocd-cm',
  );
  if (configMap === undefined) throw new CommandEnd(exitCodes.usage, `${config}: has no ConfigMap argocd-cm`);
  const { health, problems } = customizationsOf(dataOf(configMap), config);
  const [problem] = problems;
  if (problem !== undefined)
    throw new CommandEnd(exitCodes.failed, `${config}: ${problem.key}: ${problem.message}`);
  return health;
}

/** `kubectl get` of several objects gives a list. */
function itemsOf(manifest: Manifest, file: string): readonly Manifest[] {
  const { items, kind } = manifest;
  const isList = Array.isArray(items) && String(kind).endsWith('List');
  const objects = isList ? (items as readonly Manifest[]) : [manifest];
  if (objects.every(isWhole)) return objects;
  const what = 'there is something that is no object with apiVersion, kind and metadata';
  throw new CommandEnd(exitCodes.usage, `${file}: ${what}`);
}

function isWhole(object: unknown): boolean {
  if (!isObject(object)) return false;
  const { apiVersion, kind, metadata } = object;
  return typeof apiVersion === 'string' && typeof kind === 'string' && isObject(metadata);
}

function asText({ object, health, rule, printed }: Judged): string {
  const lines = [
    `${describe(refOf(object))}: ${health.status}`,
    ...(health.message === undefined ? [] : [`  ${health.message}`]),
    `  decided by ${rule}`,
    ...(health.counts === false ? ['  does not count for the Application'] : []),
    ...(printed ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `  printed: ${line}`),
  ];
  return `${lines.join('\n')}\n`;
}

function asJson(judged: readonly Judged[]): string {
  const items = judged.map(({ object, health, rule, printed }) => ({
    object: refOf(object),
    ...health,
    rule,
    ...(printed === undefined ? {} : { printed }),
  }));
  return `${jsonText(items.length === 1 ? items[0] : items, 2)}\n`;
}
