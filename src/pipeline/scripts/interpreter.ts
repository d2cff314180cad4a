/**
 * Lua in a worker thread of their own, with a cap on memory and a deadline (F23). The module looks at the clock
 * between two instructions; what computes on within one instruction ends with its thread. Whoever has no scripts has
 * no such thread.
 */
import { receiveMessageOnPort } from 'node:worker_threads';
import type { Interpreter, LuaResult, ScriptAnswer } from '#model/scripts.ts';
import type { Reply } from './protocol.ts';
import { requestOf, resultOf, startThread, stopped, type ScriptThread } from './thread.ts';

export interface InterpreterOptions {
  /** Of one script. */
  readonly deadlineMs: number;
  /** How much later its thread is ended, when it does not end by itself. */
  readonly graceMs: number;
  /** Reading and compiling the module, the first time. */
  readonly startMs: number;
}
/** As Argo CD has it. */
export const interpreterDefaults: InterpreterOptions = { deadlineMs: 1000, graceMs: 500, startMs: 30_000 };

interface Running extends ScriptThread {
  isReady: boolean;
}

export function openInterpreter(given: Partial<InterpreterOptions> = {}): Interpreter {
  return new WorkerInterpreter({ ...interpreterDefaults, ...given });
}

class WorkerInterpreter implements Interpreter {
  readonly #options: InterpreterOptions;
  #running: Running | undefined;
  #module: WebAssembly.Module | undefined;

  constructor(options: InterpreterOptions) {
    this.#options = options;
  }

  lua(request: Parameters<Interpreter['lua']>[0]): ScriptAnswer<LuaResult> {
    return this.#run('lua', request);
  }

  prepare(): void {
    this.#running ??= this.#start();
  }

  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.worker.terminate();
  }

  /** The answer is what the module makes of the operation; the types are known only here. */
  #run<T>(op: string, options: object): ScriptAnswer<T> {
    const { deadlineMs, graceMs } = this.#options;
    const running = this.#ready();
    if (typeof running === 'string') return stopped(`the interpreter could not be started: ${running}`);
    const before = Atomics.load(running.signals, 0);
    running.port.postMessage(requestOf(op, options, deadlineMs));
    const reply = this.#await(running, before, deadlineMs + graceMs);
    return resultOf(reply, deadlineMs);
  }

  #start(): Running {
    const thread = startThread(this.#module);
    const running: Running = { ...thread, isReady: false };
    // A thread that ends by itself is replaced when it is needed.
    const gone = (): void => {
      if (this.#running === running) this.#running = undefined;
    };
    thread.worker.on('error', gone);
    thread.worker.on('exit', gone);
    return running;
  }

  /** A text: why there is none. */
  #ready(): Running | string {
    this.prepare();
    const running = this.#running!;
    if (running.isReady) return running;
    const reply = this.#await(running, 0, this.#options.startMs);
    if (reply === undefined) return 'it took too long';
    if (!('module' in reply)) {
      this.#drop(running);
      return 'trap' in reply ? reply.trap : 'it is not known why';
    }
    this.#module = reply.module;
    running.isReady = true;
    return running;
  }

  /** Undefined: there was none in time, and its thread is ended. */
  #await(running: Running, before: number, waitMs: number): Reply | undefined {
    Atomics.wait(running.signals, 0, before, waitMs);
    const received = receiveMessageOnPort(running.port);
    if (received !== undefined) return received.message as Reply;
    this.#drop(running);
    return undefined;
  }

  #drop({ port, worker }: Running): void {
    this.#running = undefined;
    port.close();
    void worker.terminate();
  }
}
