/** Runs the pods that are bound to a node: nothing is executed, their status moves as if it were. */
import type { Change } from '../store.ts';
import { isDeleting, keyOf, type Client } from './client.ts';
import { ended, turnOf, waitingFor } from './container-turns.ts';
import { configMaps, pods, secrets, type Container, type ContainerStatus, type Pod } from './kinds.ts';
import { missingVariable, missingVolume } from './needs.ts';
import { nodeAddress, nodeName } from './node.ts';
import { Pace } from './pace.ts';
import { isInitialized, podStatus, type Parts } from './pod-status.ts';
import { isFinished } from './pods.ts';
import type { Recorder, Tell } from './recorder.ts';
import type { Again, Controller } from './runner.ts';

const stopMsMax = 1000;

export class Kubelet implements Controller {
  readonly name = 'kubelet';
  readonly #client: Client;
  readonly #tell: Tell;
  readonly #pace: Pace;
  /** What was said already of pods whose volumes are missing. */
  readonly #unmounted = new Map<string, string>();

  constructor(client: Client, recorder: Recorder) {
    this.#client = client;
    this.#tell = recorder.as('kubelet', nodeName);
    this.#pace = new Pace(client.clock);
  }

  concerns({ type, resource, object }: Change): readonly string[] {
    if (resource === pods.key) {
      if (type === 'DELETED') this.#forget(object as Pod);
      return type === 'DELETED' ? [] : [keyOf(object)];
    }
    if (type === 'DELETED' || (resource !== configMaps.key && resource !== secrets.key)) return [];
    return this.#client
      .list(pods, object.metadata.namespace)
      .filter(({ spec, status }) => spec.nodeName !== undefined && status.phase === 'Pending')
      .map(keyOf);
  }

  sync(key: string, again: Again): void {
    const pod = this.#client.at(pods, key);
    if (pod === undefined) return;
    if (isDeleting(pod)) this.#stop(pod, again);
    else if (pod.spec.nodeName === undefined || isFinished(pod)) return;
    else if (pod.status.startTime === undefined) this.#admit(pod);
    else this.#run(pod, again);
  }

