/**
 * What stands in for a cluster and a Git server where there is none: the embedded cluster, prepared as an installation
 * is, and the repositories that Trueup serves itself.
 */
import path from 'node:path';
import { CommandEnd } from '#cli/command.ts';
import { install } from '#cli/install.ts';
import { argoDefinitions } from '#dialects/argo/crds.ts';
import { fluxDefinitions } from '#dialects/flux/crds.ts';
import { hostedMirror } from '#git/hosted-address.ts';
import { HostedRepositories } from '#git/hosted.ts';
import type { Mirror } from '#git/url.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import type { LogLevel } from '#host/log.ts';
import { silentMeter } from '#host/metrics.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import type { Cluster, Log, Meter, Processes } from '#model/ports.ts';
import { unitStateDefinition } from '#pipeline/record/unit-state-definition.ts';
import { openEmbeddedCluster } from './embedded-cluster.ts';
import { applyOwn, applyRoot, seedExample, type OwnRepository } from './first-run.ts';
import { accessFrom, openDirectCluster } from './open-cluster.ts';

export interface LocalCluster {
  readonly kubeconfig: string;
  readonly server: string;
  readonly repositories: HostedRepositories;
  readonly mirrors: readonly Mirror[];
  onEnd(listener: (why: string) => void): void;
  close(): Promise<void>;
}
export interface LocalParts {
  readonly dataDir: string;
  readonly namespace: string;
  readonly logLevel: LogLevel;
  /** The user's own repository, instead of the example. */
  readonly own?: OwnRepository;
  readonly processes: Processes;
  readonly environment: Readonly<Record<string, string>>;
  readonly log: Log;
  readonly meter: Meter;
  /** Progress, a line each. */
  readonly say: (line: string) => void;
}

export async function openLocalCluster(parts: LocalParts): Promise<Result<LocalCluster>> {
  const { say, log, processes, environment, meter } = parts;
  const dataDir = path.resolve(parts.dataDir);
  say('starting a cluster in this process…');
  const embedded = await openEmbeddedCluster(dataDir, parts.logLevel);
  const dir = path.join(dataDir, 'repositories');
  const repositories = new HostedRepositories({ processes, clock: systemClock, meter, environment, dir });
  const local: LocalCluster = {
    kubeconfig: embedded.kubeconfig,
    server: embedded.server,
    repositories,
    mirrors: [hostedMirror(dir)],
    onEnd: (listener) => embedded.onEnd(listener),
    close: () => embedded.close(),
  };
  const prepared = await prepare(local, parts, log);
  if (prepared.ok) return ok(local);
  await embedded.close();
  return prepared;
}

async function prepare(
  { kubeconfig, repositories }: LocalCluster,
  { namespace, own, say }: LocalParts,
  log: Log,
): Promise<Result<undefined>> {
  const access = accessFrom({ kubeconfig }, {});
  if (!access.ok) return access;
  const cluster = openDirectCluster({ access: access.value, namespace }, log, silentMeter);
  try {
    const installed = await installInto(cluster, namespace);
    if (!installed.ok) return installed;
    if (own !== undefined) return done(await applyOwn(cluster, namespace, own));
    const seeded = await seedExample(repositories, systemClock);
    if (!seeded.ok) return seeded;
    if (seeded.value) say('made the repository example, with an example in it');
    return done(await applyRoot(cluster));
  } finally {
    await cluster.close();
  }
}

const done = (result: Result<boolean>): Result<undefined> => (result.ok ? ok(undefined) : result);

/** As `trueup install --crds` does. */
async function installInto(cluster: Cluster, namespace: string): Promise<Result<undefined>> {
  const definitions = [...argoDefinitions, ...fluxDefinitions, unitStateDefinition];
  const ports = {
    cluster: () => Promise.resolve(ok(cluster)),
    out: () => undefined,
    clock: systemClock,
    timers: systemTimers,
  };
  try {
    await install({ crds: true, namespace }, definitions, ports);
    return ok(undefined);
  } catch (error) {
    if (!(error instanceof CommandEnd)) throw error;
    return fail({
      kind: 'transient',
      code: 'NotInstalled',
      stage: 'observe',
      message: `the cluster in this process cannot be prepared: ${error.message}`,
      hint: 'remove the data directory to begin anew; report it if it repeats',
    });
  }
}
