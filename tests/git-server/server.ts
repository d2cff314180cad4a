/**
 * A real Git server for tests: git's own http-backend behind node:http. It can demand credentials, redirect, hang,
 * and be stopped and started again on the same port (Git is down), and it counts what it was asked for.
 *
 *   const server = await startGitServer({ root: await mkdtemp(…) });
 *   const tree = await createWorkTree(server, 'shop');       // work-tree.ts
 *   await tree.write('apps/web/deployment.yaml', text);
 *   const sha = await tree.commit('Add web');
 *   await tree.push();
 *   … server.url('shop') … server.counts('shop').fetches …
 *   await server.close();
 */
import { spawn } from 'node:child_process';
import { mkdir, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { GitAuth, GitCounts, GitPace, GitServer, GitServerOptions } from './api.ts';
import { cleanEnvironment, gitAt } from './git.ts';

export type { GitAuth, GitCounts, GitServer, GitServerOptions, RepositoryOptions } from './api.ts';
export { createWorkTree, type WorkTree } from './work-tree.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const repositories = path.join(options.root, 'repositories');
  await mkdir(repositories, { recursive: true });
  const counted = new Map<string, Mutable<GitCounts>>();
  const redirects = new Map<string, string>();
  let auth = options.auth;
  let pace: GitPace | undefined;
  let port = 0;
  let http: Server | undefined;
  let waiting: (() => void)[] | undefined;
  let onHeld: (() => void)[] = [];

  const countsOf = (name: string): Mutable<GitCounts> => {
    let counts = counted.get(name);
    if (counts === undefined) {
      counts = { requests: 0, listings: 0, fetches: 0, pushes: 0 };
      counted.set(name, counts);
    }
    return counts;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const body = await readBody(request);
    const counts = countsOf(/^\/(.*?)(?:\.git)?(?:\/|$)/.exec(url.pathname)?.[1] ?? '');
    counts.requests++;
    if (waiting !== undefined) {
      const gate = waiting;
      for (const tell of onHeld.splice(0)) tell();
      await new Promise<void>((resolve) => gate.push(resolve));
    }
    for (const [from, to] of redirects)
      if (url.pathname.startsWith(from)) {
        response.writeHead(302, { location: to + url.pathname.slice(from.length) + url.search }).end();
        return;
      }
    if (!admits(auth, request.headers.authorization)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('who are you?\n');
      return;
    }
    if (!(await isDirectory(path.join(repositories, url.pathname.split('/')[1] ?? '')))) {
      response.writeHead(404).end('no such repository\n');
      return;
    }
    const isFetch = count(counts, url, request, body);
    await runBackend(repositories, url, request, isFetch ? paced(response, pace) : response, body);
  };

  const server: GitServer = {
    root: options.root,
    get origin() {
      return `http://127.0.0.1:${port}`;
    },
    url: (name) => `http://127.0.0.1:${port}/${name}.git`,
    repositoryPath: (name) => path.join(repositories, `${name}.git`),
    createRepository: async (name, { filter = true } = {}) => {
      const directory = path.join(repositories, `${name}.git`);
      if (await isDirectory(directory)) return;
      await gitAt(repositories, 'init', '--quiet', '--bare', '--initial-branch=main', directory);
      const settings = {
        'http.receivepack': 'true',
        'uploadpack.allowFilter': String(filter),
        'uploadpack.allowAnySHA1InWant': 'true',
        'receive.denyDeleteCurrent': 'ignore',
        'gc.auto': '0',
      };
      for (const [key, value] of Object.entries(settings)) await gitAt(directory, 'config', key, value);
    },
    counts: (name) => {
      const of = name === undefined ? [...counted.values()] : [countsOf(name)];
      const sum = (key: keyof GitCounts): number => of.reduce((total, counts) => total + counts[key], 0);
      return {
        requests: sum('requests'),
        listings: sum('listings'),
        fetches: sum('fetches'),
        pushes: sum('pushes'),
      };
    },
    resetCounts: () => counted.clear(),
    setAuth: (next) => (auth = next),
    setPace: (next) => (pace = next),
    redirect: (from, to) => void redirects.set(from, to),
    hold: () => (waiting ??= []),
    held: () => new Promise((resolve) => onHeld.push(resolve)),
    release: () => {
      const gate = waiting ?? [];
      waiting = undefined;
      for (const open of gate) open();
    },
    stop: async () => {
      const stopping = http;
      http = undefined;
      if (stopping === undefined) return;
      stopping.closeAllConnections();
      await new Promise((resolve) => stopping.close(resolve));
    },
    start: async () => {
      if (http !== undefined) return;
      const starting = createServer((request, response) => {
        answer(request, response).catch(() => response.destroy());
      });
      http = starting;
      await new Promise<void>((resolve, reject) => {
        starting.once('error', reject);
        starting.listen(port, '127.0.0.1', resolve);
      });
      const address = starting.address();
      if (typeof address === 'object' && address !== null) port = address.port;
    },
    close: async () => {
      server.release();
      onHeld = [];
      await server.stop();
    },
  };
  await server.start();
  return server;
}

