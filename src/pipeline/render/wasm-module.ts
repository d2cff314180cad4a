/** The compiled renderer: read once, decompressed and compiled off this thread, its memory capped. */
import { capMemory } from '#wasm/memory-cap.ts';
import { readModule } from '#wasm/module-file.ts';

const distribution = new URL('../../../render-wasm/dist/', import.meta.url);
/** More than the module and what capping adds to it: decompressing then fills one buffer, which capping changes in place. */
const moduleBytesMax = 48 * 1024 * 1024;
/** Of an instance's memory, unless somebody says otherwise. */
export const memoryMbDefault = 256;

export interface RendererModule {
  readonly module: WebAssembly.Module;
  /** The digest of its bytes: other bytes may render otherwise. */
  readonly version: string;
}

export async function loadModule(memoryMbMax: number): Promise<RendererModule> {
  const { bytes, version } = await readModule(distribution, 'renderer', moduleBytesMax);
  const capped = capMemory(bytes, memoryMbMax);
  return { module: await WebAssembly.compile(capped), version };
}
