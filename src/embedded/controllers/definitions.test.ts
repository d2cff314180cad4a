import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { conditionOf } from './conditions.ts';
import { openGround, TestCluster, type Ground } from './cluster.fixture.ts';
import { definitions } from './kinds.ts';

let ground: Ground;
let cluster: TestCluster;
beforeAll(async () => {
  ground = await openGround();
}, 60_000);
afterEach(() => {
  cluster.stop();
  expect(cluster.complaints).toEqual([]);
});

const names = { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' };
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names,
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};
const name = 'widgets.example.com';
const widgets = { apiVersion: 'example.com/v1', kind: 'Widget', key: 'example.com/widgets' };
const conditions = () => cluster.get(definitions, name).status.conditions;

function start(): void {
  cluster = new TestCluster(ground);
  cluster.apply(definition);
  cluster.time.advance(10);
}

describe('a CustomResourceDefinition', () => {
  test('is established', () => {
    start();
    expect(conditionOf(conditions(), 'NamesAccepted')).toMatchObject({
      status: 'True',
      reason: 'NoConflicts',
      message: 'no conflicts found',
    });
    expect(conditionOf(conditions(), 'Established')).toMatchObject({
      status: 'True',
      reason: 'InitialNamesAccepted',
      message: 'the initial names have been accepted',
    });
    expect(cluster.get(definitions, name)['status']).toMatchObject({
      acceptedNames: names,
      storedVersions: ['v1'],
    });
    cluster.delete(definitions, name);
    cluster.time.advance(10);
    expect(cluster.has(definitions, name)).toBe(false);
  });

  test('goes after its objects', () => {
    start();
    cluster.apply({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a' } });
    cluster.apply({
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'b', finalizers: ['example.com/hold'] },
    });
    cluster.delete(definitions, name);
    cluster.time.advance(10);
    expect(cluster.list(widgets).map(({ metadata }) => metadata.name)).toEqual(['b']);
    expect(conditionOf(conditions(), 'Terminating')).toMatchObject({
      status: 'True',
      reason: 'InstanceDeletionInProgress',
    });
    cluster.patch(widgets, 'b', { metadata: { finalizers: null } });
    cluster.time.advance(10);
    expect(cluster.has(definitions, name)).toBe(false);
    expect(() =>
      cluster.apply({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'c' } }),
    ).toThrow('not served');
  });
});
