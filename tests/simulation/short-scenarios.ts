/** What happens in the short runs: each is one small sync, and what people do meanwhile. */
import { declare, declaring } from './declared.ts';
import { Fleet, kinds, placeOf, widgetDefinition, type App, type Content, type Item } from './fleet.ts';
import { jobKind, type Hook } from './hooks.ts';
import { memberOf, type Named } from './kubectl.ts';
import { editedValue, foreignPrefix } from './oracles.ts';
import { label } from './people/declarations.ts';
import type { Doing } from './people/doing.ts';
import { borrow } from './people/interference.ts';
import { askForIt, comesBack, keptBefore } from './people/predecessors.ts';
import { contend } from './people/rivals.ts';
import type { Replica } from './replica.ts';
import type { Scenario } from './run.ts';
import { definitionKind, type World } from './world.ts';

const minuteMs = 60_000;
const before: readonly Item[] = [
  { kind: 'ConfigMap', name: 'web-kept', value: 1 },
  { kind: 'ConfigMap', name: 'web-changed', value: 1 },
  { kind: 'Secret', name: 'web-gone', value: 1 },
  { kind: 'Service', name: 'web-also', value: 1 },
];
/** Created, changed and pruned in one sync. */
const after: readonly Item[] = [
  { kind: 'ConfigMap', name: 'web-kept', value: 1 },
  { kind: 'ConfigMap', name: 'web-changed', value: 2 },
  { kind: 'Secret', name: 'web-new', value: 1 },
  { kind: 'Service', name: 'web-also', value: 1 },
];

function oneApp(
  world: World,
  given: Partial<App> = {},
  items: readonly Item[] = before,
  hooks: readonly Hook[] = [],
): Fleet {
  const app: App = {
    name: 'web',
    dialect: 'argo',
    places: [{ server: world.gitServer('https://git.example/acme/web'), directory: 'apps/web' }],
    namespace: 'payments',
    selfHeal: true,
    cascades: false,
    dependsOn: [],
    hasWaves: false,
    hasHooks: false,
    hasWindows: false,
    isLarge: false,
    ...given,
  };
  const fleet = new Fleet([app]);
  fleet.push(placeOf(app).server, new Map<App, Content>([[app, { items, hooks }]]), 'First');
  declare(world.kubectl, app);
  return fleet;
}

function update({ world, fleet }: Doing): void {
  const app = fleet.apps[0]!;
  world.scheduler.at(20_000, () => {
    world.note('commit');
    fleet.push(placeOf(app).server, new Map<App, Content>([[app, { items: after }]]), 'Second');
    hintAll(world);
  });
  // While the request that changes it may be on its way.
  world.scheduler.at(21_000, () => {
    const at = { ...kinds.ConfigMap, namespace: app.namespace, name: 'web-changed' };
    world.kubectl.merge(at, { data: { value: editedValue } });
  });
}

/** What is rendered depends on more than on the files. */
function relabel(doing: Doing): void {
  update(doing);
  doing.world.scheduler.at(60_000, () => label(doing, doing.fleet.apps[0]!, 'second'));
}

/** Before anything is applied: a hook that begins only when somebody lets it. */
const held: readonly Hook[] = [
  {
    name: 'web-hook-held',
    point: 'PreSync',
    deletion: 'BeforeHookCreation',
    isNamedAnew: false,
    fails: false,
    isHeld: true,
  },
];
function letGoAt({ world, fleet }: Doing, atMs: number): void {
  const at = { ...jobKind, namespace: fleet.apps[0]!.namespace, name: 'web-hook-held' };
  world.scheduler.at(atMs, () => {
    world.note('let the hook run');
    world.kubectl.merge(at, { spec: { suspend: false } });
  });
}

function commitAt({ world, fleet }: Doing, atMs: number, content: Content): void {
  const app = fleet.apps[0]!;
  world.scheduler.at(atMs, () => {
    world.note('commit');
    fleet.push(placeOf(app).server, new Map([[app, content]]), 'Next');
    hintAll(world);
  });
}

function hintAll(world: World): void {
  for (const replica of world.replicas) replica.process?.run(() => replica.engine?.hint(() => true));
}

function heal({ world, fleet }: Doing): void {
  const app = fleet.apps[0]!;
  const at = { group: '', version: 'v1', namespace: app.namespace };
  world.scheduler.at(20_000, () => {
    world.note('edit and delete');
    world.kubectl.merge({ ...at, plural: 'configmaps', name: 'web-changed' }, { data: { value: 'edited' } });
    world.kubectl.delete({ ...at, plural: 'secrets', name: 'web-gone' });
  });
}

function remove({ world, fleet, oracles }: Doing): void {
  const app = fleet.apps[0]!;
  world.scheduler.at(20_000, () => {
    world.note('delete the application');
    oracles.appDeleted(app);
    world.kubectl.delete(declaring(app).at(app.name));
  });
  const again = (): void => {
    declare(world.kubectl, app);
    if (!oracles.isBack(app)) world.scheduler.at(10_000, again);
  };
  world.scheduler.at(80_000, again);
}

