/**
 * A real Kubernetes control plane for tests and for bench/: one process, built once by scripts/control-plane.sh
 * from tests/cluster/control-plane.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const repositoryRoot = join(import.meta.dirname, '../..');

export interface ControlPlaneOptions {
  /** Further flags of the binary, for example `-no-scheduler` or `-nodes=0`; see control-plane/settings.go. */
  readonly flags?: readonly string[];
  /** Where its state and its logs go. By default a temporary directory, removed by `stop`. */
  readonly directory?: string;
  /** By default a free one. */
  readonly port?: number;
  /** Writes one line for each finished request of a client that is not part of Kubernetes itself. */
  readonly audit?: boolean;
}

export interface ControlPlane {
  readonly directory: string;
  readonly port: number;
  /** Of an administrator, with a token. */
  readonly kubeconfig: string;
  /** Of somebody who is authenticated and has no rights. */
  readonly nobodyKubeconfig: string;
  /** Kubernetes' own command line, of the same version. */
  readonly kubectl: string;
  /** The API server's audit log; undefined unless asked for. */
  readonly auditLog: string | undefined;
  /** Of the running process; changes with a restart. */
  readonly pid: number;
  /** Stops answering without closing a connection, as a machine that hangs. */
  pause(): void;
  resume(): void;
  /**
   * Ends the process, unless told otherwise at once, as a power cut does, and starts it again with the same state, port
   * and credentials.
   */
  restart(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  stop(): Promise<void>;
}

/** The path of the binary; builds it if nobody did on this machine, with its progress on stderr. */
export async function buildControlPlane(): Promise<string> {
  const build = spawn('sh', [join(repositoryRoot, 'scripts/control-plane.sh')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output: string[] = [];
  build.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
  const [code] = (await once(build, 'close')) as [number | null];
  if (code !== 0) throw new Error('the test control plane could not be built; see the lines above');
  return output.join('').trim();
}

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const binary = await buildControlPlane();
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'trueup-cluster-')));
  await mkdir(directory, { recursive: true });
  const auditLog = options.audit === true ? join(directory, 'audit.log') : undefined;
  const flags = [
    `-data-dir=${directory}`,
    ...(options.flags ?? []),
    ...(auditLog === undefined ? [] : await auditFlags(directory, auditLog)),
  ];
  let running = await run(binary, [...flags, `-port=${options.port ?? 0}`], directory);
  const port = Number(await readFile(join(directory, 'ready'), 'utf8'));

  return {
    directory,
    port,
    kubeconfig: join(directory, 'kubeconfig'),
    nobodyKubeconfig: join(directory, 'nobody.kubeconfig'),
    kubectl: join(dirname(binary), 'kubectl'),
    auditLog,
    get pid() {
      return running.pid;
    },
    pause() {
      process.kill(running.pid, 'SIGSTOP');
    },
    resume() {
      process.kill(running.pid, 'SIGCONT');
    },
    async restart(signal = 'SIGKILL') {
      await running.end(signal);
      running = await run(binary, [...flags, `-port=${port}`], directory);
    },
    async stop() {
      process.kill(running.pid, 'SIGCONT');
      await running.end('SIGTERM');
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

interface Running {
  readonly pid: number;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** Starts the process and returns when it is ready. */
async function run(binary: string, args: readonly string[], directory: string): Promise<Running> {
  const logFile = join(directory, 'control-plane.log');
  const log = openSync(logFile, 'a');
  // Its own process group: Ctrl-C in a terminal reaches the tests first, which then stop it in order. The pipe on
  // stdin is what it lives by: should the tests be killed, it ends as well.
  const child = spawn(binary, ['-with-stdin', ...args], { stdio: ['pipe', 'pipe', log], detached: true });
  closeSync(log);
  child.stdin?.on('error', () => {}); // it may be gone when we are
  const exited = exitOf(child);
  const progress: string[] = [];
  const ready = new Promise<'ready'>((resolve) => {
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      progress.push(line);
      if (line.includes(' ready: ')) resolve('ready');
    });
  });
  const first = await Promise.race([ready, exited]);
  const { pid } = child;
  if (first !== 'ready' || pid === undefined) {
    const lastLines = (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-5);
    throw new Error(
      ['the test control plane did not start', String(first), ...progress, ...lastLines].join('\n  '),
    );
  }
  return {
    pid,
    async end(signal) {
      child.kill(signal);
      const forced = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await exited;
      clearTimeout(forced);
    },
  };
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(`ended with ${signal ?? `code ${code}`}`));
  });
}

async function auditFlags(directory: string, auditLog: string): Promise<readonly string[]> {
  const policy = join(directory, 'audit-policy.yaml');
  // Who asked for what, without bodies, once the answer is out; not what the cluster's own components do.
  await writeFile(
    policy,
    `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [system:apiserver, system:kube-controller-manager, system:kube-scheduler, kwok]
- level: Metadata
`,
  );
  return [`-apiserver-arg=--audit-policy-file=${policy}`, `-apiserver-arg=--audit-log-path=${auditLog}`];
}

const execute = promisify(execFile);

/** Where kubectl is on the PATH: for a cluster that is not ours. */
export async function systemKubectl(): Promise<string> {
  const { stdout } = await execute('sh', ['-c', 'command -v kubectl']).catch(() => ({ stdout: '' }));
  if (stdout === '') throw new Error('no kubectl on the PATH; it is needed with TRUEUP_TEST_KUBECONFIG');
  return stdout.trim();
}
