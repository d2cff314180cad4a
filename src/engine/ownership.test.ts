import { describe, expect, it } from 'vitest';
import type { InventoryEntry } from '#model/observed.ts';
import type { ObjectRef } from '#model/object.ts';
import { Ownership } from './ownership.ts';

const object = (kind: string, name: string): ObjectRef => ({
  group: '',
  version: 'v1',
  kind,
  namespace: 'payments',
  name,
});
const entry = (ref: ObjectRef): InventoryEntry => ({ ref, uid: `uid-${ref.name}`, state: 'applied' });

function ownership(): { readonly own: Ownership; readonly calls: string[] } {
  const calls: string[] = [];
  const own = new Ownership(
    (unit) => calls.push(`released ${unit}`),
    () => calls.push('shrunk'),
  );
  return { own, calls };
}

it('remembers nothing of a Unit that is gone, also where its record goes after it', () => {
  const { own } = ownership();
  own.setInventory('a', [entry(object('ConfigMap', 'one'))]);
  own.setInterest('a', [object('ConfigMap', 'one')]);
  own.forget('a');
  own.setInventory('a', []);
  own.setInterest('a', []);
  expect(own.size).toBe(0);
});

describe('kinds that are watched', () => {
  it('are those that some Unit has or wants', () => {
    const { own } = ownership();
    own.setInventory('a', [entry(object('ConfigMap', 'one')), entry(object('Secret', 'two'))]);
    own.setInterest('b', [object('Service', 'three')]);
    expect(own.kinds().map(({ kind }) => kind)).toEqual(['ConfigMap', 'Secret', 'Service']);
  });

  it('go when the last object of a kind goes, and nothing is said where none goes', () => {
    const { own, calls } = ownership();
    own.setInventory('a', [entry(object('ConfigMap', 'one')), entry(object('Secret', 'two'))]);
    own.setInventory('a', [entry(object('ConfigMap', 'one')), entry(object('Secret', 'other'))]);
    expect(calls).toEqual([]);
    own.setInventory('a', [entry(object('ConfigMap', 'one'))]);
    expect(calls).toEqual(['shrunk']);
    expect(own.kinds().map(({ kind }) => kind)).toEqual(['ConfigMap']);
  });
});

describe('an object of another Unit', () => {
  it('is that of the Unit whose inventory has this very object (F26)', () => {
    const { own } = ownership();
    const ref = object('ConfigMap', 'one');
    own.setInventory('a', [entry(ref)]);
    expect(own.other('b', ref, 'uid-one')).toBe('a');
    expect(own.other('b', ref, 'uid-of-another')).toBeUndefined();
    expect(own.other('a', ref, 'uid-one')).toBeUndefined();
  });

  it('is told to who wants it when it is let go', () => {
    const { own, calls } = ownership();
    const ref = object('ConfigMap', 'one');
    own.setInventory('a', [entry(ref)]);
    own.setInterest('b', [ref]);
    own.setInventory('a', []);
    expect(calls).toContain('released b');
  });

  it('is claimed by one Run at a time', () => {
    const { own } = ownership();
    const ref = object('ConfigMap', 'one');
    expect(own.claim('a', [ref])).toBeUndefined();
    expect(own.claim('b', [ref])).toBe('a');
    own.release('a', [ref]);
    expect(own.claim('b', [ref])).toBeUndefined();
  });
});
