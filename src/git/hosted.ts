/**
 * The repositories that Trueup serves itself: bare ones, each a directory NAME.git. Settings of what is served go by
 * the environment (command.ts), so nothing that stands in a repository decides over it.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, type Result } from '#model/failure.ts';
import { runGit, type GitTools } from './command.ts';
import { failureOf } from './git-failures.ts';

const repositoriesMax = 200;
const localTimeoutMs = 60_000;
/** An empty repository: what a push to a new name is told about it. No name begins with a dot. */
const blank = '.blank.git';

/** `shop`, `team-a.apps`: what is safe as one part of a path and of an address on every system. */
export function isRepositoryName(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?$/.test(text) && !/\.(?:git|lock)$/.test(text);
}

type Fill = (gitDir: string) => Promise<Result<undefined>>;

export class HostedRepositories {
  readonly #tools: GitTools;
  readonly #making = new Map<string, Promise<Result<boolean>>>();

  /** They stand in `tools.dir`. */
  constructor(tools: GitTools) {
    this.#tools = tools;
  }

  get tools(): GitTools {
    return this.#tools;
  }

  async names(): Promise<readonly string[]> {
    const entries = await readdir(this.#tools.dir).catch(() => []);
    return entries
      .filter((entry) => entry.endsWith('.git'))
      .map((entry) => entry.slice(0, -'.git'.length))
      .filter(isRepositoryName)
      .toSorted();
  }

  async has(name: string): Promise<boolean> {
    return isRepositoryName(name) && exists(this.pathOf(name));
  }

  pathOf(name: string): string {
    return path.join(this.#tools.dir, `${name}.git`);
  }

  /**
   * Makes it if it is not there; true if it did. `fill` puts something into it before anybody can see it. An existing
   * one is never touched.
   */
  create(name: string, fill?: Fill): Promise<Result<boolean>> {
    return this.#once(name, async () => {
      if (await this.has(name)) return ok(false);
      return (await this.#room(name)) ?? this.#make(this.pathOf(name), fill);
    });
  }

  /** What stands in for a repository that may be made, until it is: the name of an empty directory of Git. */
  async blank(name: string): Promise<Result<string>> {
    const full = await this.#room(name);
    if (full !== undefined) return full;
    const directory = path.join(this.#tools.dir, blank);
    const made = await this.#once(blank, async () =>
      (await exists(directory)) ? ok(false) : this.#make(directory),
    );
    return made.ok ? ok(blank) : made;
  }

  /** Who asks while it is being made waits for that. */
  #once(key: string, make: () => Promise<Result<boolean>>): Promise<Result<boolean>> {
    const making = this.#making.get(key) ?? make().finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }

  async #room(name: string): Promise<ReturnType<typeof fail> | undefined> {
    if ((await this.names()).length < repositoriesMax) return undefined;
    return fail({
      kind: 'terminal',
      code: 'TooManyRepositories',
      stage: 'source',
      message: `${name} was not made: there are ${repositoriesMax} repositories, as many as are kept`,
      hint: `push to one that exists, or remove one from ${this.#tools.dir}`,
    });
  }

  /** Half a repository is never found: it is made aside, and moved into its place. */
  async #make(
    directory: string,
    fill: Fill = () => Promise.resolve(ok(undefined)),
  ): Promise<Result<boolean>> {
    const aside = path.join(path.dirname(directory), `.new-${path.basename(directory)}`);
    await rm(aside, { recursive: true, force: true });
    await mkdir(this.#tools.dir, { recursive: true, mode: 0o700 });
    const result = await runGit(this.#tools, {
      args: ['init', '--quiet', '--bare', '--template=', '--initial-branch=main', '--', aside],
      timeoutMs: localTimeoutMs,
    });
    if (result.code !== 0) return fail(failureOf(result, directory, 'making it'));
    const filled = await fill(aside);
    if (!filled.ok) return filled;
    await rename(aside, directory);
    return ok(true);
  }

  /** A clone checks HEAD out: where it names a branch that nobody has pushed, it is set to one that somebody has. */
  async settleHead(name: string): Promise<Result<undefined>> {
    const gitDir = this.pathOf(name);
    const listed = await runGit(this.#tools, {
      gitDir,
      args: ['for-each-ref', '--format=%(HEAD)%(refname)', 'refs/heads/'],
      timeoutMs: localTimeoutMs,
    });
    if (listed.code !== 0) return fail(failureOf(listed, gitDir, 'listing its branches'));
    const lines = Buffer.from(listed.stdout).toString('utf8').split('\n').filter(Boolean);
    if (lines.some((line) => line.startsWith('*'))) return ok(undefined);
    const branches = lines.map((line) => line.slice(1));
    const head =
      ['refs/heads/main', 'refs/heads/master'].find((branch) => branches.includes(branch)) ??
      (branches.length === 1 ? branches[0] : undefined);
    if (head === undefined) return ok(undefined);
    const set = await runGit(this.#tools, {
      gitDir,
      args: ['symbolic-ref', 'HEAD', head],
      timeoutMs: localTimeoutMs,
    });
    return set.code === 0 ? ok(undefined) : fail(failureOf(set, gitDir, 'setting its HEAD'));
  }
}

function exists(directory: string): Promise<boolean> {
  return stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
