import { expect, test } from 'vitest';
import { ManualTime } from '#kube/manual-time.fixture.ts';
import { seeded } from './controllers/cluster.fixture.ts';
import { administrator, Users } from './users.ts';

function open(): { readonly time: ManualTime; readonly users: Users } {
  const time = new ManualTime();
  return { time, users: new Users(new Map([['known', administrator]]), time, seeded()) };
}

const robot = {
  name: 'robot',
  namespace: 'ci',
  uid: 'u',
  resourceVersion: '1',
  creationTimestamp: '1970-01-01T00:00:00Z',
};

test('who is known from the start is known for ever; nobody else is', () => {
  const { time, users } = open();
  time.advance(10 * 365 * 86_400_000);
  expect(users.userOf('known')).toBe(administrator);
  expect(users.userOf('')).toBeUndefined();
  expect(users.userOf('unknown')).toBeUndefined();
  expect(users.userOf('constructor')).toBeUndefined();
});

test('a ServiceAccount is known by its token until that expires', () => {
  const { time, users } = open();
  const { token, expires } = users.issue(robot, 600_000);
  expect(expires).toBe('1970-01-01T00:26:40Z');
  expect(users.userOf(token)).toEqual({
    name: 'system:serviceaccount:ci:robot',
    uid: 'u',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:ci', 'system:authenticated'],
  });
  time.advance(599_999);
  expect(users.userOf(token)).toBeDefined();
  time.advance(1);
  expect(users.userOf(token)).toBeUndefined();
});

test('a token lasts an hour unless something else is asked for, and no two are equal', () => {
  const { users } = open();
  const tokens = Array.from({ length: 100 }, () => users.issue(robot));
  expect(new Set(tokens.map(({ token }) => token)).size).toBe(100);
  expect(tokens[0]?.expires).toBe('1970-01-01T01:16:40Z');
});

test('only so many tokens are kept, the newest', () => {
  const { users } = open();
  const tokens = Array.from({ length: 1_001 }, () => users.issue(robot).token);
  expect(users.userOf(tokens[0]!)).toBeUndefined();
  expect(users.userOf(tokens[1]!)).toBeDefined();
  expect(users.userOf(tokens.at(-1)!)).toBeDefined();
});
