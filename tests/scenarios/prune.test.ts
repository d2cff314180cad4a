/** What is deleted, and above all what is not. */
import { describe, expect, it } from 'vitest';
import { brokenManifest, configMap, yaml } from './manifests.ts';
import type { Place } from './world.ts';
import { cascadeFinalizer, useWorld, waitFor, writesAreCounted } from './world.ts';

const world = useWorld();

/** Pushes ConfigMaps of these names, a file each, and syncs them. */
async function placeWith(
  names: readonly string[],
  overrides?: Parameters<Place['createApplication']>[0],
): Promise<Place> {
  const place = await world.place();
  await place.push(Object.fromEntries(names.map((name) => [fileOf(name), one(name)])));
  await place.createApplication(overrides);
  await place.synced();
  return place;
}
const fileOf = (name: string) => `app/${name}.yaml`;
const one = (name: string, value = '1') => yaml(configMap(name, { value }));
const gone = (place: Place, name: string) =>
  waitFor(`${name} to be gone`, async () => (await place.get('v1/ConfigMap', name)) === undefined);
async function names(place: Place): Promise<readonly string[]> {
  const found = await world.api.list('v1/ConfigMap', place.namespace);
  return found.map(({ metadata }) => metadata.name).filter((name) => name !== 'kube-root-ca.crt');
}
const many = (count: number) =>
  Array.from({ length: count }, (_, index) => `item-${String(index).padStart(2, '0')}`);

describe('pruning', () => {
  it('deletes what left Git, and nothing else', async () => {
    const place = await placeWith(['kept', 'removed']);
    await world.api.create({ ...configMap('strangers', { a: '1' }, { namespace: place.namespace }) });
    const commit = await place.pushAndHint({ [fileOf('removed')]: null });
    await place.synced(commit);
    await gone(place, 'removed');
    expect((await names(place)).toSorted()).toEqual(['kept', 'strangers']);
  });

  it('keeps what left Git where prune is off, and says so', async () => {
    const place = await placeWith(['kept', 'removed'], {
      spec: { syncPolicy: { automated: { selfHeal: true } } },
    });
    await place.pushAndHint({ [fileOf('removed')]: null });
    const { status } = await place.waitForApplication(
      'to be OutOfSync',
      (app) => app.status?.sync?.status === 'OutOfSync',
    );
    expect(status?.resources).toContainEqual(
      expect.objectContaining({ name: 'removed', requiresPruning: true }),
    );
    const after = await place.refresh();
    expect(after.status?.sync?.status).toBe('OutOfSync');
    expect((await names(place)).toSorted()).toEqual(['kept', 'removed']);
  });

  it('does not delete an object that merely carries the marks of one (F26)', async () => {
    const place = await placeWith(['kept', 'removed']);
    const { metadata } = await place.live('v1/ConfigMap', 'removed');
    await world.api.create({
      ...configMap('copied', { a: '1' }),
      metadata: {
        name: 'copied',
        namespace: place.namespace,
        annotations: metadata.annotations,
        labels: metadata.labels,
      },
    });
    const commit = await place.pushAndHint({ [fileOf('removed')]: null });
    await place.synced(commit);
    await gone(place, 'removed');
    await place.refresh('hard');
    expect((await names(place)).toSorted()).toEqual(['copied', 'kept']);
  });

  it('does not delete an object that took the place of ours', async () => {
    const place = await placeWith(['kept', 'replaced'], {
      spec: { syncPolicy: { automated: { prune: true } } },
    });
    await world.api.remove('v1/ConfigMap', place.namespace, 'replaced');
    await world.api.create(configMap('replaced', { of: 'somebody else' }, { namespace: place.namespace }));
    const commit = await place.pushAndHint({ [fileOf('replaced')]: null });
    await place.synced(commit);
    await place.refresh();
    expect((await place.live('v1/ConfigMap', 'replaced'))['data']).toEqual({ of: 'somebody else' });
  });

  it('names the finalizer that an object is stuck on (F27)', async () => {
    const place = await world.place();
    const stuck = yaml(configMap('stuck', { a: '1' }, { finalizers: ['example.com/waits'] }));
    await place.push({ [fileOf('kept')]: one('kept'), [fileOf('stuck')]: stuck });
    await place.createApplication();
    await place.synced();
    await place.pushAndHint({ [fileOf('stuck')]: null });
    await waitFor(
      'the delete',
      async () => (await place.live('v1/ConfigMap', 'stuck')).metadata.deletionTimestamp,
    );
    try {
      await place.waitForApplication('the finalizer to be named', ({ status }) =>
        JSON.stringify([status?.conditions, status?.operationState?.message, status?.health]).includes(
          'example.com/waits',
        ),
      );
    } finally {
      await world.api.patch('v1/ConfigMap', place.namespace, 'stuck', { metadata: { finalizers: null } });
    }
    await gone(place, 'stuck');
    await place.synced();
  });
});

