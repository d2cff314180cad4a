/** The planner: synchronous, deterministic, changes nothing. What it gives is all that the executor will do. */
import { digestOf } from '#fields/digest.ts';
import type { Failure } from '#model/failure.ts';
import { canonicalJson, type Digest } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Plan, Step } from '#model/plan.ts';
import type { Sealer } from '#model/ports.ts';
import type { Revision, Unit } from '#model/unit.ts';
import type { Compared } from './compare.ts';
import type { DesiredObject } from './desired.ts';
import { madeUpGuards, objectGuards, pruneGuards } from './guards.ts';
import { hookSteps, runsHooks, type SeenHook } from './hooks.ts';
import { orders } from './order.ts';
import { removals } from './removals.ts';
import { makeStep, objectSteps, type Content } from './steps.ts';
import { inWaves, isHealthWait } from './waves.ts';

export interface PlanInput {
  readonly unit: Unit;
  readonly revisions: readonly Revision[];
  readonly inputs: Digest;
  readonly desired: readonly DesiredObject[];
  readonly hooks: readonly SeenHook[];
  /** The mark of the Run that they are part of. */
  readonly hookRun: string;
  readonly compared: Compared;
  /** By key text, of the objects that `bodiesNeeded` named. */
  readonly bodies: ReadonlyMap<string, Manifest>;
  readonly state: UnitState | undefined;
  /** Whether the target namespace exists; undefined: it does not matter. */
  readonly namespaceExists: boolean | undefined;
  /** Failures of earlier stages that block the plan. */
  readonly blocked: readonly Failure[];
  /** Whether templates made up values that another rendering would not give. */
  readonly madeUp: boolean;
  readonly sealer: Sealer;
  /** How often this has been tried before without success. */
  readonly attempt: number;
}

export interface Planned {
  readonly plan: Plan;
  readonly content: Readonly<Content>;
}

export function plan(input: PlanInput): Planned {
  const { unit, compared, state } = input;
  const content: Content = new Map();
  const applies = compared.comparisons.flatMap((comparison) => objectSteps(input, comparison, content));
  const { deletes, kept } = removals(input);
  const hooks = runsHooks(input, [...applies, ...deletes])
    ? hookSteps(input, content)
    : { steps: [], failures: [] };
  const ordered = inWaves(input, {
    applies: [...namespaceSteps(input, content), ...applies],
    deletes,
    hooks: hooks.steps,
  });
  const digest = digestOf(
    canonicalJson({ unit: unit.id, rendered: input.inputs, steps: ordered.flatMap(lasting) }),
  );
  const blocked = [
    ...input.blocked,
    ...hooks.failures,
    ...objectGuards(compared),
    ...(input.madeUp ? madeUpGuards({ ...input, digest }) : []),
    ...pruneGuards({
      unit,
      desired: input.desired.length,
      inventory: state?.inventory.length ?? 0,
      deletes: deletes.map((step) => step.object),
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
      steps: ordered.map((step) => ({ ...step, attempt: input.attempt })),
      digest,
      blocked,
      pruned: deletes.length,
      kept,
      desired: input.desired.map(({ ref, digest: wanted, at }) => ({ ref, digest: wanted, at })),
    },
    content,
  };
}

/**
 * What of a step an approval is for: a migration follows the object's version, which moves with every status; a wait
 * follows its health; and a hook is the same one whichever attempt runs it.
 */
function lasting(step: Step): readonly unknown[] {
  const { action, hook, reason, phase, wave } = step;
  if (action.verb === 'patch-metadata') return [{ id: step.id, reason }];
  if (hook !== undefined) return action.verb === 'create' ? [{ hook, phase, wave }] : [];
  return isHealthWait(step) ? [] : [step];
}

/** CreateNamespace: made once, under a manager of its own, never tracked and never pruned. */
function namespaceSteps({ unit, namespaceExists, desired }: PlanInput, content: Content): readonly Step[] {
  const name = unit.target.namespace;
  const isRendered = desired.some(
    ({ ref }) => ref.kind === 'Namespace' && ref.group === '' && ref.name === name,
  );
  if (!unit.sync.createNamespace || namespaceExists !== false || isRendered || desired.length === 0)
    return [];
  const manifest: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  const digest = digestOf(canonicalJson(manifest));
  content.set(digest, manifest);
  return [
    makeStep(
      { group: '', version: 'v1', kind: 'Namespace', namespace: '', name },
      { verb: 'create', desired: digest, force: [], expect: 'absent' },
      'gate',
      { order: orders.namespaces, manager: `trueup-${unit.id}`, tracked: false },
    ),
  ];
}
