/** Git over https with an authority of its own, and with a client certificate. */
import { readdir } from 'node:fs/promises';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { request as ask } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure, openGitRoom, source, value, type GitRoom } from '../../tests/git-server/git-room.ts';
import { createWorkTree } from '../../tests/git-server/server.ts';
import { startProxy } from '../../tests/registries/proxy.ts';
import { loopbackCertificates } from '#host/certificates.ts';
import { systemClock } from '#host/clock.ts';

const tls = loopbackCertificates(systemClock);
const client = loopbackCertificates(systemClock);
let room: GitRoom;
let plain: Server;
let mutual: Server;
let secret: Readonly<Record<string, string>> = {};

const rawOf = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, '');

/** What the Git server says, over https; to those with the client certificate where it asks for one. */
async function front(options: ServerOptions): Promise<Server> {
  const server = createServer({ key: tls.key, cert: tls.certificate, ...options }, (incoming, response) => {
    const { method, headers, url, socket } = incoming;
    const shown = (socket as TLSSocket).getPeerCertificate().raw?.toString('base64');
    if (options.requestCert === true && shown !== rawOf(client.certificate))
      return void response.writeHead(403).end();
    const outgoing = ask(`${room.server.origin}${url}`, { method: method!, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
const at = (server: Server): string => {
  const address = server.address();
  return `https://localhost:${typeof address === 'object' && address !== null ? address.port : 0}/shop.git`;
};

beforeAll(async () => {
  room = await openGitRoom({ secrets: () => secret });
  const tree = await createWorkTree(room.server, 'shop');
  await tree.write('a.yaml', 'a: 1');
  await tree.commit('Add a');
  await tree.push();
  plain = await front({});
  mutual = await front({ requestCert: true, rejectUnauthorized: false });
});
afterAll(async () => {
  plain.closeAllConnections();
  mutual.closeAllConnections();
  plain.close();
  mutual.close();
  await room.close();
});

const trust = { certificates: tls.authority };
const withSecret = { credentials: { namespace: 'argocd', name: 'repo' } };

describe('a repository over https', () => {
  it('with an authority of its own is believed where that is trusted', async () => {
    expect(value(await room.repositories.resolve({ ...source(at(plain)), trust })).message).toBe('Add a');
    expect((await readdir(room.dir)).filter((name) => name.startsWith('.private-'))).toEqual([]);
  });
  it('with one that is not trusted is refused, also after it was', async () => {
    expect(failure(await room.repositories.fetch(source(at(plain)))).code).toBe('GitTlsFailed');
    const other = { certificates: client.authority };
    expect(failure(await room.repositories.fetch({ ...source(at(plain)), trust: other })).code).toBe(
      'GitTlsFailed',
    );
  });
  it('with an authority in the Secret, as Flux has it', async () => {
    secret = { 'ca.crt': tls.authority, username: 'ada', password: 'x' };
    expect(value(await room.repositories.fetch({ ...source(at(plain)), ...withSecret })).changed).toBe(false);
  });
  it('that asks for a client certificate is given that of the Secret', async () => {
    secret = {};
    const spec = { ...source(at(mutual)), ...withSecret, trust };
    expect(failure(await room.repositories.fetch(spec)).code).toBe('GitAuthenticationFailed');
    secret = { tlsClientCertData: client.certificate, tlsClientCertKey: client.key };
    expect(value(await room.repositories.resolve(spec)).message).toBe('Add a');
  });
  it('goes by the proxy of the Secret, but for what that leaves out, and fails without it (S14)', async () => {
    const proxy = await startProxy();
    const named = { ...trust, proxy: { namespace: 'argocd', name: 'repo' } };
    const spec = { ...source(at(plain)), trust: named };
    secret = { proxy: proxy.url };
    expect(value(await room.repositories.resolve(spec)).message).toBe('Add a');
    value(await room.repositories.fetch(spec));
    expect(proxy.asked).toContain(new URL(at(plain)).host);
    const mark = proxy.asked.length;
    secret = { proxy: proxy.url, noProxy: 'other.example,localhost' };
    value(await room.repositories.fetch(spec));
    expect(proxy.asked).toHaveLength(mark);
    await proxy.close();
    secret = { proxy: proxy.url };
    const refused = failure(await room.repositories.fetch(spec));
    expect(refused.code).toBe('GitUnreachable');
    expect(JSON.stringify([refused, room.logLines])).not.toContain('pr0xy-canary');
    expect(JSON.stringify(room.processes.map(({ args }) => args))).not.toContain('pr0xy-canary');
  });
  it('with a proxy that is none is refused, and so is one for SSH', async () => {
    const named = { proxy: { namespace: 'argocd', name: 'repo' } };
    secret = { proxy: 'socks5://proxy.example' };
    expect(failure(await room.repositories.fetch({ ...source(at(plain)), trust: named }))).toMatchObject({
      code: 'GitCredentialsMissing',
      message: expect.stringMatching(/Secret argocd\/repo has a proxy that is no http/),
    });
    secret = { proxy: 'http://proxy.example' };
    const ssh = source('git@localhost:shop.git');
    expect(failure(await room.repositories.fetch({ ...ssh, trust: named }))).toMatchObject({
      message: expect.stringMatching(/has a proxy, which SSH does not use/),
    });
  });
  it('S4: insecure is refused, and says what to do instead', async () => {
    secret = { insecure: 'true', username: 'ada', password: 'x' };
    const refused = failure(await room.repositories.fetch({ ...source(at(plain)), ...withSecret }));
    expect(refused).toMatchObject({
      code: 'GitCredentialsMissing',
      hint: expect.stringContaining('argocd-tls-certs-cm'),
    });
  });
});