describe('what is deleted first', () => {
  const hold = 'example.com/hold';
  const inWave = (name: string, wave: number, finalizers: readonly string[] = []) =>
    yaml(
      configMap(
        name,
        { a: '1' },
        { annotations: { 'argocd.argoproj.io/sync-wave': String(wave) }, finalizers },
      ),
    );
  const letGo = (place: Place) =>
    world.api.patch('v1/ConfigMap', place.namespace, 'high', { metadata: { finalizers: null } });
  const isGoing = (place: Place) =>
    waitFor('the delete', async () => (await place.live('v1/ConfigMap', 'high')).metadata.deletionTimestamp);
  const waitsForHigh = (place: Place) =>
    place.waitForApplication('to wait for it', ({ status }) =>
      /waiting until ConfigMap .*\/high is gone: .*example.com\/hold/.test(
        status?.operationState?.message ?? '',
      ),
    );
  async function twoWaves(metadata: object = {}): Promise<Place> {
    const place = await world.place();
    await place.push({
      [fileOf('kept')]: one('kept'),
      [fileOf('low')]: inWave('low', 1),
      [fileOf('high')]: inWave('high', 5, [hold]),
    });
    await place.createApplication({ metadata });
    await place.synced();
    return place;
  }

  it('holds up the lower waves until it is gone, and no newer commit', async () => {
    const place = await twoWaves();
    try {
      await place.pushAndHint({ [fileOf('high')]: null });
      await isGoing(place);
      await place.pushAndHint({ [fileOf('low')]: null });
      await waitsForHigh(place);
      await place.pushAndHint({ [fileOf('added')]: one('added') });
      await waitFor('the newer commit', async () => (await names(place)).includes('added'));
      await waitsForHigh(place);
      expect((await place.live('v1/ConfigMap', 'low')).metadata.deletionTimestamp).toBeUndefined();
    } finally {
      await letGo(place);
    }
    await gone(place, 'low');
    await place.synced();
    expect((await names(place)).toSorted()).toEqual(['added', 'kept']);
  });

  it('holds them up when the Application is deleted, though it was going before', async () => {
    const place = await twoWaves({ finalizers: [cascadeFinalizer] });
    try {
      await place.pushAndHint({ [fileOf('high')]: null });
      await isGoing(place);
      await world.kubectl('delete', 'application', place.name, '-n', world.controlNamespace, '--wait=false');
      await waitsForHigh(place);
      expect((await names(place)).toSorted()).toEqual(['high', 'kept', 'low']);
    } finally {
      await letGo(place);
    }
    await gone(place, 'low');
    await gone(place, 'kept');
  });
});

describe('prunes nothing', () => {
  async function expectKept(place: Place, message: RegExp): Promise<void> {
    await place.condition(message);
    const { status } = await place.refresh();
    expect(status?.sync?.status).not.toBe('Synced');
    expect(status?.health?.status).not.toBe('Healthy');
    expect((await names(place)).toSorted()).toEqual(['first', 'second']);
  }

  it('when the path vanished (F8)', async () => {
    const place = await placeWith(['first', 'second']);
    await place.pushAndHint({ app: null, 'elsewhere/first.yaml': one('first') });
    await expectKept(place, /app/);
  });

  it('when the directory holds no manifest any more (F8)', async () => {
    const place = await placeWith(['first', 'second']);
    await place.pushAndHint({ [fileOf('first')]: null, [fileOf('second')]: null, 'app/README.md': 'empty' });
    await place.condition(/no objects|empty/i);
    await place.refresh();
    expect((await names(place)).toSorted()).toEqual(['first', 'second']);
  });

  it('when one file of the directory does not parse (F8)', async () => {
    const place = await placeWith(['first', 'second']);
    await place.pushAndHint({ [fileOf('first')]: null, [fileOf('second')]: brokenManifest });
    await expectKept(place, /second\.yaml/);
  });

  it('when the branch was deleted (F8)', async () => {
    const place = await world.place();
    await place.push({ [fileOf('base')]: one('base') });
    await place.repository.branch('feature');
    await place.push({
      [fileOf('first')]: one('first'),
      [fileOf('second')]: one('second'),
      [fileOf('base')]: null,
    });
    await place.createApplication({
      spec: { source: { repoURL: place.repository.url, path: 'app', targetRevision: 'feature' } },
    });
    await place.synced();
    await place.repository.unpush('feature');
    await world.hint(place.repository);
    await place.condition(/feature/);
    await place.refresh();
    expect((await names(place)).toSorted()).toEqual(['first', 'second']);
  });

  it('of an emptied directory, until allowEmpty says that it is meant', async () => {
    const place = await placeWith(['first', 'second']);
    const commit = await place.pushAndHint({
      [fileOf('first')]: null,
      [fileOf('second')]: null,
      'app/README.md': 'empty',
    });
    await place.condition(/no objects|empty/i);
    await place.change({ spec: { syncPolicy: { automated: { allowEmpty: true } } } });
    await place.synced(commit);
    await gone(place, 'first');
    await gone(place, 'second');
  });
});

