/**
 * The jq paths of ignore rules, in a worker thread of their own (F23): nobody waits for another's program but who has
 * some too. One that has to be stopped rests, and its asker with it. Whoever has no such paths has no such thread.
 */
import type { JsonObject } from '#model/json.ts';
import type { Clock, Timers } from '#model/ports.ts';
import type { Cut, CutAnswer, PathCutter, PathFailure, ScriptAnswer, ScriptFailure } from '#model/scripts.ts';
import type { Reply } from './protocol.ts';
import { requestOf, resultOf, startThread, stopped, type ScriptThread } from './thread.ts';

export interface CutterOptions {
  /** Of each path on one object. */
  readonly deadlineMs: number;
  /** How much later its thread is ended, when it does not end by itself. */
  readonly graceMs: number;
  /** Reading and compiling the module, the first time. */
  readonly startMs: number;
  /** Of all that is cut at once. */
  readonly budgetMs: number;
  readonly restMs: number;
}
const defaults: CutterOptions = {
  deadlineMs: 1000,
  graceMs: 500,
  startMs: 30_000,
  budgetMs: 10_000,
  restMs: 10 * 60_000,
};
const keptMax = 4096;

/** Of a request with one path. */
export interface JqResult {
  /** Without what the path leads to. */
  readonly object: JsonObject;
  /** The path then took nothing away. */
  readonly failures?: { readonly 0: ScriptFailure };
}

export interface CutterPorts {
  readonly clock: Clock;
  readonly timers: Timers;
}

export function openPathCutter(ports: CutterPorts, given: Partial<CutterOptions> = {}): PathCutter {
  return new ThreadCutter(ports, { ...defaults, ...given });
}

class ThreadCutter implements PathCutter {
  readonly #ports: CutterPorts;
  readonly #options: CutterOptions;
  #thread: ScriptThread | undefined;
  #module: WebAssembly.Module | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  /** By path: why it is no program, if it is none. */
  readonly #checked = new Map<string, ScriptFailure | undefined>();
  /** By asker. */
  readonly #resting = new Map<string, { readonly failure: PathFailure; readonly untilMs: number }>();

  constructor(ports: CutterPorts, options: CutterOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  check(paths: readonly string[]): Promise<PathFailure | undefined> {
    const known = this.#known(paths);
    return known === 'not yet' ? this.#inTurn(() => this.#check(paths)) : Promise.resolve(known);
  }

  cut(asker: string, cuts: readonly Cut[]): Promise<CutAnswer> {
    if (cuts.length === 0) return Promise.resolve({ ok: true, value: [] });
    return this.#inTurn(() => this.#cutAll(asker, cuts));
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.worker.terminate();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  #known(paths: readonly string[]): PathFailure | undefined | 'not yet' {
    for (const path of paths) {
      if (!this.#checked.has(path)) return 'not yet';
      const failure = this.#checked.get(path);
      if (failure !== undefined) return { ...failure, path };
    }
    return undefined;
  }

  async #check(paths: readonly string[]): Promise<PathFailure | undefined> {
    for (const path of paths) {
      if (this.#checked.has(path)) continue;
      // It is compiled, and never run.
      const answer = await this.#run(`empty|(${path})`, {}, this.#options.deadlineMs);
      if (!answer.ok) return { ...answer.failure, path };
      if (this.#checked.size >= keptMax) this.#checked.clear();
      this.#checked.set(path, answer.value.failures?.[0]);
    }
    const known = this.#known(paths);
    return known === 'not yet' ? undefined : known;
  }

  async #cutAll(asker: string, cuts: readonly Cut[]): Promise<CutAnswer> {
    const { clock } = this.#ports;
    const resting = this.#resting.get(asker);
    if (resting !== undefined && clock.monotonic() < resting.untilMs)
      return { ok: false, failure: resting.failure };
    this.#resting.delete(asker);
    const untilMs = clock.monotonic() + this.#options.budgetMs;
    const value: JsonObject[] = [];
    for (const { paths, object } of cuts) {
      let left = object;
      for (const path of paths) {
        const answer = await this.#run(
          path,
          left,
          Math.min(this.#options.deadlineMs, untilMs - clock.monotonic()),
        );
        const failure = answer.ok ? answer.value.failures?.[0] : answer.failure;
        if (failure?.stopped === true) return this.#rest(asker, { ...failure, path });
        if (answer.ok) left = answer.value.object;
      }
      value.push(left);
    }
    return { ok: true, value };
  }

  #rest(asker: string, failure: PathFailure): CutAnswer {
    if (this.#resting.size >= keptMax) this.#resting.clear();
    this.#resting.set(asker, { failure, untilMs: this.#ports.clock.monotonic() + this.#options.restMs });
    return { ok: false, failure };
  }

  async #run(path: string, object: JsonObject, deadlineMs: number): Promise<ScriptAnswer<JqResult>> {
    if (deadlineMs <= 0)
      return stopped(`the paths of all objects took more than ${this.#options.budgetMs / 1000} s together`);
    const thread = await this.#ready();
    if (typeof thread === 'string') return stopped(`the interpreter could not be started: ${thread}`);
    const asked = Math.ceil(deadlineMs);
    const reply = this.#reply(thread, asked + this.#options.graceMs);
    thread.port.postMessage(requestOf('jq', { paths: [path], object }, asked));
    return resultOf(await reply, asked);
  }

  /** A text: why there is none. */
  async #ready(): Promise<ScriptThread | string> {
    if (this.#thread !== undefined) return this.#thread;
    const thread = startThread(this.#module);
    this.#thread = thread;
    thread.worker.on('error', () => this.#drop(thread));
    thread.worker.on('exit', () => this.#drop(thread));
    const reply = await this.#reply(thread, this.#options.startMs);
    if (reply !== undefined && 'module' in reply) {
      this.#module = reply.module;
      return thread;
    }
    this.#drop(thread);
    return reply !== undefined && 'trap' in reply ? reply.trap : 'it took too long';
  }

  /** Undefined: there was none in time, and its thread is ended. */
  #reply(thread: ScriptThread, waitMs: number): Promise<Reply | undefined> {
    const { port, worker } = thread;
    return new Promise((resolve) => {
      const end = (reply?: Reply): void => {
        cancel();
        port.off('message', end);
        worker.off('exit', gone);
        if (reply === undefined) this.#drop(thread);
        resolve(reply);
      };
      const gone = (): void => end();
      const cancel = this.#ports.timers.after(waitMs, gone);
      port.on('message', end);
      worker.on('exit', gone);
    });
  }

  #drop(thread: ScriptThread): void {
    if (this.#thread === thread) this.#thread = undefined;
    thread.port.close();
    void thread.worker.terminate();
  }
}
