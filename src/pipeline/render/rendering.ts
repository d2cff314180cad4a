/** Renders in an instance of the module that it keeps: in a worker (sandbox-worker.ts), or wherever a test wants it. */
import { fail, type Failure, type Result } from '#model/failure.ts';
import type { Clock, Random } from '#model/ports.ts';
import { answerOf } from './answer.ts';
import { Instance } from '#wasm/instance.ts';
import type { Answer, SandboxRequest } from './protocol.ts';
import { refusal, tooMuchMemory, whatGrows } from './refusal.ts';
import { memoryMbDefault } from './wasm-module.ts';
import { Exit } from '#wasm/wasi.ts';

/** It collects half as often as Go does by itself: a tenth less work for some megabytes more. */
const settings = ['GOGC=200'];

export class Rendering {
  readonly #module: WebAssembly.Module;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #memoryMbMax: number;
  #instance: Instance | undefined;

  /** `memoryMbMax` is what the module was capped at, for messages. */
  constructor(
    module: WebAssembly.Module,
    clock: Clock,
    random: Random,
    memoryMbMax: number = memoryMbDefault,
  ) {
    this.#module = module;
    this.#clock = clock;
    this.#random = random;
    this.#memoryMbMax = memoryMbMax;
  }

  render(request: SandboxRequest): Result<Answer> {
    try {
      this.#instance ??= new Instance(this.#module, this.#clock, this.#random, settings);
      return answerOf(this.#instance.call(encoded(request)), request);
    } catch (error) {
      // After a trap nothing in the instance is to be trusted.
      const words = this.#instance?.lastWords ?? '';
      this.#instance = undefined;
      return fail(trapped(error, words, request.root, this.#memoryMbMax));
    }
  }

  /** Functions are compiled when they are first called: half a second that nobody should have to wait for. */
  warmUp(): void {
    const content = Buffer.from(
      'resources: []\nnamePrefix: x-\nconfigMapGenerator:\n- name: a\n  literals: [a=b]\n',
    );
    this.render({
      op: 'kustomize',
      options: { path: 'warm', limits: {}, loadRestriction: 'root', edits: {} },
      tree: {
        directories: { warm: ['kustomization.yaml'] },
        known: [],
        absent: [],
        files: [{ path: 'warm/kustomization.yaml', content }],
      },
      root: 'warm',
      objectBytesMax: 1,
      lenient: [],
    });
  }
}

/** As the module reads a request: the header's length, the header, the contents (render-wasm/abi). */
export function encoded({ op, options, tree }: SandboxRequest): readonly Uint8Array[] {
  const { directories, known, absent, files, mounts } = tree;
  const listed = files.map(({ path, content }) => ({ path, bytes: content.byteLength }));
  const header = Buffer.from(
    JSON.stringify({ op, options, tree: { directories, known, absent, files: listed, mounts } }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.byteLength);
  return [length, header, ...files.map(({ content }) => content)];
}

function trapped(error: unknown, lastWords: string, root: string, memoryMbMax: number): Failure {
  const text = `${error instanceof Error ? error.message : String(error)} ${lastWords}`;
  const at = { path: root || '.' };
  if (/out of memory|cannot allocate/i.test(text))
    return refusal('RenderOutOfMemory', tooMuchMemory(memoryMbMax), whatGrows, at);
  if (/stack (overflow|exceeds|size exceeded)/i.test(text))
    return refusal(
      'RenderOutOfMemory',
      'Rendering recursed without end.',
      'look for templates that include themselves',
      at,
    );
  const why = error instanceof Exit ? `it ended with ${error.code}` : text.split('\n')[0]!.slice(0, 200);
  return refusal('RenderCrashed', `Rendering failed unexpectedly; this is a bug: ${why}.`, whatGrows, at);
}