function admits(auth: GitAuth | undefined, header: string | undefined): boolean {
  if (auth === undefined) return true;
  if ('bearerToken' in auth) return header === `Bearer ${auth.bearerToken}`;
  return header === `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
}

/** Whether it is a fetch. */
function count(counts: Mutable<GitCounts>, url: URL, request: IncomingMessage, body: Buffer): boolean {
  if (url.pathname.endsWith('/git-receive-pack')) counts.pushes++;
  const version2 = request.headers['git-protocol']?.includes('version=2') === true;
  if (url.searchParams.get('service') === 'git-upload-pack' && !version2) counts.listings++;
  if (!url.pathname.endsWith('/git-upload-pack')) return false;
  const text = body.toString('latin1', 0, 200);
  const isFetch = !version2 || text.includes('command=fetch');
  if (isFetch) counts.fetches++;
  else if (text.includes('command=ls-refs')) counts.listings++;
  return isFetch;
}

type Answer = Pick<ServerResponse, 'setHeader' | 'statusCode'> & {
  write(part: Buffer): unknown;
  end(): unknown;
};

/** The head is sent at once. */
function paced(response: ServerResponse, pace: GitPace | undefined): Answer {
  if (pace === undefined) return response;
  let left = Buffer.alloc(0);
  let ended = false;
  const timer = setInterval(() => {
    response.flushHeaders();
    if (pace.bytes > 0) response.write(left.subarray(0, pace.bytes));
    left = left.subarray(pace.bytes);
    if (!ended || left.length > 0) return;
    clearInterval(timer);
    response.end();
  }, pace.everyMs);
  response.on('close', () => clearInterval(timer));
  return {
    setHeader: (name, value) => response.setHeader(name, value),
    set statusCode(code: number) {
      response.statusCode = code;
    },
    write: (part) => (left = Buffer.concat([left, part])),
    end: () => (ended = true),
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}

/** The Common Gateway Interface, as much of it as http-backend needs. */
async function runBackend(
  repositories: string,
  url: URL,
  request: IncomingMessage,
  response: Answer,
  body: Buffer,
): Promise<void> {
  const child = spawn('git', ['http-backend'], {
    env: {
      ...cleanEnvironment(),
      GIT_PROJECT_ROOT: repositories,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'test',
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(body);
  let head = Buffer.alloc(0);
  let begun = false;
  for await (const part of child.stdout) {
    if (begun) {
      response.write(part);
      continue;
    }
    head = Buffer.concat([head, part as Buffer]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) continue;
    begun = true;
    const lines = head
      .toString('latin1', 0, end)
      .split('\r\n')
      .map((line) => line.split(/:\s*/, 2) as [string, string]);
    const status = lines.find(([name]) => name.toLowerCase() === 'status')?.[1];
    for (const [name, value] of lines) if (name.toLowerCase() !== 'status') response.setHeader(name, value);
    response.statusCode = status === undefined ? 200 : Number.parseInt(status, 10);
    response.write(head.subarray(end + 4));
  }
  response.end();
}

async function isDirectory(directory: string): Promise<boolean> {
  return stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
