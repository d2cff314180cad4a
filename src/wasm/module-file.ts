/** Go modules as they stand in the repository: `NAME.wasm.br`, with `NAME.sha256`, the digest of the bytes in it. */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';

export interface ModuleFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Other bytes may answer otherwise. */
  readonly version: string;
}

/** Reads and decompresses off this thread; `bytesMax` is as much as the module takes, so that one buffer is filled. */
export async function readModule(directory: URL, name: string, bytesMax: number): Promise<ModuleFile> {
  const [compressed, digest] = await Promise.all([
    readFile(new URL(`${name}.wasm.br`, directory)),
    readFile(new URL(`${name}.sha256`, directory), 'utf8'),
  ]);
  const bytes = await promisify(brotliDecompress)(compressed, { chunkSize: bytesMax });
  return { bytes: bytes as Uint8Array<ArrayBuffer>, version: digest.trim() };
}
