/** What is deployed: N applications in one repository, each with a directory of its own (sources.ts). */
import { createWorkTree, type WorkTree } from '../tests/git-server/work-tree.ts';
import type { GitServer } from '../tests/git-server/api.ts';
import { sources, type AppFiles, type AppNames, type SourceKind } from './sources.ts';

export const namespaceCount = 10;
export const branch = 'main';

export const applicationName = (index: number): string => `app-${String(index).padStart(4, '0')}`;
export const targetNamespace = (index: number): string =>
  `bench-${String(index % namespaceCount).padStart(2, '0')}`;
export const teamOf = (index: number): string => `team-${index % 7}`;
export const directoryOf = (index: number): string => `apps/${applicationName(index)}`;
const namesOf = (index: number): AppNames => ({
  name: applicationName(index),
  namespace: targetNamespace(index),
  team: teamOf(index),
});

/** The directory that a resource names. */
export function sourcePath(index: number, kind: SourceKind): string {
  const { root } = sources[kind];
  return root === '' ? directoryOf(index) : `${directoryOf(index)}/${root}`;
}

export interface Change {
  readonly version: string;
  readonly before: string;
  readonly after: string;
  readonly files: readonly string[];
}

/** The one repository of all applications. */
export class Repository {
  readonly kind: SourceKind;
  readonly #tree: WorkTree;
  #version = 0;
  #head = '';

  private constructor(tree: WorkTree, kind: SourceKind) {
    this.#tree = tree;
    this.kind = kind;
  }

  static async create(server: GitServer, count: number, kind: SourceKind): Promise<Repository> {
    const repository = new Repository(await createWorkTree(server, 'repo'), kind);
    const { fixed, versioned } = sources[kind];
    for (let index = 0; index < count; index++) {
      await repository.#write(index, fixed(namesOf(index)));
      await repository.#write(index, versioned(namesOf(index), '0'));
    }
    repository.#head = await repository.#commitAndPush('All applications');
    return repository;
  }

  /** Gives these applications a new version, of every object where `isEverywhere`: one commit, pushed. */
  async change(indexes: readonly number[], isEverywhere = false): Promise<Change> {
    const version = String(++this.#version);
    const before = this.#head;
    const files: string[] = [];
    const { versioned, everywhere } = sources[this.kind];
    for (const index of indexes) {
      const names = namesOf(index);
      const more = isEverywhere ? everywhere?.(names, version) : undefined;
      files.push(...(await this.#write(index, { ...versioned(names, version), ...more })));
    }
    this.#head = await this.#commitAndPush(`Version ${version}`);
    return { version, before, after: this.#head, files };
  }

  /** A commit in which no application has a part. */
  async touch(): Promise<void> {
    await this.#tree.write('README.md', `${this.#head}\n`);
    this.#head = await this.#commitAndPush('Nothing of an application');
  }

  async #write(index: number, files: AppFiles): Promise<readonly string[]> {
    const written: string[] = [];
    for (const [file, text] of Object.entries(files)) {
      const path = `${directoryOf(index)}/${file}`;
      await this.#tree.write(path, text);
      written.push(path);
    }
    return written;
  }

  async #commitAndPush(message: string): Promise<string> {
    const commit = await this.#tree.commit(message);
    await this.#tree.git('push', '--quiet', 'origin', branch);
    return commit;
  }
}
