/**
 * Every field of a source, as people write it, on a cluster. `shownBy` says which scenario shows which; what is accepted
 * and not in it fails here.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { applicationSource } from '#dialects/argo/schema.ts';
import { overridesOf } from '#dialects/argo/source-overrides.ts';
import { membersOfSource } from '#dialects/argo/unsupported.ts';
import { startChartRepository } from '../registries/chart-repository.ts';
import { archiveOf, sha256 } from '../registries/packing.ts';
import { basicAuthorization, plainLayer, pushLayers } from '../registries/push-layers.ts';
import { login, startChartServers, type ChartServers } from './chart-servers.ts';
import { configMap, definition, definitionKind, deployment, yaml } from './manifests.ts';
import { expectShown, type ShownBy } from './shown-by.ts';
import { useWorld, waitFor, type Place } from './world.ts';

const world = useWorld();

const kustomized = 'examples.test.ts: are laid over the kustomization';
const late =
  'examples.test.ts: with ignoreMissingComponents it is left out until it comes; labels and annotations name the Application';
const forced = 'force… goes over what the kustomization says; without it that is named';
const valued = 'examples.test.ts: take effect in the order of Helm: files, values, parameters';
const meant = 'a chart is rendered for what the Application says';
const skipping =
  'skipSchemaValidation, skipTests and skipCrds leave out what they name; without them crds/ comes first';
const several = 'one has a name, which changes nothing, and gets files of another by its ref';
const subdirectories =
  'push.test.ts: reads subdirectories only with recurse, and honours include and exclude';
const jsonnet =
  'examples.test.ts: is evaluated with its variables and libraries, and a commit to a library alone is applied';
const beside =
  'examples.test.ts: changes how the directory is rendered, from the commit on that brings it; what it is not known to say stops';
const inGit = 'in Git it is HEAD where it is absent, a whole ref, or the beginning of a commit';
const ofImage = 'manifests of a registry: a tag, a range, a digest, and latest where there is none';
const shownBy: ShownBy = {
  repoURL: 'push.test.ts: applies what the directory holds, marks it, and says so in the status',
  path: 'push.test.ts: applies what the directory holds, marks it, and says so in the status',
  chart: 'sources.test.ts: are applied in the highest version of the range, and a new version arrives',
  name: several,
  ref: several,
  plugin: 'plugin, and a version of Helm that is not there, are refused by name',
  'directory.recurse': subdirectories,
  'directory.include': subdirectories,
  'directory.exclude': subdirectories,
  'directory.jsonnet.extVars.name': jsonnet,
  'directory.jsonnet.extVars.value': jsonnet,
  'directory.jsonnet.extVars.code': jsonnet,
  'directory.jsonnet.tlas.name': jsonnet,
  'directory.jsonnet.tlas.value': jsonnet,
  'directory.jsonnet.tlas.code': 'code of a top-level argument is evaluated',
  'directory.jsonnet.libs': jsonnet,
  'kustomize.namePrefix': kustomized,
  'kustomize.nameSuffix': kustomized,
  'kustomize.namespace': forced,
  'kustomize.images': kustomized,
  'kustomize.replicas.name': kustomized,
  'kustomize.replicas.count': kustomized,
  'kustomize.commonLabels': kustomized,
  'kustomize.forceCommonLabels': forced,
  'kustomize.labelWithoutSelector': kustomized,
  'kustomize.labelIncludeTemplates': late,
  'kustomize.commonAnnotations': kustomized,
  'kustomize.forceCommonAnnotations': forced,
  'kustomize.commonAnnotationsEnvsubst': late,
  'kustomize.patches': kustomized,
  'kustomize.components': kustomized,
  'kustomize.ignoreMissingComponents': late,
  'kustomize.version': late,
  'kustomize.kubeVersion': forced,
  'kustomize.apiVersions': forced,
  'helm.releaseName': valued,
  'helm.namespace': meant,
  'helm.valueFiles': valued,
  'helm.ignoreMissingValueFiles': valued,
  'helm.values': 'examples.test.ts: values as text, and a change of them',
  'helm.valuesObject': valued,
  'helm.parameters.name': valued,
  'helm.parameters.value': valued,
  'helm.parameters.forceString': valued,
  'helm.fileParameters.name': valued,
  'helm.fileParameters.path': valued,
  'helm.passCredentials': 'passCredentials gives the login to the other server that the index names',
  'helm.skipCrds': skipping,
  'helm.skipTests': skipping,
  'helm.skipSchemaValidation': skipping,
  'helm.kubeVersion': meant,
  'helm.apiVersions': meant,
  'helm.version': 'plugin, and a version of Helm that is not there, are refused by name',
  '.argocd-source.yaml': beside,
  '.argocd-source-APP.yaml': beside,
  'targetRevision: a branch': 'push.test.ts: applies the next commit when a webhook hints at it',
  'targetRevision: a tag': 'push.test.ts: follows a tag and a full commit',
  'targetRevision: a commit': 'push.test.ts: follows a tag and a full commit',
  'targetRevision: the beginning of a commit': inGit,
  'targetRevision: refs/…': inGit,
  'targetRevision: HEAD': inGit,
  'targetRevision: none': inGit,
  'targetRevision: a range': 'examples.test.ts: is the highest tag in it, and moves when a higher one comes',
  'targetRevision of a chart: a version': 'sources.test.ts: gives a chart that helm pushed',
  'targetRevision of a chart: a range':
    'sources.test.ts: are applied in the highest version of the range, and a new version arrives',
  'targetRevision of an image: a tag': ofImage,
  'targetRevision of an image: a range': ofImage,
  'targetRevision of an image: a digest': ofImage,
  'targetRevision of an image: none': ofImage,
  'argocd.argoproj.io/manifest-generate-paths':
    'with manifest-generate-paths a commit elsewhere changes nothing, and one below the path is applied',
};

/** Each field that the schema has, down to those of what stands in lists. */
function fieldsOf(schema: z.core.$ZodType, at: string): readonly string[] {
  const { def } = schema as unknown as { readonly def: z.core.$ZodTypes['_zod']['def'] };
  if (def.type === 'optional' || def.type === 'nullable') return fieldsOf(def.innerType, at);
  if (def.type === 'array') return fieldsOf(def.element, at);
  const fields = def.type === 'object' ? Object.entries(def.shape) : [];
  if (fields.length === 0) return [at];
  return fields.flatMap(([name, field]) => fieldsOf(field, at === '' ? name : `${at}.${name}`));
}
const isWithin = (field: string, of: string): boolean => field.startsWith(`${of}.`);

