import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  contains,
  emptySet,
  intersect,
  isEmpty,
  overlaps,
  parseFieldsV1,
  paths,
  setOf,
  subtract,
  toFieldsV1,
  union,
  type FieldSet,
} from './field-set.ts';

const elements = fc.constantFrom(
  'f:a',
  'f:b',
  'f:x/y',
  'k:{"name":"web"}',
  'k:{"port":80,"protocol":"TCP"}',
  'v:"s"',
  'i:0',
);
const path = fc.array(elements, { minLength: 1, maxLength: 4 });
const sets = fc.array(path, { maxLength: 8 }).map(setOf);
function same(one: FieldSet, other: FieldSet): void {
  expect(paths(one)).toEqual(paths(other));
}

describe('field sets', () => {
  it('read and write FieldsV1', () => {
    const fields = {
      'f:metadata': { 'f:labels': { '.': {}, 'f:a/b': {} } },
      'f:spec': {
        'f:ports': { 'k:{"protocol":"TCP","containerPort":80}': { '.': {}, 'f:name': {} } },
        'f:args': {},
      },
    };
    const set = parseFieldsV1(fields);
    expect(paths(set)).toEqual([
      '.metadata.labels',
      '.metadata.labels["a/b"]',
      '.spec.args',
      '.spec.ports[containerPort=80,protocol="TCP"]',
      '.spec.ports[containerPort=80,protocol="TCP"].name',
    ]);
    expect(contains(set, ['f:spec', 'f:args'])).toBe(true);
    expect(contains(set, ['f:spec', 'f:ports'])).toBe(false);
    expect(contains(set, ['f:metadata', 'f:labels'])).toBe(true);
  });
  it('leave out what is not FieldsV1 (F28)', () => {
    expect(isEmpty(parseFieldsV1(null))).toBe(true);
    expect(isEmpty(parseFieldsV1({ 'z:a': {}, 'k:oops': {}, 'f:a': 3, 'i:x': {} }))).toBe(true);
    expect(isEmpty(parseFieldsV1({}))).toBe(true);
  });
  it('survive a round trip through FieldsV1', () => {
    fc.assert(fc.property(sets, (set) => same(parseFieldsV1(toFieldsV1(set)), set)));
  });
  it('hold exactly the paths they were made of', () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 8 }), path, (members, probe) => {
        const wanted = members.some((member) => member.join(' ') === probe.join(' '));
        expect(contains(setOf(members), probe)).toBe(wanted);
      }),
    );
  });
  it('obey the algebra of sets', () => {
    fc.assert(
      fc.property(sets, sets, sets, (a, b, c) => {
        same(union(a, b), union(b, a));
        same(intersect(a, b), intersect(b, a));
        same(union(union(a, b), c), union(a, union(b, c)));
        same(intersect(a, union(b, c)), union(intersect(a, b), intersect(a, c)));
        same(subtract(a, b), subtract(a, intersect(a, b)));
        same(union(subtract(a, b), intersect(a, b)), a);
        same(subtract(a, a), emptySet);
        same(union(a, emptySet), a);
        expect(isEmpty(subtract(a, a))).toBe(true);
        expect(overlaps(a, b)).toBe(!isEmpty(intersect(a, b)));
      }),
    );
  });
});
