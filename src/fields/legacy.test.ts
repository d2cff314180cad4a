import { describe, expect, it } from 'vitest';
import type { Manifest } from '#model/object.ts';
import { handOver, legacyOverlap, migrateLegacy } from './legacy.ts';

const entry = (manager: string, operation: string, fieldsV1: object, more: object = {}): object => ({
  manager,
  operation,
  apiVersion: 'v1',
  time: '2026-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...more,
});
const object = (...managedFields: object[]): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'c', managedFields: managedFields as never },
});
const data = (...keys: string[]): object => ({
  'f:data': Object.fromEntries(keys.map((key) => [`f:${key}`, {}])),
});
const ours = entry('argocd-controller', 'Apply', data('a', 'b'));

describe('legacy entries', () => {
  it.each([
    'argocd-controller',
    'argocd-application-controller',
    'kubectl-client-side-apply',
    'before-first-apply',
  ])('of %s are found', (manager) => {
    expect(legacyOverlap(object(ours, entry(manager, 'Update', data('b', 'c'))), 'argocd-controller')).toBe(
      true,
    );
  });
  it('under our own name are found', () => {
    const live = object(entry('team', 'Apply', data('a')), entry('team', 'Update', data('a')));
    expect(legacyOverlap(live, 'team')).toBe(true);
  });
  it('are none without an overlap, without an entry of ours, of a subresource, or of others', () => {
    const legacy = entry('argocd-controller', 'Update', data('b'));
    expect(
      legacyOverlap(object(ours, entry('argocd-controller', 'Update', data('c'))), 'argocd-controller'),
    ).toBe(false);
    expect(legacyOverlap(object(legacy), 'argocd-controller')).toBe(false);
    expect(
      legacyOverlap(
        object(ours, entry('argocd-controller', 'Update', data('b'), { subresource: 'status' })),
        'argocd-controller',
      ),
    ).toBe(false);
    expect(legacyOverlap(object(ours, entry('kubectl-edit', 'Update', data('b'))), 'argocd-controller')).toBe(
      false,
    );
    expect(migrateLegacy(object(ours), 'argocd-controller')).toEqual([]);
  });
  it('give up what is ours and keep what is theirs alone', () => {
    const other = entry('kubectl-edit', 'Update', data('b'));
    const patch = migrateLegacy(
      object(
        ours,
        entry('argocd-controller', 'Update', { 'f:data': { '.': {}, 'f:b': {}, 'f:c': {} } }),
        entry('before-first-apply', 'Update', data('a')),
        other,
      ),
      'argocd-controller',
    );
    expect(patch).toEqual([
      {
        op: 'replace',
        path: '/metadata/managedFields',
        value: [ours, entry('argocd-controller', 'Update', { 'f:data': { '.': {}, 'f:c': {} } }), other],
      },
    ]);
  });
});

describe('labels and annotations that another manager applied', () => {
  const labels = (...keys: string[]): object => ({
    'f:metadata': { 'f:labels': Object.fromEntries(keys.map((key) => [`f:${key}`, {}])) },
  });
  const declared: Manifest = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'n', labels: { team: 'a', tier: 'b' } },
  };
  const other = entry('kubectl-label', 'Update', labels('team'));

  it('become ours where they are declared; the rest stays', () => {
    const before = object(other, entry('argocd-controller', 'Apply', labels('team', 'tier', 'more')));
    expect(handOver(before, declared, 'argocd-controller', 'ours')).toEqual([
      {
        op: 'replace',
        path: '/metadata/managedFields',
        value: [
          other,
          entry('argocd-controller', 'Apply', labels('more')),
          entry('ours', 'Apply', labels('team', 'tier')),
        ],
      },
    ]);
  });
  it('are added to what is ours already', () => {
    const before = object(
      entry('ours', 'Apply', labels('team')),
      entry('argocd-controller', 'Apply', labels('tier')),
    );
    expect(handOver(before, declared, 'argocd-controller', 'ours')).toEqual([
      {
        op: 'replace',
        path: '/metadata/managedFields',
        value: [entry('ours', 'Apply', labels('team', 'tier'))],
      },
    ]);
  });
  it('are nothing where it applies none of them', () => {
    expect(handOver(object(other), declared, 'argocd-controller', 'ours')).toEqual([]);
    const elsewhere = object(entry('argocd-controller', 'Apply', labels('more')));
    expect(handOver(elsewhere, declared, 'argocd-controller', 'ours')).toEqual([]);
  });
});
