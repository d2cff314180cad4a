/** One seed: its world, its faults, its people; and what came of it. */
import { REFLECTOR_DEFAULTS } from '#kube/reflector.ts';
import { canonicalJson } from '#model/json.ts';
import { Bounds } from './bounds.ts';
import { nothingShown } from './canaries.ts';
import { Meeting, RandomFaults, noFaults, type Faults, type Meet } from './faults.ts';
import { declaring, resourceOf, suspensionOf } from './declared.ts';
import {
  kinds,
  manifestOf,
  placeOf,
  stampName,
  tierLabel,
  waveAnnotation,
  type App,
  type Fleet,
  type Item,
  type Kind,
} from './fleet.ts';
import { Attributions } from './attributions.ts';
import { Contests } from './contests.ts';
import { Ends } from './ends.ts';
import { HookRuns } from './hook-runs.ts';
import { endPoints, isHeldFor } from './hooks.ts';
import { memberOf } from './kubectl.ts';
import { Histories } from './histories.ts';
import { hooksTooMany, recordsTooMany, wrongInventory } from './leftovers.ts';
import { Oracles, Violation } from './oracles.ts';
import { Orders } from './orders.ts';
import { SeededRandom } from './random.ts';
import { Standstill } from './standstill.ts';
import { Tenures } from './tenures.ts';
import { label } from './people/declarations.ts';
import { hooksOf, itemsOf, type Doing } from './people/doing.ts';
import { arrange, finale, newFleet } from './workload.ts';
import { arrangeWeather, clearWeather } from './weather.ts';
import { isWithin, withPlainData } from './within.ts';
import { World, type WorldOptions } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  readonly keepsTrace?: boolean;
  /** Else one or two, as the seed draws. */
  readonly replicas?: number;
  /** Else those that the seed draws. */
  readonly faults?: Faults;
  /** Besides those. */
  readonly meet?: Meet;
  /** What people and the weather do; else as the seed says. */
  readonly scenario?: Scenario;
}
export interface Scenario {
  readonly spanMs: number;
  readonly quietMs: number;
  /** Else one. */
  readonly replicas?: number;
  /** Else as many as anywhere. */
  readonly pageSize?: number;
  readonly fleet: (world: World, random: SeededRandom) => Fleet;
  readonly arrange: (doing: Doing, spanMs: number) => void;
}
export interface Ran {
  readonly violation: string | undefined;
  readonly digest: string;
  readonly simulatedMs: number;
  readonly events: number;
  readonly writes: number;
  readonly steps: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly cells: Readonly<Record<string, number>>;
  /** What it comes to in the end, to be compared. */
  readonly final: string;
  readonly trace: readonly string[];
}

/** After the last fault: the longest backoff, twice. */
const convergenceMs = 25 * 60_000;

const drawn: Scenario = { spanMs: 20 * 60_000, quietMs: 30 * 60_000, fleet: newFleet, arrange };

/** One of so many is quiet for twice as long: timers may be slow. */
const longQuietEvery = 8;

/** So many seeds in a row have the same people doing the same things, each in its own weather. */
export const seedsAlike = 4;
const firstAlike = (seed: number): number => seed - ((seed - 1) % seedsAlike);

/** The seed's run under its faults, and, where that kept every promise, the same without a fault: both must end alike. */
export async function runSeed(options: RunOptions): Promise<Ran> {
  const ran = await runOnce(options, true);
  if (ran.violation !== undefined) return ran;
  return asCalm(ran, await calmRun(firstAlike(options.seed)));
}

/** With what is wrong about its end, next to that of the run without faults. */
export function asCalm(ran: Ran, calm: Ran): Ran {
  if (calm.violation !== undefined)
    return { ...ran, violation: `without a fault: ${calm.violation}`, trace: calm.trace };
  if (calm.final === ran.final) return ran;
  return { ...ran, violation: `it does not end as without faults:\n${ran.final}\n${calm.final}` };
}

let lastCalm: { readonly seed: number; readonly ran: Promise<Ran> } | undefined;

/** Of one replica: how many share the work makes no difference to the end. */
function calmRun(seed: number): Promise<Ran> {
  if (lastCalm?.seed !== seed)
    lastCalm = { seed, ran: runOnce({ seed, replicas: 1, faults: noFaults }, false) };
  return lastCalm.ran;
}

const replicasOf = (random: SeededRandom): number => (random.chance(0.5) ? 2 : 1);

type Links = Pick<WorldOptions, 'pageSize' | 'lagFactors'>;
const plainLinks: Links = { pageSize: REFLECTOR_DEFAULTS.pageSize, lagFactors: [] };