it('each that is accepted has a scenario', ({ task }) => {
  const inSchema = fieldsOf(applicationSource, '');
  const members = Object.entries(membersOfSource).flatMap(([at, { honoured, refused }]) =>
    [...honoured, ...refused].map((name) => (at === '' ? name : `${at}.${name}`)),
  );
  const notInSchema = members.filter(
    (member) => !inSchema.some((field) => field === member || isWithin(field, member)),
  );
  const unread = inSchema.filter(
    (field) => !members.some((member) => field === member || isWithin(field, member)),
  );
  expect(unread, 'fields of the schema that would be warned of').toEqual([]);
  const context = { application: 'APP', instance: 'APP', project: '', namespace: '', names: [] };
  const { files } = overridesOf({ repoURL: 'https://git.example/a' }, context);
  // What one field may say, and what is no field of the source.
  const others = Object.keys(shownBy).filter((name) => /^targetRevision|\//.test(name));
  const fields = [...inSchema, ...notInSchema].filter((name) => name !== 'targetRevision');
  return expectShown(task, shownBy, [...fields, ...files, ...others]);
});

const at = (place: Place, further: object = {}) => ({
  source: { repoURL: place.repository.url, path: 'app', targetRevision: 'main', ...further },
});
const dataOf = async (place: Place, name: string): Promise<unknown> =>
  (await place.live('v1/ConfigMap', name))['data'];
const has = async (place: Place, name: string): Promise<boolean> =>
  (await place.get('v1/ConfigMap', name)) !== undefined;
const settings = (a: string): string => yaml(configMap('settings', { a }));
const chart = { 'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n' };

describe('a Helm source', () => {
  it('a chart is rendered for what the Application says', async () => {
    const place = await world.place();
    await place.push({
      ...chart,
      'app/templates/settings.yaml': yaml(
        configMap('settings', {
          kube: '{{ .Capabilities.KubeVersion }}',
          has: '{{ .Capabilities.APIVersions.Has `example.com/v9/Thing` }}',
          namespace: '{{ .Release.Namespace }}',
        }),
      ),
    });
    const helm = { kubeVersion: '1.20.0', apiVersions: ['example.com/v9/Thing'], namespace: 'elsewhere' };
    await place.createApplication({ spec: at(place, { helm }) });
    await place.synced();
    expect(await dataOf(place, 'settings')).toEqual({ kube: 'v1.20.0', has: 'true', namespace: 'elsewhere' });
  });

  it('skipSchemaValidation, skipTests and skipCrds leave out what they name; without them crds/ comes first', async () => {
    const group = `source-${world.id}.example.com`;
    const kinds = definition(group, 'Widget');
    const files = {
      ...chart,
      'app/values.yaml': 'size: large\n',
      'app/values.schema.json': JSON.stringify({ properties: { size: { type: 'integer' } } }),
      'app/crds/kinds.yaml': yaml(kinds),
      'app/templates/settings.yaml': settings('1'),
      // Argo CD runs a test that has a hook of its own.
      'app/templates/test.yaml': yaml(
        configMap(
          'probe',
          {},
          { annotations: { 'helm.sh/hook': 'test', 'argocd.argoproj.io/hook': 'PostSync' } },
        ),
      ),
    };
    const skips = await world.place();
    await skips.push(files);
    await skips.createApplication({ spec: at(skips, { helm: { skipTests: true, skipCrds: true } }) });
    await skips.condition(/ValuesInvalid/);
    await skips.change({ spec: { source: { helm: { skipSchemaValidation: true } } } });
    await skips.synced();
    expect([await has(skips, 'settings'), await has(skips, 'probe')]).toEqual([true, false]);
    expect(await world.api.get(definitionKind, '', kinds.metadata.name)).toBeUndefined();

    const whole = await world.place();
    const widget = { apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name: 'one' } };
    await whole.push({
      ...files,
      'app/values.yaml': 'size: 1\n',
      'app/templates/a-widget.yaml': yaml(widget),
    });
    await whole.createApplication();
    try {
      await whole.synced(undefined, 60_000);
      expect(await whole.get(`${group}/v1/Widget`, 'one')).toBeDefined();
      await waitFor('the test', () => has(whole, 'probe'));
    } finally {
      await whole.remove();
      await world.api.remove(definitionKind, '', kinds.metadata.name);
    }
  });
});

