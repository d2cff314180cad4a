/** Makes tokens for a registry, as the registries of the public clouds have one: for who has a login, and to pull for nobody. */
import { createSign, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loopbackCertificates } from '#host/certificates.ts';
import { systemClock } from '#host/clock.ts';

export interface TokenServerOptions {
  readonly login: { readonly username: string; readonly password: string };
  /** What who has no login may pull. */
  readonly open: readonly string[];
  /** Where the registry's authority is written to. */
  readonly directory: string;
}
export interface TokenServer {
  /** As the registry is configured with it. */
  readonly auth: TokenAuth;
  /** What was asked for, by whom, with what was answered: `200 ada repository:charts/web:pull`. */
  readonly requests: string[];
  /** Of the tokens from now on; a registry takes them a minute longer. */
  lifetimeSeconds: number;
  close(): Promise<void>;
}
export interface TokenAuth {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  readonly rootcertbundle: string;
}

const service = 'the registry';
const issuer = 'the token server';

export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const { authority, certificate, key } = loopbackCertificates(systemClock);
  const rootcertbundle = path.join(options.directory, 'authority.pem');
  await writeFile(rootcertbundle, authority);
  const chain = [certificate.replaceAll(/-----[^-]+-----|\s/g, '')];
  const { username, password } = options.login;
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const requests: string[] = [];
  const made = { lifetimeSeconds: 300 };
  const token = (subject: string, scopes: readonly string[]): string => {
    const now = Math.floor(systemClock.now() / 1000);
    const access = scopes.map((scope) => {
      const [type, name, actions = ''] = scope.split(':');
      return { type, name, actions: actions.split(',') };
    });
    const claims = {
      iss: issuer,
      sub: subject,
      aud: service,
      nbf: now - 3600,
      iat: now - 3600,
      exp: now + made.lifetimeSeconds,
      jti: randomUUID(),
      access,
    };
    const text = [{ typ: 'JWT', alg: 'RS256', x5c: chain }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`;
  };
  const server = createServer((request, response) => {
    const asked = new URL(request.url ?? '/', 'http://here');
    const scopes = asked.searchParams.getAll('scope').flatMap((scope) => scope.split(' '));
    const { authorization } = request.headers;
    const who = authorization === undefined ? 'nobody' : authorization === basic ? username : 'a stranger';
    const mayPull = (scope: string): boolean =>
      options.open.some((name) => scope === `repository:${name}:pull`);
    const granted = who === username ? scopes : who === 'nobody' ? scopes.filter(mayPull) : [];
    const isRefused = who === 'a stranger' || asked.searchParams.get('service') !== service;
    requests.push(`${isRefused ? 401 : 200} ${who} ${scopes.join(' ')}`);
    if (isRefused) return void response.writeHead(401).end('{}');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token: token(who, granted), expires_in: made.lifetimeSeconds }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return Object.assign(made, {
    auth: { realm: `http://127.0.0.1:${port}/token`, service, issuer, rootcertbundle },
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
