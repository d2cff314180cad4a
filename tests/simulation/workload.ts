/** What people do to a fleet while it is being managed, drawn from the seed, in any weather: people/ has what each is. */
import { declare, declaring, resourceOf } from './declared.ts';
import { firstItems, Fleet, placeOf, type App, type Content, type Item } from './fleet.ts';
import { endHookName, isOfEnd, newEndHook, newHook, type Hook } from './hooks.ts';
import { commits, repositoryUrl } from './people/commits.ts';
import { declarations, deleteApp } from './people/declarations.ts';
import { hooksOf, itemsOf, type Action, type Doing } from './people/doing.ts';
import { interference } from './people/interference.ts';
import { handOver, rename } from './people/moves.ts';
import { allGiveUp, contendSomehow, settled } from './people/rivals.ts';
import { memberOf } from './kubectl.ts';
import type { SeededRandom } from './random.ts';
import type { World } from './world.ts';

export function newFleet(world: World, random: SeededRandom): Fleet {
  const names = ['web', 'api', 'jobs'].slice(0, 1 + random.below(3));
  const repositories = 1 + random.below(2);
  // A chain needs a few of the dialect that has them.
  const drawn = random.pick([['argo'], ['argo', 'flux'], ['flux']] as const);
  const dialects = names.map(() => random.pick(drawn));
  const apps = names.map((name, index): App => {
    const dialect = dialects[index]!;
    const before = names.filter((_, other) => other < index && dialects[other] === 'flux');
    return {
      name,
      dialect,
      places: [{ server: world.gitServer(repositoryUrl(index % repositories)), directory: `apps/${name}` }],
      namespace: random.pick(['payments', 'shop']),
      selfHeal: random.chance(0.8),
      // Flux always takes its objects along.
      cascades: dialect === 'flux' || random.chance(0.5),
      dependsOn: dialect === 'flux' ? before.filter(() => random.chance(0.5)) : [],
      hasWaves: dialect === 'argo' && random.chance(0.3),
      hasHooks: dialect === 'argo' && random.chance(0.4),
      hasWindows: dialect === 'argo' && random.chance(0.25),
      isLarge: random.chance(0.15),
    };
  });
  const fleet = new Fleet(apps);
  const ofEnds = random.fork('ends');
  for (const server of world.servers.values()) {
    const content = new Map<App, Content>(
      fleet.appsOf(server).map((app) => {
        const count = app.hasHooks ? 1 + random.below(3) : 0;
        const hooks = Array.from({ length: count }, (_, at) => newHook(random, `${app.name}-hook-${at}`));
        return [app, { items: firstItems(random, app), hooks: [...hooks, ...endHooks(ofEnds, app)] }];
      }),
    );
    fleet.push(server, content, 'First');
  }
  for (const app of apps) declare(world.kubectl, app);
  return fleet;
}

function endHooks(random: SeededRandom, app: App): readonly Hook[] {
  const count = app.dialect === 'argo' && app.cascades && random.chance(0.5) ? 1 + random.below(2) : 0;
  return Array.from({ length: count }, (_, at) => newEndHook(random, `${endHookName(app.name)}${at}`));
}

export const actions: readonly Action[] = [...commits, ...interference, ...declarations];

/** Everything that people do in this span, arranged in advance: the same in any weather. */
export function arrange(doing: Doing, spanMs: number): void {
  const { world, fleet, random } = doing;
  arrangeApart({ ...doing, random: random.fork('apart') }, spanMs);
  const count = 3 + random.below(12);
  for (let index = 0; index < count; index += 1) {
    const action = random.weighted(actions);
    const app = random.pick(fleet.apps);
    const own = random.fork(`${index}`);
    const atMs = random.between(0, spanMs);
    world.scheduler.at(atMs, () => {
      world.note(`${action.name} ${app.name}`);
      action.act({ ...doing, random: own, leftMs: spanMs - atMs }, app);
    });
  }
}

/** What a seed has besides: drawn apart, so that it leaves the rest as it is. */
function arrangeApart(doing: Doing, spanMs: number): void {
  const { world, fleet, random } = doing;
  for (const app of fleet.apps) {
    if (!hooksOf(fleet.content(app)).some(isOfEnd)) continue;
    const own = { ...doing, random: random.fork(app.name) };
    world.scheduler.at(random.between(60_000, spanMs), () => {
      world.note(`delete-app ${app.name}`);
      deleteApp(own, app);
    });
  }
  arrangeMoves({ ...doing, random: random.fork('moves') }, spanMs);
  if (!random.chance(0.35)) return;
  const app = random.pick(fleet.apps);
  const own = { ...doing, random: random.fork('rival') };
  world.scheduler.at(random.between(20_000, spanMs * 0.75), () => contendSomehow(own, app));
}

function arrangeMoves(doing: Doing, spanMs: number): void {
  const { world, fleet, random } = doing;
  const count = random.chance(0.5) ? 1 + random.below(3) : 0;
  for (let index = 0; index < count; index += 1) {
    const move = random.pick([handOver, handOver, rename]);
    const app = random.pick(fleet.apps);
    const own = { ...doing, random: random.fork(`${index}`) };
    world.scheduler.at(random.between(10_000, spanMs), () => move(own, app));
  }
}

/** Git says something that can be had, and every application is to be as it says. */
export function finale(doing: Doing): void {
  const { fleet, world, random, contests } = doing;
  world.note('the last commits');
  for (const server of world.servers.values()) {
    const content = new Map<App, Content>();
    for (const app of fleet.appsOf(server)) {
      const before = fleet.unheld(app);
      // What was handed over is in one place only, whatever was taken back since.
      const items = itemsOf(before).filter(
        ({ kind, name }) => fleet.ownerOf(app.namespace, kind, name) === app,
      );
      const hooks = hooksOf(before).flatMap(({ isHeld, ...hook }) =>
        isHeld === true ? [] : { ...hook, fails: false },
      );
      const last: Item = { kind: 'ConfigMap', name: `${app.name}-last`, value: random.below(10) };
      const others = settled(
        items.filter(({ name }) => name !== last.name),
        contests.rivals,
      );
      content.set(app, { items: [...others, last], hooks });
    }
    fleet.push(server, content, 'Last');
  }
  allGiveUp(doing);
  for (const app of fleet.apps) if (app.dialect === 'argo' && !app.selfHeal) mend(doing, app);
}

const looksAgainMs = 300_000;
/** Nothing heals there by itself: whoever reads that the last commit is applied, and something else is not so, asks for a sync. */
function mend({ world }: Doing, app: App): void {
  world.scheduler.at(looksAgainMs, () => {
    const resource = resourceOf(world.kubectl, app);
    const { at, asks, standing } = declaring(app);
    const { isDone, commit } = standing(resource);
    const applied = memberOf(resource, 'status', 'operationState', 'syncResult', 'revision');
    if (!isDone && commit === placeOf(app).server.head?.id && applied === commit)
      world.kubectl.merge(at(app.name), asks(world.server.now()));
  });
}
