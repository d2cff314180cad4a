/** What passes between the two sides of the interpreter. */
import type { MessagePort } from 'node:worker_threads';

/** Of the module's memory. */
export const memoryMbMax = 96;

export interface Given {
  readonly port: MessagePort;
  /** One number that grows with each reply. */
  readonly signals: Int32Array;
  /** Compiled by an earlier worker. */
  readonly module?: WebAssembly.Module;
}
export type Reply =
  /** The first: it is ready. */
  | { readonly module: WebAssembly.Module }
  | { readonly text: string }
  /** The last words of an instance. */
  | { readonly trap: string };
