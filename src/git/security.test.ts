import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { GitRef, SourceSpec } from '#model/unit.ts';
import { createWorkTree } from '../../tests/git-server/server.ts';
import { failure, openGitRoom, source, type GitRoom } from '../../tests/git-server/git-room.ts';

const canary = 'c4n4ry-s3cret-v4lue';
const credentials = { namespace: 'argocd', name: 'repo-shop' };
let room: GitRoom;
afterEach(() => room.close());

async function shop(): Promise<string> {
  const tree = await createWorkTree(room.server, 'shop');
  await tree.write('a.yaml', 'a: 1\n');
  const sha = await tree.commit('a');
  await tree.push();
  return sha;
}
function withSecret(spec: SourceSpec): SourceSpec {
  return { ...spec, credentials };
}
/** Everything that is visible to others: vectors, logs, files. The environment of a child is its own. */
async function visible(): Promise<string> {
  const files = await readdir(room.dir, { recursive: true, withFileTypes: true });
  const texts = await Promise.all(
    files
      .filter((file) => file.isFile())
      .map((file) => readFile(path.join(file.parentPath, file.name), 'latin1')),
  );
  return [
    ...room.processes.map((one) => [one.command, ...one.args].join(' ')),
    ...room.logLines,
    ...files.map((file) => file.name),
    ...texts,
  ].join('\n');
}

describe('credentials', () => {
  test.each([
    ['user name and password', { username: 'ada', password: canary }, { username: 'ada', password: canary }],
    ['a bearer token', { bearerToken: canary }, { bearerToken: canary }],
    ['a password alone', { password: canary }, { username: '', password: canary }],
  ])('%s let in', async (_, data, auth) => {
    room = await openGitRoom({ auth, secrets: () => data as Record<string, string> });
    const commit = await shop();
    const resolved = await room.repositories.resolve(withSecret(source(room.server.url('shop'))));
    expect(resolved).toMatchObject({ ok: true, value: { commit } });
    expect(await visible()).not.toContain(canary);
    expect(await visible()).not.toContain(Buffer.from(`ada:${canary}`).toString('base64'));
  });

  test('wrong or absent ones are refused, and S14: nothing shows them', async () => {
    room = await openGitRoom({
      auth: { username: 'ada', password: 'right' },
      secrets: () => ({ username: 'ada', password: canary }),
    });
    await shop();
    const url = room.server.url('shop');
    const withUser = url.replace('//', `//ada:${canary}@`);
    for (const spec of [
      withSecret(source(url)),
      source(url),
      source(withUser),
      withSecret(source(withUser)),
    ]) {
      const result = await room.repositories.resolve(spec);
      expect(Object.keys(result).toSorted()).toEqual(['failure', 'ok']);
      const refused = failure(result);
      expect(refused).toMatchObject({ code: 'GitAuthenticationFailed', kind: 'terminal' });
      expect(refused.message).toContain(url);
      expect(JSON.stringify(refused)).not.toContain(canary);
    }
    expect(await visible()).not.toContain(canary);
  });

  test('S14: user and password in the address let in, and are in no revision', async () => {
    room = await openGitRoom({ auth: { username: 'ada', password: canary } });
    await shop();
    const url = room.server.url('shop');
    const resolved = await room.repositories.resolve(source(url.replace('//', `//ada:${canary}@`)));
    expect(resolved).toMatchObject({ ok: true, value: { url } });
    expect(await visible()).not.toContain(canary);
  });

  test('what one has fetched, another without credentials does not get', async () => {
    room = await openGitRoom({
      auth: { username: 'ada', password: canary },
      secrets: () => ({ username: 'ada', password: canary }),
    });
    await shop();
    const url = room.server.url('shop');
    expect(await room.repositories.resolve(withSecret(source(url)))).toMatchObject({ ok: true });
    expect(failure(await room.repositories.resolve(source(url))).code).toBe('GitAuthenticationFailed');
    await room.reopen();
    await room.server.stop();
    expect(await room.repositories.resolve(withSecret(source(url)))).toMatchObject({ ok: true });
    expect(failure(await room.repositories.resolve(source(url))).code).toBe('GitUnreachable');
  });

  test('F12: expired credentials leave what is local as it is, and a renewed Secret works at once', async () => {
    let password = canary;
    room = await openGitRoom({
      auth: { username: 'ada', password: canary },
      secrets: () => ({ username: 'ada', password }),
    });
    const commit = await shop();
    const spec = withSecret(source(room.server.url('shop')));
    expect(await room.repositories.resolve(spec)).toMatchObject({ ok: true });
    room.server.setAuth({ username: 'ada', password: 'renewed' });
    expect(failure(await room.repositories.fetch(spec)).code).toBe('GitAuthenticationFailed');
    expect(await room.repositories.resolve(spec)).toMatchObject({ ok: true, value: { commit } });
    password = 'renewed';
    expect(await room.repositories.fetch(spec)).toMatchObject({ ok: true });
  });

  test('a Secret that does not exist, or holds something else, is named', async () => {
    room = await openGitRoom();
    await shop();
    const spec = withSecret(source(room.server.url('shop')));
    expect(failure(await room.repositories.resolve(spec))).toMatchObject({
      code: 'GitCredentialsMissing',
      message: expect.stringContaining('argocd/repo-shop') as string,
    });
    await room.reopen({ secrets: () => ({ sshPrivateKey: canary }) });
    const wrong = failure(await room.repositories.resolve(spec));
    expect(wrong.code).toBe('GitCredentialsMissing');
    expect(JSON.stringify(wrong)).not.toContain(canary);
  });

  test('the Secret of one host is not sent to its mirror, nor where a redirect leads', async () => {
    room = await openGitRoom({
      auth: { username: 'ada', password: canary },
      secrets: () => ({ username: 'ada', password: canary }),
    });
    await shop();
    await room.reopen({ mirrors: [{ from: 'https://git.example.invalid/', to: `${room.server.origin}/` }] });
    const spec = withSecret(source('https://git.example.invalid/shop.git'));
    expect(failure(await room.repositories.fetch(spec)).code).toBe('GitAuthenticationFailed');
    const other = room.server.origin.replace('127.0.0.1', 'localhost');
    room.server.setAuth({ username: 'ada', password: canary });
    room.server.redirect('/moved', `${other}/shop`);
    const moved = withSecret(source(`${room.server.origin}/moved.git`));
    expect(failure(await room.repositories.fetch(moved)).code).toBe('GitAuthenticationFailed');
  });
});

