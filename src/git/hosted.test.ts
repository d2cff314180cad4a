import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { gitAt } from '../../tests/git-server/git.ts';
import { contents, openGitRoom, source, value } from '../../tests/git-server/git-room.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { childEnvironment } from '#host/environment.ts';
import { Metrics } from '#host/metrics.ts';
import { openProcesses } from '#host/processes.ts';
import { fail, ok } from '#model/failure.ts';
import { commitFiles } from './first-commit.ts';
import { HostedRepositories, isRepositoryName } from './hosted.ts';
import { hostedMirror, hostedPrefix, meansHosted } from './hosted-address.ts';

let scratch: string;
let hosted: HostedRepositories;
const host = openProcesses(systemTimers);

beforeEach(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'trueup hosted-'));
  hosted = new HostedRepositories({
    processes: host,
    clock: systemClock,
    meter: new Metrics(),
    environment: childEnvironment(process.env),
    dir: path.join(scratch, 'repositories'),
  });
});
afterEach(async () => {
  host.close();
  await rm(scratch, { recursive: true, force: true });
});

describe('names', () => {
  test('are safe as one part of a path', () => {
    for (const name of ['a', 'shop', 'team-a.apps', 'x_1', 'a..b', 'a'.repeat(100)])
      expect(isRepositoryName(name), name).toBe(true);
    for (const name of [
      '',
      '.',
      '..',
      '.a',
      'a.',
      'A',
      'a/b',
      'a\\b',
      'a.git',
      'a.lock',
      'a\n',
      'a'.repeat(101),
    ])
      expect(isRepositoryName(name), name).toBe(false);
  });
});

describe('making one', () => {
  test('happens once, however many ask, and never touches what is there', async () => {
    const made = await Promise.all([hosted.create('shop'), hosted.create('shop'), hosted.create('api')]);
    expect(made.map(value)).toEqual([true, true, true]);
    await writeFile(path.join(hosted.pathOf('shop'), 'mark'), '');
    expect(value(await hosted.create('shop', () => Promise.reject(new Error('filled'))))).toBe(false);
    expect((await stat(path.join(hosted.pathOf('shop'), 'mark'))).isFile()).toBe(true);
    expect(await hosted.names()).toEqual(['api', 'shop']);
  });

  test('that fails half-way leaves none behind, and can be tried again', async () => {
    const failure = {
      kind: 'transient',
      code: 'GitFailed',
      stage: 'source',
      message: 'no',
      hint: '',
    } as const;
    expect(await hosted.create('shop', () => Promise.resolve(fail(failure)))).toEqual(fail(failure));
    expect(await hosted.names()).toEqual([]);
    expect(value(await hosted.create('shop', () => Promise.resolve(ok(undefined))))).toBe(true);
  });

  test('with a first commit: the same files and time give the same commit', async () => {
    const filesDir = path.join(scratch, 'files');
    await mkdir(path.join(filesDir, 'apps'), { recursive: true });
    await writeFile(path.join(filesDir, 'README.md'), 'Read – me\n');
    await writeFile(path.join(filesDir, 'apps/a "b".yaml'), '');
    const message = 'The example';
    const commits: string[] = [];
    for (const name of ['one', 'two']) {
      const fill = (gitDir: string) =>
        commitFiles(hosted.tools, gitDir, { filesDir, message, atMs: 1_700_000_000_999 });
      expect(value(await hosted.create(name, fill))).toBe(true);
      commits.push(await gitAt(hosted.pathOf(name), 'rev-parse', 'HEAD'));
    }
    expect(commits[0]).toBe(commits[1]);
    const shown = ['show', '--no-patch', '--format=%an <%ae> %cn %at %ct %s', 'main'];
    expect(await gitAt(hosted.pathOf('one'), ...shown)).toBe(
      'Trueup <trueup@localhost> Trueup 1700000000 1700000000 The example',
    );
    await gitAt(hosted.pathOf('one'), 'fsck', '--strict');
    const room = await openGitRoom({ mirrors: [hostedMirror(hosted.tools.dir)] });
    try {
      const url = `${hostedPrefix}one.git`;
      const { commit } = value(await room.repositories.resolve(source(url)));
      expect(commit).toBe(commits[0]);
      expect(await contents(room.repositories, url, commit, '.')).toEqual({
        'README.md': 'Read – me\n',
        'apps/a "b".yaml': '',
      });
    } finally {
      await room.close();
    }
  });
});

test('a source means one by the name in manifests or by the address of the server, and no other', () => {
  for (const url of [
    'https://git.trueup.localhost/shop.git',
    'https://git.trueup.localhost/shop',
    'http://127.0.0.1:8080/git/shop.git',
    'http://localhost:8080/git/shop',
    'http://[::1]:8080/git/shop.git',
  ])
    expect(meansHosted(url, 'shop', 8080), url).toBe(true);
  for (const url of [
    'https://git.trueup.localhost/shops.git',
    'http://127.0.0.1:8081/git/shop.git',
    'https://git.example.com/shop.git',
  ])
    expect(meansHosted(url, 'shop', 8080), url).toBe(false);
});
