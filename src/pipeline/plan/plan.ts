/** The planner: synchronous, deterministic, changes nothing. What it gives is all that the executor will do. */
import { digestOf } from '#fields/digest.ts';
import { forcedFields, plannedChanges } from '#fields/drift.ts';
import { handOver } from '#fields/legacy.ts';
import type { Bodies } from '#fields/ignored.ts';
import type { Failure } from '#model/failure.ts';
import { canonicalJson, type Digest } from '#model/json.ts';
import { keyText, refOf, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Contest, UnitState } from '#model/outcome.ts';
import type { Contested, Plan, Step } from '#model/plan.ts';
import type { Sealer } from '#model/ports.ts';
import type { DeletionPhase, Revision, Unit } from '#model/unit.ts';
import type { Compared } from './compare.ts';
import { contestedBy } from './contests.ts';
import type { DesiredObject } from './desired.ts';
import { madeUpGuards, objectGuards, pruneGuards } from './guards.ts';
import { hookSteps, isSync, ranHookSteps, type SeenHook } from './hooks.ts';
import { isTolerated } from './ignoring.ts';
import { orders } from './order.ts';
import { removals } from './removals.ts';
import { selected } from './selection.ts';
import { forcedSteps, makeStep, objectSteps, type Content } from './steps.ts';
import { inWaves } from './waves.ts';

export interface PlanInput {
  readonly unit: Unit;
  readonly revisions: readonly Revision[];
  readonly inputs: Digest;
  readonly desired: readonly DesiredObject[];
  readonly hooks: readonly SeenHook[];
  /** The mark of the Run that they are part of. */
  readonly hookRun: string;
  /** Objects of earlier hooks that go with the Unit. */
  readonly ranHooks?: readonly { readonly ref: ObjectRef; readonly uid: string }[];
  readonly deletionHooks?: readonly DeletionPhase[];
  readonly compared: Compared;
  /** By key text, of the objects that `bodiesNeeded` named. */
  readonly bodies: ReadonlyMap<string, Manifest>;
  /** By key text: what jq paths of ignore rules leave of objects. */
  readonly cuts?: ReadonlyMap<string, Bodies>;
  readonly state: UnitState | undefined;
  /** Whether the target namespace exists; undefined: it does not matter. */
  readonly namespaceExists: boolean | undefined;
  /** The namespace as it stands, where the Unit says what it is to have. */
  readonly namespace?: Manifest;
  /** Failures of earlier stages that block the plan. */
  readonly blocked: readonly Failure[];
  /** Whether templates made up values that another rendering would not give. */
  readonly madeUp: boolean;
  readonly sealer: Sealer;
  /** Objects that are left as they drift; see `Contest`. */
  readonly contests?: readonly Contest[];
  /** How often this has been tried before without success. */
  readonly attempt: number;
}

export interface Planned {
  readonly plan: Plan;
  readonly content: Readonly<Content>;
}

export function plan(whole: PlanInput): Planned {
  const only = whole.unit.request?.only;
  const input = only === undefined ? whole : { ...whole, compared: selected(whole.compared, only) };
  const { unit, compared, state } = input;
  const content: Content = new Map();
  const { needed, contested } = objectsOf(input, content);
  const namespace = namespaceSteps(input, content);
  const { deletes, going, kept } = removals(input, needed.length + namespace.length > 0);
  const isNew = isSync(input, [...needed, ...deletes.map(({ step }) => step)]);
  const forced = isNew ? compared.comparisons.flatMap((same) => forcedSteps(input, same, content)) : [];
  const hooks = isNew ? hookSteps(input, content) : { steps: [], failures: [] };
  const ordered = inWaves(input, {
    applies: [...namespace, ...needed, ...forced, ...ranHookSteps(input)],
    deletes,
    going,
    hooks: hooks.steps,
  });
  const digest = digestOf(
    canonicalJson({ unit: unit.id, rendered: input.inputs, steps: ordered.flatMap(lasting) }),
  );
  const inventory = state?.inventory.length ?? 0;
  const blocked = [
    ...input.blocked,
    ...hooks.failures,
    ...objectGuards(whole.compared),
    ...(input.madeUp ? madeUpGuards({ ...input, digest }) : []),
    ...pruneGuards({
      unit,
      desired: input.desired.length,
      inventory,
      standing: inventory - compared.removals.filter((removal) => removal.state === 'gone').length,
      deletes: deletes.map(({ step }) => step.object),
      digest,
    }),
  ];
  return {
    plan: {
      unit: unit.id,
      generation: unit.generation,
      revisions: input.revisions,
      rendered: input.inputs,
      ...(hooks.steps.length === 0 ? {} : { hookRun: input.hookRun }),
      ...(input.deletionHooks === undefined || input.deletionHooks.length === 0
        ? {}
        : { deletionHooks: input.deletionHooks }),
      ...(unit.request?.only === undefined ? {} : { isPartial: true }),
      steps: ordered.map((step) => ({ ...step, attempt: input.attempt })),
      digest,
      blocked,
      ...toleratedOf(input),
      ...(contested.length === 0 ? {} : { contested }),
      pruned: deletes.length,
      kept,
      desired: input.desired.map(({ ref, digest: wanted, at }) => ({ ref, digest: wanted, at })),
    },
    content,
  };
}

