/** What is stored, under which version, and how far back watches can begin. */
import { describe, expect, it } from 'vitest';
import type { ObjectKeeper } from '#model/ports.ts';
import type { Stored } from './objects.ts';
import { forgetful, Store, type Change } from './store.ts';

const key = '/configmaps';
function object(name: string, namespace = 'default', more: object = {}): Stored {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      resourceVersion: '',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...more,
    },
  };
}

describe('versions', () => {
  it('count up by one with every change of any kind, and are written into the objects', () => {
    const store = new Store(forgetful);
    expect(store.put(key, object('a')).metadata.resourceVersion).toBe('1');
    expect(store.put('/secrets', object('a')).metadata.resourceVersion).toBe('2');
    expect(store.put(key, object('a')).metadata.resourceVersion).toBe('3');
    expect(store.remove(key, 'default', 'a')?.metadata.resourceVersion).toBe('4');
    expect(store.version).toBe(4);
  });

  it('do not move when nothing is there to be removed', () => {
    const store = new Store(forgetful);
    expect(store.remove(key, 'default', 'nobody')).toBeUndefined();
    expect(store.version).toBe(0);
  });

  it('go on after a restart, and what was before it can no longer be watched', () => {
    const kept = [{ resource: key, object: object('a') }];
    const keeper: ObjectKeeper = { ...forgetful, load: () => ({ version: 41, objects: kept }) };
    const store = new Store(keeper);
    expect(store.get(key, 'default', 'a')).toBeDefined();
    expect(store.since(key, 40)).toBeUndefined();
    expect(store.since(key, 41)).toEqual([]);
    expect(store.put(key, object('b')).metadata.resourceVersion).toBe('42');
  });

  it('are handed to the keeper with each change', () => {
    const calls: string[] = [];
    const store = new Store({
      load: () => ({ version: 0, objects: [] }),
      put: (resource, at, version) => void calls.push(`put ${resource} ${at} ${version}`),
      remove: (resource, at, version) => void calls.push(`remove ${resource} ${at} ${version}`),
    });
    store.put(key, object('a'));
    store.remove(key, 'default', 'a');
    expect(calls).toEqual([`put ${key} default/a 1`, `remove ${key} default/a 2`]);
  });
});

describe('lists', () => {
  it('are in the order of their keys, and of one namespace only where one is named', () => {
    const store = new Store(forgetful);
    for (const [name, namespace] of [
      ['b', 'two'],
      ['c', 'one'],
      ['a', 'one'],
      ['a', 'one-more'],
    ] as const)
      store.put(key, object(name, namespace));
    const names = (namespace?: string): readonly string[] =>
      store.list(key, namespace).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    expect(names()).toEqual(['one-more/a', 'one/a', 'one/c', 'two/b']);
    expect(names('one')).toEqual(['one/a', 'one/c']);
    expect(names('nowhere')).toEqual([]);
    expect(store.count(key)).toBe(4);
    expect(store.resources()).toEqual([key]);
  });
});

describe('history', () => {
  it('has every change after a version, in order, with what was before', () => {
    const store = new Store(forgetful);
    store.put(key, object('a'));
    store.put(key, object('a', 'default', { labels: { x: 'y' } }));
    store.put('/secrets', object('s'));
    store.remove(key, 'default', 'a');
    const [modified, deleted] = store.since(key, 1)!;
    expect([modified?.type, modified?.version, modified?.before?.metadata.resourceVersion]).toEqual([
      'MODIFIED',
      2,
      '1',
    ]);
    expect([deleted?.type, deleted?.version, deleted?.object.metadata.labels]).toEqual([
      'DELETED',
      4,
      { x: 'y' },
    ]);
    expect(store.since(key, 4)).toEqual([]);
  });

  it('is bounded: what is too long ago is not known, what is kept is whole', () => {
    const store = new Store(forgetful);
    for (let count = 0; count < 10_000; count += 1) store.put(key, object('a'));
    expect(store.since(key, 1)).toBeUndefined();
    expect(store.since(key, 8_500)?.map(({ version }) => version)).toEqual(
      Array.from({ length: 1500 }, (_, index) => 8_501 + index),
    );
    let kept = 0;
    for (let version = store.version; store.since(key, version) !== undefined; version -= 1) kept += 1;
    expect(kept).toBeLessThanOrEqual(4_001);
  });

  it('of a kind that changes seldom reaches back to the start', () => {
    const store = new Store(forgetful);
    store.put('/secrets', object('s'));
    for (let count = 0; count < 5_000; count += 1) store.put(key, object('a'));
    expect(store.since('/secrets', 0)).toHaveLength(1);
  });

  it('is told as it happens, after it took effect, until nobody listens', () => {
    const store = new Store(forgetful);
    const seen: string[] = [];
    const stop = store.onChange(({ type, version }: Change) => {
      seen.push(`${type} ${version} ${store.version} ${store.count(key)}`);
    });
    store.put(key, object('a'));
    store.remove(key, 'default', 'a');
    stop();
    store.put(key, object('a'));
    expect(seen).toEqual(['ADDED 1 1 1', 'DELETED 2 2 0']);
  });
});

describe('dependents', () => {
  const owned = (name: string, uid: string): Stored =>
    object(name, 'default', { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid }] });
  const dependentsOf = (store: Store, uid: string): readonly string[] =>
    store.dependents(uid).map(({ resource, object: { metadata } }) => `${resource} ${metadata.name}`);

  it('are found by the UID of an owner, whatever kind they are of', () => {
    const store = new Store(forgetful);
    store.put(key, owned('a', 'one'));
    store.put('/secrets', owned('b', 'one'));
    store.put(key, owned('c', 'two'));
    expect(dependentsOf(store, 'one')).toEqual([`${key} a`, '/secrets b']);
  });

  it('are none any more once they are gone, or have another owner', () => {
    const store = new Store(forgetful);
    store.put(key, owned('a', 'one'));
    store.put(key, owned('b', 'one'));
    store.put(key, owned('a', 'two'));
    store.remove(key, 'default', 'b');
    expect(dependentsOf(store, 'one')).toEqual([]);
    expect(dependentsOf(store, 'two')).toEqual([`${key} a`]);
  });

  it('are known again after a restart', () => {
    const kept = [{ resource: key, object: owned('a', 'one') }];
    const store = new Store({ ...forgetful, load: () => ({ version: 1, objects: kept }) });
    expect(dependentsOf(store, 'one')).toEqual([`${key} a`]);
  });
});
