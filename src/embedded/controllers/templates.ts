/** Pods from templates, and the names that templates have by their content. */
import { canonicalJson } from '#model/json.ts';
import type { Stored } from '../objects.ts';
import type { Client } from './client.ts';
import { pods, type KindOf, type Labels, type Pod, type PodSpec, type PodTemplate } from './kinds.ts';
import { controlledBy } from './ownership.ts';

export const hashLabel = 'pod-template-hash';
/** Without vowels, so that no word comes out: the alphabet of generated names. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Short and equal for equal content; `collisions` gives another one where the first is taken. */
export function contentHash(content: unknown, collisions = 0): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(canonicalJson(content) + (collisions === 0 ? '' : String(collisions))))
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [...String(hash)].map((digit) => alphabet[Number(digit)]).join('');
}

/** Equal but for the label that a controller adds. */
export function sameTemplate(one: PodTemplate, other: PodTemplate): boolean {
  return canonicalJson(withoutHash(one)) === canonicalJson(withoutHash(other));
}
function withoutHash(template: PodTemplate): PodTemplate {
  const { [hashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

export interface PodExtras {
  /** Where the name is not generated. */
  readonly name?: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly finalizers?: readonly string[];
  readonly spec?: Partial<PodSpec>;
}

export function createPod(
  client: Client,
  kind: KindOf<Stored>,
  owner: Stored,
  template: PodTemplate,
  extras: PodExtras = {},
): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const held = [...(finalizers ?? []), ...(extras.finalizers ?? [])];
  const metadata = {
    generateName: `${owner.metadata.name}-`,
    ...(extras.name === undefined ? {} : { name: extras.name }),
    labels: { ...labels, ...extras.labels },
    annotations: { ...annotations, ...extras.annotations },
    ...(held.length === 0 ? {} : { finalizers: held }),
    ownerReferences: [controlledBy(kind, owner)],
  };
  const spec = { ...template.spec, ...extras.spec };
  return client.create(pods, owner.metadata.namespace ?? '', { metadata, spec });
}
