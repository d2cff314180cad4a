import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { applied } from './deployment.fixture.ts';
import { createSealer } from './digest.ts';
import { createLens } from './lens.ts';
import { project } from './projection.ts';

const sealer = createSealer(new Uint8Array(32).fill(7));
const lens = createLens({
  managers: ['argocd-controller', 'trueup'],
  sealer,
  trackingKeys: ['argocd.argoproj.io/tracking-id', 'app.kubernetes.io/instance'],
  health: () => ({ status: 'Progressing', message: 'It is not there yet.' }),
});

describe('the lens', () => {
  it('keeps what drift, takeover and health need of an object that we apply', () => {
    expect(lens.look(applied)).toEqual({
      projection: project(applied, 'trueup', sealer)?.digest,
      legacy: false,
      tracking: {},
      health: { status: 'Progressing', message: 'It is not there yet.' },
      keepBody: true,
    });
    expect(lens.project(applied, 'trueup')?.values['.spec.replicas']).toBe(2);
  });
  it('looks at the fields of every name under which we apply: what went from one to another drifts in either', () => {
    const entry = (manager: string, fields: JsonObject) => ({
      manager,
      operation: 'Apply',
      apiVersion: 'v1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': fields },
    });
    const both = (data: Readonly<Record<string, string>>): Manifest => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'c',
        managedFields: [entry('argocd-controller', { 'f:a': {} }), entry('trueup', { 'f:b': {} })],
      },
      data,
    });
    const digests = [both({ a: '1', b: '1' }), both({ a: '2', b: '1' }), both({ a: '1', b: '2' })].map(
      (manifest) => lens.look(manifest).projection,
    );
    expect(new Set(digests).size).toBe(3);
  });
  it('keeps the body of what somebody tracks, and of nothing else', () => {
    const object = (metadata: object): Manifest => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', ...metadata },
    });
    expect(lens.look(object({})).keepBody).toBe(false);
    const tracked = lens.look(
      object({
        annotations: { 'argocd.argoproj.io/tracking-id': 'x' },
        labels: { 'app.kubernetes.io/instance': 'y' },
      }),
    );
    expect(tracked.keepBody).toBe(true);
    expect(tracked).not.toHaveProperty('projection');
    expect(tracked.tracking).toEqual({
      'argocd.argoproj.io/tracking-id': 'x',
      'app.kubernetes.io/instance': 'y',
    });
  });
});
