/**
 * What examples/ shows, and what people publish, on a cluster: the files are as they are, and the repositories that they
 * name are mirrors. All in one file, because these manifests name the control-plane namespace, which is one.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, inject, it } from 'vitest';
import { hostedPrefix } from '#git/hosted-address.ts';
import { createWorkTree, type WorkTree } from '../git-server/server.ts';
import { writesSince } from './audit.ts';
import type { LiveObject } from './cluster-api.ts';
import { configMap, yaml } from './manifests.ts';
import { repositoryRoot } from './trueup-process.ts';
import {
  applicationKind,
  useWorld,
  waitFor,
  writesAreCounted,
  type Application,
  type Place,
  type World,
} from './world.ts';

const examples = join(repositoryRoot, 'examples');
const platformUrl = 'https://git.example.com/acme/platform.git';
const kustomization = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n';

/** path → text of an example, as it stands in the repository. */
async function filesOf(example: string): Promise<Readonly<Record<string, string>>> {
  const directory = join(examples, example);
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(
    await Promise.all(
      files.map(async (file) => [file.slice(directory.length + 1), await readFile(file, 'utf8')] as const),
    ),
  );
}

/** How many sources were rendered so far, whatever came of it. */
async function rendersOf(world: World): Promise<number> {
  const text = await (await fetch(`${world.origin}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('trueup_renders_total'));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const named = (objects: readonly LiveObject[], prefix: string) =>
  objects.map(({ metadata }) => metadata.name).filter((name) => name.startsWith(prefix));

describe('the app of apps', () => {
  const world = useWorld({
    controlNamespace: 'argocd',
    arguments: (origin) => ['--mirror', `${platformUrl}=${origin}/platform.git`],
  });
  const storefronts = ['storefront-dev', 'storefront-staging', 'storefront-prod'];
  const children = ['status-page', ...storefronts, 'checkout-staging', 'checkout-prod'];
  let repository: WorkTree;
  let original: Readonly<Record<string, string>>;

  const read = async (name: string): Promise<Application> => {
    const found = await world.api.get(applicationKind, 'argocd', name);
    if (found === undefined) throw new Error(`Application ${name} is not there`);
    return found as Application;
  };
  const standing = async (name: string) => {
    const { status } = await read(name);
    return [name, status?.sync, status?.health, status?.operationState?.message, status?.conditions];
  };
  const settled = (names: readonly string[], commit: string) =>
    waitFor(
      `${names.join(', ')} to be Synced and Healthy at ${commit.slice(0, 8)}`,
      async () => {
        for (const name of names) {
          const { status } = await read(name);
          if (status?.sync?.status !== 'Synced' || status.sync.revision !== commit) return false;
          if (status.health?.status !== 'Healthy') return false;
        }
        return true;
      },
      { timeoutMs: 80_000, seen: () => Promise.all(names.map(standing)) },
    );
  const push = async (files: Readonly<Record<string, string>>): Promise<string> => {
    for (const [path, text] of Object.entries(files)) await repository.write(path, text);
    const commit = await repository.commit('Change');
    await repository.push();
    const body = JSON.stringify({ repository: { html_url: platformUrl.replace(/\.git$/, '') } });
    await world.hint(repository, {}, body);
    return commit;
  };
  const changed = (path: string, from: string, to: string): Readonly<Record<string, string>> => {
    const text = original[path] ?? '';
    if (!text.includes(from)) throw new Error(`${path} does not say ${from}`);
    return { [path]: text.replace(from, to) };
  };
  const conditionOf = (name: string, pattern: RegExp): Promise<string> =>
    waitFor(
      `a condition ${pattern} of ${name}`,
      async () =>
        (await read(name)).status?.conditions?.find(({ message }) => pattern.test(message))?.message,
      { seen: () => standing(name) },
    );
  const container = (live: LiveObject | undefined, name = 'web') =>
    live?.['spec'].template.spec.containers.find((one: { name: string }) => one.name === name);
  const liveDeployment = (namespace: string, name: string) =>
    world.api.get('apps/v1/Deployment', namespace, name);

  it('comes up from its root alone, everything Synced and Healthy', async () => {
    original = await filesOf('argocd');
    repository = await createWorkTree(world.git, 'platform');
    const first = await push(original);
    expect((await world.kubectl('apply', '-f', join(examples, 'argocd/root.yaml'))).code).toBe(0);
    await settled(['root', ...children], first);

    const prod = await liveDeployment('storefront-prod', 'storefront');
    expect(prod?.['spec'].replicas).toBe(3);
    expect(container(prod).image).toBe('registry.example.com/acme/storefront:3.7.2');
    expect(container(prod).resources.limits).toEqual({ memory: '512Mi' });
    expect(container(prod, 'audit').image).toBe('registry.example.com/acme/audit-shipper:2.0.1');
    const service = await world.api.get('v1/Service', 'storefront-prod', 'storefront');
    expect(service?.['spec'].sessionAffinity).toBe('ClientIP');
    const dev = await liveDeployment('storefront-dev', 'dev-storefront');
    expect(container(dev).env).toContainEqual({ name: 'LOG_LEVEL', value: 'debug' });

    const checkout = await liveDeployment('checkout-prod', 'checkout');
    expect(container(checkout).image).toBe('registry.example.com/acme/checkout:5.1.0');
    const settings = await world.api.get('v1/ConfigMap', 'checkout-prod', 'checkout-settings');
    expect(settings?.['data']).toEqual({ currency: 'EUR', paymentTimeout: '45s' });
    const store = await liveDeployment('checkout-prod', 'checkout-session-store');
    expect(container(store, 'store').args).toEqual(['--max-sessions', '20000']);
    const page = await liveDeployment('status-page', 'status-page');
    expect(page?.['spec'].template.spec.volumes[0].configMap.defaultMode).toBe(0o444);
  });

  it('a change of the shared base reaches every overlay, and renders nothing else', async () => {
    const before = await rendersOf(world);
    const commit = await push(
      changed('storefront/base/deployment.yaml', 'containerPort: 8080', 'containerPort: 8081'),
    );
    await settled(['root', ...children], commit);
    for (const name of storefronts) {
      const live = await liveDeployment(name, name === 'storefront-dev' ? 'dev-storefront' : 'storefront');
      expect(container(live).ports[0].containerPort).toBe(8081);
    }
    expect(await rendersOf(world)).toBe(before + storefronts.length);
  });

  it('a change of one overlay renders only that one', async () => {
    const before = await rendersOf(world);
    const path = 'storefront/overlays/dev/kustomization.yaml';
    const commit = await push(changed(path, 'newTag: main', 'newTag: feature'));
    await settled(['root', ...children], commit);
    expect(container(await liveDeployment('storefront-dev', 'dev-storefront')).image).toBe(
      'registry.example.com/acme/storefront:feature',
    );
    expect(await rendersOf(world)).toBe(before + 1);
  });

  it('a change that no source reads renders nothing', async () => {
    const before = await rendersOf(world);
    const commit = await push({ 'README.md': 'Other words\n', 'storefront/base/unused.yaml': 'a: 1\n' });
    await settled(['root', ...children], commit);
    expect(await rendersOf(world)).toBe(before);
  });

  it('other content gives a generated ConfigMap another name, and the old one goes last', async () => {
    const configMaps = () => world.api.list('v1/ConfigMap', 'storefront-prod');
    const [old] = named(await configMaps(), 'storefront-');
    const mark = await world.mark();
    const path = 'storefront/base/storefront.properties';
    const commit = await push(changed(path, 'pageSize=24', 'pageSize=48'));
    await settled(['root', ...children], commit);
    const now = named(await configMaps(), 'storefront-');
    expect(now).toHaveLength(1);
    expect(now).not.toContain(old);
    const live = await liveDeployment('storefront-prod', 'storefront');
    expect(live?.['spec'].template.spec.volumes[0].configMap.name).toBe(now[0]);
    if (!writesAreCounted) return;
    const writes = await writesSince(inject('auditLog'), mark);
    const verbs = writes
      .filter(({ namespace }) => namespace === 'storefront-prod')
      .map(({ verb, name }) => `${verb} ${name}`);
    expect(verbs).toEqual([`patch ${now[0]}`, 'patch storefront', `delete ${old}`]);
  });

  it('a change of one file of values reaches the release that uses it', async () => {
    const before = await rendersOf(world);
    const path = 'checkout/environments/prod.yaml';
    const commit = await push(changed(path, 'replicas: 3', 'replicas: 2'));
    await settled(['root', ...children], commit);
    expect((await liveDeployment('checkout-prod', 'checkout'))?.['spec'].replicas).toBe(2);
    expect((await liveDeployment('checkout-staging', 'checkout'))?.['spec'].replicas).toBe(1);
    expect(await rendersOf(world)).toBe(before + 1);
  });

  it('values that the schema refuses change nothing, and the condition names the place (F8)', async () => {
    const mark = await world.mark();
    const commit = await push({
      'checkout/environments/prod.yaml': 'replicas: many\nsettings:\n  currency: euro\n',
    });
    const message = await conditionOf('checkout-prod', /ValuesInvalid/);
    expect(message).toContain('checkout/values.schema.json');
    expect(message).toContain("'/replicas'");
    await settled(['checkout-staging', ...storefronts], commit);
    expect((await liveDeployment('checkout-prod', 'checkout'))?.['spec'].replicas).toBe(2);
    if (writesAreCounted) expect(await writesIn('checkout-prod', mark)).toEqual([]);
    const { status } = await read('checkout-prod');
    expect(status?.health?.status).not.toBe('Healthy');

    const mended = await push({
      'checkout/environments/prod.yaml': 'replicas: 2\nsettings:\n  paymentTimeout: 45s\n',
    });
    await settled(['root', ...children], mended);
  });

  it('an overlay that does not build keeps what was applied last, and still heals it (F8)', async () => {
    const mark = await world.mark();
    const path = 'storefront/overlays/staging/kustomization.yaml';
    const commit = await push(changed(path, '../../components/audit', '../../components/gone'));
    const message = await conditionOf('storefront-staging', /components\/gone/);
    expect(message).toContain(path);
    await settled(['checkout-staging', 'storefront-prod'], commit);
    if (writesAreCounted) expect(await writesIn('storefront-staging', mark)).toEqual([]);
    await world.kubectl('-n', 'storefront-staging', 'scale', 'deployment', 'storefront', '--replicas=0');
    await waitFor(
      'the replicas to be healed',
      async () => (await liveDeployment('storefront-staging', 'storefront'))?.['spec'].replicas === 2,
    );
    const mended = await push({ [path]: original[path]! });
    await settled(['root', ...children], mended);
  });

  it('a base that does not build stops its overlays only, and mending it is enough (F8)', async () => {
    const mark = await world.mark();
    const path = 'storefront/base/deployment.yaml';
    const commit = await push({ [path]: `${original[path]}  broken: {\n` });
    for (const name of storefronts) expect(await conditionOf(name, /base\/deployment\.yaml/)).toContain(path);
    await settled(['status-page', 'checkout-staging', 'checkout-prod'], commit);
    if (writesAreCounted) for (const name of storefronts) expect(await writesIn(name, mark)).toEqual([]);
    const mended = await push({ [path]: original[path]! });
    await settled(['root', ...children], mended);
  });

  it('an Application that leaves the root goes with all its objects', async () => {
    await repository.remove('apps/storefront-dev.yaml');
    const commit = await push({});
    await settled(['root', ...children.filter((name) => name !== 'storefront-dev')], commit);
    await waitFor(
      'storefront-dev to be gone',
      async () =>
        (await world.api.get(applicationKind, 'argocd', 'storefront-dev')) === undefined &&
        (await liveDeployment('storefront-dev', 'dev-storefront')) === undefined,
    );
    expect(await liveDeployment('storefront-prod', 'storefront')).toBeDefined();
  });

  async function writesIn(
    place: string,
    mark: Awaited<ReturnType<World['mark']>>,
  ): Promise<readonly unknown[]> {
    const writes = await writesSince(inject('auditLog'), mark);
    return writes.filter(({ namespace }) => namespace === place);
  }
});

const sourceOf = (place: Place, path: string, options: object = {}) => ({
  source: { repoURL: place.repository.url, path, targetRevision: 'main', ...options },
});

describe('options of a Kustomize source', () => {
  const world = useWorld();

  it('are laid over the kustomization', async () => {
    const place = await world.place();
    const commit = await place.push({ ...(await filesOf('argocd')) });
    await place.createApplication({
      spec: sourceOf(place, 'storefront/overlays/dev', {
        kustomize: {
          namePrefix: 'blue-',
          nameSuffix: '-x',
          images: ['acme/storefront=registry.example.com/other:9'],
          replicas: [{ name: 'storefront', count: 2 }],
          commonLabels: { team: 'web' },
          labelWithoutSelector: true,
          commonAnnotations: { 'example.com/note': 'yes' },
          components: ['../../components/audit'],
          patches: [
            {
              target: { kind: 'Service' },
              patch: '- op: add\n  path: /spec/sessionAffinity\n  value: ClientIP\n',
            },
          ],
        },
      }),
    });
    await place.synced(commit);
    const live = await place.live('apps/v1/Deployment', 'blue-storefront-x');
    expect(live['spec'].replicas).toBe(2);
    expect(live.metadata.labels?.['team']).toBe('web');
    expect(live.metadata.annotations?.['example.com/note']).toBe('yes');
    expect(live['spec'].selector.matchLabels).toEqual({ app: 'storefront' });
    const containers = live['spec'].template.spec.containers as readonly { name: string; image: string }[];
    expect(containers.map(({ name }) => name).toSorted()).toEqual(['audit', 'web']);
    expect(containers.find(({ name }) => name === 'web')?.image).toBe('registry.example.com/other:9');
    const service = await place.live('v1/Service', 'blue-storefront-x');
    expect(service['spec'].sessionAffinity).toBe('ClientIP');
  });

  it('a change of one of them alone is applied', async () => {
    const place = await world.place();
    await place.push({ ...(await filesOf('argocd')) });
    await place.createApplication({ spec: sourceOf(place, 'storefront/overlays/dev', { kustomize: {} }) });
    await place.synced();
    await place.change({ spec: { source: { kustomize: { replicas: [{ name: 'storefront', count: 3 }] } } } });
    await waitFor('three replicas', async () => {
      const live = await place.live('apps/v1/Deployment', 'dev-storefront');
      return live['spec'].replicas === 3;
    });
    await place.change({ spec: { source: { kustomize: { replicas: null, namespace: place.namespace } } } });
    await waitFor('one replica again', async () => {
      const live = await place.live('apps/v1/Deployment', 'dev-storefront');
      return live['spec'].replicas === 1;
    });
  });

  it('a component that is not there is named', async () => {
    const place = await world.place();
    await place.push({ ...(await filesOf('argocd')) });
    await place.createApplication({
      spec: sourceOf(place, 'storefront/overlays/dev', {
        kustomize: { components: ['../../components/none'] },
      }),
    });
    expect(await place.condition(/components\/none/)).toContain('storefront/overlays/dev');
  });

  it('with ignoreMissingComponents it is left out until it comes; labels and annotations name the Application', async () => {
    const place = await world.place();
    const files = await filesOf('argocd');
    const kustomize = {
      components: ['../../components/late'],
      ignoreMissingComponents: true,
      commonLabels: { 'example.com/app': '$ARGOCD_APP_NAME' },
      labelWithoutSelector: true,
      labelIncludeTemplates: true,
      commonAnnotations: { 'example.com/app': '${ARGOCD_APP_NAME}' },
      commonAnnotationsEnvsubst: true,
      version: 'v5.8.2',
      kubeVersion: '1.36.0',
    };
    await place.push({ ...files });
    await place.createApplication({ spec: sourceOf(place, 'storefront/overlays/dev', { kustomize }) });
    await place.synced();
    const live = (): Promise<LiveObject> => place.live('apps/v1/Deployment', 'dev-storefront');
    const { metadata, spec } = await live();
    expect(metadata.labels?.['example.com/app']).toBe(place.name);
    expect(spec.template.metadata.labels['example.com/app']).toBe(place.name);
    expect(metadata.annotations?.['example.com/app']).toBe(place.name);
    expect(spec.template.spec.containers).toHaveLength(1);
    const late = Object.entries(files).flatMap(([name, content]) =>
      name.includes('components/audit/') ? [[name.replace('/audit/', '/late/'), content] as const] : [],
    );
    await place.synced(await place.pushAndHint(Object.fromEntries(late)));
    expect((await live())['spec'].template.spec.containers).toHaveLength(2);
  });
});

describe('options of a Helm source', () => {
  const world = useWorld();

  it('take effect in the order of Helm: files, values, parameters', async () => {
    const place = await world.place();
    const commit = await place.push({
      ...(await filesOf('argocd')),
      'checkout/environments/extra.yaml': 'settings: {fromFile: "file", currency: GBP, paymentTimeout: 9s}\n',
      'checkout/environments/motd.txt': 'hello\n',
    });
    await place.createApplication({
      spec: sourceOf(place, 'checkout', {
        helm: {
          releaseName: 'till',
          valueFiles: ['environments/prod.yaml', 'environments/ext*.yaml', 'environments/none.yaml'],
          ignoreMissingValueFiles: true,
          valuesObject: { settings: { currency: 'SEK', fromObject: 'object' } },
          values: 'settings: {currency: NOK, ignored: because-of-valuesObject}',
          parameters: [
            { name: 'settings.fromParameter', value: 'one,two' },
            { name: 'settings.number', value: '0012', forceString: true },
            { name: 'image.tag', value: '$ARGOCD_APP_NAME' },
            { name: 'session-store.enabled', value: 'false' },
          ],
          fileParameters: [{ name: 'settings.motd', path: 'environments/motd.txt' }],
        },
      }),
    });
    await place.synced(commit);
    expect((await place.live('v1/ConfigMap', 'till-checkout-settings'))['data']).toEqual({
      currency: 'SEK',
      paymentTimeout: '9s',
      fromFile: 'file',
      fromObject: 'object',
      fromParameter: 'one,two',
      number: '0012',
      motd: 'hello\n',
    });
    const live = await place.live('apps/v1/Deployment', 'till-checkout');
    expect(live['spec'].replicas).toBe(3);
    expect(live['spec'].template.spec.containers[0].image).toBe(
      `registry.example.com/acme/checkout:${place.name}`,
    );
    expect(await place.get('apps/v1/Deployment', 'till-session-store')).toBeUndefined();
  });

  it('values as text, and a change of them', async () => {
    const place = await world.place();
    await place.push({ ...(await filesOf('argocd')) });
    const values = (currency: string) => `settings:\n  currency: ${currency}\n`;
    await place.createApplication({ spec: sourceOf(place, 'checkout', { helm: { values: values('DKK') } }) });
    await place.synced();
    const settings = () => place.live('v1/ConfigMap', `${place.name}-checkout-settings`);
    expect((await settings())['data'].currency).toBe('DKK');
    await place.change({ spec: { source: { helm: { values: values('ISK') } } } });
    await waitFor('the new currency', async () => (await settings())['data'].currency === 'ISK');
    await place.change({ spec: { source: { helm: { values: values('isk') } } } });
    expect(await place.condition(/ValuesInvalid/)).toContain('/settings/currency');
    expect((await settings())['data'].currency).toBe('ISK');
  });

  it('a file of values that is missing is named', async () => {
    const place = await world.place();
    await place.push({ ...(await filesOf('argocd')) });
    await place.createApplication({
      spec: sourceOf(place, 'checkout', { helm: { valueFiles: ['environments/none.yaml'] } }),
    });
    expect(await place.condition(/environments\/none\.yaml/)).toContain('checkout/environments/none.yaml');
    expect(await place.get('v1/ConfigMap', `${place.name}-checkout-settings`)).toBeUndefined();
  });
});

const settingsMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: "1"}\n';
const chart = 'apiVersion: v2\nname: app\nversion: 1.0.0\n';
const unsupportedSources: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
  [
    'a delete policy of a Helm hook that nobody knows',
    {
      'app/Chart.yaml': chart,
      'app/templates/settings.yaml': settingsMap,
      'app/templates/migrate.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: migrate\n  annotations: {helm.sh/hook: pre-install, helm.sh/hook-delete-policy: after-lunch}\n',
    },
    /helm\.sh\/hook-delete-policy/,
  ],
  [
    'a dependency whose repository has an alias',
    {
      'app/Chart.yaml': `${chart}dependencies:\n- {name: cache, version: 1.0.0, repository: "alias:ours"}\n`,
      'app/templates/settings.yaml': settingsMap,
    },
    /cache/,
  ],
  [
    'helmCharts in a kustomization',
    {
      'app/kustomization.yaml': `${kustomization}resources: [settings.yaml]\nhelmCharts:\n- name: web\n`,
      'app/settings.yaml': settingsMap,
    },
    /helmCharts/,
  ],
  [
    'a single file by its URL',
    {
      'app/kustomization.yaml': `${kustomization}resources:\n- settings.yaml\n- https://git.example.com/other/bases/web.yaml\n`,
      'app/settings.yaml': settingsMap,
    },
    /git\.example\.com\/other\/bases/,
  ],
  [
    'a generator that needs a process',
    {
      'app/kustomization.yaml': `${kustomization}resources: [settings.yaml]\ngenerators: [own.yaml]\n`,
      'app/settings.yaml': settingsMap,
      'app/own.yaml':
        'apiVersion: example.com/v1\nkind: Own\nmetadata:\n  name: own\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./own.sh}\n',
    },
    /app\/own\.yaml.*Own/,
  ],
];

describe('what is not honoured yet (F30)', () => {
  const world = useWorld();

  it.each(unsupportedSources)('%s is named, and nothing is written', async (_, files, pattern) => {
    const place = await world.place();
    await place.push(files);
    const mark = await world.mark();
    await place.createApplication();
    await place.condition(pattern, /^Unsupported$/);
    await place.refresh();
    expect(await place.get('v1/ConfigMap', 'settings')).toBeUndefined();
    if (writesAreCounted) expect(await place.writesSince(mark)).toEqual([]);
  });
});

describe('Jsonnet', () => {
  const world = useWorld();

  it('is evaluated with its variables and libraries, and a commit to a library alone is applied', async () => {
    const place = await world.place();
    await place.push({
      'app/main.jsonnet': `local names = import 'names.libsonnet';
function(team) [{
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: name },
  data: { team: team, environment: std.extVar('environment'), size: '' + std.extVar('size') },
} for name in names]`,
      'lib/names.libsonnet': "['one', 'two']",
      'app/plain.yaml': settingsMap,
    });
    const jsonnet = {
      libs: ['lib'],
      tlas: [{ name: 'team', value: '$ARGOCD_APP_NAME' }],
      extVars: [
        { name: 'environment', value: 'prod' },
        { name: 'size', value: '2 + 2', code: true },
      ],
    };
    await place.createApplication({ spec: sourceOf(place, 'app', { directory: { jsonnet } }) });
    await place.synced();
    const data = { team: place.name, environment: 'prod', size: '4' };
    expect((await place.live('v1/ConfigMap', 'two'))['data']).toEqual(data);
    expect(await place.get('v1/ConfigMap', 'settings')).toBeDefined();
    await place.synced(await place.pushAndHint({ 'lib/names.libsonnet': "['one', 'three']" }));
    expect(await place.get('v1/ConfigMap', 'two')).toBeUndefined();
    expect(await place.get('v1/ConfigMap', 'three')).toBeDefined();
    await place.pushAndHint({ 'lib/names.libsonnet': "['one', " });
    await place.condition(/lib\/names\.libsonnet:1.*JsonnetFailed/, /ComparisonError/);
    expect(await place.get('v1/ConfigMap', 'three')).toBeDefined();
  });
});

describe('a range of versions in Git', () => {
  const world = useWorld();

  it('is the highest tag in it, and moves when a higher one comes', async () => {
    const place = await world.place();
    const tagged = async (tag: string, value: string): Promise<void> => {
      await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value })) });
      await place.repository.tag(tag);
      await place.repository.push();
      await world.hint(place.repository);
    };
    await tagged('v1.2.3', 'old');
    await tagged('2.0.0', 'other');
    await place.createApplication({ spec: sourceOf(place, 'app', { targetRevision: '>=1.0 <2' }) });
    await place.synced();
    const value = async (): Promise<string> =>
      ((await place.live('v1/ConfigMap', 'settings'))['data'] as { value: string }).value;
    expect(await value()).toBe('old');
    await tagged('v1.10.0-rc.1', 'candidate');
    await tagged('v1.10.0', 'new');
    await tagged('v1.9.0', 'late');
    await waitFor('the higher version', async () => (await value()) === 'new');
    await place.synced();
    await place.change({ spec: { source: { targetRevision: '3.x' } } });
    await place.condition(/no tag with a version in "3\.x"/);
    expect(await value()).toBe('new');
  });
});

