/** Opens src/git on a real server with real processes, and records every child that it starts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openRepositories, type RepositoriesOptions } from '#git/repositories.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { childEnvironment } from '#host/environment.ts';
import { openLog } from '#host/log.ts';
import { Metrics } from '#host/metrics.ts';
import { openProcesses } from '#host/processes.ts';
import type { Failure, Result } from '#model/failure.ts';
import type { Processes, Repositories } from '#model/ports.ts';
import type { GitRef, SourceSpec } from '#model/unit.ts';
import { startGitServer, type GitServer, type GitServerOptions } from './server.ts';

export interface RecordedProcess {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface GitRoom {
  readonly server: GitServer;
  readonly repositories: Repositories;
  readonly processes: readonly RecordedProcess[];
  readonly logLines: readonly string[];
  /** The directory of the local copies. */
  readonly dir: string;
  /** As after a restart of Trueup: nothing in memory, the same directory. */
  reopen(change?: Partial<RepositoriesOptions>): Promise<Repositories>;
  close(): Promise<void>;
}

export async function openGitRoom(
  options: Omit<GitServerOptions, 'root'> & Partial<RepositoriesOptions> = {},
): Promise<GitRoom> {
  const root = await mkdtemp(path.join(tmpdir(), 'trueup-git-'));
  const { auth, ...rest } = options;
  const server = await startGitServer({ root, ...(auth !== undefined && { auth }) });
  const host = openProcesses(systemTimers);
  const recorded: RecordedProcess[] = [];
  const logLines: string[] = [];
  const processes: Processes = {
    run: (request) => {
      recorded.push(request);
      return host.run(request);
    },
    open: (request) => {
      recorded.push(request);
      return host.open(request);
    },
    stream: (request) => {
      recorded.push(request);
      return host.stream(request);
    },
  };
  const dir = path.join(root, 'copies');
  const open = (change: Partial<RepositoriesOptions>): Repositories =>
    openRepositories({
      dir,
      processes,
      clock: systemClock,
      timers: systemTimers,
      log: openLog('debug', { write: (line) => void logLines.push(line) }),
      meter: new Metrics(),
      secrets: () => undefined,
      mirrors: [],
      environment: childEnvironment(process.env),
      ...change,
    });
  let current = open(rest);
  return {
    server,
    get repositories() {
      return current;
    },
    processes: recorded,
    logLines,
    dir,
    reopen: async (change = {}) => {
      await current.close();
      current = open({ ...rest, ...change });
      return current;
    },
    close: async () => {
      await current.close();
      host.close();
      await server.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

export function source(url: string, ref: GitRef = { name: 'HEAD' }): SourceSpec {
  return { kind: 'git', url, ref };
}

export function value<T>(result: Result<T>): T {
  if (!result.ok)
    throw new Error(`${result.failure.code}: ${result.failure.message} ${result.failure.cause ?? ''}`);
  return result.value;
}
export function failure(result: Result<unknown>): Failure {
  if (result.ok) throw new Error(`expected a failure, got ${JSON.stringify(result.value)}`);
  return result.failure;
}
/** The files of a directory with their texts. */
export async function contents(
  repositories: Repositories,
  url: string,
  commit: string,
  at: string,
): Promise<Record<string, string>> {
  const [root] = value(await repositories.trees(url, [{ commit, path: at }]));
  const files = value(await repositories.files(url, root!));
  const blobs = files.map((file) => file.blob);
  const bytes = value(await repositories.read(url, blobs));
  return Object.fromEntries(
    files.map((file, index) => [file.path, Buffer.from(bytes[index]!).toString('utf8')]),
  );
}
