/** Jobs that run at one point of a sync: how they stand in Git, and what people do to them there. */
import type { Stored } from '#embedded/objects.ts';
import { memberOf } from './kubectl.ts';
import type { SeededRandom } from './random.ts';

export const jobKind = { group: 'batch', version: 'v1', plural: 'jobs' } as const;

const points = ['PreSync', 'PreSync', 'Sync', 'PostSync', 'PostSync', 'SyncFail'] as const;
/** Of an application's own end, with the finalizer that it has for each. */
const ends = {
  PreDelete: 'pre-delete-finalizer.argocd.argoproj.io',
  PostDelete: 'post-delete-finalizer.argocd.argoproj.io',
} as const;
export type End = keyof typeof ends;
export const endPoints = Object.keys(ends) as readonly End[];
const deletions = ['BeforeHookCreation', 'BeforeHookCreation', 'HookSucceeded', 'HookFailed'] as const;

export interface Hook {
  readonly name: string;
  readonly point: (typeof points)[number] | End;
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

/** What the names of hooks of an application's end begin with. */
export const endHookName = (app: string): string => `${app}-hook-end-`;

export function newEndHook(random: SeededRandom, name: string): Hook {
  return { ...newHook(random, name), point: random.pick(endPoints), fails: random.chance(0.15) };
}
export const isOfEnd = ({ point }: Hook): boolean => point in ends;

/** Whether a resource is held for its hooks of that point. */
export function isHeldFor(resource: Stored | undefined, point: End): boolean {
  return finalizersOf(resource).some((name) => name.startsWith(ends[point]));
}
/** Its finalizers without those for hooks. */
export function withoutHookFinalizers(resource: Stored | undefined): readonly string[] {
  return finalizersOf(resource).filter((name) => !endPoints.some((point) => name.startsWith(ends[point])));
}
const finalizersOf = (resource: Stored | undefined): readonly string[] =>
  (memberOf(resource, 'metadata', 'finalizers') ?? []) as readonly string[];

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
