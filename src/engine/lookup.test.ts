/** Charts that ask the cluster: whatever changes an answer renders the Units that asked, and no others. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isWrite } from '../../tests/fakes/cluster.ts';
import { configMap, EngineWorld, repository } from '../../tests/fakes/engine-world.ts';
import type { Files } from '../../tests/fakes/repositories.ts';

let world: EngineWorld;
beforeEach(async () => {
  world = new EngineWorld();
  await world.start();
});
afterEach(() => {
  expect(world.errors).toEqual([]);
});

const chart = (name: string, template: string): Files => ({
  [`${name}/Chart.yaml`]: `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`,
  [`${name}/templates/map.yaml`]: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata:\n  a: ${template}\n`,
});
const source = (path: string) => ({ source: { repoURL: repository, path, targetRevision: 'main' } });
const asks = '{{ (lookup "v1" "ConfigMap" "default" "shared").data | toJson | quote }}';
const shared = (value: string) => configMap('shared', { a: value }, 'default');

/** One Application for each chart. */
async function install(charts: Readonly<Record<string, string>>): Promise<void> {
  await world.pushFiles(
    Object.assign({}, ...Object.entries(charts).map(([name, template]) => chart(name, template))),
  );
  for (const name of Object.keys(charts)) await world.create(world.application(name, source(name)));
}
const answer = (name: string): unknown => (world.data(name) as { a?: unknown } | undefined)?.a;
async function edit(name: string, value: string, namespace = 'default'): Promise<void> {
  world.cluster.edit('ConfigMap', namespace, name, (draft) => (draft.data.a = value));
  await world.settle();
}

describe('an object that a chart looks up', () => {
  it('renders that chart again when it changes, comes or goes, and no other chart', async () => {
    world.cluster.put(shared('one'));
    await install({ asking: asks, other: '"1"' });
    expect(answer('asking')).toBe('{"a":"one"}');
    const before = world.renders;
    await edit('shared', 'two');
    expect(answer('asking')).toBe('{"a":"two"}');
    expect(world.renders).toBe(before + 1);

    world.cluster.put(configMap('unrelated', { a: '1' }, 'default'));
    await edit('unrelated', '2');
    expect(world.renders).toBe(before + 1);

    await world.advance(10_000);
    world.cluster.drop('ConfigMap', 'default', 'shared');
    await world.settle();
    expect(answer('asking')).toBe('null');
    await world.advance(10_000);
    world.cluster.put(shared('back'));
    await world.settle();
    expect(answer('asking')).toBe('{"a":"back"}');
    expect(world.status('asking').sync?.status).toBe('Synced');
  });
  it('renders it again also where a commit of other files comes at the same time', async () => {
    world.cluster.put(shared('one'));
    await install({ asking: asks });
    await edit('shared', 'two');
    expect(answer('asking')).toBe('{"a":"two"}');
    // So soon after the last one it waits, while the commit is looked at.
    await edit('shared', 'three');
    await world.pushFiles({ ...chart('asking', asks), 'README.md': 'x' });
    await world.advance(5_000);
    expect(answer('asking')).toBe('{"a":"three"}');
  });
  it('costs nothing while it stays, also after a restart, and no write', async () => {
    world.cluster.put(shared('one'));
    await install({ asking: asks });
    const mark = world.mark;
    const before = world.renders;
    await world.advance(3_600_000, 30_000);
    expect(world.cluster.since(mark)).toEqual([]);
    await world.restart();
    await world.advance(60_000);
    expect(world.renders).toBe(before);
    expect(world.cluster.since(mark).filter(isWrite)).toEqual([]);
  });
  it('is seen after a restart when it changed meanwhile', async () => {
    world.cluster.put(shared('one'));
    await install({ asking: asks });
    world.crash();
    world.cluster.put(shared('two'));
    await world.start();
    expect(answer('asking')).toBe('{"a":"two"}');
  });
  it('may change all the time: a chart is rendered for it every few seconds at most', async () => {
    world.cluster.put(shared('0'));
    await install({ asking: asks });
    const before = world.renders;
    for (let second = 1; second <= 60; second += 1) {
      await edit('shared', String(second));
      await world.advance(1000);
    }
    expect(world.renders - before).toBeLessThanOrEqual(13);
    await world.advance(10_000);
    expect(answer('asking')).toBe('{"a":"60"}');
  });
  it('that the chart itself makes settles', async () => {
    await install({
      own: '{{ (lookup "v1" "ConfigMap" "payments" "own").data | default dict | dig "a" "first" | quote }}',
    });
    const before = world.renders;
    await world.advance(60_000);
    expect(answer('own')).toBe('first');
    expect(world.renders - before).toBeLessThanOrEqual(1);
    const mark = world.mark;
    await world.advance(60_000);
    expect(world.cluster.since(mark)).toEqual([]);
  });
  it('is no longer followed when no chart asks for it', async () => {
    world.cluster.put(shared('one'));
    await install({ asking: asks, same: asks });
    const followed = world.cluster.followed;
    await world.pushFiles({ ...chart('asking', '"1"'), ...chart('same', asks) });
    expect(world.cluster.followed).toBe(followed);
    await world.pushFiles({ ...chart('asking', '"1"'), ...chart('same', '"1"') });
    expect(world.cluster.followed).toBe(followed - 1);
    const before = world.renders;
    await edit('shared', 'two');
    expect(world.renders).toBe(before);
  });
  it('that is missed by a template that fails makes it right by coming (F8)', async () => {
    await install({
      strict:
        '{{ $s := lookup "v1" "ConfigMap" "default" "shared" }}{{ if not $s }}{{ fail "no settings" }}{{ end }}{{ $s.data.a }}',
    });
    expect(world.condition('ComparisonError', 'strict')).toMatch(/no settings/);
    world.cluster.put(shared('here'));
    await world.settle();
    expect(answer('strict')).toBe('here');
    expect(world.condition('ComparisonError', 'strict')).toBeUndefined();
  });
  it('S5: that may not be read blocks the Unit, naming template, object and rule; a role makes it right', async () => {
    world.cluster.forbidden.add('/ConfigMap');
    world.cluster.put(shared('one'));
    await install({ asking: asks });
    const said = world.condition('ComparisonError', 'asking');
    expect(said).toMatch(/asking\/templates\/map\.yaml:5.*ConfigMap default\/shared/);
    expect(said).toMatch(
      /list and watch on configmaps \(resourceNames: shared\) with a Role in namespace default/,
    );
    expect(said).toContain('[LookupForbidden]');
    expect(world.data('asking')).toBeUndefined();
    world.cluster.forbidden.clear();
    world.client.retry();
    await world.settle();
    expect(answer('asking')).toBe('{"a":"one"}');
    expect(world.condition('ComparisonError', 'asking')).toBeUndefined();
  });
});

