/** What people do to the resources that declare applications. */
import { declare, declaring, labelled } from '../declared.ts';
import type { App } from '../fleet.ts';
import { endHookName, jobKind, withoutHookFinalizers } from '../hooks.ts';
import type { World } from '../world.ts';
import { windowedProject, windows } from '../windows.ts';
import { forAWhile, type Action, type Doing } from './doing.ts';

/** What is rendered from the same files is something else then. */
export function label({ world }: Doing, app: App, tier: string): void {
  if (app.dialect !== 'flux') return;
  app.tier = tier;
  world.kubectl.merge(declaring(app).at(app.name), { spec: labelled(app) });
}

/** What a person waits for hooks of the end that fail, or cannot be known. */
const patienceMs = 480_000;

/** And declares it again later. */
export function deleteApp({ world, oracles, random }: Doing, app: App): void {
  // What another leaves behind depends on when it went, and is nobody's then.
  if (!app.cascades) return;
  oracles.appDeleted(app);
  const { at: named, resumed } = declaring(app);
  const at = named(app.name);
  // What a suspended Kustomization has is nobody's when it goes.
  if (app.dialect === 'flux') world.kubectl.merge(at, { spec: resumed(app) });
  world.kubectl.delete(at);
  const patientUntilMs = world.nowMs + patienceMs;
  const again = (): void => {
    declare(world.kubectl, app);
    const isPatient = world.nowMs <= patientUntilMs || app.dialect !== 'argo';
    // What is torn down for long holds its name.
    if (oracles.isBack(app)) return isPatient ? undefined : deleteEndHooks(world, app);
    if (!isPatient)
      world.kubectl.merge(at, {
        metadata: { finalizers: withoutHookFinalizers(world.kubectl.get(at)) },
      });
    world.scheduler.at(10_000, again);
  };
  world.scheduler.at(random.between(1000, 240_000), again);
}

/** Who does without them tidies up. */
function deleteEndHooks({ kubectl }: World, { name, namespace }: App): void {
  for (const { metadata } of kubectl.list(jobKind, namespace))
    if (metadata.name.startsWith(endHookName(name)))
      kubectl.delete({ ...jobKind, namespace, name: metadata.name });
}

export const declarations: readonly Action[] = [
  {
    name: 'refresh',
    weight: 1,
    act: ({ world, random }, app) => {
      const kind = random.pick(['normal', 'hard']);
      const { at, refresh } = declaring(app);
      world.kubectl.merge(at(app.name), refresh(kind, world.server.now()));
    },
  },
  {
    name: 'sync',
    weight: 1,
    act: ({ world }, app) => {
      const { at, asks } = declaring(app);
      if (app.dialect === 'argo') world.kubectl.merge(at(app.name), asks(world.server.now()));
    },
  },
  {
    name: 'delete-app',
    weight: 1,
    act: deleteApp,
  },
  {
    name: 'suspend',
    weight: 2,
    act: (acting, app) => {
      const { at, suspended, resumed } = declaring(app);
      const goes = acting.world.kubectl.get(at(app.name))?.metadata.deletionTimestamp !== undefined;
      forAWhile(acting, app, { patch: goes ? {} : suspended, back: () => resumed(app), atMostMs: 900_000 });
    },
  },
  {
    // F8: a path that is not there.
    name: 'mislead',
    weight: 1,
    act: (acting, app) => {
      const { source } = declaring(app);
      forAWhile(acting, app, { patch: source(app, 'apps/nowhere'), back: () => source(app) });
    },
  },
  {
    // F30: what we do not honour.
    name: 'ask-too-much',
    weight: 1,
    act: (acting, app) => {
      const [patch, back] = declaring(app).unsupported;
      forAWhile(acting, app, { patch, back: () => back });
    },
  },
  {
    // Nobody syncs what it has, until it is taken back.
    name: 'freeze',
    weight: 2,
    act: ({ world, random }, app) => {
      if (!app.hasWindows) return;
      world.kubectl.merge(windowedProject.at, { spec: { syncWindows: windows(true) } });
      const thaw = (): void => {
        world.kubectl.merge(windowedProject.at, { spec: { syncWindows: windows(false) } });
      };
      world.scheduler.at(random.between(10_000, 300_000), thaw);
    },
  },
  {
    name: 'label',
    weight: 1,
    act: (doing, app) => label(doing, app, `tier-${doing.random.below(3)}`),
  },
  {
    // F28: what cannot be read stands beside the others for good.
    name: 'malform',
    weight: 1,
    act: ({ world, random }, app) => {
      const { at, malformed } = declaring(app);
      world.kubectl.create(at('malformed'), malformed(random.below(3)));
    },
  },
  {
    name: 'hint',
    weight: 4,
    act: ({ world }) => {
      for (const replica of world.replicas) replica.process?.run(() => replica.engine?.hint(() => true));
    },
  },
];
