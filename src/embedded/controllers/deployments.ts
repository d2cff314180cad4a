/** Rolls a Deployment out over ReplicaSets, one for each template that it had. */
import type { Change } from '../store.ts';
import { StatusError } from '../status.ts';
import { isDeleting, type Client } from './client.ts';
import { conditionOf } from './conditions.ts';
import { deploymentStatus, isComplete, set, withProgress, type Times } from './deployment-status.ts';
import { deployments, pods, replicaSets, type Deployment, type ReplicaSet } from './kinds.ts';
import { claim, controlledBy, ownersOf } from './ownership.ts';
import type { Recorder, Tell } from './recorder.ts';
import {
  availableReplicas,
  byAge,
  desiredNote,
  dispensable,
  isRolling,
  maxSurge,
  maxUnavailable,
  mostNote,
  newReplicas,
  proportional,
  revisionNote,
  revisionOf,
  untilStuckMs,
} from './rollout.ts';
import { controllerOf } from '../objects.ts';
import type { Again, Controller } from './runner.ts';
import { contentHash, hashLabel, sameTemplate } from './templates.ts';
import { isFinished } from './pods.ts';

const historyNote = 'deployment.kubernetes.io/revision-history';
const ownNotes = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionNote,
  historyNote,
  desiredNote,
  mostNote,
  'deprecated.deployment.rollback.to',
]);

/** A Deployment with its sets, as they are at the moment; whatever writes gives it anew. */
interface Rollout {
  readonly deployment: Deployment;
  readonly present: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}
const allOf = ({ present, old }: Rollout): readonly ReplicaSet[] =>
  present === undefined ? old : [...old, present];

export class Deployments implements Controller {
  readonly name = 'deployments';
  readonly #client: Client;
  readonly #tell: Tell;
  readonly #concernsSets: (change: Change) => readonly string[];

  constructor(client: Client, recorder: Recorder) {
    this.#client = client;
    this.#tell = recorder.as('deployment-controller');
    this.#concernsSets = ownersOf(client, deployments, [replicaSets]);
  }

  /** The last pod of an old template lets a Recreate go on: its going concerns the Deployment as well. */
  concerns(change: Change): readonly string[] {
    if (change.resource !== pods.key) return this.#concernsSets(change);
    const owner = controllerOf(change.object);
    if (change.type !== 'DELETED' || owner?.kind !== replicaSets.kind) return [];
    const namespace = change.object.metadata.namespace ?? '';
    const of = controllerOf(this.#client.get(replicaSets, namespace, owner.name) ?? change.object);
    return of?.kind === deployments.kind ? [`${namespace}/${of.name}`] : [];
  }

  sync(key: string, again: Again): void {
    const deployment = this.#client.at(deployments, key);
    if (deployment === undefined) return;
    const sets = claim(this.#client, deployments, deployment, replicaSets);
    const rollout = this.#rollout(this.#paused(deployment), sets);
    if (isDeleting(deployment)) this.#report(rollout, false, again);
    else if (deployment.spec.paused === true || isScaled(rollout)) {
      this.#scale(rollout);
      this.#report(this.#anew(rollout), false, again);
    } else {
      const rolled = isRolling(deployment) ? this.#roll(rollout) : this.#recreate(rollout);
      const status = this.#report(this.#anew(rolled), true, again);
      if (isComplete(deployment, status)) this.#prune(this.#anew(rolled));
    }
  }

  #rollout(deployment: Deployment, sets: readonly ReplicaSet[]): Rollout {
    const present = sets
      .toSorted(byAge)
      .find((each) => sameTemplate(each.spec.template, deployment.spec.template));
    const old = sets.filter((each) => each !== present).toSorted(byAge);
    if (present === undefined) return { deployment, present, old };
    const renewed = this.#renew(deployment, present, old);
    return { deployment: this.#found(deployment, renewed), present: renewed, old };
  }

  #anew({ deployment, present, old }: Rollout): Rollout {
    const fresh = (each: ReplicaSet): ReplicaSet =>
      this.#client.get(replicaSets, each.metadata.namespace!, each.metadata.name) ?? each;
    return { deployment, present: present === undefined ? undefined : fresh(present), old: old.map(fresh) };
  }

  /** The present set bears the highest revision and the Deployment's annotations. */
  #renew(deployment: Deployment, present: ReplicaSet, old: readonly ReplicaSet[]): ReplicaSet {
    const before = present.metadata.annotations ?? {};
    const annotations = notesFor(deployment, before, 1 + Math.max(0, ...old.map(revisionOf)));
    const { minReadySeconds = 0 } = deployment.spec;
    const isSame = Object.entries(annotations).every(([key, value]) => before[key] === value);
    if (isSame && (present.spec.minReadySeconds ?? 0) === minReadySeconds) return present;
    return this.#client.patch(replicaSets, present, { metadata: { annotations }, spec: { minReadySeconds } });
  }