function objectsOf(
  input: PlanInput,
  content: Content,
): { readonly needed: readonly Step[]; readonly contested: readonly Contested[] } {
  const contests = new Map((input.contests ?? []).map((contest) => [keyText(contest.object), contest]));
  const contested: Contested[] = [];
  const needed = input.compared.comparisons.flatMap((comparison) => {
    const steps = objectSteps(input, comparison, content);
    const contest = contests.get(keyText(comparison.ref));
    const left = contest && contestedBy(input.unit, contest, steps);
    if (left === undefined) return steps;
    contested.push(left);
    return [];
  });
  return { needed, contested };
}

function toleratedOf(input: PlanInput): Pick<Plan, 'tolerated'> {
  if (input.unit.ignores === undefined) return {};
  const tolerated = input.compared.comparisons.flatMap((comparison) => {
    const live = input.bodies.get(keyText(comparison.ref));
    if (live === undefined || !('object' in comparison.verdict)) return [];
    const { projection } = comparison.verdict.object;
    const isSo = projection !== undefined && isTolerated(input, comparison, live);
    return isSo ? [{ ref: comparison.ref, projection }] : [];
  });
  return tolerated.length === 0 ? {} : { tolerated };
}

/**
 * What of a step an approval is for: some follow the object's version, which moves with every status; a wait
 * follows its health, or how far it is gone; and a hook is the same one whichever attempt runs it.
 */
function lasting(step: Step): readonly unknown[] {
  const { action, hook, reason, phase, wave } = step;
  if (action.verb === 'patch-metadata' || action.verb === 'replace') return [{ id: step.id, reason }];
  if (hook !== undefined) return action.verb === 'create' ? [{ hook, phase, wave }] : [];
  // Live values of ignored fields may be copied into it: what it changes is what counts.
  const isOfVersion =
    action.verb === 'apply' && action.expect !== 'absent' && action.expect.resourceVersion !== undefined;
  if (isOfVersion) return [{ id: step.id, reason, changes: step.changes }];
  if (action.verb === 'wait') return [];
  // Among the others it stands where it is deleted; the number counts what goes before it too.
  return [reason === 'removed' ? { ...step, wave: 0 } : step];
}

/** CreateNamespace: under a manager of its own, never tracked and never pruned. */
function namespaceSteps(input: PlanInput, content: Content): readonly Step[] {
  const { unit, namespaceExists, namespace: live, desired, sealer } = input;
  const { namespace: name, namespaceMetadata } = unit.target;
  const isRendered = desired.some(
    ({ ref }) => ref.kind === 'Namespace' && ref.group === '' && ref.name === name,
  );
  if (!unit.sync.createNamespace || namespaceExists === undefined || isRendered || desired.length === 0)
    return [];
  const manifest: Manifest = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, ...namespaceMetadata },
  };
  const digest = digestOf(canonicalJson(manifest));
  const ref = refOf(manifest);
  const details = { order: orders.namespaces, manager: `trueup-${unit.id}`, tracked: false };
  content.set(digest, manifest);
  if (!namespaceExists)
    return [makeStep(ref, { verb: 'create', desired: digest, force: [], expect: 'absent' }, 'gate', details)];
  if (live === undefined || namespaceMetadata === undefined) return [];
  const changes = plannedChanges(manifest, live, details.manager, sealer);
  const force = forcedFields(manifest, live, details.manager);
  const expect = { uid: String(live.metadata['uid']) };
  const action = { verb: 'apply', desired: digest, force, expect } as const;
  const apply = changes.length === 0 ? [] : [makeStep(ref, action, 'changed', { ...details, changes })];
  return [...namespaceHandOver(input, { manifest, live, manager: details.manager }, content), ...apply];
}

/**
 * An earlier tool applied what the namespace is to have under the name under which we apply objects. Where it is an
 * object of nobody, that is ours now: else what is taken out later would stay.
 */
function namespaceHandOver(
  { unit }: PlanInput,
  {
    manifest,
    live,
    manager,
  }: { readonly manifest: Manifest; readonly live: Manifest; readonly manager: string },
  content: Content,
): readonly Step[] {
  const { annotation, labels = [] } = unit.tracking;
  const { metadata } = live;
  const isMarked =
    (annotation !== undefined && metadata.annotations?.[annotation] !== undefined) ||
    labels.some(({ key }) => metadata.labels?.[key] !== undefined);
  const patch = isMarked ? [] : handOver(live, manifest, unit.manager, manager);
  if (patch.length === 0) return [];
  const digest = digestOf(canonicalJson(patch));
  content.set(digest, patch);
  const expect = { uid: String(metadata['uid']), resourceVersion: String(metadata['resourceVersion']) };
  const action = { verb: 'patch-metadata', patch: digest, expect } as const;
  const details = { order: orders.namespaces - 0.5, manager, tracked: false };
  return [makeStep(refOf(manifest), action, 'migration', details)];
}