describe('a large prune (F9)', () => {
  it('is held, with its number, until a person approves exactly that plan', async () => {
    const place = await placeWith(many(12));
    const removed = Object.fromEntries(
      many(12)
        .slice(2)
        .map((name) => [fileOf(name), null]),
    );
    await place.pushAndHint({ ...removed, [fileOf('new')]: one('new') });
    const message = await place.condition(/10 of 12/);
    const digest = /sha256:[0-9a-f]+/.exec(message)?.[0] ?? '';
    expect(digest).not.toBe('');
    await place.refresh();
    expect(await names(place)).toEqual(expect.arrayContaining(many(12)));

    const wrong = await world.trueup('app', 'sync', place.name, '--approve', `sha256:${'0'.repeat(64)}`);
    expect(wrong.code).not.toBe(0);
    expect(await names(place)).toEqual(expect.arrayContaining(many(12)));

    const approved = await world.trueup('app', 'sync', place.name, '--approve', digest);
    expect(approved, approved.stderr).toMatchObject({ code: 0 });
    await place.synced();
    await waitFor('the prune', async () => (await names(place)).length === 3);
    expect((await names(place)).toSorted()).toEqual(['item-00', 'item-01', 'new']);
  });

  it('is never of an empty render of a large Application: that is held as well', async () => {
    const place = await placeWith(many(8));
    await place.pushAndHint(
      Object.fromEntries([...many(8).map((name) => [fileOf(name), null] as const), ['app/x.md', 'x']]),
    );
    await place.condition(/no objects|empty|8 of 8/i);
    await place.refresh();
    expect((await names(place)).toSorted()).toEqual(many(8));
  });
});

describe('deleting an Application', () => {
  it('takes its objects with it where the finalizer is set, and only its own', async () => {
    const place = await placeWith(['first', 'second'], { metadata: { finalizers: [cascadeFinalizer] } });
    await world.api.create(configMap('strangers', { a: '1' }, { namespace: place.namespace }));
    await world.kubectl('delete', 'application', place.name, '-n', world.controlNamespace, '--wait=false');
    await gone(place, 'first');
    await gone(place, 'second');
    await waitFor('the Application to be gone', async () =>
      place.read().then(
        () => false,
        () => true,
      ),
    );
    expect(await names(place)).toEqual(['strangers']);
  });

  it('takes them also when Git is down', async () => {
    const place = await placeWith(['first'], { metadata: { finalizers: [cascadeFinalizer] } });
    await world.git.stop();
    try {
      await world.kubectl('delete', 'application', place.name, '-n', world.controlNamespace, '--wait=false');
      await gone(place, 'first');
      await waitFor('the Application to be gone', async () =>
        place.read().then(
          () => false,
          () => true,
        ),
      );
    } finally {
      await world.git.start();
    }
  });

  it.runIf(writesAreCounted)('leaves its objects where it is not set', async () => {
    const place = await placeWith(['first', 'second']);
    const other = await placeWith(['other']);
    const mark = await world.mark();
    await world.kubectl('delete', 'application', place.name, '-n', world.controlNamespace, '--wait=true');
    await other.refresh();
    expect((await names(place)).toSorted()).toEqual(['first', 'second']);
    expect(await place.writesSince(mark)).toEqual([]);
  });
});