/** So many that most of them may not go without a question. */
const many: readonly Item[] = Array.from({ length: 12 }, (_, index) => ({
  kind: 'ConfigMap',
  name: `web-${index}`,
  value: 1,
}));

/** All is listed anew, in pieces, while some of it is to go. */
function listAnew(doing: Doing): void {
  const { world } = doing;
  world.scheduler.at(19_000, () => world.replicas[0]!.crash());
  commitAt(doing, 19_500, { items: [...many.slice(0, 9), { kind: 'ConfigMap', name: 'web-9', value: 2 }] });
}

/** Everybody interferes: what Git lets go is held, or is somebody else's by then; history is moved back; much vanishes. */
function upset({ world, fleet }: Doing): void {
  const app = fleet.apps[0]!;
  const at = (name: string): Named => ({ ...kinds.ConfigMap, namespace: app.namespace, name });
  const [anew, held, annotated] = [at('web-0'), at('web-1'), at('web-2')];
  const first = placeOf(app).server.head!.id;
  const later: readonly Item[] = [
    ...many.slice(3),
    { kind: 'ConfigMap', name: annotated.name, value: 2 },
    ...before,
  ];
  const doAt = (atMs: number, what: string, call: () => void): void =>
    world.scheduler.at(atMs, () => {
      world.note(what);
      call();
      hintAll(world);
    });
  const push = (atMs: number, message: string, content: Content): void =>
    doAt(atMs, message, () =>
      fleet.push(placeOf(app).server, new Map<App, Content>([[app, content]]), message),
    );
  doAt(15_000, 'hold one, annotate one', () => {
    world.kubectl.merge(held, { metadata: { finalizers: [`${foreignPrefix}hold`] } });
    world.kubectl.merge(annotated, { metadata: { annotations: { [`${foreignPrefix}note`]: '1' } } });
  });
  doAt(15_000, 'borrow marks', () => borrow(world, app, 'borrowed'));
  push(20_000, 'Second', { items: [...later, { kind: 'ConfigMap', name: 'web-brief', value: 1 }] });
  // While the request that deletes ours may be on its way.
  doAt(21_000, 'make one anew', () => {
    world.kubectl.delete(anew);
    world.kubectl.create(anew, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: anew.name } });
  });
  push(23_000, 'Third', { items: later });
  doAt(45_000, 'let it go', () => world.kubectl.merge(held, { metadata: { finalizers: null } }));
  push(60_000, 'Nothing', { broken: 'void' });
  push(70_000, 'Huge', { broken: 'huge' });
  push(80_000, 'Fourth', { items: later });
  doAt(100_000, 'move the branch back', () => fleet.reset(placeOf(app).server, first));
  push(125_000, 'Vanish', { items: many.slice(0, 1), isHeld: true });
  push(150_000, 'Back', { items: later });
  doAt(170_000, 'clean up', () => world.kubectl.delete(anew));
}

/** A rival until healing is suspended, and longer; then Git has another value, and an edit is healed again. */
function contest(doing: Doing): void {
  const { world, fleet, contests } = doing;
  const app = fleet.apps[0]!;
  const lastsMs = 6 * minuteMs;
  world.scheduler.at(20_000, () => contend(doing, app, { everyMs: 3000, lastsMs, end: 'committed' }));
  world.scheduler.at(lastsMs, () => contests.hasToBeSuspended(app));
  world.scheduler.at(lastsMs + 25_000, () => hintAll(world));
  world.scheduler.at(lastsMs + 35_000, () => {
    const at = { ...kinds.ConfigMap, namespace: app.namespace, name: 'web-kept' };
    world.kubectl.merge(at, { data: { value: editedValue } });
  });
}

const widget: Item = { kind: 'Widget', name: 'web-widget', value: 1 };

const hooksOnce: readonly Hook[] = [
  {
    name: 'web-hook-pre',
    point: 'PreSync',
    deletion: 'BeforeHookCreation',
    isNamedAnew: false,
    fails: false,
  },
  { name: 'web-hook-post', point: 'PostSync', deletion: 'HookSucceeded', isNamedAnew: false, fails: false },
];

const hooksOfTheEnd: readonly Hook[] = (['PreDelete', 'PostDelete'] as const).map((point) => ({
  name: `web-hook-${point.toLowerCase()}`,
  point,
  deletion: 'BeforeHookCreation',
  isNamedAnew: false,
  fails: false,
}));

function sync({ world, fleet }: Doing): void {
  const app = fleet.apps[0]!;
  world.scheduler.at(20_000, () => {
    world.note('commit');
    fleet.push(placeOf(app).server, new Map([[app, { items: after, hooks: hooksOnce }]]), 'Second');
    hintAll(world);
  });
}

/**
 * Who is at work is paused for longer than its Lease lasts; then kept from renewing it, while its hook ends; then the
 * same, and the hook ends when it can renew it again.
 */
