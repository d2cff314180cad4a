/** Tells the declaring resource where its Unit is: one patch of what changed, or nothing. */
import type { Dialect, Progress, Readiness, RunView } from '#model/dialect.ts';
import { ok, type Result } from '#model/failure.ts';
import { isObject, type JsonObject } from '#model/json.ts';
import { refOf, type Manifest } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Cluster } from '#model/ports.ts';
import { tryingAgain } from './asked.ts';
import type { UnitRuntime } from './runtime.ts';
import type { TurnEnd } from './turn-ports.ts';

export interface StatusView {
  readonly runtime: UnitRuntime;
  readonly state: UnitState | undefined;
  /** Undefined while the Run goes on. */
  readonly end: TurnEnd | undefined;
  readonly readiness: Readiness;
  readonly nowMs: number;
}

/** The resource as it stands then; `isWritten`: with this patch. */
export interface Patched {
  readonly isWritten: boolean;
  readonly resource: Manifest;
}

export async function writeStatus(
  dialect: Dialect,
  resource: Manifest,
  view: StatusView,
  cluster: Cluster,
): Promise<Result<Patched | undefined>> {
  const patch = dialect.status(resource, [progressOf(view)], view.nowMs);
  return Object.keys(patch).length === 0 ? ok(undefined) : patchAsRead(resource, patch, cluster);
}

/**
 * Patches the resource as it was read, and no newer one: nobody would repair a status that comes late, from another
 * replica or after its sender gave up; lists are replaced whole; and a wish that was written meanwhile is not answered.
 * Undefined: it is gone, and needs no status.
 */
export async function patchAsRead(
  resource: Manifest,
  patch: JsonObject,
  cluster: Cluster,
): Promise<Result<Patched | undefined>> {
  const { resourceVersion, uid } = resource.metadata;
  const own = isObject(patch['metadata']) ? patch['metadata'] : {};
  const metadata = { ...own, resourceVersion: String(resourceVersion) } as JsonObject;
  const ref = refOf(resource);
  const written = await cluster.mergePatch(ref, { ...patch, metadata });
  if (!written.ok) return written.failure.code === 'NotFound' ? ok(undefined) : written;
  if (written.value.result === 'done') return ok({ isWritten: true, resource: written.value.value });
  // Its watch may be late.
  const now = await cluster.read(ref);
  if (!now.ok) return now;
  // One that was made anew is another Unit's.
  const isSame = now.value !== undefined && now.value.metadata.uid === uid;
  return ok(isSame ? { isWritten: false, resource: now.value } : undefined);
}

function runNow({ nextAttemptMs, retrying }: UnitRuntime, run: RunView): RunView {
  return nextAttemptMs === undefined ? run : tryingAgain(run, retrying?.attempts ?? 0, nextAttemptMs);
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
    ...(run === undefined ? {} : { run: runNow(runtime, run) }),
    ...(health === undefined ? {} : { health }),
    ...(state === undefined ? {} : { state }),
  };
}
