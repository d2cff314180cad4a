/** Annotations that are passed over, and what is said of them. */
import { expect, it } from 'vitest';
import { refOf, type Manifest } from '#model/object.ts';
import { unit } from '../plan/planning.fixture.ts';
import { idleOptions, judge } from './limits.ts';

const annotated = (key: string, value: string): Parameters<typeof judge>[1] => {
  const manifest: Manifest = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'one', namespace: 'web', annotations: { [`argocd.argoproj.io/${key}`]: value } },
  };
  return [{ ref: refOf(manifest), manifest, at: { path: 'x.yaml' } }];
};

it.each([
  'CreateNamespace=true',
  'RespectIgnoreDifferences=true',
  'ClientSideApplyMigration=false',
  'DisableClientSideApplyMigration=true',
  'Validate=false',
  'ServerSideApply=false',
  'FailOnSharedResource=false',
])('%s on an object stops nothing, and is a warning that names it', (option) => {
  const objects = annotated('sync-options', `Prune=false, ${option}`);
  expect(judge(unit.limits, objects)).toEqual([]);
  expect(idleOptions(unit.limits, objects)).toMatchObject([
    {
      code: 'OptionWithoutEffect',
      subject: { name: 'one' },
      message: expect.stringContaining(`"${option}" has no effect: `),
    },
  ]);
});
it.each(['ServerSideDiff=false', 'IncludeMutationWebhook=true'])(
  '%s on an object stops nothing, and is a warning that names it',
  (option) => {
    const objects = annotated('compare-options', `IgnoreExtraneous,${option}`);
    expect(judge(unit.limits, objects)).toEqual([]);
    expect(idleOptions(unit.limits, objects)).toMatchObject([
      { message: expect.stringContaining(`"${option}" has no effect: `) },
    ]);
  },
);
it.each([
  ['sync-options', 'PrunePropagationPolicy=background'],
  ['compare-options', 'IncludeMutationWebhook=false'],
  ['sync-options', ''],
])('%s: "%s" is as asked, and nothing is said', (key, value) => {
  expect(judge(unit.limits, annotated(key, value))).toEqual([]);
  expect(idleOptions(unit.limits, annotated(key, value))).toEqual([]);
});
it('F30: what is not known is refused all the same', () => {
  for (const value of ['Prune=maybe', 'toString', 'Prune=false,x'])
    expect(judge(unit.limits, annotated('sync-options', value))).toMatchObject([{ code: 'Unsupported' }]);
});
