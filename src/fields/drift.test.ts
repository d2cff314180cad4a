import { describe, expect, it } from 'vitest';
import type { Manifest } from '#model/object.ts';
import { applied, drifted, twoAppliers, written } from './deployment.fixture.ts';
import { createSealer } from './digest.ts';
import { changesBetween, forcedFields, plannedChanges } from './drift.ts';
import { project } from './projection.ts';

const sealer = createSealer(new Uint8Array(32).fill(7));
const recorded = project(applied, 'trueup', sealer)!.values;
const pod = '.spec.template.spec';

function edit(manifest: Manifest, change: (copy: any) => void): Manifest {
  const copy = structuredClone(manifest);
  change(copy);
  return copy;
}

describe('drift', () => {
  it('names the field, both values and the tool', () => {
    const changes = changesBetween(recorded, drifted, 'trueup', sealer);
    expect(
      changes.map(({ path, before, after, owner }) => [path, before, after, (owner as any).manager]),
    ).toEqual([
      ['.spec.replicas', 2, 5, 'kubectl'],
      [`${pod}.containers[name="web"].env[name="A"].value`, '1', '2', 'kubectl-set'],
      // We had declared `hostNetwork: false`, which no live object shows.
      [`${pod}.hostNetwork`, undefined, true, 'kubectl-patch'],
    ]);
    expect(changes[0]?.owner).toMatchObject({ operation: 'Update', subresource: 'scale' });
  });
  it('is none right after the apply', () => {
    expect(changesBetween(recorded, applied, 'trueup', sealer)).toEqual([]);
  });
  it('is none when only ownership moved', () => {
    const cleared = edit(applied, (copy) => (copy.metadata.managedFields = []));
    expect(changesBetween(recorded, cleared, 'trueup', sealer)).toEqual([]);
  });
  it('has an unknown author where a field was removed', () => {
    const removed = edit(applied, (copy) => {
      delete copy.spec.template.spec.containers[0].env;
      delete copy.metadata.managedFields[0].fieldsV1['f:spec']['f:template']['f:spec']['f:containers'][
        'k:{"name":"web"}'
      ]['f:env'];
    });
    const changes = changesBetween(recorded, removed, 'trueup', sealer);
    expect(changes.map(({ path, before, owner }) => [path, before, owner])).toEqual([
      [`${pod}.containers[name="web"].env[name="A"].name`, 'A', 'unknown'],
      [`${pod}.containers[name="web"].env[name="A"].value`, '1', 'unknown'],
      [`${pod}.containers[name="web"].env[name="B"].name`, 'B', 'unknown'],
    ]);
    expect(changes[0]).not.toHaveProperty('after');
  });
  it('sees that an emptyDir was removed', () => {
    const removed = edit(applied, (copy) => {
      delete copy.spec.template.spec.volumes[0].emptyDir;
      delete copy.metadata.managedFields[0].fieldsV1['f:spec']['f:template']['f:spec']['f:volumes'][
        'k:{"name":"tmp"}'
      ]['f:emptyDir'];
      copy.spec.template.spec.volumes[0].hostPath = { path: '/' };
    });
    expect(changesBetween(recorded, removed, 'trueup', sealer)).toContainEqual({
      path: `${pod}.volumes[name="tmp"].emptyDir`,
      before: {},
      owner: 'unknown',
    });
  });
  it('of a Secret says where, never what (S14)', () => {
    const secret = (value: string): Manifest => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 's',
        managedFields: [
          { manager: 'trueup', operation: 'Apply', apiVersion: 'v1', fieldsV1: { 'f:data': { 'f:p': {} } } },
        ],
      },
      data: { p: value },
    });
    const before = project(secret('b25l'), 'trueup', sealer)!.values;
    const changes = changesBetween(before, secret('dHdv'), 'trueup', sealer);
    expect(changes).toEqual([
      { path: '.data.p', secret: true, owner: { manager: 'trueup', operation: 'Apply', atMs: 0 } },
    ]);
  });
});