  #found(deployment: Deployment, present: ReplicaSet): Deployment {
    const { conditions } = deployment.status;
    const revision = String(revisionOf(present));
    const isNew = conditionOf(conditions, 'Progressing') === undefined && hasDeadline(deployment);
    if (deployment.metadata.annotations?.[revisionNote] === revision && !isNew) return deployment;
    const message = `Found new replica set "${present.metadata.name}"`;
    return this.#note(deployment, revision, {
      ...deployment.status,
      ...(isNew
        ? {
            conditions: set(
              conditions,
              'Progressing',
              'True',
              'FoundNewReplicaSet',
              message,
              this.#client.now,
            ),
          }
        : {}),
    });
  }

  /** As in Kubernetes the revision is written along with the status. */
  #note(deployment: Deployment, revision: string, status: object): Deployment {
    const annotations = { ...deployment.metadata.annotations, [revisionNote]: revision };
    const noted = { ...deployment, metadata: { ...deployment.metadata, annotations } };
    return this.#client.setStatus(deployments, noted, status);
  }

  #paused(deployment: Deployment): Deployment {
    const { conditions } = deployment.status;
    const progressing = conditionOf(conditions, 'Progressing');
    if (!hasDeadline(deployment) || progressing?.reason === 'ProgressDeadlineExceeded') return deployment;
    const isPaused = deployment.spec.paused === true;
    if (isPaused === (progressing?.reason === 'DeploymentPaused')) return deployment;
    const word = isPaused ? 'paused' : 'resumed';
    const reason = isPaused ? 'DeploymentPaused' : 'DeploymentResumed';
    const next = set(conditions, 'Progressing', 'Unknown', reason, `Deployment is ${word}`, this.#client.now);
    return this.#client.setStatus(deployments, deployment, { ...deployment.status, conditions: next });
  }

  #create({ deployment, old }: Rollout): Rollout {
    const { template, selector, minReadySeconds = 0 } = deployment.spec;
    const hash = contentHash(template, deployment.status.collisionCount);
    const name = `${deployment.metadata.name}-${hash}`;
    const labels = { ...template.metadata?.labels, [hashLabel]: hash };
    const replicas = newReplicas(deployment, old, 0);
    const notes = notesFor(deployment, {}, 1 + Math.max(0, ...old.map(revisionOf)));
    const made = this.#createSet(deployment, {
      metadata: {
        name,
        labels,
        annotations: { ...notes, ...sizeNotes(deployment) },
        ownerReferences: [controlledBy(deployments, deployment)],
      },
      spec: {
        replicas,
        minReadySeconds,
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    });
    if (replicas > 0)
      this.#tell(deployment, 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${replicas}`);
    const { conditions } = deployment.status;
    const message = `Created new replica set "${name}"`;
    const noted = this.#note(deployment, String(revisionOf(made)), {
      ...deployment.status,
      ...(hasDeadline(deployment)
        ? {
            conditions: set(
              conditions,
              'Progressing',
              'True',
              'NewReplicaSetCreated',
              message,
              this.#client.now,
            ),
          }
        : {}),
    });
    return { deployment: noted, present: made, old };
  }

  #createSet(deployment: Deployment, body: object): ReplicaSet {
    try {
      return this.#client.create(replicaSets, deployment.metadata.namespace ?? '', body);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const { collisionCount = 0, conditions } = deployment.status;
      if (error.status.reason === 'AlreadyExists')
        // Another set has the name: the next attempt makes another one.
        this.#client.setStatus(deployments, deployment, {
          ...deployment.status,
          collisionCount: collisionCount + 1,
        });
      else {
        const { message } = error;
        this.#tell(deployment, 'ReplicaSetCreateError', `Failed to create new replica set: ${message}`, {
          type: 'Warning',
        });
        const next = set(
          conditions,
          'Progressing',
          'False',
          'ReplicaSetCreateError',
          message,
          this.#client.now,
        );
        this.#client.setStatus(deployments, deployment, { ...deployment.status, conditions: next });
      }
      throw error;
    }
  }

  #roll(given: Rollout): Rollout {
    const rollout = given.present === undefined ? this.#create(given) : given;
    const { deployment, old } = rollout;
    const present = rollout.present!;
    const { replicas } = deployment.spec;
    const size =
      present.spec.replicas > replicas
        ? replicas
        : newReplicas(deployment, allOf(rollout), present.spec.replicas);
    if (given.present !== undefined && size !== present.spec.replicas)
      this.#resize(deployment, present, size);
    else this.#shrink(rollout, present, old);
    return rollout;
  }

  /** Of the old sets first what is not available, then what can be spared. */
  #shrink(rollout: Rollout, present: ReplicaSet, old: readonly ReplicaSet[]): void {
    const { deployment } = rollout;
    let left = dispensable(deployment, present, allOf(rollout));
    if (left <= 0) return;
    for (const each of old) {
      const less = Math.min(left, each.spec.replicas - (each.status.availableReplicas ?? 0));
      if (less <= 0) continue;
      this.#resize(deployment, each, each.spec.replicas - less);
      left -= less;
    }
    const now = this.#anew(rollout);
    let spare = availableReplicas(allOf(now)) - (deployment.spec.replicas - maxUnavailable(deployment));
    for (const each of now.old) {
      const less = Math.min(spare, each.spec.replicas);
      if (less <= 0) continue;
      this.#resize(deployment, each, each.spec.replicas - less);
      spare -= less;
    }
  }

  #recreate(rollout: Rollout): Rollout {
    const { deployment, old } = rollout;
    const active = old.filter(({ spec }) => spec.replicas > 0);
    for (const each of active) this.#resize(deployment, each, 0);
    if (active.length > 0 || old.some((each) => this.#hasPods(each))) return rollout;
    if (rollout.present === undefined) return this.#create(rollout);
    this.#resize(deployment, rollout.present, deployment.spec.replicas);
    return rollout;
  }

  #hasPods({ metadata }: ReplicaSet): boolean {
    return this.#client
      .list(pods, metadata.namespace)
      .some((pod) => controllerOf(pod)?.uid === metadata.uid && !isFinished(pod));
  }

  /** While it is paused, or when its replicas changed: no new template is rolled out. */
  #scale(rollout: Rollout): void {
    const { deployment, present, old } = rollout;
    const active = allOf(rollout).filter(({ spec }) => spec.replicas > 0);
    const { replicas } = deployment.spec;
    if (active.length <= 1) {
      const only = active[0] ?? present ?? old.at(-1);
      if (only !== undefined) this.#resize(deployment, only, replicas);
      return;
    }
    const isSaturated =
      present?.spec.replicas === replicas &&
      present.metadata.annotations?.[desiredNote] === String(replicas) &&
      present.status.availableReplicas === replicas;
    if (isSaturated) for (const each of old) this.#resize(deployment, each, 0);
    else if (isRolling(deployment))
      for (const [each, size] of proportional(deployment, active)) this.#resize(deployment, each, size);
  }

  #resize(deployment: Deployment, replicaSet: ReplicaSet, replicas: number): void {
    const { spec, metadata } = replicaSet;
    const annotations = sizeNotes(deployment);
    const isNoted = Object.entries(annotations).every(
      ([key, value]) => metadata.annotations?.[key] === value,
    );
    if (spec.replicas === replicas && isNoted) return;
    this.#client.patch(replicaSets, replicaSet, { metadata: { annotations }, spec: { replicas } });
    if (spec.replicas === replicas) return;
    const way = spec.replicas < replicas ? 'up' : 'down';
    this.#tell(
      deployment,
      'ScalingReplicaSet',
      `Scaled ${way} replica set ${metadata.name} from ${spec.replicas} to ${replicas}`,
    );
  }

  #report(rollout: Rollout, withRollout: boolean, again: Again): Deployment['status'] {
    const { deployment, present } = rollout;
    const all = allOf(rollout);
    const nowMs = this.#client.clock.now();
    const times: Times = { nowMs, now: this.#client.now };
    const counted = deploymentStatus(deployment, present, all, times);
    const status = withRollout ? withProgress(deployment, present, all, counted, times) : counted;
    this.#client.setStatus(deployments, deployment, status);
    const progressing = conditionOf(status.conditions, 'Progressing');
    const isWaiting =
      progressing !== undefined &&
      !['NewReplicaSetAvailable', 'ProgressDeadlineExceeded'].includes(progressing.reason ?? '');
    const leftMs = untilStuckMs(deployment, progressing?.lastUpdateTime, nowMs);
    if (isWaiting && leftMs !== undefined && !isComplete(deployment, status))
      again(Math.max(0, leftMs) + 1000);
    return status;
  }

  #prune({ deployment, old }: Rollout): void {
    const alive = old.filter((each) => !isDeleting(each));
    const many = alive.length - deployment.spec.revisionHistoryLimit;
    for (const each of alive.toSorted((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, many))) {
      const isSeen = (each.status.observedGeneration ?? 0) >= (each.metadata.generation ?? 1);
      if (each.status.replicas === 0 && each.spec.replicas === 0 && isSeen)
        this.#client.delete(replicaSets.key, each);
    }
  }
}

