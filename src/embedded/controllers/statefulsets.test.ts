import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openGround, podTemplate, TestCluster, type Ground } from './cluster.fixture.ts';
import { claims, controllerRevisions, pods, statefulSets, type StatefulSet } from './kinds.ts';

let ground: Ground;
let cluster: TestCluster;
beforeAll(async () => {
  ground = await openGround();
}, 60_000);
afterEach(() => {
  cluster.stop();
  expect(cluster.complaints).toEqual([]);
});

function start(more: object = {}, template: object = {}): void {
  cluster = new TestCluster(ground);
  cluster.apply({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db' },
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: podTemplate('db', template),
      ...more,
    },
  });
}
const db = (): StatefulSet => cluster.get(statefulSets, 'db');
const names = (): readonly string[] => cluster.list(pods).map(({ metadata }) => metadata.name);
const images = () => cluster.list(pods).map(({ spec }) => spec.containers[0]?.image);
const image = (name: string): object => ({
  spec: { template: { spec: { containers: [{ name: 'app', image: name }] } } },
});

describe('a StatefulSet', () => {
  test('starts its pods one after the other', () => {
    start();
    cluster.time.advance(400);
    expect(names()).toEqual(['db-0', 'db-1']);
    cluster.time.advance(2000);
    expect(names()).toEqual(['db-0', 'db-1', 'db-2']);
    const { status, metadata } = db();
    expect(status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
    });
    expect(status.currentRevision).toBe(status.updateRevision);
    expect(cluster.get(pods, 'db-1').metadata.labels).toMatchObject({
      'statefulset.kubernetes.io/pod-name': 'db-1',
      'apps.kubernetes.io/pod-index': '1',
      'controller-revision-hash': status.updateRevision,
    });
    expect(cluster.get(pods, 'db-1').spec).toMatchObject({ hostname: 'db-1', subdomain: 'db' });
    expect(cluster.said(metadata.name)[0]).toBe(
      'SuccessfulCreate: Create Pod db-0 in StatefulSet db successful',
    );
  });

  test('starts all at once if it may', () => {
    start({ podManagementPolicy: 'Parallel' });
    cluster.time.advance(100);
    expect(names()).toHaveLength(3);
  });

  test('waits when a pod does not become ready', () => {
    start({}, { containers: [{ name: 'app', image: 'app:does-not-exist' }] });
    cluster.time.advance(10_000);
    expect(names()).toEqual(['db-0']);
  });

  test('replaces its pods from the last to the first, and keeps the old template as a revision', () => {
    start();
    cluster.time.advance(3000);
    cluster.patch(statefulSets, 'db', image('app:2'));
    cluster.time.advance(2000);
    expect(images()).toEqual(['app:1', 'app:1', 'app:2']);
    cluster.time.advance(10_000);
    expect(images()).toEqual(['app:2', 'app:2', 'app:2']);
    expect(db().status.currentRevision).toBe(db().status.updateRevision);
    expect(
      cluster
        .list(controllerRevisions)
        .map(({ revision }) => revision)
        .toSorted(),
    ).toEqual([1, 2]);
    cluster.patch(statefulSets, 'db', image('app:1'));
    cluster.time.advance(10_000);
    expect(images()).toEqual(['app:1', 'app:1', 'app:1']);
    expect(
      cluster
        .list(controllerRevisions)
        .map(({ revision }) => revision)
        .toSorted(),
    ).toEqual([2, 3]);
  });

  test('leaves the pods below its partition as they are', () => {
    start({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } });
    cluster.time.advance(3000);
    cluster.patch(statefulSets, 'db', image('app:2'));
    cluster.time.advance(10_000);
    expect(images()).toEqual(['app:1', 'app:1', 'app:2']);
    cluster.delete(pods, 'db-0');
    cluster.time.advance(5000);
    expect(images()).toEqual(['app:1', 'app:1', 'app:2']);
  });

  test('gives each pod claims that outlive it, and goes down from the last', () => {
    const template = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    start({ volumeClaimTemplates: [template] });
    cluster.time.advance(3000);
    expect(cluster.list(claims).map(({ metadata, status }) => `${metadata.name} ${status.phase}`)).toEqual([
      'data-db-0 Bound',
      'data-db-1 Bound',
      'data-db-2 Bound',
    ]);
    cluster.patch(statefulSets, 'db', { spec: { replicas: 1 } });
    cluster.time.advance(1000);
    expect(names()).toEqual(['db-0', 'db-1']);
    cluster.time.advance(2000);
    expect(names()).toEqual(['db-0']);
    expect(cluster.list(claims)).toHaveLength(3);
  });
});
