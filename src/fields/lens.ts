/** What the watch store keeps of a live object instead of its body: assembled from this room by main/. */
import type { ObjectHealth } from '#model/observed.ts';
import type { Manifest } from '#model/object.ts';
import type { Lens, Sealer } from '#model/ports.ts';
import { legacyOverlap } from './legacy.ts';
import { isApplyOf, managedEntries } from './managed-fields.ts';
import { project } from './projection.ts';

export interface LensOptions {
  /**
   * The names under which we apply. Of an object that several of them apply, because it went from one dialect to
   * another, the fields of all are looked at: drift of any is noticed. `project` sees each by itself.
   */
  readonly managers: readonly string[];
  readonly sealer: Sealer;
  /** The keys of annotations and labels that mark whose an object is. An annotation wins over a label of that key. */
  readonly trackingKeys: readonly string[];
  readonly health: (manifest: Manifest) => ObjectHealth;
  /** When `health` judges otherwise than before. */
  readonly onOther?: Lens['onOther'];
}

export function createLens({ managers, sealer, trackingKeys, health, onOther }: LensOptions): Lens {
  return {
    look(manifest) {
      const entries = managedEntries(manifest);
      const appliers = managers.filter((name) => entries.some((entry) => isApplyOf(entry, name)));
      const digests = appliers.flatMap((name) => project(manifest, name, sealer)?.digest ?? []);
      const projection = digests.length > 1 ? sealer.digest(digests.join(' ')) : digests[0];
      const tracking = trackingOf(manifest, trackingKeys);
      return {
        ...(projection === undefined ? {} : { projection }),
        legacy: appliers.some((name) => legacyOverlap(manifest, name)),
        tracking,
        health: health(manifest),
        keepBody: projection !== undefined || Object.keys(tracking).length > 0,
      };
    },
    project: (manifest, manager) => project(manifest, manager, sealer),
    ...(onOther === undefined ? {} : { onOther }),
  };
}

function trackingOf(manifest: Manifest, keys: readonly string[]): Readonly<Record<string, string>> {
  const { annotations, labels } = manifest.metadata;
  const found: Record<string, string> = {};
  for (const key of keys) {
    const value = annotations?.[key] ?? labels?.[key];
    if (value !== undefined) found[key] = value;
  }
  return found;
}