const hasDeadline = (deployment: Deployment): boolean => untilStuckMs(deployment, undefined, 0) !== undefined;

function isScaled(rollout: Rollout): boolean {
  const wanted = String(rollout.deployment.spec.replicas);
  return allOf(rollout).some(
    ({ spec, metadata }) => spec.replicas > 0 && (metadata.annotations?.[desiredNote] ?? wanted) !== wanted,
  );
}

function sizeNotes(deployment: Deployment): Readonly<Record<string, string>> {
  const { replicas } = deployment.spec;
  return { [desiredNote]: String(replicas), [mostNote]: String(replicas + maxSurge(deployment)) };
}

/** The Deployment's annotations, and the revision with those that the set had before it came back. */
function notesFor(
  { metadata }: Deployment,
  before: Readonly<Record<string, string>>,
  revision: number,
): Readonly<Record<string, string>> {
  const copied = Object.entries(metadata.annotations ?? {}).filter(([key]) => !ownNotes.has(key));
  const last = Number.parseInt(before[revisionNote] ?? '0', 10) || 0;
  if (last >= revision) return Object.fromEntries(copied);
  const history = [before[historyNote], before[revisionNote]].filter(Boolean).join(',');
  return Object.fromEntries([
    ...copied,
    [revisionNote, String(revision)],
    ...(history === '' ? [] : [[historyNote, history]]),
  ]);
}
