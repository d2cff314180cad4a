import { describe, expect, it } from 'vitest';
import { refOf } from '#model/object.ts';
import { object } from './planning.fixture.ts';
import { tracked, trackedOwner } from './tracking.ts';

const one = object('one');
const key = refOf(one);
const plain = { owner: 'shop', annotation: 'tracking-id' } as const;
const installed = { ...plain, installation: { key: 'installation-id', value: 'a' } } as const;
const marksFor = (tracking: typeof plain | typeof installed): Record<string, string> =>
  tracked(one, key, tracking).metadata.annotations!;

describe('marks of several installations', () => {
  it('name theirs', () => {
    expect(marksFor(installed)).toMatchObject({ 'installation-id': 'a', 'tracking-id': expect.any(String) });
    expect(trackedOwner(marksFor(installed), key, installed)).toBe('shop');
  });
  it('F26: say nothing of an object that names another, or none', () => {
    expect(trackedOwner({ ...marksFor(installed), 'installation-id': 'b' }, key, installed)).toBeUndefined();
    expect(trackedOwner(marksFor(plain), key, installed)).toBeUndefined();
  });
  it('count where there is one only', () => {
    expect(trackedOwner(marksFor(installed), key, plain)).toBe('shop');
  });
});
