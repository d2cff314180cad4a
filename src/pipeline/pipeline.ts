/**
 * The table of contents: what happens to a Unit, in order. Between two stages there is one plain value.
 *
 *   source, artifact   locate        SourceSpec → revisions and trees
 *   render             renderInputs  trees → objects, each with its file and line
 *   policy             judge         objects → what limits them
 *   plan               observe, compare, plan: objects + what is there → Plan
 *   apply              execute       Plan → Outcome
 *   health             reportOf      what is there → HealthReport
 *   record             inventoryBefore, inventoryAfter, history: what is kept
 *
 * `makePlan` runs the stages up to the plan, for the engine and for `trueup plan` alike; the engine runs the rest.
 */
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { keyText, kindText, type Manifest, type ObjectRef } from '#model/object.ts';
import type { InventoryEntry, Sighting } from '#model/observed.ts';
import type { Contest, RanHook, UnitState } from '#model/outcome.ts';
import type { Cluster, ClusterView, Renderer, Sealer } from '#model/ports.ts';
import type { RenderedObject } from '#model/rendered.ts';
import type { PathCutter } from '#model/scripts.ts';
import type { Unit } from '#model/unit.ts';
import { bodiesNeeded, compare, type CompareInput } from './plan/compare.ts';
import { checkPaths, cutBodies } from './plan/cutting.ts';
import { directivesOf } from './plan/directives.ts';
import { desiredObjects, kindsOf, type Desired } from './plan/desired.ts';
import { isRanHook, ranHooks, runIdFor } from './plan/hook-run.ts';
import { trackedOwner } from './plan/tracking.ts';
import { plan, type PlanInput, type Planned } from './plan/plan.ts';
import { excluded, idleOptions, isExcluded, judge } from './policy/limits.ts';
import { renderInputs } from './render/inputs.ts';
import { isMadeUp } from './render/keeping.ts';
import type { Located } from './source/locate.ts';
import type { OverridePorts } from './source/overrides.ts';
import type { RemotesPorts } from './source/remotes.ts';

export interface PlanPorts extends RemotesPorts, OverridePorts {
  readonly renderer: Renderer;
  readonly cluster: Cluster;
  readonly sealer: Sealer;
  readonly view: ClusterView;
  readonly cutter: PathCutter;
}
export interface PlanContext extends Pick<CompareInput, 'otherOwner' | 'isUnit' | 'trackings'> {
  readonly state: UnitState | undefined;
  readonly attempt: number;
  /** Objects whose healing is suspended. */
  readonly contests?: readonly Contest[];
}
export interface MadePlan extends Planned {
  readonly sightings: ReadonlyMap<string, Sighting>;
  /** As it was rendered: by what rendering has read. */
  readonly located: Located;
  readonly warnings: readonly Failure[];
}

const sightingDeadlineMs = 30_000;

export async function makePlan(
  unit: Unit,
  located: Located,
  context: PlanContext,
  ports: PlanPorts,
): Promise<Result<MadePlan>> {
  const checked = await checkPaths(unit, ports.cutter);
  if (!checked.ok) return checked;
  const rendered = await renderInputs(unit, located, ports);
  if (!rendered.ok) return rendered;
  return planObjects(unit, rendered.value.located, rendered.value, context, ports);
}

/** A Unit that is torn down wants nothing: its objects are planned away without reading Git. */
export async function planTeardown(
  unit: Unit,
  context: PlanContext,
  ports: PlanPorts,
): Promise<Result<MadePlan>> {
  const digest = digestOf(`teardown of ${unit.id}`);
  const located: Located = { inputs: [], revisions: [], ancestry: 'same', digest };
  const { state } = context;
  // Also those of a Run that was cut off.
  const ended = { ...context, state: state && { ...state, ...ranHooks(state) } };
  return planObjects(unit, located, { objects: [], warnings: [] }, ended, ports);
}

/**
 * The hooks of a Unit's end, as what was synced last has them. What else it had says nothing any more: its kinds may be
 * gone already.
 */
