/** Who may call the API: every token that is nearly right is wrong (S12), and secrets are compared whole (S16). */
import { createHmac } from 'node:crypto';
import { hashSync } from 'bcryptjs';
import { decodeJwt, SignJWT, UnsecuredJWT } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualTime } from '../kube/manual-time.fixture.ts';
import { digestOf } from '#fields/digest.ts';
import type { ApiToken } from '#model/api-token.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import { ApiAccess, sessionMs, type ApiSecrets } from './api-access.ts';

const fileToken = 'a-token-of-the-data-directory-0123';
const key = new Uint8Array(32).fill(7);
const passwordHash = hashSync('correct horse', 4);

let time: ManualTime;
let secrets: Result<ApiSecrets>;
let reads: number;
let access: ApiAccess;

beforeEach(() => {
  time = new ManualTime();
  secrets = ok({});
  reads = 0;
  access = new ApiAccess({
    clock: time,
    token: fileToken,
    key,
    secrets: () => {
      reads += 1;
      return Promise.resolve(secrets);
    },
  });
});

const who = async (token: string): Promise<string | undefined> => {
  const found = await access.who(token);
  if (!found.ok) throw new Error(found.failure.message);
  return found.value;
};
const login = async (name: string, password: string): Promise<string | undefined> => {
  const token = await access.login(name, password);
  if (!token.ok) throw new Error(token.failure.message);
  return token.value;
};
/** What was read is known for some seconds. */
const later = (): void => time.advance(10_000);

describe('API tokens', () => {
  it('the one of the data directory is the administrator’s, and needs nothing of the cluster', async () => {
    expect(await who(fileToken)).toBe('admin');
    expect(reads).toBe(0);
  });
  it.each(['', ' ', fileToken.slice(0, -1), `${fileToken}x`, fileToken.toUpperCase(), 'x'.repeat(100_000)])(
    'anything else is nobody’s (%#)',
    async (token) => expect(await who(token)).toBeUndefined(),
  );
  it('one in a Secret counts from when it is there until it is changed', async () => {
    const token = 'a-token-of-the-cluster-0123456789';
    expect(await who(token)).toBeUndefined();
    secrets = ok({ token });
    later();
    expect(await who(token)).toBe('admin');
    secrets = ok({ token: `${token}-changed` });
    later();
    expect(await who(token)).toBeUndefined();
  });
  it.each(['', 'short'])('one in a Secret that could be guessed counts for nothing: "%s"', async (token) => {
    secrets = ok({ token });
    expect(await who(token)).toBeUndefined();
  });
  it('while the Secrets cannot be read, the file’s token works and others cannot be judged', async () => {
    const unread = fail({
      kind: 'transient',
      code: 'Timeout',
      stage: 'observe',
      message: '',
      hint: '',
    } as const);
    secrets = unread;
    expect(await who(fileToken)).toBe('admin');
    expect(await access.who('another')).toEqual(unread);
    secrets = ok({});
    expect(await who('another')).toBeUndefined();
  });
  it('a burst of requests reads the Secrets once', async () => {
    await Promise.all(Array.from({ length: 50 }, () => who('another')));
    expect(reads).toBe(1);
  });
});

describe('tokens that expire', () => {
  const token = 'trueup_a-token-that-expires-0123456789';
  const lifeMs = 60_000;
  const kept = (): ApiToken => ({
    name: 'cron',
    digest: digestOf(token),
    createdAtMs: time.now(),
    expiresAtMs: time.now() + lifeMs,
    by: 'ada',
  });

  it('are known by their names until they expire, and say then that they have', async () => {
    secrets = ok({ expiring: [{ ...kept(), name: 'other', digest: digestOf('another') }, kept()] });
    expect(await who(token)).toBe('token:cron');
    time.advance(lifeMs - 1);
    expect(await who(token)).toBe('token:cron');
    time.advance(1);
    expect(await access.who(token)).toMatchObject({
      failure: {
        code: 'TokenExpired',
        message: expect.stringMatching(/^the token cron expired at \d{4}-.*Z$/),
        hint: 'trueup token create cron',
      },
    });
  });
  it('end when they are revoked', async () => {
    secrets = ok({ expiring: [kept()] });
    expect(await who(token)).toBe('token:cron');
    secrets = ok({ expiring: [] });
    later();
    expect(await who(token)).toBeUndefined();
  });
  it('are not what is kept of them, and are no passwords', async () => {
    secrets = ok({ expiring: [kept()] });
    expect(await who(kept().digest)).toBeUndefined();
    expect(await login('admin', token)).toBeUndefined();
  });
});

