/**
 * Looks paths up in a commit's tree, one part after the other, as the kernel would walk them: symbolic links are
 * followed inside the repository only (S2), submodules are not there (F13). Tree objects are kept by their id, so that
 * a new commit costs the trees that it changed.
 */
import { fail, ok, type Result } from '#model/failure.ts';
import type { PathEntry } from '#model/rendered.ts';
import type { ObjectReader } from './object-reader.ts';
import { badLink, notThere, parseTree, type TreeEntry } from './tree.ts';

type Names = ReadonlyMap<string, TreeEntry>;
/** Where a walk came to an end; `why`: a link that leads nowhere. */
type Found =
  | { readonly entry: TreeEntry | undefined; readonly isLinked: boolean }
  | { readonly why: string; readonly target: string };

const treeBytesMax = 64 * 1024 * 1024;
const linkBytesMax = 4096;
const hopsMax = 40;
/** Of all the trees that are kept; names and ids of a hundred bytes each. */
const entriesKeptMax = 300_000;
/** A commit that changes more has changed nearly everything. */
const changedPathsMax = 50_000;
const nothing: Names = new Map();

export interface Blobs {
  /** Makes sure that contents are here. */
  ensure(blobs: readonly string[]): Promise<Result<unknown>>;
}

export class Looking {
  readonly #url: string;
  readonly #reader: ObjectReader;
  readonly #blobs: Blobs;
  readonly #trees = new Map<string, Names>();
  readonly #roots = new Map<string, string>();
  #entries = 0;

  constructor(url: string, reader: ObjectReader, blobs: Blobs) {
    this.#url = url;
    this.#reader = reader;
    this.#blobs = blobs;
  }

  /** What stands at each path, in order. `''` is the root. */
  async look(commit: string, paths: readonly string[]): Promise<Result<readonly PathEntry[]>> {
    const root = await this.#root(commit);
    if (!root.ok) return root;
    const entries: PathEntry[] = [];
    for (const path of paths) {
      const found = await this.#walk(root.value, path);
      if (!found.ok) return found;
      if ('why' in found.value) return fail(badLink(this.#url, path, found.value.target, found.value.why));
      const entry = await this.#entryOf(root.value, path, found.value.entry);
      if (!entry.ok) return entry;
      entries.push(found.value.isLinked ? { ...entry.value, isLinked: true } : entry.value);
    }
    return ok(entries);
  }

  /** Compares trees from the root, and reads only those that differ. */
  async changedPaths(before: string, after: string): Promise<Result<ReadonlySet<string> | undefined>> {
    const roots = [await this.#root(before), await this.#root(after)] as const;
    if (!roots[0].ok) return roots[0];
    if (!roots[1].ok) return roots[1];
    const [was, is] = [roots[0].value, roots[1].value];
    const open =
      was === is ? [] : [{ path: '', was: was as string | undefined, is: is as string | undefined }];
    const changed = new Set<string>();
    for (const directory of open) {
      const [old, now] = [await this.#namesOf(directory.was), await this.#namesOf(directory.is)];
      if (!old.ok) return old;
      if (!now.ok) return now;
      for (const name of new Set([...old.value.keys(), ...now.value.keys()])) {
        const [from, to] = [old.value.get(name), now.value.get(name)];
        if (from?.id === to?.id && from?.kind === to?.kind) continue;
        if (from?.kind === 'link' || to?.kind === 'link' || changed.size >= changedPathsMax)
          return ok(undefined);
        const path = directory.path === '' ? name : `${directory.path}/${name}`;
        changed.add(path);
        if (from?.kind === 'directory' || to?.kind === 'directory')
          open.push({ path, was: directoryId(from), is: directoryId(to) });
      }
    }
    return ok(open.length > 0 ? changed.add('') : changed);
  }

  async #namesOf(tree: string | undefined): Promise<Result<Names>> {
    return tree === undefined ? ok(nothing) : this.#tree(tree);
  }

  async #entryOf(root: string, path: string, entry: TreeEntry | undefined): Promise<Result<PathEntry>> {
    if (entry === undefined || entry.kind === 'submodule') return ok({ kind: 'absent' });
    if (entry.kind !== 'directory') return ok({ kind: 'file', blob: entry.id });
    const names = await this.#tree(entry.id);
    if (!names.ok) return names;
    const listed: string[] = [];
    let isLinked = false;
    for (const [name, child] of names.value) {
      if (child.kind === 'submodule') continue;
      let kind: TreeEntry['kind'] = child.kind;
      if (kind === 'link') {
        isLinked = true;
        const end = await this.#walk(root, path === '' ? name : `${path}/${name}`);
        if (!end.ok) return end;
        // A link that leads nowhere is a file until somebody reads it.
        kind = 'entry' in end.value ? (end.value.entry?.kind ?? 'file') : 'file';
      }
      listed.push(kind === 'directory' ? `${name}/` : name);
    }
    return ok({ kind: 'directory', names: listed, ...(isLinked ? { isLinked } : {}) });
  }

  async #walk(root: string, path: string): Promise<Result<Found>> {
    /** The directories from the root to where the walk is, to go back up. */
    const above: string[] = [root];
    let rest = path.split('/');
    let hops = 0;
    while (rest.length > 0) {
      const [part = '', ...after] = rest;
      rest = after;
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (above.length === 1) return ok({ why: 'points outside the repository', target: path });
        above.pop();
        continue;
      }
      const names = await this.#tree(above.at(-1)!);
      if (!names.ok) return names;
      const entry = names.value.get(part);
      if (entry === undefined) return ok({ entry: undefined, isLinked: hops > 0 });
      if (entry.kind === 'link') {
        const target = await this.#linkTarget(entry.id);
        if (!target.ok) return target;
        if (target.value.startsWith('/'))
          return ok({ why: 'points outside the repository', target: target.value });
        if (++hops > hopsMax) return ok({ why: 'leads in a circle', target: target.value });
        rest = [...target.value.split('/'), ...rest];
        continue;
      }
      if (entry.kind === 'directory') {
        above.push(entry.id);
        continue;
      }
      const isEnd = rest.every((one) => one === '' || one === '.');
      return ok({ entry: isEnd ? entry : undefined, isLinked: hops > 0 });
    }
    return ok({ entry: { kind: 'directory', id: above.at(-1)! }, isLinked: hops > 0 });
  }

