/** Charts of a repository, from a real https server to what is rendered. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failure, openGitRoom, value, type GitRoom } from '../../../tests/git-server/git-room.ts';
import { createWorkTree, type WorkTree } from '../../../tests/git-server/server.ts';
import { startChartRepository, type ChartRepository } from '../../../tests/registries/chart-repository.ts';
import { chartOf, sha256 } from '../../../tests/registries/packing.ts';
import { argoOverriding, overridesOf } from '#dialects/argo/source-overrides.ts';
import { renderOf } from '#dialects/argo/source-render.ts';
import { loopbackCertificates } from '#host/certificates.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { silentMeter } from '#host/metrics.ts';
import { systemRandom } from '#host/random.ts';
import type { Input, Unit } from '#model/unit.ts';
import { openArchives } from '#registries/archives.ts';
import { renderInputs, type RenderedInputs } from '../render/inputs.ts';
import { emptyCluster } from '../render/repository.fixture.ts';
import { rendererOn } from '../render/renderer.ts';
import { Rendering } from '../render/rendering.ts';
import { loadModule } from '../render/wasm-module.ts';
import { insteadOf, locate, readOf } from './locate.ts';

const { module, version } = await loadModule(256);
const rendering = new Rendering(module, systemClock, systemRandom);
let renders = 0;
const renderer = rendererOn({
  render: (request) => {
    renders += 1;
    return Promise.resolve(rendering.render(request));
  },
  version: () => Promise.resolve(version),
});
const tls = loopbackCertificates(systemClock);
const trust = { certificates: tls.authority };

const login = { username: 'ada', password: 'right' };
let room: GitRoom;
let own: WorkTree;
let charts: ChartRepository;
let root: string;

beforeEach(async () => {
  const archives = openArchives({
    clock: systemClock,
    timers: { after: (delayMs, call) => systemTimers.after(delayMs === 1000 ? 0 : delayMs, call) },
    meter: silentMeter,
    lookup: () => Promise.resolve(['127.0.0.1']),
    environment: {},
    secrets: ({ name }) => (name === 'login' ? login : undefined),
    mirrors: [],
  });
  room = await openGitRoom({ archives });
  own = await createWorkTree(room.server, 'own');
  root = path.join(room.server.root, 'charts');
  await mkdir(root);
  charts = await startChartRepository({ root, tls: { key: tls.key, cert: tls.certificate } });
  await publish('1.0.0', '1.4.0');
});
afterEach(async () => {
  await charts.close();
  await room.close();
});

async function publish(...versions: readonly string[]): Promise<void> {
  const web = [];
  for (const one of versions) {
    const packed = chartOf('web', one);
    await writeFile(path.join(root, `web-${one}.tgz`), packed);
    web.push({ version: one, digest: sha256(packed), urls: [`web-${one}.tgz`] });
  }
  await writeFile(path.join(root, 'index.yaml'), JSON.stringify({ entries: { web } }));
}

const helm = (values: object = {}) => ({ kind: 'helm', releaseName: 'r', namespace: 'n', values }) as const;
const chart = (range: string, values: object = {}): Input => ({
  source: { kind: 'helm', url: charts.url, chart: 'web', ref: { semver: range }, trust },
  path: '.',
  render: helm(values),
});
const git = (further: Partial<Input> = {}): Input => ({
  source: { kind: 'git', url: own.url, ref: { branch: 'main' } },
  path: 'app',
  render: helm(),
  ...further,
});
const unitOf = (inputs: readonly Input[], allowed?: readonly string[]): Unit =>
  ({
    id: 'u',
    inputs,
    remotes: {
      rule: 'the rules',
      logins: [],
      trust: { certificates: { localhost: tls.authority } },
      ...(allowed === undefined ? {} : { allowed }),
    },
    target: {},
    tracking: { owner: 'u' },
    limits: {},
  }) as unknown as Unit;

async function render(unit: Unit, before?: RenderedInputs) {
  const state = before && {
    revisions: before.located.revisions,
    inputs: before.located.digest,
    read: readOf(before.located)!,
  };
  const located = value(
    await locate({ unit, state, view: emptyCluster }, { ...room, overriding: argoOverriding }),
  );
  const ports = { repositories: room.repositories, renderer, view: emptyCluster };
  return { located, rendered: await renderInputs(unit, located, ports) };
}
const dataOf = ({ objects }: RenderedInputs): readonly unknown[] =>
  objects.map(({ manifest }) => manifest['data']);
async function push(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await own.write(name, text);
  await own.commit('change');
  await own.push();
  value(await room.repositories.fetch(git().source));
}
const needs = (range: string): string =>
  `dependencies:\n- {name: web, version: "${range}", repository: "${charts.url}"}\n`;
const umbrella = (range: string): Readonly<Record<string, string>> => ({
  'app/Chart.yaml': `apiVersion: v2\nname: shop\nversion: 0.1.0\n${needs(range)}`,
  'app/values.yaml': 'web: {a: umbrella}\n',
});

describe('a chart of a repository', () => {
  test('renders in the highest version of the range, and only a new one renders again', async () => {
    const unit = unitOf([chart('1.x')]);
    const first = value((await render(unit)).rendered);
    expect(dataOf(first)).toEqual([{ version: '1.4.0', a: 'default' }]);
    expect(first.located.revisions).toMatchObject([{ name: '1.4.0', label: 'web 1.4.0' }]);
    const again = await render(unit, first);
    expect(again.located).toMatchObject({ digest: first.located.digest, ancestry: 'same' });
    await publish('1.0.0', '1.4.0', '1.5.0');
    value(await room.repositories.fetch(unit.inputs[0]!.source));
    const { located, rendered } = await render(unit, first);
    expect(located.ancestry).toBe('descendant');
    expect(dataOf(value(rendered))).toEqual([{ version: '1.5.0', a: 'default' }]);
  });

  test('is had at once in another version that somebody asks for, or the highest in another range', async () => {
    const unit = unitOf([chart('1.x')]);
    const ports = { ...room, overriding: argoOverriding };
    await publish('1.0.0', '1.0.3', '1.1.0', '1.4.0');
    const named = async (revision: string): Promise<unknown> =>
      value(await locate({ unit, state: undefined, instead: insteadOf(unit, [revision]) }, ports))
        .revisions[0]?.name;
    expect(await named('1.0.0')).toBe('1.0.0');
    expect(await named('1.0.*')).toBe('1.0.3');
    expect(await named('~1.0')).toBe('1.0.3');
    expect(await named('1.0')).toBe('1.0.3');
    expect(await named('HEAD')).toBe('1.4.0');
    expect(await named('')).toBe('1.4.0');
  });

  test('of a server that is not trusted is had as soon as it is', async () => {
    const { trust: _, ...untrusted } = chart('1.x').source;
    expect(failure(await room.repositories.fetch(untrusted)).code).toBe('RegistryTlsFailed');
    expect(value(await room.repositories.fetch({ ...untrusted, trust }))).toEqual({ changed: true });
  });

  test('F10: an index that goes back gives an older version, and says so', async () => {
    const unit = unitOf([chart('1.x')]);
    const first = value((await render(unit)).rendered);
    await publish('1.0.0');
    value(await room.repositories.fetch(unit.inputs[0]!.source));
    expect((await render(unit, first)).located.ancestry).toBe('older');
  });

  test('takes values of a Git repository by its name, at the revision of that', async () => {
    await push({ 'envs/prod.yaml': 'a: prod' });
    const values = git({ name: 'values', path: '.', render: { kind: 'none' } });
    const unit = unitOf([chart('1.0.0', { files: ['$values/envs/*.yaml'] }), values]);
    expect(dataOf(value((await render(unit)).rendered))).toEqual([{ version: '1.0.0', a: 'prod' }]);
  });
});

describe('a chart in Git that depends on a chart of a repository', () => {
  test('is rendered with the version of its lock, else with the highest of the range', async () => {
    await push(umbrella('1.x'));
    const unit = unitOf([git()]);
    const ranged = value((await render(unit)).rendered);
    expect(dataOf(ranged)).toEqual([{ version: '1.4.0', a: 'umbrella' }]);
    expect(ranged.objects[0]!.at.path).toContain('templates/settings.yaml');
    await push({ 'app/Chart.lock': needs('1.0.0') });
    const { located, rendered } = await render(unit, ranged);
    expect(located.digest).not.toBe(ranged.located.digest);
    expect(dataOf(value(rendered))).toEqual([{ version: '1.0.0', a: 'umbrella' }]);
  });

  test('is the same input until a version comes that it takes', async () => {
    await push(umbrella('1.x'));
    const unit = unitOf([git()]);
    const first = value((await render(unit)).rendered);
    expect((await render(unit, first)).located.digest).toBe(first.located.digest);
    await publish('1.0.0', '1.4.0', '1.6.0');
    const spec = { ...chart('1.x').source };
    value(await room.repositories.fetch(spec));
    const { located, rendered } = await render(unit, first);
    expect(located.digest).not.toBe(first.located.digest);
    expect(dataOf(value(rendered))).toEqual([{ version: '1.6.0', a: 'umbrella' }]);
  });

  test('S7: is refused where the project does not permit the repository, with the line that names it', async () => {
    await push(umbrella('1.x'));
    const { rendered } = await render(unitOf([git()], [own.url]));
    expect(failure(rendered)).toMatchObject({
      code: 'RemoteBaseDenied',
      at: { path: 'app/Chart.yaml', line: 5 },
    });
    expect((await render(unitOf([git()], [own.url, charts.url]))).rendered.ok).toBe(true);
  });

  describe('whose index names archives of another origin, which asks for the login', () => {
    let elsewhere: ChartRepository;
    const withLogin = (input: Input): Unit => {
      const unit = unitOf([input]);
      const secret = { namespace: 'argocd', name: 'login' };
      return {
        ...unit,
        remotes: { ...unit.remotes, logins: [{ url: charts.url, isPrefix: false, secret }] },
      };
    };
    beforeEach(async () => {
      elsewhere = await startChartRepository({
        root,
        tls: { key: tls.key, cert: tls.certificate },
        login,
      });
      const packed = chartOf('web', '1.0.0');
      const web = [{ version: '1.0.0', digest: sha256(packed), urls: [`${elsewhere.url}/web-1.0.0.tgz`] }];
      await writeFile(path.join(root, 'index.yaml'), JSON.stringify({ entries: { web } }));
      await push(umbrella('1.x'));
    });
    afterEach(() => elsewhere.close());
    const source = { repoURL: 'https://git.example/own', path: 'app', helm: {} };
    const context = { application: 'shop', instance: 'shop', project: 'default', namespace: 'n', names: [] };

    test('S5: it is not sent there by itself', async () => {
      expect(failure((await render(withLogin(git()))).rendered).code).toBe('RegistryAuthenticationFailed');
      expect(elsewhere.authorization()).toBeUndefined();
    });
    test('it is with passCredentials', async () => {
      const spec = renderOf({ ...source, helm: { passCredentials: true } }, context, []);
      const { rendered } = await render(withLogin(git({ render: spec })));
      expect(dataOf(value(rendered))).toEqual([{ version: '1.0.0', a: 'umbrella' }]);
    });
    test('it is where .argocd-source.yaml says so, and at once', async () => {
      const overrides = overridesOf(source, context);
      const input = git({ render: renderOf(source, context, []), overrides });
      expect((await render(withLogin(input))).rendered.ok).toBe(false);
      await push({ 'app/.argocd-source.yaml': 'helm: {passCredentials: true}\n' });
      const { rendered } = await render(withLogin(input));
      expect(dataOf(value(rendered))).toEqual([{ version: '1.0.0', a: 'umbrella' }]);
    });
  });

  test('that is not there says so', async () => {
    await push(umbrella('7.x'));
    expect(failure((await render(unitOf([git()]))).rendered).code).toBe('ChartNotFound');
  });
});
