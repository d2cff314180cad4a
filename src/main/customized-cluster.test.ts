import { beforeEach, describe, expect, it } from 'vitest';
import { fail, ok } from '#model/failure.ts';
import type { Manifest } from '#model/object.ts';
import type { Cluster, FollowBatch } from '#model/ports.ts';
import type { Customizations } from '#model/scripts.ts';
import type { ScriptedHealth } from '#pipeline/health/scripted.ts';
import { customizedCluster } from './customized-cluster.ts';

const configMap = (name: string, namespace: string, lua: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data: { 'resource.customizations.health.a.io_B': lua },
});
const selection = {
  kind: { group: '', version: 'v1', kind: 'ConfigMap' },
  plural: 'configmaps',
  namespace: 'argocd',
  optional: true,
} as const;

let used: (readonly string[])[];
let reads: number;
let warned: number;
let found: Awaited<ReturnType<Cluster['read']>>;
let tell: (batch: Partial<FollowBatch>) => void;
let cluster: Cluster;
beforeEach(() => {
  used = [];
  reads = 0;
  warned = 0;
  found = ok(configMap('argocd-cm', 'argocd', 'read'));
  const below = {
    read: () => ((reads += 1), Promise.resolve(found)),
    sightings: () => Promise.resolve([]),
    follow: (_: unknown, listener: (batch: FollowBatch) => void) => {
      tell = (batch) => listener({ synced: true, changed: [], gone: [], ...batch });
      return { stop: () => undefined };
    },
  } as unknown as Cluster;
  const scripted = {
    use: (checks: Customizations['health']) => void used.push(checks.map(({ script }) => script.text)),
  } as unknown as ScriptedHealth;
  const log = { warn: () => (warned += 1) } as never;
  cluster = customizedCluster(below, scripted, 'argocd', log);
});

describe('the checks of argocd-cm', () => {
  it('come with the ConfigMaps that are followed anyway, as they change and go', async () => {
    const batches: FollowBatch[] = [];
    cluster.follow(selection, (batch) => batches.push(batch));
    tell({ changed: [configMap('other', 'argocd', 'no'), configMap('argocd-cm', 'argocd', 'one')] });
    tell({ changed: [configMap('other', 'argocd', 'no')] });
    tell({ changed: [configMap('argocd-cm', 'argocd', 'two')] });
    tell({ gone: [{ group: '', kind: 'ConfigMap', namespace: 'argocd', name: 'argocd-cm' }] });
    expect(used).toEqual([['one'], ['two'], []]);
    expect(batches).toHaveLength(4);
    await cluster.sightings([], 0);
    expect(reads).toBe(0);
  });
  it('of another namespace are not ours', () => {
    cluster.follow({ ...selection, namespace: 'team' }, () => undefined);
    tell({ changed: [configMap('argocd-cm', 'team', 'theirs')] });
    expect(used).toEqual([]);
  });
  it('are read once by who follows nothing, before anything is judged', async () => {
    await Promise.all([cluster.sightings([], 0), cluster.sightings([], 0)]);
    await cluster.sightings([], 0);
    expect([reads, used]).toEqual([1, [['read']]]);
  });
  it('that may not be read are not used, and the log says so', async () => {
    found = fail({ kind: 'denied', code: 'Forbidden', stage: 'observe', message: 'no', hint: '' });
    await cluster.sightings([], 0);
    expect([used, warned]).toEqual([[], 1]);
  });
});
