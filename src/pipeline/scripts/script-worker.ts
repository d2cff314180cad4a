/** The other side of interpreter.ts: runs what it is sent, in an instance that is made anew after a trap. */
import { workerData } from 'node:worker_threads';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import { Instance } from '#wasm/instance.ts';
import { capMemory } from '#wasm/memory-cap.ts';
import { readModule } from '#wasm/module-file.ts';
import { memoryMbMax, type Given, type Reply } from './protocol.ts';

const distribution = new URL('../../../script-wasm/dist/', import.meta.url);
const moduleBytesMax = 12 * 1024 * 1024;

const { port, signals, module: compiled } = workerData as Given;
let instance: Instance | undefined;
try {
  const module = compiled ?? (await load());
  const fresh = (): Instance => new Instance(module, systemClock, systemRandom);
  instance = fresh();
  port.on('message', (request: Uint8Array) => reply(answer(request, fresh)));
  reply({ module });
} catch (error) {
  reply({ trap: String(error) });
}

async function load(): Promise<WebAssembly.Module> {
  const { bytes } = await readModule(distribution, 'scripts', moduleBytesMax);
  return WebAssembly.compile(capMemory(bytes, memoryMbMax));
}

function answer(request: Uint8Array, fresh: () => Instance): Reply {
  try {
    instance ??= fresh();
    return { text: instance.call([request]) };
  } catch (error) {
    // After a trap an instance is worth nothing.
    const words = instance?.lastWords || String(error);
    instance = undefined;
    return { trap: words };
  }
}

/** The other side does not listen: it waits for the signal, and then takes what is there. */
function reply(message: Reply): void {
  port.postMessage(message, []);
  Atomics.add(signals, 0, 1);
  Atomics.notify(signals, 0);
}
