/** Git in memory behind the `Repositories` port: a remote that people push to, and what was fetched of it. */
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { canonicalJson } from '#model/json.ts';
import type { LoggedCommit, Repositories, RepositoryWriter, RevertOrder } from '#model/ports.ts';
import type { PathEntry, TreeFile } from '#model/rendered.ts';
import type { Ancestry, Revision, SourceSpec, SourceTimeout } from '#model/unit.ts';
import { highestVersion } from '#model/versions.ts';

export type Files = Readonly<Record<string, string>>;

interface Commit {
  readonly id: string;
  readonly parent: string | undefined;
  readonly files: Files;
  readonly message: string;
}
interface Remote {
  readonly commits: Map<string, Commit>;
  readonly branches: Map<string, string>;
}

export class FakeRepositories implements Repositories, RepositoryWriter {
  readonly calls: string[];
  /** What each fetch gave the remote. */
  readonly timeouts: (SourceTimeout | undefined)[] = [];
  /** Why no remote answers at present. */
  down: Failure | undefined;
  readonly #remotes: Map<string, Remote>;
  /** What is here of them, each with its branches. */
  readonly #fetched = new Map<string, ReadonlyMap<string, string>>();
  /** The commits that were fetched. */
  readonly #here = new Set<string>();
  readonly #trees = new Map<string, Files>();
  readonly #blobs = new Map<string, string>();
  #count = 0;

  /** `of` the same remotes as another one, with nothing fetched yet: the disk of another replica. */
  constructor(of?: FakeRepositories) {
    this.#remotes = of === undefined ? new Map() : of.#remotes;
    this.calls = of?.calls ?? [];
  }

