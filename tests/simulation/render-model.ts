/**
 * The renderer of a replica: the real one, in this thread, with its answers kept for all worlds of this process; in
 * front of it whatever a sandbox can do to a request.
 */
import { digestOf } from '#fields/digest.ts';
import { fail, type Failure, type Result } from '#model/failure.ts';
import type { Answer, RenderSandbox, SandboxRequest } from '#pipeline/render/protocol.ts';
import { refusal } from '#pipeline/render/refusal.ts';
import { encoded, Rendering } from '#pipeline/render/rendering.ts';
import { loadModule } from '#pipeline/render/wasm-module.ts';
import type { FaultGate, FaultKind } from './faults.ts';
import { Kept } from './kept.ts';
import { SeededRandom } from './random.ts';
import type { Process } from './scheduler.ts';
import type { Phase } from './steps.ts';

const memoryMbMax = 256;
const answersMax = 20_000;
const deadlineMs = 30_000;

interface Loaded {
  readonly answers: Kept<Result<Answer>>;
  readonly answer: (request: SandboxRequest) => Result<Answer>;
  readonly version: string;
}
let loaded: Promise<Loaded> | undefined;

async function load(): Promise<Loaded> {
  const { module, version } = await loadModule(memoryMbMax);
  const nothing = { now: () => 1, monotonic: () => 1 };
  const rendering = new Rendering(module, nothing, new SeededRandom('the renderer'));
  const answers = new Kept<Result<Answer>>(answersMax);
  const keyOf = (request: SandboxRequest): string => {
    const { root, objectBytesMax, lenient } = request;
    const parts = encoded(request);
    return digestOf(Buffer.concat([Buffer.from(JSON.stringify([root, objectBytesMax, lenient])), ...parts]));
  };
  const answer = (request: SandboxRequest): Result<Answer> =>
    answers.get(keyOf(request), () => rendering.render(request));
  return { answers, answer, version };
}
/** Before any world begins: it is read from the disk, which takes time that is not simulated. */
export async function loadRenderer(): Promise<Loaded> {
  loaded ??= load();
  return loaded;
}

export interface RenderParts {
  readonly process: Process;
  readonly random: SeededRandom;
  readonly faults: FaultGate;
  readonly phase: () => Phase;
  readonly trace: (what: string) => void;
  readonly crash: () => void;
}

export function sandboxOf({ answer, version }: Loaded, parts: RenderParts): RenderSandbox {
  const { process, random, faults, phase, trace, crash } = parts;
  return {
    version: () => Promise.resolve(version),
    render: (request) =>
      new Promise((resolve) => {
        if (process.isGone) return;
        const what = `render ${request.op} ${request.root}`;
        const fault = faults.next({ io: 'render', verb: request.op, sort: 'none', phase: phase(), what });
        if (fault !== undefined) trace(`${what} ⚡ ${fault}`);
        if (fault === 'crash-before') return crash();
        const failure = failureOf(fault, request);
        const tookMs =
          fault === 'render-timeout'
            ? deadlineMs
            : fault === 'render-slow'
              ? random.between(1000, deadlineMs)
              : random.between(0, 20);
        process.after(tookMs, () => {
          if (fault === 'crash-after') return crash();
          resolve(failure === undefined ? answer(request) : fail(failure));
        });
      }),
  };
}

function failureOf(fault: FaultKind | undefined, { root }: SandboxRequest): Failure | undefined {
  const at = { path: root || '.' };
  switch (fault) {
    case 'render-timeout':
      return refusal('RenderTimeout', 'Rendering took longer than 30 s.', 'look for a loop', at);
    case 'render-memory':
      return refusal('RenderOutOfMemory', 'Rendering ran out of memory.', 'look for very large files', at);
    case 'render-crash':
      return refusal('RenderCrashed', 'Rendering failed unexpectedly.', 'this is a bug', at);
    default:
      return undefined;
  }
}
