import { describe, expect, it } from 'vitest';
import { leaseMs, longestRequestMs, Members, ownerAmong } from './members.ts';

const units = Array.from({ length: 500 }, (_, index) => `0b7c-${index}/0`);
const shares = (members: readonly string[]): ReadonlyMap<string | undefined, readonly string[]> =>
  Map.groupBy(units, (unit) => ownerAmong(unit, members));

describe('rendezvous hashing', () => {
  it('gives each of two and of three members a fair share of 500 Units', () => {
    for (const members of [
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]) {
      const fair = units.length / members.length;
      for (const member of members) {
        const { length } = shares(members).get(member) ?? [];
        expect(length, member).toBeGreaterThan(fair * 0.8);
        expect(length, member).toBeLessThan(fair * 1.2);
      }
    }
  });
  it('moves only what the one who comes gets, and what the one who goes had', () => {
    for (const unit of units) {
      const before = ownerAmong(unit, ['a', 'b']);
      const after = ownerAmong(unit, ['a', 'b', 'c']);
      if (after !== before) expect(after).toBe('c');
    }
  });
  it('does not ask in which order they are named', () => {
    for (const unit of units)
      expect(ownerAmong(unit, ['c', 'a', 'b'])).toBe(ownerAmong(unit, ['a', 'b', 'c']));
  });
  it('gives nothing to nobody', () => {
    expect(ownerAmong('u', [])).toBeUndefined();
  });
});

describe('who is alive', () => {
  it('is who was seen to change within the length of a Lease, on our clock (F15)', () => {
    const members = new Members('a', 0);
    members.saw('b', '1', 1000);
    expect(members.alive).toEqual(['a', 'b']);
    expect(members.silent(1000 + leaseMs - 1)).toEqual([]);
    expect(members.silent(1000 + leaseMs)).toEqual(['b']);
    // The same Lease again, as a list brings it, is no sign of life.
    expect(members.saw('b', '1', 10_000)).toBe(false);
    expect(members.silent(1000 + leaseMs)).toEqual(['b']);
    expect(members.saw('b', '2', 12_000)).toBe(true);
    expect(members.silent(1000 + leaseMs)).toEqual([]);
  });
  it('comes back with a sign of life after it was taken for dead', () => {
    const members = new Members('a', 0);
    members.saw('b', '1', 0);
    members.died('b');
    expect(members.alive).toEqual(['a']);
    members.saw('b', '2', 20_000);
    expect(members.alive).toEqual(['a', 'b']);
  });
  it('comes back also with what it writes, until its Lease tells otherwise (F14)', () => {
    const members = new Members('a', 0);
    members.saw('b', '1', 0);
    members.saw('c', '1', 0);
    members.died('b');
    members.left('c');
    expect([members.heard('b', 20_000), members.heard('c', 20_000)]).toEqual([true, true]);
    expect(members.heard('b', 21_000)).toBe(false);
    expect(members.alive).toEqual(['a', 'b', 'c']);
    // A late word of one that is gone puts nothing off.
    expect(members.doneMs('b')).toBe(leaseMs + longestRequestMs);
    expect(members.silent(20_000)).toEqual(['b', 'c']);
    expect(members.nextMs).toBe(0);
    expect(members.saw('b', '1', 20_000)).toBe(false);
    expect(members.saw('c', '2', 20_000)).toBe(true);
    expect(members.silent(20_000)).toEqual(['b']);
  });
  it('is everybody whom we could not look after ourselves', () => {
    const members = new Members('a', 0);
    members.saw('b', '1', 0);
    members.excuse(60_000);
    expect(members.silent(60_000)).toEqual([]);
    expect(members.silent(60_000 + leaseMs)).toEqual(['b']);
  });
});

describe('when what a member has begun is over', () => {
  it('is its lease and the longest request after its last sign of life, whether it died or left (F14)', () => {
    const members = new Members('a', 0);
    members.saw('b', '1', 5000);
    members.left('b');
    expect(members.doneMs('b')).toBe(5000 + leaseMs + longestRequestMs);
  });
  it('counts from our own start for one that we never saw', () => {
    expect(new Members('a', 7000).doneMs('x')).toBe(7000 + leaseMs + longestRequestMs);
  });
});

it('the dead are buried after a while, and those that left are forgotten', () => {
  const members = new Members('a', 0);
  members.saw('b', '1', 0);
  members.saw('c', '2', 0);
  members.died('b');
  members.left('c');
  expect(members.bury(59_000)).toEqual([]);
  expect(members.bury(60_000)).toEqual([{ id: 'b', version: '1' }]);
  expect(members.nextMs).toBeUndefined();
});
