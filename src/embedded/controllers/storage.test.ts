import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { conditionOf } from './conditions.ts';
import { openGround, TestCluster, type Ground } from './cluster.fixture.ts';
import { claims, pods, volumes } from './kinds.ts';
import { isReady } from './pods.ts';

let ground: Ground;
let cluster: TestCluster;
beforeAll(async () => {
  ground = await openGround();
}, 60_000);
afterEach(() => {
  cluster.stop();
  expect(cluster.complaints).toEqual([]);
});

function claim(more: object = {}): object {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...more };
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' }, spec };
}
const user = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'user' },
  spec: {
    containers: [{ name: 'app', image: 'app:1' }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
  },
};
function start(...manifests: readonly object[]): void {
  cluster = new TestCluster(ground);
  for (const manifest of manifests) cluster.apply(manifest);
  cluster.time.advance(2000);
}

describe('a claim', () => {
  test('gets the default class and a volume of its own', () => {
    start(claim());
    const { spec, status, metadata } = cluster.get(claims, 'data');
    expect(spec).toMatchObject({ storageClassName: 'standard', volumeName: `pvc-${metadata.uid}` });
    expect(status).toMatchObject({ phase: 'Bound', capacity: { storage: '1Gi' } });
    expect(cluster.list(volumes)[0]).toMatchObject({
      status: { phase: 'Bound' },
      spec: { claimRef: { uid: metadata.uid } },
    });
  });

  test('without a class binds the volume that fits, once there is one', () => {
    start(claim({ storageClassName: '' }));
    expect(cluster.get(claims, 'data').status.phase).toBe('Pending');
    const spec = {
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteOnce'],
      hostPath: { path: '/data' },
    };
    cluster.apply({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'disk' }, spec });
    cluster.time.advance(100);
    expect(cluster.get(claims, 'data').spec.volumeName).toBe('disk');
    cluster.delete(claims, 'data');
    cluster.time.advance(100);
    expect(cluster.get(volumes, 'disk').status.phase).toBe('Released');
  });

  test('of a class that is not there stays pending and says so', () => {
    start(claim({ storageClassName: 'fast' }));
    expect(cluster.said('data')).toEqual([
      'ProvisioningFailed: storageclass.storage.k8s.io "fast" not found',
    ]);
  });

  test('stays while a pod uses it, and its volume goes after it', () => {
    start(claim(), user);
    expect(isReady(cluster.get(pods, 'user'))).toBe(true);
    cluster.delete(claims, 'data');
    cluster.time.advance(1000);
    expect(cluster.get(claims, 'data').metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
    cluster.delete(pods, 'user');
    cluster.time.advance(2000);
    expect([cluster.list(claims), cluster.list(volumes)]).toEqual([[], []]);
  });

  test('that is missing keeps its pod from being bound to a node', () => {
    start(user);
    expect(conditionOf(cluster.get(pods, 'user').status.conditions, 'PodScheduled')?.message).toContain(
      'persistentvolumeclaim "data" not found',
    );
    cluster.apply(claim());
    cluster.time.advance(2000);
    expect(isReady(cluster.get(pods, 'user'))).toBe(true);
  });
});
