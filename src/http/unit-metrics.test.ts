/** What Prometheus reads of resources: Argo CD's names for Applications, Flux's for whatever has a condition Ready. */
import { describe, expect, it } from 'vitest';
import { failure } from '../../tests/fakes/cluster.ts';
import { configMap, EngineWorld } from '../../tests/fakes/engine-world.ts';
import { argoDialect } from '#dialects/argo/application.ts';
import { Metrics } from '#host/metrics.ts';
import type { Manifest } from '#model/object.ts';
import { applicationSamples, conditionSamples, unitObserver } from './unit-metrics.ts';

const application: Manifest = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  metadata: { name: 'web', namespace: 'argocd' },
  spec: {
    project: 'shop',
    source: { repoURL: 'https://ada:c4n4ry@git.example/acme/web', path: '.' },
    destination: { server: 'https://kubernetes.default.svc', namespace: 'web' },
    syncPolicy: { automated: {} },
  },
  status: {
    sync: { status: 'OutOfSync' },
    health: { status: 'Degraded' },
    conditions: [{ type: 'SyncError' }],
  },
};
const kustomization = (name: string, ready: string): Manifest => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name, namespace: 'flux-system' },
  status: {
    conditions: [
      { type: 'Ready', status: ready },
      { type: 'Other', status: 'True' },
    ],
  },
});
const linesOf = async (metrics: Metrics, name: string): Promise<readonly string[]> =>
  (await metrics.text())
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name}_`));

describe('argocd_app_info', () => {
  it('has Argo CD’s labels, and no password', () => {
    expect([...applicationSamples([application])]).toEqual([
      {
        value: 1,
        labels: {
          autosync_enabled: 'true',
          dest_namespace: 'web',
          dest_server: 'https://kubernetes.default.svc',
          health_status: 'Degraded',
          name: 'web',
          namespace: 'argocd',
          operation: '',
          project: 'shop',
          repo: 'https://git.example/acme/web',
          sync_status: 'OutOfSync',
        },
      },
    ]);
  });
  it.each<readonly [string, object, object]>([
    ['a demand', { operation: { sync: {} } }, { operation: 'sync' }],
    [
      'a deletion',
      { metadata: { ...application.metadata, deletionTimestamp: 'now' } },
      { operation: 'delete' },
    ],
    ['nothing known', { status: undefined }, { sync_status: 'Unknown', health_status: 'Unknown' }],
    ['nothing said', { spec: {} }, { project: 'default', repo: '', autosync_enabled: 'false' }],
    ['nonsense', { spec: 5, status: [] }, { project: 'default', sync_status: 'Unknown' }],
    [
      'automated, but off',
      { spec: { syncPolicy: { automated: { enabled: false } } } },
      { autosync_enabled: 'false' },
    ],
    [
      'several sources',
      { spec: { sources: [{ repoURL: 'https://git.example/one' }, { repoURL: 'two' }] } },
      { repo: 'https://git.example/one' },
    ],
  ])('%s', (_, change, labels) => {
    const [sample] = [...applicationSamples([{ ...application, ...change } as Manifest])];
    expect(sample?.labels).toMatchObject(labels);
  });
});

describe('gotk_reconcile_condition', () => {
  it('is 1 for the status that holds and 0 for the others, of any kind with a condition Ready', () => {
    const samples = [...conditionSamples([application, kustomization('apps', 'False')])];
    expect(
      samples.map(({ labels, value }) => [labels['kind'], labels['type'], labels['status'], value]),
    ).toEqual([
      ['Kustomization', 'Ready', 'True', 0],
      ['Kustomization', 'Ready', 'False', 1],
      ['Kustomization', 'Ready', 'Unknown', 0],
    ]);
  });
});

describe('counts', () => {
  it('of syncs and durations go with what they are about', async () => {
    const metrics = new Metrics();
    const observer = unitObserver(metrics);
    const run = { succeeded: true, dryRun: false };
    observer.turned(application, { seconds: 1, run });
    observer.turned(application, { seconds: 1 });
    observer.turned(kustomization('apps', 'True'), { seconds: 2 });
    expect(await linesOf(metrics, 'argocd_app_sync_total')).toEqual([
      'argocd_app_sync_total{dest_server="https://kubernetes.default.svc",dry_run="false",name="web",namespace="argocd",phase="Succeeded",project="shop"} 1',
    ]);
    expect(await metrics.text()).toContain(
      'argocd_app_reconcile_count{dest_server="https://kubernetes.default.svc",namespace="argocd"} 2',
    );
    expect(await metrics.text()).toContain(
      'gotk_reconcile_duration_seconds_sum{kind="Kustomization",name="apps",namespace="flux-system"} 2',
    );
    observer.forgotten({ group: 'argoproj.io', kind: 'Application', namespace: 'argocd', name: 'web' });
    observer.forgotten({
      group: 'kustomize.toolkit.fluxcd.io',
      kind: 'Kustomization',
      namespace: 'flux-system',
      name: 'apps',
    });
    expect(await linesOf(metrics, 'argocd_app_sync_total')).toEqual([]);
    expect(await linesOf(metrics, 'gotk_reconcile_duration_seconds')).toEqual([]);
  });
  it('are bounded: what is too much is counted as such', async () => {
    const metrics = new Metrics(undefined, 3);
    for (let index = 0; index < 5; index += 1)
      metrics.count('argocd_git_request_total', { repo: `r${index}`, request_type: 'fetch' });
    metrics.count('argocd_git_request_total', { request_type: 'fetch', repo: 'r0' });
    metrics.family('argocd_app_info', function* () {
      for (let index = 0; index < 5; index += 1) yield { labels: { name: `a${index}` }, value: 1 };
    });
    expect(await linesOf(metrics, 'argocd_app_info')).toHaveLength(3);
    expect(await linesOf(metrics, 'argocd_git_request_total')).toEqual([
      'argocd_git_request_total{repo="r0",request_type="fetch"} 2',
      'argocd_git_request_total{repo="r1",request_type="fetch"} 1',
      'argocd_git_request_total{repo="r2",request_type="fetch"} 1',
    ]);
    const dropped = await linesOf(metrics, 'trueup_metric_series_dropped_total');
    expect(dropped).toContain('trueup_metric_series_dropped_total{name="argocd_git_request_total"} 2');
    metrics.forget('argocd_git_request_total', { repo: 'r1' });
    metrics.count('argocd_git_request_total', { repo: 'r9', request_type: 'fetch' });
    expect(await linesOf(metrics, 'argocd_git_request_total')).toHaveLength(3);
  });
});

describe('an engine tells', () => {
  it('of every sync that ended, of none that had nothing to do, and of what is gone', async () => {
    const metrics = new Metrics();
    const world = new EngineWorld({ observer: unitObserver(metrics) });
    const syncs = (): Promise<readonly string[]> => linesOf(metrics, 'argocd_app_sync_total');
    const infos = (): readonly string[] =>
      [...applicationSamples(world.engine.declared(argoDialect('argocd').kind))].map(
        ({ labels }) => `${labels['name']} ${labels['sync_status']}`,
      );
    await world.start();
    await world.push([configMap('one')]);
    await world.create(world.application());
    expect(infos()).toEqual(['web Synced']);
    expect(await syncs()).toEqual([expect.stringMatching(/phase="Succeeded".* 1$/)]);
    await world.refresh();
    expect(await syncs()).toEqual([expect.stringMatching(/phase="Succeeded".* 1$/)]);
    await world.push([configMap('one', { a: '2' })]);
    expect(await syncs()).toEqual([expect.stringMatching(/phase="Succeeded".* 2$/)]);
    await world.sync('web', { dryRun: true });
    expect(await syncs()).toContainEqual(expect.stringMatching(/dry_run="true".* 1$/));
    await world.sync('web', { revision: 'nowhere' });
    expect(await syncs()).toContainEqual(expect.stringMatching(/phase="Failed".* 1$/));
    // Automated attempts are one sync, which ends with the last of them.
    world.cluster.inject = ({ verb }) => (verb === 'apply' ? failure('Forbidden') : undefined);
    await world.change('web', (draft) => (draft.spec.syncPolicy = { automated: {}, retry: { limit: 1 } }));
    await world.push([configMap('one', { a: '3' })]);
    expect(await syncs()).toContainEqual(expect.stringMatching(/phase="Failed".* 1$/));
    await world.advance(10_000);
    expect(await syncs()).toContainEqual(expect.stringMatching(/phase="Failed".* 2$/));
    world.cluster.drop('argoproj.io/Application', 'argocd', 'web');
    await world.settle();
    expect(infos()).toEqual([]);
    expect(await syncs()).toEqual([]);
  });
});
