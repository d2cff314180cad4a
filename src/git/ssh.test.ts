/** Git over SSH, against a real sshd. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure, openGitRoom, source, value, type GitRoom } from '../../tests/git-server/git-room.ts';
import { createWorkTree } from '../../tests/git-server/server.ts';
import { canTry } from '../../tests/programs.ts';
import { startSshServer, type SshServer } from '../../tests/git-server/ssh-server.ts';
import type { SourceSpec } from '#model/unit.ts';

let room: GitRoom;
let ssh: SshServer;
let commit: string;
let secret: Readonly<Record<string, string>> = {};

beforeAll(async () => {
  room = await openGitRoom({
    secrets: () => secret,
    lookup: (host) => Promise.resolve(host === 'localhost' ? ['127.0.0.1'] : ['169.254.169.254']),
  });
  const tree = await createWorkTree(room.server, 'shop');
  await tree.write('app/a.yaml', 'a: 1');
  commit = await tree.commit('Add a');
  await tree.push();
  const repositories = path.dirname(room.server.repositoryPath('shop'));
  ssh = await startSshServer(path.join(room.server.root, 'ssh'), repositories);
});
afterAll(async () => {
  await ssh.close();
  await room.close();
});

const spec = (further: Partial<SourceSpec> = {}): SourceSpec => ({
  ...source(ssh.url('shop')),
  credentials: { namespace: 'argocd', name: 'repo-shop' },
  trust: { knownHosts: ssh.knownHosts },
  ...further,
});

describe.runIf(canTry('/usr/sbin/sshd', 'ssh', 'ssh-keygen'))('a repository over SSH', () => {
  it('is fetched with the key of the Secret, which leaves no trace (S14, S15)', async () => {
    secret = { sshPrivateKey: ssh.privateKey };
    expect(value(await room.repositories.resolve(spec())).commit).toBe(commit);
    const canary = ssh.privateKey.split('\n')[2]!;
    expect(JSON.stringify(room.processes)).not.toContain(canary);
    expect(room.logLines.join()).not.toContain(canary);
    expect((await readdir(room.dir)).filter((name) => name.startsWith('.private-'))).toEqual([]);
  });
  it('with known hosts from the Secret, as Flux has them', async () => {
    secret = { identity: ssh.privateKey.trimEnd(), known_hosts: ssh.knownHosts };
    const { trust: _, ...untrusted } = spec();
    expect(value(await room.repositories.fetch(untrusted)).changed).toBe(false);
  });
  it.each<[string, () => readonly [Readonly<Record<string, string>>, Partial<SourceSpec>], string]>([
    [
      'a server that is not known',
      () => [{ sshPrivateKey: ssh.privateKey }, { trust: {} }],
      'GitHostKeyUnknown',
    ],
    [
      'a server with another key',
      () => {
        const [host] = ssh.knownHosts.split(' ');
        const other = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
        return [
          { sshPrivateKey: ssh.privateKey },
          { trust: { knownHosts: `${host} ssh-ed25519 ${other}\n` } },
        ];
      },
      'GitHostKeyUnknown',
    ],
    ['a key of somebody else', () => [{ sshPrivateKey: ssh.strangeKey }, {}], 'GitAuthenticationFailed'],
    ['a key that is none', () => [{ sshPrivateKey: 'nonsense' }, {}], 'GitAuthenticationFailed'],
    ['no key', () => [{ username: 'ada', password: 'x' }, {}], 'GitCredentialsMissing'],
    [
      'a key with a password',
      () => [{ identity: ssh.privateKey, password: 'x' }, {}],
      'GitCredentialsMissing',
    ],
    [
      'S4: a demand not to verify',
      () => [{ sshPrivateKey: ssh.privateKey, insecureIgnoreHostKey: 'true' }, {}],
      'GitCredentialsMissing',
    ],
  ])('%s is refused', async (_, make, code) => {
    const [data, further] = make();
    secret = data;
    expect(failure(await room.repositories.fetch(spec(further))).code).toBe(code);
  });
  it('S10: a name that leads to a link-local address is not connected to', async () => {
    secret = { sshPrivateKey: ssh.privateKey };
    const url = ssh.url('shop').replace('localhost', 'metadata-like.example');
    expect(failure(await room.repositories.fetch(spec({ url }))).code).toBe('ForbiddenGitHost');
  });
  it('a missing repository is said', async () => {
    secret = { sshPrivateKey: ssh.privateKey };
    expect(failure(await room.repositories.fetch(spec({ url: ssh.url('none') }))).code).toBe(
      'RepositoryNotFound',
    );
  });
});
