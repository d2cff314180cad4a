/** Commands on a cluster in memory, while an engine may run on it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { sealer } from '../../tests/fakes/cluster.ts';
import { promptCutter } from '../../tests/fakes/path-cutter.ts';
import type { EngineWorld } from '../../tests/fakes/engine-world.ts';
import { argoDialect } from '#dialects/argo/application.ts';
import { argoOverriding } from '#dialects/argo/source-overrides.ts';
import { fluxDialect } from '#dialects/flux/kustomization.ts';
import { ClusterViews } from '#engine/cluster-views.ts';
import { openDiskFiles } from '#host/disk-files.ts';
import { ok } from '#model/failure.ts';
import type { Unit } from '#model/unit.ts';
import { openInterpreter } from '#pipeline/scripts/interpreter.ts';
import { CommandEnd, type CommandPorts } from './command.ts';

export function portsOn(world: EngineWorld, { out, say }: Pick<CommandPorts, 'out' | 'say'>): CommandPorts {
  const cluster = world.cluster.client();
  return {
    clock: world.time,
    timers: world.time,
    dialects: (namespace) => [argoDialect(namespace), fluxDialect()],
    cluster: () => Promise.resolve(ok(cluster)),
    pipeline: () => {
      const views = new ClusterViews({ cluster, sealer, timers: world.time }, () => undefined);
      const view = (unit: Unit) => views.view(unit);
      const { git: repositories, renderer } = world;
      return Promise.resolve(
        ok({
          cluster,
          repositories,
          writer: repositories,
          renderer,
          sealer,
          view,
          cutter: promptCutter,
          overriding: argoOverriding,
        }),
      );
    },
    rendering: () => ({
      repositories: world.git,
      renderer: world.renderer,
      overriding: argoOverriding,
      directory: openDiskFiles,
    }),
    readFile: (name) => readFileSync(name, 'utf8'),
    writeFile: (name, text) => writeFileSync(name, text),
    out,
    say,
    interpreter: openInterpreter,
    user: 'ada',
  };
}

/** How it ended: 0, or the code and the line. */
export async function ended(
  command: Promise<void>,
): Promise<{ readonly code: number; readonly message: string }> {
  try {
    await command;
    return { code: 0, message: '' };
  } catch (error) {
    if (!(error instanceof CommandEnd)) throw error;
    return { code: error.exitCode, message: error.message };
  }
}

/** Runs a command while the world goes on. */
export async function whileItGoesOn<T>(
  world: EngineWorld,
  command: Promise<T>,
  act: () => Promise<void> | void = () => undefined,
): Promise<T> {
  let isOver = false;
  const result = command.finally(() => (isOver = true));
  result.catch(() => undefined);
  await world.settle();
  await act();
  await world.settle();
  if (!isOver) await world.advance(400_000, 50_000);
  return result;
}
