/** F18, F1: at the end records and cluster have the same, and nothing is left of what is over. */
import { ownerUid } from '#model/unit.ts';
import { resourceOf } from './declared.ts';
import { kinds, stampName, type App, type Fleet, type Item } from './fleet.ts';
import { jobKind } from './hooks.ts';
import { memberOf } from './kubectl.ts';
import { hooksOf } from './people/doing.ts';
import type { Oracles } from './oracles.ts';
import type { World } from './world.ts';

const recordKind = { group: 'trueup.dev', version: 'v1alpha1', plural: 'unitstates' };
/** Which end of a Job each policy deletes it after. */
const goesAfter: Readonly<Record<string, string>> = { HookSucceeded: 'Complete', HookFailed: 'Failed' };

/** Where the inventory is not what Git has, object by object. */
export function wrongInventory(
  world: World,
  oracles: Oracles,
  app: App,
  items: readonly Item[],
): readonly string[] {
  const stamp = { kind: 'ConfigMap', name: stampName(app) } as const;
  const wanted = new Map([stamp, ...items].map((item) => [`${item.kind} ${item.name}`, item]));
  const wrong = (oracles.recordOf(app)?.inventory ?? []).flatMap(({ ref: { kind, name }, state, uid }) => {
    const item = wanted.get(`${kind} ${name}`);
    if (item === undefined) return [`${kind} ${name} is in the inventory`];
    wanted.delete(`${kind} ${name}`);
    const live = world.kubectl.get({ ...kinds[item.kind], namespace: app.namespace, name });
    const isRight = state === 'applied' && uid === live?.metadata.uid;
    return isRight ? [] : [`${kind} ${name} is in the inventory as ${state} with another UID or none`];
  });
  return [...wrong, ...[...wanted.keys()].map((missing) => `${missing} is not in the inventory`)];
}

export function hooksTooMany(world: World, fleet: Fleet, app: App): readonly string[] {
  // One of an attempt that gave way to a commit that has it no more goes with its Unit; so does one that is named anew;
  // and one of a failed attempt with the next attempt that fails.
  const hooks = hooksOf(fleet.content(app)).filter(
    ({ isNamedAnew, point }) => !isNamedAnew && point !== 'SyncFail',
  );
  const deletions = new Map(hooks.map(({ name, deletion }) => [name, deletion]));
  return world.kubectl.list(jobKind, app.namespace).flatMap((job) => {
    const { name, annotations } = job.metadata;
    const deletion = deletions.get(name);
    // What Git says by now holds also for one that was made before.
    const isSame = annotations?.['argocd.argoproj.io/hook-delete-policy'] === deletion;
    const end = isSame ? goesAfter[deletion ?? ''] : undefined;
    const conditions = memberOf(job, 'status', 'conditions');
    const hasEnded = (Array.isArray(conditions) ? conditions : []).some(
      (each) => end !== undefined && memberOf(each, 'type') === end,
    );
    return hasEnded ? [`Job ${name} is too many`] : [];
  });
}

/** Records of what nobody declares any more. */
export function recordsTooMany(world: World, fleet: Fleet): readonly string[] {
  const uids = new Set(fleet.apps.map((app) => resourceOf(world.kubectl, app)?.metadata.uid));
  return world.kubectl.list(recordKind).flatMap((record) => {
    const unit = memberOf(record, 'state', 'unit');
    if (typeof unit !== 'string' || uids.has(ownerUid(unit))) return [];
    return [`the record ${record.metadata.name} is of a resource that is gone`];
  });
}
