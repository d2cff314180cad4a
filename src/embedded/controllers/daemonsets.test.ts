import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openGround, podTemplate, TestCluster, type Ground } from './cluster.fixture.ts';
import { controllerRevisions, daemonSets, nodes, pods } from './kinds.ts';

let ground: Ground;
let cluster: TestCluster;
beforeAll(async () => {
  ground = await openGround();
}, 60_000);
afterEach(() => {
  cluster.stop();
  expect(cluster.complaints).toEqual([]);
});

function start(more: object = {}): void {
  cluster = new TestCluster(ground);
  cluster.apply({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent' },
    spec: { selector: { matchLabels: { app: 'agent' } }, template: podTemplate('agent'), ...more },
  });
  cluster.time.advance(2000);
}
const status = () => cluster.get(daemonSets, 'agent')['status'];
const image = (name: string): object => ({
  spec: { template: { spec: { containers: [{ name: 'app', image: name }] } } },
});

describe('a DaemonSet', () => {
  test('has one pod on every node, also on one that comes later', () => {
    start();
    expect(status()).toMatchObject({
      desiredNumberScheduled: 1,
      currentNumberScheduled: 1,
      numberReady: 1,
      numberAvailable: 1,
      updatedNumberScheduled: 1,
    });
    cluster.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'second' } });
    cluster.time.advance(2000);
    expect(
      cluster
        .list(pods)
        .map(({ spec }) => spec.nodeName)
        .toSorted(),
    ).toEqual(['second', 'trueup']);
    expect(cluster.list(nodes)).toHaveLength(2);
    expect(status()).toMatchObject({ desiredNumberScheduled: 2, numberAvailable: 2 });
  });

  test('leaves out nodes that its selector does not name', () => {
    start({ template: podTemplate('agent', { nodeSelector: { disk: 'ssd' } }) });
    expect(cluster.list(pods)).toEqual([]);
    expect(status()).toMatchObject({ desiredNumberScheduled: 0 });
  });

  test.each([
    ['the old one first', {}],
    [
      'the new one first',
      { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
    ],
  ])('replaces its pods: %s', (_, more) => {
    start(more);
    cluster.patch(daemonSets, 'agent', image('app:2'));
    cluster.time.advance(10_000);
    expect(cluster.list(pods).map(({ spec }) => spec.containers[0]?.image)).toEqual(['app:2']);
    expect(status()).toMatchObject({ observedGeneration: 2, updatedNumberScheduled: 1, numberAvailable: 1 });
    expect(cluster.list(controllerRevisions)).toHaveLength(2);
  });
});
