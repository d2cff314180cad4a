import { expect, test } from 'vitest';
import { deployment, openGround, podTemplate, TestCluster } from './cluster.fixture.ts';
import { faultNote } from './faults.ts';
import { deployments, namespaces } from './kinds.ts';

/** Everything at once, some of it failing, and a namespace that goes in the middle. */
async function run(): Promise<{ readonly contents: string; readonly changes: readonly string[] }> {
  const cluster = new TestCluster(await openGround());
  cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'gone' } });
  const lost = deployment('lost', 2) as { metadata: object };
  cluster.apply({ ...lost, metadata: { ...lost.metadata, namespace: 'gone' } });
  cluster.apply(deployment('web', 3));
  const template = podTemplate('bad', {}, { [faultNote]: 'crash-loop' });
  cluster.apply(deployment('bad', 1, { template }));
  const selector = { matchLabels: { app: 'db' } };
  const spec = { replicas: 2, selector, template: podTemplate('db') };
  cluster.apply({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db' }, spec });
  const once = { template: podTemplate('once', { restartPolicy: 'Never' }), completions: 2 };
  cluster.apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: once });
  cluster.time.advance(700);
  cluster.delete(namespaces, 'gone');
  cluster.patch(deployments, 'web', { spec: { template: podTemplate('web', { hostNetwork: true }) } });
  cluster.time.advance(60_000);
  cluster.stop();
  const contents = cluster.store.resources().map((resource) => [resource, cluster.store.list(resource)]);
  return {
    contents: JSON.stringify(contents),
    changes: cluster.changes.map(
      ({ type, resource, object, version }) => `${version} ${type} ${resource} ${object.metadata.name}`,
    ),
  };
}

test(
  'the same seed and the same clock give the same objects by the same changes',
  { timeout: 60_000 },
  async () => {
    const one = await run();
    const other = await run();
    expect(one.changes.length).toBeGreaterThan(100);
    expect(other.changes).toEqual(one.changes);
    expect(other.contents).toBe(one.contents);
  },
);
