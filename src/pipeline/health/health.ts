/** The health stage: what a live object says of itself, and what that means for the Unit. Pure; waits inside a plan and the report after it both use it. */
import type { Health, ObjectHealth } from '#model/observed.ts';
import type { Manifest, ObjectRef } from '#model/object.ts';
import type { HealthReport } from '#model/outcome.ts';
import { application } from './applications.ts';
import {
  apiService,
  customResourceDefinition,
  horizontalPodAutoscaler,
  namespace,
  podDisruptionBudget,
  terminationOf,
} from './cluster-services.ts';
import { custom } from './custom.ts';
import { cronJob, job } from './jobs.ts';
import { indexOf, judgeKnown, kindName } from './known-kind.ts';
import { knownKinds } from './known/index.ts';
import { ingress, service } from './network.ts';
import { pod } from './pods.ts';
import { health, type HealthRule, type Judgement } from './reading.ts';
import { persistentVolume, persistentVolumeClaim } from './storage.ts';
import { daemonSet, deployment, replicaSet, statefulSet } from './workloads.ts';

/** By `group/Kind`, or `Kind` in the core group: a kind's versions have one rule. */
const rules: ReadonlyMap<string, HealthRule> = new Map([
  ['apps/Deployment', deployment],
  ['apps/StatefulSet', statefulSet],
  ['apps/DaemonSet', daemonSet],
  ['apps/ReplicaSet', replicaSet],
  ['Pod', pod],
  ['ReplicationController', replicaSet],
  ['Service', service],
  ['PersistentVolumeClaim', persistentVolumeClaim],
  ['PersistentVolume', persistentVolume],
  ['Namespace', namespace],
  ['batch/Job', job],
  ['batch/CronJob', cronJob],
  ['networking.k8s.io/Ingress', ingress],
  ['extensions/Ingress', ingress],
  ['autoscaling/HorizontalPodAutoscaler', horizontalPodAutoscaler],
  ['policy/PodDisruptionBudget', podDisruptionBudget],
  ['apiregistration.k8s.io/APIService', apiService],
  ['apiextensions.k8s.io/CustomResourceDefinition', customResourceDefinition],
  ['argoproj.io/Application', application],
]);

const knownKind = indexOf(knownKinds);

/** What `argocd-cm` says about an object; undefined where it says nothing. */
export type Customized = (manifest: Manifest) => Judgement | undefined;

/** The health of one live object, and why. Never throws, whatever the status looks like. */
export function judgeHealth(manifest: Manifest, customized?: Customized): Judgement {
  if (manifest.metadata['deletionTimestamp'] !== undefined)
    return counted(manifest, { health: deleting(manifest), rule: 'it is being deleted' });
  return counted(manifest, customized?.(manifest) ?? builtIn(manifest));
}

export function healthOf(manifest: Manifest): ObjectHealth {
  return judgeHealth(manifest).health;
}

function builtIn(manifest: Manifest): Judgement {
  const name = kindName(manifest);
  const rule = rules.get(name);
  // In Argo CD an Application says nothing about another one, until somebody customises that.
  if (rule === application)
    return uncounted({ health: rule(manifest), rule: `the rule of ${name}, which does not count` });
  if (rule !== undefined) return { health: rule(manifest), rule: `the rule of ${name}` };
  const known = knownKind(name);
  if (known !== undefined) return judgeKnown(known, manifest);
  return { health: custom(manifest), rule: 'the conventions of kstatus' };
}

const ignoreAnnotation = 'argocd.argoproj.io/ignore-healthcheck';

/** Who is asked not to count does not. */
function counted(manifest: Manifest, judgement: Judgement): Judgement {
  return manifest.metadata.annotations?.[ignoreAnnotation] === 'true' ? uncounted(judgement) : judgement;
}

function uncounted(judgement: Judgement): Judgement {
  return { ...judgement, health: { ...judgement.health, counts: false } };
}

/** An object that waits for a finalizer names it: somebody has to find out who was to remove it (F27). */
function deleting(manifest: Manifest): ObjectHealth {
  const finalizers = manifest.metadata['finalizers'];
  const names = Array.isArray(finalizers) ? finalizers.filter((name) => typeof name === 'string') : [];
  if (names.length > 0)
    return health(
      'Progressing',
      `It is being deleted and waits for the finalizer${names.length === 1 ? '' : 's'} ${names.join(', ')}`,
    );
  if (manifest.kind === 'Namespace') return health('Progressing', terminationOf(manifest));
  return health('Progressing', 'It is being deleted');
}

/** From best to worst. */
export const healthOrder: readonly Health[] = [
  'Healthy',
  'Suspended',
  'Progressing',
  'Missing',
  'Degraded',
  'Unknown',
];

/** The worst of the objects, with the first object that is so bad and the sentence that explains it. */
export function reportOf(
  objects: readonly { readonly ref: ObjectRef; readonly health: ObjectHealth }[],
): HealthReport {
  let worst: (typeof objects)[number] | undefined;
  for (const object of objects)
    if (
      object.health.counts !== false &&
      rank(object.health.status) > rank(worst?.health.status ?? 'Healthy')
    )
      worst = object;
  return {
    overall: worst?.health.status ?? 'Healthy',
    ...(worst === undefined
      ? {}
      : {
          because: { object: worst.ref, sentence: worst.health.message ?? `It is ${worst.health.status}.` },
        }),
    objects: objects.map(({ ref, health: own }) => ({ ...own, ref })),
  };
}

function rank(status: Health): number {
  return healthOrder.indexOf(status);
}
