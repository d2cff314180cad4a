/** One bare repository on disk: its making, its refs, its upkeep. Only this process works in it. */
import { mkdir, readdir, readFile, rename, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Failure, Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { GitTools } from './command.ts';
import { runGit } from './command.ts';
import type { Identity } from './credentials.ts';
import { failureOf } from './git-failures.ts';
import type { RefTable } from './refs.ts';
import { branchPrefix, parseKeptRefs } from './refs.ts';

const localTimeoutMs = 60_000;
const housekeepingTimeoutMs = 30 * 60_000;
/** Every fetch leaves a pack; lookups slow down with their number. */
const packsMax = 50;
/** Of one address, which may have many charts. */
const archivesMax = 512;

const noRefs: RefTable = { branches: new Map(), tags: new Map() };

export class Store {
  readonly gitDir: string;
  readonly #url: string;
  readonly #tools: GitTools;
  /** Who has been let in by the server once: only they are answered from the local copy. */
  readonly #readers = new Set<Identity>();
  #here = false;
  #whole = false;
  #refs: RefTable = noRefs;

  constructor(tools: GitTools, gitDir: string, url: string) {
    this.#tools = tools;
    this.gitDir = gitDir;
    this.#url = url;
  }

  get here(): boolean {
    return this.#here;
  }
  get refs(): RefTable {
    return this.#refs;
  }
  /** Fetched with all contents, because something was wrong with leaving them out. */
  get whole(): boolean {
    return this.#whole;
  }
  isReader(identity: Identity): boolean {
    return this.#readers.has(identity);
  }

  /** Takes over what an earlier process left, with the lock files of a git that was killed removed (F1). */
  async open(): Promise<void> {
    if (!(await exists(path.join(this.gitDir, 'HEAD')))) return;
    await this.removeLeftovers();
    try {
      const note: unknown = JSON.parse(await readFile(this.#notePath, 'utf8'));
      if (!isObject(note)) return;
      this.#whole = note['whole'] === true;
      if (Array.isArray(note['readers']))
        for (const reader of note['readers']) if (typeof reader === 'string') this.#readers.add(reader);
    } catch {
      // Without the note, everybody has to be let in by the server again.
    }
    if (await this.loadRefs()) this.#here = this.#readers.size > 0;
  }

  isMade(): Promise<boolean> {
    return exists(path.join(this.gitDir, 'HEAD'));
  }

  async create(): Promise<Result<void>> {
    if (await this.isMade()) return ok(undefined);
    // Made aside and moved into place: half a repository is never found.
    const aside = `${this.gitDir}.new`;
    try {
      await rm(aside, { recursive: true, force: true });
      await mkdir(path.dirname(aside), { recursive: true });
      const result = await runGit(this.#tools, {
        args: ['init', '--quiet', '--bare', '--template=', '--', aside],
        timeoutMs: localTimeoutMs,
      });
      if (result.code !== 0) return fail(failureOf(result, this.#url, 'making room for it'));
      await rename(aside, this.gitDir);
      return ok(undefined);
    } catch (error) {
      return fail(this.#diskFailure(error));
    }
  }

  /** Throws the copy away, to be fetched anew. */
  async discard(): Promise<void> {
    this.#here = false;
    this.#whole = false;
    this.#refs = noRefs;
    await rm(this.gitDir, { recursive: true, force: true }).catch(() => undefined);
  }

  async loadRefs(): Promise<boolean> {
    const result = await runGit(this.#tools, {
      gitDir: this.gitDir,
      args: ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/trueup/'],
      timeoutMs: localTimeoutMs,
    });
    if (result.code !== 0) return false;
    const head = await readFile(path.join(this.gitDir, 'HEAD'), 'utf8').catch(() => '');
    this.#refs = parseKeptRefs(
      Buffer.from(result.stdout).toString('utf8'),
      head.startsWith('ref: ') ? head.slice('ref: '.length).trim() : '',
    );
    return true;
  }

  async setHead(branch: string | undefined): Promise<void> {
    if (branch === undefined || branch === this.#refs.head) return;
    await runGit(this.#tools, {
      gitDir: this.gitDir,
      args: ['symbolic-ref', 'HEAD', `${branchPrefix}${branch}`],
      timeoutMs: localTimeoutMs,
    });
  }

  /** The server answered this one. Kept across restarts, but for users named in an address, whose password it is. */
  async admit(identity: Identity): Promise<void> {
    this.#here = true;
    if (this.#readers.has(identity)) return;
    this.#readers.add(identity);
    await this.#writeNote();
  }

  async markWhole(): Promise<void> {
    this.#whole = true;
    await this.#writeNote();
  }

  async #writeNote(): Promise<void> {
    const readers = [...this.#readers].filter((reader) => !reader.startsWith('address '));
    const aside = `${this.#notePath}.new`;
    try {
      await writeFile(aside, `${JSON.stringify({ url: this.#url, whole: this.#whole, readers })}\n`, {
        mode: 0o600,
      });
      await rename(aside, this.#notePath);
    } catch {
      // The disk is full: it is asked again after the next restart.
    }
  }

  /** Lock files and halves of packs, and the empty refs that a power cut makes: git would stumble over them. */
  async removeLeftovers(): Promise<void> {
    const entries = await readdir(this.gitDir, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      const half = entry.name.endsWith('.lock') || /^(?:tmp_(?:pack|idx|obj|rev)_|\.tmp-)/.test(entry.name);
      const isRef = path.relative(this.gitDir, file).startsWith(`refs${path.sep}`);
      const size = isRef
        ? await stat(file).then(
            (found) => found.size,
            () => 1,
          )
        : 1;
      if (half || size === 0) await unlink(file).catch(() => undefined);
    }
  }

  /** Joins packs when there are many. What no ref holds goes after two weeks, as git has it. */
  async keepHouse(): Promise<void> {
    const packs = await readdir(path.join(this.gitDir, 'objects', 'pack')).catch(() => []);
    if (packs.filter((name) => name.endsWith('.pack')).length <= packsMax) return;
    await runGit(this.#tools, {
      gitDir: this.gitDir,
      args: ['gc', '--quiet'],
      config: [
        ['remote.origin.promisor', 'true'],
        ['remote.origin.partialclonefilter', 'blob:none'],
      ],
      timeoutMs: housekeepingTimeoutMs,
    });
  }

  /** It is still used. */
  async touchArchive(ref: string, nowMs: number): Promise<void> {
    await utimes(path.join(this.gitDir, ref), nowMs / 1000, nowMs / 1000).catch(() => undefined);
  }

  /** Those that nobody has asked for the longest go when there are too many. */
  async boundArchives(): Promise<void> {
    const directory = path.join(this.gitDir, 'refs', 'trueup', 'archives');
    const names = await readdir(directory).catch(() => []);
    if (names.length <= archivesMax) return;
    const refs = await Promise.all(
      names.map(async (name) => ({ name, atMs: (await stat(path.join(directory, name))).mtimeMs })),
    );
    const old = refs.toSorted((a, b) => a.atMs - b.atMs).slice(0, names.length - archivesMax / 2);
    for (const { name } of old) await unlink(path.join(directory, name)).catch(() => undefined);
    await runGit(this.#tools, {
      gitDir: this.gitDir,
      args: ['prune', '--expire=now'],
      timeoutMs: housekeepingTimeoutMs,
    });
  }

  get #notePath(): string {
    return path.join(this.gitDir, 'trueup.json');
  }

  #diskFailure(error: unknown): Failure {
    return {
      kind: 'transient',
      code: 'GitStoreFull',
      stage: 'source',
      message: `${this.#url}: no local copy can be made of it`,
      hint: 'check that the data directory can be written and has room',
      cause: error instanceof Error && 'code' in error ? String(error.code) : 'unknown',
    };
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
