/** Which windows of a project an Application is subject to. */
import { describe, expect, it } from 'vitest';
import type { ProjectWindow } from './project.ts';
import { windowsOf, type Windows } from './sync-windows.ts';

const question = {
  application: 'web-prod',
  project: 'payments',
  controlNamespace: 'argocd',
  applicationNamespace: 'argocd',
  repositories: [],
  server: 'https://kubernetes.default.svc',
  namespace: 'payments',
};
const ask = (window: Partial<ProjectWindow>): Windows =>
  windowsOf([{ kind: 'deny', schedule: '0 22 * * *', duration: '1h30m', ...window }], question);

describe('windows of a project', () => {
  it('are read whole', () => {
    expect(ask({ applications: ['*'], timeZone: 'Europe/Berlin', manualSync: true })).toEqual({
      windows: [
        {
          kind: 'deny',
          schedule: '0 22 * * *',
          durationMs: 5_400_000,
          timeZone: 'Europe/Berlin',
          manualSync: true,
          of: 'AppProject payments',
        },
      ],
      problems: [],
    });
  });
  it.each<[string, Partial<ProjectWindow>, boolean]>([
    ['by name', { applications: ['*-prod'] }, true],
    ['by another name', { applications: ['*-dev'] }, false],
    ['by one of several names', { applications: ['{web,api}-*'] }, true],
    ['by a class of characters', { applications: ['[a-w]eb-[!0-9]*'] }, true],
    ['by none of a class', { applications: ['[!w]*'] }, false],
    ['by namespace', { namespaces: ['pay*'] }, true],
    ['by the address of the cluster', { clusters: ['https://kubernetes.*'] }, true],
    ['by the name of the cluster', { clusters: ['in-cluster'] }, true],
    ['by one of several', { applications: ['other'], namespaces: ['payments'] }, true],
    ['andOperator: by all', { applications: ['other'], namespaces: ['payments'], andOperator: true }, false],
    [
      'andOperator: all match',
      { applications: ['web-*'], namespaces: ['payments'], andOperator: true },
      true,
    ],
    ['by nothing: it concerns nobody', {}, false],
    ['by nothing, with andOperator', { andOperator: true }, false],
  ])('%s', (_, window, concerns) => {
    expect(ask(window).windows).toHaveLength(concerns ? 1 : 0);
  });
  it.each<[string, Partial<ProjectWindow>, RegExp]>([
    ['a schedule', { schedule: '0 25 * * *' }, /spec\.syncWindows\[0\]/],
    ['a schedule of six fields', { schedule: '0 0 22 * * *' }, /spec\.syncWindows\[0\]/],
    ['a duration', { duration: 'long' }, /"long" is not a duration/],
    ['a time zone', { timeZone: 'Europe/Nowhere' }, /spec\.syncWindows\[0\]/],
  ])('F28: %s that cannot be read is named', (_, window, pattern) => {
    expect(ask({ applications: ['*'], ...window }).problems[0]?.message).toMatch(pattern);
    expect(ask(window).problems).toEqual([]);
  });
  it.each<Partial<ProjectWindow>>([
    { applications: ['{web,api'] },
    { namespaces: ['web-[0-9'] },
    { clusters: ['other', 'a\\'] },
  ])('F28: a pattern that cannot be read denies: %j', (window) => {
    const { problems } = ask(window);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toContain(Object.values(window as Record<string, string[]>)[0]?.at(-1));
  });
});
