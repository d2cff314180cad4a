/**
 * One piece of work, however many ask for it. Who asks while it runs may know of something that it has already
 * missed (a push), so that they get the next run; all who ask meanwhile share that one.
 */
export class SharedRun<T> {
  readonly #work: (begun: () => void) => Promise<T>;
  #current: Promise<T> | undefined;
  /** Until the work has looked at the world, everybody may still join. */
  #joinable = false;
  #next: Promise<T> | undefined;

  /** `work` calls `begun` right before it looks at what may change. */
  constructor(work: (begun: () => void) => Promise<T>) {
    this.#work = work;
  }

  ask(): Promise<T> {
    if (this.#next !== undefined) return this.#next;
    if (this.#current === undefined) return this.#start();
    if (this.#joinable) return this.#current;
    this.#next = this.#current.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<T> {
    this.#joinable = true;
    this.#next = undefined;
    const run = this.#work(() => (this.#joinable = false)).finally(() => {
      if (this.#current === run) this.#current = undefined;
    });
    this.#current = run;
    return run;
  }
}

/** Lets `places` in at a time, in the order they came. */
export class Turnstile {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(places = 1) {
    this.#free = places;
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The place goes to the next in line, not to whoever comes by in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