export async function planDeletionHooks(
  unit: Unit,
  located: Located,
  context: PlanContext,
  ports: PlanPorts,
): Promise<Result<MadePlan>> {
  const phase = unit.teardown?.hooks?.phase;
  if (phase === undefined) throw new Error(`${unit.id} runs no hooks of its end now`);
  const rendered = await renderInputs(unit, located, ports);
  if (!rendered.ok) return rendered;
  const { objects, warnings } = rendered.value;
  const hooks = objects.filter(({ manifest }) => {
    const { role } = directivesOf(manifest, unit);
    return role.is === 'hook' && role.phases.includes(phase);
  });
  const digest = digestOf(`${phase} hooks of ${rendered.value.located.digest}`);
  const stage = { ...rendered.value.located, digest };
  return planObjects(unit, stage, { objects: hooks, warnings }, withoutObjects(context), ports);
}

/** What stands there is not this stage's. */
function withoutObjects(context: PlanContext): PlanContext {
  return { ...context, state: context.state && { ...context.state, inventory: [] } };
}

async function planObjects(
  unit: Unit,
  located: Located,
  rendered: { readonly objects: readonly RenderedObject[]; readonly warnings: readonly Failure[] },
  { state, attempt, contests, ...owners }: PlanContext,
  { cluster, sealer, cutter }: PlanPorts,
): Promise<Result<MadePlan>> {
  const inventory = state?.inventory ?? [];
  const leftOut = rendered.objects.filter(({ ref }) => isExcluded(unit.limits, ref));
  const wanted = rendered.objects.filter(({ ref }) => !isExcluded(unit.limits, ref));
  const hookRun = runIdFor(state, located.digest);
  const look = (refresh: boolean): Promise<Result<Looked>> =>
    lookAt(unit, wanted, inventory, hookRun, { cluster, sealer }, refresh);
  let looked = await look(false);
  // Kinds come and go: what is missing is looked for once more among those that are served now.
  if (looked.ok && looked.value.missesKind) looked = await look(true);
  if (!looked.ok) return looked;
  const { desired, sightings } = looked.value;
  const { objects, hooks } = desired;
  const others = [...desired.skipped, ...hooks].map(({ ref }) => ref);
  const all = [...objects, ...hooks, ...desired.skipped];
  const compared = compare({ unit, desired: objects, others, inventory, sightings, ...owners });
  const needed = bodiesNeeded(compared);
  const bodies = await cluster.bodies(needed);
  if (!bodies.ok) return bodies;
  const vanished = needed.find((_, index) => bodies.value[index] === undefined);
  if (vanished !== undefined) return fail(gone(vanished));
  const found = byKey(needed, bodies.value);
  const cuts = await cutBodies(unit, compared, found, cutter);
  if (!cuts.ok) return cuts;
  const named = new Set(hooks.map(({ ref }) => keyText(ref)));
  const isOfHooks = unit.teardown?.hooks !== undefined;
  // Those that stand where a hook of this stage is to stand are looked at as that; of others a stage has what came late.
  const ran = (state?.ranHooks ?? []).filter(
    ({ ref, uid }) => !named.has(keyText(ref)) && (uid === undefined || !isOfHooks),
  );
  const planned = plan({
    unit,
    revisions: located.revisions,
    inputs: located.digest,
    desired: objects,
    hooks: hooks.map((hook) => ({ hook, sighting: sightings.get(keyText(hook.ref))! })),
    hookRun,
    ranHooks: unit.teardown === undefined ? [] : await standing(unit, ran, cluster),
    deletionHooks: desired.deletionHooks,
    compared,
    bodies: found,
    cuts: cuts.value,
    state,
    ...(await targetNamespace(unit, cluster)),
    blocked: [...desired.failures, ...judge(unit.limits, all)],
    madeUp: isMadeUp(rendered),
    sealer,
    ...(contests === undefined ? {} : { contests }),
    attempt,
  });
  const warnings = [
    ...rendered.warnings,
    ...desired.warnings,
    ...leftOut.map(excluded),
    ...idleOptions(unit.limits, all),
  ];
  return ok({ ...planned, located, sightings, warnings });
}

function gone(subject: ObjectRef): Failure {
  return {
    kind: 'transient',
    code: 'ObservationIncomplete',
    stage: 'observe',
    message: 'it went while it was looked at',
    hint: 'it is looked at again by itself',
    subject,
  };
}

