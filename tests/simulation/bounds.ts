/** What a replica keeps, and what it writes of a Unit, is bounded by what is there: not by how long it runs, or by how much changed. */
import { historyMax } from '#model/outcome.ts';
import { keyText, refOf, type Manifest } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import { contentIn, itemKey, type App, type Fleet } from './fleet.ts';
import { isOurs, Violation, type Oracles } from './oracles.ts';
import { hooksOf, itemsOf } from './people/doing.ts';
import type { Replica } from './replica.ts';
import type { Watcher, World, Written } from './world.ts';

/** Of a few dozen objects and a full history. */
const objectBytesMax = 64 * 1024;
/** Far more resources than any world declares. */
const queuedMax = 20;
/** Metrics with their labels: whatever is counted by a name that people choose would be more. */
const seriesMax = 1000;

const units = ['Application', 'ApplicationSet', 'Kustomization', 'HelmRelease'];

export class Bounds implements Watcher {
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly #oracles: Oracles;

  /** `oracles` has seen every write before. */
  constructor(world: World, fleet: Fleet, oracles: Oracles) {
    this.#world = world;
    this.#fleet = fleet;
    this.#oracles = oracles;
  }

  wrote({ change: { resource, object, type }, replica }: Written): void {
    if (replica === undefined) return;
    const { queued = 0 } = replica.engine?.counts ?? {};
    atMost(queuedMax, queued, `Units that wait for a turn of ${replica.name}`);
    if (type === 'DELETED' || !isOurs(resource)) return;
    const bytes = JSON.stringify(object).length;
    atMost(objectBytesMax, bytes, `bytes of ${resource} ${object.metadata.name}`);
    if (resource === 'trueup.dev/unitstates') for (const app of this.#fleet.apps) this.#recordOf(app);
  }
  sent(): void {}
  logged(): void {}

  #recordOf(app: App): void {
    const state = this.#oracles.recordOf(app);
    if (state === undefined) return;
    // Of each sort, so that none pushes another out.
    const longest = Map.groupBy(state.history, (entry) =>
      entry.kind === 'sync' ? entry.result : entry.kind,
    ).values();
    for (const entries of longest)
      atMost(historyMax, entries.length, `entries in the history of ${app.name}`);
    const known = [...this.#fleet.commits.values()].map((commit) => contentIn(commit, app));
    const named = new Set(known.flatMap((content) => (content ? itemsOf(content) : [])).map(itemKey));
    // The stamp besides.
    atMost(named.size + 1, state.inventory.length, `objects in the inventory of ${app.name}`);
  }

  /** Long after everything else has gone. */
  atEnd(): void {
    for (const replica of this.#world.replicas) {
      atMost(seriesMax, replica.metered.size, `metrics of ${replica.name}`);
      this.#isRemembered(replica);
    }
  }

  #isRemembered({ name, engine }: Replica): void {
    if (engine === undefined) return;
    const { sizes } = engine;
    const resources = engine.followed();
    for (const resource of resources)
      if (!this.#isThere(resource))
        throw new Violation('bounds', `${name} still knows of ${keyText(refOf(resource))}, which is gone`);
    const isUnit = ({ kind }: Manifest): boolean => units.includes(kind);
    const own = resources.filter((resource) => isUnit(resource) || resource.kind.endsWith('Repository'));
    const unitCount = own.filter(isUnit).length;
    const states = engine.states();
    const allowed: typeof sizes = {
      changes: own.length,
      declaredSources: own.length - unitCount,
      dependencies: 2 * unitCount,
      foresight: unitCount,
      ownership: 4 * unitCount + this.#objectsOf(states),
      recorder: states.length,
      registrations: 2 * unitCount,
      resources: resources.length,
      sources: own.length,
      states: 2 * this.#recordCount,
      views: unitCount,
    };
    for (const [part, size] of Object.entries(sizes))
      atMost(allowed[part] ?? 0, size, `entries that ${name} keeps (${part})`);
  }

  /** Those that are recorded, and those that are wanted: each is looked up by both. */
  #objectsOf(states: readonly UnitState[]): number {
    const recorded = states.reduce((sum, { inventory }) => sum + inventory.length, 0);
    const wanted = this.#fleet.apps.map((app) => {
      const content = this.#fleet.content(app);
      return itemsOf(content).length + 1 + hooksOf(content).length;
    });
    return wanted.reduce((sum, each) => sum + each, recorded);
  }

  get #recordCount(): number {
    return this.#world.kubectl.list({ group: 'trueup.dev', version: 'v1alpha1', plural: 'unitstates' })
      .length;
  }

  #isThere(resource: Manifest): boolean {
    const { group, kind, namespace, name } = refOf(resource);
    const plural = `${kind.toLowerCase()}s`.replace(/ys$/, 'ies');
    return this.#world.embedded.store.get(`${group}/${plural}`, namespace, name) !== undefined;
  }
}

function atMost(max: number, found: number, what: string): void {
  if (found > max) throw new Violation('bounds', `${found} ${what}, where ${max} are the most`);
}
