/** A thread that runs scripts, how it is asked, and what its answers mean. */
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { jsonText, parseJson } from '#model/json.ts';
import type { ScriptAnswer, ScriptFailure } from '#model/scripts.ts';
import type { Given, Reply } from './protocol.ts';

export interface ScriptThread {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly signals: Int32Array;
}

/** Its first reply says that it is ready. It keeps no process from its end. */
export function startThread(module: WebAssembly.Module | undefined): ScriptThread {
  const { port1, port2 } = new MessageChannel();
  const signals = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workerData: Given = { port: port1, signals, ...(module === undefined ? {} : { module }) };
  const worker = new Worker(new URL('./script-worker.ts', import.meta.url), {
    env: {},
    argv: [],
    execArgv: [],
    workerData,
    transferList: [port1],
  });
  worker.unref();
  port2.unref();
  return { worker, port: port2, signals };
}

export function requestOf(op: string, options: object, deadlineMs: number): Uint8Array {
  return Buffer.from(jsonText({ op, options: { ...options, deadlineMs } }));
}

interface Answer {
  readonly value?: unknown;
  readonly failure?: ScriptFailure;
}

/** Without a reply it was ended. The answer is what the module makes of the operation, whose type the caller knows. */
export function resultOf<T>(reply: Reply | undefined, deadlineMs: number): ScriptAnswer<T> {
  if (reply === undefined) return stopped(`it was stopped after ${deadlineMs / 1000} s`);
  if (!('text' in reply)) return stopped(trapText('trap' in reply ? reply.trap : ''));
  const { value, failure } = parseJson(reply.text) as Answer;
  return failure === undefined ? { ok: true, value: value as T } : { ok: false, failure };
}

export function stopped(message: string): { readonly ok: false; readonly failure: ScriptFailure } {
  return { ok: false, failure: { message, stopped: true } };
}

function trapText(words: string): string {
  return /out of memory|cannot allocate|grow/i.test(words)
    ? 'it was stopped because it ran out of memory'
    : `it was stopped because it broke the interpreter: ${words.split('\n')[0]?.slice(0, 200) ?? ''}`;
}
