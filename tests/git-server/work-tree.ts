/** A developer's clone, for tests: write, commit, push. */
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { GitServer, RepositoryOptions } from './api.ts';
import { gitAt } from './git.ts';

export interface WorkTree {
  readonly url: string;
  readonly path: string;
  write(file: string, content: string | Uint8Array): Promise<void>;
  /** A symbolic link, whatever it points at. */
  link(file: string, target: string): Promise<void>;
  /** A submodule at `directory` that stands at `sha`. */
  submodule(directory: string, sha: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** Commits everything, changed or not; the answer is the commit. */
  commit(message: string): Promise<string>;
  head(): Promise<string>;
  /** Goes to a branch, making it here if there is none. */
  branch(name: string): Promise<void>;
  /** Lightweight, or annotated with a message; it still has to be pushed. */
  tag(name: string, message?: string): Promise<void>;
  reset(ref: string): Promise<void>;
  revert(sha: string): Promise<string>;
  /** The branch that stands here, and all tags. */
  push(options?: { readonly force?: boolean }): Promise<void>;
  /** Deletes a branch or tag on the server. */
  unpush(ref: string): Promise<void>;
  git(...args: readonly string[]): Promise<string>;
}

/** Makes the repository on the server if it is not there; pushing goes past the HTTP server, also when it is down. */
export async function createWorkTree(
  server: GitServer,
  name: string,
  options: RepositoryOptions = {},
): Promise<WorkTree> {
  await server.createRepository(name, options);
  const directory = path.join(server.root, 'work', name);
  await mkdir(directory, { recursive: true });
  const git = (...args: readonly string[]): Promise<string> => gitAt(directory, ...args);
  await git('init', '--quiet', '--initial-branch=main');
  await git('remote', 'add', 'origin', server.repositoryPath(name));
  const place = async (file: string): Promise<string> => {
    const full = path.join(directory, file);
    await mkdir(path.dirname(full), { recursive: true });
    return full;
  };
  const head = (): Promise<string> => git('rev-parse', 'HEAD');
  return {
    path: directory,
    get url() {
      return server.url(name);
    },
    git,
    head,
    write: async (file, content) => writeFile(await place(file), content),
    link: async (file, target) => symlink(target, await place(file)),
    submodule: async (file, sha) => {
      // As git leaves one that is not checked out: an empty directory.
      await mkdir(path.join(directory, file), { recursive: true });
      await git('update-index', '--add', '--cacheinfo', `160000,${sha},${file}`);
    },
    remove: (file) => rm(path.join(directory, file), { recursive: true }),
    commit: async (message) => {
      await git('add', '--all', '--', '.');
      await git('commit', '--quiet', '--allow-empty', '-m', message);
      return head();
    },
    branch: async (to) => {
      await git('checkout', '--quiet', to).catch(() => git('checkout', '--quiet', '-b', to));
    },
    tag: async (tag, message) =>
      void (await git('tag', '--force', ...(message === undefined ? [] : ['-a', '-m', message]), tag)),
    reset: async (ref) => void (await git('reset', '--quiet', '--hard', ref)),
    revert: async (sha) => {
      await git('revert', '--no-edit', sha);
      return head();
    },
    push: async ({ force = false } = {}) => {
      const how = force ? ['--force'] : [];
      await git('push', '--quiet', ...how, 'origin', 'HEAD');
      await git('push', '--quiet', '--force', 'origin', '--tags');
    },
    unpush: async (ref) => void (await git('push', '--quiet', 'origin', '--delete', ref)),
  };
}
