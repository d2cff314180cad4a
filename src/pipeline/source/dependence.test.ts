/** Comparing commits says the same as looking every path up, on trees with links, submodules and modes. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fail, ok } from '#model/failure.ts';
import type { Repositories } from '#model/ports.ts';
import type { TracePaths } from '#model/rendered.ts';
import type { Unit } from '#model/unit.ts';
import { Looking } from '#git/looking.ts';
import type { ObjectReader } from '#git/object-reader.ts';
import { Changes, contentAt, type Known } from './dependence.ts';

type Entry =
  | { readonly mode: '100644' | '100755' | '120000'; readonly text: string }
  | { readonly mode: '160000'; readonly text: string }
  | Directory;
type Directory = Map<string, Entry>;

const names = ['a', 'b', 'c'];
const allPaths = ['', ...names].flatMap((one) => [
  one,
  ...(one === ''
    ? []
    : names.flatMap((two) => [`${one}/${two}`, ...names.map((three) => `${one}/${two}/${three}`)])),
]);
const targets = ['a', 'b/c', '../b', '../../a/b', '..', 'nowhere', '../../..', '/a', 'c'];

/** A repository in memory: trees are named by what is in them, as Git names them. */
class Objects {
  looks = 0;
  readonly #objects = new Map<string, { readonly type: string; readonly content: Buffer }>();
  readonly #looking: Looking;

  constructor() {
    const find = (name: string) => {
      const id = name.endsWith('^{tree}') ? this.#objects.get(name.slice(0, -7))!.content.toString() : name;
      const object = this.#objects.get(id);
      return object === undefined ? undefined : { id, sizeBytes: object.content.byteLength, ...object };
    };
    const reader = {
      info: (wanted: readonly string[]) => Promise.resolve(ok(wanted.map(find))),
      contents: (wanted: readonly string[]) => Promise.resolve(ok(wanted.map(find))),
    } as unknown as ObjectReader;
    this.#looking = new Looking('r', reader, { ensure: () => Promise.resolve(ok([])) });
  }

  add(type: string, content: Buffer): string {
    const id = createHash('sha1').update(`${type} `).update(content).digest('hex');
    this.#objects.set(id, { type, content });
    return id;
  }
  tree(directory: Directory): string {
    const rows = [...directory]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, entry]) => {
        const [mode, id] =
          entry instanceof Map
            ? ['40000', this.tree(entry)]
            : [entry.mode, this.add('blob', Buffer.from(entry.text))];
        return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]);
      });
    return this.add('tree', Buffer.concat(rows));
  }
  commit(directory: Directory): string {
    return this.add('commit', Buffer.from(this.tree(directory)));
  }

  port(): Repositories {
    return {
      look: (_url: string, commit: string, paths: readonly string[]) => {
        this.looks += 1;
        return this.#looking.look(commit, paths);
      },
      changedPaths: (_url: string, before: string, after: string) =>
        this.#looking.changedPaths(before, after),
    } as unknown as Repositories;
  }
}

