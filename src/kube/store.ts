/**
 * What is kept of the objects of one kind. The body is compressed, and kept only where the lens says so. A watch and
 * our own writes both feed it, in any order; the newer version wins, so that nothing is ever seen older than our own
 * last write (F6).
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { GroupVersionKind, Manifest, ObjectKey, ObjectRef } from '#model/object.ts';
import type { ObservedObject } from '#model/observed.ts';
import type { Lens, ObjectChange } from '#model/ports.ts';
import { parseTimestamp } from '#model/time.ts';
import type { Listing } from './collection.ts';
import { versionNumber } from './versions.ts';

interface Entry {
  readonly object: ObservedObject;
  readonly version: bigint | undefined;
  readonly body?: Uint8Array;
  /** Which look of the lens it was. */
  readonly look: number;
}

export class KindStore {
  readonly #kind: GroupVersionKind;
  readonly #lens: Lens;
  readonly #changed: (changes: readonly ObjectChange[]) => void;
  #entries = new Map<string, Entry>();
  /** UIDs that the server told us it deleted, until the watch or a list has caught up with that. */
  readonly #deleted = new Set<string>();
  /** What was written through another version of the kind: older looks at these objects do not count (F6). */
  readonly #floors = new Map<string, bigint>();
  /** Up to here the watch has told us everything. */
  #watermark: bigint | undefined;
  #look = 0;
  #isListing = false;

  constructor(kind: GroupVersionKind, lens: Lens, changed: (changes: readonly ObjectChange[]) => void) {
    this.#kind = kind;
    this.#lens = lens;
    this.#changed = changed;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: ObjectKey): ObservedObject | undefined {
    return this.#entries.get(nameText(key.namespace, key.name))?.object;
  }

  /** The body, if it is kept. */
  body(key: ObjectKey): Manifest | undefined {
    const body = this.#entries.get(nameText(key.namespace, key.name))?.body;
    return body === undefined ? undefined : manifestIn(body);
  }

