/** What a pod refers to, and which of it is not there. */
import type { Stored } from '../objects.ts';
import { valueAt } from '../objects.ts';
import type { Client } from './client.ts';
import { configMaps, secrets, type Container, type KindOf, type Pod, type Volume } from './kinds.ts';

interface Need {
  readonly kind: KindOf<Stored>;
  readonly word: 'configmap' | 'secret';
  readonly name: string;
}
interface Reference {
  readonly name?: string;
  readonly optional?: boolean;
}

/** The first volume that cannot be mounted, as the kubelet says it. */
export function missingVolume(client: Client, { metadata, spec }: Pod): string | undefined {
  for (const volume of spec.volumes ?? [])
    for (const need of volumeNeeds(volume))
      if (client.get(need.kind, metadata.namespace ?? '', need.name) === undefined)
        return `MountVolume.SetUp failed for volume "${volume.name}" : ${need.word} "${need.name}" not found`;
  return undefined;
}

/** Why a container cannot be configured, as the kubelet says it. */
export function missingVariable(client: Client, { metadata }: Pod, container: Container): string | undefined {
  const namespace = metadata.namespace ?? '';
  for (const { configMapRef, secretRef } of container.envFrom ?? [])
    for (const need of needsOf(configMapRef, secretRef))
      if (client.get(need.kind, namespace, need.name) === undefined) return absent(need);
  for (const { valueFrom } of container.env ?? []) {
    const { configMapKeyRef, secretKeyRef } = valueFrom ?? {};
    const key = (configMapKeyRef ?? secretKeyRef)?.key ?? '';
    for (const need of needsOf(configMapKeyRef, secretKeyRef)) {
      const found = client.get(need.kind, namespace, need.name);
      if (found === undefined) return absent(need);
      if (valueAt(found, ['data', key]) === undefined && valueAt(found, ['binaryData', key]) === undefined)
        return `couldn't find key ${key} in ${need.kind.kind} ${namespace}/${need.name}`;
    }
  }
  return undefined;
}

const absent = ({ word, name }: Need): string => `${word} "${name}" not found`;

function volumeNeeds({ configMap, secret, projected }: Volume): readonly Need[] {
  const { secretName: name, ...rest } = secret ?? {};
  const own = needsOf(configMap, name === undefined ? undefined : { name, ...rest });
  const sources = projected?.sources ?? [];
  return [...own, ...sources.flatMap((source) => needsOf(source.configMap, source.secret))];
}

function needsOf(configMap: Reference | undefined, secret: Reference | undefined): readonly Need[] {
  const needs: Need[] = [];
  if (configMap?.name !== undefined && configMap.optional !== true)
    needs.push({ kind: configMaps, word: 'configmap', name: configMap.name });
  if (secret?.name !== undefined && secret.optional !== true)
    needs.push({ kind: secrets, word: 'secret', name: secret.name });
  return needs;
}
