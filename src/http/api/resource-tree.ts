/**
 * `resource-tree`: the objects of an Application that are in the cluster, and below them what their owner references
 * lead to: ReplicaSets, Jobs and Pods of the workloads among them. Nothing of their content.
 */
import { isObject } from '#model/json.ts';
import { keyText, refOf, type Manifest, type ObjectRef } from '#model/object.ts';
import type { ObjectHealth } from '#model/observed.ts';
import type { Cluster } from '#model/ports.ts';
import type { Known } from '#engine/engine.ts';
import { healthOf } from '#pipeline/health/health.ts';
import { observe } from '#pipeline/pipeline.ts';

export interface TreeNode {
  readonly group?: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
  readonly parentRefs?: readonly Omit<TreeNode, 'parentRefs' | 'resourceVersion' | 'health' | 'createdAt'>[];
  readonly resourceVersion: string;
  readonly health?: ObjectHealth;
  readonly createdAt?: string;
}

/** A tree with more is cut: nobody draws it, and no answer may grow without end. */
export const nodesMax = 5000;
const namespacesMax = 20;
/** Levels below an object: a CronJob has Jobs, and those have Pods. */
const depthMax = 3;

const replicaSets = { group: 'apps', version: 'v1', kind: 'ReplicaSet' } as const;
const jobs = { group: 'batch', version: 'v1', kind: 'Job' } as const;
const pods = { group: '', version: 'v1', kind: 'Pod' } as const;
/** What may be found below which kinds. */
const below: Readonly<Record<string, readonly (typeof replicaSets | typeof jobs | typeof pods)[]>> = {
  'apps/Deployment': [replicaSets, pods],
  'apps/ReplicaSet': [pods],
  'apps/StatefulSet': [pods],
  'apps/DaemonSet': [pods],
  'batch/CronJob': [jobs, pods],
  'batch/Job': [pods],
};

export async function resourceTree(
  { resource, state, health }: Pick<Known, 'resource' | 'state' | 'health'>,
  cluster: Cluster,
): Promise<readonly TreeNode[]> {
  const refs = (state?.inventory.map(({ ref }) => ref) ?? statusRefs(resource)).slice(0, nodesMax);
  const healths = new Map((health?.objects ?? []).map(({ ref, ...own }) => [keyText(ref), own]));
  const sightings = await observe(refs, cluster);
  const roots: TreeNode[] = [];
  for (const ref of refs) {
    const sighting = sightings.get(keyText(ref));
    if (sighting?.state !== 'present') continue;
    const { uid, resourceVersion, health: seen } = sighting.object;
    roots.push({ ...identity(ref, uid), resourceVersion, health: healths.get(keyText(ref)) ?? seen });
  }
  return [...roots, ...descendants(roots, await candidates(roots, cluster))].slice(0, nodesMax);
}

function identity(ref: ObjectRef, uid: string): Omit<TreeNode, 'resourceVersion'> {
  const { group, version, kind, namespace, name } = ref;
  return {
    ...(group === '' ? {} : { group }),
    version,
    kind,
    ...(namespace === '' ? {} : { namespace }),
    name,
    uid,
  };
}

/** An Application that is only observed has no record; what its status names is looked for. */
function statusRefs({ status }: Manifest): readonly ObjectRef[] {
  const resources = isObject(status) && Array.isArray(status['resources']) ? status['resources'] : [];
  return resources.filter(isObject).map((resource) => {
    const text = (member: string): string => String(resource[member] ?? '');
    return {
      group: text('group'),
      version: text('version'),
      kind: text('kind'),
      namespace: text('namespace'),
      name: text('name'),
    };
  });
}

/** One list a kind and namespace, only where an object is that could own some. What may not be listed is left out. */
async function candidates(roots: readonly TreeNode[], cluster: Cluster): Promise<readonly Manifest[]> {
  const asked = new Map<string, Promise<readonly Manifest[]>>();
  const namespaces = new Set<string>();
  for (const { group = '', kind, namespace = '' } of roots) {
    const kinds = below[`${group}/${kind}`] ?? [];
    if (kinds.length === 0 || (!namespaces.has(namespace) && namespaces.size >= namespacesMax)) continue;
    namespaces.add(namespace);
    for (const wanted of kinds) {
      const key = `${wanted.kind}/${namespace}`;
      const ask = async (): Promise<readonly Manifest[]> => {
        const listed = await cluster.list(wanted, namespace);
        return listed.ok ? listed.value : [];
      };
      if (!asked.has(key)) asked.set(key, ask());
    }
  }
  return (await Promise.all(asked.values())).flat();
}

function descendants(roots: readonly TreeNode[], found: readonly Manifest[]): readonly TreeNode[] {
  const known = new Map(roots.map((node) => [node.uid, node]));
  const nodes: TreeNode[] = [];
  for (let depth = 0; depth < depthMax; depth += 1) {
    const before = nodes.length;
    for (const manifest of found) {
      const uid = String(manifest.metadata['uid'] ?? '');
      const parent = known.has(uid)
        ? undefined
        : ownersOf(manifest).flatMap((owner) => known.get(owner) ?? [])[0];
      if (parent === undefined) continue;
      const { parentRefs: _, resourceVersion: __, health: ___, createdAt: ____, ...parentRef } = parent;
      const node: TreeNode = {
        ...identity(refOf(manifest), uid),
        parentRefs: [parentRef],
        resourceVersion: String(manifest.metadata['resourceVersion'] ?? ''),
        health: healthOf(manifest),
        createdAt: String(manifest.metadata['creationTimestamp'] ?? ''),
      };
      known.set(uid, node);
      nodes.push(node);
    }
    if (nodes.length === before) break;
  }
  return nodes;
}

function ownersOf({ metadata }: Manifest): readonly string[] {
  const owners = metadata['ownerReferences'];
  return Array.isArray(owners) ? owners.filter(isObject).map(({ uid }) => String(uid)) : [];
}
