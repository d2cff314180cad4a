/** `trueup tree`: what a resource declares, and what controllers made of it. */
import { isObject } from '#model/json.ts';
import {
  describe,
  keyText,
  refOf,
  type GroupVersionKind,
  type Manifest,
  type ObjectRef,
} from '#model/object.ts';
import type { ObjectHealth } from '#model/observed.ts';
import type { Cluster } from '#model/ports.ts';
import { observe } from '#pipeline/pipeline.ts';
import { readState } from './history.ts';
import type { CommandPorts } from './command.ts';
import {
  listResources,
  openResource,
  resourceStanding,
  type Opened,
  type ResourceOptions,
} from './resources.ts';

export interface TreeOptions extends ResourceOptions {
  readonly output: 'table' | 'json';
}

export interface TreeNode {
  readonly ref: ObjectRef;
  readonly status: string;
  readonly children: readonly TreeNode[];
}

/** What the controllers of a cluster make of what people declare; other owned objects are not looked for. */
const derivedKinds: readonly GroupVersionKind[] = [
  { group: 'apps', version: 'v1', kind: 'ReplicaSet' },
  { group: 'apps', version: 'v1', kind: 'ControllerRevision' },
  { group: 'batch', version: 'v1', kind: 'Job' },
  { group: '', version: 'v1', kind: 'Pod' },
  { group: 'discovery.k8s.io', version: 'v1', kind: 'EndpointSlice' },
];

/** Applications of Applications are followed so deep. */
const depthMax = 5;

export async function treeCommand(
  words: readonly string[],
  options: TreeOptions,
  ports: CommandPorts,
): Promise<void> {
  const opened = await openResource(words, options, ports);
  const root = await treeOf(opened);
  ports.out(options.output === 'json' ? `${JSON.stringify(root, null, 2)}\n` : treeText(root));
}

/** Every object of a tree, the root first. */
export function* nodesOf(node: TreeNode): Iterable<TreeNode> {
  yield node;
  for (const child of node.children) yield* nodesOf(child);
}

export async function treeOf(opened: Opened): Promise<TreeNode> {
  const derived = new Map<string, Promise<readonly Manifest[]>>();
  const inNamespace = (namespace: string): Promise<readonly Manifest[]> => {
    const listed = derived.get(namespace) ?? listDerived(opened.cluster, namespace);
    derived.set(namespace, listed);
    return listed;
  };
  return unitNode(opened, opened.resource, inNamespace, 0);
}

async function listDerived(cluster: Cluster, namespace: string): Promise<readonly Manifest[]> {
  const lists = await Promise.all(derivedKinds.map((kind) => listResources(cluster, kind, namespace)));
  return lists.flat();
}

type Derived = (namespace: string) => Promise<readonly Manifest[]>;

async function unitNode(
  { cluster, dialects }: Pick<Opened, 'cluster' | 'dialects'>,
  resource: Manifest,
  derived: Derived,
  depth: number,
): Promise<TreeNode> {
  const { ready, message } = resourceStanding(resource);
  const status = ready === 'True' ? 'ready' : message || 'not known yet';
  const inventory = (await readState(cluster, resource))?.inventory.map((entry) => entry.ref) ?? [];
  const sightings = await observe(inventory, cluster);
  const children: TreeNode[] = [];
  for (const ref of inventory) {
    const isUnit = dialects.some(({ kind }) => kind.group === ref.group && kind.kind === ref.kind);
    const nested = isUnit && depth < depthMax ? await cluster.read(ref) : undefined;
    if (nested?.ok === true && nested.value !== undefined) {
      children.push(await unitNode({ cluster, dialects }, nested.value, derived, depth + 1));
      continue;
    }
    const sighting = sightings.get(keyText(ref));
    const uid = sighting?.state === 'present' ? sighting.object.uid : undefined;
    const health: ObjectHealth =
      sighting?.state === 'present'
        ? sighting.object.health
        : { status: sighting?.state === 'absent' ? 'Missing' : 'Unknown' };
    const owned = uid === undefined || ref.namespace === '' ? [] : await derived(ref.namespace);
    children.push({ ref, status: healthText(health), children: childrenOf(uid, owned) });
  }
  return { ref: refOf(resource), status, children: children.toSorted(byName) };
}

const healthText = ({ status, message }: ObjectHealth): string =>
  message === undefined ? status : `${status}: ${message}`;

function byName(a: TreeNode, b: TreeNode): number {
  return describe(a.ref).localeCompare(describe(b.ref));
}

function childrenOf(uid: string | undefined, owned: readonly Manifest[]): readonly TreeNode[] {
  if (uid === undefined) return [];
  return owned
    .filter((manifest) => ownersOf(manifest).includes(uid))
    .map((manifest) => ({
      ref: refOf(manifest),
      status: derivedStatus(manifest),
      children: childrenOf(String(manifest.metadata['uid']), owned),
    }))
    .toSorted(byName);
}

function ownersOf({ metadata }: Manifest): readonly string[] {
  const owners = metadata['ownerReferences'];
  return Array.isArray(owners) ? owners.filter(isObject).map(({ uid }) => String(uid)) : [];
}

/** In a few words what such an object says of itself. */
function derivedStatus({ status }: Manifest): string {
  if (!isObject(status)) return '';
  if (typeof status['phase'] === 'string') return status['phase'];
  if (typeof status['replicas'] === 'number')
    return `${Number(status['readyReplicas'] ?? 0)}/${status['replicas']} ready`;
  return '';
}

function treeText(root: TreeNode): string {
  const lines = [line(root)];
  const below = (node: TreeNode, indent: string): void => {
    for (const [index, child] of node.children.entries()) {
      const isLast = index === node.children.length - 1;
      lines.push(`${indent}${isLast ? '└─ ' : '├─ '}${line(child)}`);
      below(child, `${indent}${isLast ? '   ' : '│  '}`);
    }
  };
  below(root, '');
  return `${lines.join('\n')}\n`;
}

const line = ({ ref, status }: TreeNode): string => `${describe(ref)}${status === '' ? '' : `  ${status}`}`;
