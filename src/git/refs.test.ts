import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failure, openGitRoom, source, value, type GitRoom } from '../../tests/git-server/git-room.ts';
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

  test.each([
    ['>=1.0.0 <2.0.0', 'v1.10.0'],
    ['>=1.0.0, <2.0.0', 'v1.10.0'],
    ['~1.2', '1.2.3'],
    ['1.2.x', '1.2.3'],
    ['*', 'v2.0.0'],
    ['>=2.1.0-0', 'v2.1.0-rc.1'],
  ])('the highest tag in the range of versions %s is %s', async (semver, tag) => {
    for (const name of ['1.2.3', 'v1.10.0', 'v1.9.0', 'v2.0.0', 'v2.1.0-rc.1', 'latest', 'v1'])
      await tree.tag(name);
    await tree.push();
    const revision = value(await room.repositories.resolve(source(tree.url, { semver })));
    expect(revision.label).toBe(`${tag}@${first.slice(0, 8)}`);
  });
  test.each(['>=3.0.0', 'not a range'])('a range without a tag names it: %s', async (semver) => {
    await tree.tag('v1.0.0');
    await tree.push();
    expect(failure(await room.repositories.resolve(source(tree.url, { semver })))).toMatchObject({
      code: 'RefNotFound',
      message: `${tree.url}: there is no tag with a version in "${semver}"`,
    });
  });

  test('a range that is also the name of a branch is that, while there is no tag in it', async () => {
    const ref = { semver: '1.x', orName: true } as const;
    const resolved = () => room.repositories.resolve(source(tree.url, ref));
    await tree.tag('v0.1.0');
    await tree.push();
    expect(failure(await resolved()).message).toMatch(/in "1\.x", and no branch or tag of that name$/);
    await tree.branch('1.x');
    await tree.push();
    await room.repositories.fetch(source(tree.url, ref));
    expect(value(await resolved()).label).toBe(`1.x@${first.slice(0, 8)}`);
    await tree.tag('v1.2.0');
    await tree.push();
    await room.repositories.fetch(source(tree.url, ref));
    expect(value(await resolved()).label).toBe(`v1.2.0@${first.slice(0, 8)}`);
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