describe('a Kustomize source', () => {
  it('force… goes over what the kustomization says; without it that is named', async () => {
    const [place, other] = [await world.place(), await world.place()];
    await place.push({
      'app/kustomization.yaml':
        'resources: [web.yaml]\ncommonLabels: {team: a, tier: web}\ncommonAnnotations: {owner: a}\n',
      'app/web.yaml': yaml(deployment('web')),
    });
    const kustomize = {
      namespace: other.namespace,
      commonLabels: { team: 'b' },
      commonAnnotations: { owner: 'b' },
      // They are for charts that a kustomization inflates.
      kubeVersion: '1.20.0',
      apiVersions: ['example.com/v9'],
    };
    await place.createApplication({ spec: at(place, { kustomize }) });
    await place.condition(/label team is in the kustomization file already/);
    await place.change({ spec: { source: { kustomize: { forceCommonLabels: true } } } });
    await place.condition(/annotation owner is in the kustomization file already/);
    await place.change({ spec: { source: { kustomize: { forceCommonAnnotations: true } } } });
    await place.synced();
    const { metadata, spec } = await other.live('apps/v1/Deployment', 'web');
    const labels = { team: 'b', tier: 'web' };
    expect(metadata).toMatchObject({ labels, annotations: { owner: 'b' } });
    expect(spec.selector.matchLabels).toEqual({ app: 'web', ...labels });
    expect(spec.template.metadata).toMatchObject({ labels, annotations: { owner: 'b' } });
    expect(await place.get('apps/v1/Deployment', 'web')).toBeUndefined();
  });
});

