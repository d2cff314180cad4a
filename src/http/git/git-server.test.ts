/** Git over HTTP with the git of this machine as its client. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnvironment, gitAt } from '../../../tests/git-server/git.ts';
import { contents, openGitRoom, source, value } from '../../../tests/git-server/git-room.ts';
import { systemRandom } from '#host/random.ts';
import { serveGit, type ServedGit } from './git-server.fixture.ts';

let served: ServedGit;
beforeAll(async () => {
  served = await serveGit();
});
afterAll(() => served.close());

const pushesOf = (name: string): number => served.pushes.filter((one) => one === name).length;
const headOf = async (name: string): Promise<string> =>
  gitAt(served.repositories.pathOf(name), 'symbolic-ref', 'HEAD');

/** A plain request, with any Host. */
async function ask(
  target: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: object; body?: Uint8Array } = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const sent = request({
    host: '127.0.0.1',
    port: served.port,
    path: target,
    method,
    headers: { ...headers },
  });
  sent.end(body);
  const [answer] = await once(sent, 'response');
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  return { status: answer.statusCode, text: Buffer.concat(parts).toString('latin1') };
}

describe('a push to a new name', () => {
  it('makes the repository; a clone then checks out what was pushed; who waits hears of it once', async () => {
    const tree = await served.workTree('shop');
    await gitAt(tree, 'push', '--quiet', served.url('shop'), 'main');
    expect(pushesOf('shop')).toBe(1);
    await gitAt(served.scratch, 'clone', '--quiet', served.url('shop'), 'shop-clone');
    const clone = path.join(served.scratch, 'shop-clone');
    expect(await gitAt(clone, 'log', '--format=%s', 'main')).toBe('First');
    expect(pushesOf('shop')).toBe(1);
  });

  it.each([
    ['master', ['master'], 'refs/heads/master'],
    ['trunk', ['trunk'], 'refs/heads/trunk'],
    ['both', ['trunk', 'main'], 'refs/heads/main'],
    ['unclear', ['one', 'two'], 'refs/heads/main'],
  ])('sets HEAD (%s)', async (name, branches, head) => {
    const tree = await served.workTree(name, branches[0]);
    for (const branch of branches.slice(1)) await gitAt(tree, 'branch', branch);
    await gitAt(tree, 'push', '--quiet', served.url(name), ...branches);
    expect(await headOf(name)).toBe(head);
  });

  it('that is only tried makes nothing', async () => {
    const tree = await served.workTree('tried');
    await gitAt(tree, 'push', '--quiet', '--dry-run', served.url('tried'), 'main');
    expect(await served.repositories.has('tried')).toBe(false);
    await expect(gitAt(tree, 'clone', served.url('tried'))).rejects.toThrow(
      /There is no repository tried yet\. Push to it/,
    );
  });

  it('beyond 200 is refused, and says what to do', async () => {
    const full = await serveGit();
    try {
      const tree = await full.workTree('one-more');
      for (let number = 0; number < 200; number += 1)
        await mkdir(full.repositories.pathOf(`r${number}`), { recursive: true });
      const pushed = gitAt(tree, 'push', full.url('one-more'), 'main');
      await expect(pushed).rejects.toThrow(/there are 200 repositories.*push to one that exists/);
      expect(await full.repositories.has('one-more')).toBe(false);
    } finally {
      await full.close();
    }
  });
});

