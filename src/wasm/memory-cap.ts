/** The cap on a module's memory. */
const pageBytes = 65_536;
const memorySection = 5;
const headerBytes = 8;

/**
 * Writes a maximum into the module's memory section: growing beyond it fails in the module itself, so that what runs
 * away ends before it can hurt anything else (F16).
 */
export function capMemory(bytes: Uint8Array, memoryMbMax: number): Uint8Array<ArrayBuffer> {
  const pagesMax = Math.floor((memoryMbMax * 1024 * 1024) / pageBytes);
  for (let at = headerBytes; at < bytes.length;) {
    const id = bytes[at];
    const size = readNumber(bytes, at + 1);
    if (id === memorySection) {
      const count = readNumber(bytes, size.end);
      const [flags] = bytes.subarray(count.end);
      const minimum = readNumber(bytes, count.end + 1);
      if (count.value !== 1 || (flags !== 0 && flags !== 1)) break;
      const body = [1, 1, ...writeNumber(minimum.value), ...writeNumber(Math.max(pagesMax, minimum.value))];
      const section = Uint8Array.from([memorySection, ...writeNumber(body.length), ...body]);
      return replace(bytes, at, size.end + size.value, section);
    }
    at = size.end + size.value;
  }
  throw new Error('the module has no memory section that can be capped');
}

/** In place where the buffer has room behind them. */
function replace(bytes: Uint8Array, start: number, end: number, by: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = bytes.length - (end - start) + by.length;
  const { buffer, byteOffset } = bytes;
  const hasRoom = buffer instanceof ArrayBuffer && buffer.byteLength - byteOffset >= length;
  const replaced = hasRoom ? new Uint8Array(buffer, byteOffset, length) : new Uint8Array(length);
  if (!hasRoom) replaced.set(bytes.subarray(0, start));
  if (hasRoom) replaced.copyWithin(start + by.length, end, bytes.length);
  else replaced.set(bytes.subarray(end), start + by.length);
  replaced.set(by, start);
  return replaced;
}

/** Unsigned LEB128, as WebAssembly writes numbers. */
function readNumber(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  let factor = 1;
  for (let at = start; ; at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * factor;
    factor *= 128;
    if ((byte & 0x80) === 0) return { value, end: at + 1 };
  }
}

function writeNumber(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value; ;) {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? byte | 0x80 : byte);
    if (rest === 0) return bytes;
  }
}
