/** Signatures that the real gpg and ssh-keygen made. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure, openGitRoom, source, value, type GitRoom } from '../../tests/git-server/git-room.ts';
import { gitAt } from '../../tests/git-server/git.ts';
import { createWorkTree, type WorkTree } from '../../tests/git-server/server.ts';
import { canTry } from '../../tests/programs.ts';
import type { GitRef, SignatureRule } from '#model/unit.ts';

const run = promisify(execFile);
let room: GitRoom;
let tree: WorkTree;
/** gpg's sockets want a short path. */
let home: string;
const keys: Record<string, { readonly id: string; readonly text: string }> = {};
let sshKey = '';
let strangeSshKey = '';

const gpg = (...args: readonly string[]) =>
  run('gpg', [
    '--homedir',
    home,
    '--batch',
    '--no-tty',
    '--pinentry-mode',
    'loopback',
    '--passphrase',
    '',
    ...args,
  ]);

async function makeKey(name: string, expires: string, ...further: readonly string[]): Promise<void> {
  await gpg(...further, '--quick-generate-key', `${name} <${name}@example.com>`, 'ed25519', 'sign', expires);
  const { stdout } = await gpg('--with-colons', '--fingerprint', `${name}@example.com`);
  const fingerprint = /^fpr:+([0-9A-F]+):/m.exec(stdout)![1]!;
  keys[name] = { id: fingerprint.slice(-16), text: (await gpg('--armor', '--export', fingerprint)).stdout };
}

/** git starts gpg with an environment of its own: where the keys are is said here. */
async function wrapper(name: string, further = ''): Promise<string> {
  const file = path.join(room.server.root, name);
  const text = `#!/bin/sh\nexec gpg --homedir ${home} --pinentry-mode loopback --passphrase '' ${further} "$@"\n`;
  await writeFile(file, text, { mode: 0o700 });
  return file;
}

/** A commit, and where it is wanted a tag of its name. */
async function commit(
  name: string,
  settings: readonly (readonly [string, string])[],
  tag?: 'signed' | 'plain',
): Promise<void> {
  await tree.write('a.yaml', name);
  const config = settings.flatMap(([key, text]) => ['-c', `${key}=${text}`]);
  await gitAt(tree.path, 'add', '--all');
  const signs = settings.length > 0 ? ['-S'] : [];
  await gitAt(tree.path, ...config, 'commit', '--quiet', ...signs, '-m', name);
  if (tag === undefined) await gitAt(tree.path, 'tag', name);
  else await gitAt(tree.path, ...config, 'tag', tag === 'signed' ? '-s' : '-a', '-m', name, name);
}

beforeAll(async () => {
  home = await mkdtemp('/tmp/tg-');
  room = await openGitRoom();
  tree = await createWorkTree(room.server, 'shop');
  await makeKey('ada', 'never');
  await makeKey('eve', 'never');
  await makeKey('old', '20200102T000000', '--faked-system-time', '20200101T000000');
  const ssh = path.join(room.server.root, 'keys');
  await mkdir(ssh);
  for (const name of ['ssh', 'strange'])
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(ssh, name)]);
  sshKey = await readFile(path.join(ssh, 'ssh.pub'), 'utf8');
  strangeSshKey = await readFile(path.join(ssh, 'strange.pub'), 'utf8');
  const program = await wrapper('gpg-now');
  const by = (name: string) =>
    [
      ['gpg.program', program],
      ['user.signingkey', keys[name]!.id],
    ] as const;
  await commit('unsigned', []);
  await commit('by-ada', by('ada'));
  await commit('by-eve', by('eve'));
  await commit('tagged', by('ada'), 'signed');
  await commit('tag-only', [], 'plain');
  const sshBy = (name: string) =>
    [
      ['gpg.format', 'ssh'],
      ['user.signingkey', path.join(ssh, name)],
    ] as const;
  await commit('by-ssh', sshBy('ssh'));
  await commit('by-strange', sshBy('strange'));
  await gitAt(tree.path, 'push', '--quiet', '--tags', 'origin', 'HEAD:main');
});
afterAll(async () => {
  await run('gpgconf', ['--homedir', home, '--kill', 'all']).catch(() => undefined);
  await room.close();
  await rm(home, { recursive: true, force: true });
});

