import { describe, expect, test } from 'vitest';
import type { Manifest, ObjectKey } from '#model/object.ts';
import type { ObjectHealth } from '#model/observed.ts';
import type { ObjectChange } from '#model/ports.ts';
import { fakeLens } from './lens.fixture.ts';
import { KindStore } from './store.ts';

const key: ObjectKey = { group: '', kind: 'ConfigMap', namespace: 'n', name: 'a' };

function map(version: number, data: string, uid = 'u1'): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'a',
      namespace: 'n',
      uid,
      resourceVersion: String(version),
      managedFields: [{ manager: 'm', operation: 'Apply' }],
    },
    data: { k: data },
  };
}

function open() {
  const changes: ObjectChange[] = [];
  const store = new KindStore({ group: '', version: 'v1', kind: 'ConfigMap' }, fakeLens('m'), (some) =>
    changes.push(...some),
  );
  const list = (version: number, ...items: Manifest[]): void => {
    const listing = store.beginListing();
    listing.page(items);
    listing.commit(String(version));
  };
  const seen = (): unknown => store.body(key)?.['data'];
  return { store, list, seen, changes };
}

describe('F6: what we wrote is never seen older than we wrote it', () => {
  test('a watch event from before our write is ignored', () => {
    const { store, list, seen } = open();
    list(10, map(5, 'old'));
    store.merge(map(20, 'ours'));
    store.set(map(15, 'somebody before us'));
    expect(seen()).toEqual({ k: 'ours' });
    store.set(map(20, 'ours'));
    store.set(map(21, 'somebody after us'));
    expect(seen()).toEqual({ k: 'somebody after us' });
  });

  test('a list that was begun before our write neither reverts nor removes it', () => {
    const { store, seen } = open();
    const listing = store.beginListing();
    listing.page([]);
    store.merge(map(20, 'ours'));
    listing.commit('19');
    expect(seen()).toEqual({ k: 'ours' });
    const again = store.beginListing();
    again.page([map(5, 'old')]);
    again.commit('19');
    expect(seen()).toEqual({ k: 'ours' });
  });

  test('the answer to our write, come after the watch told of its deletion, brings nothing back', () => {
    const { store, list, seen } = open();
    list(10);
    store.set(map(20, 'ours'));
    store.gone(map(25, 'ours'));
    store.reached('25');
    store.merge(map(20, 'ours'));
    expect(seen()).toBeUndefined();
  });

  test('what we deleted stays deleted while older events arrive, and may be created anew', () => {
    const { store, list, seen } = open();
    list(10, map(5, 'old'));
    store.deleted(key, 'u1');
    store.set(map(12, 'on its way'));
    expect(store.get(key)).toBeUndefined();
    store.merge(map(30, 'new', 'u2'));
    store.gone(map(20, 'old'));
    expect(seen()).toEqual({ k: 'new' });
  });

  test('versions are compared as numbers, of any length', () => {
    const { store, list, seen } = open();
    list(1, map(9, 'nine'));
    store.set(map(10, 'ten'));
    expect(seen()).toEqual({ k: 'ten' });
  });

  test('a version that is no number is taken as it comes', () => {
    const { store, list, seen } = open();
    list(10, map(5, 'old'));
    const opaque = map(0, 'opaque');
    store.set({ ...opaque, metadata: { ...opaque.metadata, resourceVersion: 'abc' } });
    expect(seen()).toEqual({ k: 'opaque' });
  });
});

test('F5: a relist tells only the difference, removals included, at once', () => {
  const batches: number[] = [];
  const store = new KindStore({ group: '', version: 'v1', kind: 'ConfigMap' }, fakeLens('m'), (some) =>
    batches.push(some.length),
  );
  const named = (name: string, version: number, data = 'x'): Manifest => {
    const base = map(version, data, `uid-${name}`);
    return { ...base, metadata: { ...base.metadata, name } };
  };
  const list = (version: number, ...items: Manifest[]): void => {
    const listing = store.beginListing();
    for (const item of items) listing.page([item]);
    expect(store.size).not.toBe(items.length);
    listing.commit(String(version));
  };
  list(10, named('a', 1), named('b', 2));
  list(20, named('a', 1), named('c', 12), named('d', 13));
  expect(batches).toEqual([2, 3]);
});

test('a cluster restored from a backup goes back in time, and its list counts', () => {
  const { store, list, seen } = open();
  list(100, map(50, 'before'));
  store.set(map(200, 'lost'));
  store.reached('200');
  list(120, map(110, 'restored'));
  expect(seen()).toEqual({ k: 'restored' });
});

test('a new version that changes nothing we look at is not told', () => {
  const { store, list, changes } = open();
  list(10, map(5, 'same'));
  store.set(map(11, 'same'));
  expect(changes).toHaveLength(1);
  expect(store.get(key)?.resourceVersion).toBe('11');
});

test('F28: an object that the lens cannot read is there, and of unknown health', () => {
  const lens = {
    ...fakeLens('m'),
    look() {
      throw new Error('no such field');
    },
  };
  const store = new KindStore({ group: '', version: 'v1', kind: 'ConfigMap' }, lens, () => {});
  store.set(map(1, 'x'));
  expect(store.get(key)).toMatchObject({ uid: 'u1', health: { status: 'Unknown' } });
});

describe('when the lens looks otherwise than before', () => {
  const plain = fakeLens('m');
  let health: ObjectHealth = { status: 'Healthy' };
  const other = { ...plain, look: (manifest: Manifest) => ({ ...plain.look(manifest), health }) };
  const opened = () => {
    health = { status: 'Healthy' };
    const changes: ObjectChange[] = [];
    const kind = { group: '', version: 'v1', kind: 'ConfigMap' };
    const store = new KindStore(kind, other, (some) => changes.push(...some));
    const list = (): ReturnType<KindStore['beginListing']> => store.beginListing();
    return { store, list, changes };
  };

  test('a list that is under way is not the last: it began with the earlier look', () => {
    const { store, list } = opened();
    const first = list();
    first.page([map(5, 'x')]);
    health = { status: 'Degraded', message: 'It is judged otherwise.' };
    expect(store.lookAgain()).toBe(false);
    first.commit('10');
    expect(store.get(key)?.health.status).toBe('Healthy');
    const second = list();
    second.page([map(5, 'x')]);
    second.commit('10');
    expect(store.get(key)?.health.status).toBe('Degraded');
    expect(store.lookAgain()).toBe(true);
  });

  test('only what differs is told, and its body stays', () => {
    const { store, list, changes } = opened();
    const listing = list();
    listing.page([map(5, 'x')]);
    listing.commit('10');
    changes.length = 0;
    expect(store.lookAgain()).toBe(true);
    expect(changes).toEqual([]);
    health = { status: 'Degraded', message: 'It is judged otherwise.' };
    expect(store.lookAgain()).toBe(true);
    expect(changes.map(({ object }) => object?.health.status)).toEqual(['Degraded']);
    expect(store.body(key)?.['data']).toEqual({ k: 'x' });
  });
});