describe('sessions', () => {
  it('are given for the password, and are the administrator’s until they expire', async () => {
    secrets = ok({ passwordHash });
    const token = await login('admin', 'correct horse');
    expect(await who(token!)).toBe('admin');
    expect(decodeJwt(token!)).toMatchObject({ iss: 'trueup', aud: 'trueup-api', sub: 'admin:login' });
    time.advance(sessionMs - 1000);
    expect(await who(token!)).toBe('admin');
    time.advance(2000);
    expect(await access.who(token!)).toMatchObject({ failure: { code: 'TokenExpired' } });
  });
  it.each([
    ['admin', 'wrong'],
    ['admin', ''],
    ['Admin', 'correct horse'],
    ['', 'correct horse'],
    ['root', 'correct horse'],
    ['admin', fileToken],
    ['admin', passwordHash],
    ['admin', 'x'.repeat(100_000)],
  ])('are not given to %s with another password (%#)', async (name, password) => {
    secrets = ok({ passwordHash });
    expect(await login(name, password)).toBeUndefined();
  });
  it('where no password is set, an API token is one, and nothing else is: there is no default', async () => {
    for (const password of ['', 'admin', 'password', 'trueup'])
      expect(await login('admin', password)).toBeUndefined();
    expect(await who((await login('admin', fileToken))!)).toBe('admin');
    expect(await login('root', fileToken)).toBeUndefined();
  });
  it('are not given where admin.enabled is false', async () => {
    secrets = ok({ passwordHash, isLoginOff: true });
    expect(await login('admin', 'correct horse')).toBeUndefined();
  });
  it('a hash that is none lets nobody in', async () => {
    secrets = ok({ passwordHash: 'correct horse' });
    expect(await login('admin', 'correct horse')).toBeUndefined();
  });
  it('end with the password, and with the signing secret', async () => {
    secrets = ok({ passwordHash, signingSecret: 'one' });
    const token = (await login('admin', 'correct horse'))!;
    for (const changed of [
      { passwordHash: hashSync('correct horse', 4), signingSecret: 'one' },
      { passwordHash, signingSecret: 'two' },
      { passwordHash },
      { signingSecret: 'one' },
    ]) {
      secrets = ok(changed);
      later();
      expect(await who(token), JSON.stringify(changed)).toBeUndefined();
    }
  });
});

describe('S12: a JWT that is nearly right is wrong', () => {
  const base = (alg = 'HS256'): SignJWT => {
    const seconds = Math.floor(time.now() / 1000);
    return new SignJWT()
      .setProtectedHeader({ alg, typ: 'JWT' })
      .setIssuer('trueup')
      .setAudience('trueup-api')
      .setSubject('admin:login')
      .setJti('one')
      .setIssuedAt(seconds)
      .setNotBefore(seconds)
      .setExpirationTime(seconds + 60);
  };
  const bytes = (): Uint8Array => access.signingKey({});
  const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('the one that the others are made from is right', async () => {
    expect(await who(await base().sign(bytes()))).toBe('admin');
  });

  const seconds = (): number => Math.floor(time.now() / 1000);
  const without = (claim: string) => async (): Promise<string> => {
    const { [claim]: _, ...claims } = decodeJwt(await base().sign(bytes()));
    return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(bytes());
  };
  it.each<readonly [string, () => SignJWT]>([
    ['expired', () => base().setExpirationTime(seconds() - 1)],
    ['issued too long ago', () => base().setIssuedAt(seconds() - 25 * 3600)],
  ])('%s: it lets nobody in, and says so to who had it', async (_, make) => {
    expect(await access.who(await make().sign(bytes()))).toMatchObject({
      failure: { kind: 'denied', code: 'TokenExpired' },
    });
    const forged = await make().sign(new Uint8Array(32).fill(1));
    expect(await who(forged)).toBeUndefined();
  });
  it.each<readonly [string, () => Promise<string> | string]>([
    ['another issuer', () => base().setIssuer('argocd').sign(bytes())],
    ['another audience', () => base().setAudience('trueup').sign(bytes())],
    ['another subject', () => base().setSubject('admin:apiKey').sign(bytes())],
    [
      'not valid yet',
      () =>
        base()
          .setNotBefore(seconds() + 60)
          .sign(bytes()),
    ],
    [
      'issued in the future',
      () =>
        base()
          .setIssuedAt(seconds() + 3600)
          .sign(bytes()),
    ],
    ['no expiry', without('exp')],
    ['no issuer', without('iss')],
    ['no audience', without('aud')],
    ['no subject', without('sub')],
    ['no time of issue', without('iat')],
    ['no start', without('nbf')],
    ['no id', without('jti')],
    ['another key', () => base().sign(new Uint8Array(32).fill(1))],
    ['the key that the session key is derived from', () => base().sign(key)],
    ['HS512', () => base('HS512').sign(bytes())],
    ['HS384', () => base('HS384').sign(bytes())],
    ['unsecured', async () => new UnsecuredJWT(decodeJwt(await base().sign(bytes()))).encode()],
    [
      'algorithm none, and a signature',
      async () => {
        const [, payload, signature] = (await base().sign(bytes())).split('.');
        return [encoded({ alg: 'none' }), payload, signature].join('.');
      },
    ],
    [
      'RS256 in the header, signed with the secret',
      async () => {
        const [, payload] = (await base().sign(bytes())).split('.');
        const body = `${encoded({ alg: 'RS256' })}.${payload}`;
        return `${body}.${createHmac('sha256', bytes()).update(body).digest('base64url')}`;
      },
    ],
    [
      'an unknown critical header',
      async () => {
        const [, payload] = (await base().sign(bytes())).split('.');
        const body = `${encoded({ alg: 'HS256', crit: ['x'], x: 1 })}.${payload}`;
        return `${body}.${createHmac('sha256', bytes()).update(body).digest('base64url')}`;
      },
    ],
    [
      'another payload under the signature',
      async () => {
        const [header, , signature] = (await base().sign(bytes())).split('.');
        return [header, encoded({ sub: 'admin:login' }), signature].join('.');
      },
    ],
    ['no signature', async () => (await base().sign(bytes())).replace(/[^.]*$/, '')],
    ['not a JWT', () => 'a.b.c'],
  ])('%s', async (_, make) => {
    expect(await who(await make())).toBeUndefined();
  });
});
