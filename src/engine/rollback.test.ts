/** How long a revert takes: from its commit being seen to all being Synced and Healthy. */
import { beforeEach, describe, expect, it } from 'vitest';
import { configMap, EngineWorld } from '../../tests/fakes/engine-world.ts';
import type { Manifest } from '#model/object.ts';

let world: EngineWorld;
beforeEach(() => {
  world = new EngineWorld();
});

const web = (image: string): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'payments' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
  },
});
const becomesReady = async (): Promise<void> => {
  world.cluster.edit('apps/Deployment', 'payments', 'web', (draft) => {
    const counts = { replicas: 1, readyReplicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    draft.status = { observedGeneration: draft.metadata.generation, ...counts };
  });
  await world.settle();
};
const revert = () =>
  world.state()?.history.findLast((entry) => entry.kind === 'sync' && entry.revert !== undefined);

describe('a revert', () => {
  beforeEach(async () => {
    await world.start();
    await world.push([web('web:1')]);
    await world.create(world.application());
    await becomesReady();
    await world.push([web('web:2')], { message: 'Raise it' });
  });

  it('is stable when what it brought back is healthy, and that is written once', async () => {
    await world.push([web('web:1'), configMap('one')], { message: 'Revert "Raise it"' });
    world.cluster.edit(
      'apps/Deployment',
      'payments',
      'web',
      (draft) => (draft.status = { observedGeneration: 0 }),
    );
    await world.settle();
    expect(revert()).toMatchObject({ revert: { seenAtMs: expect.any(Number) } });
    expect(revert()).not.toHaveProperty('revert.stableAtMs');
    await world.advance(7000);
    await becomesReady();
    const done = revert();
    if (done?.kind !== 'sync') throw new Error('no sync');
    expect(done.revert!.stableAtMs! - done.revert!.seenAtMs).toBeGreaterThanOrEqual(7000);
    const writes = world.cluster.calls.filter(({ key }) => key.includes('UnitState')).length;
    await world.advance(60_000);
    expect(world.cluster.calls.filter(({ key }) => key.includes('UnitState')).length).toBe(writes);
  });
});
