/** The command line: what scripts and people rely on. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { brokenManifest, configMap, deployment, yaml } from './manifests.ts';
import { repositoryRoot, runToEnd, trueup } from './trueup-process.ts';
import type { Finished } from './trueup-process.ts';
import type { Place } from './world.ts';
import { useWorld, waitFor, writesAreCounted } from './world.ts';

const world = useWorld();

async function syncedPlace(overrides?: Parameters<Place['createApplication']>[0]): Promise<Place> {
  const place = await world.place();
  await place.push(
    { 'app/settings.yaml': yaml(configMap('settings', { value: '1' })) },
    { message: 'Begin' },
  );
  await place.createApplication(overrides);
  await place.synced();
  return place;
}

/** One line on standard error, nothing on standard output. */
function expectOneLine({ stdout, stderr }: Finished, pattern: RegExp): void {
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(pattern);
}

describe('trueup', () => {
  it('version is that of package.json', async () => {
    const { version } = JSON.parse(await readFile(join(repositoryRoot, 'package.json'), 'utf8')) as {
      version: string;
    };
    const { code, stdout } = await trueup(['version']);
    expect(code).toBe(0);
    expect(stdout).toContain(version);
  });

  it('--help names the commands and ends with 0', async () => {
    const { code, stdout } = await trueup(['--help']);
    expect(code).toBe(0);
    for (const command of ['start', 'plan', 'app', 'install']) expect(stdout).toContain(command);
  });

  it.each([
    [['frobnicate']],
    [['app', 'get']],
    [['app', 'list', '--frobnicate']],
    [['app', 'list', '-o', 'frobnicate']],
  ])('wrong usage ends with 64: %j', async (args) => {
    const { code, stderr } = await trueup(args);
    expect(code).toBe(64);
    expect(stderr).not.toBe('');
  });

  it('a kubeconfig that is not there: one line, 1', async () => {
    const finished = await trueup(['app', 'list', '--kubeconfig', '/nonexistent/config']);
    expect(finished.code).toBe(1);
    expectOneLine(finished, /\/nonexistent\/config/);
  });

  it.runIf(inject('nobodyKubeconfig') !== '')('somebody without rights: one line, 4', async () => {
    const finished = await trueup(['app', 'list', '--kubeconfig', inject('nobodyKubeconfig')]);
    expect(finished.code).toBe(4);
    expectOneLine(finished, /forbidden|may not|not allowed/i);
  });
});

describe('trueup app', () => {
  it('list names every Application with its state, in every form', async () => {
    const place = await syncedPlace();
    const table = await world.trueup('app', 'list');
    expect(table).toMatchObject({ code: 0 });
    expect(table.stdout).toMatch(new RegExp(`${place.name}.*Synced`));
    const json = JSON.parse((await world.trueup('app', 'list', '-o', 'json')).stdout) as {
      readonly metadata: { readonly name: string };
    }[];
    expect(json.map(({ metadata }) => metadata.name)).toContain(place.name);
    expect((await world.trueup('app', 'list', '-o', 'name')).stdout).toContain(place.name);
    expect((await world.trueup('app', 'list', '-o', 'wide')).stdout).toContain(place.repository.url);
  });

  it('get shows one, with its objects; one that is not there is named', async () => {
    const place = await syncedPlace();
    const { code, stdout } = await world.trueup('app', 'get', place.name);
    expect(code).toBe(0);
    for (const part of [place.name, place.repository.url, 'Synced', 'settings'])
      expect(stdout).toContain(part);
    const json = JSON.parse((await world.trueup('app', 'get', place.name, '-o', 'json')).stdout) as object;
    expect(json).toMatchObject({ kind: 'Application', status: { sync: { status: 'Synced' } } });

    const missing = await world.trueup('app', 'get', 'nothing-of-this-name');
    expect(missing.code).toBe(1);
    expectOneLine(missing, /nothing-of-this-name/);
  });

  it('history has one line a sync, with its commit', async () => {
    const place = await syncedPlace();
    const first = await place.repository.head();
    const second = await place.pushAndHint({
      'app/settings.yaml': yaml(configMap('settings', { value: '2' })),
    });
    await place.synced(second);
    const { code, stdout } = await world.trueup('app', 'history', place.name);
    expect(code).toBe(0);
    for (const commit of [first, second]) expect(stdout).toContain(commit.slice(0, 7));
    const entries = JSON.parse(
      (await world.trueup('app', 'history', place.name, '-o', 'json')).stdout,
    ) as unknown[];
    expect(entries.length).toBeGreaterThanOrEqual(2);
  });

  it('manifests prints what Git says, and no secret value', async () => {
    const place = await syncedPlace();
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'word' },
      stringData: { word: 'canary-word' },
    };
    const commit = await place.pushAndHint({ 'app/secret.yaml': yaml(secret) });
    await place.synced(commit);
    const { code, stdout } = await world.trueup('app', 'manifests', place.name);
    expect(code).toBe(0);
    const kinds = parseAllDocuments(stdout).map(
      (document) => (document.toJS() as { kind?: string } | null)?.kind,
    );
    expect(kinds).toEqual(expect.arrayContaining(['ConfigMap', 'Secret']));
    expect(stdout).not.toContain('canary-word');
    expect(stdout).not.toContain(Buffer.from('canary-word').toString('base64'));
  });

  it('sync applies what Git says now and waits for it; --dry-run applies nothing', async () => {
    const place = await syncedPlace({ spec: { syncPolicy: { automated: {} } } });
    await place.change({ spec: { syncPolicy: { automated: null } } });
    const commit = await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: '2' })) });
    const value = async () => (await place.live('v1/ConfigMap', 'settings'))['data'].value as string;

    const dry = await world.trueup('app', 'sync', place.name, '--dry-run');
    expect(dry, dry.stderr).toMatchObject({ code: 0 });
    expect(await value()).toBe('1');
    const wet = await world.trueup('app', 'sync', place.name);
    expect(wet, wet.stderr).toMatchObject({ code: 0 });
    expect(await value()).toBe('2');
    const { status } = await place.read();
    expect(status?.sync?.revision).toBe(commit);
  });

  it('sync prunes only with --prune where the Application does not', async () => {
    const place = await syncedPlace({ spec: { syncPolicy: { automated: {} } } });
    await place.change({ spec: { syncPolicy: { automated: null } } });
    const name = { 'app/settings.yaml': null, 'app/other.yaml': yaml(configMap('other', { a: '1' })) };
    await place.push(name);
    const kept = await world.trueup('app', 'sync', place.name);
    expect(kept, kept.stderr).toMatchObject({ code: 0 });
    expect(await place.get('v1/ConfigMap', 'other')).toBeDefined();
    expect(await place.get('v1/ConfigMap', 'settings')).toBeDefined();
    const pruned = await world.trueup('app', 'sync', place.name, '--prune');
    expect(pruned, pruned.stderr).toMatchObject({ code: 0 });
    await waitFor('the prune', async () => (await place.get('v1/ConfigMap', 'settings')) === undefined);
  });

  it('wait ends with 0 when it is so, and with another code at the time-out', async () => {
    const place = await syncedPlace();
    const so = await world.trueup('app', 'wait', place.name, '--sync', '--health', '--timeout', '30');
    expect(so, so.stderr).toMatchObject({ code: 0 });
    await place.pushAndHint({ 'app/settings.yaml': brokenManifest });
    await place.condition(/settings\.yaml/);
    const late = await world.trueup('app', 'wait', place.name, '--sync', '--timeout', '1');
    expect(late.code).toBe(3);
    expect(late.stderr).toMatch(/settings\.yaml/);
  });
});

