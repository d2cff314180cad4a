/** Which way a source in Git has moved, from what was applied last. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openGitRoom, value, type GitRoom } from '../../../tests/git-server/git-room.ts';
import { createWorkTree, type WorkTree } from '../../../tests/git-server/server.ts';
import { argoOverriding } from '#dialects/argo/source-overrides.ts';
import { gitRefOf } from '#model/target-revision.ts';
import type { Unit } from '#model/unit.ts';
import { locate, type Located } from './locate.ts';

let room: GitRoom;
let tree: WorkTree;
let commits: readonly string[];

beforeEach(async () => {
  room = await openGitRoom();
  tree = await createWorkTree(room.server, 'own');
  const made: string[] = [];
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    await tree.write('app/a.yaml', version);
    made.push(await tree.commit(version));
    await tree.tag(`v${version}`);
  }
  commits = made;
  await tree.push();
});
afterEach(() => room.close());

async function located(targetRevision: string, state?: object): Promise<Located> {
  const source = { kind: 'git', url: tree.url, ref: gitRefOf(targetRevision) } as const;
  const inputs = [{ source, path: 'app', render: { kind: 'directory', recurse: false } }];
  const unit = { id: 'u', inputs, target: {}, tracking: {}, manager: '', limits: {} } as unknown as Unit;
  value(await room.repositories.fetch(source));
  const question = { unit, state: state as Parameters<typeof locate>[0]['state'] };
  return value(await locate(question, { ...room, overriding: argoOverriding }));
}
const applied = ({ revisions, digest }: Located): object => ({ revisions, inputs: digest });
const named = (written: string): string =>
  written.replace(/^commit (\d)(.*)/, (_, index: string, short: string) =>
    short === '' ? commits[Number(index)]! : commits[Number(index)]!.slice(0, 8),
  );

test.each([
  ['main', 'v1.0.0'],
  ['v1.1.0', 'refs/tags/v1.0.0'],
  ['main', 'commit 0'],
  ['commit 2', 'commit 0'],
  ['commit 2', 'commit 1 short'],
])('%s, and then %s: whoever names an older one wants it', async (before, after) => {
  const first = await located(named(before));
  expect((await located(named(after), applied(first))).ancestry).toBe('descendant');
});

test.each(['main', 'HEAD', '', 'v1.2.0'])('F10: %j that moves back is older', async (name) => {
  const first = await located(name);
  await tree.reset(commits[0]!);
  await tree.tag('v1.2.0');
  await tree.push({ force: true });
  expect((await located(name, applied(first))).ancestry).toBe('older');
});

test('F10: a range that loses its highest tag is older', async () => {
  const first = await located('1.x');
  await tree.unpush('refs/tags/v1.2.0');
  expect((await located('1.x', applied(first))).ancestry).toBe('older');
});

test('F10: what another controller applied last is no name: an older one is older', async () => {
  const { revisions } = await located('main');
  const left = revisions.map((revision) => ({ ...revision, label: revision.commit.slice(0, 8) }));
  expect((await located('v1.0.0', { revisions: left })).ancestry).toBe('older');
});
