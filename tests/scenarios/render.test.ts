/** What is rendered before it is applied: Kustomize and Helm, and only when something that was read has changed. */
import { describe, expect, it } from 'vitest';
import { configMap, deployment, yaml } from './manifests.ts';
import { useWorld, waitFor, type Place, type World } from './world.ts';

const at = (place: Place, path: string, further: object = {}) => ({
  source: { repoURL: place.repository.url, path, targetRevision: 'main', ...further },
});
const base = {
  'apps/web/base/kustomization.yaml':
    'resources: [web.yaml]\nconfigMapGenerator:\n- name: settings\n  literals: [a=1]\n',
  'apps/web/base/web.yaml': yaml(deployment('web', { replicas: 1 })),
  'apps/web/prod/kustomization.yaml': 'resources: [../base]\nnamePrefix: p-\n',
};
const rendersOf = async (world: World): Promise<number> => {
  const text = await (await fetch(`${world.origin}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('trueup_renders_total'))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

/** Requests that end: watches that stay open are none. */
const requestsOf = async (world: World): Promise<number> => {
  const text = await (await fetch(`${world.origin}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('trueup_kube_requests_total{') && !line.includes('verb="watch"'))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

/** How many requests there were, once there was none for some seconds. */
async function quiet(world: World): Promise<number> {
  let last = -1;
  let sinceMs = 0;
  await waitFor('Trueup to ask nothing', async () => {
    const requests = await requestsOf(world);
    if (requests !== last) sinceMs = performance.now();
    last = requests;
    return performance.now() - sinceMs > 7_000;
  });
  return last;
}

describe('a Kustomize source', () => {
  const world = useWorld();

  it('is built with its base, and with what the Application lays over it', async () => {
    const place = await world.place();
    const commit = await place.push(base);
    await place.createApplication({
      spec: at(place, 'apps/web/prod', {
        kustomize: { nameSuffix: '-x', replicas: [{ name: 'web', count: 2 }] },
      }),
    });
    await place.synced(commit);
    expect((await place.live('apps/v1/Deployment', 'p-web-x'))['spec'].replicas).toBe(2);
  });

  it('is rendered again for a change of its base, and not for one elsewhere', async () => {
    const place = await world.place();
    await place.push({ ...base, 'apps/other/kustomization.yaml': 'namePrefix: x-\n' });
    await place.createApplication({ spec: at(place, 'apps/web/prod') });
    await place.synced();
    const before = await rendersOf(world);
    const elsewhere = await place.pushAndHint({
      'apps/other/kustomization.yaml': 'namePrefix: y-\n',
      'apps/web/README.md': 'text',
      'apps/web/base/unused.yaml': yaml(configMap('unused', { a: '1' })),
    });
    await place.refresh();
    await place.synced(elsewhere);
    expect(await rendersOf(world)).toBe(before);

    const commit = await place.pushAndHint({
      'apps/web/base/web.yaml': yaml(deployment('web', { replicas: 3 })),
    });
    await place.synced(commit);
    expect((await place.live('apps/v1/Deployment', 'p-web'))['spec'].replicas).toBe(3);
    expect(await rendersOf(world)).toBe(before + 1);
  });
});

describe('a remote base', () => {
  const world = useWorld();

  it('is followed: a push to its branch changes the cluster, and one elsewhere renders nothing', async () => {
    const bases = await world.place();
    const place = await world.place();
    const replicas = (count: number) => ({
      'web/kustomization.yaml': 'resources: [web.yaml]\n',
      'web/web.yaml': yaml(deployment('web', { replicas: count })),
    });
    await bases.push(replicas(1));
    const commit = await place.push({
      'app/kustomization.yaml': `namePrefix: p-\nresources: ['${bases.repository.url}//web?ref=main']\n`,
    });
    await place.createApplication();
    await place.synced(commit);
    const live = await place.live('apps/v1/Deployment', 'p-web');
    expect(live['spec'].replicas).toBe(1);

    const before = await rendersOf(world);
    await bases.pushAndHint({ 'README.md': 'text' });
    await place.refresh();
    expect(await rendersOf(world)).toBe(before);

    await bases.pushAndHint(replicas(3));
    await waitFor('three replicas', async () => {
      const now = await place.live('apps/v1/Deployment', 'p-web');
      return now['spec'].replicas === 3;
    });
    await place.synced(commit);
  });

  it('that the project does not permit is named, and what is there stays', async () => {
    const bases = await world.place();
    const place = await world.place();
    const value = (a: string) => yaml(configMap('a', { a }));
    await bases.push({ 'kustomization.yaml': 'resources: [a.yaml]\n', 'a.yaml': value('2') });
    const project = `p-${place.name}`;
    await world.api.create({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: project, namespace: world.controlNamespace },
      spec: {
        sourceRepos: [place.repository.url],
        destinations: [{ server: '*', namespace: '*' }],
      },
    });
    await place.push({ 'app/kustomization.yaml': 'resources: [a.yaml]\n', 'app/a.yaml': value('1') });
    await place.createApplication({ spec: { project } });
    await place.synced();
    await place.pushAndHint({ 'app/kustomization.yaml': `resources:\n- ${bases.repository.url}\n` });
    await place.condition(
      new RegExp(`app/kustomization\\.yaml:2.*${bases.name}.*AppProject ${project}.*RemoteBaseDenied`),
    );
    expect((await place.live('v1/ConfigMap', 'a'))['data']).toEqual({ a: '1' });
    expect(world.git.counts(bases.name).requests).toBe(0);
  });
});

describe('a Helm source', () => {
  const world = useWorld();

  it('is rendered with its values, for the cluster that it goes to', async () => {
    const place = await world.place();
    const commit = await place.push({
      'chart/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
      'chart/values.yaml': 'a: 1\n',
      'chart/templates/map.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata:\n  a: {{ .Values.a | quote }}\n  b: {{ .Values.b | quote }}\n  kind: {{ .Capabilities.APIVersions.Has "argoproj.io/v1alpha1/Application" | quote }}\n',
      'env/prod.yaml': 'a: 2\n',
    });
    await place.createApplication({
      spec: at(place, 'chart', {
        helm: { valueFiles: ['/env/prod.yaml'], parameters: [{ name: 'b', value: '$ARGOCD_APP_NAME' }] },
      }),
    });
    await place.synced(commit);
    expect((await place.live('v1/ConfigMap', place.name))['data']).toEqual({
      a: '2',
      b: place.name,
      kind: 'true',
    });

    const next = await place.pushAndHint({ 'env/prod.yaml': 'a: 3\n' });
    await place.synced(next);
    expect((await place.live('v1/ConfigMap', place.name))['data'].a).toBe('3');
  });

  it('that does not render says where, and leaves what is there', async () => {
    const place = await world.place();
    const chart = (template: string) => ({
      'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
      'app/templates/map.yaml': template,
    });
    const good = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\ndata: {a: "1"}\n';
    await place.push(chart(good));
    await place.createApplication();
    await place.synced();
    await place.pushAndHint(chart(`${good}b: {{ fail "not today" }}\n`));
    await place.condition(/app\/templates\/map\.yaml:5.*not today/);
    expect(await place.get('v1/ConfigMap', 'good')).toBeDefined();
  });

  it('that looks up an object of another namespace follows it, and asks nothing while it stays', async () => {
    const place = await world.place();
    const elsewhere = await world.place();
    await world.api.create(configMap('settings', { a: 'one' }, { namespace: elsewhere.namespace }));
    await place.push({
      'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
      'app/templates/map.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: copy}
data:
  a: {{ (lookup "v1" "ConfigMap" "${elsewhere.namespace}" "settings").data.a }}
  none: {{ lookup "v1" "ConfigMap" "${elsewhere.namespace}" "absent" | empty | quote }}
  thing: {{ lookup "no.example/v1" "Thing" "default" "x" | empty | quote }}
`,
    });
    await place.createApplication();
    await place.synced();
    const copy = async () => (await place.live('v1/ConfigMap', 'copy'))['data'];
    expect(await copy()).toEqual({ a: 'one', none: 'true', thing: 'true' });

    const edited = await world.kubectl(
      'patch',
      'configmap',
      'settings',
      '--namespace',
      elsewhere.namespace,
      '--type=merge',
      '--patch={"data":{"a":"two"}}',
    );
    expect(edited.code, edited.stderr).toBe(0);
    await waitFor('the edit to arrive', async () => expect((await copy()).a).toBe('two'));
    await place.synced();

    const rendered = await rendersOf(world);
    const requests = await quiet(world);
    expect(requests).toBeGreaterThan(0);
    await world.kubectl('create', 'configmap', 'other', '--namespace', elsewhere.namespace);
    expect(await quiet(world)).toBe(requests);
    expect(await rendersOf(world)).toBe(rendered);
  });
});
