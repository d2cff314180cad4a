import { expect, it } from 'vitest';
import type { BegunHook, UnitState } from '#model/outcome.ts';
import { beginRun, ranHooks } from './hook-run.ts';

const ref = { group: 'batch', version: 'v1', kind: 'Job', namespace: 'shop', name: 'migrate' };
const begun: BegunHook = { key: 'pre:migrate', ref, digest: 'sha256:1', uid: 'u-1', result: 'succeeded' };
const interrupted: UnitState = {
  unit: 'app-uid/',
  owner: { group: 'argoproj.io', version: 'v1alpha1', kind: 'Application', namespace: 'argocd', name: 'web' },
  epoch: 3,
  hooks: { id: 'a-1', inputs: 'sha256:a', begun: [begun], earlier: [] },
  revisions: [],
  inventory: [],
  values: {},
  history: [],
  sinceMs: 0,
  takenOver: false,
};

it('F1: what an attempt that never ended has made is kept with the Unit when another commit is synced', () => {
  const next = beginRun(interrupted, 'sha256:b', 'b-4');
  expect(next.hooks).toEqual({ id: 'b-4', inputs: 'sha256:b', begun: [], earlier: [] });
  expect(next.ranHooks).toEqual([{ ref, uid: 'u-1' }]);
});

it('F18: what was not answered is known by its mark, of each attempt: the first may land last', () => {
  const { uid: _, result: __, ...unanswered } = begun;
  const cut = { ...interrupted, hooks: { ...interrupted.hooks!, begun: [unanswered] } };
  const first = ranHooks(cut);
  expect(first.ranHooks).toEqual([{ ref, mark: 'a-1' }]);
  const second = { ...cut, ...first, hooks: { ...cut.hooks, id: 'b-4' } };
  expect(ranHooks(second).ranHooks).toEqual([
    { ref, mark: 'a-1' },
    { ref, mark: 'b-4' },
  ]);
});

it('F1: the attempt goes on for the same inputs, and nothing is begun anew', () => {
  expect(beginRun(interrupted, 'sha256:a', 'a-4')).toEqual({ hooks: interrupted.hooks });
});
