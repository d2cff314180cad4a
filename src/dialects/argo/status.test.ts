/** Units → the status of their Application. */
import fc from 'fast-check';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Progress, RunView } from '#model/dialect.ts';
import type { Failure } from '#model/failure.ts';
import { isObject, type JsonObject } from '#model/json.ts';
import type { Manifest, ObjectRef } from '#model/object.ts';
import type { HistoryEntry, UnitState } from '#model/outcome.ts';
import type { Plan, Step } from '#model/plan.ts';
import type { Revision } from '#model/unit.ts';
import { argoDialect } from './application.ts';

const dialect = argoDialect('argocd');
const nowMs = 1_767_225_600_000;
const ref = (name: string, kind = 'ConfigMap'): ObjectRef => ({
  group: '',
  version: 'v1',
  kind,
  namespace: 'web',
  name,
});
const revision: Revision = {
  url: 'https://git.example/web',
  commit: 'c'.repeat(40),
  label: 'main@cccccccc',
  author: 'ada',
  message: 'Change',
  atMs: nowMs - 60_000,
};
const resource: Manifest = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  metadata: { name: 'web', namespace: 'argocd', uid: 'u', resourceVersion: '7' },
  spec: { source: { repoURL: 'https://git.example/web', path: 'app' }, destination: { namespace: 'web' } },
};
const [unit] = dialect.compile(resource, { get: () => undefined, list: () => [] });

function step(
  name: string,
  reason: Step['reason'],
  verb: 'create' | 'apply' | 'delete',
  changes: Step['changes'] = [],
): Step {
  const action =
    verb === 'delete'
      ? ({ verb, expect: { uid: name }, propagation: 'Foreground' } as const)
      : ({ verb, desired: 'sha256:1', force: [], expect: 'absent' } as const);
  return {
    id: `${verb}:${name}`,
    phase: 'sync',
    wave: 0,
    attempt: 0,
    order: 3,
    object: ref(name),
    action,
    reason,
    changes,
    manager: 'm',
    tracked: true,
  };
}
function planOf(steps: readonly Step[], more: Partial<Plan> = {}): Plan {
  return {
    digest: 'sha256:2',
    unit: 'u',
    generation: 1,
    revisions: [revision],
    rendered: 'sha256:3',
    steps,
    blocked: [],
    pruned: 0,
    kept: [],
    desired: [
      { ref: ref('one'), digest: 'sha256:1' },
      { ref: ref('two'), digest: 'sha256:1' },
    ],
    ...more,
  };
}
const failure = (
  code: string,
  stage: Failure['stage'] = 'plan',
  kind: Failure['kind'] = 'blocked',
): Failure => ({ kind, code, stage, message: `it is ${code}`, hint: 'do something', subject: ref('one') });
const history: readonly HistoryEntry[] = Array.from({ length: 15 }, (_, index) => ({
  kind: 'sync',
  id: index + 1,
  atMs: nowMs - 1_000_000 + index * 1000,
  durationMs: 2000,
  revisions: [revision],
  by: index % 2 === 0 ? 'automated sync' : 'ada',
  plan: 'sha256:2',
  result: index === 3 ? 'failed' : 'succeeded',
  message: '',
  counts: { applied: 1, pruned: 0 },
}));
const state: UnitState = {
  unit: 'u',
  owner: ref('web', 'Application'),
  epoch: 3,
  revisions: [revision],
  inventory: [],
  values: {},
  history,
  sinceMs: 0,
  takenOver: false,
};
const run: RunView = {
  startedAtMs: nowMs - 5000,
  finishedAtMs: nowMs - 2000,
  by: 'ada',
  automated: false,
  revisions: [revision],
  attempt: 0,
  message: 'applied 2',
  outcome: {
    plan: 'sha256:2',
    result: 'succeeded',
    inventory: [],
    steps: [
      { step: 'apply:one', object: ref('one'), result: 'done' },
      { step: 'delete:two', object: ref('two'), result: 'done' },
    ],
  },
};
const failedRun: RunView = {
  ...run,
  automated: true,
  attempt: 2,
  message: '1 of 2 steps failed',
  outcome: {
    plan: 'sha256:2',
    result: 'failed',
    inventory: [],
    steps: [
      {
        step: 'apply:one',
        object: ref('one'),
        result: 'failed',
        failure: failure('Forbidden', 'apply', 'denied'),
      },
      { step: 'apply:two', object: ref('two'), result: 'skipped' },
    ],
  },
};
const healthy = { overall: 'Healthy', objects: [] } as const;
const progress = (more: Partial<Progress> = {}): Progress => ({
  unit: unit!,
  readiness: { ready: true },
  stage: 'record',
  phase: 'settled',
  revisions: [revision],
  failures: [],
  requestAnswered: false,
  refreshAnswered: false,
  tornDown: false,
  state,
  health: healthy,
  plan: planOf([]),
  ...more,
});
const scaled = step('one', 'drifted', 'apply', [
  {
    path: '.spec.replicas',
    before: 2,
    after: 5,
    owner: { manager: 'kubectl', operation: 'Update', subresource: 'scale', atMs: 0 },
  },
]);
const standings: Readonly<Record<string, Progress>> = {
  synced: progress({ run }),
  'out-of-sync': progress({
    plan: planOf([step('one', 'changed', 'apply'), step('gone', 'removed', 'delete')], { pruned: 1 }),
  }),
  failed: progress({
    run: failedRun,
    plan: planOf([step('one', 'changed', 'apply')]),
    failures: [failure('Forbidden', 'apply', 'denied')],
  }),
  running: progress({
    run: {
      startedAtMs: nowMs,
      by: 'automated sync',
      automated: true,
      revisions: [revision],
      attempt: 0,
      message: 'applying 2',
    },
    phase: 'running',
    plan: planOf([scaled]),
  }),
  held: progress({
    plan: planOf([step('gone', 'removed', 'delete')], { pruned: 1, blocked: [failure('PruneHeld')] }),
  }),
  drift: progress({ plan: planOf([scaled]) }),
  kept: progress({
    plan: planOf([], {
      kept: [
        { ref: ref('left'), why: 'pruning is off' },
        { ref: { ...ref('x', 'Namespace'), namespace: '' }, why: 'pruning is off' },
      ],
    }),
  }),
  'broken-render': progress({
    plan: undefined as never,
    failures: [failure('InvalidYaml', 'render', 'terminal')],
  }),
  rewritten: progress({ ancestry: 'rewritten', waitingFor: 'the next attempt' }),
  degraded: progress({
    health: { overall: 'Degraded', because: { object: ref('one'), sentence: 'It crashes.' }, objects: [] },
  }),
};
delete (standings['broken-render'] as { plan?: Plan }).plan;

