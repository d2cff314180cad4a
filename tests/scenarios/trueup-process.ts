/** Trueup as its users run it: a process, started and stopped by its command line. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { freePort } from '../free-port.ts';
import { waitFor } from './wait-for.ts';

export const repositoryRoot = join(import.meta.dirname, '../..');
export const trueupProgram = join(repositoryRoot, 'bin/trueup');

export interface Finished {
  /** 128 and the signal's number where a signal ended it, as shells have it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its exit code. */
export function runToEnd(
  program: string,
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly stdin?: string;
    readonly timeoutMs?: number;
  } = {},
): Promise<Finished> {
  const { env, stdin, timeoutMs = 60_000 } = options;
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      {
        cwd: repositoryRoot,
        env: { ...process.env, NO_COLOR: '1', ...env },
        timeout: timeoutMs,
        maxBuffer: 64 << 20,
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 128 + 15;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.end(stdin);
  });
}

export function trueup(args: readonly string[], timeoutMs?: number): Promise<Finished> {
  return runToEnd(trueupProgram, args, timeoutMs === undefined ? {} : { timeoutMs });
}

/** A command that goes on until somebody ends it. */
export interface RunningCommand {
  /** What it printed so far. */
  lines(): readonly string[];
  /** Nobody reads any more what it prints. */
  leave(): void;
  /** Ctrl-C. */
  interrupt(): void;
  readonly ended: Promise<Finished>;
}

export function beginTrueup(args: readonly string[]): RunningCommand {
  const child = spawn(trueupProgram, args, {
    cwd: repositoryRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => void (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => void (stderr += data.toString()));
  return {
    lines: () => stdout.split('\n').slice(0, -1),
    leave: () => void child.stdout.destroy(),
    interrupt: () => void child.kill('SIGINT'),
    // Not before all that it printed has arrived.
    ended: new Promise((resolve) => {
      child.on('close', (code) => resolve({ code: code ?? 128, stdout, stderr }));
    }),
  };
}

export interface StartOptions {
  readonly kubeconfig: string;
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly namespace: string;
  readonly port?: number;
  readonly further?: readonly string[];
}

export interface RunningTrueup {
  readonly origin: string;
  readonly pid: number;
  /** Asks it to end, and says with which code it did. */
  stop(): Promise<number>;
  /** As a power cut. */
  kill(): Promise<void>;
  /** As a machine that stands still; the returned function lets it go on. */
  pause(): () => void;
  log(): Promise<string>;
}

/** Starts Trueup and returns when it says that it is ready. */
export async function startTrueup(options: StartOptions): Promise<RunningTrueup> {
  const port = options.port ?? (await freePort());
  const log = openSync(options.logFile, 'a');
  const child = spawn(trueupProgram, startArguments({ ...options, port }), {
    cwd: repositoryRoot,
    stdio: ['ignore', log, log],
    env: { ...process.env, NO_COLOR: '1' },
  });
  closeSync(log);
  const ended = exitOf(child);
  let exit: number | undefined;
  void ended.then((code) => (exit = code));
  const isTls = options.further?.includes('--tls') === true;
  const origin = `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const logText = () => readFile(options.logFile, 'utf8');
  await waitFor(
    'Trueup to be ready',
    async () => {
      if (exit !== undefined) return true;
      if (isTls) await trust(join(options.dataDirectory, 'ca.crt'));
      return (await fetch(`${origin}/readyz`)).ok;
    },
    { seen: async () => (await logText()).slice(-2000) },
  );
  if (exit !== undefined) throw new Error(`Trueup ended with ${exit} as it started:\n${await logText()}`);
  return {
    origin,
    pid: child.pid ?? 0,
    log: logText,
    async stop() {
      child.kill('SIGTERM');
      return ended;
    },
    pause() {
      child.kill('SIGSTOP');
      return () => void child.kill('SIGCONT');
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** This process's requests, too, are to an authority that it trusts, and never unverified. */
async function trust(file: string): Promise<void> {
  setDefaultCACertificates([...getCACertificates('bundled'), await readFile(file, 'utf8')]);
}

export function startArguments(
  options: Omit<StartOptions, 'logFile'> & { readonly port: number },
): readonly string[] {
  const { kubeconfig, dataDirectory, port, namespace, further = [] } = options;
  // Several of them share a cluster.
  const cluster = ['--kubeconfig', kubeconfig, '--namespace', namespace, '--flux-namespaces', namespace];
  return ['start', ...cluster, '--data-dir', dataDirectory, '--port', String(port), ...further];
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.on('error', () => resolve(127));
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
  });
}
