/** `trueup render`: what a pull request's pipeline runs. No cluster, no kubeconfig; the Git server only where one is named. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkTree, startGitServer, type GitServer, type WorkTree } from '../git-server/server.ts';
import type { LiveObject } from './cluster-api.ts';
import { configMap, yaml } from './manifests.ts';
import { repositoryRoot, runToEnd, trueupProgram, type Finished } from './trueup-process.ts';

const examples = join(repositoryRoot, 'examples');
const platform = join(examples, 'argocd');
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'trueup-render-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** Without anything that could lead to a cluster. */
function render(...args: readonly string[]): Promise<Finished> {
  return runToEnd(trueupProgram, ['render', ...args], {
    env: { KUBECONFIG: join(scratch, 'none'), HOME: scratch },
  });
}

async function directory(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(scratch, name, path)), { recursive: true });
    await writeFile(join(scratch, name, path), text);
  }
  return join(scratch, name);
}

const objectsOf = ({ stdout }: Finished): readonly LiveObject[] =>
  parseAllDocuments(stdout).map((document) => document.toJS() as LiveObject);
const summary = (finished: Finished): readonly string[] =>
  objectsOf(finished).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
/** One sentence on standard error, nothing on standard output. */
function expectFailure(finished: Finished, code: number, ...patterns: readonly RegExp[]): void {
  expect(finished.stdout).toBe('');
  for (const pattern of patterns) expect(finished.stderr).toMatch(pattern);
  expect(finished.stderr).not.toMatch(/a bug| {4}at /);
  expect(finished.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(finished.code).toBe(code);
}

describe('a directory of this disk', () => {
  it('with plain files', async () => {
    const finished = await render('--repo', platform, '--path', 'status-page');
    expect(finished.code).toBe(0);
    expect(finished.stderr).toBe('');
    expect(summary(finished)).toEqual([
      'ServiceAccount reporter',
      'Role reporter',
      'RoleBinding reporter',
      'ConfigMap page',
      'Deployment status-page',
      'Service status-page',
    ]);
  });

  it('with an overlay: each object names the file that it comes from', async () => {
    const finished = await render('--repo', platform, '--path', 'storefront/overlays/prod', '--origins');
    expect(finished.code).toBe(0);
    const origins = finished.stdout.split('\n').filter((line) => line.startsWith('# '));
    expect(origins).toEqual([
      '# storefront/components/audit/kustomization.yaml',
      '# storefront/base/kustomization.yaml',
      '# storefront/base/kustomization.yaml',
      '# storefront/base/service.yaml:1',
      '# storefront/base/deployment.yaml:1',
      '# storefront/overlays/prod/disruption-budget.yaml:1',
      '# storefront/overlays/prod/network-policy.yaml:1',
    ]);
  });

  it('with a chart, as an Application has it: release name, values and parameters', async () => {
    const app = join(platform, 'apps/checkout-prod.yaml');
    const finished = await render('--repo', platform, '--app', app, '--origins');
    expect(finished.code).toBe(0);
    expect(finished.stdout).toContain('# checkout/charts/session-store/templates/store.yaml\n');
    const settings = objectsOf(finished).find(({ kind }) => kind === 'ConfigMap');
    expect(settings?.metadata.name).toBe('checkout-settings');
    expect(settings?.['data']).toEqual({ currency: 'EUR', paymentTimeout: '45s' });
    const store = objectsOf(finished).find(({ metadata }) => metadata.name === 'checkout-session-store');
    expect(store).toBeDefined();
    expect(finished.stdout).not.toContain('answers at');
  });

  it('as JSON: a List, and with --origins each object beside its place', async () => {
    const list = await render('--repo', platform, '--path', 'status-page', '-o', 'json');
    const { kind, items } = JSON.parse(list.stdout) as { kind: string; items: readonly LiveObject[] };
    expect([kind, items.length]).toEqual(['List', 6]);
    const placed = await render('--repo', platform, '--path', 'status-page', '-o', 'json', '--origins');
    const [first] = JSON.parse(placed.stdout) as readonly { origin: object; manifest: LiveObject }[];
    expect(first?.origin).toEqual({ path: 'status-page/access.json', line: 5 });
    expect(first?.manifest.kind).toBe('ServiceAccount');
  });

  it('hides what Secrets hold, unless asked (S14)', async () => {
    const args = ['--repo', platform, '--path', 'storefront/overlays/dev'];
    const hidden = await render(...args);
    const guest = Buffer.from('guest').toString('base64');
    expect(hidden.stdout).toContain('kind: Secret');
    expect(hidden.stdout).not.toContain(guest);
    const shown = await render(...args, '--show-secrets');
    expect(shown.stdout).toContain(guest);
  });

  it('prints texts that no reader of YAML takes for something else', async () => {
    const data = {
      a: 'yes',
      b: '1:30',
      c: '0b11',
      d: '2001-01-01',
      e: '0o14',
      f: '=',
      g: '1_000',
      h: '0400',
    };
    const at = await directory('texts', { 'a.yaml': JSON.stringify(configMap('texts', data)) });
    const { stdout } = await render('--repo', at);
    for (const version of ['1.1', '1.2'] as const)
      expect((parse(stdout.slice(4), { version }) as LiveObject)['data']).toEqual(data);
  });

  const fleet = ['staging', 'production'].flatMap((environment) => [
    `infrastructure/clusters/${environment}`,
    `applications/payment-service/overlays/${environment}`,
    `applications/user-service/overlays/${environment}`,
  ]);
  it.each([...fleet, 'tenants'])('examples/flux-fleet renders: %s', async (path) => {
    const finished = await render('--repo', join(examples, 'flux-fleet'), '--path', path);
    expect([finished.stderr, finished.code]).toEqual(['', 0]);
    expect(summary(finished).length).toBeGreaterThan(1);
  });
});

describe('a Git repository', () => {
  let git: GitServer;
  let repository: WorkTree;
  beforeAll(async () => {
    const root = join(scratch, 'git');
    await mkdir(root);
    git = await startGitServer({ root });
    repository = await createWorkTree(git, 'shop');
    const settings = (value: string) => yaml(configMap('settings', { value }));
    await repository.write('app/settings.yaml', settings('released'));
    await repository.write('base/settings.yaml', settings('released'));
    await repository.write('base/kustomization.yaml', 'resources: [settings.yaml]\n');
    await repository.commit('First');
    await repository.tag('v1');
    await repository.write('app/settings.yaml', settings('newest'));
    await repository.commit('Second');
    await repository.push();
    await repository.write('app/settings.yaml', settings('on disk'));
  });
  afterAll(() => git.close());
  const value = (finished: Finished) => objectsOf(finished)[0]?.['data'].value as string;

  it('by its URL: the default branch, or the ref that is named', async () => {
    expect(value(await render('--repo', repository.url, '--path', 'app'))).toBe('newest');
    expect(value(await render('--repo', repository.url, '--path', 'app', '--ref', 'v1'))).toBe('released');
  });

  it('by its directory: as it stands on the disk, or the ref that is named', async () => {
    expect(value(await render('--repo', repository.path, '--path', 'app'))).toBe('on disk');
    expect(value(await render('--repo', repository.path, '--path', 'app', '--ref', 'v1'))).toBe('released');
  });

  it('that a kustomization on this disk names, unless the project in the file says no', async () => {
    const here = await directory('remote', {
      'kustomization.yaml': `resources: ['${repository.url}//base?ref=v1']\n`,
    });
    expect(value(await render('--repo', here))).toBe('released');

    const [application, project] = [
      { kind: 'Application', metadata: { name: 'web' }, spec: { project: 'shop', source: { path: '.' } } },
      {
        kind: 'AppProject',
        metadata: { name: 'shop' },
        spec: { sourceRepos: ['https://git.example.com/*'] },
      },
    ];
    await writeFile(join(scratch, 'app.yaml'), yaml(application, project));
    const denied = await render('--repo', here, '--app', join(scratch, 'app.yaml'));
    expectFailure(denied, 5, /kustomization\.yaml:1: .*AppProject shop.*RemoteBaseDenied/);
  });

  it('at a mirror', async () => {
    const mirror = `https://git.example.com/acme=${git.origin}`;
    const finished = await render(
      '--repo',
      'https://git.example.com/acme/shop.git',
      '--path',
      'app',
      '--mirror',
      mirror,
    );
    expect(value(finished)).toBe('newest');
  });

  it('that does not have the ref or the path: exit code 1', async () => {
    expectFailure(
      await render('--repo', repository.url, '--path', 'app', '--ref', 'v9'),
      1,
      /v9/,
      /RefNotFound/,
    );
    expectFailure(await render('--repo', repository.url, '--path', 'none'), 1, /none/, /PathNotFound/);
  });

  it('that is not there: exit code 1', async () => {
    expectFailure(await render('--repo', `${git.origin}/none.git`), 1, /none\.git/);
  });
});

describe('what does not render says where, and exits with 1', () => {
  const chart = { 'Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n' };
  const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';

  it.each<readonly [string, Readonly<Record<string, string>>, readonly RegExp[]]>([
    ['plain YAML: file and line', { 'a.yaml': `${map}data: {\n` }, [/a\.yaml:\d/, /InvalidYaml/]],
    [
      'an overlay: the kustomization that names what is missing',
      { 'kustomization.yaml': 'resources: [gone.yaml]\n' },
      [/kustomization\.yaml/, /gone\.yaml/, /KustomizeFailed/],
    ],
    [
      'a patch without a target',
      {
        'kustomization.yaml': 'resources: [a.yaml]\npatches:\n- path: p.yaml\n',
        'a.yaml': map,
        'p.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n',
      },
      [/kustomization\.yaml/, /other/],
    ],
    [
      'a template: its file and line',
      { ...chart, 'templates/a.yaml': `${map}data:\n  a: {{ .Values.b.c.d }}\n` },
      [/^trueup: templates\/a\.yaml:5/, /HelmFailed/],
    ],
    [
      'a template that is not closed',
      { ...chart, 'templates/a.yaml': `${map}data:\n  {{ if .Values.a }}\n  a: b\n` },
      [/templates\/a\.yaml:\d/, /HelmFailed/],
    ],
    [
      'a template whose output is not YAML',
      { ...chart, 'templates/a.yaml': `${map}data:\n  a: {{ "b: c" }}\n` },
      [/templates\/a\.yaml/],
    ],
    [
      'values that the schema refuses: the place in them',
      {
        ...chart,
        'values.yaml': 'replicas: many\n',
        'values.schema.json': '{"properties": {"replicas": {"type": "integer"}}}',
        'templates/a.yaml': map,
      },
      [/values\.schema\.json/, /'\/replicas'/, /ValuesInvalid/],
    ],
    [
      'a chart of a library',
      { 'Chart.yaml': `${chart['Chart.yaml']}type: library\n` },
      [/Chart\.yaml/, /library/],
    ],
  ])('%s', async (name, files, patterns) => {
    const at = await directory(name.replaceAll(/\W/g, '-'), files);
    expectFailure(await render('--repo', at), 1, ...patterns);
  });

  it('a base: the file of the base', async () => {
    const at = await directory('broken-base', {
      'overlay/kustomization.yaml': 'resources: [../base]\n',
      'base/kustomization.yaml': 'resources: [a.yaml]\n',
      'base/a.yaml': `${map}data: {\n`,
    });
    expectFailure(await render('--repo', at, '--path', 'overlay'), 1, /base\/a\.yaml/);
  });

  it('a path that is not there does not look like a source without objects', async () => {
    for (const path of ['none', '../none', 'checkout/Chart.yaml'])
      expectFailure(
        await render('--repo', platform, '--path', path),
        1,
        /PathNotFound/,
        /correct --repo or --path/,
      );
    expectFailure(await render('--repo', join(scratch, 'none')), 1, /PathNotFound/);
  });

  it('reads nothing outside of the directory (S2)', async () => {
    await directory('outside', { 'secret.yaml': map });
    const at = await directory('inside', { 'kustomization.yaml': 'resources: [../outside/secret.yaml]\n' });
    expectFailure(await render('--repo', at), 1, /outside\/secret\.yaml/);
    expectFailure(await render('--repo', at, '--path', '../outside'), 1, /outside/);
  });

  it('an empty directory gives nothing, with a warning', async () => {
    const at = await directory('empty', { 'README.md': 'nothing' });
    const finished = await render('--repo', at);
    expect([finished.stdout, finished.code]).toEqual(['', 0]);
    expect(finished.stderr).toMatch(/no objects/);
  });
});

describe('what is not honoured yet exits with 5', () => {
  const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';
  const application = (source: object, more: object = {}) =>
    yaml({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: 'web' },
      spec: {
        source: { repoURL: 'https://git.example.com/a/b', path: '.', ...source },
        destination: {},
        ...more,
      },
    });

  it('a single file by its URL', async () => {
    const at = await directory('remote-file', {
      'kustomization.yaml': 'resources: ["https://git.example.com/a/b/c.yaml"]\n',
    });
    expectFailure(await render('--repo', at), 5, /kustomization\.yaml/, /git\.example\.com/, /Unsupported/);
  });

  it('helmCharts in a kustomization', async () => {
    const at = await directory('inflate', { 'kustomization.yaml': 'helmCharts: [{name: a}]\n' });
    expectFailure(await render('--repo', at), 5, /kustomization\.yaml/, /helmCharts/);
  });

  it.each<readonly [string, string, RegExp]>([
    ['a field', application({ kustomize: { version: 'v5' } }), /spec\.source\.kustomize\.version/],
  ])('%s of an Application', async (name, text, pattern) => {
    const at = await directory(`app-${name.replaceAll(' ', '-')}`, { 'a.yaml': map, 'app.yaml': text });
    const app = join(at, 'app.yaml');
    expectFailure(await render('--repo', at, '--app', app), 5, pattern, /app\.yaml/, /Unsupported/);
  });

  it('several sources, of which the directory can be one only', async () => {
    const text = application({}, { sources: [{ repoURL: 'a' }, { repoURL: 'b' }] });
    const at = await directory('app-two-sources', { 'a.yaml': map, 'app.yaml': text });
    const app = join(at, 'app.yaml');
    expectFailure(await render('--repo', at, '--app', app), 64, /has 2 sources/, /app\.yaml/);
  });

  it('a file of parameters beside the source', async () => {
    const at = await directory('overrides', {
      'app/kustomization.yaml': 'resources: [a.yaml]\n',
      'app/a.yaml': map,
      'app/.argocd-source-web.yaml': 'kustomize: {namePrefix: p-}\n',
      'app.yaml': application({ path: 'app' }),
    });
    const named = await render('--repo', at, '--app', join(at, 'app.yaml'));
    expect(named.stdout).toMatch(/name: p-/);
    // It is for the Application of that name alone.
    const unnamed = await render('--repo', at, '--path', 'app');
    expect([unnamed.code, unnamed.stdout]).toEqual([0, expect.not.stringMatching(/name: p-/)]);
    await writeFile(join(at, 'app/.argocd-source-web.yaml'), 'kustomize: [\n');
    expectFailure(
      await render('--repo', at, '--app', join(at, 'app.yaml')),
      1,
      /\.argocd-source-web\.yaml:\d/,
      /InvalidYaml/,
    );
  });
});

