/** Binds claims to volumes, makes volumes for claims, and lets both go when nobody needs them any more. */
import type { Stored } from '../objects.ts';
import { objectKey, type Change } from '../store.ts';
import { isDeleting, keyOf, type Client } from './client.ts';
import {
  claims,
  pods,
  storageClasses,
  volumes,
  type Claim,
  type KindOf,
  type PersistentVolume,
  type StorageClass,
} from './kinds.ts';
import { selects } from './labels.ts';
import { isFinished } from './pods.ts';
import type { Recorder, Tell } from './recorder.ts';
import type { Controller } from './runner.ts';

export const defaultClass = 'standard';
const provisioner = 'embedded.trueup.dev/volumes';
const defaultNote = 'storageclass.kubernetes.io/is-default-class';
const claimProtection = 'kubernetes.io/pvc-protection';
const volumeProtection = 'kubernetes.io/pv-protection';
const byController = 'pv.kubernetes.io/bound-by-controller';
const boundNotes = { 'pv.kubernetes.io/bind-completed': 'yes', [byController]: 'yes' };

export function ensureStorageClass(client: Client): void {
  client.ensure(storageClasses, '', defaultClass, {
    metadata: { name: defaultClass, annotations: { [defaultNote]: 'true' } },
    provisioner,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
  });
}

const claimName = ({ metadata }: Claim): string => objectKey(metadata.namespace ?? '', metadata.name);

export class Claims implements Controller {
  readonly name = 'claims';
  readonly #client: Client;
  readonly #tell: Tell;

  constructor(client: Client, recorder: Recorder) {
    this.#client = client;
    this.#tell = recorder.as('persistentvolume-controller');
  }

  concerns({ type, resource, object }: Change): readonly string[] {
    if (resource === claims.key) return type === 'DELETED' ? [] : [keyOf(object)];
    if (resource === pods.key)
      return this.#client
        .list(claims, object.metadata.namespace)
        .filter((claim) => isDeleting(claim) || claim.spec.volumeName === undefined)
        .map(keyOf);
    if (resource !== volumes.key && resource !== storageClasses.key) return [];
    return this.#client
      .list(claims)
      .filter(({ status }) => status.phase !== 'Bound')
      .map(keyOf);
  }

  sync(key: string): void {
    const claim = this.#client.at(claims, key);
    if (claim === undefined) return;
    if (isDeleting(claim)) {
      if (this.#users(claim) === 0) dropFinalizer(this.#client, claims, claim, claimProtection);
      return;
    }
    if (claim.status.phase === 'Bound') return;
    const volume = this.#volumeFor(this.#withClass(claim));
    if (volume !== undefined) this.#bind(this.#client.at(claims, key)!, volume);
  }

  #users({ metadata }: Claim): number {
    return this.#client
      .list(pods, metadata.namespace)
      .filter((pod) => !isFinished(pod))
      .filter(({ spec }) =>
        spec.volumes?.some((each) => each.persistentVolumeClaim?.claimName === metadata.name),
      ).length;
  }

  /** Where none is named, the default one; an empty name wants none. */
  #withClass(claim: Claim): Claim {
    if (claim.spec.storageClassName !== undefined) return claim;
    const found = this.#client
      .list(storageClasses)
      .find(({ metadata }) => metadata.annotations?.[defaultNote] === 'true');
    if (found === undefined) return claim;
    return this.#client.patch(claims, claim, { spec: { storageClassName: found.metadata.name } });
  }

  #volumeFor(claim: Claim): PersistentVolume | undefined {
    const { volumeName, storageClassName = '' } = claim.spec;
    const named = volumeName === undefined ? undefined : this.#client.get(volumes, '', volumeName);
    const found = named ?? this.#client.list(volumes).find((volume) => fits(volume, claim));
    if (found !== undefined || volumeName !== undefined) return found;
    if (storageClassName === '') {
      this.#tell(
        claim,
        'FailedBinding',
        'no persistent volumes available for this claim and no storage class is set',
      );
      return undefined;
    }
    const storageClass = this.#client.get(storageClasses, '', storageClassName);
    if (storageClass === undefined) {
      const message = `storageclass.storage.k8s.io "${storageClassName}" not found`;
      this.#tell(claim, 'ProvisioningFailed', message, { type: 'Warning' });
      return undefined;
    }
    if (storageClass.volumeBindingMode === 'WaitForFirstConsumer' && this.#users(claim) === 0) {
      this.#tell(claim, 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
      return undefined;
    }
    return this.#provision(claim, storageClass);
  }

  #provision(claim: Claim, storageClass: StorageClass): PersistentVolume {
    const name = `pvc-${claim.metadata.uid}`;
    const { accessModes, resources, volumeMode } = claim.spec;
    const made = this.#client.create(volumes, '', {
      metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': storageClass.provisioner } },
      spec: {
        capacity: { storage: resources.requests?.['storage'] ?? '1Gi' },
        accessModes,
        ...(volumeMode === undefined ? {} : { volumeMode }),
        claimRef: referenceTo(claim),
        persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
        storageClassName: storageClass.metadata.name,
        csi: { driver: 'embedded.trueup.dev', volumeHandle: name },
      },
    });
    this.#tell(claim, 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`);
    return made;
  }

  #bind(claim: Claim, volume: PersistentVolume): void {
    if (volume.spec.claimRef?.uid === undefined)
      this.#client.patch(volumes, volume, {
        metadata: { annotations: { [byController]: 'yes' } },
        spec: { claimRef: referenceTo(claim) },
      });
    const { name: volumeName } = volume.metadata;
    const bound = this.#client.patch(claims, claim, {
      metadata: { annotations: boundNotes },
      spec: { volumeName },
    });
    const { accessModes, capacity } = volume.spec;
    this.#client.setStatus(claims, bound, { phase: 'Bound', accessModes, capacity });
  }
}

