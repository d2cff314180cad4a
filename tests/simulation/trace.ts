/** What happened, in order: kept as text for a replay, and always as a digest, by which two runs can be compared. */

export class Trace {
  readonly lines: string[] = [];
  readonly #keeps: boolean;
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;
  #count = 0;

  constructor(keeps: boolean) {
    this.#keeps = keeps;
  }

  get count(): number {
    return this.#count;
  }
  get digest(): string {
    return `${hex(this.#high)}${hex(this.#low)}`;
  }

  add(atMs: number, who: string, what: string): void {
    this.#count += 1;
    const line = `${(atMs / 1000).toFixed(3).padStart(10)} ${who.padEnd(10)} ${what}`;
    for (let index = 0; index < line.length; index += 1) {
      const code = line.charCodeAt(index);
      this.#low = Math.imul(this.#low ^ code, 0x01000193);
      this.#high = Math.imul(this.#high ^ (code + index), 0x85ebca6b);
    }
    if (this.#keeps) this.lines.push(line);
  }
}

const hex = (number: number): string => (number >>> 0).toString(16).padStart(8, '0');
