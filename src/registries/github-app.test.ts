/** Tokens of a GitHub App, from a real https server that checks the app's word. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import { jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signing } from '#host/app-token.ts';
import { loopbackCertificates } from '#host/certificates.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { silentMeter } from '#host/metrics.ts';
import type { Clock } from '#model/ports.ts';
import { openInstallationTokens } from './github-app.ts';

const tls = loopbackCertificates(systemClock);
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
let server: Server;
let url: string;
const made: string[] = [];

beforeAll(async () => {
  server = createServer({ key: tls.key, cert: tls.certificate }, (request, response) => {
    const word = request.headers.authorization?.replace('Bearer ', '') ?? '';
    const isAsked = request.method === 'POST' && request.url === '/api/v3/app/installations/7/access_tokens';
    jwtVerify(word, publicKey, { issuer: '42', clockTolerance: 60 }).then(
      () => {
        if (!isAsked) return response.writeHead(404).end();
        made.push(`token-${made.length}`);
        const expires = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, '');
        return response.writeHead(201).end(JSON.stringify({ token: made.at(-1), expires_at: expires }));
      },
      () => response.writeHead(401).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `https://localhost:${typeof address === 'object' && address !== null ? address.port : 0}/api/v3`;
});
afterAll(() => void server.close());

const secret = (further: Record<string, string> = {}): Record<string, string> => ({
  githubAppID: '42',
  githubAppInstallationID: '7',
  githubAppEnterpriseBaseUrl: url,
  githubAppPrivateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  ...further,
});
const trust = { certificates: tls.authority };
const tokensAt = (laterMs: () => number) => {
  const clock: Clock = { now: () => Date.now() + laterMs(), monotonic: () => systemClock.monotonic() };
  return openInstallationTokens({
    clock,
    timers: systemTimers,
    meter: silentMeter,
    lookup: () => Promise.resolve(['127.0.0.1']),
    environment: {},
    sign: signing(systemClock),
  });
};

describe('a token of a GitHub App', () => {
  it('is made once, and again before it ends', async () => {
    let laterMs = 0;
    const tokens = tokensAt(() => laterMs);
    const first = await tokens('repo', secret(), trust);
    expect(first).toEqual({ ok: true, value: made.at(-1) });
    expect(await tokens('repo', secret(), trust)).toEqual(first);
    laterMs = 3_400_000;
    expect(await tokens('repo', secret(), trust)).not.toEqual(first);
  });
  it.each<[string, Record<string, string>]>([
    ['without an installation', { githubAppInstallationID: '' }],
    ['with an installation that leads elsewhere', { githubAppInstallationID: '7/../8' }],
    ['with a key that is none', { githubAppPrivateKey: 'nonsense' }],
    ['of another app', { githubAppID: '43' }],
  ])('%s is none, and the key is in no message (S14)', async (_, further) => {
    const result = await tokensAt(() => 0)('repo', secret(further), trust);
    expect(result).toMatchObject({ ok: false, failure: { code: 'RegistryAuthenticationFailed' } });
    expect(JSON.stringify(result)).not.toContain('PRIVATE KEY');
  });
  it('is not asked of a server that is not known', async () => {
    expect(await tokensAt(() => 0)('repo', secret(), {})).toMatchObject({
      ok: false,
      failure: { code: 'RegistryTlsFailed' },
    });
  });
});