  #admit(pod: Pod): void {
    const { spec } = pod;
    const { now } = this.#client;
    const inits = (spec.initContainers ?? []).map((container) => fresh(container, 'PodInitializing'));
    const reason = inits.length === 0 ? 'ContainerCreating' : 'PodInitializing';
    const mains = spec.containers.map((container) => fresh(container, reason));
    const status = podStatus(pod, { inits, mains }, now);
    this.#client.setStatus(pods, pod, {
      ...status,
      hostIP: nodeAddress,
      hostIPs: [{ ip: nodeAddress }],
      startTime: now,
    });
  }

  #run(pod: Pod, again: Again): void {
    const unmounted = missingVolume(this.#client, pod);
    if (unmounted !== undefined && pod.status.podIP === undefined) {
      if (this.#unmounted.get(pod.metadata.uid) === unmounted) return;
      this.#unmounted.set(pod.metadata.uid, unmounted);
      this.#tell(pod, 'FailedMount', unmounted, { type: 'Warning' });
      return;
    }
    const { initContainers = [], containers } = pod.spec;
    const { initContainerStatuses = [], containerStatuses = [] } = pod.status;
    const inits = this.#turn(pod, initContainers, initContainerStatuses, true, again);
    const isReady = inits.every((status, at) => isInitialized(initContainers[at]!, status));
    const mains = isReady ? this.#turn(pod, containers, containerStatuses, false, again) : containerStatuses;
    this.#write(pod, { inits, mains });
  }

  /** Init containers one after the other, others all at once. */
  #turn(
    pod: Pod,
    containers: readonly Container[],
    statuses: readonly ContainerStatus[],
    isInit: boolean,
    again: Again,
  ): readonly ContainerStatus[] {
    const next: ContainerStatus[] = [];
    let mayStart = true;
    for (const [at, container] of containers.entries()) {
      const status = mayStart ? this.#turned(pod, container, statuses[at]!, isInit, again) : statuses[at]!;
      next.push(status);
      if (isInit && !isInitialized(container, status)) mayStart = false;
    }
    return next;
  }

  #turned(
    pod: Pod,
    container: Container,
    status: ContainerStatus,
    isInit: boolean,
    again: Again,
  ): ContainerStatus {
    const missing = missingVariable(this.#client, pod, container);
    const turn = turnOf(pod, container, status, { isInit, missing, now: this.#client.now });
    const id = `${pod.metadata.uid} ${container.name}`;
    if (turn === undefined || !this.#pace.passed(id, turn.name, turn.delayMs, again)) return status;
    for (const { reason, message, ...more } of turn.says) this.#tell(pod, reason, message, more);
    return turn.next;
  }

  #write(pod: Pod, parts: Parts): void {
    const ip = pod.status.podIP ?? (pod.spec.hostNetwork === true ? nodeAddress : this.#freeAddress());
    const isUp = [...parts.inits, ...parts.mains].some(
      ({ state }) => !['ContainerCreating', 'PodInitializing'].includes(state.waiting?.reason ?? ''),
    );
    const addresses = isUp ? { podIP: ip, podIPs: [{ ip }] } : {};
    this.#client.setStatus(pods, pod, { ...podStatus(pod, parts, this.#client.now), ...addresses });
  }

  /** In 10.244.0.0/16, as kubeadm has it. */
  #freeAddress(): string {
    const taken = new Set(this.#client.list(pods).map(({ status }) => status.podIP));
    let number = 2;
    while (taken.has(addressOf(number))) number += 1;
    return addressOf(number);
  }

  /** Its containers get the time that it was given, and at most a second of it. */
  #stop(pod: Pod, again: Again): void {
    const { uid, deletionGracePeriodSeconds = 0, finalizers = [] } = pod.metadata;
    if (isFinished(pod) && deletionGracePeriodSeconds === 0) return;
    const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
    const running = containerStatuses.filter(({ state }) => state.running !== undefined);
    if (!this.#pace.isWaiting(uid, 'stop'))
      for (const { name } of running)
        this.#tell(pod, 'Killing', `Stopping container ${name}`, { fieldPath: `spec.containers{${name}}` });
    const delayMs = running.length === 0 ? 0 : Math.min(deletionGracePeriodSeconds * 1000, stopMsMax);
    if (!this.#pace.passed(uid, 'stop', delayMs, again)) return;
    if (finalizers.length > 0 && !isFinished(pod)) {
      const stopped = containerStatuses.map((status) => this.#stopped(status));
      const status = podStatus(pod, { inits: initContainerStatuses, mains: stopped }, this.#client.now);
      const isWell = stopped.length > 0 && stopped.every(({ state }) => state.terminated?.exitCode === 0);
      this.#client.setStatus(pods, pod, { ...status, phase: isWell ? 'Succeeded' : 'Failed' });
    }
    this.#client.delete(pods.key, pod, { gracePeriodSeconds: 0 });
  }

  #stopped(status: ContainerStatus): ContainerStatus {
    const { running, terminated } = status.state;
    if (terminated !== undefined) return status;
    const end = { exitCode: 137, reason: 'Error' };
    return ended(status, running?.startedAt ?? this.#client.now, end, this.#client.now);
  }

  #forget({ metadata, spec }: Pod): void {
    this.#pace.forget(metadata.uid);
    this.#unmounted.delete(metadata.uid);
    for (const { name } of [...(spec.initContainers ?? []), ...spec.containers])
      this.#pace.forget(`${metadata.uid} ${name}`);
  }
}

const addressOf = (number: number): string => `10.244.${number >> 8}.${number & 255}`;

function fresh({ name, image = '' }: Container, reason: string): ContainerStatus {
  const status = { name, image, imageID: '', ready: false, started: false, restartCount: 0, lastState: {} };
  return waitingFor({ ...status, state: {} }, reason);
}
