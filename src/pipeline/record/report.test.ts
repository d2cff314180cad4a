/** The arithmetic of the figures: each of exactly the records that it counts, and none of nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ok } from '#model/failure.ts';
import type { Records } from '#model/ports.ts';
import type { DeploymentRecord, DriftRecord } from '#model/record.ts';
import { explain, isCounted, isOfCluster, liveObject, type LiveObject } from './live-share.ts';
import { makeReport, median, monthMs, type Report } from './report.ts';

const dayMs = 86_400_000;
const fromMs = 100 * dayMs;
const owner = {
  group: 'argoproj.io',
  version: 'v1alpha1',
  kind: 'Application',
  namespace: 'argocd',
  name: 'web',
};
const deployment = (further: Partial<DeploymentRecord>): DeploymentRecord => ({
  unit: 'u',
  sinceMs: 1,
  entry: 1,
  owner,
  atMs: fromMs + 1,
  durationMs: 1000,
  revisions: [{ url: 'https://git.example/a', commit: 'abc', label: 'main@abc' }],
  by: 'ada',
  result: 'succeeded',
  message: '',
  applied: 1,
  pruned: 0,
  ...further,
});
const drift = (further: Partial<DriftRecord>): DriftRecord => ({
  unit: 'u',
  owner,
  object: { group: '', version: 'v1', kind: 'ConfigMap', namespace: 'payments', name: 'one' },
  seenAtMs: fromMs + 5,
  beganAtMs: fromMs,
  by: [],
  fields: [],
  deleted: false,
  ...further,
});
/** In pages of two. */
async function reportOf(
  deployments: readonly DeploymentRecord[],
  drifts: readonly DriftRecord[],
  { days = 30, beganAtMs = 0 } = {},
): Promise<Report> {
  const page = <T>(items: readonly T[], next: string | undefined) => {
    const from = Number(next ?? 0);
    const rest = from + 2 < items.length ? { next: String(from + 2) } : {};
    return Promise.resolve(ok({ items: items.slice(from, from + 2), ...rest }));
  };
  const records: Records = {
    standing: () => Promise.resolve(ok({ marks: [], open: [] })),
    write: () => Promise.resolve(ok(undefined)),
    deployments: ({ next }) => page(deployments, next),
    drift: ({ next }) => page(drifts, next),
    beganAtMs: () => Promise.resolve(ok(beganAtMs)),
  };
  const query = { fromMs, untilMs: fromMs + days * dayMs };
  const made = await makeReport(records, query, () => Promise.resolve());
  if (!made.ok) throw new Error(made.failure.message);
  return made.value;
}

describe('the figures', () => {
  it('of nothing are none: neither 0 nor 100 %', async () => {
    const report = await reportOf([], []);
    expect(report.deployments).toEqual({ count: 0, succeeded: 0, failed: 0 });
    expect(report.rollbacks).toEqual({ count: 0, last: [] });
    expect(report.drift).not.toHaveProperty('medianHealMs');
  });

  it('count deployments over all pages, each attempt', async () => {
    const all = [
      ...Array.from({ length: 12 }, (_, index) => deployment({ entry: index, durationMs: index * 100 })),
      deployment({ entry: 20, result: 'failed' }),
      deployment({ entry: 21, result: 'failed', attempt: 1 }),
    ];
    expect((await reportOf(all, [])).deployments).toEqual({
      count: 14,
      succeeded: 12,
      failed: 2,
      successRate: 12 / 14,
      medianMs: 550,
    });
  });

  it('time a rollback from when its commit was seen, of those that became stable', async () => {
    const revert = (stableAfterMs?: number, further: Partial<DeploymentRecord> = {}): DeploymentRecord =>
      deployment({
        ...further,
        revert: {
          seenAtMs: fromMs,
          ...(stableAfterMs === undefined ? {} : { stableAtMs: fromMs + stableAfterMs }),
        },
      });
    const { rollbacks } = await reportOf(
      [revert(40_000), revert(42_000), revert(), revert(9, { result: 'failed' })],
      [],
    );
    expect(rollbacks).toMatchObject({ count: 3, medianMs: 41_000 });
    expect(rollbacks.last.map(({ tookMs }) => tookMs)).toEqual([40_000, 42_000, undefined]);
    expect((await reportOf([revert()], [])).rollbacks).not.toHaveProperty('medianMs');
  });

  it('count drift that was seen in this time, and apart what is open from before', async () => {
    const ended = (how: 'healed' | 'elsewhere' | 'forgotten', afterMs = 0) => ({
      ended: { how, atMs: fromMs + afterMs },
    });
    const report = await reportOf(
      [],
      [
        drift(ended('healed', 300)),
        drift(ended('healed', 500)),
        drift(ended('elsewhere')),
        drift(ended('forgotten')),
        drift({}),
        drift({ seenAtMs: fromMs - 1 }),
      ],
    );
    expect(report.drift).toEqual({
      incidents: 5,
      healed: 2,
      elsewhere: 1,
      forgotten: 1,
      open: 1,
      openFromBefore: 1,
      medianHealMs: 400,
      perMonth: 5 / ((30 * dayMs) / monthMs),
    });
  });

  it('give a rate of the time that is recorded, and none of less than a day', async () => {
    const young = await reportOf([], [drift({})], { beganAtMs: fromMs + 27 * dayMs });
    expect(young.drift.perMonth).toBeCloseTo(monthMs / (3 * dayMs));
    const today = await reportOf([], [drift({})], { beganAtMs: fromMs + 29.5 * dayMs });
    expect(today.drift).not.toHaveProperty('perMonth');
    expect(await reportOf([], [], { days: 0.5 })).not.toHaveProperty('drift.perMonth');
  });
});

