/** What people do to a fleet while it is being managed: commits, edits, deletions; drawn from the seed, in any weather. */
import { declare, declaring } from './declared.ts';
import {
  firstItems,
  Fleet,
  itemKey,
  itemsMin,
  kinds,
  newItem,
  type App,
  type Content,
  type Item,
} from './fleet.ts';
import type { Named } from './kubectl.ts';
import { editedValue, foreignPrefix, type Oracles } from './oracles.ts';
import type { SeededRandom } from './random.ts';
import type { World } from './world.ts';

const url = (index: number): string => `https://git.example/acme/fleet-${index + 1}`;

export function newFleet(world: World, random: SeededRandom): Fleet {
  const names = ['web', 'api', 'jobs'].slice(0, 1 + random.below(3));
  const repositories = 1 + random.below(2);
  const dialects = names.map(() => random.pick(['argo', 'argo', 'flux'] as const));
  const apps = names.map((name, index): App => {
    const dialect = dialects[index]!;
    const before = names.filter((_, other) => other < index && dialects[other] === 'flux');
    return {
      name,
      dialect,
      server: world.gitServer(url(index % repositories)),
      directory: `apps/${name}`,
      namespace: random.pick(['payments', 'shop']),
      selfHeal: random.chance(0.8),
      // Flux always takes its objects along.
      cascades: dialect === 'flux' || random.chance(0.5),
      dependsOn: dialect === 'flux' ? before.filter(() => random.chance(0.5)) : [],
      hasWaves: dialect === 'argo' && random.chance(0.3),
      isLarge: random.chance(0.15),
    };
  });
  const fleet = new Fleet(apps);
  for (const server of world.servers.values()) {
    const content = new Map<App, Content>(
      fleet.appsOf(server).map((app) => [app, { items: firstItems(random, app) }]),
    );
    fleet.push(server, content, 'First');
  }
  for (const app of apps) declare(world.kubectl, app);
  return fleet;
}

export interface Doing {
  readonly world: World;
  readonly fleet: Fleet;
  readonly oracles: Oracles;
  readonly random: SeededRandom;
}
interface Action {
  readonly name: string;
  readonly weight: number;
  readonly act: (doing: Doing, app: App) => void;
}

function changed(items: readonly Item[], random: SeededRandom, app: App): readonly Item[] {
  const draft = [...items];
  for (let left = 1 + random.below(3); left > 0; left -= 1) {
    const at = random.below(draft.length + 1);
    const item = draft[at];
    if (item === undefined) draft.push(newItem(random, `${app.name}-${random.below(12)}x`));
    else if (random.chance(0.35) && draft.length > 1 && !app.isLarge) draft.splice(at, 1);
    else draft[at] = { ...item, value: random.below(10) };
  }
  return [...new Map(draft.map((item) => [itemKey(item), item])).values()];
}

/** Whoever is asked has not answered yet: others keep their hands off. */
const isHeld = (content: Content | undefined): boolean =>
  content !== undefined && 'items' in content && content.isHeld === true;

const itemsOf = (content: Content): readonly Item[] => ('items' in content ? content.items : []);

/** Where one of the objects that Git has now should stand; undefined when Git has none. */
function someObject({ fleet, random }: Doing, app: App): Named | undefined {
  const items = itemsOf(fleet.content(app));
  if (items.length === 0) return undefined;
  const { kind, name } = random.pick(items);
  return { ...kinds[kind], namespace: app.namespace, name };
}

/** People change what they ask for, and then ask for it again. */
function forAWhile({ world, random }: Doing, app: App, patch: object, back: object): void {
  const at = declaring(app).at(app.name);
  world.kubectl.merge(at, { spec: patch });
  world.scheduler.at(random.between(10_000, 300_000), () => world.kubectl.merge(at, { spec: back }));
}