const leaf = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ mode: fc.constant('100644' as const), text: fc.constantFrom('x', 'y') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ mode: fc.constant('100755' as const), text: fc.constantFrom('x', 'y') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ mode: fc.constant('160000' as const), text: fc.constantFrom('1', '2') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ mode: fc.constant('120000' as const), text: fc.constantFrom(...targets) }),
  },
);
const change = fc.oneof(
  fc.record({ at: fc.constantFrom(...allPaths.slice(1)), put: fc.option(leaf, { nil: undefined }) }),
  fc.record({ at: fc.constantFrom(...allPaths.slice(1)), movedTo: fc.constantFrom(...allPaths.slice(1)) }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function applied(before: Directory, changes: readonly Change[]): Directory {
  const root = copied(before);
  for (const one of changes) {
    if (!('movedTo' in one)) put(root, one.at, one.put);
    else if (!one.movedTo.startsWith(one.at) && !one.at.startsWith(one.movedTo)) {
      const moved = put(root, one.at, undefined);
      if (moved !== undefined) put(root, one.movedTo, moved);
    }
  }
  return root;
}
function copied(directory: Directory): Directory {
  return new Map([...directory].map(([name, entry]) => [name, entry instanceof Map ? copied(entry) : entry]));
}
/** Gives what stood there. Empty directories are not kept, as Git keeps none. */
function put(root: Directory, path: string, entry: Entry | undefined): Entry | undefined {
  const [first = '', ...rest] = path.split('/');
  const old = root.get(first);
  if (rest.length === 0) {
    if (entry === undefined) root.delete(first);
    else root.set(first, entry);
    return old;
  }
  const below = old instanceof Map ? old : new Map<string, Entry>();
  if (entry === undefined && !(old instanceof Map)) return undefined;
  const was = put(below, rest.join('/'), entry);
  if (below.size === 0) root.delete(first);
  else root.set(first, below);
  return was;
}

const paths = fc.uniqueArray(fc.constantFrom(...allPaths, './a', 'a/'), { maxLength: 4 });
const trace: fc.Arbitrary<TracePaths> = fc.record({ files: paths, listings: paths, absent: paths });
const trees = fc.tuple(
  fc.array(change, { minLength: 3, maxLength: 25 }),
  fc.array(change, { maxLength: 3 }),
  fc.array(change, { maxLength: 3 }),
);

const unit = {} as Unit;
async function known(objects: Objects, commit: string, read: TracePaths): Promise<Known | undefined> {
  const content = await contentAt(objects.port(), 'r', commit, read);
  if (!content.ok) return undefined;
  const { digest, isPlain } = content.value;
  const input = {
    source: { kind: 'git', url: 'r', ref: { branch: 'main' } },
    path: '.',
    render: { kind: 'directory', recurse: false },
  } as const;
  return { input, revision: { commit }, tree: '', content: digest, read, same: { commit, isPlain } };
}

describe('what a commit leaves as it was', () => {
  it('is the same by the changed paths as by every path', async () => {
    const answers = { same: 0, other: 0, unlooked: 0 };
    await fc.assert(
      fc.asyncProperty(trees, trace, async ([first, second, third], read) => {
        const objects = new Objects();
        let tree = applied(new Map(), first);
        let last = await known(objects, objects.commit(tree), read);
        for (const changes of [second, third]) {
          if (last === undefined) return;
          tree = applied(tree, changes);
          const commit = objects.commit(tree);
          const before = objects.looks;
          const fast: Known | undefined = await new Changes(objects.port()).unchangedAt(unit, last, commit);
          if (objects.looks === before && commit !== last.same?.commit) answers.unlooked += 1;
          const slow = await contentAt(objects.port(), 'r', commit, read);
          const isSame = slow.ok && slow.value.digest === last.content;
          expect(fast !== undefined).toBe(isSame);
          answers[isSame ? 'same' : 'other'] += 1;
          // What the last commit left as it was is compared from there on.
          last = fast;
        }
      }),
      { numRuns: 3000 },
    );
    // None of the three is an exception.
    expect(Math.min(...Object.values(answers))).toBeGreaterThan(300);
  });

  it('is looked up where a link among the names of a directory leads to what has changed', async () => {
    const objects = new Objects();
    const linking = applied(new Map(), [{ at: 'a/b', put: { mode: '120000', text: '../c' } }]);
    const read = { files: [], listings: ['a'], absent: [] };
    const last = (await known(objects, objects.commit(linking), read))!;
    const commit = objects.commit(applied(linking, [{ at: 'c/a', put: { mode: '100644', text: 'x' } }]));
    expect(await new Changes(objects.port()).unchangedAt(unit, last, commit)).toBeUndefined();
  });

  it('is looked up path by path where the commits cannot be compared', async () => {
    const objects = new Objects();
    const file = (text: string): Directory => new Map([['a', { mode: '100644', text }]]);
    const read = { files: ['a'], listings: [], absent: [] };
    const [one, other] = [objects.commit(file('x')), objects.commit(file('y'))];
    const changes = new Changes({
      ...objects.port(),
      changedPaths: () =>
        Promise.resolve(
          fail({ kind: 'transient', code: 'PathNotFound', stage: 'artifact', message: 'gone', hint: '' }),
        ),
    });
    const first = (await known(objects, one, read))!;
    expect(await changes.unchangedAt(unit, first, other)).toBeUndefined();
    const again = objects.commit(new Map([...file('x'), ['b', { mode: '100644', text: 'z' }]]));
    expect(await changes.unchangedAt(unit, first, again)).toMatchObject({ same: { commit: again } });
  });
});
