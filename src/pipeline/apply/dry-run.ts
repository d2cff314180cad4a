/**
 * What a sync would meet: each object that it would make or change, sent as a dry run of the API server, in the order of
 * the plan. Nothing is changed, and nothing is waited for.
 */
import type { Failure } from '#model/failure.ts';
import { type GroupKind, type Manifest } from '#model/object.ts';
import type { StepResult } from '#model/outcome.ts';
import type { Plan, Step } from '#model/plan.ts';
import type { Cluster } from '#model/ports.ts';
import { appliedResult, bodyOf, failed, inFlightMax, inParallel, isImmutable } from './execute.ts';
import type { Content } from '../plan/steps.ts';

export interface DryRunPorts {
  readonly cluster: Pick<Cluster, 'apply' | 'tryCreation'>;
  /** Why it is to end now, if it is: what is left is not asked any more. */
  readonly whyEnded: () => Failure | undefined;
}

export async function dryRun(
  { steps }: Plan,
  content: Content,
  { cluster, whyEnded }: DryRunPorts,
): Promise<readonly StepResult[]> {
  const written = steps.filter(({ action: { verb } }) => verb !== 'wait' && verb !== 'patch-metadata');
  const made = madeBy(written, content);
  const results = await inParallel(written, inFlightMax, async (step) => {
    const ended = whyEnded();
    if (ended !== undefined) return failed(step, ended);
    const result = await tried(step, content, cluster);
    const { failure } = result;
    const untried = failure === undefined ? undefined : made(step, failure);
    return untried === undefined ? result : unasked(step, untried);
  });
  return results.map((result, index) => {
    const { phase, hook } = written[index]!;
    return { ...result, phase, ...(hook === undefined ? {} : { isHook: true as const }) };
  });
}

async function tried(step: Step, content: Content, cluster: DryRunPorts['cluster']): Promise<StepResult> {
  const { action, object, manager } = step;
  // The apply that comes after a replacement is asked about.
  if (action.verb !== 'create' && action.verb !== 'apply') return { ...base(step), result: 'done' };
  const manifest = bodyOf<Manifest>(content, action.desired);
  const { expect } = action;
  const force = action.force.length > 0;
  const applied = await cluster.apply({ ref: object, manifest, manager, force, expect, dryRun: true });
  const isAnew =
    action.verb === 'create'
      ? applied.ok && applied.value.result === 'stale'
      : action.orElse === 'recreate' && isImmutable(applied);
  if (isAnew) {
    // What stands under its name would be deleted first.
    const created = await cluster.tryCreation(manifest);
    return created.ok ? { ...base(step), result: 'done' } : failed(step, created.failure);
  }
  const { observed: _, values: __, ...result } = appliedResult(step, applied);
  return result.result === 'stale' ? unasked(step, 'it changed meanwhile') : result;
}

function base({ id, object }: Step): Pick<StepResult, 'step' | 'object'> {
  return { step: id, object };
}

function unasked(step: Step, untried: string): StepResult {
  return { ...base(step), result: 'done', untried };
}

/** Why a refusal says nothing: what is missing is made by the same plan. */
function madeBy(
  steps: readonly Step[],
  content: Content,
): (step: Step, failure: Failure) => string | undefined {
  const applied = steps.flatMap(({ action }) =>
    action.verb === 'create' || action.verb === 'apply' ? [bodyOf<Manifest>(content, action.desired)] : [],
  );
  const of = (kind: string): readonly Manifest[] => applied.filter((manifest) => manifest.kind === kind);
  const namespaces = new Set(of('Namespace').map(({ metadata }) => metadata.name));
  const kinds = new Set(of('CustomResourceDefinition').map(definedKind));
  return ({ object }, { code }) => {
    if (code === 'NamespaceNotFound' && namespaces.has(object.namespace))
      return 'its namespace is made by the same sync';
    const isDefined = code === 'KindNotServed' && kinds.has(kindName(object));
    return isDefined ? 'its kind is defined by the same sync' : undefined;
  };
}

const kindName = ({ group, kind }: GroupKind): string => `${group}/${kind}`;

function definedKind({ spec }: Manifest): string {
  const { group, names } = (spec ?? {}) as { readonly group?: unknown; readonly names?: { kind?: unknown } };
  return kindName({ group: String(group), kind: String(names?.kind) });
}
