/** The jq of the product, answered at once: for worlds whose time does not pass while a thread computes. */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import type { JsonObject } from '#model/json.ts';
import type { PathCutter, PathFailure } from '#model/scripts.ts';
import type { JqResult } from '#pipeline/scripts/path-cutter.ts';
import { requestOf, resultOf } from '#pipeline/scripts/thread.ts';
import { Instance } from '#wasm/instance.ts';

const file = new URL('../../script-wasm/dist/scripts.wasm.br', import.meta.url);
// Node's types leave its constructor out.
const { Module } = WebAssembly as unknown as { Module: new (bytes: Uint8Array) => WebAssembly.Module };
const deadlineMs = 1000;
let instance: Instance | undefined;

type Ran = { readonly object: JsonObject } | { readonly failure: PathFailure };
function run(path: string, object: JsonObject): Ran {
  instance ??= new Instance(new Module(brotliDecompressSync(readFileSync(file))), systemClock, systemRandom);
  const text = instance.call([requestOf('jq', { paths: [path], object }, deadlineMs)]);
  const answer = resultOf<JqResult>({ text }, deadlineMs);
  const failure = answer.ok ? answer.value.failures?.[0] : answer.failure;
  if (failure !== undefined) return { failure: { ...failure, path } };
  return { object: answer.ok ? answer.value.object : object };
}

export const promptCutter: PathCutter = {
  check: async (paths) => {
    for (const path of paths) {
      const ran = run(`empty|(${path})`, {});
      if ('failure' in ran) return { ...ran.failure, path };
    }
    return undefined;
  },
  cut: async (_, cuts) => {
    const value: JsonObject[] = [];
    for (const { paths, object } of cuts) {
      let left = object;
      for (const path of paths) {
        const ran = run(path, left);
        if ('object' in ran) left = ran.object;
        else if (ran.failure.stopped === true) return { ok: false, failure: ran.failure };
      }
      value.push(left);
    }
    return { ok: true, value };
  },
  close: async () => undefined,
};