interface Looked {
  readonly desired: Desired;
  readonly sightings: ReadonlyMap<string, Sighting>;
  readonly missesKind: boolean;
}

async function lookAt(
  unit: Unit,
  rendered: readonly RenderedObject[],
  inventory: readonly InventoryEntry[],
  hookRun: string,
  { cluster, sealer }: Pick<PlanPorts, 'cluster' | 'sealer'>,
  refresh: boolean,
): Promise<Result<Looked>> {
  const served = await cluster.resources(refresh);
  if (!served.ok) return served;
  const desired = desiredObjects(unit, rendered, kindsOf(served.value, rendered), sealer, hookRun);
  const known = kindsOf(served.value, []);
  const defined = kindsOf([], rendered);
  const sightings = await observe(
    [...[...desired.objects, ...desired.hooks].map(({ ref }) => ref), ...inventory.map(({ ref }) => ref)],
    cluster,
    // Kinds that the plan itself will define have no objects yet.
    (ref) => defined.has(kindText(ref)) && !known.has(kindText(ref)),
  );
  const missesKind =
    desired.failures.some(({ code }) => code === 'UnknownKind') ||
    [...sightings.values()].some((sighting) => sighting.state === 'unknown' && sighting.notServed === true);
  return ok({ desired, sightings, missesKind });
}

function byKey(
  refs: readonly ObjectRef[],
  bodies: readonly (Manifest | undefined)[],
): ReadonlyMap<string, Manifest> {
  const map = new Map<string, Manifest>();
  for (const [index, ref] of refs.entries()) {
    const body = bodies[index];
    if (body !== undefined) map.set(keyText(ref), body);
  }
  return map;
}

/** What is known of each object, by key text. Kinds that the plan itself will define have no objects yet. */
export async function observe(
  refs: readonly ObjectRef[],
  cluster: Cluster,
  isYetToCome: (ref: ObjectRef) => boolean = () => false,
): Promise<ReadonlyMap<string, Sighting>> {
  const asked = refs.filter((ref) => !isYetToCome(ref));
  const seen = await cluster.sightings(asked, sightingDeadlineMs);
  const sightings = new Map<string, Sighting>(refs.map((ref) => [keyText(ref), { state: 'absent' }]));
  for (const [index, ref] of asked.entries()) sightings.set(keyText(ref), seen[index]!);
  return sightings;
}

/** Those that still stand, as they stand there. */
async function standing(
  { tracking, limits }: Unit,
  hooks: readonly RanHook[],
  cluster: Cluster,
): Promise<readonly { readonly ref: ObjectRef; readonly uid: string }[]> {
  const sightings = await observe(
    hooks.map(({ ref }) => ref),
    cluster,
  );
  const found = hooks.flatMap((hook) => {
    const { ref } = hook;
    const sighting = sightings.get(keyText(ref));
    if (isExcluded(limits, ref) || sighting?.state !== 'present') return [];
    const { uid, tracking: marks } = sighting.object;
    // A mark may have been copied.
    const isOurs = uid === hook.uid || trackedOwner(marks, ref, tracking) === tracking.owner;
    return isOurs && isRanHook(hook, ref, sighting.object) ? [{ ref, uid }] : [];
  });
  return [...new Map(found.map((each) => [each.uid, each])).values()];
}

async function targetNamespace(
  { sync, target, limits }: Unit,
  cluster: Cluster,
): Promise<Pick<PlanInput, 'namespaceExists' | 'namespace'>> {
  const isLeftAlone = isExcluded(limits, { group: '', kind: 'Namespace' });
  if (!sync.createNamespace || target.namespace === '' || isLeftAlone) return { namespaceExists: undefined };
  const ref = { group: '', version: 'v1', kind: 'Namespace', namespace: '', name: target.namespace };
  const [sighting] = await cluster.sightings([ref], sightingDeadlineMs);
  if (sighting?.state !== 'present')
    return { namespaceExists: sighting?.state === 'absent' ? false : undefined };
  if (target.namespaceMetadata === undefined) return { namespaceExists: true };
  const bodies = await cluster.bodies([ref]);
  const namespace = bodies.ok ? bodies.value[0] : undefined;
  return { namespaceExists: true, ...(namespace === undefined ? {} : { namespace }) };
}
