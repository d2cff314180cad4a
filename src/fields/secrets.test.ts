/** What people are shown of Secrets (S14). */
import { describe, expect, it } from 'vitest';
import type { FieldChange } from '#model/observed.ts';
import type { Manifest } from '#model/object.ts';
import { masked, maskedChanges } from './secrets.ts';

const canary = 'canary-4711';
const secret: Manifest = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: 's',
    annotations: {
      'example.com/token': canary,
      plain: 'yes',
      'kubectl.kubernetes.io/last-applied-configuration': canary,
    },
  },
  data: { a: canary },
  stringData: canary,
};

describe('a Secret', () => {
  it('has no values, and none of the annotations that are named', () => {
    const shown = masked(secret, ['example.com/token']);
    expect(JSON.stringify(shown)).not.toContain(canary);
    expect(shown).toMatchObject({
      metadata: { annotations: { 'example.com/token': '++++++++', plain: 'yes' } },
      data: { a: '++++++++' },
      stringData: '++++++++',
    });
  });
  it('that has no annotations gets none', () => {
    const bare = { ...secret, metadata: { name: 's' } };
    expect(masked(bare, ['plain']).metadata).toEqual({ name: 's' });
  });
  it('other kinds are shown as they are', () => {
    const other = { ...secret, kind: 'ConfigMap' };
    expect(masked(other, ['example.com/token'])).toBe(other);
  });
});

describe('changes of a Secret', () => {
  const change = (path: string): FieldChange => ({
    path,
    before: canary,
    after: `${canary}-2`,
    owner: 'unknown',
  });
  const changes = [
    change('.metadata.annotations["example.com/token"]'),
    change('.metadata.annotations.api-key'),
    { path: '.metadata.annotations', before: { 'api-key': canary }, after: {} },
    change('.metadata.annotations.plain'),
  ];
  const names = ['example.com/token', 'api-key'];
  it('say where, never what, of the annotations that are named', () => {
    expect(maskedChanges(changes, secret, names)).toEqual([
      { path: '.metadata.annotations["example.com/token"]', secret: true, owner: 'unknown' },
      { path: '.metadata.annotations.api-key', secret: true, owner: 'unknown' },
      { path: '.metadata.annotations', secret: true },
      changes[3],
    ]);
  });
  it('are as they are where nothing is named, and of other kinds', () => {
    expect(maskedChanges(changes, secret)).toEqual(changes);
    expect(maskedChanges(changes, { ...secret, kind: 'ConfigMap' }, names)).toEqual(changes);
  });
});
