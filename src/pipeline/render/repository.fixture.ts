/** A repository in memory, as renderers read one: one commit, paths and contents. */
import { createHash } from 'node:crypto';
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import type { ClusterView, Remotes, RenderFiles } from '#model/ports.ts';
import type { PathEntry, TreeFile } from '#model/rendered.ts';

export type Contents = Readonly<Record<string, string | Uint8Array>>;

export interface MemoryRepository extends RenderFiles {
  /** What was read, each as often as it was. */
  readonly reads: string[];
}

const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content;
const blobOf = (content: Uint8Array): string => createHash('sha1').update(content).digest('hex');

/** `root`: the directory whose id is asked for as a tree. */
export function repositoryOf(contents: Contents, root = ''): MemoryRepository {
  const files = new Map(Object.entries(contents).map(([path, content]) => [path, bytesOf(content)]));
  const blobs = new Map([...files].map(([, content]) => [blobOf(content), content]));
  const reads: string[] = [];
  const entryOf = (path: string): PathEntry => {
    const file = files.get(path);
    if (file !== undefined) return { kind: 'file', blob: blobOf(file) };
    const below = path === '' ? '' : `${path}/`;
    const names = new Set<string>();
    for (const name of files.keys()) {
      if (!name.startsWith(below)) continue;
      const [first = '', ...rest] = name.slice(below.length).split('/');
      names.add(rest.length > 0 ? `${first}/` : first);
    }
    return names.size === 0 && path !== ''
      ? { kind: 'absent' }
      : { kind: 'directory', names: [...names].toSorted() };
  };
  return {
    reads,
    look: (_url, _commit, paths) => Promise.resolve(ok(paths.map(entryOf))),
    sizes: (_url, wanted) => Promise.resolve(ok(wanted.map((blob) => blobs.get(blob)?.byteLength ?? 0))),
    read: (_url, wanted): Promise<Result<readonly Uint8Array[]>> => {
      const found = wanted.flatMap((blob) => blobs.get(blob) ?? []);
      reads.push(...wanted);
      if (found.length === wanted.length) return Promise.resolve(ok(found));
      return Promise.resolve(
        fail({ kind: 'terminal', code: 'Test', stage: 'artifact', message: 'not there', hint: '' }),
      );
    },
    files: () => {
      const prefix = root === '' ? '' : `${root}/`;
      const listed: TreeFile[] = [...files].flatMap(([path, content]) =>
        path.startsWith(prefix)
          ? [{ path: path.slice(prefix.length), blob: blobOf(content), sizeBytes: content.byteLength }]
          : [],
      );
      return Promise.resolve(ok(listed));
    },
  };
}

/** A cluster in which nothing stands. */
export const emptyCluster: ClusterView = {
  capabilities: () => Promise.resolve(ok({ kubeVersion: 'v1.36.0', apiVersions: [], unknown: [] })),
  lookUp: (questions) =>
    Promise.resolve(ok(questions.map(() => ({ text: '', digest: digestOf(''), secret: false })))),
};

/** No other repository may be named. */
export const noRemotes: Remotes = {
  named: [],
  pin: ({ url }) =>
    Promise.resolve(
      fail({
        kind: 'terminal',
        code: 'Unsupported',
        stage: 'render',
        message: url.replace(/\/\/.*@/, '//'),
        hint: 'none',
      }),
    ),
  files: repositoryOf({}),
};
