/** The head of what a CGI program prints: fields, an empty line, and then the body (RFC 3875). */

export interface CgiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array>;
}

const headBytesMax = 16 * 1024;

/** Undefined when it prints no head. */
export async function readAnswer(output: AsyncIterable<Uint8Array>): Promise<CgiAnswer | undefined> {
  const parts = output[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < headBytesMax) {
    const end = head.indexOf('\r\n\r\n');
    if (end >= 0) {
      const headers = new Headers();
      for (const line of head.toString('latin1', 0, end).split('\r\n')) {
        const colon = line.indexOf(':');
        headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
      }
      const status = Number.parseInt(headers.get('status') ?? '200', 10);
      headers.delete('status');
      return { status, headers, body: rest(head.subarray(end + 4), parts) };
    }
    const part = await parts.next();
    if (part.done === true) return undefined;
    head = Buffer.concat([head, part.value]);
  }
  return undefined;
}

async function* rest(first: Uint8Array, parts: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  if (first.length > 0) yield first;
  yield* { [Symbol.asyncIterator]: () => parts };
}