describe('a directory', () => {
  it('code of a top-level argument is evaluated', async () => {
    const place = await world.place();
    await place.push({
      'app/settings.jsonnet': `function(sizes) {
  apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { a: std.join(',', sizes) },
}`,
    });
    const tlas = [{ name: 'sizes', value: "['s', 'm']", code: true }];
    await place.createApplication({ spec: at(place, { directory: { jsonnet: { tlas } } }) });
    await place.synced();
    expect(await dataOf(place, 'settings')).toEqual({ a: 's,m' });
  });
});

describe('several sources', () => {
  it('one has a name, which changes nothing, and gets files of another by its ref', async () => {
    const [place, other] = [await world.place(), await world.place()];
    await place.push({
      ...chart,
      'app/templates/settings.yaml': yaml(
        configMap('settings', { a: '{{ .Values.a }}', motd: '{{ .Values.motd }}' }),
      ),
    });
    await other.push({ 'env/prod.yaml': 'a: one\n', 'motd.txt': 'hello' });
    const helm = {
      valueFiles: ['$files/env/*.yaml'],
      fileParameters: [{ name: 'motd', path: '$files/motd.txt' }],
    };
    const sources = [
      { name: 'app', ...at(place, { helm }).source },
      { name: 'files', repoURL: other.repository.url, targetRevision: 'main', ref: 'files' },
    ];
    await place.createApplication({ spec: { source: undefined, sources } });
    const { status } = await place.synced();
    expect(await dataOf(place, 'settings')).toEqual({ a: 'one', motd: 'hello' });
    expect(status?.conditions ?? []).toEqual([]);
  });
});

describe('targetRevision', () => {
  it('in Git it is HEAD where it is absent, a whole ref, or the beginning of a commit', async () => {
    const place = await world.place();
    const first = await place.push({ 'app/settings.yaml': settings('1') });
    const second = await place.push({ 'app/settings.yaml': settings('2') });
    await place.repository.tag('v2');
    const third = await place.push({ 'app/settings.yaml': settings('3') });
    const follows = async (targetRevision: string | null, commit: string, a: string): Promise<void> => {
      await place.change({ spec: { source: { targetRevision } } });
      await place.synced(commit);
      expect(await dataOf(place, 'settings')).toEqual({ a });
    };
    await place.createApplication({ spec: at(place, { targetRevision: first.slice(0, 8) }) });
    await place.synced(first);
    await follows('refs/tags/v2', second, '2');
    await follows('HEAD', third, '3');
    await follows('refs/tags/v2', second, '2');
    await follows('refs/heads/main', third, '3');
    await follows(first, first, '1');
    await follows(null, third, '3');
  });
});

describe('what is not honoured', () => {
  it('plugin, and a version of Helm that is not there, are refused by name', async () => {
    const place = await world.place();
    await place.push({ 'app/settings.yaml': settings('1') });
    await place.createApplication({ spec: at(place, { plugin: { name: 'cdk8s' } }) });
    await place.condition(/spec\.source\.plugin/, /^Unsupported$/);
    await place.change({ spec: { source: { plugin: null, helm: { version: 'v2' } } } });
    await place.condition(/spec\.source\.helm\.version/, /^Unsupported$/);
    await place.refresh();
    expect(await has(place, 'settings')).toBe(false);
    await place.change({ spec: { source: { helm: null } } });
    await place.synced();
  });
});

