/** Child processes: started by a vector, never a shell (S15), each in a process group of its own. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Writable } from 'node:stream';
import type {
  ProcessChannel,
  Processes,
  ProcessRequest,
  ProcessResult,
  ProcessStream,
  Timers,
} from '#model/ports.ts';

/** What a shell answers for a command that is not installed; callers read it as that. */
export const commandNotFound = 127;
const stderrBytesMax = 256 * 1024;
/** How long a channel's child may go on after its input has ended, and a group after SIGTERM. */
const graceMs = 2_000;

export class HostProcesses implements Processes {
  readonly #timers: Timers;
  readonly #children = new Set<ChildProcessWithoutNullStreams>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  run(request: ProcessRequest): Promise<ProcessResult> {
    return new Promise((resolve) => {
      const child = this.#spawn(request);
      const stdout = new Capped(request.outputBytesMax);
      const stderr = new Capped(stderrBytesMax);
      let timedOut = false;
      let trouble = '';
      const end = (why: string): void => {
        trouble ||= why;
        this.#kill(child);
      };
      const cancel = this.#timers.after(request.timeoutMs, () => {
        timedOut = true;
        end(`ended after ${request.timeoutMs} ms`);
      });
      child.stdout.on('data', (data: Buffer) => {
        if (!stdout.add(data)) end(`ended: more than ${request.outputBytesMax} bytes of output`);
      });
      child.stderr.on('data', (data: Buffer) => void stderr.add(data));
      // A child that exits without reading its input breaks the pipe; its exit code says what happened.
      child.stdin.on('error', () => undefined);
      let spawnError: NodeJS.ErrnoException | undefined;
      child.on('error', (error: NodeJS.ErrnoException) => (spawnError = error));
      child.on('close', (code, signal) => {
        cancel();
        if (signal !== null) trouble ||= `ended by ${signal}`;
        const text = stderr.bytes().toString('utf8');
        if (spawnError !== undefined) {
          resolve({
            code: spawnError.code === 'ENOENT' ? commandNotFound : null,
            stdout: new Uint8Array(),
            stderr: `${request.command}: ${spawnError.code ?? ''} ${spawnError.message}`,
            timedOut: false,
          });
          return;
        }
        resolve({
          code: trouble === '' ? code : null,
          stdout: stdout.bytes(),
          stderr: trouble === '' ? text : `${text}${request.command}: ${trouble}\n`,
          timedOut,
        });
      });
      child.stdin.end(request.stdin);
    });
  }

  open(request: Omit<ProcessRequest, 'stdin' | 'timeoutMs' | 'outputBytesMax'>): ProcessChannel {
    const child = this.#spawn(request);
    const exits: ((code: number | null) => void)[] = [];
    let exited: { readonly code: number | null } | undefined;
    const exit = (code: number | null): void => {
      if (exited !== undefined) return;
      exited = { code };
      for (const listener of exits) listener(code);
    };
    child.on('error', (error: NodeJS.ErrnoException) =>
      exit(error.code === 'ENOENT' ? commandNotFound : null),
    );
    child.on('close', (code) => exit(code));
    child.stdin.on('error', () => undefined);
    child.stderr.resume();
    return {
      write: (data) => void (exited === undefined && child.stdin.write(data)),
      onData: (listener) => void child.stdout.on('data', listener),
      onExit: (listener) => (exited === undefined ? void exits.push(listener) : listener(exited.code)),
      end: () => {
        if (exited !== undefined) return;
        child.stdin.end();
        const cancel = this.#timers.after(graceMs, () => this.#kill(child));
        exits.push(cancel);
      },
    };
  }

  stream(request: Parameters<Processes['stream']>[0]): ProcessStream {
    const child = this.#spawn(request);
    const stderr = new Capped(stderrBytesMax);
    let trouble = '';
    let timedOut = false;
    const kill = (why: string): void => {
      // After its exit, the number of its group may be somebody else's.
      if (!this.#children.has(child)) return;
      trouble ||= why;
      this.#kill(child);
    };
    const cancel = this.#timers.after(request.timeoutMs, () => {
      timedOut = true;
      kill(`ended after ${request.timeoutMs} ms`);
    });
    child.stderr.on('data', (data: Buffer) => void stderr.add(data));
    child.stdin.on('error', () => undefined);
    const ended = new Promise<Omit<ProcessResult, 'stdout'>>((resolve) => {
      let spawnError: NodeJS.ErrnoException | undefined;
      child.on('error', (error: NodeJS.ErrnoException) => (spawnError = error));
      child.on('close', (code, signal) => {
        cancel();
        trouble ||= spawnError?.message ?? (signal === null ? '' : `ended by ${signal}`);
        resolve({
          code: spawnError?.code === 'ENOENT' ? commandNotFound : trouble === '' ? code : null,
          stderr: `${stderr.bytes().toString('utf8')}${trouble === '' ? '' : `${request.command}: ${trouble}\n`}`,
          timedOut,
        });
      });
    });
    pump(request.input, child.stdin).catch((error: unknown) => kill(`its input broke off: ${String(error)}`));
    return {
      output: readOrKill(child.stdout, () => kill('nobody reads its output any more')),
      ended,
      kill: () => kill('it was told to end'),
    };
  }

  /** Ends every child that is left, at shutdown. */
  close(): void {
    for (const child of this.#children) this.#kill(child);
  }

  #spawn(request: Pick<ProcessRequest, 'command' | 'args' | 'env' | 'cwd'>): ChildProcessWithoutNullStreams {
    const child = spawn(request.command, [...request.args], {
      env: { ...request.env },
      ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
      shell: false,
      // A group of its own: git starts helpers (git-remote-https, index-pack) that must end with it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    child.on('close', () => this.#children.delete(child));
    child.on('error', () => this.#children.delete(child));
    child.on('exit', (_, signal) => {
      // Killed by somebody else: its helpers hold our pipes, and wait for nobody any more.
      if (signal !== null) this.#killLater(child);
    });
    return child;
  }

  /** SIGTERM lets git remove its lock files; SIGKILL follows when it does not listen. */
  #kill(child: ChildProcessWithoutNullStreams): void {
    signalGroup(child, 'SIGTERM');
    this.#killLater(child);
  }

  #killLater(child: ChildProcessWithoutNullStreams): void {
    const cancel = this.#timers.after(graceMs, () => signalGroup(child, 'SIGKILL'));
    child.on('close', cancel);
  }
}

