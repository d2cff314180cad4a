/** A small Lens for tests of this room: the projection is the text of the fields that the manager applied. */
import { isObject } from '#model/json.ts';
import type { Digest } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { FieldValues } from '#model/observed.ts';
import type { Lens } from '#model/ports.ts';

function valuesOf(manifest: Manifest, manager: string): FieldValues | undefined {
  const entries = manifest.metadata['managedFields'];
  if (!Array.isArray(entries)) return undefined;
  const ours = entries.some(
    (entry) => isObject(entry) && entry['manager'] === manager && entry['operation'] === 'Apply',
  );
  return ours ? { '.data': JSON.parse(JSON.stringify(manifest['data'] ?? null)) } : undefined;
}

export function fakeLens(manager: string): Lens {
  const digestOf = (values: FieldValues): Digest => `sha256:${JSON.stringify(values)}`;
  return {
    look(manifest) {
      const values = valuesOf(manifest, manager);
      return {
        ...(values === undefined ? {} : { projection: digestOf(values) }),
        legacy: false,
        tracking: manifest.metadata.annotations ?? {},
        health: { status: 'Healthy' },
        keepBody: values !== undefined,
      };
    },
    project(manifest, by) {
      const values = valuesOf(manifest, by);
      return values === undefined ? undefined : { values, digest: digestOf(values) };
    },
  };
}
