/** Resources that declare Units as the server reads them, from one listing of what they look up: no server is asked. */
import { sourceStanding, standing } from '#engine/standing.ts';
import type { DeclaredSource, Dialect, Lookup, Selection } from '#model/dialect.ts';
import type { Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import { keyText, refOf, type GroupVersionKind, type Manifest, type SecretRef } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Clock, Cluster } from '#model/ports.ts';
import type { Unit } from '#model/unit.ts';
import { unitStateKind, unitStatePlural, unitStateRef } from '#pipeline/record/unit-state-codec.ts';
import { CommandEnd, endOf, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { follow } from './watching.ts';

export interface Declarations {
  unitOf(resource: Manifest): Unit;
  /** Undefined: its kind declares no source. */
  sourceOf(resource: Manifest): DeclaredSource | undefined;
  /** Why the server only looks at the resource, if that is so (F29). */
  observed(resource: Manifest): string | undefined;
  /** Every resource whose namespace was listed, as far as it is ours to reconcile. */
  readonly units: () => Promise<readonly Unit[]>;
  /** What rendering read last, and what is applied; without the inventory. */
  stateOf(unit: Unit): UnitState | undefined;
  secret(ref: SecretRef): Manifest | undefined;
  /** Workloads that are other controllers, running or not. */
  readonly controllers: readonly Manifest[];
  /** The Secrets that are credentials of repositories, or their templates. */
  readonly secrets: readonly Manifest[];
}

export async function readDeclarations(
  cluster: Cluster,
  namespace: string,
  ports: CommandPorts,
): Promise<Declarations> {
  const dialects = ports.dialects(namespace);
  const objects = new Map<string, Manifest>();
  for (const selection of selectionsOf(dialects)) {
    const listed: Result<readonly Manifest[]> = await cluster.list(selection.kind, selection.namespace);
    if (!listed.ok && !selection.optional) throw endOf(listed.failure);
    for (const manifest of listed.ok ? listed.value : []) {
      if (isSelected(manifest, selection.labelSelector)) objects.set(keyText(refOf(manifest)), manifest);
    }
  }
  return declarationsIn([objects], { cluster, dialects, clock: ports.clock });
}

/** The same, as the cluster has it from moment to moment: for who asks again and again. */
export async function followDeclarations(
  cluster: Cluster,
  namespace: string,
  ports: CommandPorts,
): Promise<Declarations> {
  const dialects = ports.dialects(namespace);
  const followed = selectionsOf(dialects).map(async (selection) => {
    // One map each: what leaves one selection may have come into another.
    const objects = new Map<string, Manifest>();
    const listed = follow(cluster, selection, ({ changed, gone }) => {
      for (const key of gone) objects.delete(keyText(key));
      for (const manifest of changed) objects.set(keyText(refOf(manifest)), manifest);
    });
    await (selection.optional ? listed.catch(() => undefined) : listed);
    return objects;
  });
  return declarationsIn(await Promise.all(followed), { cluster, dialects, clock: ports.clock });
}

function selectionsOf(dialects: readonly Dialect[]): readonly Selection[] {
  return [
    ...dialects.flatMap((dialect) => dialect.selections),
    ...dialects.flatMap((dialect) => dialect.sources),
    { kind: unitStateKind, plural: unitStatePlural, optional: true },
  ];
}

type Objects = ReadonlyMap<string, Manifest>;

function declarationsIn(
  lists: readonly Objects[],
  ports: { readonly cluster: Cluster; readonly dialects: readonly Dialect[]; readonly clock: Clock },
): Declarations {
  const { cluster, dialects, clock } = ports;
  const lookup = lookupOver(lists);
  const all = (...kinds: readonly string[]): readonly Manifest[] =>
    lists.flatMap((objects) => [...objects.values()].filter(({ kind }) => kinds.includes(kind)));
  const unitOf = (resource: Manifest): Unit => {
    const dialect = dialects.find((one) => isOfKind(resource, one.kind));
    const [unit] = dialect?.compile(resource, lookup) ?? [];
    if (unit !== undefined) return unit;
    throw new CommandEnd(exitCodes.failed, `${resource.metadata.name} declares nothing to apply`);
  };
  const stateOf = ({ owner, id }: Unit): UnitState | undefined => {
    const state = lookup.get(unitStateRef(owner, id))?.['state'];
    return isObject(state) && state['unit'] === id ? (state as unknown as UnitState) : undefined;
  };
  const sourceOf = (resource: Manifest): DeclaredSource | undefined =>
    dialects
      .flatMap(({ sources }) => sources)
      .find((one) => isOfKind(resource, one.kind))
      ?.compile(resource, lookup);
  const ofUnit = (unit: Unit) => standing(unit, stateOf(unit), clock.now());
  return {
    unitOf,
    units: async () => {
      const units: Unit[] = [];
      for (const dialect of dialects) {
        const listed = await cluster.list(dialect.kind);
        for (const resource of listed.ok ? listed.value : [])
          if (dialect.admits(resource, lookup) === true) units.push(...dialect.compile(resource, lookup));
      }
      return units;
    },
    sourceOf,
    observed: (resource) => {
      const source = sourceOf(resource);
      const stands = source === undefined ? ofUnit(unitOf(resource)) : sourceStanding(source, clock.now());
      return stands.mayAct ? undefined : `only observed: ${stands.why}`;
    },
    stateOf,
    get controllers() {
      return all('StatefulSet', 'Deployment');
    },
    get secrets() {
      return all('Secret');
    },
    secret: (ref) => lookup.get({ group: '', kind: 'Secret', ...ref }),
  };
}

function isOfKind(resource: Manifest, { group, kind }: GroupVersionKind): boolean {
  const ref = refOf(resource);
  return ref.group === group && ref.kind === kind;
}

/** `key` or `key=value`, the two forms that dialects use. */
function isSelected(manifest: Manifest, labelSelector: string | undefined): boolean {
  if (labelSelector === undefined) return true;
  const [key = '', value] = labelSelector.split('=');
  const label = manifest.metadata.labels?.[key];
  return label !== undefined && (value === undefined || label === value);
}

function lookupOver(lists: readonly Objects[]): Lookup {
  return {
    get: (key) => {
      const text = keyText(key);
      return lists.find((objects) => objects.has(text))?.get(text);
    },
    list: (group, kind, wanted) =>
      lists.flatMap((objects) =>
        [...objects.values()].filter((manifest) => {
          const ref = refOf(manifest);
          return (
            ref.group === group && ref.kind === kind && (wanted === undefined || ref.namespace === wanted)
          );
        }),
      ),
  };
}