  async #linkTarget(blob: string): Promise<Result<string>> {
    const there = await this.#blobs.ensure([blob]);
    if (!there.ok) return there;
    const contents = await this.#reader.contents([blob], linkBytesMax);
    if (!contents.ok) return contents;
    return ok(Buffer.from(contents.value[0]?.content ?? new Uint8Array()).toString('utf8'));
  }

  async #tree(id: string): Promise<Result<Names>> {
    const kept = this.#trees.get(id);
    if (kept !== undefined) return ok(kept);
    const contents = await this.#reader.contents([id], treeBytesMax);
    if (!contents.ok) return contents;
    const [object] = contents.value;
    if (object === undefined || object.type !== 'tree') return fail(notThere(this.#url, id));
    const names = new Map<string, TreeEntry>();
    for (const { name, ...entry } of parseTree(object.content, id.length / 2)) names.set(name, entry);
    this.#entries += names.size;
    if (this.#entries > entriesKeptMax) {
      this.#trees.clear();
      this.#entries = names.size;
    }
    this.#trees.set(id, names);
    return ok(names);
  }

  async #root(commit: string): Promise<Result<string>> {
    const kept = this.#roots.get(commit);
    if (kept !== undefined) return ok(kept);
    const infos = await this.#reader.info([`${commit}^{tree}`]);
    if (!infos.ok) return infos;
    const [tree] = infos.value;
    if (tree === undefined) return fail(notThere(this.#url, commit));
    if (this.#roots.size > 1000) this.#roots.clear();
    this.#roots.set(commit, tree.id);
    return ok(tree.id);
  }
}

function directoryId(entry: TreeEntry | undefined): string | undefined {
  return entry?.kind === 'directory' ? entry.id : undefined;
}