describe('the annotation', () => {
  it('with manifest-generate-paths a commit elsewhere changes nothing, and one below the path is applied', async () => {
    const place = await world.place();
    const other = await world.place({ shared: place });
    const first = await place.push({ 'app/settings.yaml': settings('1') });
    const annotations = { 'argocd.argoproj.io/manifest-generate-paths': '.' };
    await place.createApplication({ metadata: { annotations } });
    await other.createApplication({ spec: at(place) });
    await place.synced(first);
    await other.synced(first);
    const { resourceVersion } = (await place.read()).metadata;
    await other.synced(
      await place.pushAndHint({ 'other/settings.yaml': settings('1'), 'README.md': 'text' }),
    );
    expect((await place.read()).metadata['resourceVersion']).toBe(resourceVersion);
    const { status } = await place.refresh();
    expect(status?.sync?.revision).toBe(first);
    expect(status?.history).toHaveLength(1);
    await place.synced(await place.pushAndHint({ 'app/settings.yaml': settings('2') }));
    expect(await dataOf(place, 'settings')).toEqual({ a: '2' });
  });
});

describe('servers with a login', () => {
  let servers: ChartServers;
  beforeAll(async () => {
    servers = await startChartServers(world);
  });
  afterAll(() => servers?.close());

  const repository = (name: string, data: object): Promise<unknown> =>
    world.api.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name,
        namespace: world.controlNamespace,
        labels: { 'argocd.argoproj.io/secret-type': 'repository' },
      },
      stringData: { ...login, ...data },
    });

  it('passCredentials gives the login to the other server that the index names', async () => {
    const place = await world.place();
    const root = path.join(world.directory, 'front');
    await mkdir(root);
    const packed = await readFile(path.join(world.directory, 'charts/web-1.0.0.tgz'));
    const entry = { version: '1.0.0', digest: sha256(packed), urls: [`${servers.charts.url}/web-1.0.0.tgz`] };
    await writeFile(path.join(root, 'index.yaml'), JSON.stringify({ entries: { web: [entry] } }));
    const front = await startChartRepository({ root, tls: servers.tls, login });
    try {
      await repository('front', { type: 'helm', url: front.url });
      const source = { repoURL: front.url, chart: 'web', targetRevision: '1.0.0' };
      await place.createApplication({ spec: { source } });
      await place.condition(/RegistryAuthenticationFailed/);
      expect(servers.charts.requests).toContain('401 /web-1.0.0.tgz');
      await place.change({ spec: { source: { helm: { passCredentials: true } } } });
      await place.synced('1.0.0');
      expect(await dataOf(place, 'web')).toEqual({ version: '1.0.0', a: 'default' });
    } finally {
      await front.close();
    }
  });

  it('manifests of a registry: a tag, a range, a digest, and latest where there is none', async () => {
    const place = await world.place();
    const { host } = servers.registry;
    const target = { host, repository: 'manifests', authorization: basicAuthorization(login) };
    const push = (tag: string, a: string): Promise<string> =>
      pushLayers(target, tag, plainLayer, archiveOf([{ path: 'app/settings.yaml', content: settings(a) }]));
    const first = await push('1.0.0', '1');
    const second = await push('1.1.0', '2');
    const newest = await push('latest', '3');
    await repository('manifests', { type: 'oci', url: `oci://${host}/manifests` });
    const follows = async (targetRevision: string | null, digest: string, a: string): Promise<void> => {
      await place.change({ spec: { source: { targetRevision } } });
      await place.synced(digest);
      expect(await dataOf(place, 'settings')).toEqual({ a });
    };
    const source = { repoURL: `oci://${host}/manifests`, path: 'app', targetRevision: '1.0.0' };
    await place.createApplication({ spec: { source } });
    await place.synced(first);
    await follows('1.x', second, '2');
    await follows(null, newest, '3');
    await follows(first, first, '1');
  });
});
