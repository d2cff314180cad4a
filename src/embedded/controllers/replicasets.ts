/** Keeps as many pods as a ReplicaSet asks for. */
import type { Change } from '../store.ts';
import { isDeleting, type Client } from './client.ts';
import { conditionOf, withCondition, withoutCondition } from './conditions.ts';
import { pods, replicaSets, type Pod, type ReplicaSet } from './kinds.ts';
import { hasLabels } from './labels.ts';
import { claim, ownersOf } from './ownership.ts';
import { byDispensability, isActive, isReady, isTerminating, untilAvailableMs } from './pods.ts';
import type { Recorder, Tell } from './recorder.ts';
import type { Again, Controller } from './runner.ts';
import { StatusError } from '../status.ts';
import { createPod } from './templates.ts';

export class ReplicaSets implements Controller {
  readonly name = 'replicasets';
  readonly concerns: (change: Change) => readonly string[];
  readonly #client: Client;
  readonly #tell: Tell;

  constructor(client: Client, recorder: Recorder) {
    this.#client = client;
    this.#tell = recorder.as('replicaset-controller');
    this.concerns = ownersOf(client, replicaSets, [pods]);
  }

  sync(key: string, again: Again): void {
    const set = this.#client.at(replicaSets, key);
    if (set === undefined) return;
    const mine = claim(this.#client, replicaSets, set, pods);
    const active = mine.filter(isActive);
    const refusal = isDeleting(set) ? undefined : this.#manage(set, active);
    const now = claim(this.#client, replicaSets, set, pods);
    this.#report(set, now, refusal, again);
    if (refusal !== undefined) throw refusal;
  }

  /** Gives what the API refused, if it did. */
  #manage(set: ReplicaSet, active: readonly Pod[]): StatusError | undefined {
    const missing = set.spec.replicas - active.length;
    try {
      for (let count = 0; count < missing; count += 1) {
        const pod = createPod(this.#client, replicaSets, set, set.spec.template);
        this.#tell(set, 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      }
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#tell(set, 'FailedCreate', `Error creating: ${error.message}`, { type: 'Warning' });
      return error;
    }
    for (const pod of active.toSorted(byDispensability).slice(0, Math.max(0, -missing))) {
      this.#client.delete(pods.key, pod);
      this.#tell(set, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
    }
    return undefined;
  }

  #report(set: ReplicaSet, mine: readonly Pod[], refusal: StatusError | undefined, again: Again): void {
    const { minReadySeconds = 0, template } = set.spec;
    const active = mine.filter(isActive);
    const nowMs = this.#client.clock.now();
    const waits = active.map((pod) => untilAvailableMs(pod, minReadySeconds, nowMs));
    const next = Math.min(...waits.filter((wait) => wait !== undefined && wait > 0).map(Number));
    if (next !== Infinity) again(next);
    this.#client.setStatus(replicaSets, set, {
      replicas: active.length,
      ...counts({
        fullyLabeledReplicas: active.filter(({ metadata }) =>
          hasLabels(metadata.labels ?? {}, template.metadata?.labels),
        ).length,
        readyReplicas: active.filter(isReady).length,
        availableReplicas: waits.filter((wait) => wait === 0).length,
      }),
      terminatingReplicas: mine.filter(isTerminating).length,
      observedGeneration: set.metadata.generation ?? 1,
      ...this.#conditions(set, refusal),
    });
  }

  #conditions(set: ReplicaSet, refusal: StatusError | undefined): object {
    const { conditions = [] } = set.status;
    const type = 'ReplicaFailure';
    if (refusal !== undefined && conditionOf(conditions, type) !== undefined) return { conditions };
    const { now } = this.#client;
    const next =
      refusal === undefined
        ? withoutCondition(conditions, type)
        : withCondition(conditions, {
            type,
            status: 'True',
            lastTransitionTime: now,
            reason: 'FailedCreate',
            message: refusal.message,
          });
    return next.length === 0 ? {} : { conditions: next };
  }
}

/** Of counts that Kubernetes leaves out of a status while they are 0. */
export function counts(all: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0));
}
