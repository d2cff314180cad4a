/** Trueup ends and starts again: nothing is lost, nothing is done twice. */
import { describe, expect, it } from 'vitest';
import { configMap, deployment, yaml } from './manifests.ts';
import type { Place } from './world.ts';
import { useWorld, waitFor, writesAreCounted } from './world.ts';

const world = useWorld();

async function webPlace(): Promise<Place> {
  const place = await world.place();
  await place.push({
    'app/web.yaml': yaml(deployment('web', { replicas: 2 })),
    'app/settings.yaml': yaml(configMap('settings', { value: '1' })),
  });
  await place.createApplication();
  await place.waitForApplication(
    'to be Synced and Healthy',
    ({ status }) => status?.sync?.status === 'Synced' && status.health?.status === 'Healthy',
  );
  return place;
}
const replicasOf = async (place: Place) =>
  (await place.live('apps/v1/Deployment', 'web'))['spec'].replicas as number;

describe('a restart', () => {
  it.runIf(writesAreCounted)('writes nothing where all is in sync', async () => {
    const place = await webPlace();
    const other = await webPlace();
    await place.refresh();
    await other.refresh();
    expect(await world.stop()).toBe(0);
    const mark = await world.mark();
    await world.start();
    // Only the request for a refresh is answered: the annotation goes.
    await place.refresh();
    const writes = await world.writesSince(mark);
    expect(writes.filter(({ resource }) => resource !== 'applications')).toEqual([]);
    expect(writes.filter(({ name }) => name === place.name).length).toBeLessThanOrEqual(2);
    expect(writes.filter(({ name, resource }) => resource === 'applications' && name !== place.name)).toEqual(
      [],
    );
  });

  it.runIf(writesAreCounted)(
    'writes nothing to objects after a power cut, and without its data directory',
    async () => {
      const place = await webPlace();
      await world.kill();
      const mark = await world.mark();
      await world.start('--data-dir', `${world.directory}/empty`);
      await place.refresh();
      await place.synced();
      expect(await place.writesSince(mark)).toEqual([]);
      await world.stop();
      await world.start();
    },
  );

  it('heals what drifted meanwhile, and applies what was pushed meanwhile', async () => {
    const place = await webPlace();
    expect(await world.stop()).toBe(0);
    await world.kubectl('scale', 'deployment/web', '--replicas=6', '-n', place.namespace);
    const commit = await place.push({
      'app/settings.yaml': null,
      'app/new.yaml': yaml(configMap('new', { a: '1' })),
    });
    await world.start();
    await place.synced(commit);
    expect(await replicasOf(place)).toBe(2);
    await waitFor('the prune', async () => (await place.get('v1/ConfigMap', 'settings')) === undefined);
    expect(await place.get('v1/ConfigMap', 'new')).toBeDefined();
  });

  it('in the middle of a sync converges (F1)', async () => {
    const place = await world.place();
    const files = Array.from({ length: 40 }, (_, index) => [
      `app/${index}.yaml`,
      yaml(configMap(`item-${index}`, { a: '1' })),
    ]);
    await place.push(Object.fromEntries(files) as Record<string, string>);
    await place.createApplication();
    const count = async () =>
      (await world.api.list('v1/ConfigMap', place.namespace)).filter(({ metadata }) =>
        metadata.name.startsWith('item-'),
      ).length;
    await waitFor('the first object', async () => (await count()) > 0);
    await world.kill();
    await world.start();
    await place.synced(undefined, 60_000);
    expect(await count()).toBe(40);
    // Nothing was lost of the inventory: what leaves Git goes.
    const commit = await place.pushAndHint({ 'app/0.yaml': null, 'app/39.yaml': null });
    await place.synced(commit);
    await waitFor('the prune', async () => (await count()) === 38);
  });
});
