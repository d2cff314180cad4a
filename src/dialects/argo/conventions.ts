/**
 * What annotations of objects ask for, as Argo CD's users write them. Helm's count only where an object has none of
 * Argo CD's own, but for delete policies: those of both hold. Source: Argo CD's pages on sync phases, waves and Helm hooks.
 */
import type { Conventions } from '#model/unit.ts';
import { compareOptionsAnnotation, objectCompareOptions } from './compare-options.ts';
import { objectOptions, syncOptionsAnnotation } from './sync-options.ts';

export const conventions: Conventions = {
  waves: ['argocd.argoproj.io/sync-wave', 'helm.sh/hook-weight'],
  hooks: [
    {
      key: 'argocd.argoproj.io/hook',
      values: {
        PreSync: 'pre',
        Sync: 'sync',
        PostSync: 'post',
        SyncFail: 'fail',
        PreDelete: 'pre-delete',
        PostDelete: 'post-delete',
        Skip: 'skip',
      },
      deletion: {
        key: 'argocd.argoproj.io/hook-delete-policy',
        values: { BeforeHookCreation: 'before', HookSucceeded: 'succeeded', HookFailed: 'failed' },
      },
    },
    {
      key: 'helm.sh/hook',
      values: {
        'crd-install': 'object',
        'pre-install': 'pre',
        'pre-upgrade': 'pre',
        'post-install': 'post',
        'post-upgrade': 'post',
        'pre-delete': 'pre-delete',
        'post-delete': 'post-delete',
        'pre-rollback': 'skip',
        'post-rollback': 'skip',
        test: 'skip',
        'test-success': 'skip',
        'test-failure': 'skip',
      },
      deletion: {
        key: 'helm.sh/hook-delete-policy',
        values: {
          'before-hook-creation': 'before',
          'hook-succeeded': 'succeeded',
          'hook-failed': 'failed',
        },
      },
    },
  ],
  options: [
    // Helm keeps such objects, whatever becomes of the release.
    { key: 'helm.sh/resource-policy', values: { keep: { prune: 'no', deletion: 'no' } } },
    { key: syncOptionsAnnotation, values: objectOptions },
    { key: compareOptionsAnnotation, values: objectCompareOptions },
  ],
};