function patched(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = patched(result[key], value);
  }
  return result;
}
const after = (before: Manifest, of: Progress, atMs = nowMs): Manifest =>
  patched(before, dialect.status(before, [of], atMs)) as Manifest;
const statusOf = (of: Progress, before = resource): any => after(before, of)['status'];

describe('goldens', () => {
  it.each(Object.keys(standings))('%s', async (name) => {
    const patch = dialect.status(resource, [standings[name]!], nowMs);
    await expect(`${JSON.stringify(patch, null, 2)}\n`).toMatchFileSnapshot(
      path.join(import.meta.dirname, 'goldens', 'status', `${name}.json`),
    );
  });
});

describe('what people read', () => {
  it.each([
    ['synced', 'Synced', 'Healthy'],
    ['out-of-sync', 'OutOfSync', 'Healthy'],
    ['held', 'OutOfSync', 'Healthy'],
    ['drift', 'OutOfSync', 'Healthy'],
    ['kept', 'OutOfSync', 'Healthy'],
    ['broken-render', 'Unknown', 'Unknown'],
    ['degraded', 'Synced', 'Degraded'],
  ])('%s: %s, %s', (name, sync, health) => {
    expect(statusOf(standings[name]!)).toMatchObject({ sync: { status: sync }, health: { status: health } });
  });
  it('health is never green where the source could not be read (#22124)', () => {
    expect(statusOf(standings['broken-render']!).health).toMatchObject({
      status: 'Unknown',
      message: 'it is InvalidYaml',
    });
  });
  it('drift names the field, the values and the tool', () => {
    const { message } = statusOf(standings['drift']!).conditions.find(
      ({ type }: { type: string }) => type === 'Drift',
    );
    expect(message).toMatch(/\.spec\.replicas 2 → 5/);
    expect(message).toMatch(/kubectl/);
  });
  it('an object without namespace is named without one', () => {
    expect(JSON.stringify(statusOf(standings['kept']!).conditions)).toContain('Namespace x: pruning');
  });
  it('a failed operation says which object, and nothing of what was not reached; a succeeded one what was pruned', () => {
    expect(statusOf(standings['failed']!).operationState).toMatchObject({
      phase: 'Failed',
      retryCount: 2,
      syncResult: {
        resources: [{ name: 'one', status: 'SyncFailed', message: 'it is Forbidden' }],
      },
    });
    expect(statusOf(standings['synced']!).operationState).toMatchObject({
      phase: 'Succeeded',
      syncResult: { resources: [{ status: 'Synced' }, { status: 'Pruned' }] },
    });
  });
  it('history: succeeded syncs, the last ten or as many as the spec says', () => {
    expect(statusOf(progress()).history.map(({ id }: { id: number }) => id)).toEqual([
      6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    ]);
    const limited = (revisionHistoryLimit: number): unknown =>
      statusOf(progress(), { ...resource, spec: { ...(resource['spec'] as object), revisionHistoryLimit } })
        .history;
    expect(limited(2)).toHaveLength(2);
    expect(limited(0)).toBeUndefined();
  });
  it('resources are capped and in one order', () => {
    const many = Array.from({ length: 3000 }, (_, index) => ({
      ref: ref(`n${index}`),
      digest: 'sha256:1' as const,
    }));
    const one = statusOf(progress({ plan: planOf([], { desired: many }) }));
    const other = statusOf(progress({ plan: planOf([], { desired: many.toReversed() }) }));
    expect(one.resources).toHaveLength(1000);
    expect(other.resources).toEqual(one.resources);
  });
  it('whatever fails, the status fits into an object', () => {
    const long: Failure = { ...failure('Invalid', 'apply', 'terminal'), message: 'x'.repeat(5000) };
    const steps = Array.from({ length: 2000 }, (_, index) => ({
      step: `apply:${index}`,
      object: ref(`n${index}`),
      result: 'failed' as const,
      failure: long,
    }));
    const text = JSON.stringify(
      statusOf(
        progress({
          run: { ...failedRun, outcome: { ...failedRun.outcome!, steps } },
          failures: steps.map(() => long),
        }),
      ),
    );
    expect(text.length).toBeLessThan(500_000);
  });
});

