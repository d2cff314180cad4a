import { expect, it } from 'vitest';
import type { BegunHook, UnitState } from '#model/outcome.ts';
import type { ObservedObject } from '#model/observed.ts';
import { beginRun, isRanHook, ranHooks, runMark } from './hook-run.ts';

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
  expect(next.ranHooks).toEqual([{ ref, uid: 'u-1', mark: 'a-1' }]);
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

it('F2: what was sent twice is known by its mark where the first request lands last, under another UID', () => {
  const hook = ranHooks(interrupted).ranHooks![0]!;
  const live = (uid: string, mark: string): ObservedObject =>
    ({ uid, tracking: { [runMark]: mark } }) as unknown as ObservedObject;
  expect(isRanHook(hook, ref, live('u-1', 'a-1'))).toBe(true);
  expect(isRanHook(hook, ref, live('u-2', 'a-1'))).toBe(true);
  expect(isRanHook(hook, ref, live('u-2', 'b-4'))).toBe(false);
  expect(isRanHook(hook, { ...ref, name: 'other' }, live('u-2', 'a-1'))).toBe(false);
});

it('F2: one that an earlier sync left running keeps its mark', () => {
  const { result: _, ...running } = begun;
  const left = { ...interrupted, hooks: { ...interrupted.hooks!, begun: [running] } };
  const next = { ...left, ...beginRun(left, 'sha256:b', 'b-4') };
  expect(next.hooks.earlier).toEqual([running]);
  expect(ranHooks(next).ranHooks).toEqual([{ ref, uid: 'u-1', mark: 'a-1' }]);
});

it('F1: the attempt goes on for the same inputs, and nothing is begun anew', () => {
  expect(beginRun(interrupted, 'sha256:a', 'a-4')).toEqual({ hooks: interrupted.hooks });
});
