/** Reverts on a real server: what is pushed, what does not revert, who may not write. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  contents,
  failure,
  openGitRoom,
  source,
  value,
  type GitRoom,
} from '../../tests/git-server/git-room.ts';
import { createWorkTree, type WorkTree } from '../../tests/git-server/server.ts';
import type { LoggedCommit, Repositories, RepositoryWriter } from '#model/ports.ts';

let room: GitRoom | undefined;
afterEach(async () => {
  await room?.close();
  room = undefined;
});

async function begin(options: Parameters<typeof openGitRoom>[0] = {}): Promise<{
  readonly tree: WorkTree;
  readonly git: Repositories & RepositoryWriter;
}> {
  room = await openGitRoom(options);
  const tree = await createWorkTree(room.server, 'shop');
  await commit(tree, 'One', {
    'app/a.txt': 'one\n\n\n\n\n\nend\n',
    'app/b.txt': 'b\n',
    'other/deep/x.txt': 'x\n',
  });
  return { tree, git: room.repositories as Repositories & RepositoryWriter };
}
async function commit(
  tree: WorkTree,
  message: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  for (const [file, text] of Object.entries(files)) await tree.write(file, text);
  const made = await tree.commit(message);
  await tree.push();
  return made;
}
const facts = {
  author: 'Ada <ada@example.com>',
  atMs: 1_000_000_000_000,
  trailers: ['Reverted-by: ada', 'Reason: a\nb'],
};

async function revert(
  { tree, git }: Awaited<ReturnType<typeof begin>>,
  from: string,
  choose: (commits: readonly LoggedCommit[]) => readonly LoggedCommit[] = (commits) => commits,
) {
  const spec = source(tree.url, { name: 'main' });
  value(await git.fetch(spec));
  const branch = value(await git.branch(spec))!;
  const commits = value(await git.log(spec, from, branch.commit, 100));
  return git.revert({ spec, on: branch.commit, commits: choose(commits), ...facts });
}

describe('reverting', () => {
  it('takes commits back one by one, worded as git does it, and pushes them', async () => {
    const world = await begin();
    const first = await world.tree.head();
    const second = await commit(world.tree, 'Two', {
      'app/a.txt': 'two\n\n\n\n\n\nend\n',
      'app/new.txt': 'n\n',
    });
    await commit(world.tree, 'Three', { 'app/b.txt': 'c\n' });
    const made = value(await revert(world, first));
    const spec = source(world.tree.url, { name: 'main' });
    value(await world.git.publish(spec, made, 'main'));
    await world.tree.git('fetch', '--quiet', 'origin');
    expect(await world.tree.git('diff', '--stat', first, 'origin/main')).toBe('');
    const message = await world.tree.git('log', '-1', '--format=%an <%ae>%n%at%n%B', 'origin/main');
    expect(message.trim()).toBe(
      `Ada <ada@example.com>\n1000000000\nRevert "Two"\n\nThis reverts commit ${second}.\n\nReverted-by: ada\nReason: a b`,
    );
    expect(await world.tree.git('log', '--format=%s', `${first}..origin/main`)).toBe(
      'Revert "Two"\nRevert "Three"\nThree\nTwo',
    );
    expect(await world.tree.git('fsck', '--strict')).not.toMatch(/error/);
  });

  it('of one commit leaves what came later, also in the same file', async () => {
    const world = await begin();
    const first = await world.tree.head();
    const second = await commit(world.tree, 'Two', { 'app/a.txt': 'two\n\n\n\n\n\nend\n' });
    await commit(world.tree, 'Three', { 'app/a.txt': 'two\n\n\n\n\n\nTHE END\n' });
    const made = value(await revert(world, first, (all) => all.filter(({ commit: id }) => id === second)));
    value(await world.git.publish(source(world.tree.url), made, 'main'));
    value(await world.git.fetch(source(world.tree.url)));
    expect(await contents(world.git, world.tree.url, made, 'app')).toEqual({
      'a.txt': 'one\n\n\n\n\n\nTHE END\n',
      'b.txt': 'b\n',
    });
  });

  it('of a merge goes back to its first parent', async () => {
    const world = await begin();
    const first = await world.tree.head();
    await world.tree.branch('feature');
    await commit(world.tree, 'Feature', { 'app/f.txt': 'f\n' });
    await world.tree.branch('main');
    await world.tree.git('merge', '--quiet', '--no-ff', '-m', 'Merge feature', 'feature');
    await world.tree.push();
    const made = value(await revert(world, first));
    value(await world.git.publish(source(world.tree.url), made, 'main'));
    await world.tree.git('fetch', '--quiet', 'origin');
    expect(await world.tree.git('diff', '--stat', first, 'origin/main')).toBe('');
  });

  it('names the file where later commits are in the way', async () => {
    const world = await begin();
    const first = await world.tree.head();
    const second = await commit(world.tree, 'Two', { 'app/a.txt': 'two\n' });
    await commit(world.tree, 'Three', { 'app/a.txt': 'three\n' });
    const result = await revert(world, first, (all) => all.filter(({ commit: id }) => id === second));
    expect(failure(result)).toMatchObject({
      code: 'RevertConflict',
      message: expect.stringContaining('app/a.txt'),
    });
  });

  it('never overwrites what somebody pushed meanwhile', async () => {
    const world = await begin();
    const first = await world.tree.head();
    await commit(world.tree, 'Two', { 'app/b.txt': '2\n' });
    const made = value(await revert(world, first));
    const theirs = await commit(world.tree, 'Theirs', { 'app/b.txt': '3\n' });
    expect(failure(await world.git.publish(source(world.tree.url), made, 'main')).code).toBe('BranchMoved');
    await world.tree.git('fetch', '--quiet', 'origin');
    expect(await world.tree.git('rev-parse', 'origin/main')).toBe(theirs);
  });

  it('says so where it may not write', async () => {
    const world = await begin();
    const first = await world.tree.head();
    await commit(world.tree, 'Two', { 'app/b.txt': '2\n' });
    const made = value(await revert(world, first));
    room!.server.setAuth({ username: 'ada', password: 'word' });
    const refused = failure(await world.git.publish(source(world.tree.url), made, 'main'));
    expect(refused).toMatchObject({ code: 'GitWriteDenied', kind: 'denied' });
  });
});