it('a median has as many below it as above', () => {
  expect(median([])).toBeUndefined();
  expect(median([3])).toBe(3);
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const middle = median(values)!;
      const below = values.filter((value) => value < middle).length;
      const above = values.filter((value) => value > middle).length;
      expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
    }),
  );
});

describe('what Git explains', () => {
  const object = (uid: string, further: Partial<LiveObject> = {}): LiveObject => ({
    group: '',
    kind: 'ConfigMap',
    namespace: 'payments',
    name: uid,
    uid,
    owners: [],
    manager: 'kubectl',
    ...further,
  });

  it('is what stands as rendered, and what such owns, up to a root', () => {
    const objects = [
      object('deployment'),
      object('replicaset', { owners: ['deployment'] }),
      object('pod', { owners: ['replicaset'] }),
      object('stray'),
      object('child of a stray', { owners: ['stray'] }),
      object('orphan', { owners: ['gone'] }),
      object('drifted'),
      object('child of the drifted', { owners: ['drifted'] }),
      object('of both', { owners: ['stray', 'deployment'] }),
    ];
    const git = new Map([
      ['deployment', true],
      ['drifted', false],
    ]);
    const share = explain(objects, git);
    expect(share).toMatchObject({ objects: 9, explained: 4 });
    expect(share.groups).toMatchObject([
      { why: 'unknown', count: 3, examples: ['stray', 'child of a stray', 'orphan'] },
      { why: 'differs', count: 2 },
    ]);
  });
  it('ends where owners go in a circle', () => {
    const objects = [object('a', { owners: ['b'] }), object('b', { owners: ['a'] })];
    expect(explain(objects, new Map()).explained).toBe(0);
  });
  it('names the largest groups, by who made them; the others are counted', () => {
    const objects = Array.from({ length: 12 }, (_, group) =>
      Array.from({ length: 12 - group }, (__, index) =>
        object(`${group}-${index}`, { manager: `tool-${group}` }),
      ),
    ).flat();
    const { groups, otherGroups } = explain(objects, new Map());
    expect(groups.map(({ manager, count }) => [manager, count]).slice(0, 2)).toEqual([
      ['tool-0', 12],
      ['tool-1', 11],
    ]);
    expect(groups[0]!.examples).toEqual(['0-0', '0-1', '0-2']);
    expect(otherGroups).toEqual({ groups: 2, objects: 3 });
  });
  it('takes who wrote an object first for who made it', () => {
    const metadata = {
      name: 'a',
      uid: 'u',
      managedFields: [
        { manager: 'later', time: '2026-02-01T00:00:00Z' },
        { manager: 'first', time: '2026-01-01T00:00:00Z' },
      ],
    };
    expect(liveObject({ group: '', kind: 'ConfigMap' }, metadata).manager).toBe('first');
  });
  it.each([
    ['', 'ServiceAccount', { name: 'default' }, true],
    ['', 'ServiceAccount', { name: 'web' }, false],
    ['', 'ConfigMap', { name: 'kube-root-ca.crt' }, true],
    ['', 'ConfigMap', { name: 'settings' }, false],
    ['', 'Secret', { name: 't', annotations: { 'kubernetes.io/service-account.name': 'a' } }, true],
    ['', 'Secret', { name: 'default' }, false],
    ['', 'Service', { name: 'kubernetes', namespace: 'default' }, true],
    ['', 'Service', { name: 'kubernetes', namespace: 'payments' }, false],
    ['', 'Namespace', { name: 'kube-system' }, true],
    ['', 'Namespace', { name: 'payments' }, false],
    ['rbac.authorization.k8s.io', 'ClusterRole', { name: 'edit', labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } }, true],
    ['rbac.authorization.k8s.io', 'ClusterRole', { name: 'edit' }, false],
  ])('%s %s %j: of the cluster itself: %s', (group, kind, metadata, expected) =>
    expect(isOfCluster({ group, kind }, metadata)).toBe(expected),
  ); // prettier-ignore
  it.each([
    ['', 'Event', false],
    ['events.k8s.io', 'Event', false],
    ['coordination.k8s.io', 'Lease', false],
    ['discovery.k8s.io', 'EndpointSlice', false],
    ['example.com', 'Event', true],
    ['', 'Secret', true],
  ])('%s %s is counted: %s', (group, kind, expected) => expect(isCounted({ group, kind })).toBe(expected));
});