describe('trueup plan', () => {
  const plan = (place: Place, ...further: readonly string[]) => {
    const where = ['--repo', place.repository.url, '--path', 'app', '--dest-namespace', place.namespace];
    return trueup(['plan', '--kubeconfig', world.kubeconfig, ...where, ...further]);
  };

  it.runIf(writesAreCounted)('says what would be done, a line an object, and writes nothing', async () => {
    const place = await world.place();
    await world.api.create(configMap('settings', { value: 'before' }, { namespace: place.namespace }));
    await place.push({
      'app/settings.yaml': yaml(configMap('settings', { value: 'after' })),
      'app/web.yaml': yaml(deployment('web')),
    });
    const mark = await world.mark();
    const { code, stdout, stderr } = await plan(place);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^\+ .*Deployment.*web/m);
    expect(stdout).toMatch(/^~ .*ConfigMap.*settings/m);
    expect(stdout).toMatch(/value/);
    expect(await place.writesSince(mark)).toEqual([]);
    expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: 'before' });
    expect(await plan(place, '--exit-code')).toMatchObject({ code: 2 });
  });

  it('names who owns what it would change', async () => {
    const place = await world.place();
    const theirs = yaml(configMap('settings', { value: 'theirs' }));
    await world.kubectlWith(theirs, 'apply', '--server-side', '-f', '-', '-n', place.namespace);
    await place.push({ 'app/settings.yaml': yaml(configMap('settings', { value: 'git' })) });
    expect((await plan(place)).stdout).toContain('kubectl');
  });

  it('of what is in sync has no differences', async () => {
    const place = await syncedPlace();
    const { code, stdout, stderr } = await world.trueup('plan', '--app', place.name, '--exit-code');
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/in sync/);
  });

  it('of a file that does not parse: file and line, 1', async () => {
    const place = await world.place();
    await place.push({ 'app/bad.yaml': brokenManifest });
    const { code, stderr } = await plan(place);
    expect(code).toBe(1);
    expect(stderr).toMatch(/bad\.yaml:\d/);
  });

  it('of a repository or path that is not there: its name, 1', async () => {
    const place = await world.place();
    await place.push({ 'other/settings.yaml': yaml(configMap('settings', {})) });
    const path = await plan(place);
    expect(path.code).toBe(1);
    expect(path.stderr).toMatch(/app/);
    const repository = await trueup([
      'plan',
      '--repo',
      world.git.url('nothing'),
      '--path',
      '.',
      '--kubeconfig',
      world.kubeconfig,
    ]);
    expect(repository.code).toBe(1);
    expect(repository.stderr).toContain(world.git.url('nothing'));
  });
});

describe('its standard output in a pipe', () => {
  it('may be closed early', async () => {
    await syncedPlace();
    const command = 'bin/trueup app list -o json --kubeconfig "$0" --namespace "$1" | head -c 1';
    const { stdout, stderr } = await runToEnd('sh', [
      '-c',
      command,
      world.kubeconfig,
      world.controlNamespace,
    ]);
    expect(stderr).toBe('');
    expect(stdout).toBe('[');
  });
});