describe('an existing repository', () => {
  it('is fetched from, pushed to, and rewritten by force, with and without .git', async () => {
    const tree = await served.workTree('changed');
    await gitAt(tree, 'remote', 'add', 'origin', served.url('changed').replace(/\.git$/, ''));
    await gitAt(tree, 'push', '--quiet', 'origin', 'main');
    await gitAt(served.scratch, 'clone', '--quiet', served.url('changed'), 'changed-clone');
    const clone = path.join(served.scratch, 'changed-clone');
    await gitAt(tree, 'commit', '--quiet', '--amend', '--allow-empty', '-m', 'Rewritten');
    await expect(gitAt(tree, 'push', 'origin', 'main')).rejects.toThrow(/non-fast-forward|fetch first/);
    await gitAt(tree, 'push', '--quiet', '--force', 'origin', 'main');
    await gitAt(clone, 'fetch', '--quiet');
    expect(await gitAt(clone, 'log', '--format=%s', 'origin/main')).toBe('Rewritten');
    expect(pushesOf('changed')).toBe(2);
  });

  it('takes a large push as one, and gives it to many at a time', async () => {
    const tree = await served.workTree('large');
    await gitAt(tree, 'push', '--quiet', served.url('large'), 'main');
    await writeFile(path.join(tree, 'large.bin'), systemRandom.bytes(20 * 1024 * 1024));
    await gitAt(tree, 'add', '.');
    await gitAt(tree, 'commit', '--quiet', '-m', 'Large');
    await gitAt(tree, 'push', '--quiet', served.url('large'), 'main');
    expect(pushesOf('large')).toBe(2);
    const clones = ['a', 'b', 'c', 'd'].map((name) => path.join(served.scratch, `large-${name}`));
    await Promise.all(
      clones.map((clone) => gitAt(served.scratch, 'clone', '--quiet', served.url('large'), clone)),
    );
    for (const clone of clones)
      expect((await stat(path.join(clone, 'large.bin'))).size).toBe(20 * 1024 * 1024);
  });

  it('is read by our own client over this address', async () => {
    const tree = await served.workTree('own');
    await writeFile(path.join(tree, 'web.yaml'), 'kind: Service\n');
    await gitAt(tree, 'add', '.');
    await gitAt(tree, 'commit', '--quiet', '-m', 'Web');
    await gitAt(tree, 'push', '--quiet', served.url('own'), 'main');
    const room = await openGitRoom();
    try {
      const url = served.url('own');
      const { commit } = value(await room.repositories.resolve(source(url)));
      expect(await contents(room.repositories, url, commit, '.')).toEqual({ 'web.yaml': 'kind: Service\n' });
    } finally {
      await room.close();
    }
  });

  it('answers a packed request, in protocol version 2', async () => {
    const tree = await served.workTree('packed');
    await gitAt(tree, 'push', '--quiet', served.url('packed'), 'main');
    const packets = '0014command=ls-refs\n0001000bsymrefs0000';
    const { status, text } = await ask('/git/packed.git/git-upload-pack', {
      method: 'POST',
      headers: {
        'content-type': 'application/x-git-upload-pack-request',
        'content-encoding': 'gzip',
        'git-protocol': 'version=2',
      },
      body: gzipSync(packets),
    });
    expect(status).toBe(200);
    expect(text).toMatch(/[0-9a-f]{40} HEAD symref-target:refs\/heads\/main/);
  });
});

describe('what is refused', () => {
  it.each([
    '..%2f..%2fetc',
    '%2e%2e%2fx',
    '.blank',
    'a%00b',
    'a%0ab',
    'Upper',
    '-x',
    'a.',
    'a.git',
    'a.lock',
    'a'.repeat(101),
  ])('S15: the name %s', async (name) => {
    const before = await readdir(served.repositories.tools.dir);
    const requests = [
      ask(`/git/${name}.git/info/refs?service=git-receive-pack`),
      ask(`/git/${name}.git/info/refs?service=git-upload-pack`),
      ask(`/git/${name}.git/git-receive-pack`, { method: 'POST', body: Buffer.from('0000') }),
    ];
    for (const { status, text } of await Promise.all(requests)) {
      expect(status).toBe(404);
      expect(text).toContain('A repository is named by');
    }
    expect(await readdir(served.repositories.tools.dir)).toEqual(before);
  });

  it.each([
    '/git/shop.git/HEAD',
    '/git/shop.git/objects/info/packs',
    '/git/shop.git/info/refs',
    '/git/shop.git/info/refs?service=git-upload-archive',
    '/git/shop.git/config',
  ])('the dumb protocol: %s', async (target) => {
    expect((await ask(target)).status).toBe(404);
  });

  const listing = '/git/shop.git/info/refs?service=git-receive-pack';
  it.each([
    ['a foreign Host', { host: 'attacker.example:8080' }, /use http:\/\/127\.0\.0\.1/],
    ['a Host that only begins well', { host: '127.0.0.1.attacker.example' }, /use http:\/\/127\.0\.0\.1/],
    ['the Origin of another site', { origin: 'https://attacker.example' }, /another site/],
    ['an Origin that is hidden', { origin: 'null' }, /another site/],
    ['the Origin of another port', { origin: 'http://localhost:1' }, /another site/],
    ['a cross-site request without Origin', { 'sec-fetch-site': 'cross-site' }, /another site/],
  ])('S13: %s', async (_, headers, pattern) => {
    const { status, text } = await ask(listing, { headers });
    expect(status).toBe(403);
    expect(text).toMatch(pattern);
  });

  it('but no name of this machine', async () => {
    for (const host of ['localhost:8080', 'LOCALHOST', '127.0.0.1:1', '[::1]:8080'])
      expect((await ask(listing, { headers: { host } })).status, host).toBe(200);
    const host = `127.0.0.1:${served.port}`;
    expect((await ask(listing, { headers: { host, origin: `http://${host}` } })).status).toBe(200);
  });

  it('S15: an object that is not what it should be', async () => {
    const tree = await served.workTree('flawed');
    const write = (input: string, ...args: readonly string[]): string =>
      execFileSync('git', args, { cwd: tree, env: cleanEnvironment(), input }).toString().trim();
    const blob = write('', 'hash-object', '-w', '--stdin');
    const made = write(`100644 blob ${blob}\t.git\n`, 'mktree');
    const commit = await gitAt(tree, 'commit-tree', made, '-m', 'Flawed');
    const pushed = gitAt(tree, 'push', served.url('flawed'), `${commit}:refs/heads/main`);
    await expect(pushed).rejects.toThrow(/hasDotgit/);
  });

  it('a push over the limit, with what the limit is', async () => {
    const small = await serveGit(1024 * 1024);
    try {
      const tree = await small.workTree('over');
      await writeFile(path.join(tree, 'over.bin'), systemRandom.bytes(6 * 1024 * 1024));
      await gitAt(tree, 'add', '.');
      await gitAt(tree, 'commit', '--quiet', '-m', 'Over');
      const pushed = gitAt(tree, 'push', small.url('over'), 'main');
      await expect(pushed).rejects.toThrow(/pack exceeds maximum allowed size/);
      expect(await gitAt(small.repositories.pathOf('over'), 'for-each-ref')).toBe('');
    } finally {
      await small.close();
    }
  });
});

