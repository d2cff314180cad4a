/** Tells the declaring resource where its Unit is: one patch of what changed, or nothing. */
import type { Dialect, Progress, Readiness } from '#model/dialect.ts';
import { ok, type Result } from '#model/failure.ts';
import { isObject, type JsonObject } from '#model/json.ts';
import { refOf, type Manifest } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Cluster } from '#model/ports.ts';
import type { UnitRuntime } from './runtime.ts';
import type { TurnEnd } from './turn-ports.ts';

export interface StatusView {
  readonly runtime: UnitRuntime;
  readonly state: UnitState | undefined;
  /** Undefined while the Run goes on. */
  readonly end: TurnEnd | undefined;
  readonly readiness: Readiness;
  readonly nowMs: number;
  /** Another replica may have written one since. */
  readonly isShared: boolean;
}

export async function writeStatus(
  dialect: Dialect,
  resource: Manifest,
  view: StatusView,
  cluster: Cluster,
): Promise<Result<Manifest | 'unchanged' | 'stale'>> {
  const patch = dialect.status(resource, [progressOf(view)], view.nowMs);
  if (Object.keys(patch).length === 0) return ok('unchanged');
  const written = await cluster.mergePatch(refOf(resource), view.isShared ? guarded(patch, resource) : patch);
  // A resource that is gone needs no status.
  if (!written.ok) return written.failure.code === 'NotFound' ? ok('unchanged') : written;
  return ok(written.value.result === 'stale' ? 'stale' : written.value.value);
}

/** For the resource as it was read, and no newer one: nobody would repair a status that comes late. */
export function guarded(patch: JsonObject, { metadata: { resourceVersion } }: Manifest): JsonObject {
  const metadata = isObject(patch['metadata']) ? patch['metadata'] : {};
  return { ...patch, metadata: { ...metadata, resourceVersion: String(resourceVersion) } as JsonObject };
}

function progressOf({ runtime, state, end, readiness }: StatusView): Progress {
  const { unit, located, plan, run, health, failures, waitingFor, answered } = runtime;
  const isUnmoved = !unit.followsEveryCommit && state !== undefined && located?.digest === state.inputs;
  const ancestry = located?.ancestry === 'rewritten' ? 'rewritten' : state?.ancestry;
  return {
    unit,
    stage: failures[0]?.stage ?? 'record',
    phase: end === undefined ? 'running' : 'settled',
    revisions: isUnmoved ? state.revisions : (located?.revisions ?? state?.revisions ?? []),
    failures,
    readiness,
    requestAnswered: answered.request,
    refreshAnswered: answered.refresh,
    tornDown: end?.tornDown ?? false,
    ...(waitingFor === undefined ? {} : { waitingFor }),
    ...(ancestry === undefined ? {} : { ancestry }),
    ...(plan === undefined ? {} : { plan }),
    ...(run === undefined ? {} : { run }),
    ...(health === undefined ? {} : { health }),
    ...(state === undefined ? {} : { state }),
  };
}
