/** Who has to take a turn because something changed: what is no news, our own writes among it, wakes nobody. */
import type { Dialect } from '#model/dialect.ts';
import { keyText, versionOf, type Manifest, type ObjectKey } from '#model/object.ts';
import type { ObjectChange } from '#model/ports.ts';
import type { DeclaredSources } from './declared-sources.ts';
import type { Ownership } from './ownership.ts';
import type { Registrations } from './registrations.ts';
import { concerns, isKeyOf, ownKinds, type ResourceCache } from './resource-cache.ts';
import type { UnitRuntime } from './runtime.ts';
import { statusText, resourceSignature, sightSignature } from './signatures.ts';

export interface ChangesPorts {
  readonly cache: ResourceCache;
  readonly registrations: Registrations;
  readonly declared: DeclaredSources;
  readonly ownership: Ownership;
}

/** Resources, by their key text. */
export interface Woken {
  /** They are themselves what changed. */
  readonly changed: readonly string[];
  /** They were made from something that changed. */
  readonly concerned: readonly string[];
}

export class Changes {
  readonly #ports: ChangesPorts;
  readonly #signatures = new Map<string, string>();

  constructor(ports: ChangesPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#signatures.size;
  }

  resources(dialect: Dialect, keys: readonly ObjectKey[]): Woken {
    const changed: string[] = [];
    const concerned: string[] = [];
    for (const key of keys) {
      const text = keyText(key);
      if (ownKinds(dialect).some((kind) => isKeyOf(text, kind))) {
        if (!this.#isNews(key)) continue;
        changed.push(text);
      }
      // No Unit is made from what declares another one.
      if (!isKeyOf(text, dialect)) concerned.push(...this.#madeFrom(key));
    }
    return { changed, concerned };
  }

  /** Units that have such an object, or wait for it. */
  objects(changes: readonly ObjectChange[]): readonly UnitRuntime[] {
    const { ownership, registrations } = this.#ports;
    const concerned: UnitRuntime[] = [];
    for (const { ref, object } of changes) {
      const key = keyText(ref);
      const signature = sightSignature(object);
      for (const unit of ownership.concerned(ref)) {
        const runtime = registrations.runtime(unit);
        if (runtime === undefined || runtime.seen.get(key) === signature) continue;
        runtime.seen.set(key, signature);
        if (runtime.isOwn) runtime.stirred.set(key, ref);
        concerned.push(runtime);
      }
    }
    return concerned;
  }

  /** Our own status writes come back as events too: only what is not ours makes a turn. */
  #isNews(key: ObjectKey): boolean {
    const resource = this.#ports.cache.get(key);
    const text = keyText(key);
    if (resource === undefined) return this.#signatures.delete(text);
    const signature = resourceSignature(resource);
    if (this.#signatures.get(text) === signature)
      return isOverwritten(this.#ports.registrations.at(text), resource);
    this.#signatures.set(text, signature);
    return true;
  }

  *#madeFrom(key: ObjectKey): Iterable<string> {
    const { registrations, declared } = this.#ports;
    for (const { reads, unit } of registrations.runtimes) if (concerns(reads, key)) yield keyText(unit.owner);
    for (const [resource, reads] of [...registrations.notAdmitted, ...declared.all])
      if (concerns(reads, key)) yield resource;
  }
}

/** By a replica that had the Unit before, and had not heard yet that it lost it. */
export function isOverwritten(runtime: UnitRuntime | undefined, resource: Manifest | undefined): boolean {
  if (resource === undefined || runtime?.published === undefined || !runtime.isOwn) return false;
  const { version, status } = runtime.published;
  return versionOf(resource) > version && statusText(resource) !== status;
}