describe('S5, S6: a project', () => {
  const project = (spec: object) => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'team', namespace: 'argocd' },
    spec: {
      sourceRepos: ['*'],
      destinations: [{ server: '*', namespace: 'payments' }],
      ...spec,
    },
  });
  async function install(template: string): Promise<void> {
    world.cluster.put(project({}));
    world.cluster.put(shared('one'));
    await world.pushFiles(chart('asking', template));
    await world.create(world.application('asking', { ...source('asking'), project: 'team' }));
  }

  it.each([
    ['an object of a namespace', asks, /namespace default/],
    ['a list of all namespaces', '{{ len (lookup "v1" "ConfigMap" "" "").items | quote }}', /all namespaces/],
    ['a kind', '{{ lookup "v1" "Namespace" "" "default" | len | quote }}', /cluster-scoped kind Namespace/],
  ])('that does not permit %s lets no chart look there, until it does', async (_, template, why) => {
    const { followed } = world.cluster;
    await install(template);
    const conditions = world.status('asking').conditions ?? [];
    expect(conditions).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/asking\/templates\/map\.yaml:5.*\[ProjectDenies\]/),
      }),
    ]);
    expect(conditions[0]!.message).toMatch(why);
    expect(answer('asking')).toBeUndefined();
    expect(world.cluster.followed).toBe(followed);
    const destinations = [{ server: '*', namespace: '*' }];
    const clusterResourceWhitelist = [{ group: '', kind: 'Namespace' }];
    world.cluster.put(project({ destinations, clusterResourceWhitelist }));
    await world.settle();
    expect(answer('asking')).toBeDefined();
  });
  it('that permits it changes nothing', async () => {
    await install('{{ lookup "v1" "ConfigMap" "payments" "none" | len | quote }}');
    expect(answer('asking')).toBe('0');
  });
});

describe('a list that a chart looks up', () => {
  const count = '{{ len (lookup "v1" "ConfigMap" "default" "").items | quote }}';
  it('follows what comes and goes in its namespace', async () => {
    world.cluster.put(configMap('x', {}, 'default'));
    await install({ counting: count });
    expect(answer('counting')).toBe('1');
    const before = world.renders;
    world.cluster.put(configMap('y', {}, 'default'));
    await world.settle();
    expect(answer('counting')).toBe('2');
    world.cluster.put(configMap('elsewhere', {}, 'argocd'));
    await world.settle();
    expect(world.renders).toBe(before + 1);
  });
  it.each([
    ['objects', 1100, 1],
    ['bytes', 5, 1_000_000],
  ])('F20: of too many %s is refused, and not followed', async (_, objects, bytes) => {
    for (let index = 0; index < objects; index += 1)
      world.cluster.put(configMap(`x${index}`, { a: 'x'.repeat(bytes) }, 'default'));
    const followed = world.cluster.followed;
    await install({ counting: count });
    expect(world.condition('ComparisonError', 'counting')).toMatch(/at most 1000 objects.*LookupTooLarge/);
    expect(world.cluster.followed).toBe(followed);
  });
});