describe('the changes of a plan', () => {
  it('are none for what is applied already, however the server normalised it', () => {
    expect(plannedChanges(written, applied, 'trueup', sealer)).toEqual([]);
  });
  it('go from live to desired, with the owner of each field', () => {
    const changes = plannedChanges(written, drifted, 'trueup', sealer);
    expect(
      changes.map(({ path, before, after, owner }) => [path, before, after, (owner as any)?.manager]),
    ).toEqual([
      ['.spec.replicas', 5, 2, 'kubectl'],
      [`${pod}.containers[name="web"].env[name="A"].value`, '2', '1', 'kubectl-set'],
      [`${pod}.hostNetwork`, true, false, 'kubectl-patch'],
    ]);
  });
  it('match ports by their keys, the protocol left out or not, and name what is removed', () => {
    const desired = edit(written, (copy) => {
      delete copy.metadata.labels;
      const [web] = copy.spec.template.spec.containers;
      web.image = 'nginx:2';
      web.ports = [{ containerPort: 80, name: 'http' }];
      web.args = ['c'];
    });
    const changes = plannedChanges(desired, applied, 'trueup', sealer);
    const web = `${pod}.containers[name="web"]`;
    expect(changes.map(({ path, before, after }) => [path, before, after])).toEqual([
      ['.metadata.labels["a/b"]', 'x', undefined],
      [`${web}.args`, ['a', 'b'], ['c']],
      [`${web}.image`, 'nginx:1', 'nginx:2'],
      [`${web}.ports[containerPort=53,protocol="UDP"].containerPort`, 53, undefined],
      [`${web}.ports[containerPort=53,protocol="UDP"].protocol`, 'UDP', undefined],
      [`${web}.ports[containerPort=80,protocol="TCP"].name`, undefined, 'http'],
    ]);
    expect(changes.at(-1)).not.toHaveProperty('owner');
  });
  it('do not count as removed what somebody else owns too', () => {
    const shared = edit(applied, (copy) =>
      copy.metadata.managedFields.push({
        manager: 'other',
        operation: 'Apply',
        apiVersion: 'apps/v1',
        fieldsV1: { 'f:metadata': { 'f:labels': { 'f:a/b': {} } } },
      }),
    );
    const desired = edit(written, (copy) => delete copy.metadata.labels);
    expect(plannedChanges(desired, shared, 'trueup', sealer)).toEqual([]);
  });
  it('guess list keys where nobody owns the list', () => {
    const cleared = edit(applied, (copy) => (copy.metadata.managedFields = []));
    const desired = edit(written, (copy) => (copy.spec.template.spec.containers[0].image = 'nginx:2'));
    const paths = plannedChanges(desired, cleared, 'trueup', sealer).map(({ path }) => path);
    expect(paths).toContain(`${pod}.containers[name="web"].image`);
    expect(paths).not.toContain(`${pod}.containers`);
  });
  it('of a Secret say where, never what (S14)', () => {
    const canary = 'Y2FuYXJ5LTQ3MTE=';
    const secret = (data: object): Manifest => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data,
    });
    const changes = plannedChanges(
      secret({ p: canary, q: 'eA==' }),
      secret({ p: 'eQ==', q: 'eA==' }),
      'trueup',
      sealer,
    );
    expect(changes).toEqual([{ path: '.data.p', secret: true }]);
    const inConfigMap = { ...secret({ cpu: '1000m' }), kind: 'ConfigMap' };
    const liveMap = { ...secret({ cpu: '1' }), kind: 'ConfigMap' };
    expect(plannedChanges(inConfigMap, liveMap, 'trueup', sealer)).toHaveLength(1);
  });
});

describe('forced fields are what the server conflicts on (measured)', () => {
  it('for another owner of a field that we lost', () => {
    expect(forcedFields(written, drifted, 'trueup')).toEqual([
      '.spec.replicas',
      `${pod}.containers[name="web"].env[name="A"].value`,
      `${pod}.hostNetwork`,
    ]);
  });
  it('for fields that the server keeps differently than they were declared', () => {
    const live = edit(applied, (copy) => (copy.metadata.managedFields = twoAppliers));
    expect(forcedFields(written, live, 'one')).toEqual([
      '.spec.template.metadata.annotations',
      `${pod}.containers[name="web"].env[name="B"].value`,
      `${pod}.containers[name="web"].resources.requests.cpu`,
      `${pod}.hostNetwork`,
      `${pod}.nodeSelector`,
    ]);
  });
  it('also where we own the field too, and where the other owner is an Update under our name', () => {
    const live: Manifest = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'c',
        managedFields: [
          { manager: 'trueup', operation: 'Apply', apiVersion: 'v1', fieldsV1: { 'f:data': { 'f:a': {} } } },
          {
            manager: 'trueup',
            operation: 'Update',
            apiVersion: 'v1',
            fieldsV1: { 'f:data': { 'f:a': {}, 'f:b': {} } },
          },
        ],
      },
      data: { a: '1', b: '1' },
    };
    const desired: Manifest = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c' },
      data: { a: '2', b: '1', c: '3' },
    };
    expect(forcedFields(desired, live, 'trueup')).toEqual(['.data.a']);
  });
  it('for an atomic list that defaulting completed', () => {
    const set = (template: object, managedFields: object[]): Manifest => ({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 's', managedFields: managedFields as never },
      spec: { volumeClaimTemplates: [template] },
    });
    const fieldsV1 = { 'f:spec': { 'f:volumeClaimTemplates': {} } };
    const live = set({ metadata: { name: 'data' }, spec: { volumeMode: 'Filesystem' } }, [
      { manager: 'kubectl-client-side-apply', operation: 'Update', apiVersion: 'apps/v1', fieldsV1 },
    ]);
    expect(forcedFields(set({ metadata: { name: 'data' } }, []), live, 'trueup')).toEqual([
      '.spec.volumeClaimTemplates',
    ]);
  });
  it('are none when nobody else owns anything', () => {
    expect(forcedFields(written, applied, 'trueup')).toEqual([]);
  });
});
