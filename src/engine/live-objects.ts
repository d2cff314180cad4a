/** What lives where Units apply, listed without bodies when somebody asks for it, and how much of it Git explains. */
import { ok, type Result } from '#model/failure.ts';
import { kindText, keyText, type ObjectRef } from '#model/object.ts';
import type { ApiResource } from '#model/observed.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Cluster } from '#model/ports.ts';
import { observe } from '#pipeline/pipeline.ts';
import { inventoryHolds } from '#pipeline/plan/compare.ts';
import {
  explain,
  isCounted,
  isOfCluster,
  liveObject,
  type LiveObject,
  type LiveShare,
} from '#pipeline/record/live-share.ts';

/** More are not looked at: nobody reads the rest of such a report. */
const objectsMax = 200_000;
/** With more, kinds are listed once for all namespaces. */
const namespacesListedApart = 5;
const listsAtOnce = 4;

/** Of the namespaces, and the kinds without one, in which those of the `states` that are `wanted` apply. */
export async function liveShare(
  states: readonly UnitState[],
  wanted: (owner: ObjectRef) => boolean,
  cluster: Cluster,
): Promise<Result<LiveShare>> {
  const served = await cluster.resources();
  if (!served.ok) return served;
  const refs = states
    .filter(({ owner }) => wanted(owner))
    .flatMap(({ inventory }) => inventory.map(({ ref }) => ref));
  const namespaces = new Set(refs.map(({ namespace }) => namespace).filter((name) => name !== ''));
  const clusterKinds = new Set(
    refs.filter(({ namespace }) => namespace === '').map(({ group, kind }) => `${group}/${kind}`),
  );
  const kinds = countedKinds(served.value).filter(
    ({ namespaced, group, kind }) => namespaced || clusterKinds.has(`${group}/${kind}`),
  );
  const found = await new Listing(cluster, namespaces).all(kinds);
  return ok({
    namespaces: namespaces.size,
    ...explain(found.objects, await inGit(states, cluster)),
    leftOut: found.leftOut,
    unread: found.unread,
    isCut: found.isCut,
  });
}

/** One version of each kind; what cannot be watched is not stored but computed, as metrics are. */
function countedKinds(served: readonly ApiResource[]): readonly ApiResource[] {
  const kinds = new Map<string, ApiResource>();
  for (const resource of served) {
    const { group, kind, verbs } = resource;
    const key = `${group}/${kind}`;
    if (isCounted(resource) && verbs.includes('list') && verbs.includes('watch') && !kinds.has(key))
      kinds.set(key, resource);
  }
  return [...kinds.values()];
}

/** By UID, whether it stands as it was rendered. */
async function inGit(states: readonly UnitState[], cluster: Cluster): Promise<ReadonlyMap<string, boolean>> {
  const found = new Map<string, boolean>();
  for (const { inventory } of states) {
    const sightings = await observe(
      inventory.map(({ ref }) => ref),
      cluster,
    );
    for (const entry of inventory) {
      const sighting = sightings.get(keyText(entry.ref));
      if (sighting?.state !== 'present' || sighting.object.uid !== entry.uid) continue;
      found.set(entry.uid, entry.state === 'applied' && inventoryHolds([entry], sightings));
    }
  }
  return found;
}

class Listing {
  readonly #cluster: Cluster;
  readonly #namespaces: ReadonlySet<string>;
  readonly #objects = new Map<string, LiveObject>();
  readonly #unread = new Map<string, string>();
  #leftOut = 0;
  #isCut = false;

  constructor(cluster: Cluster, namespaces: ReadonlySet<string>) {
    this.#cluster = cluster;
    this.#namespaces = namespaces;
  }

  async all(kinds: readonly ApiResource[]): Promise<{
    readonly objects: readonly LiveObject[];
    readonly leftOut: number;
    readonly unread: LiveShare['unread'];
    readonly isCut: boolean;
  }> {
    const apart = this.#namespaces.size <= namespacesListedApart ? [...this.#namespaces] : [undefined];
    const lists = kinds.flatMap((kind) =>
      (kind.namespaced ? apart : [undefined]).map((namespace) => ({ kind, namespace })),
    );
    const work = async (): Promise<void> => {
      for (let next = lists.shift(); next !== undefined; next = lists.shift())
        await this.#list(next.kind, next.namespace);
    };
    await Promise.all(Array.from({ length: listsAtOnce }, work));
    const unread = [...this.#unread].map(([kind, why]) => ({ kind, why }));
    return {
      objects: [...this.#objects.values()],
      leftOut: this.#leftOut,
      unread: unread.toSorted((a, b) => (a.kind < b.kind ? -1 : 1)),
      isCut: this.#isCut,
    };
  }

  async #list(kind: ApiResource, namespace: string | undefined): Promise<void> {
    let next: string | undefined;
    do {
      const page = await this.#cluster.metadata(kind, {
        ...(namespace === undefined ? {} : { namespace }),
        ...(next === undefined ? {} : { next }),
      });
      if (!page.ok) {
        this.#unread.set(kindText(kind), page.failure.message);
        return;
      }
      for (const metadata of page.value.items) {
        if (kind.namespaced && !this.#namespaces.has(metadata.namespace ?? '')) continue;
        if (isOfCluster(kind, metadata)) this.#leftOut += 1;
        else if (this.#objects.size >= objectsMax) this.#isCut = true;
        else this.#take(liveObject(kind, metadata));
      }
      next = this.#isCut ? undefined : page.value.next;
    } while (next !== undefined);
  }

  #take(object: LiveObject): void {
    this.#objects.set(object.uid, object);
  }
}
