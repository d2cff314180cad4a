/** Units → the status of their Kustomization, and sources → that of their GitRepository: a golden for each way to stand. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Progress, SourceProgress } from '#model/dialect.ts';
import type { Failure } from '#model/failure.ts';
import { isObject, type JsonObject } from '#model/json.ts';
import type { Manifest, ObjectRef } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Plan } from '#model/plan.ts';
import type { Revision, Unit } from '#model/unit.ts';
import { mergePatch } from '../merge-patch.ts';
import { fluxDialect } from './kustomization.ts';

const dialect = fluxDialect();
const nowMs = 1_767_225_600_000;
const source: Manifest = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: 'fleet', namespace: 'flux-system', uid: 's', generation: 3, resourceVersion: '5' },
  spec: { interval: '1m', url: 'https://git.example/fleet', ref: { branch: 'main' } },
};
const resource: Manifest = {
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name: 'web', namespace: 'flux-system', uid: 'k', generation: 2, resourceVersion: '7' },
  spec: {
    interval: '10m',
    prune: true,
    wait: true,
    timeout: '5m',
    sourceRef: { kind: 'GitRepository', name: 'fleet' },
  },
};
const lookup = { get: () => source, list: () => [] };
const [unit] = dialect.compile(resource, lookup);
const declared = dialect.sources[0]!.compile(source, lookup);

const revision: Revision = {
  url: 'https://git.example/fleet',
  commit: 'c'.repeat(40),
  label: 'main@cccccccc',
  author: 'ada',
  message: 'Change',
  atMs: nowMs,
};
const web: ObjectRef = { group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'web', name: 'web' };
const reader: ObjectRef = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  namespace: '',
  name: 'web:reader',
};
const state: UnitState = {
  unit: 'k',
  owner: unit!.owner,
  epoch: 1,
  revisions: [revision],
  inventory: [web, reader].map((ref) => ({ ref, uid: ref.name, state: 'applied' })),
  values: {},
  history: [],
  sinceMs: nowMs,
  takenOver: false,
};
const plan: Plan = {
  digest: 'sha256:2',
  unit: 'k',
  generation: 2,
  revisions: [revision],
  rendered: 'sha256:3',
  steps: [],
  blocked: [],
  pruned: 0,
  kept: [],
  desired: [],
};
const failure = (code: string, stage: Failure['stage'], kind: Failure['kind'] = 'transient'): Failure => ({
  kind,
  code,
  stage,
  message: `it is ${code}`,
  hint: 'do something',
});
const notReady = (why: string, more: object = {}) => ({ readiness: { ready: false as const, why, ...more } });
const progress = (more: Partial<Progress> = {}): Progress => ({
  unit: unit!,
  stage: 'record',
  phase: 'settled',
  revisions: [revision],
  readiness: { ready: true },
  plan,
  failures: [],
  state,
  requestAnswered: false,
  refreshAnswered: false,
  tornDown: false,
  ...more,
});
const failed = (one: Failure) => progress({ failures: [one], ...notReady(one.message) });
const refused = (one: Failure): Progress => {
  const blocked: Unit = { ...unit!, unsupported: [one] };
  return progress({ unit: blocked, ...notReady(one.message) });
};
const unwell = { unwell: [web] };
const why = 'Deployment web/web is progressing (0 of 1 updated replica are available)';

const cases: Readonly<Record<string, Progress>> = {
  ready: progress(),
  'health-is-checked': progress(notReady(why, unwell)),
  'health-check-failed': progress(notReady(why, { ...unwell, overdue: true })),
  'waits-for-another': failed(failure('DependencyNotReady', 'plan')),
  'in-a-circle': failed(failure('DependencyCycle', 'plan', 'terminal')),
  'source-is-missing': refused(failure('SourceMissing', 'source')),
  'source-is-denied': refused(failure('CrossNamespaceDenied', 'policy', 'blocked')),
  unsupported: refused(failure('Unsupported', 'compile', 'blocked')),
  'does-not-build': failed(failure('KustomizeFailed', 'render', 'terminal')),
  'path-is-missing': failed(failure('PathNotFound', 'artifact', 'terminal')),
  'apply-failed': failed(failure('Forbidden', 'apply', 'denied')),
  held: progress({
    plan: { ...plan, blocked: [failure('PruneHeld', 'plan', 'blocked')] },
    ...notReady('held'),
  }),
  'leftovers-are-kept': progress({
    plan: { ...plan, kept: [{ ref: web, why: 'it came with the takeover' }] },
  }),
  'under-way': progress({ phase: 'running', ...notReady('it is being applied') }),
  'git-is-down': progress({ failures: [failure('GitUnreachable', 'source')] }),
  'is-deleted': progress({
    unit: { ...unit!, teardown: { propagation: 'Background' } },
    waitingFor: 'Deployment web/web: it waits for a finalizer',
  }),
};
const golden = (name: string) => path.join(import.meta.dirname, 'goldens/status', `${name}.json`);
const shown = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const conditionTimes = (patch: JsonObject): readonly unknown[] => {
  const { status } = patch;
  const conditions = isObject(status) && Array.isArray(status['conditions']) ? status['conditions'] : [];
  return conditions.filter(isObject).map((condition) => condition['lastTransitionTime']);
};
const merged = (onto: Manifest, { status, metadata }: JsonObject): Manifest => ({
  ...onto,
  metadata: { ...onto.metadata, ...(metadata as object | undefined) },
  status: { ...(onto['status'] as object | undefined), ...(status as object | undefined) },
});

describe('a Kustomization', () => {
  it.each(Object.keys(cases))('%s', async (name) => {
    await expect(shown(dialect.status(resource, [cases[name]!], nowMs))).toMatchFileSnapshot(golden(name));
  });
  it('that says so already is not written to', () => {
    for (const [name, one] of Object.entries(cases)) {
      const written = merged(resource, dialect.status(resource, [one], nowMs));
      expect(dialect.status(written, [one], nowMs + 60_000), name).toEqual({});
    }
  });
  it('keeps the time of a condition whose status stays', () => {
    const before = merged(resource, dialect.status(resource, [progress()], nowMs));
    const next = progress({ revisions: [{ ...revision, commit: 'd'.repeat(40) }] });
    const patch = dialect.status(before, [next], nowMs + 60_000);
    expect(new Set(conditionTimes(patch))).toEqual(new Set(['2026-01-01T00:00:00Z']));
  });
  it('F31: what others put into its status survives', () => {
    const theirs = { ...resource, status: { ofTheFuture: { a: 1 }, history: [1] } };
    const patch = dialect.status(theirs, [progress()], nowMs);
    expect(Object.keys(patch['status'] as object)).not.toContain('ofTheFuture');
    expect(mergePatch({ a: 1 }, { a: 1 })).toBeUndefined();
  });
  it('has a history: ours newest first, each plan and how it ended once, and below it what Flux left', () => {
    const run = (id: number, digest: string, result: 'succeeded' | 'failed') =>
      ({
        kind: 'sync',
        id,
        atMs: nowMs + id * 60_000,
        durationMs: 1500,
        revisions: [revision],
        by: 'automated sync',
        plan: `sha256:${digest}`,
        result,
        message: '',
        counts: { applied: 1, pruned: 0 },
      }) as const;
    const left = { digest: 'sha256:0', lastReconciled: '2025-12-31T00:00:00Z', totalReconciliations: 9 };
    const before = { ...resource, status: { history: [left] } };
    const history = [run(1, 'a', 'failed'), run(2, 'a', 'failed'), run(3, 'b', 'succeeded')];
    const past = { ...run(0, 'c', 'succeeded'), atMs: nowMs - 60_000 };
    const now = progress({ state: { ...state, history: [past, ...history] } });
    const patch = dialect.status(before, [now], nowMs);
    const snapshots = (patch['status'] as JsonObject)['history'] as readonly JsonObject[];
    expect(
      snapshots.map((one) => [one['digest'], one['lastReconciledStatus'], one['totalReconciliations']]),
    ).toEqual([
      ['sha256:b', 'ReconciliationSucceeded', 1],
      ['sha256:a', 'ReconciliationFailed', 2],
      ['sha256:0', undefined, 9],
    ]);
    expect(snapshots[1]).toMatchObject({
      firstReconciled: '2026-01-01T00:01:00Z',
      lastReconciled: '2026-01-01T00:02:00Z',
      lastReconciledDuration: '1.5s',
      metadata: { revision: `main@sha1:${revision.commit}` },
    });
    expect(dialect.status(merged(before, patch), [now], nowMs)).toEqual({});
  });
  it('takes off the wish to terminate when nothing is under way any more', () => {
    const annotations = { 'trueup.dev/terminate': '2026-01-01T00:00:00Z by ada' };
    const asked = { ...resource, metadata: { ...resource.metadata, annotations } };
    const [compiled] = dialect.compile(asked, lookup);
    expect(compiled?.terminate).toEqual({ startedAt: '2026-01-01T00:00:00Z', by: 'ada' });
    const patchOf = (phase: Progress['phase']) =>
      dialect.status(asked, [progress({ unit: compiled!, phase })], nowMs)['metadata'];
    expect(patchOf('running')).not.toHaveProperty('annotations');
    expect(patchOf('settled')).toMatchObject({ annotations: { 'trueup.dev/terminate': null } });
  });
  it('that is suspended says what it said', () => {
    const suspended: Unit = { ...unit!, sync: { ...unit!.sync, trigger: 'suspended' } };
    const patch = dialect.status(resource, [progress({ unit: suspended })], nowMs);
    expect(Object.keys(patch)).toEqual(['metadata']);
  });
  it('that is torn down goes: only our finalizer is taken off', () => {
    const ending = {
      ...resource,
      metadata: { ...resource.metadata, finalizers: ['a', 'finalizers.fluxcd.io'] },
    };
    expect(dialect.status(ending, [progress({ tornDown: 'objects' })], nowMs)).toEqual({
      metadata: { finalizers: ['a'] },
    });
  });
});

describe('a GitRepository', () => {
  const [gitRepositories] = dialect.sources;
  const standings: Readonly<Record<string, Omit<SourceProgress, 'requestAnswered'>>> = {
    'source-stored': { declared, revision },
    'source-unreachable': { declared, revision, failure: failure('GitUnreachable', 'source') },
    'source-forbidden': { declared, failure: failure('GitAuthenticationFailed', 'source', 'denied') },
    'source-refused': { declared, failure: failure('Unsupported', 'compile', 'blocked') },
  };
  it.each(Object.keys(standings))('%s', async (name) => {
    const one = { ...standings[name]!, requestAnswered: false };
    const patch = gitRepositories!.status(source, one, nowMs);
    await expect(shown(patch)).toMatchFileSnapshot(golden(name));
    expect(gitRepositories!.status(merged(source, patch), one, nowMs + 60_000)).toEqual({});
  });
});
