/** Rollback is a revert in Git: Trueup's where it may push, a person's where it may not. */
import { join } from 'node:path';
import { mkdtemp } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { gitAt } from '../git-server/git.ts';
import { brokenManifest, configMap, yaml } from './manifests.ts';
import { runToEnd } from './trueup-process.ts';
import type { Place } from './world.ts';
import { applicationKind, useWorld, waitFor } from './world.ts';

const world = useWorld();

const settings = (value: string, file = 'app/settings.yaml', name = 'settings') => ({
  [file]: yaml(configMap(name, { value })),
});
const valueOf = async (place: Place, name = 'settings') =>
  (await place.live('v1/ConfigMap', name))['data'].value as string;

/** Deployed twice: at '1', then at '2'. */
async function twiceDeployed(spec?: Parameters<Place['createApplication']>[0]): Promise<{
  readonly place: Place;
  readonly first: string;
  readonly second: string;
}> {
  const place = await world.place();
  const first = await place.push(settings('1'), { message: 'Begin' });
  await place.createApplication(spec);
  await place.synced(first);
  await place.waitForApplication('health', ({ status }) => status?.health?.status === 'Healthy');
  const second = await place.pushAndHint(settings('2'), { message: 'Raise it' });
  await place.synced(second);
  return { place, first, second };
}
async function mayPush(place: Place, may: boolean): Promise<void> {
  await gitAt(world.git.repositoryPath(place.name), 'config', 'http.receivepack', String(may));
}

