/** Follows the Applications of a first run until each is synced and healthy, and says what happens meanwhile. */
import { applicationKind } from '#dialects/argo/application.ts';
import { isObject } from '#model/json.ts';
import { keyText, refOf, type Manifest } from '#model/object.ts';
import type { Cluster } from '#model/ports.ts';

interface Standing {
  readonly sync: string;
  readonly health: string;
}

function standingOf({ status }: Manifest): Standing {
  const member = (name: string): string => {
    const part = isObject(status) ? status[name] : undefined;
    return isObject(part) && typeof part['status'] === 'string' ? part['status'] : '';
  };
  return { sync: member('sync'), health: member('health') };
}

/** Resolves when all Applications of the namespace, at least one, are synced and healthy. */
export function allReady(cluster: Cluster, namespace: string, say: (line: string) => void): Promise<void> {
  const standings = new Map<string, Standing>();
  return new Promise((resolve) => {
    const following = cluster.follow(
      { kind: applicationKind, plural: 'applications', namespace, optional: false },
      ({ changed, gone, synced }) => {
        for (const key of gone) standings.delete(keyText(key));
        for (const manifest of changed) {
          const key = keyText(refOf(manifest));
          const before = standings.get(key);
          const now = standingOf(manifest);
          standings.set(key, now);
          if (now.sync === '' || (before?.sync === now.sync && before.health === now.health)) continue;
          say(`${manifest.metadata.name}: ${now.sync}${now.health === '' ? '' : `, ${now.health}`}`);
        }
        const all = [...standings.values()];
        const isReady = all.every(({ sync, health }) => sync === 'Synced' && health === 'Healthy');
        if (!synced || all.length === 0 || !isReady) return;
        following.stop();
        resolve();
      },
    );
  });
}
