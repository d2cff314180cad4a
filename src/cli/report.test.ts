/** `trueup report` in words: nothing that was not measured, nothing rounded up, and who reads it can count it. */
import { describe, expect, it } from 'vitest';
import { argoDialect } from '#dialects/argo/application.ts';
import { fluxDialect } from '#dialects/flux/kustomization.ts';
import { ok } from '#model/failure.ts';
import type { RecordQuery } from '#model/record.ts';
import type { LiveShare } from '#pipeline/record/live-share.ts';
import type { Report } from '#pipeline/record/report.ts';
import { CommandEnd } from './command.ts';
import { reportCommand, type ReportOptions } from './report.ts';

const nowMs = 1_767_225_600_000;
const nothing: Report = {
  fromMs: nowMs - 30 * 86_400_000,
  untilMs: nowMs,
  recordedSinceMs: 0,
  deployments: { count: 0, succeeded: 0, failed: 0 },
  drift: { incidents: 0, healed: 0, elsewhere: 0, forgotten: 0, open: 0, openFromBefore: 0 },
  rollbacks: { count: 0, last: [] },
};
const share: LiveShare = {
  namespaces: 2,
  objects: 10_000,
  explained: 9999,
  leftOut: 6,
  groups: [],
  otherGroups: { groups: 0, objects: 0 },
  unread: [],
  isCut: false,
};

async function run(
  report: Report & { readonly objects?: LiveShare },
  options: Partial<ReportOptions> = {},
): Promise<{ readonly out: string; readonly query: RecordQuery }> {
  let out = '';
  let asked: RecordQuery | undefined;
  await reportCommand(
    { namespace: 'argocd', since: '30d', objects: true, output: 'table', ...options },
    {
      clock: { now: () => nowMs, monotonic: () => 0 },
      dialects: (namespace) => [argoDialect(namespace), fluxDialect()],
      out: (text) => void (out += text),
      say: () => undefined,
      open: () =>
        Promise.resolve(
          ok({
            report: (query) => {
              asked = query;
              return Promise.resolve(ok(report));
            },
            deployments: () => Promise.resolve(ok({ items: [] })),
            drift: () => Promise.resolve(ok({ items: [] })),
          }),
        ),
    },
  );
  return { out, query: asked! };
}

describe('the words', () => {
  it('say what could not be measured', async () => {
    const { out } = await run(nothing);
    expect(out.match(/not measured/g)).toHaveLength(3);
    expect(out).toMatch(/^deployments +none in this time$/m);
    expect(out).toMatch(/^drift +no incident in this time$/m);
    expect(out).not.toMatch(/100|0\.0/);
  });
  it('give each figure with what it counts', async () => {
    const owner = { group: '', version: 'v1', kind: 'Application', namespace: 'argocd', name: 'web' };
    const { out } = await run({
      ...nothing,
      recordedSinceMs: nowMs - 86_400_000,
      deployments: { count: 14, succeeded: 12, failed: 2, successRate: 12 / 14, medianMs: 1200 },
      drift: {
        ...nothing.drift,
        incidents: 3,
        healed: 3,
        perMonth: 1.2,
        medianHealMs: 400,
        openFromBefore: 1,
      },
      rollbacks: {
        count: 2,
        medianMs: 41_000,
        last: [
          { owner, label: 'main@abc', atMs: 0, tookMs: 41_000 },
          { owner, label: 'main@def', atMs: 0 },
        ],
      },
    });
    for (const line of [
      /; records begin 2025-12-31T00:00:00Z$/m,
      /^deployments +14 \(12 succeeded, 2 failed\), median 1\.2 s$/m,
      /^sync success rate +85\.7 % \(12 of 14\)$/m,
      /^drift +3 incidents, 1\.2 a month \(3 healed, median 400 ms, 0 open\); 1 open from before$/m,
      /^rollback time +median 41 s \(2 rollbacks: argocd\/web main@abc 41 s, argocd\/web main@def not stable\)$/m,
    ])
      expect(out).toMatch(line);
  });
  it('never say 100 % of what is not all, and name what was not read', async () => {
    const unread = [{ kind: '/v1/Secret', why: 'may not list' }];
    const { out } = await run({ ...nothing, objects: { ...share, unread } });
    expect(out).toMatch(
      /99\.9 % \(9999 of 10000 in 2 namespaces; 6 of the cluster's own left out; 1 kinds not read\)/,
    );
    expect(out).toMatch(/not read: v1\/Secret: may not list/);
    expect((await run({ ...nothing, objects: { ...share, explained: 10_000 } })).out).toMatch(/100\.0 %/);
  });
});

describe('the question', () => {
  it.each([
    ['30d', nowMs - 30 * 86_400_000],
    ['2w', nowMs - 14 * 86_400_000],
    ['12h', nowMs - 12 * 3_600_000],
    ['2025-12-01', Date.UTC(2025, 11, 1)],
    ['2025-12-01T06:00:00Z', Date.UTC(2025, 11, 1, 6)],
  ])('since %s', async (since, fromMs) =>
    expect((await run(nothing, { since })).query).toEqual({ fromMs, untilMs: nowMs }),
  );
  it.each(['yesterday', '30', '3x', '2027-01-01'])('since %s is none', async (since) => {
    await expect(run(nothing, { since })).rejects.toBeInstanceOf(CommandEnd);
    await expect(run(nothing, { since })).rejects.toMatchObject({ exitCode: 64 });
  });
  it.each([
    ['web', { kind: 'Application', namespace: 'argocd', name: 'web' }],
    ['team/web', { kind: 'Application', namespace: 'team', name: 'web' }],
    ['kustomization/apps', { kind: 'Kustomization', namespace: 'flux-system', name: 'apps' }],
  ])('of %s', async (app, expected) => expect((await run(nothing, { app })).query).toMatchObject(expected));
  it('of a namespace that was typed', async () => {
    const { query } = await run(nothing, { namespace: 'team', isNamespaceGiven: true });
    expect(query).toMatchObject({ namespace: 'team' });
    expect(query).not.toHaveProperty('name');
  });
});
