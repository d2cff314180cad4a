/** Wakes a Run that waits: it is told of everything for which another turn would be taken. */
import type { News } from '#pipeline/apply/wait.ts';

export class Stir implements News {
  readonly #waiting = new Set<() => void>();

  tell(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  next(): { readonly arrived: Promise<void>; readonly forget: () => void } {
    let resolve = (): void => undefined;
    const arrived = new Promise<void>((done) => (resolve = done));
    this.#waiting.add(resolve);
    return {
      arrived,
      forget: () => {
        this.#waiting.delete(resolve);
        resolve();
      },
    };
  }
}
