/** The controller that kept an application before us: what it made of it, and that it comes back (F29). */
import { timestamp } from '#model/time.ts';
import { declaring, isAnothers, resourceOf } from '../declared.ts';
import { kinds, manifestOf, type App, type Fleet, type Item } from '../fleet.ts';
import type { World } from '../world.ts';
import { itemsOf, type Doing } from './doing.ts';

interface Predecessor {
  /** As whom it writes objects, and statuses. */
  readonly applier: string;
  readonly manager: string;
  readonly subresource?: 'status';
  readonly statusOf: (app: App, items: readonly Item[], time: string) => object;
}

const predecessors: Readonly<Record<App['dialect'], Predecessor>> = {
  argo: {
    applier: 'argocd-controller',
    manager: 'argocd-application-controller',
    statusOf: ({ namespace }, items, time) => ({
      reconciledAt: time,
      resources: items.map(({ kind, name }) => {
        const { group, version } = kinds[kind];
        return { group, version, kind, namespace, name, status: 'Synced' };
      }),
    }),
  },
  flux: {
    applier: 'kustomize-controller',
    manager: 'kustomize-controller',
    subresource: 'status',
    statusOf: ({ namespace }, items, time) => ({
      conditions: [
        { type: 'Ready', status: 'True', reason: 'Kept', message: 'before', lastTransitionTime: time },
      ],
      inventory: {
        entries: items.map(({ kind, name }) => {
          const { group, version } = kinds[kind];
          return { id: [namespace, name, group, kind].join('_'), v: version };
        }),
      },
    }),
  },
};

/** Everything that Git has of it stands there, and its status says so. */
export function keptBefore(world: World, fleet: Fleet, app: App): void {
  const { applier } = predecessors[app.dialect];
  for (const item of itemsOf(fleet.content(app)))
    world.kubectl.create(
      { ...kinds[item.kind], namespace: app.namespace, name: item.name },
      manifestOf(item, app),
      applier,
    );
  tell(world, fleet, app);
}

/** As it does while it runs: it looks again and again, and says when. */
export function comesBack({ world, fleet }: Doing, app: App, lastsMs: number): void {
  world.note(`another controller keeps ${app.name}`);
  const untilMs = world.nowMs + lastsMs;
  const again = (): void => {
    if (world.nowMs > untilMs) return;
    tell(world, fleet, app);
    world.scheduler.at(looksMs, again);
  };
  again();
}
const looksMs = 10_000;

/** Whoever takes it over asks again where that was refused, as when its files could not be rendered. */
export function askForIt(doing: Doing, app: App, times = 4): void {
  const { world } = doing;
  const resource = resourceOf(world.kubectl, app);
  const { at, asks, standing } = declaring(app);
  if (resource !== undefined && (isAnothers(resource, app) || !standing(resource).isDone)) {
    world.note('ask for a takeover');
    world.kubectl.merge(at(app.name), asks(world.server.now()));
  }
  if (times > 1) world.scheduler.at(30_000, () => askForIt(doing, app, times - 1));
}

function tell(world: World, fleet: Fleet, app: App): void {
  const { manager, subresource, statusOf } = predecessors[app.dialect];
  const status = statusOf(app, itemsOf(fleet.content(app)), timestamp(world.server.now()));
  world.kubectl.merge(declaring(app).at(app.name), { status }, manager, subresource);
}