/** Lists that come in pieces, and now and then a replica that is behind with everything. */
function drawnLinks(random: SeededRandom): Links {
  return {
    pageSize: random.pick([plainLinks.pageSize, plainLinks.pageSize, 1, 2, 5]),
    lagFactors: [1, 2].map(() => random.pick([1, 1, 1, 1, 1, 5, 12])),
  };
}

export async function runOnce(options: RunOptions, hasWeather: boolean): Promise<Ran> {
  const { seed, keepsTrace = false, scenario = drawn } = options;
  const random = new SeededRandom(`run ${seed}`);
  const replicas = options.replicas ?? replicasOf(random.fork('replicas'));
  const drawnFaults = options.faults ?? new RandomFaults(random.fork('faults'));
  const faults = options.meet === undefined ? drawnFaults : new Meeting(drawnFaults, options.meet);
  const links = options.scenario === undefined && hasWeather ? drawnLinks(random.fork('links')) : plainLinks;
  const pageSize = scenario.pageSize ?? links.pageSize;
  const world = new World({ ...links, pageSize, seed, faults, replicas, keepsTrace });
  const people = new SeededRandom(`people ${firstAlike(seed)}`);
  const fleet = scenario.fleet(world, people);
  const oracles = new Oracles(world, fleet);
  const histories = new Histories(world, fleet, oracles);
  const bounds = new Bounds(world, fleet, oracles);
  const contests = new Contests(world, fleet);
  const attributions = new Attributions(world, fleet, oracles);
  const others = [
    bounds,
    contests,
    attributions,
    new Ends(world, fleet, oracles),
    new Tenures(world, fleet),
    new HookRuns(world, fleet, oracles),
    new Standstill(world, fleet),
    new Orders(world, fleet),
  ];
  for (const watcher of [oracles, ...others, histories]) world.watch(watcher);
  const doing: Doing = { world, fleet, oracles, contests, random: people };
  if (hasWeather) arrangeWeather(world, random.fork('weather'), scenario.spanMs);
  scenario.arrange(doing, scenario.spanMs);
  for (const replica of world.replicas) replica.start();
  const quietMs = scenario.quietMs * (options.seed % longQuietEvery === 0 ? 2 : 1);
  try {
    await world.runFor(scenario.spanMs);
    clearWeather(world);
    world.faults.isOn = false;
    finale(doing);
    await converge(world, fleet, oracles);
    // Git is as it was, and yet something else is to be rendered from it.
    for (const app of fleet.apps) label(doing, app, 'last');
    await converge(world, fleet, oracles);
    // What else is under way at that moment may end.
    if (world.violation === undefined) await world.runFor(120_000);
    oracles.startCounting();
    // Leases are renewed all the time, which takes ours.
    await world.runFor(quietMs / (replicas > 1 ? 2 : 1));
    if (world.violation === undefined) {
      staysQuiet(world, oracles);
      histories.atEnd();
      nothingShown(world);
      bounds.atEnd();
      attributions.atEnd();
    }
  } catch (error) {
    world.violation ??= error as Error;
  }
  if (world.flaws.length > 0)
    world.violation ??= new Error(`the simulated cluster failed: ${world.flaws[0]}`);
  world.close();
  const { violation } = world;
  return {
    violation: violation instanceof Violation ? violation.message : violation?.stack,
    digest: world.trace.digest,
    simulatedMs: world.nowMs,
    events: world.scheduler.events,
    writes: world.writes,
    steps: world.faults.steps,
    faults: Object.fromEntries([
      ...world.faults.met,
      ...[...world.weather].map(([name, times]) => [`weather:${name}`, times] as const),
    ]),
    cells: Object.fromEntries(world.faults.cells),
    final: violation === undefined ? finalState(world, fleet) : '',
    trace: world.trace.lines,
  };
}

/** In bounded time after the last fault everything is as Git says, and said to be so. */
async function converge(world: World, fleet: Fleet, oracles: Oracles): Promise<void> {
  const untilMs = world.nowMs + convergenceMs;
  let open = openQuestions(world, fleet, oracles);
  while (open.length > 0 && world.nowMs < untilMs && world.violation === undefined) {
    await world.runFor(15_000);
    open = openQuestions(world, fleet, oracles);
  }
  if (world.violation !== undefined) return;
  if (open.length > 0)
    throw new Violation('convergence', `after ${convergenceMs / 60_000} minutes: ${open.join('; ')}`);
}

