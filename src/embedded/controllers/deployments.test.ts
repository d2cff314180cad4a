import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { conditionOf } from './conditions.ts';
import { deployment, openGround, TestCluster, type Ground } from './cluster.fixture.ts';
import { deployments, pods, replicaSets, type Deployment, type Pod } from './kinds.ts';
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

function start(...manifests: readonly object[]): Deployment {
  cluster = new TestCluster(ground);
  for (const manifest of manifests) cluster.apply(manifest);
  cluster.time.advance(2000);
  return web();
}
const web = (): Deployment => cluster.get(deployments, 'web');
const revisions = (): readonly (string | undefined)[] =>
  cluster
    .list(replicaSets)
    .map(({ metadata }) => metadata.annotations?.['deployment.kubernetes.io/revision']);
const progressing = () => conditionOf(web().status.conditions, 'Progressing');
const image = (name: string): object => ({
  spec: { template: { spec: { containers: [{ name: 'app', image: name }] } } },
});
const images = (): readonly (string | undefined)[] =>
  cluster.list(pods).map(({ spec }) => spec.containers[0]?.image);

describe('a Deployment', () => {
  test('is rolled out over a ReplicaSet to ready pods', () => {
    const { status, metadata } = start(deployment('web', 3));
    expect(status).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
    });
    expect(metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '1' });
    expect(conditionOf(status.conditions, 'Available')).toMatchObject({
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Deployment has minimum availability.',
    });
    const [set] = cluster.list(replicaSets);
    expect(progressing()).toMatchObject({
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: `ReplicaSet "${set!.metadata.name}" has successfully progressed.`,
    });
    expect(cluster.list(pods).filter(isReady)).toHaveLength(3);
    expect(cluster.said('web')).toEqual([
      `ScalingReplicaSet: Scaled up replica set ${set!.metadata.name} from 0 to 3`,
    ]);
  });

  test('is written by those who write it in a real cluster', () => {
    const { metadata } = start(deployment('web'));
    const managers = (metadata['managedFields'] as { manager: string; subresource?: string }[]).map(
      ({ manager, subresource = '' }) => `${manager} ${subresource}`,
    );
    expect(managers).toEqual(['kubectl ', 'kube-controller-manager status']);
  });

  test('replaces its pods without falling below what must be available', () => {
    start(deployment('web', 4));
    const from = cluster.changes.length;
    cluster.patch(deployments, 'web', image('app:2'));
    cluster.time.advance(20_000);
    expect(images()).toEqual(['app:2', 'app:2', 'app:2', 'app:2']);
    expect(revisions().toSorted()).toEqual(['1', '2']);
    const available = cluster.changes
      .slice(from)
      .filter(({ resource }) => resource === deployments.key)
      .map(({ object }) => object as Deployment);
    expect(Math.min(...available.map(({ status }) => status.availableReplicas ?? 0))).toBe(3);
    expect(Math.max(...available.map(({ status }) => status.replicas ?? 0))).toBe(5);
  });

  test('comes back to an earlier template under a new revision', () => {
    start(deployment('web'));
    const [first] = cluster.list(replicaSets);
    cluster.patch(deployments, 'web', image('app:2'));
    cluster.time.advance(20_000);
    cluster.patch(deployments, 'web', image('app:1'));
    cluster.time.advance(20_000);
    expect(cluster.list(replicaSets)).toHaveLength(2);
    expect(cluster.get(replicaSets, first!.metadata.name).metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
    expect(web().metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '3' });
    expect(images()).toEqual(['app:1', 'app:1']);
  });

  test('keeps as many old sets as its history limit says', () => {
    start(deployment('web', 1, { revisionHistoryLimit: 1 }));
    for (const tag of ['2', '3', '4']) {
      cluster.patch(deployments, 'web', image(`app:${tag}`));
      cluster.time.advance(20_000);
    }
    expect(revisions().toSorted()).toEqual(['3', '4']);
  });

  test('with Recreate starts the new pods when the old ones are gone', () => {
    start(deployment('web', 2, { strategy: { type: 'Recreate' } }));
    const from = cluster.changes.length;
    cluster.patch(deployments, 'web', image('app:2'));
    cluster.time.advance(20_000);
    expect(images()).toEqual(['app:2', 'app:2']);
    const podChanges = cluster.changes.slice(from).filter(({ resource }) => resource === pods.key);
    const lastGone = podChanges.findLastIndex(
      ({ type, object }) => type === 'DELETED' && (object as Pod).spec.containers[0]?.image === 'app:1',
    );
    const firstMade = podChanges.findIndex(({ type }) => type === 'ADDED');
    expect(firstMade).toBeGreaterThan(lastGone);
  });

  test('rolls nothing out while it is paused, and goes on when it is resumed', () => {
    start(deployment('web'));
    cluster.patch(deployments, 'web', { spec: { paused: true } });
    cluster.patch(deployments, 'web', image('app:2'));
    cluster.time.advance(20_000);
    expect(images()).toEqual(['app:1', 'app:1']);
    expect(progressing()).toMatchObject({
      status: 'Unknown',
      reason: 'DeploymentPaused',
      message: 'Deployment is paused',
    });
    cluster.patch(deployments, 'web', { spec: { paused: null } });
    cluster.time.advance(20_000);
    expect(images()).toEqual(['app:2', 'app:2']);
    expect(progressing()).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
  });

  test('is scaled without a new revision', () => {
    start(deployment('web'));
    cluster.patch(deployments, 'web', { spec: { replicas: 5 } });
    cluster.time.advance(2000);
    expect(cluster.list(pods)).toHaveLength(5);
    cluster.patch(deployments, 'web', { spec: { replicas: 1 } });
    cluster.time.advance(5000);
    expect(cluster.list(pods)).toHaveLength(1);
    expect(web().status).toMatchObject({ replicas: 1, availableReplicas: 1, observedGeneration: 3 });
    expect(revisions()).toEqual(['1']);
  });

  test('keeps its old pods when the new ones do not start, and says when the deadline is over', () => {
    start(deployment('web', 4, { progressDeadlineSeconds: 60 }));
    cluster.patch(deployments, 'web', image('app:does-not-exist'));
    cluster.time.advance(30_000);
    expect(images().filter((name) => name === 'app:1')).toHaveLength(3);
    expect(progressing()).toMatchObject({ status: 'True', reason: 'ReplicaSetUpdated' });
    cluster.time.advance(60_000);
    expect(progressing()).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    cluster.patch(deployments, 'web', image('app:1'));
    cluster.time.advance(20_000);
    expect(progressing()).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
    expect(images()).toEqual(['app:1', 'app:1', 'app:1', 'app:1']);
  });

  test('counts a pod as available once it was ready for minReadySeconds', () => {
    start(deployment('web', 1, { minReadySeconds: 10 }));
    expect(web().status).toMatchObject({ readyReplicas: 1, unavailableReplicas: 1 });
    cluster.time.advance(10_000);
    expect(web().status).toMatchObject({ readyReplicas: 1, availableReplicas: 1 });
  });

  test('keeps the shares of its sets when it is scaled in the middle of a rollout', () => {
    start(deployment('web', 10));
    cluster.patch(deployments, 'web', image('app:does-not-exist'));
    cluster.time.advance(5000);
    const sizes = () =>
      cluster
        .list(replicaSets)
        .map(({ spec }) => spec.replicas)
        .toSorted((a, b) => a - b);
    expect(sizes()).toEqual([5, 8]);
    cluster.patch(deployments, 'web', { spec: { replicas: 20 } });
    cluster.time.advance(5000);
    expect(sizes()).toEqual([10, 15]);
  });

  test('adopts what its selector finds and replaces pods that are deleted', () => {
    start(deployment('web'));
    cluster.delete(deployments, 'web', { propagation: 'Orphan' });
    cluster.time.advance(2000);
    const before = cluster.list(pods).map(({ metadata }) => metadata.uid);
    cluster.apply(deployment('web'));
    cluster.time.advance(2000);
    expect(cluster.list(replicaSets)).toHaveLength(1);
    expect(cluster.list(pods).map(({ metadata }) => metadata.uid)).toEqual(before);
    cluster.delete(pods, cluster.list(pods)[0]!.metadata.name);
    cluster.time.advance(5000);
    expect(cluster.list(pods).filter(isReady)).toHaveLength(2);
  });

  test('leaves nothing to do once it is rolled out', () => {
    start(deployment('web'));
    const { length } = cluster.changes;
    cluster.time.advance(3_000_000);
    expect(cluster.changes).toHaveLength(length);
    // Events are forgotten after an hour; then nothing is due any more.
    cluster.time.advance(1_000_000);
    expect(cluster.time.delaysMs).toEqual([]);
    expect(
      cluster.changes
        .slice(length)
        .every(({ resource, type }) => resource === '/events' && type === 'DELETED'),
    ).toBe(true);
  });
});
