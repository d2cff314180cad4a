/** Against a real https server and a real registry on loopback. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { archiveOf, chartOf, sha256 } from '../../tests/registries/packing.ts';
import { startChartRepository, type ChartRepository } from '../../tests/registries/chart-repository.ts';
import { canTry } from '../../tests/programs.ts';
import { startProxy } from '../../tests/registries/proxy.ts';
import { basicAuthorization, plainLayer, pushLayers } from '../../tests/registries/push-layers.ts';
import { startRegistry, type Registry } from '../../tests/registries/registry.ts';
import { startTokenServer, type TokenServer } from '../../tests/registries/token-server.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { loopbackCertificates } from '#host/certificates.ts';
import { silentMeter } from '#host/metrics.ts';
import type { Result } from '#model/failure.ts';
import type { Archives, Timers } from '#model/ports.ts';
import type { GitRef, SourceSpec } from '#model/unit.ts';
import { openArchives, type ArchivesOptions } from './archives.ts';

const login = { username: 'ada', password: 'correct horse' };
const tls = loopbackCertificates(systemClock);
const secrets: Record<string, Readonly<Record<string, string>>> = {
  good: login,
  wrong: { ...login, password: 'wrong' },
  insecure: { ...login, insecure: 'true' },
};
let directory: string;
let open: Archives[] = [];
const archivesWith = (further: Partial<ArchivesOptions> = {}): Archives => {
  const archives = openArchives({
    clock: systemClock,
    timers: systemTimers,
    meter: silentMeter,
    lookup: (host) => Promise.resolve(host === 'localhost' ? ['127.0.0.1'] : []),
    environment: {},
    secrets: ({ name }) => secrets[name],
    mirrors: [],
    ...further,
  });
  open.push(archives);
  return archives;
};
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'trueup-registries-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));
afterEach(async () => {
  await Promise.all(open.map((archives) => archives.close()));
  open = [];
});
const proxied = { proxy: { namespace: 'argocd', name: 'proxy' } };
const as = (name: string) => ({ credentials: { namespace: 'argocd', name } });
const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.failure.code);
const textOf = (result: Result<unknown>): string => JSON.stringify(result);

async function read(
  archives: Archives,
  spec: SourceSpec,
): Promise<readonly [name: string, paths: readonly string[]]> {
  const found = await archives.find(spec);
  if (!found.ok) throw new Error(textOf(found));
  const fetched = await archives.fetch(spec, found.value);
  if (!fetched.ok) throw new Error(textOf(fetched));
  return [found.value.name, fetched.value.files.map((file) => file.path)];
}

describe('a repository of charts', () => {
  let server: ChartRepository;
  let root: string;
  const spec = (ref: GitRef, further: Partial<SourceSpec> = {}): SourceSpec => ({
    kind: 'helm',
    url: server.url,
    chart: 'web',
    ref,
    trust: { certificates: tls.authority },
    ...as('good'),
    ...further,
  });
  const index = (entries: object): Promise<void> =>
    writeFile(path.join(root, 'index.yaml'), JSON.stringify({ apiVersion: 'v1', entries }));

  beforeAll(async () => {
    root = path.join(directory, 'charts');
    await mkdir(root);
    const versions = ['1.0.0', '1.2.0', '1.10.0', '2.0.0-rc.1'];
    const entries = [];
    for (const version of versions) {
      const packed = chartOf('web', version);
      await writeFile(path.join(root, `web-${version}.tgz`), packed);
      entries.push({ version, digest: sha256(packed), urls: [`web-${version}.tgz`] });
    }
    await index({ web: entries, broken: [null, { version: 5 }] });
    server = await startChartRepository({ root, tls: { key: tls.key, cert: tls.certificate }, login });
  });
  afterAll(() => server.close());

  it.each<[GitRef, string]>([
    [{ name: '1.2.0' }, '1.2.0'],
    [{ name: 'v1.2.0' }, '1.2.0'],
    [{ semver: '1.x' }, '1.10.0'],
    [{ semver: '~1.2' }, '1.2.0'],
    [{ semver: '>=1.0.0, <1.10.0' }, '1.2.0'],
    [{ semver: '*' }, '1.10.0'],
    [{ semver: '>=2.0.0-0' }, '2.0.0-rc.1'],
  ])('%j is %s', async (ref, version) => {
    expect(await read(archivesWith(), spec(ref))).toEqual([
      version,
      ['Chart.yaml', 'values.yaml', 'templates/settings.yaml'],
    ]);
  });
  it('is reached by the proxy of its Secret, but where that is left out, and not past it (S14)', async () => {
    const proxy = await startProxy();
    const by = spec({ semver: '*' }, { trust: { certificates: tls.authority, ...proxied } });
    secrets['proxy'] = { proxy: proxy.url };
    expect((await read(archivesWith(), by))[0]).toBe('1.10.0');
    const { host } = new URL(server.url);
    expect(new Set(proxy.asked)).toEqual(new Set([host]));
    const mark = proxy.asked.length;
    secrets['proxy'] = { proxy: proxy.url, noProxy: host };
    expect((await read(archivesWith(), by))[0]).toBe('1.10.0');
    expect(proxy.asked).toHaveLength(mark);
    secrets['proxy'] = { proxy: proxy.url.replace('canary', 'wrong') };
    const refused = await archivesWith().find(by);
    expect(codeOf(refused)).toBe('RegistryUnreachable');
    expect(textOf(refused)).not.toContain('pr0xy');
    await proxy.close();
    secrets['proxy'] = { proxy: proxy.url };
    expect(codeOf(await archivesWith().find(by))).toBe('RegistryUnreachable');
    secrets['proxy'] = { proxy: 'socks5://proxy.example' };
    expect(textOf(await archivesWith().find(by))).toMatch(/Secret argocd\/proxy has a proxy that is no http/);
  });
  it('says which versions there are when there is none', async () => {
    const result = await archivesWith().find(spec({ semver: '>=3' }));
    expect(result).toMatchObject({
      ok: false,
      failure: { code: 'ChartNotFound', hint: expect.stringContaining('1.10.0') },
    });
    expect(codeOf(await archivesWith().find(spec({ semver: '*' }, { chart: 'broken' })))).toBe(
      'ChartNotFound',
    );
  });
  it('is asked once for many, and then for what has changed only', async () => {
    const later: (() => void)[] = [];
    const after: Timers['after'] = (delayMs, call) => {
      if (delayMs === 1000) later.push(call);
      return delayMs === 1000 ? () => undefined : systemTimers.after(delayMs, call);
    };
    const archives = archivesWith({ timers: { after } });
    server.requests.length = 0;
    await Promise.all([archives.find(spec({ semver: '*' })), archives.find(spec({ name: '1.0.0' }))]);
    await archives.find(spec({ name: '1.2.0' }));
    expect(server.requests).toEqual(['200 /index.yaml']);
    expect(codeOf(await archives.find(spec({ name: '7.0.0' })))).toBe('ChartNotFound');
    expect(server.requests.splice(1)).toEqual(['304 /index.yaml']);
    for (const call of later.splice(0)) call();
    expect(codeOf(await archives.find(spec({ name: '1.2.0' })))).toBe('ok');
    expect(server.requests).toEqual(['200 /index.yaml', '304 /index.yaml']);
  });
  it('without its authority is not believed', async () => {
    const { trust: _, ...untrusted } = spec({ name: '1.0.0' });
    expect(codeOf(await archivesWith().find(untrusted))).toBe('RegistryTlsFailed');
  });
  it('refuses a wrong login and none; the password is in no message (S14)', async () => {
    const wrong = await archivesWith().find(spec({ name: '1.0.0' }, as('wrong')));
    expect(codeOf(wrong)).toBe('RegistryAuthenticationFailed');
    expect(textOf(wrong)).not.toContain('wrong');
    const { credentials: _, ...anonymous } = spec({ name: '1.0.0' });
    expect(codeOf(await archivesWith().find(anonymous))).toBe('RegistryAuthenticationFailed');
    expect(codeOf(await archivesWith().find(spec({ name: '1.0.0' }, as('gone'))))).toBe(
      'RegistryAuthenticationFailed',
    );
  });
  it('S4: a connection that is not verified is not made, also where a Secret asks for it', async () => {
    const result = await archivesWith().find(spec({ name: '1.0.0' }, as('insecure')));
    expect(codeOf(result)).toBe('RegistryTlsFailed');
  });
  it('S9: what is sent has the digest that the index says, or is not used', async () => {
    const archives = archivesWith();
    const found = await archives.find(spec({ name: '1.0.0' }));
    if (!found.ok) throw new Error(textOf(found));
    const other = { ...found.value, url: found.value.url.replace('1.0.0', '1.2.0') };
    expect(codeOf(await archives.fetch(spec({ name: '1.0.0' }), other))).toBe('DigestMismatch');
  });
  it.each([
    ['http://169.254.169.254/latest/meta-data', 'ForbiddenHost'],
    ['https://[fe80::1]/x', 'ForbiddenHost'],
    ['https://metadata.google.internal/x', 'ForbiddenHost'],
    ['https://rebound.example/x', 'ForbiddenHost'],
    ['http://localhost/x', 'UnsupportedRegistry'],
    ['file:///etc/passwd', 'UnsupportedRegistry'],
  ])('S10: a redirect to %s is not followed', async (to, code) => {
    const lookup = (host: string) =>
      Promise.resolve([host === 'rebound.example' ? '169.254.169.254' : '127.0.0.1']);
    server.redirect('/web-1.0.0.tgz', to);
    const archives = archivesWith({ lookup });
    const found = await archives.find(spec({ name: '1.0.0' }));
    if (!found.ok) throw new Error(textOf(found));
    expect(codeOf(await archives.fetch(spec({ name: '1.0.0' }), found.value))).toBe(code);
    // Somebody who names an address without encryption means it.
    if (to.startsWith('http://localhost')) return;
    expect(codeOf(await archives.find(spec({ name: '1.0.0' }, { url: to })))).toBe(code);
  });
  it.each([
    [false, undefined],
    [true, basicAuthorization(login)],
  ])('a login goes to another origin only with passCredentials: %s', async (passCredentials, sent) => {
    const elsewhere = await startChartRepository({ root, tls: { key: tls.key, cert: tls.certificate } });
    const packed = chartOf('web', '9.0.0');
    await writeFile(path.join(root, 'web-9.0.0.tgz'), packed);
    await index({
      web: [{ version: '9.0.0', digest: sha256(packed), urls: [`${elsewhere.url}/web-9.0.0.tgz`] }],
    });
    try {
      const [name] = await read(
        archivesWith(),
        spec({ name: '9.0.0' }, passCredentials ? { passCredentials } : {}),
      );
      expect(name).toBe('9.0.0');
      expect(elsewhere.authorization()).toBe(sent);
    } finally {
      await elsewhere.close();
    }
  });
  it('F16: a large index is read away from this thread', async () => {
    const versions = Array.from(
      { length: 5000 },
      (_, index) => `- {version: 1.0.${index}, urls: [web-1.0.0.tgz]}`,
    );
    await writeFile(
      path.join(root, 'index.yaml'),
      `apiVersion: v1\nentries:\n  web:\n  ${versions.join('\n  ')}\n`,
    );
    const found = await archivesWith().find(spec({ semver: '*' }));
    expect(found).toMatchObject({ ok: true, value: { name: '1.0.4999' } });
  });
  it.each(['<html>', 'entries: 5', 'a: &a [1]\nentries: {web: [*a, *a]}'])(
    'an index that is none: %s',
    async (text) => {
      await writeFile(path.join(root, 'index.yaml'), text);
      const result = await archivesWith().find(spec({ semver: '*' }));
      expect(['InvalidIndex', 'ChartNotFound']).toContain(codeOf(result));
    },
  );
});

describe.runIf(canTry('docker-registry'))('a registry', () => {
  let registry: Registry;
  const authorization = basicAuthorization(login);
  const push = (repository: string, ...what: readonly [string, string, ...Uint8Array[]]): Promise<string> =>
    pushLayers({ host: registry.host, repository, authorization }, ...what);
  const spec = (repository: string, ref: GitRef, further: Partial<SourceSpec> = {}): SourceSpec => ({
    kind: 'oci',
    url: `oci://${registry.host}/${repository}`,
    ref,
    ...as('good'),
    ...further,
  });

  beforeAll(async () => {
    const root = path.join(directory, 'registry');
    await mkdir(root);
    registry = await startRegistry(root, login);
    for (const version of ['1.0.0', '1.1.0_build.1'])
      await push(
        'charts/web',
        version,
        'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
        chartOf('web', version.replace('_', '+')),
      );
    await push('manifests', 'latest', plainLayer, archiveOf([{ path: './app/a.yaml', content: 'a' }]));
  });
  afterAll(() => registry.close());

  it.each<[GitRef]>([[{ name: '1.0.0' }], [{ semver: '~1.0' }]])('gives a chart: %j', async (ref) => {
    const [name, paths] = await read(archivesWith(), spec('charts/web', ref));
    expect(name).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(paths).toContain('Chart.yaml');
  });
  it('a version with build metadata has a tag without a plus', async () => {
    const found = await archivesWith().find(spec('charts/web', { semver: '1.x' }));
    expect(found).toMatchObject({ ok: true, value: { label: expect.stringContaining('1.1.0_build.1') } });
  });
  it('gives manifests by tag, and by the digest that the tag had', async () => {
    const archives = archivesWith();
    const [digest, paths] = await read(archives, spec('manifests', { name: 'latest' }));
    expect(paths).toEqual(['app/a.yaml']);
    await push('manifests', 'latest', plainLayer, archiveOf([{ path: 'b.yaml', content: 'b' }]));
    expect((await read(archives, spec('manifests', { name: digest })))[1]).toEqual(['app/a.yaml']);
    expect((await read(archives, spec('manifests', { name: 'latest' })))[1]).toEqual(['b.yaml']);
  });
  it('S9: a tag that moves after it was looked up gives what was looked up', async () => {
    const archives = archivesWith();
    await push('moving', 'v1', plainLayer, archiveOf([{ path: 'a.yaml', content: 'a' }]));
    const found = await archives.find(spec('moving', { name: 'v1' }));
    if (!found.ok) throw new Error(textOf(found));
    await push('moving', 'v1', plainLayer, archiveOf([{ path: 'evil.yaml', content: 'a' }]));
    const fetched = await archives.fetch(spec('moving', { name: 'v1' }), found.value);
    expect(fetched.ok && fetched.value.files.map((file) => file.path)).toEqual(['a.yaml']);
  });
  it('more than one layer, or one of another type, is refused', async () => {
    await push('two', 'v1', plainLayer, archiveOf([{ path: 'a' }]), archiveOf([{ path: 'b' }]));
    await push('other', 'v1', 'application/octet-stream', Buffer.from('x'));
    for (const repository of ['two', 'other']) {
      const archives = archivesWith();
      const found = await archives.find(spec(repository, { name: 'v1' }));
      if (!found.ok) throw new Error(textOf(found));
      expect(codeOf(await archives.fetch(spec(repository, { name: 'v1' }), found.value))).toBe(
        'ArchiveRefused',
      );
    }
  });
  it('a wrong login, a missing tag and an address that is none say so', async () => {
    expect(codeOf(await archivesWith().find(spec('manifests', { name: 'latest' }, as('wrong'))))).toBe(
      'RegistryAuthenticationFailed',
    );
    expect(codeOf(await archivesWith().find(spec('manifests', { name: 'none' })))).toBe('ChartNotFound');
    expect(codeOf(await archivesWith().find(spec('x', { name: 'a' }, { url: 'oci://host/UPPER' })))).toBe(
      'UnsupportedRegistry',
    );
    expect(
      codeOf(await archivesWith().find(spec('x', { name: 'a' }, { url: 'oci://169.254.169.254/x' }))),
    ).toBe('ForbiddenHost');
  });
});

describe.runIf(canTry('docker-registry'))('a registry that asks for tokens', () => {
  let tokens: TokenServer;
  let registry: Registry;
  const elsewhere: Registry[] = [];
  const scope = 'repository:private/app:pull';

  /** As the tools of registries push: with a token that lets them. */
  async function pushed(repository: string, content: Uint8Array): Promise<void> {
    const authorization = `Bearer ${await tokenFor(`repository:${repository}:pull,push`)}`;
    await pushLayers({ host: registry.host, repository, authorization }, 'v1', plainLayer, content);
  }
  async function tokenFor(of: string): Promise<string> {
    const url = new URL(tokens.auth.realm);
    url.searchParams.set('service', tokens.auth.service);
    url.searchParams.set('scope', of);
    const answer = await fetch(url, { headers: { authorization: basicAuthorization(login) } });
    return ((await answer.json()) as { token: string }).token;
  }
  const spec = (repository: string, further: object = as('good')): SourceSpec => ({
    kind: 'oci',
    url: `oci://${registry.host}/${repository}`,
    ref: { name: 'v1' },
    ...further,
  });

  beforeAll(async () => {
    const root = path.join(directory, 'tokens');
    await mkdir(root);
    tokens = await startTokenServer({ login, open: ['public/app'], directory: root });
    registry = await startRegistry(root, tokens.auth);
    for (const repository of ['private/app', 'public/app'])
      await pushed(repository, archiveOf([{ path: 'a.yaml', content: repository }]));
  });
  beforeEach(() => {
    tokens.requests.length = 0;
    tokens.lifetimeSeconds = 300;
  });
  afterAll(async () => {
    await Promise.all([registry, ...elsewhere].map((one) => one.close()));
    await tokens.close();
  });

  it('gets the login of the Secret for one, which is used for all that follows', async () => {
    const archives = archivesWith();
    expect((await read(archives, spec('private/app')))[1]).toEqual(['a.yaml']);
    expect((await read(archives, spec('private/app')))[1]).toEqual(['a.yaml']);
    expect(tokens.requests).toEqual([`200 ada ${scope}`]);
  });
  it('gives who has no login what is open to all, and nothing else', async () => {
    const archives = archivesWith();
    expect((await read(archives, spec('public/app', {})))[1]).toEqual(['a.yaml']);
    expect(codeOf(await archives.find(spec('private/app', {})))).toBe('RegistryAuthenticationFailed');
    expect(tokens.requests).toEqual(['200 nobody repository:public/app:pull', `200 nobody ${scope}`]);
  });
  it('a token that is too old is asked for anew', async () => {
    const archives = archivesWith();
    // The registry takes it for one or two seconds more.
    tokens.lifetimeSeconds = -58;
    const old = await tokenFor(scope);
    expect((await archives.find(spec('private/app'))).ok).toBe(true);
    tokens.lifetimeSeconds = 300;
    tokens.requests.length = 0;
    const headers = { authorization: `Bearer ${old}`, accept: 'application/vnd.oci.image.manifest.v1+json' };
    const url = `http://${registry.host}/v2/private/app/manifests/v1`;
    await expect.poll(async () => (await fetch(url, { headers })).status, { timeout: 10_000 }).toBe(401);
    await expect
      .poll(
        async () => {
          const found = await archives.find(spec('private/app'));
          return found.ok && tokens.requests.length;
        },
        { timeout: 10_000 },
      )
      .toBe(1);
  });
  it('a wrong login is said, without its password (S14)', async () => {
    const found = await archivesWith().find(spec('private/app', as('wrong')));
    expect(codeOf(found)).toBe('RegistryAuthenticationFailed');
    expect(textOf(found)).not.toMatch(/wrong|correct horse/);
    expect(tokens.requests).toEqual([`401 a stranger ${scope}`]);
  });
  it('S10: a server of tokens that is off limits is not asked', async () => {
    const root = path.join(directory, 'off-limits');
    await mkdir(root);
    const auth = { ...tokens.auth, realm: 'http://169.254.169.254/token' };
    const other = await startRegistry(root, auth);
    elsewhere.push(other);
    const found = await archivesWith().find(spec('x', { ...as('good'), url: `oci://${other.host}/x` }));
    expect(codeOf(found)).toBe('ForbiddenHost');
  });
});
