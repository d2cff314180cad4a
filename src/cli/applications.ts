/** Reading Applications for commands: by name, as rows, as what a script waits for. */
import type { Selection } from '#model/dialect.ts';
import type { Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { Manifest, ObjectRef } from '#model/object.ts';
import type { Cluster } from '#model/ports.ts';
import { CommandEnd, orEnd } from './command.ts';
import { exitCodes } from './exit-codes.ts';

const kind = { group: 'argoproj.io', version: 'v1alpha1', kind: 'Application' } as const;

/** `name`, or `namespace/name` for one outside the control-plane namespace. */
export function applicationRef(name: string, namespace: string): ObjectRef {
  const [first = '', second] = name.split('/');
  return second === undefined
    ? { ...kind, namespace, name: first }
    : { ...kind, namespace: first, name: second };
}

export async function readApplication(cluster: Cluster, ref: ObjectRef): Promise<Manifest> {
  const found = orEnd(await cluster.read(ref));
  if (found !== undefined) return found;
  const names = await cluster.list(kind, ref.namespace);
  const known = names.ok ? names.value.map(({ metadata }) => metadata.name).slice(0, 10) : [];
  const hint = known.length === 0 ? 'there are none' : `there are: ${known.join(', ')}`;
  throw new CommandEnd(
    exitCodes.failed,
    `no Application "${ref.name}" in namespace ${ref.namespace}; ${hint}`,
  );
}

export function listApplications(cluster: Cluster, namespace?: string): Promise<Result<readonly Manifest[]>> {
  return cluster.list(kind, namespace);
}

export function applicationSelection(namespace?: string): Selection {
  return { kind, plural: 'applications', optional: false, ...(namespace === undefined ? {} : { namespace }) };
}

/** A text at a path of an object, `''` where there is none. */
export function textAt(value: unknown, ...path: readonly string[]): string {
  let at: unknown = value;
  for (const part of path) at = isObject(at) ? at[part] : undefined;
  return typeof at === 'string' ? at : typeof at === 'number' ? String(at) : '';
}

export interface Standing {
  readonly sync: string;
  readonly health: string;
  readonly revision: string;
  readonly phase: string;
  readonly message: string;
}

export function standingOf(application: Manifest): Standing {
  const status = application['status'];
  return {
    sync: textAt(status, 'sync', 'status') || 'Unknown',
    health: textAt(status, 'health', 'status') || 'Unknown',
    revision: textAt(status, 'sync', 'revision'),
    phase: textAt(status, 'operationState', 'phase'),
    message: textAt(status, 'operationState', 'message'),
  };
}

export function conditionsOf(
  application: Manifest,
): readonly { readonly type: string; readonly reason: string; readonly message: string }[] {
  const status = application['status'];
  const conditions = isObject(status) && Array.isArray(status['conditions']) ? status['conditions'] : [];
  return conditions.map((condition) => ({
    type: textAt(condition, 'type'),
    reason: textAt(condition, 'reason'),
    message: textAt(condition, 'message'),
  }));
}
