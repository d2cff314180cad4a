/** Jobs that run at one point of a sync: how they stand in Git, and what people do to them there. */
import type { SeededRandom } from './random.ts';

export const jobKind = { group: 'batch', version: 'v1', plural: 'jobs' } as const;

const points = ['PreSync', 'PreSync', 'Sync', 'PostSync', 'PostSync', 'SyncFail'] as const;
const deletions = ['BeforeHookCreation', 'BeforeHookCreation', 'HookSucceeded', 'HookFailed'] as const;

export interface Hook {
  readonly name: string;
  readonly point: (typeof points)[number];
  readonly deletion: (typeof deletions)[number];
  /** Each attempt has a Job with a name of its own. */
  readonly isNamedAnew: boolean;
  readonly fails: boolean;
  /** It begins when somebody lets it. */
  readonly isHeld?: true;
}

export function newHook(random: SeededRandom, name: string): Hook {
  const isNamedAnew = random.chance(0.2);
  return { name, point: random.pick(points), deletion: random.pick(deletions), isNamedAnew, fails: false };
}

export function hookManifest({ name, point, deletion, isNamedAnew, fails, isHeld }: Hook): object {
  const annotations = {
    'argocd.argoproj.io/hook': point,
    'argocd.argoproj.io/hook-delete-policy': deletion,
  };
  const end = fails ? { 'embedded.trueup.dev/fault': 'exit-1' } : {};
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...(isNamedAnew ? { generateName: `${name}-` } : { name }), annotations },
    spec: {
      backoffLimit: 0,
      ...(isHeld === true ? { suspend: true } : {}),
      template: {
        metadata: { annotations: end },
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox' }] },
      },
    },
  };
}
