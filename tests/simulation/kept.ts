/** Answers of pure calls, as many as there is room for; those that nobody asked for go first. */
export class Kept<T> {
  readonly #max: number;
  readonly #values = new Map<string, T>();
  hits = 0;
  misses = 0;
  /** Hears of each answer that was made here. */
  made: (key: string, answer: T) => void = () => undefined;

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string, make: () => T): T {
    const known = this.#values.get(key);
    if (known !== undefined) {
      this.hits += 1;
      this.#values.delete(key);
      this.#values.set(key, known);
      return known;
    }
    this.misses += 1;
    const made = make();
    this.learn(key, made);
    this.made(key, made);
    return made;
  }

  /** An answer that may have been made elsewhere. */
  learn(key: string, answer: T): void {
    this.#values.set(key, answer);
    const [oldest] = this.#values.keys();
    if (this.#values.size > this.#max && oldest !== undefined) this.#values.delete(oldest);
  }
}
