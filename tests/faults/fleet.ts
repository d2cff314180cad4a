/**
 * Many Applications of one repository. Each commit changes one object of each, adds one and takes one away, so that
 * every Run applies and prunes. At the end the cluster is compared with Git, object by object and entry by entry.
 */
import { inflateRawSync } from 'node:zlib';
import { expect } from 'vitest';
import type { Write } from '../scenarios/audit.ts';
import type { LiveObject } from '../scenarios/cluster-api.ts';
import { configMap, yaml } from '../scenarios/manifests.ts';
import { applicationKind, unitStateKind, waitFor } from '../scenarios/world.ts';
import type { Place, World } from '../scenarios/world.ts';

const constant = 'stays';

export class Fleet {
  readonly names: readonly string[];
  readonly #world: World;
  readonly place: Place;
  #generation = 0;
  #commit = '';
  #uids: ReadonlyMap<string, string> = new Map();

  /** Objects of each Application that no commit changes. */
  readonly #fixed: number;

  private constructor(world: World, place: Place, count: number, fixed: number) {
    this.#world = world;
    this.place = place;
    this.#fixed = fixed;
    this.names = Array.from({ length: count }, (_, index) => `unit-${index}`);
  }

  /** Returns when all are as the first commit says. */
  static async begin(world: World, count: number, fixed = 0): Promise<Fleet> {
    const place = await world.place();
    const fleet = new Fleet(world, place, count, fixed);
    await fleet.push();
    for (const name of fleet.names)
      await world.api.create(
        place.application({
          metadata: { name, namespace: world.controlNamespace },
          spec: { source: { repoURL: place.repository.url, path: name, targetRevision: 'main' } },
        }),
      );
    await fleet.settled();
    fleet.#uids = await fleet.#uidsOfFirst();
    return fleet;
  }

  get generation(): string {
    return String(this.#generation);
  }

  /** The next commit. */
  async push(): Promise<void> {
    this.#generation += 1;
    const files = this.names.map((name) => [
      `${name}/objects.yaml`,
      yaml(...[...this.#objectsOf(name)].map(([object, value]) => configMap(object, { value }))),
    ]);
    this.#commit = await this.place.push(Object.fromEntries(files) as Record<string, string>);
  }

  async hint(): Promise<void> {
    expect(await this.#world.hint(this.place.repository)).toBeLessThan(300);
  }

  /** How many have what the last commit changed. */
  async arrived(): Promise<number> {
    const live = await this.live();
    return this.names.filter((name) => live.get(name) === this.generation).length;
  }

  async applications(): Promise<readonly LiveObject[]> {
    const all = await this.#world.api.list(applicationKind, this.#world.controlNamespace);
    return all.filter(({ metadata }) => this.names.includes(metadata.name));
  }

  /** Units of which a Run has not ended. */
  async underWay(): Promise<ReadonlySet<string>> {
    const states = await this.#states();
    return new Set(
      states.filter(({ state }) => state.intent !== undefined).map(({ state }) => state.owner.name),
    );
  }

  /**
   * Waits until live equals Git: every object of it with its value, and no other; every inventory names exactly its
   * objects; no intent is left; every Application says that it is Synced at the last commit.
   */
  async settled(timeoutMs = 60_000): Promise<void> {
    await waitFor('everything to be as Git says', async () => (await this.#differences()).length === 0, {
      timeoutMs,
      seen: () => this.#differences(),
    });
  }

  /** What was there from the first commit on is still the same object: nothing was deleted and made again. */
  async lostNothing(): Promise<void> {
    expect(await this.#uidsOfFirst()).toEqual(this.#uids);
  }

  /** Objects that were written more than once since the mark, by name; what the API server refused does not count. */
  async writtenTwice(mark: number): Promise<ReadonlyMap<string, readonly Write[]>> {
    const writes = (await this.place.writesSince(mark)).filter(
      ({ resource, status }) => resource === 'configmaps' && status < 300,
    );
    const byObject = Map.groupBy(writes, ({ name }) => name);
    return new Map([...byObject].filter(([, all]) => all.length > 1));
  }

  async live(): Promise<ReadonlyMap<string, string>> {
    const maps = await this.#world.api.list('v1/ConfigMap', this.place.namespace);
    return new Map(
      maps
        .filter(({ metadata }) => metadata.name.startsWith('unit-'))
        .map(({ metadata, data }) => [metadata.name, String(data?.value)]),
    );
  }

  #objectsOf(name: string): ReadonlyMap<string, string> {
    const fixed = Array.from(
      { length: this.#fixed },
      (_, index) => [`${name}-fixed-${index}`, constant] as const,
    );
    return new Map([
      ...fixed,
      [name, this.generation],
      [`${name}-${this.#generation}`, constant],
      [`${name}-${this.#generation + 1}`, constant],
    ]);
  }

  async #differences(): Promise<readonly string[]> {
    const wanted = new Map(this.names.flatMap((name) => [...this.#objectsOf(name)]));
    const live = await this.live();
    const applications = await this.applications();
    const states = new Map((await this.#states()).map((one) => [one.state.owner.name, one]));
    return [
      ...[...wanted].flatMap(([name, value]) =>
        live.get(name) === value ? [] : [`${name} is ${live.get(name) ?? 'missing'}, not ${value}`],
      ),
      ...[...live.keys()].flatMap((name) => (wanted.has(name) ? [] : [`${name} is left over`])),
      ...applications.flatMap(({ metadata, status }) =>
        status?.sync?.status === 'Synced' && status.sync.revision === this.#commit
          ? []
          : [
              `Application ${metadata.name} is ${status?.sync?.status} at ${status?.sync?.revision}: ${JSON.stringify([status?.operationState?.message, status?.conditions])}`,
            ],
      ),
      ...this.names.flatMap((name) => {
        const found = states.get(name);
        if (found === undefined) return [`${name} has no UnitState`];
        const objects = [...this.#objectsOf(name).keys()].toSorted().join(' ');
        const inventory = found.inventory.toSorted().join(' ');
        return [
          ...(inventory === objects ? [] : [`the inventory of ${name} is ${inventory}`]),
          ...(found.state.intent === undefined ? [] : [`${name} has an intent`]),
        ];
      }),
    ];
  }

  async #states(): Promise<readonly UnitStateRead[]> {
    const all = await this.#world.api.list(unitStateKind, this.#world.controlNamespace);
    return all.map(({ state, packed }) => {
      const part = JSON.parse(inflateRawSync(Buffer.from(packed as string, 'base64')).toString()) as {
        readonly inventory: readonly { readonly ref: { readonly name: string } }[];
      };
      return { state: state as UnitStateRead['state'], inventory: part.inventory.map(({ ref }) => ref.name) };
    });
  }

  async #uidsOfFirst(): Promise<ReadonlyMap<string, string>> {
    const maps = await this.#world.api.list('v1/ConfigMap', this.place.namespace);
    return new Map(
      maps
        .filter(({ metadata }) => this.names.includes(metadata.name))
        .map(({ metadata }) => [metadata.name, metadata.uid]),
    );
  }
}

interface UnitStateRead {
  readonly state: { readonly owner: { readonly name: string }; readonly intent?: unknown };
  /** Names of its objects. */
  readonly inventory: readonly string[];
}
