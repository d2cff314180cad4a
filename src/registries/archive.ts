/**
 * Unpacks what others packed: only plain files, none of them outside, not too many and not too large (S3). Modes and owners
 * count for nothing: everything becomes a file that can be read.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Parser } from 'tar';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { ArchiveFile } from '#model/ports.ts';
import { refusal } from './failures.ts';

export interface ArchiveLimits {
  readonly packedBytesMax: number;
  readonly unpackedBytesMax: number;
  /** Unpacked to packed; small archives may have more. */
  readonly ratioMax: number;
  readonly entriesMax: number;
}
export const archiveLimits: ArchiveLimits = {
  packedBytesMax: 32 * 2 ** 20,
  unpackedBytesMax: 64 * 2 ** 20,
  ratioMax: 200,
  entriesMax: 10_000,
};
const smallBytes = 2 ** 20;
const pathLengthMax = 1024;

const unzip = promisify(gunzip);

/** `name`: for messages. */
export async function unpack(
  name: string,
  packed: Uint8Array,
  limits: ArchiveLimits = archiveLimits,
): Promise<Result<readonly ArchiveFile[]>> {
  const no = (what: string): { readonly ok: false; readonly failure: Failure } =>
    fail(refusal('ArchiveRefused', `${name}: ${what}`, 'pack it anew, from plain files and directories'));
  const maxOutputLength = Math.min(
    limits.unpackedBytesMax,
    Math.max(smallBytes, packed.byteLength * limits.ratioMax),
  );
  let tar: Uint8Array;
  try {
    tar = await unzip(packed, { maxOutputLength });
  } catch (error) {
    const isTooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    return no(isTooLarge ? 'it unpacks to more than is allowed' : 'it is no gzip archive');
  }
  return read(tar, limits, no);
}

function read(
  tar: Uint8Array,
  { entriesMax }: ArchiveLimits,
  no: (what: string) => { readonly ok: false; readonly failure: Failure },
): Promise<Result<readonly ArchiveFile[]>> {
  return new Promise((resolve) => {
    const files = new Map<string, ArchiveFile>();
    let entries = 0;
    let refused: string | undefined;
    const parser = new Parser({
      strict: true,
      onReadEntry: (entry) => {
        const path = cleanPath(entry.path);
        const isFile = entry.type === 'File' || entry.type === 'OldFile' || entry.type === 'ContiguousFile';
        entries += 1;
        if (entries > entriesMax) refused ??= `it has more than ${entriesMax} entries`;
        else if (path === undefined)
          refused ??= `the entry ${JSON.stringify(entry.path.slice(0, 200))} lies outside of it`;
        else if (!isFile && entry.type !== 'Directory')
          refused ??= `the entry ${path} is a ${entry.type}, and no plain file`;
        const chunks: Uint8Array[] = [];
        entry.on('data', (chunk: Uint8Array) => void chunks.push(chunk));
        entry.on('end', () => {
          if (refused === undefined && isFile && path !== undefined && path !== '')
            files.set(path, { path, content: Buffer.concat(chunks) });
        });
      },
    });
    parser.on('error', () => resolve(no('it is damaged')));
    parser.on('end', () => resolve(refused === undefined ? listed([...files.values()], no) : no(refused)));
    parser.end(Buffer.from(tar.buffer, tar.byteOffset, tar.byteLength));
  });
}

/** A path is a file or a directory, never both. */
function listed(
  files: readonly ArchiveFile[],
  no: (what: string) => { readonly ok: false; readonly failure: Failure },
): Result<readonly ArchiveFile[]> {
  const paths = new Set(files.map(({ path }) => path));
  for (const path of paths)
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
      if (paths.has(path.slice(0, at))) return no(`${path.slice(0, at)} is a file and a directory`);
  return ok(files);
}

/** Undefined where it leads outside, or into what Git keeps for itself. */
function cleanPath(path: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const isOdd = path.startsWith('/') || path.length > pathLengthMax || /[\\\p{Cc}]/u.test(path);
  const isReserved = parts.some((part) => part === '..' || part.toLowerCase() === '.git');
  return isOdd || isReserved ? undefined : parts.join('/');
}

/** A chart is packed in a directory of its name, which is not a part of its paths. */
export function chartFiles(name: string, files: readonly ArchiveFile[]): Result<readonly ArchiveFile[]> {
  const [root = ''] = files.find(({ path }) => /^[^/]+\/Chart\.yaml$/.test(path))?.path.split('/') ?? [];
  if (root === '')
    return fail(refusal('ArchiveRefused', `${name}: there is no chart in it`, 'pack it by helm package'));
  return ok(
    files.flatMap(({ path, content }) =>
      path.startsWith(`${root}/`) ? [{ path: path.slice(root.length + 1), content }] : [],
    ),
  );
}
