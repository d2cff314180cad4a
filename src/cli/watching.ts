/** `--watch`: what there is, and then each resource again as it changes, until the command is interrupted. */
import type { Selection } from '#model/dialect.ts';
import { keyText, refOf, type Manifest } from '#model/object.ts';
import type { Cluster, FollowBatch } from '#model/ports.ts';
import { endOf } from './command.ts';

export interface Watched {
  readonly cluster: Cluster;
  readonly selections: readonly Selection[];
  readonly isSelected: (resource: Manifest) => boolean;
}

/** How it is shown to somebody. */
export interface Shown {
  /** All that there is when the watch begins. */
  readonly all: (resources: readonly Manifest[]) => void;
  readonly changed: (resource: Manifest) => void;
  /** As it was last; `why` says why it is no more among them. */
  readonly gone: (resource: Manifest, why: string) => void;
}

/** Never returns: whoever watches ends it. */
export async function watch({ cluster, selections, isSelected }: Watched, shown: Shown): Promise<never> {
  let hasBegun = false;
  const lists = selections.map(() => new Map<string, Manifest>());
  const take = (list: Map<string, Manifest>, { changed, gone }: FollowBatch): void => {
    const leave = (key: string, why: string): void => {
      const last = list.get(key);
      if (list.delete(key) && hasBegun) shown.gone(last!, why);
    };
    for (const key of gone) leave(keyText(key), 'deleted');
    for (const resource of changed) {
      const key = keyText(refOf(resource));
      if (!isSelected(resource)) {
        leave(key, 'no longer selected');
        continue;
      }
      list.set(key, resource);
      if (hasBegun) shown.changed(resource);
    }
  };
  await Promise.all(
    selections.map((selection, index) => follow(cluster, selection, (batch) => take(lists[index]!, batch))),
  );
  hasBegun = true;
  shown.all(lists.flatMap((list) => [...list.values()]));
  return new Promise(() => undefined);
}

/**
 * Resolves once everything there is was heard of. What cannot be read until then ends the command; what fails later is
 * tried again, and the log says so.
 */
export function follow(
  cluster: Cluster,
  selection: Selection,
  hear: (batch: FollowBatch) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isListed = false;
    const following = cluster.follow(selection, (batch) => {
      if (batch.failure !== undefined && !isListed) {
        following.stop();
        reject(endOf(batch.failure));
        return;
      }
      hear(batch);
      isListed ||= batch.synced;
      if (isListed) resolve();
    });
  });
}