describe('app rollback', () => {
  it('pushes a revert that says who and why; it is applied, stays applied, and its time is kept', async () => {
    const { place, first, second } = await twiceDeployed();
    const done = await world.trueup(
      'app',
      'rollback',
      place.name,
      '--reason',
      'checkout is slow',
      '--author',
      'Ada <ada@example.com>',
    );
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(done.stdout).toMatch(/reverted 1 commit, as main@[0-9a-f]{8}; stable .* after it was seen/);
    expect(await valueOf(place)).toBe('1');
    await place.repository.git('fetch', '--quiet', 'origin');
    const log = await place.repository.git('log', '-1', '--format=%an%n%B', 'origin/main');
    expect(log).toMatch(/^Ada\nRevert "Raise it"\n\nThis reverts commit /);
    for (const line of [second, 'Reverted-by: ', `Back-to: ${first}`, 'Reason: checkout is slow'])
      expect(log).toContain(line);

    // Automated sync has nothing to undo: what is applied is what Git says.
    const after = await place.refresh('hard');
    expect(after.status?.sync).toMatchObject({
      status: 'Synced',
      revision: await place.repository.git('rev-parse', 'origin/main'),
    });
    expect(await valueOf(place)).toBe('1');
    expect((await world.trueup('app', 'history', place.name)).stdout).toMatch(
      /a revert, stable .* after it was seen/,
    );
    expect((await world.trueup('app', 'get', place.name)).stdout).toMatch(/Last Rollback: +main@.* stable/);
  });

  it('to a deployment by its number reverts all that came after it; --dry-run only says how', async () => {
    const { place } = await twiceDeployed();
    await place.push({ 'elsewhere/README.md': 'not read by it' }, { message: 'Elsewhere' });
    const third = await place.pushAndHint(settings('3'), { message: 'Raise it again' });
    await place.synced(third);
    const history = JSON.parse((await world.trueup('app', 'history', place.name, '-o', 'json')).stdout) as {
      readonly id: number;
    }[];
    const dry = await world.trueup('app', 'rollback', place.name, String(history[0]?.id), '--dry-run');
    expect(dry, dry.stderr).toMatchObject({ code: 0 });
    expect(dry.stdout.match(/ revert --no-edit /g)).toHaveLength(2);
    expect(await valueOf(place)).toBe('3');
    const done = await world.trueup('app', 'rollback', place.name, String(history[0]?.id));
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(await valueOf(place)).toBe('1');
    await place.repository.git('fetch', '--quiet', 'origin');
    expect(await place.repository.git('show', 'origin/main:elsewhere/README.md')).toBe('not read by it');
  });

  it('of what does not even render goes back to what was deployed', async () => {
    const { place } = await twiceDeployed();
    await place.pushAndHint({ 'app/settings.yaml': brokenManifest }, { message: 'Break it' });
    await place.condition(/settings\.yaml/);
    const done = await world.trueup('app', 'rollback', place.name);
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(done.stderr).toMatch(/to be reverted: .* Break it/);
    await place.synced();
    expect(await valueOf(place)).toBe('2');
  });

  it('where it may not push: prints the commands, changes nothing, ends with 4; they do the same, and are measured', async () => {
    const { place } = await twiceDeployed();
    await mayPush(place, false);
    const refused = await world.trueup('app', 'rollback', place.name);
    expect(refused.code, refused.stderr).toBe(4);
    expect(refused.stderr).toMatch(/nothing was changed.*\[GitWriteDenied\]/);
    expect(await valueOf(place)).toBe('2');
    await mayPush(place, true);
    const directory = await mkdtemp(join(world.directory, 'person-'));
    const identity =
      'export GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p@x GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p@x';
    const byHand = await runToEnd('sh', ['-ec', `cd ${directory}; ${identity}\n${refused.stdout}`]);
    expect(byHand, byHand.stderr).toMatchObject({ code: 0 });
    await world.hint(place.repository);
    await waitFor('the revert', async () => (await valueOf(place)) === '1');
    await waitFor('its time', async () =>
      /a revert, stable/.test((await world.trueup('app', 'history', place.name)).stdout),
    );
  });

  it('of a commit that other Applications read names them, and asks', async () => {
    const place = await world.place();
    const other = await world.place({ shared: place });
    await place.push({ ...settings('1'), ...settings('1', 'other/settings.yaml') }, { message: 'Begin' });
    await place.createApplication();
    await other.createApplication({
      spec: { source: { repoURL: place.repository.url, path: 'other', targetRevision: 'main' } },
    });
    await Promise.all([place.synced(), other.synced()]);
    const both = await place.pushAndHint(
      { ...settings('2'), ...settings('2', 'other/settings.yaml') },
      { message: 'Raise both' },
    );
    await Promise.all([place.synced(both), other.synced(both)]);
    const asked = await world.trueup('app', 'rollback', place.name);
    expect(asked.code).toBe(1);
    expect(asked.stderr).toMatch(new RegExp(`${other.name}[^]*--yes`));
    expect(await valueOf(place)).toBe('2');
    const done = await world.trueup('app', 'rollback', place.name, '--yes');
    expect(done, done.stderr).toMatchObject({ code: 0 });
    await waitFor('the other one', async () => (await valueOf(other)) === '1');
  });

  it('pushes with the Secret that is for writing', async () => {
    const { place } = await twiceDeployed({ spec: { syncPolicy: { automated: { selfHeal: true } } } });
    const auth = { username: 'writer', password: 'word' };
    const secret = (name: string, type: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: `${place.name}-${name}`,
        namespace: world.controlNamespace,
        labels: { 'argocd.argoproj.io/secret-type': type },
      },
      stringData: { url: place.repository.url, ...auth },
    });
    await world.api.create(secret('read', 'repository'));
    await world.api.create(secret('write', 'repository-write'));
    world.git.setAuth(auth);
    try {
      const done = await world.trueup('app', 'rollback', place.name);
      expect(done, done.stderr).toMatchObject({ code: 0 });
      expect(`${done.stdout}${done.stderr}`).not.toContain('word');
      expect(await valueOf(place)).toBe('1');
    } finally {
      world.git.setAuth(undefined);
    }
  });

  it('never pins the cluster to an older revision: that is refused while automated sync is on', async () => {
    const { place, first, second } = await twiceDeployed();
    const pinned = await world.trueup('app', 'sync', place.name, '--revision', first);
    expect(pinned).toMatchObject({ code: 1, stdout: expect.stringMatching(/automated sync is on/) });
    expect(
      (await world.api.get(applicationKind, world.controlNamespace, place.name))?.['status'].sync.revision,
    ).toBe(second);
  });
});
