/**
 * The whole world of a Go module: a clock, randomness, standard error, its own end, and settings of ours for its
 * runtime. There is no file, no socket, no argument and nothing of our environment to be had (S1); whatever else the
 * module asks for is answered with "not supported".
 */
import type { Clock, Random } from '#model/ports.ts';

const success = 0;
const badDescriptor = 8;
const notSupported = 52;
const descriptorBytes = 24;
const characterDevice = 2;
const subscriptionBytes = 48;
const eventBytes = 32;
const realTime = 0;
const stderrCharsMax = 2000;

/** The module ended itself: nothing more can be asked of it. */
export class Exit extends Error {
  readonly code: number;
  constructor(code: number, lastWords: string) {
    super(`the module ended with ${code}: ${lastWords}`);
    this.code = code;
  }
}

export interface Wasi {
  readonly imports: Readonly<Record<string, (...args: never[]) => unknown>>;
  /** The memory is known only once the module is instantiated. */
  bind(memory: WebAssembly.Memory): void;
  /** The end of what it wrote to standard error, or why it died. */
  lastWords(): string;
}

/** `settings`: all that the module finds in its environment, `NAME=value`. */
export function createWasi(clock: Clock, random: Random, settings: readonly string[] = []): Wasi {
  const environment = settings.map((setting) => `${setting}\0`).join('');
  let memory: WebAssembly.Memory | undefined;
  let words = '';
  const view = (): DataView => new DataView(memory!.buffer);
  const bytes = (pointer: number, length: number): Uint8Array =>
    new Uint8Array(memory!.buffer, pointer, length);
  const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n;
  const write = (pointers: number, count: number, writtenAt: number): number => {
    let total = 0;
    for (let index = 0; index < count; index += 1) {
      const pointer = view().getUint32(pointers + 8 * index, true);
      const length = view().getUint32(pointers + 8 * index + 4, true);
      words += Buffer.from(bytes(pointer, length)).toString('utf8');
      total += length;
    }
    // A runtime that dies says why first, and then much about where.
    const why = words.indexOf('fatal error: ');
    words = why < 0 ? words.slice(-stderrCharsMax) : words.slice(why, why + stderrCharsMax);
    view().setUint32(writtenAt, total, true);
    return success;
  };
  const known: Record<string, (...args: never[]) => unknown> = {
    // One argument: a logging library reads the program's name and fails without.
    args_sizes_get: (countAt: number, bytesAt: number) => {
      view().setUint32(countAt, 1, true);
      view().setUint32(bytesAt, 2, true);
      return success;
    },
    args_get: (pointersAt: number, textAt: number) => {
      view().setUint32(pointersAt, textAt, true);
      bytes(textAt, 2).set([0x72, 0]);
      return success;
    },
    environ_sizes_get: (countAt: number, bytesAt: number) => {
      view().setUint32(countAt, settings.length, true);
      view().setUint32(bytesAt, Buffer.byteLength(environment), true);
      return success;
    },
    environ_get: (pointersAt: number, textAt: number) => {
      let at = textAt;
      settings.forEach((setting, index) => {
        view().setUint32(pointersAt + 4 * index, at, true);
        at += Buffer.byteLength(setting) + 1;
      });
      Buffer.from(environment).copy(bytes(textAt, at - textAt));
      return success;
    },
    clock_time_get: (id: number, _precision: bigint, at: number) => {
      view().setBigUint64(at, nanoseconds(id === realTime ? clock.now() : clock.monotonic()), true);
      return success;
    },
    random_get: (pointer: number, length: number) => {
      bytes(pointer, length).set(random.bytes(length));
      return success;
    },
    sched_yield: () => success,
    proc_exit: (code: number) => {
      throw new Exit(code, words);
    },
    fd_write: (descriptor: number, pointers: number, count: number, writtenAt: number) =>
      descriptor === 1 || descriptor === 2 ? write(pointers, count, writtenAt) : badDescriptor,
    fd_fdstat_get: (descriptor: number, at: number) => {
      if (descriptor > 2) return badDescriptor;
      bytes(at, descriptorBytes).fill(0);
      view().setUint8(at, characterDevice);
      return success;
    },
    fd_prestat_get: () => badDescriptor,
    // The runtime waits here when everything in it sleeps. Nothing in a render waits for time to pass: it has passed.
    poll_oneoff: (subscriptions: number, events: number, count: number, happenedAt: number) => {
      for (let index = 0; index < count; index += 1) {
        const event = events + eventBytes * index;
        const user = view().getBigUint64(subscriptions + subscriptionBytes * index, true);
        bytes(event, eventBytes).fill(0);
        view().setBigUint64(event, user, true);
        view().setUint8(event + 10, view().getUint8(subscriptions + subscriptionBytes * index + 8));
      }
      view().setUint32(happenedAt, count, true);
      return success;
    },
  };
  return {
    imports: new Proxy(known, { get: (all, name) => all[String(name)] ?? (() => notSupported) }),
    bind: (given) => {
      memory = given;
    },
    lastWords: () => words,
  };
}
