import { expect, test } from 'vitest';
import { declare } from './declared.ts';
import { noFaults } from './faults.ts';
import { Fleet, kinds, placeOf, type App, type Content, type Item } from './fleet.ts';
import type { Doing } from './people/doing.ts';
import { runOnce } from './run.ts';
import type { World } from './world.ts';

const items: readonly Item[] = ['web-0', 'web-1'].map((name) => ({ kind: 'ConfigMap', name, value: 1 }));
const at = { ...kinds.ConfigMap, namespace: 'payments', name: 'web-1' };

function notHealed(world: World): Fleet {
  const app: App = {
    name: 'web',
    dialect: 'argo',
    places: [{ server: world.gitServer('https://git.example/acme/web'), directory: 'apps/web' }],
    namespace: at.namespace,
    selfHeal: false,
    cascades: false,
    dependsOn: [],
    hasWaves: false,
    hasHooks: false,
    hasWindows: false,
    isLarge: false,
  };
  const fleet = new Fleet([app]);
  fleet.push(placeOf(app).server, new Map<App, Content>([[app, { items }]]), 'First');
  declare(world.kubectl, app);
  return fleet;
}

const push = ({ world, fleet }: Doing, atMs: number, wanted: readonly Item[]): void =>
  world.scheduler.at(atMs, () => {
    const app = fleet.apps[0]!;
    fleet.push(placeOf(app).server, new Map<App, Content>([[app, { items: wanted }]]), 'Next');
    for (const replica of world.replicas) replica.process?.run(() => replica.engine?.hint(() => true));
  });

test('what somebody deleted is not healed where Git let it go before, and has it again later', async () => {
  const arrange = (doing: Doing): void => {
    doing.world.scheduler.at(60_000, () => doing.world.kubectl.delete(at));
    push(doing, 70_000, items.slice(0, 1));
    push(doing, 120_000, items);
  };
  const scenario = { spanMs: 180_000, quietMs: 60_000, fleet: notHealed, arrange };
  const ran = await runOnce({ seed: 1, replicas: 1, faults: noFaults, scenario }, false);
  expect(ran.violation).toBeUndefined();
}, 60_000);
