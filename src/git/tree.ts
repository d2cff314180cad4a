/** Listing a tree: git's own tree objects, read level by level, links followed inside the tree only (S2, F13). */
import type { Failure, Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import type { ObjectReader } from './object-reader.ts';
import { isObjectId } from './refs.ts';

export interface TreeEntry {
  readonly kind: 'file' | 'directory' | 'link' | 'submodule';
  readonly id: string;
}
/** Path → entry, `/` between parts, directories included; sorted as git sorts. */
export type Listing = ReadonlyMap<string, TreeEntry>;

/** Above this a tree is no directory of manifests; nested copies of one tree could otherwise grow without end. */
export const entriesMax = 100_000;
const treeBytesMax = 64 * 1024 * 1024;
const linkBytesMax = 4096;
const hopsMax = 40;

export async function listTree(url: string, root: string, reader: ObjectReader): Promise<Result<Listing>> {
  if (!isObjectId(root)) return fail(notThere(url, root));
  const listing = new Map<string, TreeEntry>();
  let level: readonly { readonly path: string; readonly id: string }[] = [{ path: '', id: root }];
  while (level.length > 0) {
    const ids = [...new Set(level.map((directory) => directory.id))];
    const trees = await reader.contents(ids, treeBytesMax);
    if (!trees.ok) return trees;
    const byId = new Map(ids.map((id, index) => [id, trees.value[index]]));
    const next: { path: string; id: string }[] = [];
    for (const directory of level) {
      const tree = byId.get(directory.id);
      if (tree === undefined || tree.type !== 'tree') return fail(notThere(url, directory.id));
      for (const { name, ...entry } of parseTree(tree.content, directory.id.length / 2)) {
        const path = directory.path === '' ? name : `${directory.path}/${name}`;
        listing.set(path, entry);
        if (entry.kind === 'directory') next.push({ path, id: entry.id });
      }
      if (listing.size > entriesMax) return fail(tooManyFiles(url));
    }
    level = next;
  }
  return ok(listing);
}

/** A tree object is a row of `mode SP name NUL id`, the id in binary. */
export function* parseTree(
  content: Uint8Array,
  idBytes: number,
): Generator<TreeEntry & { readonly name: string }> {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const end = bytes.indexOf(0, space);
    if (space < 0 || end < 0) return;
    const mode = bytes.toString('latin1', at, space);
    const name = bytes.toString('utf8', space + 1, end);
    const id = bytes.toString('hex', end + 1, end + 1 + idBytes);
    at = end + 1 + idBytes;
    yield { kind: kindOf(mode), name, id };
  }
}

function kindOf(mode: string): TreeEntry['kind'] {
  // Old trees write directories as 040000.
  if (mode === '40000' || mode === '040000') return 'directory';
  if (mode === '120000') return 'link';
  return mode === '160000' ? 'submodule' : 'file';
}

/** The blobs that say where links point: they are needed before links can be followed. */
export function linksOf(listing: Listing): readonly { readonly path: string; readonly id: string }[] {
  return [...listing].flatMap(([path, entry]) => (entry.kind === 'link' ? [{ path, id: entry.id }] : []));
}

/**
 * The files, path → blob. A link to a file stands for that file. A link to a directory is checked, but what lies
 * behind it is not listed a second time: neither Argo CD nor Flux walk into it. Submodules are left out.
 */
export async function followLinks(
  url: string,
  listing: Listing,
  reader: ObjectReader,
): Promise<Result<ReadonlyMap<string, string>>> {
  const links = linksOf(listing);
  const contents = await reader.contents(
    links.map((link) => link.id),
    linkBytesMax * (links.length + 1),
  );
  if (!contents.ok) return contents;
  const targets = new Map<string, string>();
  links.forEach(({ path }, index) => {
    const content = contents.value[index]?.content ?? new Uint8Array();
    targets.set(path, Buffer.from(content).toString('utf8'));
  });
  const files = new Map<string, string>();
  for (const [path, entry] of listing) {
    if (entry.kind === 'file') files.set(path, entry.id);
    if (entry.kind !== 'link') continue;
    const end = resolveLink(path, listing, targets);
    if ('why' in end) return fail(badLink(url, path, targets.get(path) ?? '', end.why));
    if (end.entry?.kind === 'file') files.set(path, end.entry.id);
  }
  return ok(files);
}

type Resolved = { readonly entry: TreeEntry | undefined } | { readonly why: string };

/** Walks a link's target as the kernel would, with the tree's root as the border; undefined entry: the root itself. */
function resolveLink(path: string, listing: Listing, targets: ReadonlyMap<string, string>): Resolved {
  let at: string[] = [];
  let rest = path.split('/');
  let hops = 0;
  while (rest.length > 0) {
    const [part = '', ...after] = rest;
    rest = after;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (at.length === 0) return { why: 'points outside the directory' };
      at.pop();
      continue;
    }
    const here = [...at, part].join('/');
    const entry = listing.get(here);
    if (entry === undefined) return { why: 'points at nothing' };
    if (entry.kind === 'submodule') return { why: 'points into a submodule, and submodules are not fetched' };
    if (entry.kind === 'link') {
      const target = targets.get(here) ?? '';
      if (target.startsWith('/')) return { why: 'points outside the directory' };
      if (target === '' || target.includes('\0')) return { why: 'points at nothing' };
      if (++hops > hopsMax) return { why: 'leads in a circle' };
      rest = [...target.split('/'), ...rest];
      continue;
    }
    if (entry.kind === 'file' && rest.some((one) => one !== '')) return { why: 'points at nothing' };
    at = [...at, part];
  }
  return { entry: listing.get(at.join('/')) };
}

export function badLink(url: string, path: string, target: string, why: string): Failure {
  return {
    kind: 'terminal',
    code: 'BadSymbolicLink',
    stage: 'artifact',
    message: `${url}: the symbolic link ${path} → ${JSON.stringify(target.slice(0, 200))} ${why}`,
    hint: 'replace the link with the file, or point it at one in the same directory',
    at: { path },
  };
}
function tooManyFiles(url: string): Failure {
  return {
    kind: 'terminal',
    code: 'SourceTooLarge',
    stage: 'artifact',
    message: `${url}: the directory holds more than ${entriesMax} files and directories`,
    hint: 'point the source at the directory that holds the manifests',
  };
}
export function notThere(url: string, id: string): Failure {
  return {
    kind: 'transient',
    code: 'PathNotFound',
    stage: 'artifact',
    message: `${url}: the object ${JSON.stringify(id.slice(0, 64))} is not in the local copy, or is of another type`,
    hint: 'it is looked for again after the next fetch',
  };
}

/** Repository paths as people write them: `.`, `./a/`, `/a//b`. Undefined when it leaves the repository (S2). */
export function normalPath(path: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') || /[\n\0]/.test(path) ? undefined : parts.join('/');
}
