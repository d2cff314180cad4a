/** A cluster whose objects are judged as `argocd-cm` says: the checks come with what is followed anyway. */
import { customizationsOf } from '#dialects/argo/customizations.ts';
import { dataOf } from '#dialects/argo/settings.ts';
import type { Manifest, ObjectRef } from '#model/object.ts';
import type { Cluster, FollowBatch, Log } from '#model/ports.ts';
import type { ScriptedHealth } from '#pipeline/health/scripted.ts';

const name = 'argocd-cm';

export function customizedCluster(
  cluster: Cluster,
  scripted: ScriptedHealth,
  namespace: string,
  log: Log,
): Cluster {
  let isFollowed = false;
  let read: Promise<void> | undefined;
  const use = (configMap: Manifest | undefined): void =>
    scripted.use(customizationsOf(dataOf(configMap)).health);
  const take = ({ synced, changed, gone }: FollowBatch): void => {
    const isOurs = (object: { readonly name: string; readonly namespace?: string | undefined }): boolean =>
      object.name === name && object.namespace === namespace;
    const now = changed.find(({ kind, metadata }) => kind === 'ConfigMap' && isOurs(metadata));
    if (now !== undefined) use(now);
    else if (gone.some((key) => key.kind === 'ConfigMap' && isOurs(key))) use(undefined);
    isFollowed ||= synced;
  };
  /** Who follows nothing, as commands do, reads it once. */
  const ask = async (): Promise<void> => {
    const ref: ObjectRef = { group: '', version: 'v1', kind: 'ConfigMap', namespace, name };
    const found = await cluster.read(ref);
    if (isFollowed) return;
    if (found.ok) use(found.value);
    else
      log.warn(
        { code: found.failure.code },
        `health checks of ${name} are not used: ${found.failure.message}`,
      );
  };
  return {
    ...cluster,
    follow: (selection, listener) => {
      const { kind } = selection;
      const concerns = kind.group === '' && kind.kind === 'ConfigMap' && selection.namespace === namespace;
      if (!concerns) return cluster.follow(selection, listener);
      return cluster.follow(selection, (batch) => {
        take(batch);
        listener(batch);
      });
    },
    sightings: async (...look) => {
      if (!isFollowed) await (read ??= ask());
      return cluster.sightings(...look);
    },
  };
}
