/**
 * Git: a server that people push to, and what each replica has fetched of it. What is here goes on when the server is
 * away; commits that nobody has pushed are nowhere.
 */
import { createHash } from 'node:crypto';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { canonicalJson } from '#model/json.ts';
import type { Repositories } from '#model/ports.ts';
import type { PathEntry, TreeFile } from '#model/rendered.ts';
import type { Ancestry, Revision, SourceSpec } from '#model/unit.ts';
import type { FaultGate, FaultKind } from './faults.ts';
import type { SeededRandom } from './random.ts';
import { never, type Process } from './scheduler.ts';
import type { Phase } from './steps.ts';

export type File =
  | string
  | { readonly link: string }
  | { readonly submodule: true }
  /** Too much to be read by anybody. */
  | { readonly bytes: number };
export type Files = Readonly<Record<string, File>>;

export interface Commit {
  readonly id: string;
  readonly parent: string | undefined;
  readonly files: Files;
  readonly message: string;
}

const idOf = (text: string): string => createHash('sha1').update(text).digest('hex');

/** One repository as its server has it. */
export class GitServer {
  readonly url: string;
  readonly commits = new Map<string, Commit>();
  readonly branches = new Map<string, string>();
  /** Why it answers nobody at present. */
  down: FaultKind | undefined;
  #count = 0;

  constructor(url: string) {
    this.url = url;
  }

  get head(): Commit | undefined {
    return this.commits.get(this.branches.get('main') ?? '');
  }

