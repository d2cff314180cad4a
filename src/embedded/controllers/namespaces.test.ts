import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { conditionOf } from './conditions.ts';
import { deployment, openGround, TestCluster, type Ground } from './cluster.fixture.ts';
import { configMaps, namespaces, pods, serviceAccounts } from './kinds.ts';

let ground: Ground;
let cluster: TestCluster;
beforeAll(async () => {
  ground = await openGround();
}, 60_000);
afterEach(() => {
  cluster.stop();
  expect(cluster.complaints).toEqual([]);
});

function start(): void {
  cluster = new TestCluster(ground);
  cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  cluster.time.advance(10);
}
const within = (name: string, manifest: object): object => ({
  ...manifest,
  metadata: { ...(manifest as { metadata: object }).metadata, namespace: name },
});

describe('a namespace', () => {
  test('comes with a ServiceAccount and the root certificates, and gets them again', () => {
    start();
    expect(cluster.has(serviceAccounts, 'default', 'shop')).toBe(true);
    cluster.delete(configMaps, 'kube-root-ca.crt', {}, 'shop');
    cluster.time.advance(10);
    expect(cluster.has(configMaps, 'kube-root-ca.crt', 'shop')).toBe(true);
  });

  test('goes with all that is in it', () => {
    start();
    cluster.apply(within('shop', deployment('web')));
    cluster.time.advance(2000);
    cluster.delete(namespaces, 'shop');
    cluster.time.advance(100);
    expect(cluster.get(namespaces, 'shop').status.phase).toBe('Terminating');
    cluster.time.advance(5000);
    expect(cluster.has(namespaces, 'shop')).toBe(false);
    for (const resource of cluster.store.resources())
      expect(cluster.store.list(resource, 'shop')).toEqual([]);
  });

  test('waits for finalizers, and says which', () => {
    start();
    const held = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'held', finalizers: ['example.com/hold'] },
    };
    cluster.apply(within('shop', held));
    cluster.delete(namespaces, 'shop');
    cluster.time.advance(5000);
    const { conditions } = cluster.get(namespaces, 'shop').status;
    expect(conditionOf(conditions, 'NamespaceContentRemaining')).toMatchObject({
      status: 'True',
      reason: 'SomeResourcesRemain',
      message: 'Some resources are remaining: configmaps. has 1 resource instances',
    });
    expect(conditionOf(conditions, 'NamespaceFinalizersRemaining')).toMatchObject({
      status: 'True',
      reason: 'SomeFinalizersRemain',
      message:
        'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    });
    cluster.patch(configMaps, 'held', { metadata: { finalizers: null } }, 'shop');
    cluster.time.advance(10);
    expect(cluster.has(namespaces, 'shop')).toBe(false);
  });

  test('keeps what its pods use until they ended', () => {
    start();
    cluster.apply(within('shop', deployment('web', 1)));
    cluster.time.advance(2000);
    cluster.delete(namespaces, 'shop');
    cluster.time.advance(500);
    expect(cluster.list(pods, 'shop')).toHaveLength(1);
    expect(cluster.has(configMaps, 'kube-root-ca.crt', 'shop')).toBe(true);
  });
});
