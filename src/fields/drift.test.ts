import { describe, expect, it } from 'vitest';
import type { Manifest } from '#model/object.ts';
import { applied, drifted } from './deployment.fixture.ts';
import { createSealer } from './digest.ts';
import { changesBetween } from './drift.ts';
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