describe('S15: what is hostile reaches no option, no shell and no transport', () => {
  test.each([
    'ssh://git:secret@github.com/a/b.git',
    'ssh://-oProxyCommand=x@github.com/a/b.git',
    'ssh://git@-oProxyCommand=x/a/b.git',
    'ssh://git@github.com/-a/b.git',
    '-oProxyCommand=x@github.com:a/b.git',
    'git@-oProxyCommand=x:a/b.git',
    'git://github.com/a/b.git',
    'ftp://host/a.git',
    'ext::sh -c touch% /tmp/pwned',
    'http::https://host/a.git',
    '--upload-pack=touch /tmp/pwned',
    '-c',
    '/etc',
    './local',
    'file://host/etc',
    'https://',
    'https:///a',
    'https://host/a.git\nhttp.proxy=evil',
    'https://host/a.git\0',
    'https://host/a b.git',
    'https://host/a.git#fragment',
    'http://exämple.com/a.git',
    '',
  ])('address %j', async (url) => {
    room = await openGitRoom();
    for (const result of [
      await room.repositories.fetch(source(url)),
      await room.repositories.resolve(source(url)),
    ])
      expect(failure(result)).toMatchObject({ code: 'UnsupportedGitUrl', kind: 'terminal' });
    expect(failure(await room.repositories.trees(url, [])).code).toBe('UnsupportedGitUrl');
    expect(room.processes).toEqual([]);
  });

  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://[fe80::1]/a.git',
    'http://[::ffff:169.254.169.254]/a.git',
    'http://2852039166/a.git',
    'http://0xa9.0xfe.0xa9.0xfe/a.git',
    'https://metadata.google.internal/a.git',
    'https://METADATA.google.internal./a.git',
    'http://user:pw@169.254.169.254/a.git',
  ])('S10: address %s', async (url) => {
    room = await openGitRoom();
    expect(failure(await room.repositories.fetch(source(url)))).toMatchObject({ code: 'ForbiddenGitHost' });
    expect(room.processes).toEqual([]);
  });

  test('names of refs, commits, trees and blobs', async () => {
    room = await openGitRoom();
    const sha = await shop();
    const url = room.server.url('shop');
    const hostile = [
      '--upload-pack=touch /tmp/pwned',
      '-x',
      '$(touch /tmp/pwned)',
      '`id`',
      'main; id',
      'main\ncontents main',
      '../../../../etc/passwd',
      'refs/heads/../../x',
      'main^{/a}',
      'HEAD@{1}',
      ':/a',
      'x\0y',
      `${sha}:a.yaml`,
    ];
    for (const text of hostile) {
      const refs: GitRef[] = [{ branch: text }, { tag: text }, { commit: text }, { name: text }];
      for (const ref of refs)
        expect(failure(await room.repositories.resolve(source(url, ref))).code).toBe('RefNotFound');
      const looked = await room.repositories.trees(url, [
        { commit: text, path: '.' },
        { commit: sha, path: text },
      ]);
      expect(looked).toEqual({ ok: true, value: [undefined, undefined] });
      expect((await room.repositories.files(url, text)).ok).toBe(false);
      expect((await room.repositories.read(url, [text])).ok).toBe(false);
      expect(await room.repositories.ancestry(source(url), text, sha)).toEqual({
        ok: true,
        value: 'rewritten',
      });
    }
    for (const { args } of room.processes) {
      // The name of a temporary folder may hold anything.
      const line = args.join(' ').replaceAll(room.dir, '');
      for (const text of hostile) expect(line).not.toContain(text);
    }
  });

  test('every child is git, with the prompt, hooks, user settings and other transports off', async () => {
    room = await openGitRoom();
    const sha = await shop();
    const spec = source(room.server.url('shop'));
    await room.repositories.resolve(spec);
    await room.repositories.trees(spec.url, [{ commit: sha, path: '.' }]);
    expect(room.processes.length).toBeGreaterThan(3);
    for (const { command, env } of room.processes) {
      expect(command).toBe('git');
      expect(env).toMatchObject({
        GIT_TERMINAL_PROMPT: '0',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        HOME: room.dir,
      });
      expect(['', 'http:https:file']).toContain(env['GIT_ALLOW_PROTOCOL']);
      const config = new Map(
        Array.from({ length: Number(env['GIT_CONFIG_COUNT']) }, (_, index) => [
          env[`GIT_CONFIG_KEY_${index}`],
          env[`GIT_CONFIG_VALUE_${index}`],
        ]),
      );
      expect(config.get('core.hooksPath')).toBe('/dev/null');
      expect(config.get('transfer.fsckObjects')).toBe('true');
      expect(config.get('credential.helper')).toBe('');
    }
    const networked = room.processes.filter((one) => one.env['GIT_ALLOW_PROTOCOL'] !== '');
    expect(new Set(networked.map((one) => one.args[0]))).toEqual(new Set(['ls-remote', 'fetch']));
  });
});
