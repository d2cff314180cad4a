import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { conditionOf } from './conditions.ts';
import { openGround, TestCluster, type Ground } from './cluster.fixture.ts';
import { faultNote } from './faults.ts';
import { configMaps, pods, type ContainerStatus, type Pod } from './kinds.ts';
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

function start(spec: object = {}, metadata: object = {}, image = 'app:1'): void {
  cluster = new TestCluster(ground);
  cluster.time.advance(10);
  cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', ...metadata },
    spec: { containers: [{ name: 'app', image }], ...spec },
  });
}
const fault = (value: string): object => ({ annotations: { [faultNote]: value } });
const pod = (): Pod => cluster.get(pods, 'a');
const app = (): ContainerStatus => pod().status.containerStatuses![0]!;
const waiting = (): string | undefined => app().state.waiting?.reason;

describe('a pod', () => {
  test('is bound, created, and runs', () => {
    start();
    cluster.time.advance(100);
    expect(pod().spec.nodeName).toBe('trueup');
    expect([pod().status.phase, waiting()]).toEqual(['Pending', 'ContainerCreating']);
    cluster.time.advance(300);
    expect(pod().status).toMatchObject({ phase: 'Running', podIP: '10.244.0.2', hostIP: '172.18.0.2' });
    expect(app()).toMatchObject({ ready: true, image: 'docker.io/library/app:1' });
    expect(app().imageID).toMatch(/^docker\.io\/library\/app@sha256:[0-9a-f]{64}$/);
    expect(cluster.said('a')).toEqual([
      'Scheduled: Successfully assigned default/a to trueup',
      'Pulled: Container image "app:1" already present on machine and can be accessed by the pod',
      'Created: Container created',
      'Started: Container started',
    ]);
  });

  test('runs its init containers one after the other before', () => {
    const init = (name: string): object => ({ name, image: 'init:1' });
    start({ initContainers: [init('one'), { ...init('side'), restartPolicy: 'Always' }, init('two')] });
    cluster.time.advance(400);
    const states = () => pod().status.initContainerStatuses!.map(({ state }) => Object.keys(state)[0]);
    expect(states()).toEqual(['running', 'waiting', 'waiting']);
    expect(conditionOf(pod().status.conditions, 'Initialized')?.message).toBe(
      'containers with incomplete status: [one side two]',
    );
    cluster.time.advance(600);
    expect(states()).toEqual(['terminated', 'running', 'waiting']);
    cluster.time.advance(2000);
    expect(states()).toEqual(['terminated', 'running', 'terminated']);
    expect(isReady(pod())).toBe(true);
  });

  test.each([
    ['app:does-not-exist', {}],
    ['example.com/does-not-exist:1', {}],
    ['app:1', fault('image-pull')],
  ])('whose image is not there waits (%s)', (image, metadata) => {
    start({}, metadata, image);
    cluster.time.advance(400);
    expect(waiting()).toBe('ErrImagePull');
    cluster.time.advance(2000);
    expect([pod().status.phase, waiting(), isReady(pod())]).toEqual(['Pending', 'ImagePullBackOff', false]);
    expect(cluster.said('a')).toContain(`BackOff: Back-off pulling image "${image}"`);
  });

  test('that crashes is started again after growing pauses', () => {
    start({}, fault('crash-loop'));
    cluster.time.advance(3000);
    expect(app()).toMatchObject({
      restartCount: 1,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 1, reason: 'Error' } },
    });
    expect(app().state.waiting?.message).toMatch(
      /^back-off 10s restarting failed container=app pod=a_default\(/,
    );
    expect(pod().status.phase).toBe('Running');
    cluster.time.advance(11_000);
    expect(app().restartCount).toBe(2);
    cluster.time.advance(19_000);
    expect(app().restartCount).toBe(2);
    cluster.time.advance(2000);
    expect(app().restartCount).toBe(3);
    expect(cluster.said('a').filter((line) => line.startsWith('BackOff'))).toHaveLength(1);
  });

  test('that runs out of memory says so, and one with an exit code has it', () => {
    start({}, fault('oom'));
    cluster.time.advance(3000);
    expect(app().lastState.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
    cluster.patch(pods, 'a', { metadata: fault('exit-3') });
    cluster.time.advance(15_000);
    expect(app().lastState.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
  });

  test('becomes ready once its fault is taken away', () => {
    start({}, fault('not-ready'));
    cluster.time.advance(2000);
    expect(conditionOf(pod().status.conditions, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [app]',
    });
    cluster.patch(pods, 'a', { metadata: { annotations: null } });
    cluster.time.advance(1000);
    expect(isReady(pod())).toBe(true);
  });

  test.each([
    ['', 'Succeeded', 0],
    ['exit-2', 'Failed', 2],
  ])('that is not started again ends (%s)', (value, phase, exitCode) => {
    start({ restartPolicy: 'Never' }, fault(value));
    cluster.time.advance(3000);
    expect(pod().status.phase).toBe(phase);
    expect(app().state.terminated).toMatchObject({ exitCode });
  });

  test('waits for a ConfigMap that its variables need, and goes on when it is there', () => {
    const containers = [{ name: 'app', image: 'app:1', envFrom: [{ configMapRef: { name: 'settings' } }] }];
    start({ containers });
    cluster.time.advance(2000);
    expect(app().state.waiting).toEqual({
      reason: 'CreateContainerConfigError',
      message: 'configmap "settings" not found',
    });
    cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' } });
    cluster.time.advance(1000);
    expect(isReady(pod())).toBe(true);
  });

  test('waits for a Secret that it mounts, and not for an optional one', () => {
    start({
      volumes: [
        { name: 'maybe', secret: { secretName: 'maybe', optional: true } },
        { name: 'keys', secret: { secretName: 'keys' } },
      ],
    });
    cluster.time.advance(2000);
    expect([pod().status.phase, waiting()]).toEqual(['Pending', 'ContainerCreating']);
    expect(cluster.said('a')).toContain(
      'FailedMount: MountVolume.SetUp failed for volume "keys" : secret "keys" not found',
    );
    cluster.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' } });
    cluster.time.advance(1000);
    expect(isReady(pod())).toBe(true);
  });

  test('that no node may have stays pending and says why', () => {
    start({ nodeSelector: { disk: 'ssd' } });
    cluster.time.advance(1000);
    expect(conditionOf(pod().status.conditions, 'PodScheduled')).toMatchObject({
      status: 'False',
      reason: 'Unschedulable',
      message: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    });
  });

  test('is given a second to end, and none if it is forced', () => {
    start();
    cluster.time.advance(1000);
    cluster.delete(pods, 'a');
    cluster.time.advance(500);
    expect(pod().metadata.deletionGracePeriodSeconds).toBe(30);
    cluster.time.advance(600);
    expect(cluster.has(pods, 'a')).toBe(false);
    expect(cluster.said('a').at(-1)).toBe('Killing: Stopping container app');
    start();
    cluster.time.advance(1000);
    cluster.delete(pods, 'a', { gracePeriodSeconds: 0 });
    expect(cluster.has(pods, 'a')).toBe(false);
  });

  test('goes on where it was after a restart of the cluster', () => {
    start({}, fault('crash-loop'));
    cluster.time.advance(3000);
    cluster.restart();
    cluster.time.advance(9000);
    expect(app().restartCount).toBe(1);
    cluster.time.advance(3000);
    expect(app().restartCount).toBe(2);
    expect(cluster.has(configMaps, 'kube-root-ca.crt')).toBe(true);
  });
});
