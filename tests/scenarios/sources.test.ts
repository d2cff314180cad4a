/** Where sources come from: several at once, repositories of charts, registries, Git over SSH; all with real servers and logins. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSshServer, type SshServer } from '../git-server/ssh-server.ts';
import { startChartRepository, type ChartRepository } from '../registries/chart-repository.ts';
import { helm, packChart } from '../registries/helm.ts';
import { startRegistry, type Registry } from '../registries/registry.ts';
import { startTokenServer, type TokenServer } from '../registries/token-server.ts';
import { systemClock } from '#host/clock.ts';
import { loopbackCertificates } from '#host/certificates.ts';
import { configMap, yaml, type Manifest } from './manifests.ts';
import { useWorld, type Place } from './world.ts';

const login = { username: 'ada', password: 'correct horse' };
const tls = loopbackCertificates(systemClock);
const world = useWorld();
let charts: ChartRepository;
let chartsRoot: string;
let registry: Registry;
let tokens: TokenServer;
let tokenRegistry: Registry;
let ssh: SshServer;
let home: string;

beforeAll(async () => {
  home = path.join(world.directory, 'helm');
  chartsRoot = path.join(world.directory, 'charts');
  await mkdir(home, { recursive: true });
  for (const version of ['1.0.0', '1.1.0']) await packChart(home, 'web', version, chartsRoot);
  await helm(home, 'repo', 'index', chartsRoot);
  charts = await startChartRepository({
    root: chartsRoot,
    tls: { key: tls.key, cert: tls.certificate },
    login,
  });
  const registryIn = async (name: string, auth: Parameters<typeof startRegistry>[1]): Promise<Registry> => {
    const root = path.join(world.directory, name);
    await mkdir(root, { recursive: true });
    return startRegistry(root, auth);
  };
  registry = await registryIn('registry', login);
  tokens = await startTokenServer({ login, open: [], directory: world.directory });
  tokenRegistry = await registryIn('token-registry', tokens.auth);
  for (const { host } of [registry, tokenRegistry]) {
    const who = ['-u', login.username, '-p', login.password];
    await helm(home, 'registry', 'login', host, '--plain-http', ...who);
    const chart = path.join(chartsRoot, 'web-1.0.0.tgz');
    await helm(home, 'push', chart, `oci://${host}/charts`, '--plain-http');
  }
  ssh = await startSshServer(
    path.join(world.directory, 'ssh'),
    path.dirname(world.git.repositoryPath('none')),
  );
  const secret = (name: string, url: string, data: object, type = 'repository'): Manifest => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: world.controlNamespace,
      labels: { 'argocd.argoproj.io/secret-type': type },
    },
    stringData: { url, ...data },
  });
  const map = (name: string, data: object): Manifest => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: world.controlNamespace },
    data,
  });
  const sshPrefix = ssh.url('x').replace(/x\.git$/, '');
  for (const object of [
    secret('charts', charts.url, { type: 'helm', ...login }),
    secret('registry', `${registry.host}/charts`, { type: 'helm', enableOCI: 'true', ...login }),
    secret('token-registry', `${tokenRegistry.host}/charts`, { type: 'helm', enableOCI: 'true', ...login }),
    secret('keys', sshPrefix, { sshPrivateKey: ssh.privateKey }, 'repo-creds'),
    map('argocd-tls-certs-cm', { localhost: tls.authority }),
    map('argocd-ssh-known-hosts-cm', { ssh_known_hosts: ssh.knownHosts }),
  ])
    await world.api.create(object);
});
afterAll(async () => {
  await Promise.all([charts, registry, tokenRegistry, tokens, ssh].map((server) => server?.close()));
});

const source = (repoURL: string, further: object): Manifest => ({ source: { repoURL, ...further } });
const dataOf = async (place: Place, name: string): Promise<unknown> =>
  (await place.live('v1/ConfigMap', name))['data'];
const sourcesAt = async (place: Place, ...sources: readonly object[]): Promise<void> =>
  place.createApplication({ spec: { source: undefined, sources } as unknown as Manifest });

describe('charts of a repository with a login and an authority of its own', () => {
  it('are applied in the highest version of the range, and a new version arrives', async () => {
    const place = await world.place();
    await place.createApplication({ spec: source(charts.url, { chart: 'web', targetRevision: '1.x' }) });
    const application = await place.synced('1.1.0');
    expect(await dataOf(place, 'web')).toEqual({ version: '1.1.0', a: 'default' });
    expect(application.status?.history).toMatchObject([{ revision: '1.1.0' }]);
    await packChart(home, 'web', '1.2.0', chartsRoot);
    await helm(home, 'repo', 'index', chartsRoot);
    await place.refresh();
    await place.synced('1.2.0');
    expect(await dataOf(place, 'web')).toEqual({ version: '1.2.0', a: 'default' });
  });

  it('take values of a Git repository, whose commits count', async () => {
    const place = await world.place();
    const commit = await place.push({ 'envs/prod.yaml': 'a: one\n' });
    await sourcesAt(
      place,
      {
        repoURL: charts.url,
        chart: 'web',
        targetRevision: '1.0.0',
        helm: { valueFiles: ['$values/envs/prod.yaml'] },
      },
      { repoURL: place.repository.url, targetRevision: 'main', ref: 'values' },
    );
    const application = await place.synced();
    expect(await dataOf(place, 'web')).toEqual({ version: '1.0.0', a: 'one' });
    expect(application.status?.sync).toMatchObject({ revisions: ['1.0.0', commit] });
    const next = await place.pushAndHint({ 'envs/prod.yaml': 'a: two\n' });
    await place.waitForApplication('the commit', ({ status }) => JSON.stringify(status?.sync).includes(next));
    await place.synced();
    expect(await dataOf(place, 'web')).toEqual({ version: '1.0.0', a: 'two' });
  });

  it('are what a chart in Git depends on, in the version of its lock', async () => {
    const place = await world.place();
    const dependency = `dependencies:\n- name: web\n  version: 1.x\n  repository: ${charts.url}\n`;
    await place.push({
      'app/Chart.yaml': `apiVersion: v2\nname: shop\nversion: 0.1.0\n${dependency}`,
      'app/Chart.lock': dependency.replace('1.x', '1.0.0'),
      'app/values.yaml': 'web: {a: umbrella}\n',
    });
    await place.createApplication();
    await place.synced();
    expect(await dataOf(place, 'web')).toEqual({ version: '1.0.0', a: 'umbrella' });
  });

  it('S9: one that is not what the index says is not applied, and what is applied stays', async () => {
    const place = await world.place();
    await place.createApplication({ spec: source(charts.url, { chart: 'web', targetRevision: '1.0.0' }) });
    await place.synced('1.0.0');
    const index = await readFile(path.join(chartsRoot, 'index.yaml'), 'utf8');
    await packChart(home, 'web', '1.9.0', chartsRoot);
    await helm(home, 'repo', 'index', chartsRoot);
    await writeFile(
      path.join(chartsRoot, 'web-1.9.0.tgz'),
      await readFile(path.join(chartsRoot, 'web-1.1.0.tgz')),
    );
    await place.change({ spec: { source: { targetRevision: '1.9.0' } } });
    expect(await place.condition(/DigestMismatch/)).toContain('1.9.0');
    expect(await dataOf(place, 'web')).toMatchObject({ version: '1.0.0' });
    await writeFile(path.join(chartsRoot, 'index.yaml'), index);
  });
});

describe('a registry with a login', () => {
  it('gives a chart that helm pushed', async () => {
    const place = await world.place();
    const spec = source(`${registry.host}/charts`, { chart: 'web', targetRevision: '1.0.0' });
    await place.createApplication({ spec });
    const application = await place.synced();
    expect(await dataOf(place, 'web')).toEqual({ version: '1.0.0', a: 'default' });
    expect(application.status?.sync?.revision).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('that has no such tag says so, and nothing is written', async () => {
    const place = await world.place();
    const spec = source(`${registry.host}/charts`, { chart: 'web', targetRevision: '7.0.0' });
    await place.createApplication({ spec });
    expect(await place.condition(/ChartNotFound/)).toContain('7.0.0');
    expect(await place.get('v1/ConfigMap', 'web')).toBeUndefined();
  });
});

describe('a registry that asks for tokens', () => {
  it('gets one for the login of its Secret, and gives the chart', async () => {
    const place = await world.place();
    tokens.requests.length = 0;
    const spec = source(`${tokenRegistry.host}/charts`, { chart: 'web', targetRevision: '1.x' });
    await place.createApplication({ spec });
    await place.synced();
    expect(await dataOf(place, 'web')).toEqual({ version: '1.0.0', a: 'default' });
    expect(tokens.requests).toEqual(['200 ada repository:charts/web:pull']);
  });
});

describe('Git over SSH', () => {
  it('is applied with the key of a repo-creds Secret and the known hosts of the ConfigMap', async () => {
    const place = await world.place();
    const commit = await place.push({ 'app/settings.yaml': yaml(configMap('settings', { a: '1' })) });
    const spec = source(ssh.url(place.name), { path: 'app', targetRevision: 'main' });
    await place.createApplication({ spec });
    await place.synced(commit);
    expect(await dataOf(place, 'settings')).toEqual({ a: '1' });
  });
});

describe('several sources of one Application', () => {
  it('make one set of objects; the later one wins, and a condition says so', async () => {
    const [place, other] = [await world.place(), await world.place()];
    const first = await place.push({
      'app/a.yaml': yaml(configMap('one', { from: 'first' })),
      'app/b.yaml': yaml(configMap('two', { from: 'first' })),
    });
    const second = await other.push({ 'app/a.yaml': yaml(configMap('one', { from: 'second' })) });
    const at = (of: Place): object => ({ repoURL: of.repository.url, path: 'app', targetRevision: 'main' });
    await sourcesAt(place, at(place), at(other));
    const application = await place.synced();
    expect(application.status?.sync).toMatchObject({ revisions: [first, second] });
    expect(await dataOf(place, 'one')).toEqual({ from: 'second' });
    expect(await place.condition(/RepeatedResource/, /RepeatedResourceWarning/)).toContain('one');
    await place.pushAndHint({ 'app/b.yaml': null });
    await place.waitForApplication(
      'the object to be pruned',
      ({ status }) => status?.resources?.every(({ name }) => name !== 'two') === true,
    );
    expect(await place.get('v1/ConfigMap', 'two')).toBeUndefined();
  });
});
