import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openGround, TestCluster, deployment, type Ground } from './cluster.fixture.ts';
import { configMaps, deployments, pods, replicaSets } from './kinds.ts';

let ground: Ground;
let cluster: TestCluster;
beforeAll(async () => {
  ground = await openGround();
}, 60_000);
afterEach(() => {
  cluster.stop();
  expect(cluster.complaints).toEqual([]);
});

function map(name: string, owners: readonly string[] = [], more: object = {}): string {
  const ownerReferences = owners.map((owner) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: owner,
    uid: cluster.has(configMaps, owner) ? cluster.get(configMaps, owner).metadata.uid : `no-${owner}`,
    blockOwnerDeletion: true,
  }));
  const metadata = { name, ...(owners.length === 0 ? {} : { ownerReferences }), ...more };
  return cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata }).metadata.uid;
}
const has = (name: string): boolean => cluster.has(configMaps, name);

describe('an object with owners', () => {
  test('goes after its owner, and what it owns goes after it', () => {
    cluster = new TestCluster(ground);
    map('a');
    map('b', ['a']);
    map('c', ['b']);
    cluster.delete(configMaps, 'a');
    expect([has('a'), has('b'), has('c')]).toEqual([false, true, true]);
    cluster.time.advance(10);
    expect([has('b'), has('c')]).toEqual([false, false]);
  });

  test('goes before its owner when that is deleted in the foreground', () => {
    cluster = new TestCluster(ground);
    map('a');
    map('b', ['a'], { finalizers: ['example.com/hold'] });
    cluster.delete(configMaps, 'a', { propagation: 'Foreground' });
    cluster.time.advance(10);
    expect(cluster.get(configMaps, 'a').metadata.finalizers).toEqual(['foregroundDeletion']);
    expect(cluster.get(configMaps, 'b').metadata.deletionTimestamp).toBeDefined();
    cluster.patch(configMaps, 'b', { metadata: { finalizers: null } });
    cluster.time.advance(10);
    expect([has('a'), has('b')]).toEqual([false, false]);
  });

  test('stays without its owner when that is deleted as an orphan', () => {
    cluster = new TestCluster(ground);
    map('a');
    map('b', ['a']);
    cluster.delete(configMaps, 'a', { propagation: 'Orphan' });
    cluster.time.advance(10);
    expect(has('a')).toBe(false);
    expect(cluster.get(configMaps, 'b').metadata.ownerReferences).toBeUndefined();
  });

  test('stays while one owner lives, and forgets the other', () => {
    cluster = new TestCluster(ground);
    map('a');
    const other = map('other');
    map('b', ['a', 'other']);
    cluster.delete(configMaps, 'a');
    cluster.time.advance(10);
    expect(cluster.get(configMaps, 'b').metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([other]);
  });

  test('goes when its owner was never there', () => {
    cluster = new TestCluster(ground);
    map('b', ['nobody']);
    cluster.time.advance(10);
    expect(has('b')).toBe(false);
  });

  test('stays when nobody knows the kind of its owner', () => {
    cluster = new TestCluster(ground);
    const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'x' }];
    cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b', ownerReferences } });
    cluster.time.advance(10);
    expect(has('b')).toBe(true);
  });

  test.each(['Background', 'Foreground'] as const)('of a Deployment: all of it goes (%s)', (propagation) => {
    cluster = new TestCluster(ground);
    cluster.apply(deployment('web'));
    cluster.time.advance(2000);
    cluster.delete(deployments, 'web', { propagation });
    cluster.time.advance(500);
    expect(cluster.has(deployments, 'web')).toBe(propagation === 'Foreground');
    cluster.time.advance(5000);
    expect([cluster.list(deployments), cluster.list(replicaSets), cluster.list(pods)]).toEqual([[], [], []]);
  });
});
