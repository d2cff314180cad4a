/**
 * Renders in worker threads, each with a memory cap and each request with a deadline: a tree that makes the renderer
 * loop or run out of memory costs that worker and that request, and the engine's thread never waits (F16).
 */
import { Worker } from 'node:worker_threads';
import { fail, type Failure, type Result } from '#model/failure.ts';
import type { Cancel, Meter, Timers } from '#model/ports.ts';
import type { Answer, RenderSandbox, SandboxRequest } from './protocol.ts';
import { refusal, tooMuchMemory, whatGrows, type RenderCode } from './refusal.ts';
import { loadModule, memoryMbDefault, type RendererModule } from './wasm-module.ts';

export interface SandboxOptions {
  /**
   * How many render at the same time; the others wait. Those that are long at it do not count, up to as many again:
   * who loops holds nobody else up (F16).
   */
  readonly workers: number;
  /** From when a worker takes a request up. */
  readonly deadlineMs: number;
  readonly timers: Timers;
  readonly meter?: Meter;
  /** Of a worker's WebAssembly memory, and again of its JavaScript heap. */
  readonly memoryMbMax?: number;
  /** After which a worker without work is ended; its memory goes back. */
  readonly idleMs?: number;
  /** Tests hand in a worker that misbehaves. */
  readonly workerUrl?: URL;
}

interface Job {
  readonly request: SandboxRequest;
  readonly done: (result: Result<Answer>) => void;
}
interface Slot {
  readonly worker: Worker;
  job?: Job | undefined;
  /** It has been at its job for long. */
  isSlow: boolean;
  cancel: Cancel;
}

const slowMs = 2_000;

export class Sandbox implements RenderSandbox {
  readonly #options: SandboxOptions;
  readonly #slots = new Set<Slot>();
  readonly #queue: Job[] = [];
  #module: Promise<RendererModule> | undefined;
  #loaded: RendererModule | undefined;
  #closed = false;

  constructor(options: SandboxOptions) {
    this.#options = options;
  }

  get #memoryMbMax(): number {
    return this.#options.memoryMbMax ?? memoryMbDefault;
  }

  /**
   * Something will be rendered soon: what that takes is read and compiled while its files are being fetched. Nobody
   * who renders nothing pays for it.
   */
  prepare(): void {
    // Who renders is told what went wrong; until then nobody needs to be.
    if (this.#module === undefined) void this.#warmUp().catch(() => undefined);
  }

  async #warmUp(): Promise<void> {
    const loaded = await this.#load();
    if (!this.#closed && this.#slots.size === 0) this.#rest(this.#start(loaded, true));
  }

  #load(): Promise<RendererModule> {
    this.#module ??= loadModule(this.#memoryMbMax).then((loaded) => {
      this.#loaded = loaded;
      return loaded;
    });
    return this.#module;
  }

  async version(): Promise<string> {
    return (await this.#load()).version;
  }

  async render(request: SandboxRequest): Promise<Result<Answer>> {
    await this.#load();
    if (this.#closed) return fail(failureOf(request, 'RenderCrashed', 'The renderer is closed.'));
    return new Promise((done) => {
      this.#queue.push({ request, done });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const waiting = this.#queue.splice(0);
    for (const job of waiting)
      job.done(fail(failureOf(job.request, 'RenderCrashed', 'The renderer is closed.')));
    await Promise.all(
      [...this.#slots].map((slot) => this.#end(slot, 'RenderCrashed', 'The renderer is closed.')),
    );
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const idle = [...this.#slots].find((slot) => slot.job === undefined);
      if (idle === undefined && !this.#mayStart()) return;
      this.#assign(idle ?? this.#start(this.#loaded!, false), this.#queue.shift()!);
    }
  }

  #mayStart(): boolean {
    const { workers } = this.#options;
    const atWork = [...this.#slots].filter(({ isSlow }) => !isSlow);
    return atWork.length < workers && this.#slots.size < 2 * workers;
  }

  #start({ module }: RendererModule, warm: boolean): Slot {
    const worker = new Worker(this.#options.workerUrl ?? new URL('./sandbox-worker.ts', import.meta.url), {
      env: {},
      argv: [],
      execArgv: [],
      workerData: { module, warm, memoryMbMax: this.#memoryMbMax },
      resourceLimits: {
        maxOldGenerationSizeMb: this.#memoryMbMax,
        maxYoungGenerationSizeMb: 32,
      },
    });
    const slot: Slot = { worker, isSlow: false, cancel: () => undefined };
    this.#slots.add(slot);
    worker.on('message', (result: Result<Answer>) => {
      this.#finish(slot, result);
      this.#rest(slot);
      this.#dispatch();
    });
    worker.on('error', (error: Error & { code?: string }) => {
      const outOfMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      void this.#end(
        slot,
        outOfMemory ? 'RenderOutOfMemory' : 'RenderCrashed',
        outOfMemory ? tooMuchMemory(this.#memoryMbMax) : 'Rendering failed unexpectedly; this is a bug.',
      );
    });
    worker.on(
      'exit',
      () => void this.#end(slot, 'RenderCrashed', 'The renderer ended unexpectedly; this is a bug.'),
    );
    return slot;
  }

  #assign(slot: Slot, job: Job): void {
    slot.cancel();
    slot.job = job;
    slot.worker.ref();
    this.#limit(slot);
    // Copies of exactly the bytes: a view into a large buffer would take all of it along.
    const { request } = job;
    const files = request.tree.files.map(({ path, content }) => ({ path, content: new Uint8Array(content) }));
    slot.worker.postMessage(
      { ...request, tree: { ...request.tree, files } },
      files.map(({ content }) => content.buffer),
    );
  }

  #limit(slot: Slot): void {
    const { deadlineMs, timers } = this.#options;
    const firstMs = Math.min(slowMs, deadlineMs);
    slot.cancel = timers.after(firstMs, () => {
      slot.isSlow = true;
      slot.cancel = timers.after(deadlineMs - firstMs, () => {
        const message = `Rendering did not finish within ${Math.ceil(deadlineMs / 1000)} s.`;
        void this.#end(slot, 'RenderTimeout', message);
      });
      this.#dispatch();
    });
  }

  /** An idle worker does not keep the process alive, and goes after a while. */
  #rest(slot: Slot): void {
    slot.worker.unref();
    slot.cancel = this.#options.timers.after(this.#options.idleMs ?? 60_000, () => {
      void this.#end(slot, 'RenderCrashed', 'The renderer is closed.');
    });
  }

  #finish(slot: Slot, result: Result<Answer>): void {
    const { job } = slot;
    slot.cancel();
    slot.job = undefined;
    slot.isSlow = false;
    job?.done(result);
  }

  /** Ends a worker; the request that it had fails, and the next ones get a new worker. */
  async #end(slot: Slot, code: RenderCode, message: string): Promise<void> {
    if (!this.#slots.delete(slot)) return;
    const { job } = slot;
    const ended = slot.worker.terminate();
    if (job !== undefined) this.#finish(slot, fail(failureOf(job.request, code, message)));
    else slot.cancel();
    this.#dispatch();
    await ended;
  }
}

function failureOf(request: SandboxRequest, code: RenderCode, message: string): Failure {
  return refusal(code, message, whatGrows, { path: request.root || '.' });
}