describe('what is taken off the resource', () => {
  it('the operation and the refresh, when they are answered, and nothing before', () => {
    const asked: Manifest = {
      ...resource,
      metadata: { ...resource.metadata, annotations: { 'argocd.argoproj.io/refresh': 'hard', other: 'x' } },
      operation: { sync: {} },
    };
    const waiting = after(asked, progress());
    expect(waiting['operation']).toEqual({ sync: {} });
    expect(waiting.metadata.annotations).toMatchObject({ 'argocd.argoproj.io/refresh': 'hard' });
    const answered = after(asked, progress({ requestAnswered: true, refreshAnswered: true }));
    expect(answered['operation']).toBeUndefined();
    expect(answered.metadata.annotations).toEqual({ other: 'x' });
  });
  it('the finalizer, and only ours, under the version that was read', () => {
    const finalizers = ['other/one', 'resources-finalizer.argocd.argoproj.io/background'];
    const patch = dialect.status(
      { ...resource, metadata: { ...resource.metadata, finalizers } },
      [progress({ tornDown: 'objects' })],
      nowMs,
    );
    expect(patch).toEqual({ metadata: { finalizers: ['other/one'] } });
  });
});

describe('no write loop', () => {
  const names = Object.keys(standings);

  it('applied and computed again, at any later time, the patch is empty', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 5 }),
        fc.nat(1e9),
        (sequence, laterMs) => {
          let now = resource;
          for (const name of sequence) now = after(now, standings[name]!);
          expect(dialect.status(now, [standings[sequence.at(-1)!]!], nowMs + laterMs)).toEqual({});
        },
      ),
    );
  });
  it('F31: members of the status that are not ours survive every write', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }),
        fc.dictionary(
          fc.string().map((text) => `x-${text}`),
          fc
            .jsonValue({ maxDepth: 2 })
            .filter((value) => value !== null && !JSON.stringify(value).includes('null')),
        ),
        (sequence, theirs) => {
          let now: Manifest = { ...resource, status: { ...theirs, summary: { images: ['a'] } } };
          for (const name of sequence) now = after(now, standings[name]!);
          expect(now['status']).toMatchObject({ ...(theirs as JsonObject), summary: { images: ['a'] } });
        },
      ),
    );
  });
  it('F1: without a Run of ours what stands stays, but for a Run that nobody carries on', () => {
    const written = after(resource, standings['synced']!);
    expect(dialect.status(written, [progress()], nowMs)).toEqual({});
    const running = after(resource, standings['running']!);
    expect((running['status'] as any).operationState.phase).toBe('Running');
    const ended = after(running, progress());
    expect((ended['status'] as any).operationState).toMatchObject({
      phase: 'Failed',
      message: expect.stringContaining('restart'),
    });
    expect(dialect.status(ended, [progress()], nowMs + 5000)).toEqual({});
  });
});
