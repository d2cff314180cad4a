/** Keeps pods with stable names and claims of their own, started and replaced in order. */
import type { Change } from '../store.ts';
import { isDeleting, type Client } from './client.ts';
import {
  claims,
  controllerRevisions,
  pods,
  statefulSets,
  type Claim,
  type ControllerRevision,
  type Pod,
  type StatefulSet,
} from './kinds.ts';
import { claim, controlledBy, ownersOf } from './ownership.ts';
import { isFinished, isReady, untilAvailableMs } from './pods.ts';
import type { Recorder, Tell } from './recorder.ts';
import { counts } from './replicasets.ts';
import { ensureRevision, pruneRevisions, revisionHashLabel, templateOf } from './revisions.ts';
import type { Again, Controller } from './runner.ts';
import { createPod } from './templates.ts';

/** A set at the moment of a look. */
interface View {
  readonly set: StatefulSet;
  readonly update: ControllerRevision;
  readonly current: ControllerRevision;
  readonly pods: ReadonlyMap<number, Pod>;
  readonly again: Again;
}
const revisionOf = ({ metadata }: Pod): string => metadata.labels?.[revisionHashLabel] ?? '';

export class StatefulSets implements Controller {
  readonly name = 'statefulsets';
  readonly concerns: (change: Change) => readonly string[];
  readonly #client: Client;
  readonly #tell: Tell;

  constructor(client: Client, recorder: Recorder) {
    this.#client = client;
    this.#tell = recorder.as('statefulset-controller');
    this.concerns = ownersOf(client, statefulSets, [pods, controllerRevisions]);
  }

  sync(key: string, again: Again): void {
    const set = this.#client.at(statefulSets, key);
    if (set === undefined) return;
    const { update, all } = ensureRevision(this.#client, statefulSets, set);
    const current = all.find(({ metadata }) => metadata.name === set.status.currentRevision) ?? update;
    if (!isDeleting(set)) this.#manage({ set, update, current, pods: this.#pods(set), again });
    const now = this.#pods(set);
    this.#report({ set, update, current, pods: now, again });
    const live = new Set([update.metadata.name, current.metadata.name, ...[...now.values()].map(revisionOf)]);
    pruneRevisions(this.#client, set, all, live);
  }

  #pods(set: StatefulSet): ReadonlyMap<number, Pod> {
    const found = new Map<number, Pod>();
    for (const pod of claim(this.#client, statefulSets, set, pods)) {
      const { name } = pod.metadata;
      const [, ordinal] = /-(\d+)$/.exec(name) ?? [];
      if (ordinal !== undefined && name === `${set.metadata.name}-${ordinal}`)
        found.set(Number(ordinal), pod);
    }
    return found;
  }

  /** Unless it may burst, one pod at a time: each waits for those before it. */
  #manage(view: View): void {
    const { set, pods: present } = view;
    const first = set.spec.ordinals?.start ?? 0;
    const ordinals = Array.from({ length: set.spec.replicas }, (_, at) => first + at);
    const inOrder = set.spec.podManagementPolicy !== 'Parallel';
    for (const ordinal of ordinals) {
      const isSettled = this.#keep(view, ordinal, present.get(ordinal));
      if (!isSettled && inOrder) return;
    }
    const condemned = [...present]
      .filter(([ordinal]) => !ordinals.includes(ordinal))
      .toSorted(([a], [b]) => b - a);
    for (const [, pod] of condemned) {
      if (!isDeleting(pod)) this.#condemn(set, pod);
      if (inOrder) return;
    }
    if (set.spec.updateStrategy?.type !== 'OnDelete') this.#renew(view, ordinals);
  }

  /** Whether the pod is there and available. */
  #keep(view: View, ordinal: number, pod: Pod | undefined): boolean {
    if (pod === undefined) {
      this.#create(view, ordinal);
      return false;
    }
    if (isFinished(pod) && !isDeleting(pod)) this.#delete(view.set, pod);
    return !isFinished(pod) && this.#isAvailable(view, pod);
  }

  #isAvailable({ set, again }: View, pod: Pod): boolean {
    if (isDeleting(pod)) return false;
    const wait = untilAvailableMs(pod, set.spec.minReadySeconds ?? 0, this.#client.clock.now());
    if (wait !== undefined && wait > 0) again(wait);
    return wait === 0;
  }

  /** From the last to the partition, one after the other. */
  #renew(view: View, ordinals: readonly number[]): void {
    const partition = view.set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
    for (const ordinal of ordinals.filter((_, at) => at >= partition).toReversed()) {
      const pod = view.pods.get(ordinal);
      if (pod === undefined) return;
      if (revisionOf(pod) !== view.update.metadata.name && !isDeleting(pod)) {
        this.#delete(view.set, pod);
        return;
      }
      if (!this.#isAvailable(view, pod)) return;
    }
  }

