/** The templates that a StatefulSet or DaemonSet had, kept as ControllerRevisions: what `kubectl rollout undo` goes back to. */
import { canonicalJson } from '#model/json.ts';
import type { Stored } from '../objects.ts';
import { StatusError } from '../status.ts';
import type { Client } from './client.ts';
import {
  controllerRevisions,
  type ControllerRevision,
  type KindOf,
  type LabelSelector,
  type PodTemplate,
} from './kinds.ts';
import { claim, controlledBy } from './ownership.ts';
import { contentHash } from './templates.ts';

interface Templated extends Stored {
  readonly spec: {
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly revisionHistoryLimit?: number;
  };
}
export interface Revisions {
  /** Of the present template. */
  readonly update: ControllerRevision;
  /** In the order in which they were made or came back. */
  readonly all: readonly ControllerRevision[];
}

const collisionsMax = 10;
export const revisionHashLabel = 'controller-revision-hash';

/** Makes a revision of the present template, or brings the one back that it has. */
export function ensureRevision(client: Client, kind: KindOf<Stored>, owner: Templated): Revisions {
  const all = claim(client, kind, owner, controllerRevisions).toSorted((a, b) => a.revision - b.revision);
  const data = { spec: { template: { ...owner.spec.template, $patch: 'replace' } } };
  const text = canonicalJson(data);
  const known = all.find((each) => canonicalJson(each.data) === text);
  const last = all.at(-1);
  if (known !== undefined && known === last) return { update: known, all };
  const revision = (last?.revision ?? 0) + 1;
  const update =
    known === undefined
      ? create(client, kind, owner, data, revision)
      : client.patch(controllerRevisions, known, { revision });
  return { update, all: [...all.filter((each) => each !== known), update] };
}

function create(
  client: Client,
  kind: KindOf<Stored>,
  owner: Templated,
  data: object,
  revision: number,
): ControllerRevision {
  for (let collisions = 0; ; collisions += 1) {
    const hash = contentHash(data, collisions);
    const metadata = {
      name: `${owner.metadata.name}-${hash}`,
      labels: { ...owner.spec.template.metadata?.labels, [revisionHashLabel]: hash },
      ownerReferences: [controlledBy(kind, owner)],
    };
    try {
      return client.create(controllerRevisions, owner.metadata.namespace ?? '', { metadata, data, revision });
    } catch (error) {
      const isTaken = error instanceof StatusError && error.status.reason === 'AlreadyExists';
      if (!isTaken || collisions === collisionsMax) throw error;
    }
  }
}

/** Forgets the oldest beyond the limit; those that pods still have stay. */
export function pruneRevisions(
  client: Client,
  owner: Templated,
  all: readonly ControllerRevision[],
  live: ReadonlySet<string>,
): void {
  const dead = all.filter(({ metadata }) => !live.has(metadata.name));
  const many = Math.max(0, dead.length - (owner.spec.revisionHistoryLimit ?? 10));
  for (const each of dead.slice(0, many)) client.delete(controllerRevisions.key, each);
}

export function templateOf({ data }: ControllerRevision): PodTemplate {
  const { $patch: _, ...template } = data.spec.template as PodTemplate & { readonly $patch?: string };
  return template;
}
