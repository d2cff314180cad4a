/** Ownership marks on objects: how they are written, and what they say. */
import type { Manifest, ObjectKey } from '#model/object.ts';
import type { Tracking } from '#model/unit.ts';

/** `owner:group/Kind:namespace/name`, the form of Argo CD's tracking-id. */
function markOf(owner: string, key: ObjectKey): string {
  return `${owner}:${key.group}/${key.kind}:${key.namespace}/${key.name}`;
}

/** The manifest with the Unit's marks on it. */
export function tracked(manifest: Manifest, key: ObjectKey, tracking: Tracking): Manifest {
  const { annotation, installation, labels: marks = [], owner } = tracking;
  const { annotations, labels } = manifest.metadata;
  const further = installation === undefined ? {} : { [installation.key]: installation.value };
  return {
    ...manifest,
    metadata: {
      ...manifest.metadata,
      ...(annotation === undefined
        ? {}
        : { annotations: { ...annotations, [annotation]: markOf(owner, key), ...further } }),
      ...(marks.length === 0
        ? {}
        : { labels: { ...labels, ...Object.fromEntries(marks.map(({ key, value }) => [key, value])) } }),
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
    const { installation } = tracking;
    if (installation !== undefined && marks[installation.key] !== installation.value) return undefined;
    const owner = mark.slice(0, mark.indexOf(':'));
    return mark === markOf(owner, key) ? owner : undefined;
  }
  const labels = tracking.labels ?? [];
  const found = labels.flatMap(({ key }) => marks[key] ?? []);
  if (labels.length === 0 || found.length < labels.length) return undefined;
  return labels.every(({ key, value }) => marks[key] === value) ? tracking.owner : found.join('/');
}