  /**
   * The lens looks otherwise now. False: only a new list tells everything, because not every body is kept, or a list
   * is under way that began with the earlier look.
   */
  lookAgain(): boolean {
    this.#look += 1;
    let isComplete = !this.#isListing;
    const changes: ObjectChange[] = [];
    for (const [name, known] of this.#entries) {
      if (known.body === undefined) {
        isComplete = false;
        continue;
      }
      const { object } = observedOf(manifestIn(known.body), this.#kind, this.#lens);
      this.#entries.set(name, { ...known, object, look: this.#look });
      if (differs(known.object, object)) changes.push({ ref: object.ref, object });
    }
    if (changes.length > 0) this.#changed(changes);
    return isComplete;
  }

  /** A watch event: added or modified. */
  set(manifest: Manifest): void {
    this.#accept(manifest);
  }

  /** The answer to a write of ours. */
  merge(manifest: Manifest): void {
    const version = versionNumber(String(manifest.metadata['resourceVersion']));
    // The watch has been past it already: it was taken in, and may have been changed or deleted since.
    if (version !== undefined && this.#watermark !== undefined && version <= this.#watermark) return;
    this.#accept(manifest);
  }

  /** The same object was written by us in another version of its kind; the watch of this one will tell of it. */
  expect(manifest: Manifest): void {
    const version = versionNumber(String(manifest.metadata['resourceVersion']));
    if (version === undefined || (this.#watermark !== undefined && version <= this.#watermark)) return;
    this.#floors.set(nameText(manifest.metadata.namespace ?? '', manifest.metadata.name), version);
  }

  /** Whether what we have of the object is older than our own last write. */
  isBehind(key: ObjectKey): boolean {
    if (this.#floors.size === 0) return false;
    const name = nameText(key.namespace, key.name);
    const floor = this.#floors.get(name);
    if (floor === undefined) return false;
    const seen = this.#entries.get(name)?.version;
    const behind = !isReached(this.#watermark, floor) && !isReached(seen, floor);
    if (!behind) this.#floors.delete(name);
    return behind;
  }

  /** A watch event: deleted. Its version is that of the deletion. */
  gone(manifest: Manifest): void {
    const { name, namespace, uid } = manifest.metadata;
    this.#deleted.delete(String(uid));
    this.#remove(namespace ?? '', name, String(uid));
  }

  /** A delete of ours that the server confirmed. */
  deleted(key: ObjectKey, uid: string): void {
    this.#deleted.add(uid);
    this.#remove(key.namespace, key.name, uid);
  }

  /** Everything up to this version has been given to us. */
  reached(resourceVersion: string): void {
    const version = versionNumber(resourceVersion);
    if (version !== undefined && (this.#watermark === undefined || version > this.#watermark))
      this.#watermark = version;
  }

  /** Collects a new list beside the old state; `commit` swaps and tells the difference, removals included, at once. */
  beginListing(): Listing {
    this.#isListing = true;
    const fresh = new Map<string, Entry>();
    const deletedBefore = [...this.#deleted];
    return {
      page: (items) => {
        for (const item of items) {
          const name = nameText(item.metadata.namespace ?? '', item.metadata.name);
          const known = this.#entries.get(name);
          const same =
            known?.look === this.#look &&
            known?.object.uid === item.metadata['uid'] &&
            known?.object.resourceVersion === item.metadata['resourceVersion'];
          fresh.set(name, same && known !== undefined ? known : this.#entry(item));
        }
      },
      commit: (resourceVersion) => {
        this.#isListing = false;
        this.#swap(fresh, resourceVersion);
        // The list is newer than these deletes were, and does not have them.
        for (const uid of deletedBefore) this.#deleted.delete(uid);
      },
    };
  }

  #swap(fresh: Map<string, Entry>, resourceVersion: string): void {
    const listed = versionNumber(resourceVersion);
    // A cluster restored from a backup goes back in time: then what we knew counts for nothing.
    const restored = listed !== undefined && this.#watermark !== undefined && listed < this.#watermark;
    const old = this.#entries;
    const changes: ObjectChange[] = [];
    for (const [name, entry] of fresh) {
      const known = old.get(name);
      if (this.#deleted.has(entry.object.uid)) fresh.delete(name);
      else if (known !== undefined && !restored && isNewer(known.version, listed)) fresh.set(name, known);
      else if (known === undefined || differs(known.object, entry.object))
        changes.push({ ref: entry.object.ref, object: entry.object });
    }
    for (const [name, known] of old) {
      if (fresh.has(name)) continue;
      // Written by us after the list was made: its watch event is still to come.
      if (!restored && isNewer(known.version, listed)) fresh.set(name, known);
      else changes.push({ ref: known.object.ref });
    }
    this.#entries = fresh;
    this.#watermark = restored ? listed : (listed ?? this.#watermark);
    if (changes.length > 0) this.#changed(changes);
  }

  #accept(manifest: Manifest): void {
    if (this.#deleted.has(String(manifest.metadata['uid']))) return;
    const name = nameText(manifest.metadata.namespace ?? '', manifest.metadata.name);
    const known = this.#entries.get(name);
    const version = versionNumber(String(manifest.metadata['resourceVersion']));
    if (known?.version !== undefined && version !== undefined && version <= known.version) return;
    const entry = this.#entry(manifest);
    this.#entries.set(name, entry);
    if (known === undefined || differs(known.object, entry.object))
      this.#changed([{ ref: entry.object.ref, object: entry.object }]);
  }

  #remove(namespace: string, objectName: string, uid: string): void {
    const name = nameText(namespace, objectName);
    const known = this.#entries.get(name);
    // Another UID: it was created anew meanwhile, and this is the end of the one before.
    if (known === undefined || known.object.uid !== uid) return;
    this.#entries.delete(name);
    this.#changed([{ ref: known.object.ref }]);
  }

  #entry(manifest: Manifest): Entry {
    const { object, keepBody } = observedOf(manifest, this.#kind, this.#lens);
    const version = versionNumber(object.resourceVersion);
    if (!keepBody) return { object, version, look: this.#look };
    // A copy: what zlib returns is a view of a buffer of 16 KiB, which would be kept for each object.
    const body = new Uint8Array(deflateRawSync(JSON.stringify(manifest), { level: 1 }));
    return { object, version, look: this.#look, body };
  }
}

function manifestIn(body: Uint8Array): Manifest {
  const manifest: Manifest = JSON.parse(inflateRawSync(body).toString('utf8'));
  return manifest;
}

/** A live object as the planner sees it, and whether its body is worth keeping. */
export function observedOf(
  manifest: Manifest,
  kind: GroupVersionKind,
  lens: Lens,
): { readonly object: ObservedObject; readonly keepBody: boolean } {
  const { name, namespace, uid, resourceVersion, deletionTimestamp, finalizers } = manifest.metadata;
  const ref: ObjectRef = {
    group: kind.group,
    version: kind.version,
    kind: kind.kind,
    namespace: namespace ?? '',
    name,
  };
  const deletingSinceMs = parseTimestamp(deletionTimestamp);
  const look = lookAt(manifest, lens);
  const object: ObservedObject = {
    ref,
    uid: String(uid),
    resourceVersion: String(resourceVersion),
    tracking: look.tracking,
    ...(look.projection === undefined ? {} : { projection: look.projection }),
    legacy: look.legacy,
    ...(deletingSinceMs === undefined ? {} : { deletingSinceMs }),
    finalizers: Array.isArray(finalizers) ? finalizers.filter((item) => typeof item === 'string') : [],
    health: look.health,
  };
  return { object, keepBody: look.keepBody };
}

/** F28: an object that the lens cannot read fails by itself: it is there, and its health is not known. */
function lookAt(manifest: Manifest, lens: Lens): ReturnType<Lens['look']> {
  try {
    return lens.look(manifest);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `the object could not be read: ${why}`;
    return { legacy: false, tracking: {}, health: { status: 'Unknown', message }, keepBody: false };
  }
}

/**
 * Whether there is anything to tell. A new resourceVersion alone is not: heartbeats in a status would otherwise wake
 * the engine for objects that are what they were.
 */
function differs(before: ObservedObject, after: ObservedObject): boolean {
  return (
    before.uid !== after.uid ||
    before.projection !== after.projection ||
    before.legacy !== after.legacy ||
    before.deletingSinceMs !== after.deletingSinceMs ||
    before.health.status !== after.health.status ||
    before.health.message !== after.health.message ||
    before.health.counts !== after.health.counts ||
    before.finalizers.join(' ') !== after.finalizers.join(' ') ||
    !sameTracking(before.tracking, after.tracking)
  );
}

function sameTracking(before: ObservedObject['tracking'], after: ObservedObject['tracking']): boolean {
  const keys = Object.keys(before);
  return keys.length === Object.keys(after).length && keys.every((key) => before[key] === after[key]);
}

function isNewer(version: bigint | undefined, than: bigint | undefined): boolean {
  return version !== undefined && than !== undefined && version > than;
}

function isReached(version: bigint | undefined, floor: bigint): boolean {
  return version !== undefined && version >= floor;
}

function nameText(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
