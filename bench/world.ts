/** Everything that a run needs, on loopback: control plane, Git server, repository, observers, Trueup. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startControlPlane, type ControlPlane } from '../tests/cluster/control-plane.ts';
import { ApiServer } from './api-server.ts';
import { namespaceCount, Repository, targetNamespace, type Change } from './applications.ts';
import type { Dialect } from './dialects.ts';
import { startGitServerProcess, type GitServerProcess } from './git-server-process.ts';
import { Observers } from './observers.ts';
import type { SourceKind } from './sources.ts';
import { say, until } from './time.ts';
import { freePort } from '../tests/free-port.ts';
import { Trueup } from './trueup.ts';

/** As in the peers' runs. */
export const controlPlaneFlags = ['-no-scheduler', '-no-kwok'] as const;
const repositoryName = 'repo';

export interface World {
  readonly count: number;
  readonly dialect: Dialect;
  readonly directory: string;
  readonly controlPlane: ControlPlane;
  readonly auditLog: string;
  readonly api: ApiServer;
  readonly git: GitServerProcess;
  readonly repository: Repository;
  readonly repositoryUrl: string;
  readonly observers: Observers;
  readonly trueup: Trueup;
  /** Tells Trueup of a push. */
  notify(change: Change): Promise<void>;
}

export interface WorldOptions {
  readonly count: number;
  readonly dialect: Dialect;
  readonly source: SourceKind;
  readonly profileDirectory?: string;
}

/** Things to end, last one first, whatever happened. */
export class Endings {
  readonly #endings: (() => Promise<unknown>)[] = [];

  add(end: () => Promise<unknown>): void {
    this.#endings.push(end);
  }

  async run(): Promise<void> {
    for (const end of this.#endings.splice(0).toReversed()) {
      await end().catch((error: unknown) => say('while ending:', error));
    }
  }
}

/** Trueup is installed and not yet started; no resource of an application is there. */
export async function createWorld(
  { count, dialect, source, profileDirectory }: WorldOptions,
  endings: Endings,
): Promise<World> {
  // The peers' caches and copies were in memory too: a disk is not what is measured.
  const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const directory = await mkdtemp(path.join(memory, 'trueup-bench-'));
  endings.add(() => rm(directory, { recursive: true, force: true }));
  const sub = async (name: string): Promise<string> => {
    const made = path.join(directory, name);
    await mkdir(made, { recursive: true });
    return made;
  };
  const controlPlane = await startControlPlane({
    directory: await sub('cluster'),
    flags: controlPlaneFlags,
    audit: true,
  });
  endings.add(() => controlPlane.stop());
  const git = await startGitServerProcess(await sub('git'));
  endings.add(() => git.stop());
  const api = new ApiServer(controlPlane.kubeconfig);
  endings.add(() => api.close());
  const trueup = new Trueup({
    kubeconfig: controlPlane.kubeconfig,
    dataDirectory: await sub('data'),
    logFile: path.join(directory, 'trueup.log'),
    port: await freePort(),
    ...(profileDirectory === undefined ? {} : { profileDirectory }),
  });
  endings.add(() => trueup.stop());
  const repository = await Repository.create(git.server, count, source);
  const repositoryUrl = git.url(repositoryName);
  await prepareCluster(api, trueup, dialect, repositoryUrl);
  const observers = new Observers();
  await observers.start(api, dialect);
  return {
    count,
    dialect,
    directory,
    controlPlane,
    auditLog: controlPlane.auditLog ?? '',
    api,
    git,
    repository,
    repositoryUrl,
    observers,
    trueup,
    notify: (change) => dialect.notify(change, repositoryUrl, { api, trueup }),
  };
}

async function prepareCluster(
  api: ApiServer,
  trueup: Trueup,
  { namespace, path, shared, sharedPath }: Dialect,
  repositoryUrl: string,
): Promise<void> {
  for (let index = 0; index < namespaceCount; index++) {
    await api.create('/api/v1/namespaces', { metadata: { name: targetNamespace(index) } });
  }
  await trueup.install();
  await api.create('/api/v1/namespaces', { metadata: { name: namespace } });
  // New kinds are served a moment after their definitions.
  for (const collection of [sharedPath, path]) {
    await until(`${collection} to be served`, async () => (await api.list(collection)).version !== '', 60);
  }
  await api.create(sharedPath, shared(repositoryUrl));
}
