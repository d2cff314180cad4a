/**
 * Follows a selection with bodies, for those who compile and project: dialects, policies, our own state. Keeps only
 * names and versions itself; the bodies go to the listener.
 */
import { ok } from '#model/failure.ts';
import type { Selection } from '#model/dialect.ts';
import type { GroupVersionKind, Manifest, ObjectKey } from '#model/object.ts';
import { apiVersionOf } from '#model/object.ts';
import type { FollowBatch, Following } from '#model/ports.ts';
import { collectionPath, resourceName } from './discovery.ts';
import type { Collection, Listing, ReflectorState, Sink } from './collection.ts';
import type { NewKinds } from './new-kinds.ts';
import type { ReflectorOptions, ReflectorPorts } from './reflector.ts';
import { Reflector } from './reflector.ts';
import type { Transport } from './transport.ts';

interface Known {
  readonly version: string;
  readonly key: ObjectKey;
}

export class FollowedSelection implements Following {
  readonly #selection: Selection;
  readonly #listener: (batch: FollowBatch) => void;
  readonly #reflector: Reflector;
  #known = new Map<string, Known>();
  #synced = false;
  #stopped = false;
  #missing = false;
  #failed = false;

  constructor(
    transport: Transport,
    ports: ReflectorPorts,
    options: Partial<ReflectorOptions>,
    newKinds: NewKinds,
    selection: Selection,
    listener: (batch: FollowBatch) => void,
  ) {
    this.#selection = selection;
    this.#listener = listener;
    const { kind, plural, namespace, name, labelSelector } = selection;
    const collection: Collection = {
      resource: resourceName({ group: kind.group, plural }),
      path: collectionPath({ ...kind, plural }, namespace),
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
      ...(namespace === undefined ? {} : { namespace }),
    };
    this.#reflector = new Reflector(
      transport,
      ports,
      options,
      async () => ok(collection),
      this.#sink(newKinds),
    );
    this.#reflector.start();
  }

  stop(): void {
    this.#stopped = true;
    this.#reflector.stop();
  }

  /** Discovery found new kinds: if this one was missed, it is listed at once. */
  rediscovered(came: (kind: GroupVersionKind) => boolean): void {
    if (this.#missing && came(this.#selection.kind)) this.#reflector.came();
  }

  #sink(newKinds: NewKinds): Sink {
    return {
      begin: () => this.#beginListing(),
      events: (events) => {
        // The last event of each object stands for all of them.
        const changed = new Map<string, Manifest>();
        const gone = new Map<string, ObjectKey>();
        for (const { type, manifest } of events) {
          const text = nameText(manifest);
          const key = this.#keyOf(manifest);
          if (type === 'set') {
            this.#known.set(text, { version: versionOf(manifest), key });
            changed.set(text, manifest);
            gone.delete(text);
          } else {
            this.#known.delete(text);
            changed.delete(text);
            gone.set(text, key);
          }
        }
        if (changed.size + gone.size > 0) this.#tell([...changed.values()], [...gone.values()]);
      },
      state: (state) => {
        this.#missing = state.phase === 'failing' && state.failure.code === 'KindNotServed';
        if (this.#missing) newKinds.wanted();
        if (!this.#missing || !this.#selection.optional) return this.#fails(state);
        if (this.#synced && this.#known.size === 0 && !this.#failed) return;
        this.#synced = true;
        const gone = [...this.#known.values()].map(({ key }) => key);
        this.#known = new Map();
        this.#tell([], gone);
      },
    };
  }

  /** Trouble on the way leaves what is known as it is; a refusal does not. */
  #fails(state: ReflectorState): void {
    if (this.#stopped || state.phase !== 'failing' || (this.#synced && !state.refused)) return;
    this.#failed = true;
    this.#listener({ synced: this.#synced, changed: [], gone: [], failure: state.failure });
  }

  #beginListing(): Listing {
    const fresh = new Map<string, Known>();
    const changed: Manifest[] = [];
    return {
      page: (items) => {
        for (const manifest of items) {
          const text = nameText(manifest);
          const version = versionOf(manifest);
          fresh.set(text, { version, key: this.#keyOf(manifest) });
          if (this.#known.get(text)?.version !== version) changed.push(manifest);
        }
      },
      commit: () => {
        const gone = [...this.#known].flatMap(([text, { key }]) => (fresh.has(text) ? [] : [key]));
        const isNews = !this.#synced || this.#failed;
        this.#known = fresh;
        this.#synced = true;
        if (isNews || changed.length + gone.length > 0) this.#tell(changed, gone);
      },
    };
  }

  #tell(changed: readonly Manifest[], gone: readonly ObjectKey[]): void {
    this.#failed = false;
    if (!this.#stopped) this.#listener({ synced: this.#synced, changed, gone });
  }

  #keyOf(manifest: Manifest): ObjectKey {
    const { group, kind } = this.#selection.kind;
    return { group, kind, namespace: manifest.metadata.namespace ?? '', name: manifest.metadata.name };
  }
}

function nameText(manifest: Manifest): string {
  return `${manifest.metadata.namespace ?? ''}/${manifest.metadata.name}`;
}

/** With the UID: an object that was deleted and created anew is another one. */
function versionOf(manifest: Manifest): string {
  return `${String(manifest.metadata['uid'])}/${String(manifest.metadata['resourceVersion'])}`;
}