  /** Commits on top of the branch, or on `parent` by force; returns the commit. */
  push(
    url: string,
    files: Files,
    {
      branch = 'main',
      parent,
      message = 'Change',
    }: { branch?: string; parent?: string | null; message?: string } = {},
  ): string {
    const remote = this.#remote(url);
    const id = (++this.#count).toString(16).padStart(4, '0').repeat(10);
    const on = parent === null ? undefined : (parent ?? remote.branches.get(branch));
    remote.commits.set(id, { id, parent: on, files, message });
    remote.branches.set(branch, id);
    return id;
  }
  /** Moves the branch to a commit that is there, by force. */
  reset(url: string, commit: string, branch = 'main'): void {
    this.#remote(url).branches.set(branch, commit);
  }

  /** The disk is lost: nothing is here any more. */
  lose(): void {
    this.#fetched.clear();
    this.#here.clear();
  }

  async fetch({ url, timeout }: SourceSpec): Promise<Result<{ readonly changed: boolean }>> {
    this.calls.push(`fetch ${url}`);
    this.timeouts.push(timeout);
    await Promise.resolve();
    if (this.down !== undefined) return fail(this.down);
    const remote = this.#remote(url);
    const before = this.#fetched.get(url);
    const now = new Map(remote.branches);
    this.#fetched.set(url, now);
    for (const head of now.values())
      for (
        let at: string | undefined = head;
        at !== undefined && !this.#here.has(at);
        at = remote.commits.get(at)?.parent
      )
        this.#here.add(at);
    return ok({ changed: canonicalJson([...(before ?? [])]) !== canonicalJson([...now]) });
  }

  async resolve(spec: SourceSpec): Promise<Result<Revision>> {
    await Promise.resolve();
    const remote = this.#remote(spec.url);
    if (!this.#fetched.has(spec.url)) {
      const fetched = await this.fetch(spec);
      if (!fetched.ok) return fetched;
    }
    const { ref } = spec;
    const name =
      'commit' in ref
        ? ref.commit
        : 'name' in ref
          ? ref.name
          : 'branch' in ref
            ? ref.branch
            : 'tag' in ref
              ? ref.tag
              : (highestVersion(this.#fetched.get(spec.url)?.keys() ?? [], ref.semver) ?? ref.semver);
    const id =
      this.#fetched.get(spec.url)?.get(name === 'HEAD' ? 'main' : name) ??
      (remote.commits.has(name) ? name : undefined);
    if (id === undefined) return fail(missing(`there is no ${name}`));
    const { message } = remote.commits.get(id)!;
    return ok({
      url: spec.url,
      commit: id,
      label: `${name}@${id.slice(0, 8)}`,
      author: 'ada',
      message,
      atMs: 0,
    });
  }

  async ancestry({ url }: SourceSpec, before: string | undefined, after: string): Promise<Result<Ancestry>> {
    await Promise.resolve();
    const { commits } = this.#remote(url);
    const above = (id: string | undefined): readonly string[] => {
      const found: string[] = [];
      for (let at = id; at !== undefined; at = commits.get(at)?.parent) found.push(at);
      return found;
    };
    if (before === undefined) return ok('first');
    if (before === after) return ok('same');
    if (!this.#here.has(before)) return ok('rewritten');
    if (above(after).includes(before)) return ok('descendant');
    return ok(above(before).includes(after) ? 'older' : 'rewritten');
  }

  async trees(
    url: string,
    wanted: readonly { readonly commit: string; readonly path: string }[],
  ): Promise<Result<readonly (string | undefined)[]>> {
    await Promise.resolve();
    return ok(
      wanted.map(({ commit, path }) => this.#tree(this.#remote(url).commits.get(commit)?.files ?? {}, path)),
    );
  }
  #tree(files: Files, path: string): string | undefined {
    const prefix = path === '.' ? '' : `${path}/`;
    const below = Object.entries(files).flatMap(([name, text]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), text] as const] : [],
    );
    if (below.length === 0) return undefined;
    const id = digestOf(canonicalJson(below));
    this.#trees.set(id, Object.fromEntries(below));
    return id;
  }

  async files(_url: string, tree: string): Promise<Result<readonly TreeFile[]>> {
    this.calls.push('files');
    await Promise.resolve();
    return ok(
      Object.entries(this.#trees.get(tree) ?? {}).map(([path, text]) => {
        const blob = digestOf(text);
        this.#blobs.set(blob, text);
        return { path, blob, sizeBytes: text.length };
      }),
    );
  }
  async look(url: string, commit: string, paths: readonly string[]): Promise<Result<readonly PathEntry[]>> {
    await Promise.resolve();
    const files = this.#remote(url).commits.get(commit)?.files ?? {};
    return ok(paths.map((path) => this.#entry(files, path)));
  }
  #entry(files: Files, path: string): PathEntry {
    const text = files[path];
    if (text !== undefined) {
      const blob = digestOf(text);
      this.#blobs.set(blob, text);
      return { kind: 'file', blob };
    }
    const prefix = path === '' ? '' : `${path}/`;
    const names = new Set(
      Object.keys(files).flatMap((name) => {
        const [first, ...rest] = name.startsWith(prefix) ? name.slice(prefix.length).split('/') : [];
        return first === undefined ? [] : [rest.length > 0 ? `${first}/` : first];
      }),
    );
    if (names.size === 0 && path !== '') return { kind: 'absent' };
    return { kind: 'directory', names: [...names].toSorted() };
  }
  async changedPaths(url: string, before: string, after: string): Promise<Result<ReadonlySet<string>>> {
    await Promise.resolve();
    const [was = {}, is = {}] = [before, after].map((id) => this.#remote(url).commits.get(id)?.files);
    const changed = new Set<string>();
    for (const path of Object.keys({ ...was, ...is })) {
      if (was[path] === is[path]) continue;
      const parts = path.split('/');
      for (let end = 0; end <= parts.length; end += 1) changed.add(parts.slice(0, end).join('/'));
    }
    return ok(changed);
  }
  async sizes(_url: string, blobs: readonly string[]): Promise<Result<readonly number[]>> {
    await Promise.resolve();
    return ok(blobs.map((blob) => this.#blobs.get(blob)?.length ?? 0));
  }
  async read(_url: string, blobs: readonly string[]): Promise<Result<readonly Uint8Array[]>> {
    await Promise.resolve();
    return ok(blobs.map((blob) => Buffer.from(this.#blobs.get(blob) ?? '', 'utf8')));
  }
  /** Why nobody may push at present. */
  readOnly: Failure | undefined;

  async branch({ url, ref }: SourceSpec): ReturnType<RepositoryWriter['branch']> {
    await Promise.resolve();
    const named = 'name' in ref ? ref.name : 'branch' in ref ? ref.branch : '';
    const name = named === 'HEAD' ? 'main' : named;
    const commit = this.#fetched.get(url)?.get(name);
    return ok(commit === undefined ? undefined : { name, commit });
  }
  async log({ url }: SourceSpec, from: string, to: string): Promise<Result<readonly LoggedCommit[]>> {
    await Promise.resolve();
    const { commits } = this.#remote(url);
    const found: LoggedCommit[] = [];
    for (let at = commits.get(to); at !== undefined && at.id !== from; at = commits.get(at.parent ?? ''))
      found.push({
        commit: at.id,
        parents: at.parent === undefined ? [] : [at.parent],
        subject: at.message,
      });
    return ok(found);
  }
  /** File by file; what later commits changed too is not looked at. */
  async revert({ spec, on, commits: wanted }: RevertOrder): Promise<Result<string>> {
    await Promise.resolve();
    const { commits } = this.#remote(spec.url);
    let head = on;
    for (const { commit, parents, subject } of wanted) {
      const [was, is] = [commits.get(parents[0] ?? '')?.files ?? {}, commits.get(commit)!.files];
      const files: Record<string, string> = { ...commits.get(head)!.files };
      for (const path of Object.keys({ ...was, ...is })) {
        if (was[path] === is[path]) continue;
        if (was[path] === undefined) delete files[path];
        else files[path] = was[path];
      }
      const id = (++this.#count).toString(16).padStart(4, '0').repeat(10);
      commits.set(id, { id, parent: head, files, message: `Revert "${subject}"` });
      head = id;
    }
    return ok(head);
  }
  async publish({ url }: SourceSpec, commit: string, branch: string): Promise<Result<void>> {
    await Promise.resolve();
    if (this.readOnly !== undefined) return fail(this.readOnly);
    this.#remote(url).branches.set(branch, commit);
    return ok(undefined);
  }
  close(): Promise<void> {
    return Promise.resolve();
  }

  #remote(url: string): Remote {
    let remote = this.#remotes.get(url);
    if (remote === undefined) this.#remotes.set(url, (remote = { commits: new Map(), branches: new Map() }));
    return remote;
  }
}

function missing(message: string): Failure {
  return { kind: 'terminal', code: 'RefNotFound', stage: 'source', message, hint: '' };
}
