/** The example of the first run: what it names is there, and all of it renders. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineWorld } from '../../tests/fakes/engine-world.ts';
import { gitAt } from '../../tests/git-server/git.ts';
import { applicationKind, argoDialect } from '#dialects/argo/application.ts';
import { hostedPrefix } from '#git/hosted-address.ts';
import { HostedRepositories } from '#git/hosted.ts';
import { systemTimers } from '#host/clock.ts';
import { openDiskFiles } from '#host/disk-files.ts';
import { childEnvironment } from '#host/environment.ts';
import { Metrics } from '#host/metrics.ts';
import { openProcesses } from '#host/processes.ts';
import type { Manifest } from '#model/object.ts';
import type { Renderer } from '#model/ports.ts';
import type { RenderSpec } from '#model/unit.ts';
import { noRemotes } from '#pipeline/render/repository.fixture.ts';
import { createRenderer } from '#pipeline/render/renderer.ts';
import { applyRoot, seedExample } from './first-run.ts';

const example = path.join(import.meta.dirname, '../../examples/first-run');
const disk = openDiskFiles(example);
let renderer: Renderer & { close(): Promise<void> };
let scratch: string;

beforeAll(async () => {
  renderer = createRenderer({ workers: 1, deadlineMs: 15_000, timers: systemTimers });
  scratch = await mkdtemp(path.join(tmpdir(), 'trueup-first-'));
});
afterAll(async () => {
  await renderer.close();
  await rm(scratch, { recursive: true, force: true });
});

async function applicationAt(file: string): Promise<Manifest> {
  const manifest = parse(await readFile(path.join(example, file), 'utf8')) as Manifest;
  return { ...manifest, metadata: { ...manifest.metadata, uid: file } };
}
async function objectsOf(root: string, spec: RenderSpec): Promise<readonly string[]> {
  const request = { spec, url: 'here', commit: 'here', root, tree: root };
  const rendered = await renderer.render(request, disk, noRemotes);
  if (!rendered.ok) throw new Error(rendered.failure.message);
  expect(rendered.value.warnings).toEqual([]);
  return rendered.value.objects.map(({ ref }) => `${ref.kind} ${ref.name}`).toSorted();
}

const applications: readonly (readonly [file: string, objects: readonly (string | RegExp)[]])[] = [
  ['root.yaml', ['orders', 'shop-dev', 'shop-prod', 'web'].map((name) => `Application ${name}`)],
  ['apps/web.yaml', ['ConfigMap pages', 'Deployment web', 'Service web']],
  ['apps/shop-dev.yaml', [/^ConfigMap settings-/, 'Deployment shop', 'Service shop']],
  [
    'apps/shop-prod.yaml',
    [/^ConfigMap settings-/, 'Deployment shop', 'PodDisruptionBudget shop', 'Service shop'],
  ],
  [
    'apps/orders.yaml',
    [
      'ConfigMap orders-settings',
      'Deployment orders',
      'Deployment orders-cache',
      'Service orders',
      'Service orders-cache',
    ],
  ],
];

describe('the example of the first run', () => {
  it.each(applications)('%s is honoured in full and renders', async (file, objects) => {
    const [unit] = argoDialect('argocd').compile(await applicationAt(file), {
      get: () => undefined,
      list: () => [],
    });
    expect(unit?.unsupported).toEqual([]);
    const [input] = unit!.inputs;
    expect(input!.source.url).toBe(`${hostedPrefix}example.git`);
    const found = await objectsOf(input!.path, input!.render as RenderSpec);
    expect(found).toEqual(objects.map((one) => (typeof one === 'string' ? one : expect.stringMatching(one))));
  });

  it('has no Application that is not looked at here', async () => {
    const files = await readdir(path.join(example, 'apps'));
    expect(files.map((file) => `apps/${file}`).toSorted()).toEqual(
      applications
        .map(([file]) => file)
        .filter((file) => file !== 'root.yaml')
        .toSorted(),
    );
  });

  it.each(['clusters/local', 'infra', 'apps/local', 'tenants'])(
    'has a fleet to come whose %s renders already, and that no Application names',
    async (directory) => {
      const spec: RenderSpec = { kind: 'kustomize', loadRestriction: 'root', edits: {} };
      expect((await objectsOf(`fleet/${directory}`, spec)).length).toBeGreaterThan(0);
      for (const [file] of applications)
        expect(JSON.stringify(await applicationAt(file))).not.toContain('fleet');
    },
  );
});

describe('a first run', () => {
  it('commits the example once, and never touches what people made of it', async () => {
    const processes = openProcesses(systemTimers);
    const clock = { now: () => 1_700_000_000_000, monotonic: () => 0 };
    const repositories = new HostedRepositories({
      processes,
      clock,
      meter: new Metrics(),
      environment: childEnvironment(process.env),
      dir: path.join(scratch, 'repositories'),
    });
    expect(await seedExample(repositories, clock)).toEqual({ ok: true, value: true });
    const gitDir = repositories.pathOf('example');
    const head = await gitAt(gitDir, 'rev-parse', 'HEAD');
    expect(await gitAt(gitDir, 'ls-tree', '-r', '--name-only', 'main')).toContain('apps/web.yaml');
    expect(await seedExample(repositories, { ...clock, now: () => 1_800_000_000_000 })).toEqual({
      ok: true,
      value: false,
    });
    expect(await gitAt(gitDir, 'rev-parse', 'HEAD')).toBe(head);
    processes.close();
  });

  it('creates the Application that leads to all others, and leaves one that is there', async () => {
    const cluster = new EngineWorld().cluster.client();
    expect(await applyRoot(cluster)).toEqual({ ok: true, value: true });
    const applied = await cluster.read({ ...applicationKind, namespace: 'argocd', name: 'root' });
    expect(applied).toMatchObject({ ok: true, value: { spec: { source: { path: 'apps' } } } });
    const versionOf = async (): Promise<unknown> => {
      const found = await cluster.read({ ...applicationKind, namespace: 'argocd', name: 'root' });
      return found.ok ? found.value?.metadata['resourceVersion'] : found;
    };
    const before = await versionOf();
    expect(await applyRoot(cluster)).toEqual({ ok: true, value: false });
    expect(await versionOf()).toBe(before);
  });
});
