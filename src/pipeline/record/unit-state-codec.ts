/**
 * UnitState as `trueup.dev/v1alpha1` objects. Large inventories are cut into shards, so that no object comes near
 * the 1.5 MiB that etcd takes; the head names its shards by digest, and is written last.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { digestOf } from '#fields/digest.ts';
import { jsonText, parseJson, isObject } from '#model/json.ts';
import { apiVersionOf, keyText, type Manifest, type ObjectRef } from '#model/object.ts';
import type { FieldValues, InventoryEntry } from '#model/observed.ts';
import type { UnitState } from '#model/outcome.ts';

export const unitStateKind = { group: 'trueup.dev', version: 'v1alpha1', kind: 'UnitState' } as const;
export const unitStatePlural = 'unitstates';
export const shardBytesMax = 512 * 1024;
/** Few enough that one changed object costs little to write, many enough that ten thousand are a dozen shards. */
const shardObjectsMax = 1024;
const formVersion = 1;

export function unitStateRef(owner: ObjectRef, unit: string): ObjectRef {
  const name = `${owner.kind.toLowerCase()}-${unit.replaceAll('/', '-')}`;
  return { ...unitStateKind, namespace: owner.namespace, name };
}

interface Part {
  readonly inventory: readonly InventoryEntry[];
  readonly values: Readonly<Record<string, FieldValues>>;
}

export interface PackedPart extends Part {
  readonly packed: string;
}
export interface EncodedState {
  /** The head first, then its shards. */
  readonly manifests: readonly [Manifest, ...Manifest[]];
  readonly parts: readonly PackedPart[];
}

const pack = (value: unknown): string => deflateRawSync(jsonText(value)).toString('base64');
/** Far above what the shards of any Unit unpack to. */
const unpackedBytesMax = 256 * 1024 * 1024;

/** Undefined when it is damaged: somebody edited it. */
function unpack(text: string): Part | undefined {
  try {
    const packed = Buffer.from(text, 'base64');
    const part: unknown = parseJson(
      inflateRawSync(packed, { maxOutputLength: unpackedBytesMax }).toString('utf8'),
    );
    const isPart = isObject(part) && Array.isArray(part['inventory']) && isObject(part['values']);
    return isPart ? (part as unknown as Part) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * `resourceVersion` is the precondition of the head. `before` are the parts of an earlier state: those with the same
 * entries are not packed again.
 */
export function encodeUnitState(
  state: UnitState,
  resourceVersion: string | undefined,
  before: readonly PackedPart[] = [],
): EncodedState {
  const { inventory, values, ...head } = state;
  const parts = partsOf({ inventory, values }, before);
  const ref = unitStateRef(state.owner, state.unit);
  const metadata = {
    namespace: ref.namespace,
    labels: {
      'trueup.dev/owner-kind': state.owner.kind,
      'trueup.dev/owner-name': state.owner.name.slice(0, 63),
    },
    ownerReferences: [
      {
        apiVersion: apiVersionOf(state.owner),
        kind: state.owner.kind,
        name: state.owner.name,
        uid: state.unit.split('/')[0]!,
      },
    ],
  };
  const shards = parts.slice(1).map(({ packed }) => ({
    apiVersion: apiVersionOf(unitStateKind),
    kind: unitStateKind.kind,
    metadata: { ...metadata, name: `${ref.name}-${digestOf(packed).slice(7, 23)}` },
    shardOf: ref.name,
    packed,
  }));
  const manifest: Manifest = {
    apiVersion: apiVersionOf(unitStateKind),
    kind: unitStateKind.kind,
    metadata: { ...metadata, name: ref.name, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
    form: formVersion,
    summary: {
      objects: inventory.length,
      revision: state.revisions[0]?.label ?? '',
      epoch: state.epoch,
      running: state.intent !== undefined,
    },
    state: head,
    packed: parts[0]!.packed,
    shards: shards.map((shard) => shard.metadata.name),
  };
  return { manifests: [manifest, ...shards], parts };
}

function partsOf({ inventory, values }: Part, before: readonly PackedPart[]): readonly PackedPart[] {
  if (inventory.length <= shardObjectsMax) return packedParts({ inventory, values }, before);
  const starts = Array.from(
    { length: Math.ceil(inventory.length / shardObjectsMax) },
    (_, index) => index * shardObjectsMax,
  );
  return starts.flatMap((start) =>
    packedParts(partOf(inventory.slice(start, start + shardObjectsMax), values), before),
  );
}

function packedParts(part: Part, before: readonly PackedPart[]): readonly PackedPart[] {
  const same = before.find((other) => isSame(part, other));
  if (same !== undefined) return [same];
  const packed = pack(part);
  const { inventory, values } = part;
  if (packed.length <= shardBytesMax || inventory.length < 2) return [{ ...part, packed }];
  const half = Math.ceil(inventory.length / 2);
  return [inventory.slice(0, half), inventory.slice(half)].flatMap((each) =>
    packedParts(partOf(each, values), before),
  );
}

function partOf(inventory: readonly InventoryEntry[], values: Part['values']): Part {
  const entries = inventory.flatMap(({ ref }) => {
    const key = keyText(ref);
    const known = values[key];
    return known === undefined ? [] : [[key, known] as const];
  });
  return { inventory, values: Object.fromEntries(entries) };
}

/** The very same entries and values: what changes is made anew. */
function isSame(one: Part, other: Part): boolean {
  const keys = Object.keys(one.values);
  return (
    one.inventory.length === other.inventory.length &&
    one.inventory.every((entry, index) => entry === other.inventory[index]) &&
    keys.length === Object.keys(other.values).length &&
    keys.every((key) => one.values[key] === other.values[key])
  );
}

/** The names of the shards that a head needs besides itself. */
export function shardNames(head: Manifest): readonly string[] {
  return Array.isArray(head['shards']) ? (head['shards'] as string[]) : [];
}

/** Undefined when the objects are not a UnitState of a form that is known here, are damaged, or a shard is missing. */
export function decodeUnitState(
  head: Manifest,
  shard: (name: string) => Manifest | undefined,
): UnitState | undefined {
  if (head['form'] !== formVersion || !isObject(head['state'])) return undefined;
  const parts: Part[] = [];
  for (const source of [head, ...shardNames(head).map(shard)]) {
    if (typeof source?.['packed'] !== 'string') return undefined;
    const part = unpack(source['packed']);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  const rest = head['state'] as unknown as Omit<UnitState, 'inventory' | 'values'>;
  return {
    ...rest,
    inventory: parts.flatMap((part) => part.inventory),
    values: Object.assign({}, ...parts.map((part) => part.values)) as Readonly<Record<string, FieldValues>>,
  };
}
