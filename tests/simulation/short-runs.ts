/**
 * Small syncs under every fault at every I/O, one at a time and not by chance: a crash at each, each reply lost, each
 * request failed once in each way that it can fail.
 */
import { declare, declaring } from './declared.ts';
import { OneFault, noFaults, possibleFaults, type FaultKind } from './faults.ts';
import { Fleet, kinds, placeOf, type App, type Content, type Item } from './fleet.ts';
import { foreignPrefix } from './oracles.ts';
import { runOnce, type Ran, type Scenario } from './run.ts';
import type { Doing } from './people/doing.ts';
import type { World } from './world.ts';
import type { Named } from './kubectl.ts';
import type { Step } from './steps.ts';

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

function oneApp(world: World, given: Partial<App> = {}, items: readonly Item[] = before): Fleet {
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
  fleet.push(placeOf(app).server, new Map<App, Content>([[app, { items }]]), 'First');
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
    doAt(atMs, message, () => fleet.push(placeOf(app).server, new Map<App, Content>([[app, content]]), message));
  doAt(15_000, 'hold one, annotate one', () => {
    world.kubectl.merge(held, { metadata: { finalizers: [`${foreignPrefix}hold`] } });
    world.kubectl.merge(annotated, { metadata: { annotations: { [`${foreignPrefix}note`]: '1' } } });
  });
  push(20_000, 'Second', { items: [...later, { kind: 'ConfigMap', name: 'web-brief', value: 1 }] });
  // While the request that deletes ours may be on its way.
  doAt(21_000, 'make one anew', () => {
    world.kubectl.delete(anew);
    world.kubectl.create(anew, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: anew.name } });
  });
  push(23_000, 'Third', { items: later });
  doAt(45_000, 'let it go', () => world.kubectl.merge(held, { metadata: { finalizers: null } }));
  push(60_000, 'Nothing', { broken: 'void' });
  push(80_000, 'Fourth', { items: later });
  doAt(100_000, 'move the branch back', () => fleet.reset(placeOf(app).server, first));
  push(125_000, 'Vanish', { items: many.slice(0, 1), isHeld: true });
  push(150_000, 'Back', { items: later });
  doAt(170_000, 'clean up', () => world.kubectl.delete(anew));
}

const spans = { spanMs: 3 * minuteMs, quietMs: 5 * minuteMs };
const argo = { ...spans, fleet: (world: World) => oneApp(world) };
const flux = { ...spans, fleet: (world: World) => oneApp(world, { dialect: 'flux', cascades: true }) };
const cascading = { ...spans, fleet: (world: World) => oneApp(world, { cascades: true }) };
export const shortScenarios: Readonly<Record<string, Scenario>> = {
  update: { ...argo, arrange: update },
  heal: { ...argo, arrange: heal },
  upset: { ...argo, fleet: (world) => oneApp(world, {}, [...many, ...before]), arrange: upset },
  remove: { ...cascading, arrange: remove },
  'flux-update': { ...flux, arrange: update },
  'flux-remove': { ...flux, arrange: remove },
};

export interface ShortRun {
  readonly scenario: string;
  /** Which I/O of the run, from 0. */
  readonly at: number;
  readonly fault: FaultKind;
}
export const shortText = ({ scenario, at, fault }: ShortRun): string =>
  `--short ${scenario} --at ${at} --fault ${fault}`;

/** Any seed will do: everything else is given. */
const seed = 1;

export async function runShort({ scenario, at, fault }: ShortRun, keepsTrace = false): Promise<Ran> {
  const faults = new OneFault(at, () => fault);
  const ran = await runOnce({ seed, replicas: 1, faults, keepsTrace, scenario: scenarioOf(scenario) }, false);
  if (ran.violation !== undefined) return ran;
  calm.set(scenario, calm.get(scenario) ?? (await calmRun(scenario)));
  if (calm.get(scenario)!.final === ran.final) return ran;
  return {
    ...ran,
    violation: `it does not end as without faults:\n${ran.final}\n${calm.get(scenario)!.final}`,
  };
}

const calm = new Map<string, Ran>();
const calmRun = (scenario: string): Promise<Ran> =>
  runOnce({ seed, replicas: 1, faults: noFaults, scenario: scenarioOf(scenario) }, false);

function scenarioOf(name: string): Scenario {
  const found = shortScenarios[name];
  if (found === undefined)
    throw new Error(`there is no short scenario ${name}: ${Object.keys(shortScenarios).join(', ')}`);
  return found;
}

/** Every fault that can happen at every I/O of the run without faults. */
export async function allShortRuns(): Promise<readonly ShortRun[]> {
  const all: ShortRun[] = [];
  for (const scenario of Object.keys(shortScenarios)) {
    const steps: Step[] = [];
    const listening = { next: (step: Step) => (steps.push(step), undefined) };
    await runOnce({ seed, replicas: 1, faults: listening, scenario: scenarioOf(scenario) }, false);
    steps.forEach((step, at) => {
      for (const fault of possibleFaults(step)) all.push({ scenario, at, fault });
    });
  }
  return all;
}