const rule = (names: readonly string[], further: Partial<SignatureRule> = {}): SignatureRule => ({
  keys: names.map((name) => keys[name]?.text ?? name),
  ids: names.flatMap((name) => keys[name]?.id ?? []),
  what: 'either',
  where: 'the test',
  ...further,
});
const resolve = (ref: GitRef, signed: SignatureRule) =>
  room.repositories.resolve({ ...source(room.server.url('shop'), ref), signed });
const whyNot = async (ref: GitRef, signed: SignatureRule): Promise<string> => {
  const found = failure(await resolve(ref, signed));
  expect(found.code).toBe('SignatureRefused');
  return found.message;
};

describe.runIf(canTry('gpg', 'ssh-keygen'))('S8: a commit that has to be signed', () => {
  it('is used where a wanted key signed it', async () => {
    expect(value(await resolve({ tag: 'by-ada' }, rule(['ada']))).message).toBe('by-ada');
    expect(value(await resolve({ tag: 'by-ada' }, rule(['eve', 'ada']))).message).toBe('by-ada');
    const { commit: id } = value(await resolve({ tag: 'by-ada' }, rule(['ada'])));
    expect(value(await resolve({ commit: id }, rule(['ada']))).commit).toBe(id);
  });
  it.each<[string, string, () => SignatureRule, string]>([
    ['unsigned', 'unsigned', () => rule(['ada']), 'it is not signed'],
    ['of another key', 'by-eve', () => rule(['ada']), 'of no known key'],
    [
      'of a key that is known and not asked for',
      'by-eve',
      () => rule(['ada', 'eve'], { ids: [keys['ada']!.id] }),
      'not asked for',
    ],
    ['compared with no key', 'by-ada', () => rule([]), 'no key'],
    ['compared with a key that is none', 'by-ada', () => rule(['nonsense']), 'cannot be read'],
    [
      'of SSH, where GPG is asked for',
      'by-ssh',
      () => ({ ...rule(['ada']), keys: [keys['ada']!.text, sshKey] }),
      'GPG key is asked for',
    ],
    [
      'of another SSH key',
      'by-strange',
      () => ({ keys: [sshKey], what: 'commit', where: 'x' }),
      'no known key',
    ],
  ])('is refused when it is %s', async (_, tag, signed, why) => {
    expect(await whyNot({ tag }, signed())).toContain(why);
  });
  it('is refused when the key has expired', async () => {
    // Signed while it was valid.
    await tree.write('a.yaml', 'expired');
    await gitAt(tree.path, 'add', '--all');
    const program = await wrapper('gpg-then', '--faked-system-time 20200101T120000');
    await gitAt(
      tree.path,
      '-c',
      `gpg.program=${program}`,
      '-c',
      `user.signingkey=${keys['old']!.id}`,
      'commit',
      '--quiet',
      '-S',
      '-m',
      'expired',
    );
    await gitAt(tree.path, 'push', '--quiet', 'origin', 'HEAD:expired');
    value(await room.repositories.fetch(source(room.server.url('shop'))));
    expect(await whyNot({ branch: 'expired' }, rule(['old']))).toMatch(/expired/);
  });
  it('may be signed with an SSH key', async () => {
    const signed: SignatureRule = { keys: [strangeSshKey, sshKey], what: 'commit', where: 'x' };
    expect(value(await resolve({ tag: 'by-ssh' }, signed)).message).toBe('by-ssh');
  });
  it('as a tag: an annotated tag, signed', async () => {
    expect(value(await resolve({ tag: 'tagged' }, rule(['ada'], { what: 'tag' }))).message).toBe('tagged');
    expect(value(await resolve({ tag: 'tagged' }, rule(['ada'], { what: 'both' }))).message).toBe('tagged');
    expect(await whyNot({ tag: 'tag-only' }, rule(['ada']))).toContain('not signed');
    expect(await whyNot({ tag: 'by-ada' }, rule(['ada'], { what: 'tag' }))).toContain('not signed');
    expect(await whyNot({ tag: 'by-ada' }, rule(['ada'], { what: 'both' }))).toContain('not signed');
  });
});
