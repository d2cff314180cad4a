import { describe, expect, it } from 'vitest';
import type { Manifest } from '#model/object.ts';
import { applied, drifted } from './deployment.fixture.ts';
import { createSealer } from './digest.ts';
import { project } from './projection.ts';

const sealer = createSealer(new Uint8Array(32).fill(7));
const pod = '.spec.template.spec';
const web = `${pod}.containers[name="web"]`;

function withEntry(manifest: Manifest, entry: object): Manifest {
  const entries = manifest.metadata['managedFields'] as unknown as object[];
  return { ...manifest, metadata: { ...manifest.metadata, managedFields: [...entries, entry] as never } };
}

describe('the projection', () => {
  it('has the live values of the owned fields, by path', () => {
    expect(project(applied, 'trueup', sealer)?.values).toEqual({
      '.metadata.labels["a/b"]': 'x',
      '.spec.replicas': 2,
      '.spec.selector': { matchLabels: { app: 'web' } },
      '.spec.template.metadata.annotations': null,
      '.spec.template.metadata.labels.app': 'web',
      [`${web}.args`]: ['a', 'b'],
      [`${web}.env[name="A"].name`]: 'A',
      [`${web}.env[name="A"].value`]: '1',
      [`${web}.env[name="B"].name`]: 'B',
      [`${web}.env[name="B"].value`]: null,
      [`${web}.image`]: 'nginx:1',
      [`${web}.name`]: 'web',
      [`${web}.ports[containerPort=53,protocol="UDP"].containerPort`]: 53,
      [`${web}.ports[containerPort=53,protocol="UDP"].protocol`]: 'UDP',
      [`${web}.ports[containerPort=80,protocol="TCP"].containerPort`]: 80,
      [`${web}.resources.requests.cpu`]: '1',
      [`${web}.volumeMounts[mountPath="/tmp"].mountPath`]: '/tmp',
      [`${web}.volumeMounts[mountPath="/tmp"].name`]: 'tmp',
      [`${pod}.hostNetwork`]: null,
      [`${pod}.nodeSelector`]: null,
      [`${pod}.volumes[name="tmp"].emptyDir`]: {},
      [`${pod}.volumes[name="tmp"].name`]: 'tmp',
    });
  });
  it('is undefined for a manager that applied nothing', () => {
    expect(project(applied, 'somebody', sealer)).toBeUndefined();
    // An Update entry of the same name is not an Apply entry.
    expect(project(drifted, 'kubectl-set', sealer)).toBeUndefined();
  });
  it('stays the same while others change what is theirs', () => {
    const before = project(applied, 'trueup', sealer)?.digest;
    const status = {
      ...applied,
      status: { replicas: 2 },
      metadata: { ...applied.metadata, resourceVersion: '999' },
    };
    expect(project(status, 'trueup', sealer)?.digest).toBe(before);
  });
  it('stays the same while others fill the empty map that we declared', () => {
    const entry = {
      manager: 'other',
      operation: 'Update',
      apiVersion: 'apps/v1',
      time: '2026-01-01T00:00:00Z',
    };
    const spec = applied['spec'] as { template: { metadata: object } };
    const filled = withEntry(
      {
        ...applied,
        spec: {
          ...spec,
          template: { ...spec.template, metadata: { ...spec.template.metadata, annotations: { z: '1' } } },
        },
      },
      {
        ...entry,
        fieldsV1: { 'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { 'f:z': {} } } } } },
      },
    );
    expect(project(filled, 'trueup', sealer)?.values['.spec.template.metadata.annotations']).toEqual({});
    expect(project(filled, 'trueup', sealer)?.digest).toBe(project(applied, 'trueup', sealer)?.digest);
  });
  it('changes when a field was taken from us, also one that had no live value', () => {
    const before = project(applied, 'trueup', sealer)!;
    const after = project(drifted, 'trueup', sealer)!;
    expect(after.digest).not.toBe(before.digest);
    expect(Object.keys(before.values).filter((path) => !(path in after.values))).toEqual([
      '.spec.replicas',
      '.spec.template.metadata.annotations',
      `${web}.env[name="A"].value`,
      `${pod}.hostNetwork`,
    ]);
  });
  it('never holds the value of a Secret (S14)', () => {
    const canary = 'Y2FuYXJ5LTQ3MTE=';
    const secret: Manifest = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 's',
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': `{"data":{"p":"${canary}"}}`,
          plain: 'yes',
        },
        managedFields: [
          {
            manager: 'trueup',
            operation: 'Apply',
            apiVersion: 'v1',
            fieldsV1: {
              'f:data': { 'f:p': {} },
              'f:metadata': {
                'f:annotations': { 'f:plain': {}, 'f:kubectl.kubernetes.io/last-applied-configuration': {} },
              },
              'f:type': {},
            },
          },
        ],
      },
      data: { p: canary },
      type: 'Opaque',
    };
    const projection = project(secret, 'trueup', sealer)!;
    expect(JSON.stringify(projection)).not.toContain(canary);
    expect(projection.values['.data.p']).toMatch(/^sealed:[0-9a-f]{16}$/);
    expect(projection.values['.metadata.annotations.plain']).toBe('yes');
    expect(projection.values['.type']).toBe('Opaque');
    const other = project({ ...secret, data: { p: 'b3RoZXI=' } }, 'trueup', sealer)!;
    expect(other.digest).not.toBe(projection.digest);
    // Data as one atomic field, or malformed, is sealed too.
    expect(JSON.stringify(project({ ...secret, data: canary }, 'trueup', sealer))).not.toContain(canary);
  });
});
