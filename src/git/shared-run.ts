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

/** Lets one in at a time, in the order they came. */
export class Turnstile {
  #last: Promise<unknown> = Promise.resolve();

  pass<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
