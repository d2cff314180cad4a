/** Whether a plan may run now, and if not, what it waits for. Pure: a plan is the same whoever asks. */
import type { Failure } from '#model/failure.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Plan } from '#model/plan.ts';
import { approval, type Ancestry, type Unit } from '#model/unit.ts';

export type Gate =
  | { readonly open: true; readonly by: string; readonly automated: boolean }
  | { readonly open: false; readonly why: string; readonly failure?: Failure };

export interface GateQuestion {
  readonly unit: Unit;
  readonly plan: Plan;
  readonly state: UnitState | undefined;
  readonly ancestry: Ancestry;
}

/** Drift is what somebody did to objects that stand as Git last said; anything else comes from Git. */
export function isOnlyDrift(plan: Plan): boolean {
  return plan.steps.every(
    (step) => step.reason === 'drifted' || step.reason === 'migration' || step.reason === 'gate',
  );
}

export function gate({ unit, plan, state, ancestry }: GateQuestion): Gate {
  if (plan.blocked.length > 0) return { open: false, why: plan.blocked[0]!.message };
  if (unit.request !== undefined) return { open: true, by: unit.request.by, automated: false };
  if (plan.steps.length === 0) return { open: false, why: 'in sync' };
  if (unit.teardown !== undefined) return { open: true, by: 'deletion', automated: true };
  if (unit.sync.trigger === 'suspended') return { open: false, why: 'suspended' };
  // The rest of a sync that was allowed: it changes no value.
  if (state?.inputs === plan.rendered && plan.steps.every(({ reason }) => reason === 'migration')) {
    return { open: true, by: 'ownership migration', automated: true };
  }
  if (unit.approved === plan.digest) return { open: true, by: 'approval', automated: false };
  if (unit.sync.trigger === 'manual') return { open: false, why: 'out of sync; automated sync is off' };
  if (ancestry === 'older') return olderHeld(unit, plan, state);
  if (
    !unit.sync.selfHeal &&
    state?.inputs === plan.rendered &&
    state.intent === undefined &&
    isOnlyDrift(plan)
  ) {
    return { open: false, why: 'it drifted from Git; self-heal is off' };
  }
  return { open: true, by: 'automated sync', automated: true };
}

/** F10: a branch that moved back is not followed without a person's word. */
function olderHeld(unit: Unit, plan: Plan, state: UnitState | undefined): Gate {
  const before = state?.revisions ?? [];
  const moves = plan.revisions.flatMap(({ commit, label }, index) => {
    const from = before[index];
    return from === undefined || from.commit === commit ? [] : [{ to: label, from: from.label }];
  });
  const failure: Failure = {
    kind: 'blocked',
    code: 'OlderRevision',
    stage: 'source',
    message: `${movedBack(moves)}, which is applied: history was moved back`,
    hint: `to roll back, revert in Git; or say so: ${approval(unit, plan.digest)}`,
  };
  return { open: false, why: failure.message, failure };
}

/** Of several sources that moved, one at least is older. */
function movedBack(moves: readonly { readonly to: string; readonly from: string }[]): string {
  const [move] = moves;
  if (moves.length === 1) return `${move?.to} is older than ${move?.from}`;
  return `some of ${moves.map(({ to }) => to).join(', ')} is older than ${moves.map(({ from }) => from).join(', ')}`;
}
