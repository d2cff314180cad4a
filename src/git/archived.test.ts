/** Archives that are kept as commits, in real repositories. */
import { afterEach, describe, expect, it } from 'vitest';
import { contents, failure, openGitRoom, value, type GitRoom } from '../../tests/git-server/git-room.ts';
import { digestOf } from '#fields/digest.ts';
import { fail, ok } from '#model/failure.ts';
import type { Archives } from '#model/ports.ts';
import type { GitRef, SourceSpec } from '#model/unit.ts';

let room: GitRoom | undefined;
afterEach(() => room?.close());

class FakeArchives implements Archives {
  readonly calls: string[] = [];
  down = false;
  version = '1.0.0';
  files: Readonly<Record<string, string>> = { 'Chart.yaml': 'name: web', 'templates/a "b"\\c.yaml': 'x\ny' };

  async find(): ReturnType<Archives['find']> {
    await Promise.resolve();
    this.calls.push('find');
    if (this.down)
      return fail({ kind: 'transient', code: 'RegistryUnreachable', stage: 'source', message: '', hint: '' });
    const digest = digestOf(JSON.stringify(this.files));
    return ok({
      name: this.version,
      label: `web ${this.version}`,
      digest,
      url: 'https://charts.example/web.tgz',
    });
  }
  async fetch(): ReturnType<Archives['fetch']> {
    await Promise.resolve();
    this.calls.push('fetch');
    const files = Object.entries(this.files).map(([path, text]) => ({ path, content: Buffer.from(text) }));
    return ok({ digest: digestOf(JSON.stringify(this.files)), files });
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}
const url = 'https://charts.example';
const spec = (ref: GitRef = { semver: '1.x' }): SourceSpec => ({ kind: 'helm', url, chart: 'web', ref });

describe('an archive', () => {
  it('is read like a repository, and named as people know it', async () => {
    const archives = new FakeArchives();
    room = await openGitRoom({ archives });
    const revision = value(await room.repositories.resolve(spec()));
    expect(revision).toMatchObject({
      url,
      name: '1.0.0',
      label: 'web 1.0.0',
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    expect(await contents(room.repositories, url, revision.commit, '.')).toEqual(archives.files);
    expect(
      value(await room.repositories.look(url, revision.commit, ['Chart.yaml', 'none', ''])).map(
        ({ kind }) => kind,
      ),
    ).toEqual(['file', 'absent', 'directory']);
  });
  it('is fetched once, and is the same commit wherever it is kept', async () => {
    const archives = new FakeArchives();
    room = await openGitRoom({ archives });
    const first = value(await room.repositories.resolve(spec()));
    expect(value(await room.repositories.fetch(spec()))).toEqual({ changed: false });
    expect(value(await room.repositories.resolve(spec({ name: '1.0.0' }))).commit).toBe(first.commit);
    expect(archives.calls.filter((call) => call === 'fetch')).toHaveLength(1);
    const other = await openGitRoom({ archives: new FakeArchives() });
    expect(value(await other.repositories.resolve(spec())).commit).toBe(first.commit);
    await other.close();
  });
  it('F12: stays what it was while the server is down, also after a restart', async () => {
    const archives = new FakeArchives();
    room = await openGitRoom({ archives });
    const first = value(await room.repositories.resolve(spec()));
    archives.down = true;
    expect(failure(await room.repositories.fetch(spec())).code).toBe('RegistryUnreachable');
    await room.reopen();
    expect(value(await room.repositories.resolve(spec()))).toEqual(first);
    expect(value(await room.repositories.resolve(spec({ commit: first.commit }))).commit).toBe(first.commit);
    expect(await contents(room.repositories, url, first.commit, '.')).toEqual(archives.files);
    expect(failure(await room.repositories.resolve(spec({ name: '2.0.0' }))).code).toBe(
      'RegistryUnreachable',
    );
    const somebody = { ...spec(), credentials: { namespace: 'argocd', name: 'other' } };
    expect(failure(await room.repositories.resolve(somebody)).code).toBe('RegistryUnreachable');
  });
  it('F10: in a range, a lower version after a higher one is older; one that somebody names is not', async () => {
    const archives = new FakeArchives();
    room = await openGitRoom({ archives });
    const at = async (version: string, text: string): Promise<string> => {
      archives.version = version;
      archives.files = { 'Chart.yaml': text };
      await room!.repositories.fetch(spec());
      return value(await room!.repositories.resolve(spec())).commit;
    };
    const [one, two, again] = [await at('1.0.0', 'a'), await at('1.10.0', 'b'), await at('1.10.0', 'c')];
    const related = async (ref: GitRef, before: string | undefined, after: string): Promise<string> =>
      value(await room!.repositories.ancestry(spec(ref), before, after));
    expect(await related({ semver: '1.x' }, undefined, one)).toBe('first');
    expect(await related({ semver: '1.x' }, one, two)).toBe('descendant');
    expect(await related({ semver: '1.x' }, two, one)).toBe('older');
    expect(await related({ name: '1.0.0' }, two, one)).toBe('descendant');
    expect(await related({ semver: '1.x' }, two, again)).toBe('rewritten');
  });
  it('without a port for them is refused', async () => {
    room = await openGitRoom();
    expect(failure(await room.repositories.resolve(spec())).code).toBe('UnsupportedRegistry');
  });
});