export class Volumes implements Controller {
  readonly name = 'volumes';
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  concerns({ type, resource, object }: Change): readonly string[] {
    if (resource === volumes.key) return type === 'DELETED' ? [] : [keyOf(object)];
    if (resource !== claims.key) return [];
    const { volumeName } = (object as Claim).spec;
    return volumeName === undefined ? [] : [`/${volumeName}`];
  }

  sync(key: string): void {
    const volume = this.#client.at(volumes, key);
    if (volume === undefined) return;
    const { claimRef, persistentVolumeReclaimPolicy } = volume.spec;
    const claim = this.#client.get(claims, claimRef?.namespace ?? '', claimRef?.name ?? '');
    const isHeld = claim !== undefined && claim.metadata.uid === claimRef?.uid;
    const phase = isHeld ? 'Bound' : claimRef?.uid === undefined ? 'Available' : 'Released';
    const reported = this.#report(volume, phase);
    if (isHeld) return;
    if (isDeleting(reported)) dropFinalizer(this.#client, volumes, reported, volumeProtection);
    else if (phase === 'Released' && persistentVolumeReclaimPolicy === 'Delete')
      this.#client.delete(volumes.key, reported);
  }

  #report(volume: PersistentVolume, phase: string): PersistentVolume {
    if (volume.status.phase === phase) return volume;
    return this.#client.setStatus(volumes, volume, { phase, lastPhaseTransitionTime: this.#client.now });
  }
}

function fits({ spec, metadata, status }: PersistentVolume, claim: Claim): boolean {
  const { claimRef } = spec;
  const isMeant = claimRef !== undefined && `${claimRef.namespace}/${claimRef.name}` === claimName(claim);
  if (claimRef !== undefined && (!isMeant || (claimRef.uid ?? claim.metadata.uid) !== claim.metadata.uid))
    return false;
  if (status.phase === 'Released' || metadata.deletionTimestamp !== undefined) return false;
  const wanted = claim.spec;
  return (
    (spec.storageClassName ?? '') === (wanted.storageClassName ?? '') &&
    (spec.volumeMode ?? 'Filesystem') === (wanted.volumeMode ?? 'Filesystem') &&
    wanted.accessModes.every((mode) => spec.accessModes.includes(mode)) &&
    (wanted.selector === undefined || selects(wanted.selector, metadata.labels)) &&
    bytesOf(spec.capacity?.['storage']) >= bytesOf(wanted.resources.requests?.['storage'])
  );
}

const referenceTo = ({ metadata }: Claim): object => ({
  apiVersion: claims.apiVersion,
  kind: claims.kind,
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
});

const suffixes = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
function bytesOf(quantity = '0'): number {
  const [, amount = '0', suffix = '', binary] = /^([\d.]+)([kKMGTPE]?)(i?)$/.exec(quantity) ?? [];
  const power = Math.max(0, suffixes.indexOf(suffix === 'K' ? 'k' : suffix));
  return Number(amount) * (binary === 'i' ? 1024 : 1000) ** power;
}

export function dropFinalizer<T extends Stored>(
  client: Client,
  kind: KindOf<T>,
  object: T,
  finalizer: string,
): void {
  const { finalizers = [] } = object.metadata;
  if (!finalizers.includes(finalizer)) return;
  const left = finalizers.filter((each) => each !== finalizer);
  client.patch(kind, object, { metadata: { finalizers: left.length === 0 ? null : left } });
}