export const actions: readonly Action[] = [
  {
    name: 'commit',
    weight: 10,
    act: ({ fleet, random }, app) => {
      const items = changed(itemsOf(fleet.unheld(app)), random, app);
      fleet.push(app.server, new Map([[app, { items }]]), 'Change');
    },
  },
  {
    name: 'break',
    weight: 2,
    act: ({ fleet, random }, app) => {
      const broken = random.pick(['text', 'empty', 'void', 'link', 'huge'] as const);
      fleet.push(app.server, new Map([[app, { broken }]]), `Break: ${broken}`);
    },
  },
  {
    name: 'revert',
    weight: 1,
    act: ({ fleet }, app) => {
      const head = app.server.head;
      const before = fleet.commits.get(head?.parent ?? '')?.content.get(app.directory);
      if (before !== undefined && !isHeld(before))
        fleet.push(app.server, new Map([[app, before]]), `Revert "${head!.message}"`);
    },
  },
  {
    name: 'force-push',
    weight: 1,
    act: ({ fleet, random, oracles }, app) => {
      const { head } = app.server;
      if (head?.parent === undefined) return;
      for (const other of fleet.appsOf(app.server)) oracles.historyMoved(other);
      const before = fleet.commits.get(head.parent)?.content.get(app.directory);
      const isUsable = before !== undefined && 'items' in before && !isHeld(before);
      const items = changed(itemsOf(isUsable ? before : fleet.unheld(app)), random, app);
      fleet.push(app.server, new Map([[app, { items }]]), 'Rewritten', head.parent);
    },
  },
  {
    name: 'edit',
    weight: 3,
    act: (doing, app) => {
      const at = someObject(doing, app);
      if (at?.plural === 'configmaps') doing.world.kubectl.merge(at, { data: { value: editedValue } });
    },
  },
  {
    name: 'annotate',
    weight: 2,
    act: (doing, app) => {
      const at = someObject(doing, app);
      const annotations = { [`${foreignPrefix}note`]: String(doing.random.below(100)) };
      if (at !== undefined) doing.world.kubectl.merge(at, { metadata: { annotations } });
    },
  },
  {
    name: 'delete',
    weight: 2,
    act: (doing, app) => {
      const at = someObject(doing, app);
      if (at !== undefined) doing.world.kubectl.delete(at);
    },
  },
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
      if (app.dialect === 'argo')
        world.kubectl.merge(declaring(app).at(app.name), {
          operation: { initiatedBy: { username: 'ada' }, sync: {} },
        });
    },
  },
  {
    name: 'vanish',
    weight: 1,
    act: ({ world, fleet, random }, app) => {
      const items = itemsOf(fleet.content(app));
      if (!app.isLarge || items.length < itemsMin(app)) return;
      fleet.push(app.server, new Map([[app, { items: items.slice(0, 1), isHeld: true }]]), 'Vanish');
      const back = (): void => {
        if (isHeld(fleet.content(app))) fleet.push(app.server, new Map([[app, { items }]]), 'Back');
      };
      world.scheduler.at(random.between(60_000, 300_000), back);
    },
  },
  {
    name: 'hold',
    weight: 1,
    act: (doing, app) => {
      const { world, random } = doing;
      const at = someObject(doing, app);
      if (at === undefined) return;
      world.kubectl.merge(at, { metadata: { finalizers: [`${foreignPrefix}hold`] } });
      world.scheduler.at(random.between(10_000, 240_000), () => {
        world.kubectl.merge(at, { metadata: { finalizers: null } });
      });
    },
  },
  {
    name: 'borrow',
    weight: 1,
    act: ({ world, random }, app) => {
      // F26: somebody copies the labels of an object of ours to their own.
      const at = { ...kinds.ConfigMap, namespace: app.namespace, name: `borrowed-${random.below(5)}` };
      const annotations = {
        'argocd.argoproj.io/tracking-id': `${app.name}:/ConfigMap:${app.namespace}/${at.name}`,
      };
      const labels = {
        'kustomize.toolkit.fluxcd.io/name': app.name,
        'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
        'app.kubernetes.io/instance': app.name,
      };
      world.kubectl.create(at, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: at.name, annotations, labels },
      });
    },
  },
  {
    name: 'delete-app',
    weight: 1,
    act: ({ world, oracles, random }, app) => {
      // What another leaves behind depends on when it went, and is nobody's then.
      if (!app.cascades) return;
      oracles.appDeleted(app);
      world.kubectl.delete(declaring(app).at(app.name));
      const again = (): void => {
        declare(world.kubectl, app);
        // What is torn down for long holds its name.
        if (!oracles.isBack(app)) world.scheduler.at(10_000, again);
      };
      world.scheduler.at(random.between(1000, 240_000), again);
    },
  },
  {
    name: 'suspend',
    weight: 2,
    act: (doing, app) => {
      const { suspended, resumed } = declaring(app);
      forAWhile(doing, app, suspended, resumed(app));
    },
  },
  {
    // F8: a path that is not there.
    name: 'mislead',
    weight: 1,
    act: (doing, app) => forAWhile(doing, app, ...declaring(app).atPath(app, 'apps/nowhere')),
  },
  {
    // F30: what we do not honour.
    name: 'ask-too-much',
    weight: 1,
    act: (doing, app) => forAWhile(doing, app, ...declaring(app).unsupported),
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

/** Everything that people do in this span, arranged in advance: the same in any weather. */
export function arrange(doing: Doing, spanMs: number): void {
  const { world, fleet, random } = doing;
  const count = 3 + random.below(12);
  for (let index = 0; index < count; index += 1) {
    const action = random.weighted(actions);
    const app = random.pick(fleet.apps);
    const own = random.fork(`${index}`);
    world.scheduler.at(random.between(0, spanMs), () => {
      world.note(`${action.name} ${app.name}`);
      action.act({ ...doing, random: own }, app);
    });
  }
}

/** Git says something that can be had, and every application is to be as it says. */
export function finale({ fleet, world, random }: Doing): void {
  world.note('the last commits');
  for (const server of world.servers.values()) {
    const content = new Map<App, Content>();
    for (const app of fleet.appsOf(server)) {
      const items = itemsOf(fleet.unheld(app));
      const last: Item = { kind: 'ConfigMap', name: `${app.name}-last`, value: random.below(10) };
      content.set(app, { items: [...items.filter(({ name }) => name !== last.name), last] });
    }
    fleet.push(server, content, 'Last');
  }
}
