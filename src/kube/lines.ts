/**
 * Cuts a byte stream into lines. It splits bytes, not characters, so that a chunk that ends inside a multi-byte
 * character does no harm; and it bounds a line, so that a server that never sends a line end cannot fill memory.
 */
export class LineTooLong extends Error {}

const NEWLINE = 0x0a;

export class Lines {
  readonly #bytesMax: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that this chunk completes, without empty ones. Throws LineTooLong. */
  push(chunk: Uint8Array): readonly string[] {
    const lines: string[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      const line = this.#take(chunk.subarray(start, end));
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) {
      const rest = chunk.subarray(start);
      this.#pending.push(rest);
      this.#pendingBytes += rest.length;
    }
    if (this.#pendingBytes > this.#bytesMax)
      throw new LineTooLong(`a line of more than ${this.#bytesMax} bytes`);
    return lines;
  }

  #take(last: Uint8Array): string {
    if (this.#pending.length === 0) return textOf(last);
    const whole = Buffer.concat([...this.#pending, last]);
    this.#pending = [];
    this.#pendingBytes = 0;
    return textOf(whole);
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').trim();
}
