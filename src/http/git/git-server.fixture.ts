/** The real server on a free port, with real processes and repositories in a directory that goes with it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HostedRepositories } from '#git/hosted.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { childEnvironment } from '#host/environment.ts';
import { openLog } from '#host/log.ts';
import { Metrics } from '#host/metrics.ts';
import { openProcesses } from '#host/processes.ts';
import type { ProcessStream, Processes } from '#model/ports.ts';
import { ok } from '#model/failure.ts';
import { listen } from '../server.ts';
import { gitAt } from '../../../tests/git-server/git.ts';

export interface ServedGit {
  readonly port: number;
  readonly scratch: string;
  readonly repositories: HostedRepositories;
  readonly pushes: readonly string[];
  readonly logLines: readonly string[];
  /** Every http-backend that was started. */
  readonly backends: readonly ProcessStream[];
  url(name: string): string;
  /** A work tree with one commit on `branch`. */
  workTree(name: string, branch?: string): Promise<string>;
  close(): Promise<void>;
}

export async function serveGit(pushBytesMax?: number): Promise<ServedGit> {
  const scratch = await mkdtemp(path.join(tmpdir(), 'trueup-served-'));
  const host = openProcesses(systemTimers);
  const backends: ProcessStream[] = [];
  const processes: Processes = {
    run: (request) => host.run(request),
    open: (request) => host.open(request),
    stream: (request) => {
      const stream = host.stream(request);
      backends.push(stream);
      return stream;
    },
  };
  const repositories = new HostedRepositories({
    processes,
    clock: systemClock,
    meter: new Metrics(),
    environment: childEnvironment(process.env),
    dir: path.join(scratch, 'served'),
  });
  const pushes: string[] = [];
  const logLines: string[] = [];
  const listening = await listen({
    port: 0,
    clock: systemClock,
    log: openLog('debug', { write: (line) => void logLines.push(line) }),
    hint: () => 0,
    webhookSecret: () => Promise.resolve(ok(undefined)),
    meter: new Metrics(),
    notReady: () => undefined,
    applications: () => Promise.resolve(ok([])),
    metrics: () => Promise.resolve({ contentType: 'text/plain', text: '' }),
    git: {
      repositories,
      onPush: (name) => void pushes.push(name),
      ...(pushBytesMax !== undefined && { pushBytesMax }),
    },
  });
  if (!listening.ok) throw new Error(listening.failure.message);
  const { port, close } = listening.value;
  return {
    port,
    scratch,
    repositories,
    pushes,
    logLines,
    backends,
    url: (name) => `http://127.0.0.1:${port}/git/${name}.git`,
    workTree: async (name, branch = 'main') => {
      const directory = path.join(scratch, name);
      await gitAt(scratch, 'init', '--quiet', `--initial-branch=${branch}`, directory);
      // Random bytes do not get smaller; to try takes long.
      await gitAt(directory, 'config', 'core.compression', '0');
      await gitAt(directory, 'commit', '--quiet', '--allow-empty', '-m', 'First');
      return directory;
    },
    close: async () => {
      await close();
      host.close();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}
