/** `trueup install --crds`: adds the CustomResourceDefinitions that are absent; never changes one that is there (F31). */
import { refOf, type Manifest } from '#model/object.ts';
import type { Cluster } from '#model/ports.ts';
import { CommandEnd, orEnd, type ClusterOptions, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';

export interface InstallOptions extends ClusterOptions {
  readonly crds?: boolean;
}

export type InstallPorts = Pick<CommandPorts, 'cluster' | 'out' | 'clock' | 'timers'>;

export async function install(
  options: InstallOptions,
  definitions: readonly Manifest[],
  ports: InstallPorts,
): Promise<void> {
  if (options.crds !== true) {
    throw new CommandEnd(exitCodes.usage, 'say what to install: trueup install --crds');
  }
  const cluster = orEnd(await ports.cluster(options));
  for (const definition of definitions) {
    const { name } = definition.metadata;
    if (orEnd(await cluster.read(refOf(definition))) !== undefined) {
      ports.out(`customresourcedefinition/${name} is there already: left as it is\n`);
      continue;
    }
    orEnd(await cluster.create(definition));
    ports.out(`customresourcedefinition/${name} created\n`);
  }
  const namespace: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: options.namespace } };
  if (orEnd(await cluster.read(refOf(namespace))) === undefined) {
    orEnd(await cluster.create(namespace));
    ports.out(`namespace/${options.namespace} created\n`);
  }
  await established(cluster, definitions, ports);
}

const pollMs = 100;
const timeoutMs = 30_000;

/** The next command must find the kinds served. */
async function established(
  cluster: Cluster,
  definitions: readonly Manifest[],
  { clock, timers }: InstallPorts,
): Promise<void> {
  const startedMs = clock.monotonic();
  const wanted = definitions.map(({ spec }) => (spec as { names: { kind: string } }).names.kind);
  for (;;) {
    const served = orEnd(await cluster.resources(true));
    const missing = wanted.filter((kind) => !served.some((resource) => resource.kind === kind));
    if (missing.length === 0) return;
    if (clock.monotonic() - startedMs > timeoutMs) {
      throw new CommandEnd(
        exitCodes.failed,
        `the API server does not serve ${missing.join(', ')} after ${timeoutMs / 1000} s`,
      );
    }
    await new Promise<void>((resolve) => timers.after(pollMs, resolve));
  }
}
