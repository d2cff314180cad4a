/** What people do to objects that are managed. */
import { kinds, type App } from '../fleet.ts';
import { jobKind } from '../hooks.ts';
import { editedValue, foreignPrefix } from '../oracles.ts';
import type { World } from '../world.ts';
import { someObject, type Action } from './doing.ts';

/** F26: somebody copies the marks of an object of ours to their own. */
export function borrow(world: World, app: App, name: string): void {
  const annotations = {
    'argocd.argoproj.io/tracking-id': `${app.name}:/ConfigMap:${app.namespace}/${name}`,
  };
  const labels = {
    'kustomize.toolkit.fluxcd.io/name': app.name,
    'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
    'app.kubernetes.io/instance': app.name,
  };
  world.kubectl.create(
    { ...kinds.ConfigMap, namespace: app.namespace, name },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, annotations, labels } },
  );
}

export const interference: readonly Action[] = [
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
    // While it runs, or when it has ended.
    name: 'delete a hook',
    weight: 1,
    act: ({ world, random }, app) => {
      const jobs = world.kubectl
        .list(jobKind, app.namespace)
        .filter(({ metadata: { name } }) => name.startsWith(`${app.name}-hook-`));
      if (jobs.length === 0) return;
      const { name } = random.pick(jobs).metadata;
      world.kubectl.delete({ ...jobKind, namespace: app.namespace, name });
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
    act: ({ world, random }, app) => borrow(world, app, `borrowed-${random.below(5)}`),
  },
];
