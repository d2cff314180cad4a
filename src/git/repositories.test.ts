import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemTimers } from '#host/clock.ts';
import { childEnvironment } from '#host/environment.ts';
import { openProcesses } from '#host/processes.ts';
import type { Failure, Result } from '#model/failure.ts';
import { createWorkTree, type WorkTree } from '../../tests/git-server/server.ts';
import { openGitRoom, source, type GitRoom } from '../../tests/git-server/git-room.ts';
import { gitVersion } from './repositories.ts';
import { directoryName } from './url.ts';

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

function value<T>(result: Result<T>): T {
  if (!result.ok)
    throw new Error(`${result.failure.code}: ${result.failure.message} ${result.failure.cause ?? ''}`);
  return result.value;
}
function failure<T>(result: Result<T>): Failure {
  if (result.ok) throw new Error(`expected a failure, got ${JSON.stringify(result.value)}`);
  return result.failure;
}
async function contents(url: string, commit: string, at: string): Promise<Record<string, string>> {
  const [root] = value(await room.repositories.trees(url, [{ commit, path: at }]));
  const files = value(await room.repositories.files(url, root!));
  const bytes = value(
    await room.repositories.read(
      url,
      files.map((file) => file.blob),
    ),
  );
  files.forEach((file, index) => expect(bytes[index]).toHaveLength(file.sizeBytes));
  return Object.fromEntries(
    files.map((file, index) => [file.path, Buffer.from(bytes[index]!).toString('utf8')]),
  );
}

describe('names of revisions', () => {
  test('a branch, its label, author, message and time', async () => {
    const revision = value(await room.repositories.resolve(source(tree.url, { branch: 'main' })));
    expect(revision).toMatchObject({
      url: tree.url,
      commit: first,
      label: `main@${first.slice(0, 8)}`,
      author: 'Ada Lovelace <ada@example.com>',
      message: 'Add the shop',
    });
    expect(revision.atMs).toBe(1000 * Number(await tree.git('show', '-s', '--format=%ct', first)));
  });

  test('HEAD is the default branch, also after it was changed', async () => {
    await tree.branch('trunk');
    const second = await tree.commit('On trunk');
    await tree.push();
    expect(value(await room.repositories.resolve(source(tree.url))).label).toBe(`main@${first.slice(0, 8)}`);
    await tree.git(
      '--git-dir',
      room.server.repositoryPath('shop'),
      'symbolic-ref',
      'HEAD',
      'refs/heads/trunk',
    );
    expect(value(await room.repositories.fetch(source(tree.url)))).toEqual({ changed: true });
    expect(value(await room.repositories.resolve(source(tree.url)))).toMatchObject({ commit: second });
  });

  test('tags, lightweight and annotated: the commit they lead to', async () => {
    await tree.tag('light');
    await tree.tag('v1.0.0', 'The first release');
    await tree.push();
    for (const ref of [{ tag: 'light' }, { tag: 'v1.0.0' }, { name: 'v1.0.0' }, { name: 'refs/tags/v1.0.0' }])
      expect(value(await room.repositories.resolve(source(tree.url, ref))).commit).toBe(first);
  });

  test('commits, full and abbreviated; a branch goes before a tag, a tag before a commit', async () => {
    for (const ref of [
      { commit: first },
      { commit: first.slice(0, 7) },
      { name: first.slice(0, 10) },
      { name: first },
    ])
      expect(value(await room.repositories.resolve(source(tree.url, ref))).commit).toBe(first);
    const second = await tree.commit('second');
    await tree.tag('both');
    await tree.push();
    await tree.branch('both');
    const third = await tree.commit('third');
    await tree.git('push', '-q', 'origin', 'HEAD:refs/heads/both');
    value(await room.repositories.fetch(source(tree.url)));
    expect(value(await room.repositories.resolve(source(tree.url, { name: 'both' }))).commit).toBe(third);
    expect(value(await room.repositories.resolve(source(tree.url, { tag: 'both' }))).commit).toBe(second);
  });

  test('a commit that no ref holds any more is asked of the server', async () => {
    const second = await tree.commit('soon gone');
    await tree.push();
    await tree.reset(first);
    await tree.push({ force: true });
    expect(value(await room.repositories.resolve(source(tree.url, { commit: second }))).commit).toBe(second);
  });

  test('a name that does not exist: the nearest ones are told', async () => {
    await tree.branch('release-1');
    await tree.push();
    const missing = failure(await room.repositories.resolve(source(tree.url, { branch: 'relase-1' })));
    expect(missing).toMatchObject({ code: 'RefNotFound', kind: 'terminal', stage: 'source' });
    expect(missing.message).toContain('branch "relase-1"');
    expect(missing.hint).toContain('release-1, main');
    for (const commit of ['0'.repeat(40), 'abcdef0', 'abc', 'nothex!'])
      expect(failure(await room.repositories.resolve(source(tree.url, { commit }))).code).toBe('RefNotFound');
  });

  test('an empty repository says that it is empty', async () => {
    await room.server.createRepository('empty');
    const empty = failure(await room.repositories.resolve(source(room.server.url('empty'))));
    expect(empty).toMatchObject({ code: 'RefNotFound', hint: expect.stringContaining('empty') as string });
  });
});

