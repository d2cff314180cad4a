/** Resources that declare Units as the server reads them, from one listing of what they look up: no server is asked. */
import { standing } from '#engine/standing.ts';
import type { Lookup, Selection } from '#model/dialect.ts';
import type { Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import { keyText, refOf, type Manifest, type SecretRef } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Cluster } from '#model/ports.ts';
import type { Unit } from '#model/unit.ts';
import { unitStateKind } from '#pipeline/record/unit-state-codec.ts';
import { CommandEnd, endOf, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';

export interface Declarations {
  unitOf(resource: Manifest): Unit;
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
  const sources = dialects.flatMap((dialect) => dialect.sources);
  const selections: readonly Selection[] = [...dialects.flatMap((dialect) => dialect.selections), ...sources];
  for (const selection of selections) {
    const listed: Result<readonly Manifest[]> = await cluster.list(selection.kind, selection.namespace);
    if (!listed.ok && !selection.optional) throw endOf(listed.failure);
    for (const manifest of listed.ok ? listed.value : []) {
      if (isSelected(manifest, selection.labelSelector)) objects.set(keyText(refOf(manifest)), manifest);
    }
  }
  const states = await cluster.list(unitStateKind);
  const stateOf = new Map(
    (states.ok ? states.value : []).flatMap(({ state }) =>
      isObject(state) ? [[String(state['unit']), state as unknown as UnitState]] : [],
    ),
  );
  const lookup = lookupOver(objects);
  const unitOf = (resource: Manifest): Unit => {
    const { group, kind } = refOf(resource);
    const dialect = dialects.find((one) => one.kind.group === group && one.kind.kind === kind);
    const [unit] = dialect?.compile(resource, lookup) ?? [];
    if (unit !== undefined) return unit;
    throw new CommandEnd(exitCodes.failed, `${resource.metadata.name} declares nothing to apply`);
  };
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
    observed: (resource) => {
      const unit = unitOf(resource);
      const stands = standing(unit, stateOf.get(unit.id), ports.clock.now());
      return stands.mayAct ? undefined : `only observed: ${stands.why}`;
    },
    stateOf: (unit) => stateOf.get(unit.id),
    controllers: [...objects.values()].filter(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment'),
    secrets: [...objects.values()].filter(({ kind }) => kind === 'Secret'),
    secret: (ref) => objects.get(keyText({ group: '', kind: 'Secret', ...ref })),
  };
}

/** `key` or `key=value`, the two forms that dialects use. */
function isSelected(manifest: Manifest, labelSelector: string | undefined): boolean {
  if (labelSelector === undefined) return true;
  const [key = '', value] = labelSelector.split('=');
  const label = manifest.metadata.labels?.[key];
  return label !== undefined && (value === undefined || label === value);
}

function lookupOver(objects: ReadonlyMap<string, Manifest>): Lookup {
  return {
    get: (key) => objects.get(keyText(key)),
    list: (group, kind, wanted) =>
      [...objects.values()].filter((manifest) => {
        const ref = refOf(manifest);
        return ref.group === group && ref.kind === kind && (wanted === undefined || ref.namespace === wanted);
      }),
  };
}
