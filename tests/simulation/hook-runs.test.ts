import { expect, test } from 'vitest';
import { declare, declaring, resourceOf } from './declared.ts';
import type { Faults } from './faults.ts';
import { Fleet, placeOf, type App, type Content } from './fleet.ts';
import { jobKind, withoutHookFinalizers, type Hook } from './hooks.ts';
import type { Doing } from './people/doing.ts';
import { runOnce } from './run.ts';
import type { World } from './world.ts';

const hook: Hook = {
  name: 'web-hook-end-0',
  point: 'PostDelete',
  deletion: 'BeforeHookCreation',
  isNamedAnew: false,
  fails: false,
};

function ending(world: World): Fleet {
  const app: App = {
    name: 'web',
    dialect: 'argo',
    places: [{ server: world.gitServer('https://git.example/acme/web'), directory: 'apps/web' }],
    namespace: 'payments',
    selfHeal: true,
    cascades: true,
    dependsOn: [],
    hasWaves: false,
    hasHooks: false,
    hasWindows: false,
    isLarge: false,
  };
  const fleet = new Fleet([app]);
  fleet.push(placeOf(app).server, new Map<App, Content>([[app, { items: [], hooks: [hook] }]]), 'First');
  declare(world.kubectl, app);
  return fleet;
}

test('a hook of the end may be asked for again when somebody has just let its resource go', async () => {
  let letGo: (() => void) | undefined;
  const faults: Faults = {
    next: ({ what }) => {
      if (letGo === undefined || !what.startsWith('apply jobs')) return undefined;
      letGo();
      letGo = undefined;
      return '500';
    },
  };
  const arrange = ({ world, fleet, oracles }: Doing): void => {
    const app = fleet.apps[0]!;
    const { at } = declaring(app);
    letGo = () =>
      world.scheduler.at(20, () => {
        const finalizers = withoutHookFinalizers(resourceOf(world.kubectl, app));
        world.kubectl.merge(at(app.name), { metadata: { finalizers } });
      });
    world.scheduler.at(60_000, () => {
      oracles.appDeleted(app);
      world.kubectl.delete(at(app.name));
    });
    world.scheduler.at(100_000, () => {
      declare(world.kubectl, app);
      oracles.isBack(app);
      world.kubectl.delete({ ...jobKind, namespace: app.namespace, name: hook.name });
    });
  };
  const scenario = { spanMs: 180_000, quietMs: 60_000, fleet: ending, arrange };
  const ran = await runOnce({ seed: 1, replicas: 1, faults, scenario }, false);
  expect(ran.violation).toBeUndefined();
}, 60_000);
