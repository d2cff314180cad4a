import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  contents,
  failure,
  openGitRoom,
  source,
  value,
  type GitRoom,
} from '../../tests/git-server/git-room.ts';
import { createWorkTree, type WorkTree } from '../../tests/git-server/server.ts';

let room: GitRoom;
let tree: WorkTree;
let first: string;

beforeEach(async () => {
  room = await openGitRoom();
  tree = await createWorkTree(room.server, 'shop');
  await tree.write('apps/web/deployment.yaml', 'kind: Deployment\n');
  await tree.write('apps/web/service.yaml', 'kind: Service\n');
  await tree.write('apps/api/deployment.yaml', 'kind: Deployment # api\n');
  first = await tree.commit('Add the shop\n\nWith a body.');
  await tree.push();
});
afterEach(() => room.close());

describe('reading', () => {
  test('many lookups at once, in order, without a process each', async () => {
    value(await room.repositories.fetch(source(tree.url)));
    const before = room.processes.length;
    const wanted = Array.from({ length: 500 }, (_, index) => ({
      commit: first,
      path: ['apps/web', './apps/api/', '.', 'apps/none', '../..', 'apps/web/service.yaml', 'a\nb'][
        index % 7
      ]!,
    }));
    const trees = value(await room.repositories.trees(tree.url, wanted));
    const expected = await Promise.all(
      ['apps/web', 'apps/api', ''].map((at) => tree.git('rev-parse', `${first}:${at}`)),
    );
    expect(trees.slice(0, 7)).toEqual([...expected, undefined, undefined, undefined, undefined]);
    expect(trees).toHaveLength(500);
    expect(room.processes.length - before).toBeLessThanOrEqual(1);
  });

  test('file contents are fetched in one batch, for all directories that were looked up', async () => {
    value(await room.repositories.fetch(source(tree.url)));
    const [web, api] = value(
      await room.repositories.trees(tree.url, [
        { commit: first, path: 'apps/web' },
        { commit: first, path: 'apps/api' },
      ]),
    );
    const listed = await Promise.all([web!, api!].map((id) => room.repositories.files(tree.url, id)));
    expect(listed.map((one) => value(one).length)).toEqual([2, 1]);
    expect(room.server.counts('shop').fetches).toBe(2);
    value(
      await room.repositories.read(
        tree.url,
        listed.flatMap((one) => value(one).map((file) => file.blob)),
      ),
    );
    expect(room.server.counts('shop').fetches).toBe(2);
  });

  test('what several lack while a fetch is under way comes with one more', async () => {
    const paths = ['apps/web/a.yaml', 'apps/web/b.yaml', 'apps/api/a.yaml'];
    for (const path of paths) await tree.write(path, `of: ${path}\n`);
    const commit = await tree.commit('Files of which each is another');
    await tree.push();
    value(await room.repositories.fetch(source(tree.url)));
    const before = room.server.counts('shop').fetches;
    const entries = value(await room.repositories.look(tree.url, commit, paths));
    const blobs = entries.flatMap((entry) => (entry.kind === 'file' ? [entry.blob] : []));
    const read = await Promise.all(blobs.map((blob) => room.repositories.read(tree.url, [blob])));
    expect(read.map((one) => Buffer.from(value(one)[0]!).toString('utf8'))).toEqual(
      paths.map((path) => `of: ${path}\n`),
    );
    expect(room.server.counts('shop').fetches - before).toBe(2);
  });

  test('what was left out and cannot be fetched is a failure, not a hang', async () => {
    value(await room.repositories.fetch(source(tree.url)));
    await room.server.stop();
    const [web] = value(await room.repositories.trees(tree.url, [{ commit: first, path: 'apps/web' }]));
    expect(failure(await room.repositories.files(tree.url, web!))).toMatchObject({
      code: 'GitUnreachable',
      kind: 'transient',
    });
    await room.server.start();
    expect(value(await room.repositories.files(tree.url, web!))).toHaveLength(2);
  });

  test('a server that cannot leave contents out', async () => {
    const plain = await createWorkTree(room.server, 'plain', { filter: false });
    await plain.write('a.yaml', 'a: 1\n');
    const sha = await plain.commit('a');
    await plain.push();
    value(await room.repositories.resolve(source(plain.url)));
    expect(await contents(room.repositories, plain.url, sha, '.')).toEqual({ 'a.yaml': 'a: 1\n' });
    expect(room.server.counts('plain').fetches).toBe(1);
  });

  test('bytes come back as they are', async () => {
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) % 256);
    await tree.write('bin/data.bin', bytes);
    await tree.write('bin/empty', '');
    const sha = await tree.commit('bytes');
    await tree.push();
    value(await room.repositories.resolve(source(tree.url)));
    const [bin] = value(await room.repositories.trees(tree.url, [{ commit: sha, path: 'bin' }]));
    const files = value(await room.repositories.files(tree.url, bin!));
    const [data, empty] = value(
      await room.repositories.read(
        tree.url,
        files.map((file) => file.blob),
      ),
    );
    expect(files.map((file) => file.sizeBytes)).toEqual([bytes.length, 0]);
    expect(Buffer.compare(data!, bytes)).toBe(0);
    expect(empty).toHaveLength(0);
  });

  test('F13: more than 64 MiB at once is refused before it is read', async () => {
    await tree.write('big/a.bin', Buffer.alloc(33 * 1024 * 1024, 1));
    await tree.write('big/b.bin', Buffer.alloc(33 * 1024 * 1024, 2));
    const sha = await tree.commit('big');
    await tree.push();
    value(await room.repositories.resolve(source(tree.url)));
    const [big] = value(await room.repositories.trees(tree.url, [{ commit: sha, path: 'big' }]));
    const files = value(await room.repositories.files(tree.url, big!));
    const refused = failure(
      await room.repositories.read(
        tree.url,
        files.map((file) => file.blob),
      ),
    );
    expect(refused).toMatchObject({ code: 'SourceTooLarge', kind: 'terminal' });
    expect(value(await room.repositories.read(tree.url, [files[0]!.blob]))[0]).toHaveLength(33 * 1024 * 1024);
  });

  test('F13: a tree of nested copies of itself is refused, in bounded time', async () => {
    // Ten directories that are the same, ten deep: 10^10 paths in a dozen objects.
    await tree.write('bomb/0/leaf.yaml', 'a: 1\n');
    await tree.commit('leaf');
    let inner = await tree.git('rev-parse', 'HEAD:bomb/0');
    for (let depth = 0; depth < 10; depth++) {
      const lines = Array.from({ length: 10 }, (_, index) => `040000 tree ${inner}\td${index}`).join('\n');
      await tree.write('.git/lines', `${lines}\n`);
      inner = await tree.git('-c', 'alias.make=!git mktree < .git/lines', 'make');
    }
    const sha = await tree.git('commit-tree', '-m', 'bomb', '-p', 'HEAD', inner);
    await tree.reset(first);
    await tree.git('push', '-q', '--force', 'origin', `${sha}:refs/heads/bomb`);
    value(await room.repositories.fetch(source(tree.url)));
    const [root] = value(await room.repositories.trees(tree.url, [{ commit: sha, path: '.' }]));
    expect(failure(await room.repositories.files(tree.url, root!))).toMatchObject({
      code: 'SourceTooLarge',
      kind: 'terminal',
    });
  });

  test('F13: a submodule is left out', async () => {
    await tree.write('m/a.yaml', 'a: 1\n');
    await tree.submodule('m/vendor', '1'.repeat(40));
    const sha = await tree.commit('with a submodule');
    await tree.push();
    value(await room.repositories.resolve(source(tree.url)));
    expect(await contents(room.repositories, tree.url, sha, 'm')).toEqual({ 'a.yaml': 'a: 1\n' });
  });

  test('S2: links inside the directory stand for their files', async () => {
    await tree.write('l/real/a.yaml', 'a: 1\n');
    await tree.link('l/b.yaml', 'real/a.yaml');
    await tree.link('l/real/c.yaml', '../b.yaml');
    await tree.link('l/current', 'real');
    await tree.link('l/d.yaml', './current/../real//a.yaml');
    const sha = await tree.commit('links');
    await tree.push();
    value(await room.repositories.resolve(source(tree.url)));
    expect(Object.keys(await contents(room.repositories, tree.url, sha, 'l')).toSorted()).toEqual([
      'b.yaml',
      'd.yaml',
      'real/a.yaml',
      'real/c.yaml',
    ]);
  });

  test.each([
    ['/etc/passwd', 'outside'],
    ['../other/x.yaml', 'outside'],
    ['sub/../../../x', 'outside'],
    ['nothing.yaml', 'nothing'],
    ['sub/a.yaml/b', 'nothing'],
    ['link.yaml', 'circle'],
    ['vendor/x.yaml', 'submodule'],
  ])('S2, F13: a link to %s is refused, naming it', async (target, why) => {
    await tree.write('bad/sub/a.yaml', 'a: 1\n');
    await tree.write('other/x.yaml', 'secret: 1\n');
    await tree.submodule('bad/vendor', '1'.repeat(40));
    await tree.link('bad/link.yaml', target);
    const sha = await tree.commit('bad link');
    await tree.push();
    value(await room.repositories.resolve(source(tree.url)));
    const [bad] = value(await room.repositories.trees(tree.url, [{ commit: sha, path: 'bad' }]));
    const refused = failure(await room.repositories.files(tree.url, bad!));
    expect(refused).toMatchObject({ code: 'BadSymbolicLink', kind: 'terminal', at: { path: 'link.yaml' } });
    expect(refused.message).toContain(why);
  });
});
