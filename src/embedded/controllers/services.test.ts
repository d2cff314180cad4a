import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { deployment, openGround, podTemplate, TestCluster, type Ground } from './cluster.fixture.ts';
import { faultNote } from './faults.ts';
import {
  autoscalers,
  deployments,
  disruptionBudgets,
  endpoints,
  endpointSlices,
  ingresses,
  pods,
  services,
} from './kinds.ts';

let ground: Ground;
let cluster: TestCluster;
beforeAll(async () => {
  ground = await openGround();
}, 60_000);
afterEach(() => {
  cluster.stop();
  expect(cluster.complaints).toEqual([]);
});

const web = (spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec,
});
function start(spec: object = {}): void {
  cluster = new TestCluster(ground);
  const ports = [{ name: 'http', port: 80, targetPort: 'http' }];
  cluster.apply(web({ selector: { app: 'web' }, ports, ...spec }));
  const containers = [{ name: 'app', image: 'app:1', ports: [{ name: 'http', containerPort: 8080 }] }];
  cluster.apply(deployment('web', 2, {}, { containers }));
  cluster.time.advance(3000);
}
const slice = () =>
  cluster.list(endpointSlices)[0] as unknown as {
    endpoints: { conditions: object; addresses: string[] }[];
    ports: object[];
  };

describe('a Service', () => {
  test('has the addresses of its ready pods', () => {
    start();
    expect(slice().ports).toEqual([{ name: 'http', port: 8080, protocol: 'TCP' }]);
    expect(slice().endpoints).toHaveLength(2);
    expect(slice().endpoints[0]).toMatchObject({
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: 'trueup',
    });
    expect(cluster.get(endpoints, 'web')['subsets']).toMatchObject([
      { addresses: [{}, {}], ports: [{ port: 8080 }] },
    ]);
    cluster.patch(deployments, 'web', { spec: { replicas: 1 } });
    cluster.time.advance(3000);
    expect(slice().endpoints).toHaveLength(1);
  });

  test('does not send to pods that are not ready', () => {
    start();
    const template = podTemplate('web', {}, { [faultNote]: 'not-ready' });
    cluster.patch(deployments, 'web', {
      spec: { strategy: { type: 'Recreate', rollingUpdate: null }, template },
    });
    cluster.time.advance(5000);
    expect(slice().endpoints.map(({ conditions }) => conditions)).toMatchObject([
      { ready: false },
      { ready: false },
    ]);
    expect(cluster.get(endpoints, 'web')['subsets']).toMatchObject([{ notReadyAddresses: [{}, {}] }]);
  });

  test('takes its endpoints with it', () => {
    start();
    cluster.delete(services, 'web');
    cluster.time.advance(1000);
    expect([cluster.list(endpoints), cluster.list(endpointSlices)]).toEqual([[], []]);
    expect(cluster.list(pods)).toHaveLength(2);
  });

  test('of type LoadBalancer gets an address after a moment, and gives it back', () => {
    start({ type: 'LoadBalancer' });
    expect(cluster.get(services, 'web').status.loadBalancer).toEqual({
      ingress: [{ ip: '172.19.0.1', ipMode: 'VIP' }],
    });
    cluster.patch(services, 'web', { spec: { type: 'ClusterIP' } });
    cluster.time.advance(1000);
    expect(cluster.get(services, 'web').status.loadBalancer).toEqual({});
  });
});

test('an Ingress gets an address', () => {
  cluster = new TestCluster(ground);
  const defaultBackend = { service: { name: 'web', port: { number: 80 } } };
  cluster.apply({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web' },
    spec: { defaultBackend },
  });
  cluster.time.advance(1000);
  expect(cluster.get(ingresses, 'web').status.loadBalancer).toEqual({ ingress: [{ ip: '172.18.0.2' }] });
});

test('a PodDisruptionBudget says how many pods may go', () => {
  start();
  const spec = { minAvailable: 1, selector: { matchLabels: { app: 'web' } } };
  cluster.apply({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'web' }, spec });
  cluster.time.advance(1000);
  expect(cluster.get(disruptionBudgets, 'web').status).toMatchObject({
    disruptionsAllowed: 1,
    currentHealthy: 2,
    desiredHealthy: 1,
    expectedPods: 2,
  });
});

test('a HorizontalPodAutoscaler keeps its target within its limits', () => {
  start();
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  const spec = { scaleTargetRef, minReplicas: 3, maxReplicas: 5 };
  cluster.apply({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web' },
    spec,
  });
  cluster.time.advance(3000);
  expect(cluster.list(pods)).toHaveLength(3);
  const { status } = cluster.get(autoscalers, 'web');
  expect(status).toMatchObject({ currentReplicas: 3, desiredReplicas: 3 });
  expect(status.conditions?.map(({ type, status }) => `${type} ${status}`)).toEqual([
    'AbleToScale True',
    'ScalingActive True',
    'ScalingLimited False',
  ]);
});
