/** The gate: trigger × what is to be done × selfHeal × request × ancestry. */
import { describe, expect, it } from 'vitest';
import type { UnitState } from '#model/outcome.ts';
import type { Plan, Step, StepReason } from '#model/plan.ts';
import type { Ancestry, Unit } from '#model/unit.ts';
import { gate, type Gate } from './gate.ts';
import { refTo, unit, withPolicy } from './planning.fixture.ts';

const step = (reason: StepReason): Step => ({
  id: reason,
  phase: 'sync',
  wave: 0,
  attempt: 0,
  order: 3,
  object: refTo('one'),
  reason,
  changes: [],
  manager: 'm',
  tracked: true,
  action: { verb: 'apply', desired: 'sha256:1', force: [], expect: { uid: 'u' } },
});
const planOf = (...reasons: readonly StepReason[]): Plan => ({
  digest: 'sha256:plan',
  unit: 'u',
  generation: 1,
  revisions: [],
  rendered: 'sha256:inputs',
  steps: reasons.map(step),
  blocked: [],
  pruned: 0,
  kept: [],
  desired: [],
});
const state: UnitState = {
  unit: 'u',
  owner: unit.owner,
  epoch: 1,
  revisions: [],
  inputs: 'sha256:inputs',
  inventory: [],
  values: {},
  history: [],
  sinceMs: 0,
  takenOver: false,
};
const asked = { by: 'ada', prune: false, dryRun: false, refused: [] };

interface Question {
  readonly sync?: Partial<Unit['sync']>;
  readonly plan?: Plan;
  readonly request?: boolean;
  readonly ancestry?: Ancestry;
  readonly state?: Partial<UnitState>;
  readonly approved?: Plan['digest'];
}
function ask({
  sync = {},
  plan = planOf('changed'),
  request = false,
  ancestry = 'descendant',
  state: more,
  approved,
}: Question): Gate {
  const of = {
    ...withPolicy({ trigger: 'automatic', selfHeal: true, ...sync }),
    ...(request ? { request: asked } : {}),
    ...(approved === undefined ? {} : { approved }),
  };
  return gate({ unit: of, plan, state: { ...state, ...more }, ancestry, nowMs: 0 });
}
const fromGit: Partial<UnitState> = { inputs: 'sha256:other' };

describe('who may run', () => {
  const triggers = ['automatic', 'manual', 'suspended'] as const;
  const table = triggers.flatMap((trigger) =>
    (['drift', 'new'] as const).flatMap((what) =>
      [true, false].flatMap((selfHeal) =>
        [true, false].flatMap((request) =>
          (['same', 'descendant', 'rewritten', 'first', 'older'] as const).map((ancestry) => ({
            trigger,
            what,
            selfHeal,
            request,
            ancestry,
          })),
        ),
      ),
    ),
  );
  it.each(table)(
    '$trigger, $what, selfHeal $selfHeal, request $request, $ancestry',
    ({ trigger, what, selfHeal, request, ancestry }) => {
      const plan = planOf(what === 'drift' ? 'drifted' : 'changed');
      const opened = ask({
        sync: { trigger, selfHeal },
        plan,
        request,
        ancestry,
        state: what === 'drift' ? {} : fromGit,
      });
      // A person's word opens; else only an automatic Unit runs, drift only with selfHeal, and never older after newer (F10).
      const expected =
        request || (trigger === 'automatic' && ancestry !== 'older' && (what === 'new' || selfHeal));
      expect(opened.open).toBe(expected);
      if (opened.open)
        expect(opened).toMatchObject(request ? { by: 'ada', automated: false } : { automated: true });
      else expect(opened.why).not.toBe('');
    },
  );
});

describe('the rest', () => {
  it('a blocked plan opens for nobody', () => {
    const blocked = {
      ...planOf('changed'),
      blocked: [{ kind: 'blocked', code: 'X', stage: 'plan', message: 'because', hint: '' } as const],
    };
    expect(ask({ plan: blocked, request: true })).toEqual({ open: false, why: 'because' });
    expect(ask({ plan: blocked, approved: 'sha256:plan' }).open).toBe(false);
  });
  it('nothing to do: closed, unless a person wants an answer', () => {
    expect(ask({ plan: planOf() })).toMatchObject({ open: false, why: 'in sync' });
    expect(ask({ plan: planOf(), request: true }).open).toBe(true);
  });
  it('F10: older after newer is held with its reason, and opens by approval of this plan alone', () => {
    expect(ask({ ancestry: 'older', state: fromGit })).toMatchObject({
      open: false,
      failure: { code: 'OlderRevision', hint: expect.stringContaining('sha256:plan') },
    });
    expect(ask({ ancestry: 'older', approved: 'sha256:plan' })).toMatchObject({
      open: true,
      automated: false,
    });
    expect(ask({ ancestry: 'older', approved: 'sha256:other' }).open).toBe(false);
  });
  it('F1: a sync that a crash cut short goes on without selfHeal: what looks like drift is its rest', () => {
    const intent = { plan: 'sha256:1', revisions: [], by: 'x', startedAtMs: 0, attempt: 0 } as const;
    expect(ask({ sync: { selfHeal: false }, plan: planOf('drifted'), state: { intent } }).open).toBe(true);
  });
  it('ownership of what was synced is taken over to the end also where syncs are by hand', () => {
    expect(ask({ sync: { trigger: 'manual' }, plan: planOf('migration') }).open).toBe(true);
    expect(ask({ sync: { trigger: 'suspended' }, plan: planOf('migration') }).open).toBe(false);
    expect(ask({ sync: { trigger: 'manual' }, plan: planOf('migration'), state: fromGit }).open).toBe(false);
  });
  it('a deleted Unit is torn down whatever its trigger', () => {
    const of: Unit = { ...withPolicy({ trigger: 'suspended' }), teardown: { propagation: 'Foreground' } };
    expect(gate({ unit: of, plan: planOf('removed'), state, ancestry: 'same', nowMs: 0 })).toMatchObject({
      open: true,
      by: 'deletion',
    });
  });
});