describe('hooks', () => {
  it('S15: never run, neither pushed ones nor those that stand in the repository', async () => {
    const tree = await served.workTree('hooked');
    const ran = path.join(served.scratch, 'hook-ran');
    const hook = `#!/bin/sh\ntouch ${ran}\n`;
    await mkdir(path.join(tree, 'hooks'));
    await writeFile(path.join(tree, 'hooks/update'), hook, { mode: 0o755 });
    await gitAt(tree, 'add', '.');
    await gitAt(tree, 'commit', '--quiet', '-m', 'Hook');
    await gitAt(tree, 'push', '--quiet', served.url('hooked'), 'main~1:refs/heads/main');
    const standing = path.join(served.repositories.pathOf('hooked'), 'hooks');
    await mkdir(standing, { recursive: true });
    for (const name of ['pre-receive', 'update', 'post-receive', 'post-update']) {
      await writeFile(path.join(standing, name), hook);
      await chmod(path.join(standing, name), 0o755);
    }
    await gitAt(tree, 'push', '--quiet', served.url('hooked'), 'main');
    await expect(stat(ran)).rejects.toThrow('ENOENT');
  });
});

describe('a client that goes away', () => {
  it('in the middle of a push leaves no process and no change', async () => {
    const tree = await served.workTree('gone');
    await gitAt(tree, 'push', '--quiet', served.url('gone'), 'main');
    const before = served.backends.length;
    const sent = request({
      host: '127.0.0.1',
      port: served.port,
      path: '/git/gone.git/git-receive-pack',
      method: 'POST',
      headers: { 'content-type': 'application/x-git-receive-pack-request' },
    });
    sent.on('error', () => undefined);
    const commit = await gitAt(tree, 'rev-parse', 'main');
    sent.write(`0076${'0'.repeat(40)} ${commit} refs/heads/other\0 report-status      0000PACK`);
    await once(sent, 'response').catch(() => undefined);
    expect(served.backends).toHaveLength(before + 1);
    sent.destroy();
    const { code } = await served.backends.at(-1)!.ended;
    expect(code).toBeNull();
    expect(await gitAt(served.repositories.pathOf('gone'), 'for-each-ref', '--format=%(refname)')).toBe(
      'refs/heads/main',
    );
    expect(pushesOf('gone')).toBe(1);
  });

  it('in the middle of a clone leaves no process', async () => {
    const commit = await gitAt(served.repositories.pathOf('large'), 'rev-parse', 'main');
    const sent = request({
      host: '127.0.0.1',
      port: served.port,
      path: '/git/large.git/git-upload-pack',
      method: 'POST',
      headers: { 'git-protocol': 'version=2' },
    });
    sent.on('error', () => undefined);
    sent.end(`0011command=fetch00010032want ${commit}\n0009done\n0000`);
    const [answer] = await once(sent, 'response');
    answer.on('error', () => undefined);
    await once(answer, 'readable');
    const backend = served.backends.at(-1)!;
    sent.destroy();
    expect((await backend.ended).code).toBeNull();
  });

  it('leaves room for others, however many go', async () => {
    const tree = await served.workTree('busy');
    await gitAt(tree, 'push', '--quiet', served.url('busy'), 'main');
    const many = Array.from({ length: 30 }, () => {
      const sent = request({
        host: '127.0.0.1',
        port: served.port,
        path: '/git/busy.git/git-receive-pack',
        method: 'POST',
      });
      sent.on('error', () => undefined);
      sent.write('00');
      return sent;
    });
    const before = served.backends.length;
    await Promise.all(many.slice(0, 8).map((sent) => once(sent, 'response')));
    expect(served.backends.length - before).toBeLessThanOrEqual(8);
    for (const sent of many) sent.destroy();
    expect(await gitAt(tree, 'ls-remote', '--heads', served.url('busy'))).toContain('refs/heads/main');
    expect(served.backends.length - before).toBeLessThan(30);
  });
});