describe('a file of parameters beside the manifests', () => {
  const world = useWorld();
  const named = (place: Place, name: string): Promise<unknown> => place.get('v1/ConfigMap', name);

  it('changes how the directory is rendered, from the commit on that brings it; what it is not known to say stops', async () => {
    const place = await world.place();
    await place.push({
      'app/kustomization.yaml': `${kustomization}resources: [settings.yaml]\n`,
      'app/settings.yaml': settingsMap,
    });
    await place.createApplication();
    await place.synced();
    const own = `app/.argocd-source-${place.name}.yaml`;
    const others = {
      'app/.argocd-source.yaml': 'kustomize:\n  namePrefix: all-\n  nameSuffix: -x\n',
      'app/.argocd-source-another.yaml': 'kustomize: {namePrefix: another-}\n',
    };
    await place.synced(await place.pushAndHint({ [own]: 'kustomize: {namePrefix: own-}\n', ...others }));
    expect(await named(place, 'own-settings-x')).toBeDefined();
    expect(await named(place, 'settings')).toBeUndefined();
    await place.pushAndHint({ [own]: 'plugin: {name: x}\n' });
    expect(await place.condition(/plugin/, /^Unsupported$/)).toContain(own);
    expect(await named(place, 'own-settings-x')).toBeDefined();
    await place.synced(await place.pushAndHint({ [own]: null }));
    expect(await named(place, 'all-settings-x')).toBeDefined();
  });

  it('of a chart: its parameters, and that it is a chart', async () => {
    const place = await world.place();
    await place.push({
      'app/Chart.yaml': chart,
      'app/values.yaml': 'a: "1"\nb: "1"\n',
      'app/templates/settings.yaml': yaml(
        configMap('settings', { a: '{{ .Values.a }}', b: '{{ .Values.b }}' }),
      ),
      'app/.argocd-source.yaml': 'helm:\n  parameters: [{name: a, value: "2"}]\n',
    });
    await place.createApplication({
      spec: {
        source: {
          repoURL: place.repository.url,
          path: 'app',
          targetRevision: 'main',
          helm: { parameters: [{ name: 'b', value: '2' }] },
        },
      },
    });
    await place.synced();
    // A list is replaced as a whole, as in every merge patch.
    expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ a: '2', b: '1' });
  });
});

