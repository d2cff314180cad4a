/** One instance of a Go module (render-wasm/, embedded-wasm/): bytes in, bytes out. After a trap it is worth nothing any more. */
import type { Clock, Random } from '#model/ports.ts';
import { createWasi, type Wasi } from './wasi.ts';

/** What a WebAssembly reactor runs first, by its convention. */
const initialize = '_initialize';

interface Exports {
  readonly memory: WebAssembly.Memory;
  [initialize](): void;
  alloc(length: number): number;
  free(pointer: number): void;
  call(pointer: number, length: number): bigint;
}

export class Instance {
  readonly #exports: Exports;
  readonly #wasi: Wasi;

  constructor(module: WebAssembly.Module, clock: Clock, random: Random, settings: readonly string[] = []) {
    const wasi = createWasi(clock, random, settings);
    this.#wasi = wasi;
    const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi.imports });
    this.#exports = instance.exports as unknown as Exports;
    wasi.bind(this.#exports.memory);
    this.#exports[initialize]();
  }

  /** What it wrote to standard error last: why it ended, if it did. */
  get lastWords(): string {
    return this.#wasi.lastWords();
  }

  /** Throws when the module traps or ends itself. */
  call(parts: readonly Uint8Array[]): string {
    const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
    const pointer = this.#exports.alloc(length) >>> 0;
    const request = new Uint8Array(this.#exports.memory.buffer, pointer, length);
    let at = 0;
    for (const part of parts) {
      request.set(part, at);
      at += part.byteLength;
    }
    const packed = BigInt.asUintN(64, this.#exports.call(pointer, length));
    const answerAt = Number(packed >> 32n);
    const answerBytes = Number(packed & 0xffff_ffffn);
    // Memory may have grown: its buffer is another one now.
    const answer = new Uint8Array(this.#exports.memory.buffer, answerAt, answerBytes);
    const text = new TextDecoder().decode(answer);
    this.#exports.free(answerAt);
    return text;
  }
}
