/** Ownership marks on objects: how they are written, and what they say. */
import type { Manifest, ObjectKey } from '#model/object.ts';
import type { Tracking } from '#model/unit.ts';

/** Label values have at most 63 characters and end with a letter or a digit. */
const labelLengthMax = 63;
function labelOf(owner: string): string {
  return owner.slice(0, labelLengthMax).replace(/[^A-Za-z0-9]+$/, '');
}

/** `owner:group/Kind:namespace/name`, the form of Argo CD's tracking-id. */
function markOf(owner: string, key: ObjectKey): string {
  return `${owner}:${key.group}/${key.kind}:${key.namespace}/${key.name}`;
}

/** The manifest with the Unit's marks on it. */
export function tracked(manifest: Manifest, key: ObjectKey, tracking: Tracking): Manifest {
  const { annotation, label, owner } = tracking;
  const { annotations, labels } = manifest.metadata;
  return {
    ...manifest,
    metadata: {
      ...manifest.metadata,
      ...(annotation === undefined
        ? {}
        : { annotations: { ...annotations, [annotation]: markOf(owner, key) } }),
      ...(label === undefined ? {} : { labels: { ...labels, [label]: labelOf(owner) } }),
    },
  };
}

/**
 * Who the marks say owns the object; undefined where they say nothing. A mark that names another object was
 * copied along with it and says nothing (F26).
 */
export function trackedOwner(
  marks: Readonly<Record<string, string>>,
  key: ObjectKey,
  tracking: Tracking,
): string | undefined {
  const mark = tracking.annotation === undefined ? undefined : marks[tracking.annotation];
  if (mark !== undefined) {
    const owner = mark.slice(0, mark.indexOf(':'));
    return mark === markOf(owner, key) ? owner : undefined;
  }
  const label = tracking.label === undefined ? undefined : marks[tracking.label];
  return label === labelOf(tracking.owner) ? tracking.owner : label;
}
