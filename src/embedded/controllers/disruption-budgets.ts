/** Counts what a PodDisruptionBudget allows; evictions are not served. */
import type { Change } from '../store.ts';
import { isDeleting, keyOf, type Client } from './client.ts';
import { truth, withCondition } from './conditions.ts';
import { disruptionBudgets, pods, type DisruptionBudget } from './kinds.ts';
import { selects } from './labels.ts';
import { isFinished, isReady } from './pods.ts';
import { scaled } from './rollout.ts';
import type { Controller } from './runner.ts';

export class DisruptionBudgets implements Controller {
  readonly name = 'disruption-budgets';
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  concerns({ resource, object }: Change): readonly string[] {
    if (resource === disruptionBudgets.key) return [keyOf(object)];
    if (resource !== pods.key) return [];
    return this.#client.list(disruptionBudgets, object.metadata.namespace).map(keyOf);
  }

  sync(key: string): void {
    const budget = this.#client.at(disruptionBudgets, key);
    if (budget === undefined || isDeleting(budget)) return;
    const covered = this.#client
      .list(pods, budget.metadata.namespace)
      .filter((pod) => selects(budget.spec.selector, pod.metadata.labels) && !isFinished(pod));
    const expectedPods = covered.length;
    const currentHealthy = covered.filter((pod) => isReady(pod) && !isDeleting(pod)).length;
    const desiredHealthy = desired(budget, expectedPods);
    const disruptionsAllowed = Math.max(0, currentHealthy - desiredHealthy);
    const conditions = withCondition(budget.status.conditions, {
      type: 'DisruptionAllowed',
      status: truth(disruptionsAllowed > 0),
      observedGeneration: budget.metadata.generation ?? 1,
      lastTransitionTime: this.#client.now,
      reason: disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods',
      message: '',
    });
    this.#client.setStatus(disruptionBudgets, budget, {
      observedGeneration: budget.metadata.generation ?? 1,
      disruptionsAllowed,
      currentHealthy,
      desiredHealthy,
      expectedPods,
      conditions,
    });
  }
}

function desired({ spec }: DisruptionBudget, expected: number): number {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable !== undefined)
    return Math.max(0, expected - scaled(maxUnavailable, expected, Math.ceil));
  return scaled(minAvailable ?? 0, expected, Math.ceil);
}
