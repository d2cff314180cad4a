/** What controls what: owner references with `controller: true`, adoption by selector, release. */
import { controllerOf, type OwnerReference, type Stored } from '../objects.ts';
import { objectKey, type Change } from '../store.ts';
import { isDeleting, keyOf, type Client } from './client.ts';
import type { KindOf, LabelSelector } from './kinds.ts';
import { selects } from './labels.ts';

interface Selecting extends Stored {
  readonly spec: { readonly selector?: LabelSelector };
}

export function controlledBy({ apiVersion, kind }: KindOf<Stored>, { metadata }: Stored): OwnerReference {
  return {
    apiVersion,
    kind,
    name: metadata.name,
    uid: metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Itself, or what controls its child, or what could come to control an orphan. */
export function ownersOf<T extends Selecting>(
  client: Client,
  kind: KindOf<T>,
  children: readonly KindOf<Stored>[],
): (change: Change) => readonly string[] {
  return ({ resource, object, before }) => {
    if (resource === kind.key) return [keyOf(object)];
    if (!children.some(({ key }) => key === resource)) return [];
    const namespace = object.metadata.namespace ?? '';
    const owners = new Set<string>();
    for (const each of [before, object]) {
      const owner = each === undefined ? undefined : controllerOf(each);
      if (owner?.kind === kind.kind && owner.apiVersion === kind.apiVersion)
        owners.add(objectKey(namespace, owner.name));
    }
    if (controllerOf(object) === undefined)
      for (const owner of client.list(kind, namespace))
        if (selects(owner.spec.selector, object.metadata.labels)) owners.add(keyOf(owner));
    return [...owners];
  };
}

/** The children that `owner` controls, once those that match were adopted and those that do not were let go. */
export function claim<T extends Stored>(
  client: Client,
  kind: KindOf<Stored>,
  owner: Selecting,
  childKind: KindOf<T>,
): readonly T[] {
  const mine: T[] = [];
  for (const child of client.list(childKind, owner.metadata.namespace)) {
    const references = child.metadata.ownerReferences ?? [];
    const controller = controllerOf(child);
    const matches = selects(owner.spec.selector, child.metadata.labels);
    if (controller?.uid === owner.metadata.uid) {
      if (matches || isDeleting(owner) || isDeleting(child)) mine.push(child);
      else release(client, childKind, child, owner);
    } else if (controller === undefined && matches && !isDeleting(owner) && !isDeleting(child)) {
      const ownerReferences = [...references, controlledBy(kind, owner)];
      mine.push(client.patch(childKind, child, { metadata: { ownerReferences } }));
    }
  }
  return mine;
}

function release<T extends Stored>(client: Client, kind: KindOf<T>, child: T, owner: Stored): void {
  const left = (child.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
  client.patch(kind, child, { metadata: { ownerReferences: left.length === 0 ? null : left } });
}
