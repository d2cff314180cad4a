/** The body of an answer that comes bit by bit: what was pushed, in order, then its end or what broke it. */

export class Pipe implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  #over: { readonly error?: Error } | undefined;
  #wake: (() => void) | undefined;

  get isOver(): boolean {
    return this.#over !== undefined;
  }

  push(chunk: Uint8Array): void {
    if (this.#over !== undefined) return;
    this.#chunks.push(chunk);
    this.#wake?.();
  }
  end(error?: Error): void {
    if (this.#over !== undefined) return;
    this.#over = error === undefined ? {} : { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#over?.error !== undefined) throw this.#over.error;
      else if (this.#over !== undefined) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async text(): Promise<string> {
    const parts: Uint8Array[] = [];
    for await (const part of this) parts.push(part);
    return Buffer.concat(parts).toString('utf8');
  }
}

/** An error as sockets have them. */
export function broken(code: string): Error {
  return Object.assign(new Error(`simulated: ${code}`), { code });
}
