/** Reads an index in a thread of its own where that takes long, in bounded time and memory (F16). */
import { Worker } from 'node:worker_threads';
import { fail, type Result } from '#model/failure.ts';
import type { Timers } from '#model/ports.ts';
import { refusal } from './failures.ts';
import { parseIndex, type Index } from './helm-index.ts';

const smallChars = 64 * 1024;
const deadlineMs = 60_000;
const memoryMbMax = 1024;

export function readIndex(url: string, text: string, timers: Timers): Promise<Result<Index>> {
  if (text.length <= smallChars) return Promise.resolve(parseIndex(url, text));
  return new Promise((resolve) => {
    const worker = new Worker(new URL('./index-worker.ts', import.meta.url), {
      env: {},
      execArgv: [],
      workerData: { url, text },
      resourceLimits: { maxOldGenerationSizeMb: memoryMbMax },
    });
    const end = (result: Result<Index>): void => {
      cancel();
      resolve(result);
      void worker.terminate();
    };
    const tooMuch = (): void =>
      end(
        fail(
          refusal(
            'InvalidIndex',
            `${url}: its index.yaml takes too long to read`,
            'remove old versions from it',
          ),
        ),
      );
    const cancel = timers.after(deadlineMs, tooMuch);
    worker.on('message', end);
    worker.on('error', tooMuch);
  });
}
