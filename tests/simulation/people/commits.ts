/** What people do in Git. */
import { declaring } from '../declared.ts';
import { contentIn, itemsMin, placeOf, type App, type Content } from '../fleet.ts';
import { newHook } from '../hooks.ts';
import { changed, hooksOf, isHeld, itemsOf, push, type Action, type Doing } from './doing.ts';

const repositories = ['fleet-1', 'fleet-2', 'fleet-3'];
export const repositoryUrl = (index: number): string => `https://git.example/acme/${repositories[index]}`;

/** What the commit before the last has of it. */
function before({ fleet }: Doing, app: App): Content | undefined {
  const commit = fleet.commits.get(placeOf(app).server.head?.parent ?? '');
  return commit && contentIn(commit, app);
}

export const commits: readonly Action[] = [
  {
    name: 'commit',
    weight: 10,
    act: (doing, app) => {
      const { fleet, random } = doing;
      const last = fleet.unheld(app);
      push(doing, app, { items: changed(itemsOf(last), random, app), hooks: hooksOf(last) }, 'Change');
    },
  },
  {
    name: 'hook',
    weight: 3,
    act: (doing, app) => {
      if (!app.hasHooks) return;
      const { fleet, random } = doing;
      const last = fleet.unheld(app);
      const hook = newHook(random, `${app.name}-hook-${random.below(3)}`);
      const others = hooksOf(last).filter(({ name }) => name !== hook.name);
      push(doing, app, { items: itemsOf(last), hooks: [...others, hook] }, 'Hook');
    },
  },
  {
    // What it runs fails, until somebody mends it.
    name: 'failing hook',
    weight: 2,
    act: (doing, app) => {
      if (!app.hasHooks) return;
      const { fleet, random } = doing;
      const last = fleet.unheld(app);
      const fails = random.below(3);
      const hooks = hooksOf(last).map((hook, index) => ({ ...hook, fails: index === fails }));
      push(doing, app, { items: changed(itemsOf(last), random, app), hooks }, 'Failing hook');
    },
  },
  {
    name: 'break',
    weight: 2,
    act: (doing, app) => {
      const broken = doing.random.pick(['text', 'empty', 'void', 'link', 'huge'] as const);
      push(doing, app, { broken }, `Break: ${broken}`);
    },
  },
  {
    name: 'revert',
    weight: 1,
    act: (doing, app) => {
      const content = before(doing, app);
      if (content !== undefined && !isHeld(content))
        push(doing, app, content, `Revert "${placeOf(app).server.head!.message}"`);
    },
  },
  {
    name: 'force-push',
    weight: 1,
    act: (doing, app) => {
      const { fleet, random, oracles } = doing;
      const { server } = placeOf(app);
      if (server.head?.parent === undefined) return;
      for (const other of fleet.appsOf(server)) oracles.historyMoved(other);
      const found = before(doing, app);
      const content = found !== undefined && 'items' in found && !isHeld(found) ? found : fleet.unheld(app);
      const items = changed(itemsOf(content), random, app);
      push(doing, app, { items, hooks: hooksOf(content) }, 'Rewritten', server.head.parent);
    },
  },
  {
    name: 'vanish',
    weight: 1,
    act: (doing, app) => {
      const { world, fleet, random } = doing;
      const content = fleet.content(app);
      const items = itemsOf(content);
      if (!app.isLarge || items.length < itemsMin(app)) return;
      push(doing, app, { items: items.slice(0, 1), isHeld: true }, 'Vanish');
      const back = (): void => {
        if (isHeld(fleet.content(app))) push(doing, app, content, 'Back');
      };
      world.scheduler.at(random.between(60_000, 300_000), back);
    },
  },
  {
    // To another directory, or to another repository; Git has it in one place only.
    name: 'move',
    weight: 2,
    act: ({ world, fleet, random }, app) => {
      const { server } = placeOf(app);
      const isFar = random.chance(0.5);
      const directory = `apps/${app.name}-${app.places.length}`;
      const url = repositoryUrl(random.below(repositories.length));
      fleet.move(app, { server: isFar ? world.gitServer(url) : server, directory });
      for (const { at, manifest } of declaring(app).manifests(app)) world.kubectl.create(at, manifest);
      world.kubectl.merge(declaring(app).at(app.name), { spec: declaring(app).source(app) });
    },
  },
];
