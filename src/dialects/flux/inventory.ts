/** `status.inventory`: each object as `namespace_name_group_kind`, with its version. */
import { isObject, type Json } from '#model/json.ts';
import type { ObjectRef } from '#model/object.ts';
import type { InventoryEntry } from '#model/observed.ts';

/** Beyond this, the list is cut: the resource must fit into etcd. The inventory in UnitState is whole. */
const entriesMax = 5000;
const rolesGroup = 'rbac.authorization.k8s.io';

/** Names of roles may have colons, which an id writes as two underscores. */
function idOf({ group, kind, namespace, name }: ObjectRef): string {
  const written = group === rolesGroup ? name.replaceAll(':', '__') : name;
  return `${namespace}_${written}_${group}_${kind}`;
}

export function inventoryOf(entries: readonly InventoryEntry[]): Json {
  return {
    entries: entries
      .map(({ ref }) => ({ id: idOf(ref), v: ref.version }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, entriesMax),
  };
}

/** What cannot be read is left out: an object that is not in an inventory is never deleted. */
export function inventoryRefs(inventory: unknown): readonly ObjectRef[] {
  const entries = isObject(inventory) && Array.isArray(inventory['entries']) ? inventory['entries'] : [];
  return entries.filter(isObject).flatMap(({ id, v }) => {
    // A namespace, group or kind has no underscore; a name may.
    const match = typeof id === 'string' ? /^([^_]*)_(.+)_([^_]*)_([^_]+)$/.exec(id) : null;
    if (match === null || typeof v !== 'string') return [];
    const [, namespace = '', written = '', group = '', kind = ''] = match;
    const name = group === rolesGroup ? written.replaceAll('__', ':') : written;
    return [{ group, version: v, kind, namespace, name }];
  });
}
