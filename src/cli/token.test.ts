/** Tokens that expire: made, listed and taken back by the command line, and nowhere in the cluster but as a digest. */
import { beforeEach, describe, expect, it } from 'vitest';
import { EngineWorld } from '../../tests/fakes/engine-world.ts';
import { digestOf } from '#fields/digest.ts';
import { apiTokensIn, type ApiToken } from '#model/api-token.ts';
import { portsOn, ended } from './commands.fixture.ts';
import { exitCodes } from './exit-codes.ts';
import { createToken, listTokens, revokeToken, type TokenPorts } from './token.ts';

const dayMs = 86_400_000;
const options = { namespace: 'argocd' };
let world: EngineWorld;
let ports: TokenPorts;
let out = '';
let said = '';
let made = 0;
beforeEach(() => {
  world = new EngineWorld();
  [out, said, made] = ['', '', 0];
  const { cluster, clock, user } = portsOn(world, { out: () => undefined, say: () => undefined });
  ports = {
    cluster,
    clock,
    user,
    out: (text) => void (out += text),
    say: (text) => void (said += text),
    random: { bytes: (count) => new Uint8Array(count).fill((made += 1)) },
  };
});

const secret = () => world.cluster.get('Secret', 'argocd', 'trueup-api-tokens');
const tokens = (): readonly ApiToken[] => apiTokensIn(secret());
const create = (name: string, expiresMs = dayMs) =>
  ended(createToken(name, { ...options, expiresMs }, ports));

describe('trueup token create', () => {
  it('prints the token and nothing else, and keeps its digest, who made it and until when', async () => {
    expect(await create('cron', 30 * dayMs)).toEqual({ code: 0, message: '' });
    expect(out).toMatch(/^trueup_[\w-]{43}\n$/);
    const token = out.trim();
    const nowMs = Math.floor(world.time.now() / 1000) * 1000;
    expect(tokens()).toEqual([
      {
        name: 'cron',
        digest: digestOf(token),
        createdAtMs: nowMs,
        expiresAtMs: nowMs + 30 * dayMs,
        by: 'ada',
      },
    ]);
    const kept = Buffer.from(Object.values(secret()!['data'] as Record<string, string>)[0]!, 'base64');
    expect(`${JSON.stringify(secret())} ${kept.toString()} ${said}`).not.toContain(token.slice(7));
    expect(said).toMatch(/^token cron is shown this once, and expires at .*Z\n$/);
  });
  it('leaves the others as they are', async () => {
    await create('one');
    await create('two');
    expect(tokens().map(({ name }) => name)).toEqual(['one', 'two']);
    expect(new Set(out.trim().split('\n')).size).toBe(2);
  });
  it('makes no second one of a name while the first is good', async () => {
    await create('cron');
    const before = tokens();
    expect(await create('cron')).toMatchObject({
      code: exitCodes.failed,
      message: expect.stringMatching(/^there is a token cron until .*: trueup token revoke cron first$/),
    });
    expect(tokens()).toEqual(before);
    world.time.advance(dayMs);
    expect((await create('cron')).code).toBe(0);
    expect(tokens()[0]!.digest).not.toBe(before[0]!.digest);
  });
  it('loses none when two are made at the same time', async () => {
    await Promise.all(['one', 'two', 'three'].map((name) => create(name)));
    expect(
      tokens()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['one', 'three', 'two']);
  });
  it('of one name makes one when two ask at the same time', async () => {
    await create('first');
    const ends = await Promise.all(['cron', 'cron'].map((name) => create(name)));
    expect(ends.map(({ code }) => code).toSorted()).toEqual([0, exitCodes.failed]);
    expect(out.trim().split('\n')).toHaveLength(2);
    expect(tokens().find(({ name }) => name === 'cron')?.digest).toBe(digestOf(out.trim().split('\n')[1]!));
  });
  it.each([
    ['Cron', dayMs],
    ['a b', dayMs],
    ['../a', dayMs],
    ['a'.repeat(64), dayMs],
    ['cron', 0],
    ['cron', 367 * dayMs],
  ])('refuses the name or time of %s for %d ms', async (name, expiresMs) => {
    expect((await create(name, expiresMs)).code).toBe(exitCodes.usage);
    expect([secret(), out]).toEqual([undefined, '']);
  });
});

describe('trueup token list', () => {
  it('says of each who made it and when it expires, and never the token', async () => {
    await create('one', dayMs);
    await create('two', 2 * dayMs);
    out = '';
    world.time.advance(dayMs);
    await listTokens({ ...options, output: 'table' }, ports);
    const [head, one, two] = out.split('\n');
    expect(head).toMatch(/^NAME +CREATED +BY +EXPIRES$/);
    expect(one).toMatch(/^one +\S+Z +ada +\S+Z \(expired\)$/);
    expect(two).toMatch(/^two +\S+Z +ada +\S+Z$/);
    out = '';
    await listTokens({ ...options, output: 'json' }, ports);
    expect(JSON.parse(out)).toEqual([
      { name: 'one', by: 'ada', created: expect.any(String), expires: expect.any(String) },
      { name: 'two', by: 'ada', created: expect.any(String), expires: expect.any(String) },
    ]);
  });
  it('says on standard error that there are none', async () => {
    await listTokens({ ...options, output: 'table' }, ports);
    expect(said).toBe('no tokens that expire in namespace argocd\n');
  });
});

describe('trueup token revoke', () => {
  it('takes back that one', async () => {
    await create('one');
    await create('two');
    expect((await ended(revokeToken('one', options, ports))).code).toBe(0);
    expect(tokens().map(({ name }) => name)).toEqual(['two']);
    expect(await ended(revokeToken('one', options, ports))).toEqual({
      code: exitCodes.failed,
      message: 'there is no token one in namespace argocd',
    });
  });
});

describe('what is kept', () => {
  it('and is no token lets nobody in', () => {
    const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
    const times = { created: '2026-01-01T00:00:00Z', expires: '2027-01-01T00:00:00Z' };
    const digest = digestOf('x');
    const data = {
      empty: '',
      text: Buffer.from('a token').toString('base64'),
      list: encoded([]),
      endless: encoded({ digest, created: times.created }),
      never: encoded({ ...times, digest, expires: 'never' }),
      plain: encoded({ ...times, digest: 'a-token' }),
      Capital: encoded({ ...times, digest }),
      right: encoded({ ...times, digest }),
    };
    const there = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'trueup-api-tokens' }, data };
    expect(apiTokensIn(there).map(({ name }) => name)).toEqual(['right']);
    expect(apiTokensIn(undefined)).toEqual([]);
  });
});