describe('a command line that cannot be understood exits with 64', () => {
  it.each<readonly [string, string | undefined, RegExp]>([
    ['is not there', undefined, /cannot be read/],
    ['is not YAML', 'a: [\n', /line \d/],
    ['has no Application', 'kind: ConfigMap\n', /0 Applications/],
    ['has two', 'kind: Application\n---\nkind: Application\n', /2 Applications/],
  ])('an Application file that %s', async (name, text, pattern) => {
    const file = join(scratch, `${name.replaceAll(' ', '-')}.yaml`);
    if (text !== undefined) await writeFile(file, text);
    expectFailure(await render('--repo', platform, '--app', file), 64, pattern);
  });

  it('an output form that does not exist', async () => {
    expectFailure(await render('--repo', platform, '-o', 'table'), 64, /yaml, json/);
  });
});

it('follows links inside of the directory, and none out of it', async () => {
  const at = await directory('linked', { 'deploy/README.md': 'text' });
  await cp(join(platform, 'status-page'), join(at, 'real'), { recursive: true });
  await runToEnd('ln', ['-s', '../real/page.yaml', join(at, 'deploy/page.yaml')]);
  expect(summary(await render('--repo', at, '--path', 'deploy'))).toContain('Deployment status-page');
  await runToEnd('ln', ['-s', '/etc/hostname', join(at, 'deploy/hostname.yaml')]);
  expectFailure(await render('--repo', at, '--path', 'deploy'), 1, /hostname\.yaml/);
});
