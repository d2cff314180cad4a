/** The other side of sandbox.ts: renders what it is sent. It has no environment and is handed no ports. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import type { SandboxRequest } from './protocol.ts';
import { Rendering } from './rendering.ts';

const { module, warm, memoryMbMax } = workerData as {
  readonly module: WebAssembly.Module;
  readonly warm: boolean;
  readonly memoryMbMax: number;
};
const rendering = new Rendering(module, systemClock, systemRandom, memoryMbMax);

parentPort?.on('message', (request: SandboxRequest) => parentPort?.postMessage(rendering.render(request)));
if (warm) rendering.warmUp();
