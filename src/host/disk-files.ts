/**
 * A directory on this disk as a renderer reads a commit: for `trueup render` of what is not committed yet. Links are
 * followed inside the directory only (S2); what stands in `.git` is not there.
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { RenderFiles } from '#model/ports.ts';
import type { PathEntry, TreeFile } from '#model/rendered.ts';

/** Files are named by their path instead of their content: nothing is kept of them. */
export function openDiskFiles(directory: string): RenderFiles {
  const disk = new DiskFiles(directory);
  return {
    look: (_url, _commit, paths) => each(paths, (name) => disk.entry(name)),
    sizes: (_url, names) => each(names, async (name) => (await stat(await disk.place(name))).size),
    read: (_url, names) =>
      each(names, async (name) => new Uint8Array(await readFile(await disk.place(name)))),
    files: (_url, name) => disk.below(name),
  };
}

async function each<T>(
  names: readonly string[],
  read: (name: string) => Promise<T>,
): Promise<Result<readonly T[]>> {
  try {
    return ok(await Promise.all(names.map(read)));
  } catch (error) {
    return fail(unreadable(error));
  }
}

class DiskFiles {
  readonly #directory: string;
  #root: Promise<string> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async place(name: string): Promise<string> {
    this.#root ??= realpath(this.#directory);
    const root = await this.#root;
    const real = await realpath(path.join(root, name));
    if (real !== root && !real.startsWith(`${root}${path.sep}`))
      throw new Error(`${name} leads out of ${root}`);
    return real;
  }

  async entry(name: string): Promise<PathEntry> {
    if (name.split('/').includes('.git')) return { kind: 'absent' };
    const place = await this.place(name).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    });
    if (place === undefined) return { kind: 'absent' };
    if (!(await stat(place)).isDirectory()) return { kind: 'file', blob: name };
    const names: string[] = [];
    for (const child of await readdir(place)) {
      if (child === '.git') continue;
      const found = await stat(path.join(place, child)).catch(() => undefined);
      names.push(found?.isDirectory() === true ? `${child}/` : child);
    }
    return { kind: 'directory', names: names.toSorted() };
  }

  async below(name: string): Promise<Result<readonly TreeFile[]>> {
    const walk = async (below: string): Promise<readonly TreeFile[]> => {
      const entry = await this.entry(path.posix.join(name, below));
      if (entry.kind !== 'directory') return [];
      const found: TreeFile[] = [];
      for (const child of entry.names) {
        const relative = path.posix.join(below, child);
        if (child.endsWith('/')) found.push(...(await walk(relative)));
        else {
          const blob = path.posix.join(name, relative);
          found.push({ path: relative, blob, sizeBytes: (await stat(await this.place(blob))).size });
        }
      }
      return found;
    };
    try {
      return ok(await walk(''));
    } catch (error) {
      return fail(unreadable(error));
    }
  }
}

function unreadable(error: unknown): Failure {
  return {
    kind: 'terminal',
    code: 'PathNotFound',
    stage: 'artifact',
    message: error instanceof Error ? error.message : String(error),
    hint: 'correct the path',
  };
}