  #create({ set, update, current }: View, ordinal: number): void {
    const { updateStrategy, ordinals, volumeClaimTemplates = [], template, serviceName } = set.spec;
    const index = ordinal - (ordinals?.start ?? 0);
    const { rollingUpdate } = updateStrategy ?? {};
    const kept =
      rollingUpdate === undefined ? (set.status.currentReplicas ?? 0) : (rollingUpdate.partition ?? 0);
    const revision = updateStrategy?.type !== 'OnDelete' && index < kept ? current : update;
    const name = `${set.metadata.name}-${ordinal}`;
    for (const each of volumeClaimTemplates) this.#claim(set, each, name);
    const { spec, ...rest } = templateOf(revision) ?? template;
    const claimed = new Set(volumeClaimTemplates.map(({ metadata }) => metadata.name));
    const volumes = [
      ...(spec.volumes ?? []).filter((volume) => !claimed.has(volume.name)),
      ...[...claimed].map((volume) => ({
        name: volume,
        persistentVolumeClaim: { claimName: `${volume}-${name}` },
      })),
    ];
    createPod(
      this.#client,
      statefulSets,
      set,
      { ...rest, spec },
      {
        name,
        labels: {
          [revisionHashLabel]: revision.metadata.name,
          'statefulset.kubernetes.io/pod-name': name,
          'apps.kubernetes.io/pod-index': String(ordinal),
        },
        spec: {
          hostname: name,
          ...(serviceName === undefined ? {} : { subdomain: serviceName }),
          ...(volumes.length === 0 ? {} : { volumes }),
        },
      },
    );
    this.#tell(set, 'SuccessfulCreate', `Create Pod ${name} in StatefulSet ${set.metadata.name} successful`);
  }

  #claim(
    set: StatefulSet,
    { metadata, spec }: Pick<Claim, 'spec'> & { metadata: { name: string } },
    pod: string,
  ): void {
    const namespace = set.metadata.namespace ?? '';
    const name = `${metadata.name}-${pod}`;
    if (this.#client.get(claims, namespace, name) !== undefined) return;
    const { whenDeleted } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
    const labels = { ...(metadata as Claim['metadata']).labels, ...set.spec.selector.matchLabels };
    const owned = whenDeleted === 'Delete' ? { ownerReferences: [controlledBy(statefulSets, set)] } : {};
    this.#client.create(claims, namespace, { metadata: { ...metadata, name, labels, ...owned }, spec });
    const message = `Create Claim ${name} Pod ${pod} in StatefulSet ${set.metadata.name} success`;
    this.#tell(set, 'SuccessfulCreate', message);
  }

  /** Its claims go with it where the set says so. */
  #condemn(set: StatefulSet, pod: Pod): void {
    if (set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete')
      for (const { persistentVolumeClaim } of pod.spec.volumes ?? []) {
        const { namespace = '' } = set.metadata;
        const found = this.#client.get(claims, namespace, persistentVolumeClaim?.claimName ?? '');
        const ownerReferences = [controlledBy(pods, pod)];
        if (found !== undefined) this.#client.patch(claims, found, { metadata: { ownerReferences } });
      }
    this.#delete(set, pod);
  }

  #delete(set: StatefulSet, pod: Pod): void {
    this.#client.delete(pods.key, pod);
    const message = `Delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
    this.#tell(set, 'SuccessfulDelete', message);
  }

  #report({ set, update, current, pods: present, again }: View): void {
    const all = [...present.values()];
    const of = (revision: ControllerRevision): number =>
      all.filter((pod) => !isDeleting(pod) && revisionOf(pod) === revision.metadata.name).length;
    const ready = all.filter(isReady).length;
    const updated = of(update);
    const wanted = set.spec.replicas;
    const isDone = updated === wanted && ready === wanted && all.length === wanted;
    const isRolling = set.spec.updateStrategy?.type !== 'OnDelete';
    const now = isDone && isRolling ? update : current;
    this.#client.setStatus(statefulSets, set, {
      observedGeneration: set.metadata.generation ?? 1,
      replicas: all.length,
      ...counts({ readyReplicas: ready, currentReplicas: of(now), updatedReplicas: updated }),
      currentRevision: now.metadata.name,
      updateRevision: update.metadata.name,
      collisionCount: 0,
      availableReplicas: all.filter((pod) =>
        this.#isAvailable({ set, update, current, pods: present, again }, pod),
      ).length,
    });
  }
}