function handOver(doing: Doing): void {
  const { world } = doing;
  const atWork = (): Replica => {
    const [record] = world.kubectl.list({ group: 'trueup.dev', version: 'v1alpha1', plural: 'unitstates' });
    const holder = memberOf(record, 'state', 'intent', 'replica');
    return world.replicas.find(({ process }) => process?.name === holder) ?? world.replicas[0]!;
  };
  const withoutLease = (atMs: number): void =>
    world.scheduler.at(atMs, () => {
      const replica = atWork();
      world.note(`no Lease for ${replica.name}`);
      replica.cutOff('leases');
      world.scheduler.at(40_000, () => {
        replica.outage = undefined;
      });
    });
  commitAt(doing, 20_000, { items: after, hooks: hooksOnce });
  world.scheduler.at(21_000, () => {
    const { process } = atWork();
    world.note(`pause ${process?.name}`);
    process?.pause();
    world.scheduler.at(40_000, () => process?.resume());
  });
  commitAt(doing, 90_000, { items: before, hooks: held });
  withoutLease(92_000);
  letGoAt(doing, 118_000);
  commitAt(doing, 150_000, { items: after, hooks: held });
  withoutLease(152_000);
  letGoAt(doing, 200_000);
}

/** Before a Run gets to delete an object the API stops to serve its kind: it stays, and Git takes it back meanwhile. */
function unserve(doing: Doing): void {
  const { world } = doing;
  const serve = (served: boolean): void => {
    const at = { ...definitionKind, namespace: '', name: widgetDefinition.metadata.name };
    const versions = widgetDefinition.spec.versions.map((version) => ({ ...version, served }));
    world.kubectl.merge(at, { spec: { versions } });
    for (const replica of world.replicas) replica.endWatches(kinds.Widget.plural);
  };
  commitAt(doing, 20_000, { items: after, hooks: held });
  world.scheduler.at(23_000, () => serve(false));
  letGoAt(doing, 50_000);
  commitAt(doing, 60_000, { items: [...before, widget] });
  world.scheduler.at(90_000, () => serve(true));
}

/** Another controller kept it so far: nothing is begun before somebody asks; and again when that comes back. */
function takeOver(doing: Doing): void {
  const { world, fleet } = doing;
  const app = fleet.apps[0]!;
  commitAt(doing, 110_000, { items: [...before, { kind: 'ConfigMap', name: 'web-later', value: 1 }] });
  world.scheduler.at(2 * minuteMs, () => askForIt(doing, app));
  world.scheduler.at(5 * minuteMs, () => comesBack(doing, app, 3 * minuteMs));
  commitAt(doing, 7 * minuteMs, { items: after });
  world.scheduler.at(8.5 * minuteMs, () => askForIt(doing, app));
}

const spans = { spanMs: 3 * minuteMs, quietMs: 5 * minuteMs };
const argo = { ...spans, fleet: (world: World) => oneApp(world) };
const flux = { ...spans, fleet: (world: World) => oneApp(world, { dialect: 'flux', cascades: true }) };
const ending = {
  ...spans,
  fleet: (world: World) => oneApp(world, { cascades: true }, before, hooksOfTheEnd),
};
const keptByAnother = (dialect: App['dialect']): Scenario => ({
  ...spans,
  spanMs: 11 * minuteMs,
  fleet: (world) => {
    const fleet = oneApp(world, { dialect, cascades: dialect === 'flux' });
    keptBefore(world, fleet, fleet.apps[0]!);
    return fleet;
  },
  arrange: takeOver,
});
const cascading = { ...spans, fleet: (world: World) => oneApp(world, { cascades: true }) };
export const shortScenarios: Readonly<Record<string, Scenario>> = {
  update: { ...argo, arrange: update },
  heal: { ...argo, arrange: heal },
  upset: { ...argo, fleet: (world) => oneApp(world, {}, [...many, ...before]), arrange: upset },
  contest: { ...argo, spanMs: 7 * minuteMs, arrange: contest },
  pages: { ...argo, pageSize: 2, fleet: (world) => oneApp(world, {}, many), arrange: listAnew },
  remove: { ...cascading, arrange: remove },
  end: { ...ending, arrange: remove },
  hooks: {
    ...spans,
    fleet: (world) => oneApp(world, { hasHooks: true }, before, hooksOnce),
    arrange: sync,
  },
  handover: {
    ...spans,
    spanMs: 5 * minuteMs,
    replicas: 2,
    fleet: (world) => oneApp(world, { hasHooks: true }, before, hooksOnce),
    arrange: handOver,
  },
  unserved: {
    ...spans,
    fleet: (world) => oneApp(world, { hasHooks: true }, [...before, widget]),
    arrange: unserve,
  },
  'flux-update': { ...flux, arrange: relabel },
  'flux-remove': { ...flux, arrange: remove },
  takeover: keptByAnother('argo'),
  'flux-takeover': keptByAnother('flux'),
};