describe('fetching', () => {
  test('a push arrives; nothing is fetched when no ref moved', async () => {
    const spec = source(tree.url, { branch: 'main' });
    expect(value(await room.repositories.fetch(spec))).toEqual({ changed: true });
    expect(value(await room.repositories.fetch(spec))).toEqual({ changed: false });
    expect(room.server.counts('shop')).toMatchObject({ fetches: 1 });
    const second = await tree.commit('second');
    await tree.push();
    expect(value(await room.repositories.resolve(spec)).commit).toBe(first);
    expect(value(await room.repositories.fetch(spec))).toEqual({ changed: true });
    expect(value(await room.repositories.resolve(spec)).commit).toBe(second);
  });

  test('a deleted branch is gone', async () => {
    await tree.branch('feature/a');
    await tree.push();
    const spec = source(tree.url, { branch: 'feature/a' });
    expect(value(await room.repositories.resolve(spec)).commit).toBe(first);
    await tree.unpush('feature/a');
    // The name of the branch becomes a directory of names: nothing of the old one may be in the way.
    await tree.git('push', '-q', 'origin', 'HEAD:refs/heads/feature/a/b');
    value(await room.repositories.fetch(spec));
    expect(failure(await room.repositories.resolve(spec)).code).toBe('RefNotFound');
  });

  test('all who ask at once share one fetch', async () => {
    const results = await Promise.all(
      Array.from({ length: 50 }, () => room.repositories.fetch(source(tree.url, { branch: 'main' }))),
    );
    expect(results.every((result) => result.ok)).toBe(true);
    expect(room.server.counts('shop').fetches).toBe(1);
    expect(room.processes.filter((one) => one.args[0] === 'ls-remote')).toHaveLength(1);
  });

  test('who asks during a fetch gets the next one, so that no push is missed', async () => {
    const spec = source(tree.url, { branch: 'main' });
    room.server.hold();
    const held = room.server.held();
    const before = room.repositories.fetch(spec);
    await held;
    const after = Array.from({ length: 5 }, () => room.repositories.fetch(spec));
    room.server.release();
    value(await before);
    expect((await Promise.all(after)).map((result) => value(result).changed)).toEqual(Array(5).fill(false));
    expect(room.processes.filter((one) => one.args[0] === 'ls-remote')).toHaveLength(2);
  });

  test('F10: ancestry of what is fetched', async () => {
    const spec = source(tree.url);
    const second = await tree.commit('second');
    await tree.push();
    value(await room.repositories.fetch(spec));
    await tree.reset(first);
    const other = await tree.commit('instead');
    await tree.push({ force: true });
    value(await room.repositories.fetch(spec));
    expect(value(await room.repositories.resolve(spec)).commit).toBe(other);
    const of = async (before: string | undefined, after: string): Promise<string> =>
      value(await room.repositories.ancestry(spec, before, after));
    expect(await of(undefined, first)).toBe('first');
    expect(await of(first, first)).toBe('same');
    expect(await of(first, second)).toBe('descendant');
    expect(await of(second, first)).toBe('older');
    expect(await of(second, other)).toBe('rewritten');
    expect(await of('0'.repeat(40), other)).toBe('rewritten');
  });

  test('F12: Git is down: everything local goes on, also after a restart', async () => {
    const spec = source(tree.url, { branch: 'main' });
    value(await room.repositories.resolve(spec));
    const before = await contents(tree.url, first, 'apps');
    await room.server.stop();
    const down = failure(await room.repositories.fetch(spec));
    expect(down).toMatchObject({ code: 'GitUnreachable', kind: 'transient' });
    expect(down.message).toContain(tree.url);
    await room.reopen();
    expect(value(await room.repositories.resolve(spec)).commit).toBe(first);
    expect(await contents(tree.url, first, 'apps')).toEqual(before);
    await room.server.start();
    expect(value(await room.repositories.fetch(spec))).toEqual({ changed: false });
  });

  test('F1: lock files and halves of a killed git are removed', async () => {
    value(await room.repositories.fetch(source(tree.url)));
    const copy = path.join(room.dir, directoryName(tree.url));
    const second = await tree.commit('second');
    await tree.push();
    const locks = ['packed-refs.lock', 'HEAD.lock', 'refs/trueup/heads/main.lock', 'shallow.lock'];
    for (const lock of locks) {
      await mkdir(path.dirname(path.join(copy, lock)), { recursive: true });
      await writeFile(path.join(copy, lock), '');
    }
    value(await room.repositories.fetch(source(tree.url)));
    expect(value(await room.repositories.resolve(source(tree.url))).commit).toBe(second);
  });

  test('a damaged copy is thrown away and fetched anew', async () => {
    value(await room.repositories.fetch(source(tree.url)));
    await writeFile(path.join(room.dir, directoryName(tree.url), 'HEAD'), '');
    await tree.commit('second');
    await tree.push();
    value(await room.repositories.fetch(source(tree.url)));
    expect(Object.keys(await contents(tree.url, first, 'apps/api'))).toEqual(['deployment.yaml']);
  });

  test('a repository that does not exist', async () => {
    const missing = failure(await room.repositories.resolve(source(room.server.url('nothing'))));
    expect(missing).toMatchObject({ code: 'RepositoryNotFound', kind: 'terminal' });
  });

  test('a server that does not answer: the deadline ends it, and the next poll works', async () => {
    const host = openProcesses(systemTimers);
    let timeoutMs = 300;
    await room.reopen({
      processes: {
        run: (request) => host.run({ ...request, timeoutMs }),
        open: (request) => host.open(request),
      },
    });
    room.server.hold();
    expect(failure(await room.repositories.fetch(source(tree.url)))).toMatchObject({
      code: 'GitTimeout',
      kind: 'transient',
    });
    room.server.release();
    timeoutMs = 15_000;
    expect(value(await room.repositories.fetch(source(tree.url)))).toEqual({ changed: true });
  });

  test('many packs are joined, and everything can still be read', async () => {
    value(await room.repositories.fetch(source(tree.url)));
    const packs = path.join(room.dir, directoryName(tree.url), 'objects', 'pack');
    const count = async (): Promise<number> =>
      (await readdir(packs)).filter((name) => name.endsWith('.pack')).length;
    const before = await contents(tree.url, first, 'apps');
    let sha = first;
    while ((await count()) <= 51) {
      await tree.write('apps/web/service.yaml', `kind: Service # ${sha}\n`);
      sha = await tree.commit('next');
      await tree.push();
      value(await room.repositories.fetch(source(tree.url)));
      await contents(tree.url, sha, 'apps/web');
      if (room.processes.some((one) => one.args[0] === 'gc')) break;
    }
    // The next poll queues behind the housekeeping.
    value(await room.repositories.fetch(source(tree.url)));
    expect(room.processes.filter((one) => one.args[0] === 'gc')).toHaveLength(1);
    expect(await count()).toBeLessThan(5);
    await room.server.stop();
    await room.reopen();
    expect(await contents(tree.url, first, 'apps')).toEqual(before);
    expect(await contents(tree.url, sha, 'apps/web')).toHaveProperty('service.yaml');
    expect(value(await room.repositories.ancestry(source(tree.url), first, sha))).toBe('descendant');
  });

  test('malformed objects are refused; the well-known flaws of old histories are not', async () => {
    const old = await createWorkTree(room.server, 'old');
    await old.write('d/a.yaml', 'a: 1\n');
    await old.commit('a');
    const author = 'Ada <ada@example.com> 1 +051800';
    const commit = `tree ${await old.git('rev-parse', 'HEAD^{tree}')}\nauthor ${author}\ncommitter ${author}\n\nold\n`;
    await old.write('../old.commit', commit);
    const flawed = await old.git('hash-object', '-t', 'commit', '--literally', '-w', '../old.commit');
    await old.git('push', '-q', 'origin', `${flawed}:refs/heads/main`);
    expect(value(await room.repositories.resolve(source(old.url)))).toMatchObject({ commit: flawed });
    expect(await contents(old.url, flawed, 'd')).toEqual({ 'a.yaml': 'a: 1\n' });
    // git 2.39 cannot tolerate a flaw and leave contents out at once; it is not tried again for each commit.
    await room.reopen();
    room.server.resetCounts();
    await old.git('reset', '--hard', '-q', flawed);
    await old.write('d/a.yaml', 'a: 2\n');
    const newer = await old.commit('newer');
    await old.push();
    value(await room.repositories.fetch(source(old.url)));
    expect(await contents(old.url, newer, 'd')).toEqual({ 'a.yaml': 'a: 2\n' });
    expect(room.server.counts('old').fetches).toBe(1);

    const bad = await createWorkTree(room.server, 'bad');
    await bad.write('a.yaml', 'a: 1\n');
    await bad.commit('a');
    const blob = Buffer.from(await bad.git('rev-parse', 'HEAD:a.yaml'), 'hex');
    const entry = Buffer.concat([Buffer.from('100644 ..\0'), blob]);
    await bad.write('../bad.tree', entry);
    const tree = await bad.git('hash-object', '-t', 'tree', '--literally', '-w', '../bad.tree');
    await bad.write('../bad.commit', `tree ${tree}\nauthor ${author}\ncommitter ${author}\n\nbad\n`);
    const evil = await bad.git('hash-object', '-t', 'commit', '--literally', '-w', '../bad.commit');
    await writeFile(path.join(room.server.repositoryPath('bad'), 'refs/heads/main'), `${evil}\n`);
    await cp(path.join(bad.path, '.git/objects'), path.join(room.server.repositoryPath('bad'), 'objects'), {
      recursive: true,
    });
    const refused = failure(await room.repositories.fetch(source(bad.url)));
    expect(refused.code).toBe('GitObjectsRejected');
  });

  test('git is not installed', async () => {
    await room.reopen({ environment: { PATH: '/nonexistent' } });
    expect(failure(await room.repositories.fetch(source(tree.url))).code).toBe('GitMissing');
    const processes = openProcesses(systemTimers);
    expect(failure(await gitVersion(processes, { PATH: '/nonexistent' })).code).toBe('GitMissing');
    expect(value(await gitVersion(processes, childEnvironment(process.env)))).toMatch(/^2\.\d+/);
  });

  test('a file URL, and a mirror of an address that cannot be reached', async () => {
    const local = `file://${room.server.repositoryPath('shop')}`;
    expect(value(await room.repositories.resolve(source(local))).commit).toBe(first);
    await room.reopen({
      mirrors: [{ from: 'https://git.example.invalid/team/', to: `${room.server.origin}/` }],
    });
    const url = 'https://git.example.invalid/team/shop.git';
    expect(value(await room.repositories.resolve(source(url)))).toMatchObject({ url, commit: first });
    expect(Object.keys(await contents(url, first, 'apps/web'))).toEqual(['deployment.yaml', 'service.yaml']);
  });

  test('a server that redirects is followed, but never to a link-local address (S10)', async () => {
    room.server.redirect('/old', '/shop');
    const old = `${room.server.origin}/old.git`;
    expect(value(await room.repositories.resolve(source(old)))).toMatchObject({ url: old, commit: first });
    expect(Object.keys(await contents(old, first, 'apps/api'))).toEqual(['deployment.yaml']);
    room.server.redirect('/evil', 'http://169.254.169.254/latest');
    const evil = failure(await room.repositories.fetch(source(`${room.server.origin}/evil.git`)));
    expect(evil.code).toBe('ForbiddenGitHost');
    room.server.redirect('/loop', '/loop');
    expect(failure(await room.repositories.fetch(source(`${room.server.origin}/loop.git`))).kind).toBe(
      'transient',
    );
  });

  test('a name that resolves to a link-local address is refused (S10), and the answer is pinned', async () => {
    const port = new URL(room.server.origin).port;
    await room.reopen({
      lookup: (host) => Promise.resolve(host === 'evil.test' ? ['169.254.169.254'] : ['127.0.0.1']),
    });
    expect(failure(await room.repositories.fetch(source(`http://evil.test:${port}/shop.git`))).code).toBe(
      'ForbiddenGitHost',
    );
    // The name exists nowhere but in our lookup: git can only have used the pinned answer.
    expect(value(await room.repositories.resolve(source(`http://git.test:${port}/shop.git`))).commit).toBe(
      first,
    );
  });
});

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
    expect(await contents(plain.url, sha, '.')).toEqual({ 'a.yaml': 'a: 1\n' });
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
    expect(await contents(tree.url, sha, 'm')).toEqual({ 'a.yaml': 'a: 1\n' });
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
    expect(Object.keys(await contents(tree.url, sha, 'l')).toSorted()).toEqual([
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
