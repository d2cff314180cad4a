/** Applications as the server reads them, from one listing of what they look up: no server is asked. */
import { standing } from '#engine/standing.ts';
import type { Lookup } from '#model/dialect.ts';
import type { Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import { keyText, refOf, type Manifest } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Cluster } from '#model/ports.ts';
import type { Unit } from '#model/unit.ts';
import { unitStateKind } from '#pipeline/record/unit-state-codec.ts';
import { CommandEnd, endOf, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';

export interface Declarations {
  unitOf(application: Manifest): Unit;
  /** Why the server only looks at the Application, if that is so (F29). */
  observed(application: Manifest): string | undefined;
  secret(name: string): Manifest | undefined;
}

export async function readDeclarations(
  cluster: Cluster,
  namespace: string,
  ports: CommandPorts,
): Promise<Declarations> {
  const dialect = ports.dialect(namespace);
  const objects = new Map<string, Manifest>();
  for (const selection of dialect.selections) {
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
  const unitOf = (application: Manifest): Unit => {
    const [unit] = dialect.compile(application, lookup);
    if (unit !== undefined) return unit;
    throw new CommandEnd(exitCodes.failed, `${application.metadata.name} declares nothing to apply`);
  };
  return {
    unitOf,
    observed: (application) => {
      const unit = unitOf(application);
      const stands = standing(unit, stateOf.get(unit.id), ports.clock.now());
      return stands.mayAct ? undefined : `only observed: ${stands.why}`;
    },
    secret: (name) => objects.get(keyText({ group: '', kind: 'Secret', namespace, name })),
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