function signalGroup(child: ChildProcessWithoutNullStreams, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    // The group may outlive its leader: a helper that holds our pipes open must end too.
    process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in it.
  }
}

/** Reads its input to the end also when the child has left: who sends it then hears the child's answer. */
async function pump(input: AsyncIterable<Uint8Array> | undefined, stdin: Writable): Promise<void> {
  for await (const data of input ?? []) {
    if (!stdin.writable || stdin.write(data)) continue;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        stdin.off('drain', go).off('close', go);
        resolve();
      };
      stdin.on('drain', go).on('close', go);
    });
  }
  stdin.end();
}

async function* readOrKill(output: AsyncIterable<Uint8Array>, kill: () => void): AsyncIterable<Uint8Array> {
  let isWhole = false;
  try {
    yield* output;
    isWhole = true;
  } finally {
    if (!isWhole) kill();
  }
}

class Capped {
  readonly #max: number;
  readonly #parts: Buffer[] = [];
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** False when it does not fit; it then keeps what it has. */
  add(data: Buffer): boolean {
    if (this.#size + data.length > this.#max) return false;
    this.#size += data.length;
    this.#parts.push(data);
    return true;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts, this.#size);
  }
}

export function openProcesses(timers: Timers): HostProcesses {
  return new HostProcesses(timers);
}