  /** On top of the branch, or on `parent` by force; null: on nothing. */
  push(files: Files, message: string, parent?: string | null): Commit {
    const on = parent === null ? undefined : (parent ?? this.branches.get('main'));
    this.#count += 1;
    const id = idOf(canonicalJson([this.url, this.#count, on, message, files]));
    const commit = { id, parent: on, files, message };
    this.commits.set(id, commit);
    this.branches.set('main', id);
    return commit;
  }
  /** Moves the branch, by force. */
  reset(commit: string): void {
    this.branches.set('main', commit);
  }
  /** From the commit down to the first. */
  line(id: string | undefined): readonly string[] {
    const found: string[] = [];
    for (let at = id; at !== undefined; at = this.commits.get(at)?.parent) found.push(at);
    return found;
  }
}

interface Local {
  readonly server: GitServer;
  readonly branches: ReadonlyMap<string, string>;
}

export interface CloneParts {
  readonly process: Process;
  readonly random: SeededRandom;
  readonly faults: FaultGate;
  readonly phase: () => Phase;
  readonly trace: (what: string) => void;
  readonly crash: () => void;
}

/** The local copies of one replica; they outlive its process. */
export class Clones {
  readonly #servers: ReadonlyMap<string, GitServer>;
  readonly #locals = new Map<string, Local>();
  readonly #trees = new Map<string, Files>();
  readonly #blobs = new Map<string, string | { readonly bytes: number }>();

  constructor(servers: ReadonlyMap<string, GitServer>) {
    this.#servers = servers;
  }

  repositories(parts: CloneParts): Repositories {
    const under = new Map<string, Promise<Result<{ readonly changed: boolean }>>>();
    const fetch = ({ url }: SourceSpec): Promise<Result<{ readonly changed: boolean }>> => {
      const running = under.get(url) ?? this.#fetch(url, parts).finally(() => under.delete(url));
      under.set(url, running);
      return running;
    };
    const read = <T>(what: string, call: () => T): Promise<T> => this.#local(`read ${what}`, call, parts);
    return {
      fetch,
      resolve: (spec) => this.#resolve(spec, fetch),
      ancestry: async ({ url }, before, after) => ok(this.#ancestry(url, before, after)),
      trees: (url, wanted) =>
        read('trees', () => ok(wanted.map(({ commit, path }) => this.#tree(this.#files(url, commit), path)))),
      files: async (url, tree) => this.#filesOf(url, tree),
      look: async (url, commit, paths) => this.#look(url, commit, paths),
      changedPaths: async (url, before, after) => ok(this.#changed(url, before, after)),
      sizes: async (_url, blobs) => ok(blobs.map((blob) => sizeOf(this.#blobs.get(blob) ?? ''))),
      read: (_url, blobs) => read('blobs', () => ok(blobs.map((blob) => this.#read(blob)))),
      close: async () => undefined,
    };
  }

  /** Takes no time, and nothing else comes of it; of those that follow each other at once one is enough. */
  async #local<T>(
    what: string,
    call: () => T,
    { process, faults, phase, trace, crash }: CloneParts,
  ): Promise<T> {
    if (process.isGone) return never();
    const fault = faults.next({ io: 'git', verb: 'read', sort: 'none', phase: phase(), what });
    if (fault === undefined) return call();
    trace(`${what} ⚡ ${fault}`);
    crash();
    return never();
  }

  #fetch(url: string, parts: CloneParts): Promise<Result<{ readonly changed: boolean }>> {
    const { process, random, faults, phase, trace, crash } = parts;
    return new Promise((resolve) => {
      if (process.isGone) return;
      const what = `fetch ${url}`;
      const server = this.#servers.get(url);
      const drawn = faults.next({ io: 'git', verb: 'fetch', sort: 'none', phase: phase(), what });
      const fault = drawn ?? server?.down;
      if (fault !== undefined) trace(`${what} ⚡ ${fault}`);
      if (fault === 'crash-before') return crash();
      const tookMs = fault === 'git-slow' ? random.between(1000, 60_000) : random.between(5, 300);
      process.after(tookMs, () => {
        if (server === undefined) return resolve(fail(failureOf('RepositoryNotFound', 'terminal', url)));
        const failure = fault === undefined ? undefined : gitFailure(fault, url);
        if (failure !== undefined) return resolve(fail(failure));
        const before = this.#locals.get(url);
        const branches = new Map(server.branches);
        this.#locals.set(url, { server, branches });
        const changed = canonicalJson([...(before?.branches ?? [])]) !== canonicalJson([...branches]);
        trace(`${what} → ${branches.get('main')?.slice(0, 8) ?? 'nothing'}`);
        if (fault === 'crash-after') return crash();
        resolve(ok({ changed }));
      });
    });
  }

  async #resolve(spec: SourceSpec, fetch: Repositories['fetch']): Promise<Result<Revision>> {
    if (!this.#locals.has(spec.url)) {
      const fetched = await fetch(spec);
      if (!fetched.ok) return fetched;
    }
    const { server, branches } = this.#locals.get(spec.url)!;
    const name = Object.values(spec.ref)[0] as string;
    const id = branches.get(name === 'HEAD' ? 'main' : name) ?? (server.commits.has(name) ? name : undefined);
    if (id === undefined)
      return fail(failureOf('RefNotFound', 'terminal', `${spec.url}: there is no ${name}`));
    const { message } = server.commits.get(id)!;
    const label = `${name}@${id.slice(0, 8)}`;
    return ok({ url: spec.url, commit: id, label, author: 'ada', message, atMs: 0 });
  }

  #ancestry(url: string, before: string | undefined, after: string): Ancestry {
    const server = this.#locals.get(url)?.server;
    if (before === undefined) return 'first';
    if (before === after) return 'same';
    if (server?.line(after).includes(before)) return 'descendant';
    return server?.line(before).includes(after) ? 'older' : 'rewritten';
  }

  #files(url: string, commit: string): Files {
    return this.#locals.get(url)?.server.commits.get(commit)?.files ?? {};
  }

  /** By content, as Git names it. */
  #tree(files: Files, path: string): string | undefined {
    const prefix = path === '.' || path === '' ? '' : `${path}/`;
    const below = Object.entries(files).flatMap(([name, entry]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), entry] as const] : [],
    );
    if (below.length === 0) return undefined;
    const id = idOf(canonicalJson(below));
    this.#trees.set(id, Object.fromEntries(below));
    return id;
  }

  #blob(content: Content): string {
    const id = idOf(typeof content === 'string' ? content : `${content.bytes} bytes`);
    this.#blobs.set(id, content);
    return id;
  }
  #read(blob: string): Uint8Array {
    const content = this.#blobs.get(blob) ?? '';
    // F13: whoever reads it has not asked how much it is.
    if (typeof content !== 'string') throw new Error(`a file of ${content.bytes} bytes was read`);
    return Buffer.from(content, 'utf8');
  }

  #filesOf(url: string, tree: string): Result<readonly TreeFile[]> {
    const files = this.#trees.get(tree) ?? {};
    const found: TreeFile[] = [];
    for (const path of Object.keys(files)) {
      const end = resolved(files, path);
      if ('why' in end) return fail(badLink(url, path, end.why));
      if (end.content !== undefined)
        found.push({ path, blob: this.#blob(end.content), sizeBytes: sizeOf(end.content) });
    }
    return ok(found);
  }

  #look(url: string, commit: string, paths: readonly string[]): Result<readonly PathEntry[]> {
    const files = this.#files(url, commit);
    const entries: PathEntry[] = [];
    for (const path of paths) {
      const end = resolved(files, path);
      if ('why' in end) return fail(badLink(url, path, end.why));
      const isLinked = end.isLinked ? ({ isLinked: true } as const) : {};
      if (end.content !== undefined)
        entries.push({ kind: 'file', blob: this.#blob(end.content), ...isLinked });
      else entries.push({ ...this.#directory(files, end.isLinked ? '\0' : path), ...isLinked });
    }
    return ok(entries);
  }

  #directory(files: Files, path: string): PathEntry {
    const prefix = path === '' ? '' : `${path}/`;
    const names = new Set<string>();
    for (const [name, entry] of Object.entries(files)) {
      if (!name.startsWith(prefix) || isSubmodule(entry)) continue;
      const [first = '', ...rest] = name.slice(prefix.length).split('/');
      names.add(rest.length > 0 ? `${first}/` : first);
    }
    if (names.size === 0 && path !== '') return { kind: 'absent' };
    return { kind: 'directory', names: [...names].toSorted() };
  }

  #changed(url: string, before: string, after: string): ReadonlySet<string> | undefined {
    const [was, is] = [this.#files(url, before), this.#files(url, after)];
    const changed = new Set<string>();
    for (const path of Object.keys({ ...was, ...is })) {
      if (canonicalJson(was[path] ?? null) === canonicalJson(is[path] ?? null)) continue;
      if (isLink(was[path]) || isLink(is[path])) return undefined;
      const parts = path.split('/');
      for (let end = 0; end <= parts.length; end += 1) changed.add(parts.slice(0, end).join('/'));
    }
    return changed;
  }
}

const isLink = (entry: File | undefined): entry is { readonly link: string } =>
  typeof entry === 'object' && 'link' in entry;
type Content = string | { readonly bytes: number };
const isContent = (entry: File | undefined): entry is Content =>
  typeof entry === 'string' || (entry !== undefined && 'bytes' in entry);
const sizeOf = (content: Content): number =>
  typeof content === 'string' ? Buffer.byteLength(content) : content.bytes;
const isSubmodule = (entry: File): boolean => typeof entry === 'object' && 'submodule' in entry;

type Resolved =
  | { readonly content: Content | undefined; readonly isLinked: boolean }
  | { readonly why: string };

/** Links to files of the tree only; what else a link may be is tested with real repositories. */
function resolved(files: Files, path: string): Resolved {
  let at = path;
  let isLinked = false;
  for (let hops = 0; hops < 40; hops += 1) {
    const entry = files[at];
    if (!isLink(entry)) return { content: isContent(entry) ? entry : undefined, isLinked };
    isLinked = true;
    if (entry.link.startsWith('/')) return { why: 'points outside the repository' };
    const parts = at.split('/').slice(0, -1);
    for (const part of entry.link.split('/')) {
      if (part === '..' && parts.pop() === undefined) return { why: 'points outside the repository' };
      if (part !== '..' && part !== '.') parts.push(part);
    }
    at = parts.join('/');
  }
  return { why: 'leads in a circle' };
}

function failureOf(code: string, kind: Failure['kind'], message: string): Failure {
  return { kind, code, stage: 'source', message, hint: '' };
}
function badLink(url: string, path: string, why: string): Failure {
  return {
    ...failureOf('BadSymbolicLink', 'terminal', `${url}: the symbolic link ${path} ${why}`),
    stage: 'artifact',
  };
}
function gitFailure(fault: FaultKind, url: string): Failure | undefined {
  switch (fault) {
    case 'git-unreachable':
      return failureOf('GitUnreachable', 'transient', `${url}: the Git server cannot be reached`);
    case 'git-refused':
      return failureOf(
        'GitAuthenticationFailed',
        'terminal',
        `${url}: the Git server refused the credentials`,
      );
    case 'git-full':
      return failureOf('GitStoreFull', 'transient', `${url}: there is no room left`);
    default:
      return undefined;
  }
}