describe('the kinds of the cluster', () => {
  const define = (group: string): void => {
    world.cluster.put({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `things.${group}` },
      spec: { group, names: { kind: 'Thing', plural: 'things' }, versions: [{ name: 'v1' }] },
    });
  };
  const has = '{{ .Capabilities.APIVersions.Has "x.example/v1/Thing" | quote }}';

  it('render the charts again that asked for one that comes, and no others', async () => {
    await install({ asking: has, version: '{{ .Capabilities.KubeVersion.Minor | quote }}', silent: '"1"' });
    expect(answer('asking')).toBe('false');
    const before = world.renders;
    define('y.example');
    await world.settle();
    expect(world.renders).toBe(before);
    await world.advance(5_000);
    define('x.example');
    await world.settle();
    expect(answer('asking')).toBe('true');
    expect(world.renders).toBe(before + 1);
    const mark = world.mark;
    await world.advance(600_000, 30_000);
    expect(world.cluster.since(mark)).toEqual([]);
  });
  it('of an upgraded cluster render the charts again that asked for its version', async () => {
    await install({ asking: has, version: '{{ .Capabilities.KubeVersion.Minor | quote }}' });
    const before = world.renders;
    world.cluster.kubeVersion = 'v1.37.0';
    world.cluster.kindsChanged();
    await world.settle();
    expect(answer('version')).toBe('37');
    expect(world.renders).toBe(before + 1);
  });
  it('that are not served are looked up as nothing, until they are', async () => {
    const things = '{{ (lookup "x.example/v1" "Thing" "default" "a").a | default "none" | quote }}';
    await install({ asking: things });
    expect(answer('asking')).toBe('none');
    define('x.example');
    await world.settle();
    world.cluster.put({
      apiVersion: 'x.example/v1',
      kind: 'Thing',
      metadata: { name: 'a', namespace: 'default' },
      a: 'found',
    });
    await world.settle();
    expect(answer('asking')).toBe('found');
  });
  it('F19: that the cluster cannot tell now change nothing', async () => {
    define('x.example');
    await install({ asking: has });
    expect(answer('asking')).toBe('true');
    world.cluster.kinds.pop();
    world.cluster.unknown.add('x.example/v1');
    world.cluster.kindsChanged();
    await world.settle();
    expect(answer('asking')).toBe('true');
    expect(world.condition('ComparisonError', 'asking')).toMatch(/DiscoveryIncomplete/);
    world.cluster.unknown.clear();
    world.cluster.kinds.push({ ...world.cluster.kinds[0]!, group: 'x.example', kind: 'Thing' });
    await world.advance(600_000, 30_000);
    expect(world.condition('ComparisonError', 'asking')).toBeUndefined();
    expect(answer('asking')).toBe('true');
  });
  it('F19: that cannot be told now are not looked up as nothing', async () => {
    world.cluster.unknown.add('x.example/v1');
    await install({ asking: '{{ lookup "x.example/v1" "Thing" "default" "a" | len | quote }}' });
    expect(world.condition('ComparisonError', 'asking')).toMatch(/Thing default\/a.*DiscoveryIncomplete/);
    world.cluster.unknown.clear();
    await world.advance(600_000, 30_000);
    expect(answer('asking')).toBe('0');
  });
});

describe('S14: a Secret that a chart looks up', () => {
  it('is in no record, status, condition or render key as it is', async () => {
    const canary = 'canary-4711-hunter';
    const stored = Buffer.from(canary).toString('base64');
    const secret = (value: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'given', namespace: 'default' },
      data: { p: value },
    });
    world.cluster.put(secret(stored));
    await world.pushFiles({
      'copy/Chart.yaml': 'apiVersion: v2\nname: copy\nversion: 1.0.0\n',
      'copy/templates/s.yaml':
        'apiVersion: v1\nkind: Secret\nmetadata: {name: copy}\ndata:\n  p: {{ (lookup "v1" "Secret" "default" "given").data.p }}\n',
    });
    await world.create(world.application('copy', source('copy')));
    const copied = () => world.cluster.must('Secret', 'payments', 'copy')['data'];
    expect(copied()).toEqual({ p: stored });
    await world.advance(10_000);
    const other = Buffer.from('canary-0815').toString('base64');
    world.cluster.put(secret(other));
    await world.settle();
    expect(copied()).toEqual({ p: other });
    expect(world.state('copy')?.read?.[0]?.lookups).toEqual(['["v1","Secret","default","given"]']);
    const records = [...world.cluster.objects.values()].filter(({ kind }) => kind !== 'Secret');
    const text = JSON.stringify([records, world.state('copy'), world.status('copy')]);
    expect(text).not.toMatch(/canary|Y2FuYXJ5/);
    expect(text).toContain('given');
  });
});
