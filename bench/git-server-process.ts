/** The tests' Git server in a process of its own, so that its work is nobody else's. Its parent speaks to it by IPC. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { GitCounts, GitServer } from '../tests/git-server/api.ts';
import { startGitServer } from '../tests/git-server/server.ts';

type Question =
  | { readonly ask: 'create'; readonly name: string; readonly root: string }
  | { readonly ask: 'counts' };

export interface GitServerProcess {
  readonly pid: number;
  /** As much of a server as making a repository needs. */
  readonly server: GitServer;
  url(name: string): string;
  counts(): Promise<GitCounts>;
  stop(): Promise<void>;
}

interface Started {
  readonly origin: string;
  readonly paths: string;
}

export async function startGitServerProcess(root: string): Promise<GitServerProcess> {
  const child = fork(fileURLToPath(import.meta.url), [root], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const [started] = (await Promise.race([
    once(child, 'message'),
    ended.then(() => Promise.reject(new Error('the Git server ended as it started'))),
  ])) as [Started];
  const url = (name: string): string => `${started.origin}/${name}.git`;
  const server = {
    root,
    origin: started.origin,
    url,
    repositoryPath: (name: string) => `${started.paths}/${name}.git`,
    createRepository: (name: string) => ask(child, { ask: 'create', name, root }),
  };
  return {
    pid: child.pid ?? 0,
    server: server as unknown as GitServer,
    url,
    counts: () => ask(child, { ask: 'counts' }) as Promise<GitCounts>,
    stop: async () => {
      child.disconnect();
      await ended;
    },
  };
}

/** One question at a time: answers come in order. */
async function ask(child: ChildProcess, question: Question): Promise<unknown> {
  child.send(question);
  const [answer] = (await once(child, 'message')) as [unknown];
  return answer;
}

async function serve(root: string): Promise<void> {
  const server = await startGitServer({ root });
  process.on('message', (question: Question) => {
    if (question.ask === 'counts') process.send?.(server.counts());
    else void server.createRepository(question.name).then(() => process.send?.('created'));
  });
  process.on('disconnect', () => void server.close());
  // A terminal's Ctrl-C reaches the whole group; this one goes when its parent does.
  process.on('SIGINT', () => undefined);
  const started: Started = {
    origin: server.origin,
    paths: server.repositoryPath('x').replace(/\/x\.git$/, ''),
  };
  process.send?.(started);
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send !== undefined) {
  await serve(process.argv[2] ?? '');
}