function openQuestions(world: World, fleet: Fleet, oracles: Oracles): readonly string[] {
  const ofApps = fleet.apps.flatMap((app) => {
    const resource = resourceOf(world.kubectl, app);
    const { isDone, says, commit } = declaring(app).standing(resource);
    const open: string[] = [];
    // Synced or not: whoever suspended it is about to come back.
    if (resource !== undefined && declaring(app).isSuspended(resource)) open.push(`${app.name} is suspended`);
    if (!isDone) open.push(`${app.name} is ${says}`);
    if (commit !== placeOf(app).server.head?.id)
      open.push(`${app.name} says that it is at ${commit ?? 'nothing'}`);
    if (oracles.recordOf(app)?.intent !== undefined) open.push(`${app.name} has an intent left (F1)`);
    const suspended = suspensionOf(resource);
    if (suspended !== undefined || oracles.recordOf(app)?.contests !== undefined)
      open.push(`${app.name} contends with somebody: ${suspended ?? 'it does not say so'}`);
    for (const point of endPoints)
      if (isHeldFor(resource, point) !== hooksOf(fleet.content(app)).some((hook) => hook.point === point))
        open.push(`${app.name} does not wait for its hooks as it should (${point})`);
    const items = itemsOf(fleet.content(app));
    open.push(...wrongObjects(world, fleet, app, items), ...wrongInventory(world, oracles, app, items));
    return [...open, ...hooksTooMany(world, fleet, app)];
  });
  return [...ofApps, ...recordsTooMany(world, fleet)];
}

function wrongObjects(world: World, fleet: Fleet, app: App, items: readonly Item[]): readonly string[] {
  const wanted = new Set([
    `ConfigMap ${stampName(app)}`,
    ...items.map(({ kind, name }) => `${kind} ${name}`),
  ]);
  const wrong = (Object.keys(kinds) as Kind[]).flatMap((kind) =>
    world.kubectl
      .list(kinds[kind], app.namespace)
      .filter(({ metadata: { name } }) => fleet.ownerOf(app.namespace, kind, name) === app)
      .flatMap(({ metadata: { name } }) =>
        wanted.delete(`${kind} ${name}`) ? [] : [`${kind} ${name} is too many`],
      ),
  );
  for (const missing of wanted) wrong.push(`${missing} is missing`);
  for (const item of items) {
    const live = world.kubectl.get({ ...kinds[item.kind], namespace: app.namespace, name: item.name });
    if (live === undefined) continue;
    if (!isWithin(manifestOf(item, app), withPlainData(live)))
      wrong.push(`${item.kind} ${item.name} is not as Git has it`);
    if (item.kind === 'ConfigMap' && memberOf(live, 'metadata', 'labels', tierLabel) !== app.tier)
      wrong.push(`${item.name} has another label`);
  }
  return wrong;
}

/** Of one replica: what its dialects read, and the kinds that its applications have. */
const watchesMax = 30;

/** F5: in steady state nothing is written, and nothing is asked for. */
function staysQuiet(world: World, oracles: Oracles): void {
  if (oracles.counted.length > 0)
    throw new Violation(
      'quiet',
      `${oracles.counted.length} requests while nothing changed: ${[...new Set(oracles.counted)].slice(0, 5).join('; ')}`,
    );
  for (const replica of world.replicas) {
    const { queued = 0 } = replica.engine?.counts ?? {};
    if (queued > 0) throw new Violation('bounds', `${queued} Units wait for a turn while nothing changes`);
    if (replica.watches > watchesMax) throw new Violation('bounds', `${replica.watches} watches are open`);
  }
}

/** What is in the cluster of what Git says, without what differs from run to run. */
function finalState(world: World, fleet: Fleet): string {
  const objects = Object.values(kinds).flatMap((kind) =>
    [...new Set(fleet.apps.map(({ namespace }) => namespace))].flatMap((namespace) =>
      world.kubectl.list(kind, namespace).map((object) => {
        const { kind, metadata } = object;
        const { namespace = '', name, labels = {}, annotations } = metadata;
        const of = (...path: readonly string[]): unknown => memberOf(object, ...path);
        // Which address a Service gets differs from run to run.
        const spec =
          kind === 'Service' ? { ports: of('spec', 'ports'), selector: of('spec', 'selector') } : of('spec');
        return { kind, namespace, name, labels, wave: annotations?.[waveAnnotation], data: of('data'), spec };
      }),
    ),
  );
  const apps = fleet.apps.map((app) => {
    const resource = resourceOf(world.kubectl, app);
    return [
      app.name,
      declaring(app).standing(resource).isDone,
      memberOf(resource, 'status', 'health', 'status'),
    ];
  });
  return canonicalJson({ apps, objects });
}
