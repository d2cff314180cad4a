/** The `RenderStore` port in memory, on a disk that a test can lose or fill. */
import type { Digest } from '#model/json.ts';
import type { RenderStore } from '#model/ports.ts';

export class MemoryRenderStore implements RenderStore {
  readonly values = new Map<Digest, Uint8Array>();
  readonly onlyCopies = new Set<Digest>();
  isFull = false;

  get(key: Digest): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.values.get(key));
  }
  put(key: Digest, value: Uint8Array, isOnlyCopy: boolean): Promise<void> {
    if (!this.isFull) this.values.set(key, value);
    if (isOnlyCopy) this.onlyCopies.add(key);
    return Promise.resolve();
  }
  remove(key: Digest): Promise<void> {
    this.values.delete(key);
    return Promise.resolve();
  }
}