describe('the Flux fleet', () => {
  const world = useWorld();

  it('has overlays that any Application can apply', async () => {
    const place = await world.place();
    await place.push(await filesOf('flux-fleet'));
    const path = 'applications/payment-service/overlays/staging';
    await place.createApplication({
      spec: sourceOf(place, path, { kustomize: { namespace: place.namespace } }),
    });
    await place.synced();
    const live = await place.live('apps/v1/Deployment', 'payment-api');
    expect(live['spec'].replicas).toBe(2);
    const [config] = named(await world.api.list('v1/ConfigMap', place.namespace), 'config-');
    expect(live['spec'].template.spec.containers[0].envFrom[0].configMapRef.name).toBe(config);
  });

  it('names only itself: every path of its Kustomizations is a directory of the example', async () => {
    const files = await filesOf('flux-fleet');
    for (const cluster of ['staging', 'production']) {
      const text = files[`infrastructure/clusters/${cluster}/applications.yaml`] ?? '';
      const paths = text.split('\n---\n').map((part) => (parse(part) as LiveObject)['spec'].path as string);
      expect(paths).toHaveLength(3);
      for (const path of paths) expect(files).toHaveProperty([`${path.slice(2)}/kustomization.yaml`]);
    }
  });
});

describe('the example of the first run', () => {
  const world = useWorld({
    controlNamespace: 'argocd',
    arguments: (origin) => ['--mirror', `${hostedPrefix}=${origin}/`],
  });
  const children = ['web', 'shop-dev', 'shop-prod', 'orders'];
  const applications = (): Promise<readonly (Application | undefined)[]> =>
    Promise.all(
      ['root', ...children].map(
        async (name) => (await world.api.get(applicationKind, 'argocd', name)) as Application | undefined,
      ),
    );
  const settled = (commit: string) =>
    waitFor(
      `the example to be Synced and Healthy at ${commit.slice(0, 8)}`,
      async () =>
        (await applications()).every(
          (found) =>
            found?.status?.sync?.status === 'Synced' &&
            found.status.sync.revision === commit &&
            found.status.health?.status === 'Healthy',
        ),
      {
        timeoutMs: 80_000,
        seen: async () =>
          (await applications()).map((found) => [
            found?.metadata.name,
            found?.status?.sync,
            found?.status?.conditions,
          ]),
      },
    );

  it('comes up from its root, and the three things to try work', async () => {
    const files = await filesOf('first-run');
    const repository = await createWorkTree(world.git, 'example');
    const push = async (properties: string): Promise<string> => {
      await repository.write('shop/base/shop.properties', properties);
      const commit = await repository.commit('Change');
      await repository.push();
      const body = JSON.stringify({ repository: { clone_url: `${hostedPrefix}example.git` } });
      await world.hint(repository, {}, body);
      return commit;
    };
    for (const [path, text] of Object.entries(files)) await repository.write(path, text);
    const settings = files['shop/base/shop.properties'] ?? '';
    const first = await push(`${settings}EDITION=first\n`);
    expect((await world.kubectl('apply', '-f', join(examples, 'first-run/root.yaml'))).code).toBe(0);
    await settled(first);
    const generated = async () => named(await world.api.list('v1/ConfigMap', 'shop-prod'), 'settings-');
    const before = await generated();

    await settled(await push(`${settings}EDITION=first\nOPEN=always\n`));
    expect(await generated()).toHaveLength(1);
    expect(await generated()).not.toEqual(before);

    await world.kubectl('-n', 'web', 'scale', 'deployment', 'web', '--replicas=0');
    await waitFor('the replicas to be healed', async () => {
      const live = await world.api.get('apps/v1/Deployment', 'web', 'web');
      return live?.['spec'].replicas === 2;
    });

    await settled(await push(`${settings}EDITION=first\n`));
    expect(await generated()).toEqual(before);
  });
});
