/** Keeps what a HorizontalPodAutoscaler scales within its limits. There are no metrics: the load is always as wanted. */
import type { Stored } from '../objects.ts';
import type { Change } from '../store.ts';
import { isDeleting, keyOf, type Client } from './client.ts';
import { conditionOf, withCondition } from './conditions.ts';
import {
  autoscalers,
  deployments,
  replicaSets,
  statefulSets,
  type Autoscaler,
  type KindOf,
  type Truth,
} from './kinds.ts';
import type { Recorder, Tell } from './recorder.ts';
import type { Controller } from './runner.ts';

type Target = Stored & {
  readonly spec: { readonly replicas: number };
  readonly status: { readonly replicas?: number };
};
const scalable: readonly KindOf<Target>[] = [deployments, statefulSets, replicaSets];

export class Autoscalers implements Controller {
  readonly name = 'autoscalers';
  readonly #client: Client;
  readonly #tell: Tell;

  constructor(client: Client, recorder: Recorder) {
    this.#client = client;
    this.#tell = recorder.as('horizontal-pod-autoscaler');
  }

  concerns({ resource, object }: Change): readonly string[] {
    if (resource === autoscalers.key) return [keyOf(object)];
    if (!scalable.some(({ key }) => key === resource)) return [];
    return this.#client.list(autoscalers, object.metadata.namespace).map(keyOf);
  }

  sync(key: string): void {
    const scaler = this.#client.at(autoscalers, key);
    if (scaler === undefined || isDeleting(scaler)) return;
    const { minReplicas = 1, maxReplicas, scaleTargetRef } = scaler.spec;
    const kind = scalable.find(
      (each) => each.kind === scaleTargetRef.kind && each.apiVersion === scaleTargetRef.apiVersion,
    );
    const namespace = scaler.metadata.namespace ?? '';
    const target = kind === undefined ? undefined : this.#client.get(kind, namespace, scaleTargetRef.name);
    if (kind === undefined || target === undefined) {
      const why = `${scaleTargetRef.kind} "${scaleTargetRef.name}" not found`;
      const message = `the HPA controller was unable to get the target's current scale: ${why}`;
      this.#report(scaler, {}, [['AbleToScale', 'False', 'FailedGetScale', message]]);
      return;
    }
    const { replicas } = target.spec;
    const currentReplicas = target.status.replicas ?? 0;
    if (replicas === 0) {
      const message = 'scaling is disabled since the replica count of the target is zero';
      this.#report(scaler, { currentReplicas, desiredReplicas: 0 }, [
        able,
        ['ScalingActive', 'False', 'ScalingDisabled', message],
      ]);
      return;
    }
    const desiredReplicas = Math.min(maxReplicas, Math.max(minReplicas, replicas));
    if (desiredReplicas !== replicas) {
      this.#client.scale(kind, target, desiredReplicas);
      const bound = desiredReplicas > replicas ? 'below Spec.MinReplicas' : 'above Spec.MaxReplicas';
      const reason = `Current number of replicas ${bound}`;
      this.#tell(scaler, 'SuccessfulRescale', `New size: ${desiredReplicas}; reason: ${reason}`);
    }
    const scaled = desiredReplicas === replicas ? {} : { lastScaleTime: this.#client.now };
    this.#report(scaler, { currentReplicas, desiredReplicas, ...scaled }, [able, active, within]);
  }

  #report(scaler: Autoscaler, numbers: object, verdicts: readonly Verdict[]): void {
    let conditions = scaler.status.conditions ?? [];
    for (const [type, state, reason, message] of verdicts) {
      const known = conditionOf(conditions, type);
      if (known?.status === state && known.reason === reason) continue;
      conditions = withCondition(conditions, {
        type,
        status: state,
        lastTransitionTime: this.#client.now,
        reason,
        message,
      });
    }
    this.#client.setStatus(autoscalers, scaler, {
      ...scaler.status,
      observedGeneration: scaler.metadata.generation ?? 1,
      ...numbers,
      conditions,
    });
  }
}

type Verdict = readonly [type: string, status: Truth, reason: string, message: string];
const able: Verdict = ['AbleToScale', 'True', 'ReadyForNewScale', 'recommended size matches current size'];
const active: Verdict = [
  'ScalingActive',
  'True',
  'ValidMetricFound',
  'the embedded cluster has no metrics: the load is taken to be as wanted',
];
const within: Verdict = [
  'ScalingLimited',
  'False',
  'DesiredWithinRange',
  'the desired count is within the acceptable range',
];
