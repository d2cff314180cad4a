/** Keeps one pod on every node that may have it. */
import type { Change } from '../store.ts';
import { isDeleting, keyOf, type Client } from './client.ts';
import {
  controllerRevisions,
  daemonSets,
  nodes,
  pods,
  type DaemonSet,
  type Node,
  type Pod,
} from './kinds.ts';
import { claim, ownersOf } from './ownership.ts';
import { isFinished, isReady, untilAvailableMs } from './pods.ts';
import type { Recorder, Tell } from './recorder.ts';
import { counts } from './replicasets.ts';
import { ensureRevision, pruneRevisions, revisionHashLabel } from './revisions.ts';
import { scaled } from './rollout.ts';
import type { Again, Controller } from './runner.ts';
import { mayRun } from './scheduler.ts';
import { createPod } from './templates.ts';

/** What of a set is on a node. */
interface Seat {
  readonly node: Node;
  readonly wanted: boolean;
  readonly fresh: Pod | undefined;
  readonly old: Pod | undefined;
}
const tolerated = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
].map(([key, effect]) => ({ key, operator: 'Exists', effect }));

export class DaemonSets implements Controller {
  readonly name = 'daemonsets';
  readonly #client: Client;
  readonly #tell: Tell;
  readonly #concernsOwned: (change: Change) => readonly string[];

  constructor(client: Client, recorder: Recorder) {
    this.#client = client;
    this.#tell = recorder.as('daemonset-controller');
    this.#concernsOwned = ownersOf(client, daemonSets, [pods, controllerRevisions]);
  }

  concerns(change: Change): readonly string[] {
    return change.resource === nodes.key
      ? this.#client.list(daemonSets).map(keyOf)
      : this.#concernsOwned(change);
  }

  sync(key: string, again: Again): void {
    const set = this.#client.at(daemonSets, key);
    if (set === undefined) return;
    const { update, all } = ensureRevision(this.#client, daemonSets, set);
    const hash = update.metadata.labels?.[revisionHashLabel] ?? '';
    if (!isDeleting(set)) {
      const seats = this.#seats(set, hash);
      this.#fill(set, seats, hash);
      if (set.spec.updateStrategy?.type !== 'OnDelete') this.#renew(set, seats, hash, again);
    }
    const live = new Set([update.metadata.name]);
    for (const pod of claim(this.#client, daemonSets, set, pods))
      live.add(`${set.metadata.name}-${pod.metadata.labels?.[revisionHashLabel]}`);
    pruneRevisions(this.#client, set, all, live);
    this.#report(set, this.#seats(set, hash), again);
  }

  #seats(set: DaemonSet, hash: string): readonly Seat[] {
    const mine = claim(this.#client, daemonSets, set, pods).filter((pod) => !isDeleting(pod));
    const isFresh = ({ metadata }: Pod): boolean => metadata.labels?.[revisionHashLabel] === hash;
    return this.#client.list(nodes).map((node) => {
      const here = mine.filter((pod) => nodeOf(pod) === node.metadata.name);
      return {
        node,
        wanted: mayRun(set.spec.template, node),
        fresh: here.find(isFresh),
        old: here.find((pod) => !isFresh(pod)),
      };
    });
  }

  #fill(set: DaemonSet, seats: readonly Seat[], hash: string): void {
    const leaving = new Set(claim(this.#client, daemonSets, set, pods).filter(isDeleting).map(nodeOf));
    for (const { node, wanted, fresh, old } of seats) {
      const { name } = node.metadata;
      for (const pod of [fresh, old]) {
        if (pod === undefined) continue;
        if (isFinished(pod)) {
          const message = `Found failed daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${name}, will try to kill it`;
          this.#tell(set, 'FailedDaemonPod', message, { type: 'Warning' });
        }
        if (isFinished(pod) || !wanted) this.#delete(set, pod);
      }
      // A pod that is ending still has its place.
      if (wanted && fresh === undefined && old === undefined && !leaving.has(name))
        this.#create(set, name, hash);
    }
  }

  #renew(set: DaemonSet, seats: readonly Seat[], hash: string, again: Again): void {
    const places = seats.filter(({ wanted }) => wanted);
    const { maxSurge = 0, maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {};
    const isUp = (pod: Pod | undefined): boolean => pod !== undefined && this.#isAvailable(set, pod, again);
    const surge = scaled(maxSurge, places.length, Math.ceil);
    if (surge > 0) {
      let spare =
        surge -
        places.filter(({ fresh, old }) => fresh !== undefined && old !== undefined && !isUp(fresh)).length;
      for (const { node, fresh, old } of places) {
        if (old === undefined) continue;
        if (isUp(fresh)) this.#delete(set, old);
        else if (fresh === undefined && (spare > 0 || !isUp(old))) {
          this.#create(set, node.metadata.name, hash);
          spare -= 1;
        }
      }
      return;
    }
    const most = scaled(maxUnavailable, places.length, Math.ceil);
    let spare = most - places.filter(({ fresh, old }) => !isUp(fresh ?? old)).length;
    for (const { fresh, old } of places) {
      if (old === undefined || fresh !== undefined) continue;
      if (isUp(old) && spare <= 0) continue;
      if (isUp(old)) spare -= 1;
      this.#delete(set, old);
    }
  }

  #isAvailable(set: DaemonSet, pod: Pod, again: Again): boolean {
    const wait = untilAvailableMs(pod, set.spec.minReadySeconds ?? 0, this.#client.clock.now());
    if (wait !== undefined && wait > 0) again(wait);
    return wait === 0;
  }

  /** Bound by the scheduler, through an affinity to this one node. */
  #create(set: DaemonSet, node: string, hash: string): void {
    const { affinity, tolerations = [] } = set.spec.template.spec;
    const nodeSelectorTerms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }];
    const pod = createPod(this.#client, daemonSets, set, set.spec.template, {
      labels: { [revisionHashLabel]: hash },
      spec: {
        affinity: {
          ...affinity,
          nodeAffinity: {
            ...affinity?.nodeAffinity,
            requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
          },
        },
        tolerations: [...tolerations, ...tolerated],
      },
    });
    this.#tell(set, 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
  }

  #delete(set: DaemonSet, pod: Pod): void {
    this.#client.delete(pods.key, pod);
    this.#tell(set, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }

  #report(set: DaemonSet, seats: readonly Seat[], again: Again): void {
    const places = seats.filter(({ wanted }) => wanted);
    const isTaken = ({ fresh, old }: Seat): boolean => (fresh ?? old) !== undefined;
    const taken = places.filter(isTaken).map(({ fresh, old }) => (old ?? fresh)!);
    const available = taken.filter((pod) => this.#isAvailable(set, pod, again)).length;
    this.#client.setStatus(daemonSets, set, {
      currentNumberScheduled: taken.length,
      numberMisscheduled: seats.filter((seat) => !seat.wanted && isTaken(seat)).length,
      desiredNumberScheduled: places.length,
      numberReady: taken.filter(isReady).length,
      observedGeneration: set.metadata.generation ?? 1,
      ...counts({
        updatedNumberScheduled: places.filter(({ fresh, old }) => fresh !== undefined && old === undefined)
          .length,
        numberAvailable: available,
        numberUnavailable: places.length - available,
      }),
    });
  }
}

/** Where it is, or will be. */
function nodeOf({ spec }: Pod): string | undefined {
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return spec.nodeName ?? terms?.[0]?.matchFields?.[0]?.values?.[0];
}
