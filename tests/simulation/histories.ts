/** F17: nothing that was done is lost to the records, and while they cannot be written no new sync starts. */
import type { UnitState } from '#model/outcome.ts';
import type { Revision } from '#model/unit.ts';
import { fromHistory, unrecorded } from '#pipeline/record/records.ts';
import { resourceOf } from './declared.ts';
import { contentIn, type App, type Fleet } from './fleet.ts';
import { memberOf } from './kubectl.ts';
import { Violation, type Oracles } from './oracles.ts';
import { turnMsMax } from './standstill.ts';
import type { Watcher, World, Written } from './world.ts';

const nothing = { mark: undefined, open: new Map<string, never>() };

export class Histories implements Watcher {
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly #oracles: Oracles;
  /** What has to be in some replica's records, by the Unit. */
  readonly #expected = new Map<string, Set<string>>();

  /** `oracles` has seen every write before. */
  constructor(world: World, fleet: Fleet, oracles: Oracles) {
    this.#world = world;
    this.#fleet = fleet;
    this.#oracles = oracles;
  }

  wrote({ change, replica, sentMs }: Written): void {
    const { resource, object, before, type } = change;
    if (resource !== 'trueup.dev/unitstates' || object['shardOf'] !== undefined) return;
    const owner = String(memberOf(object, 'metadata', 'labels', 'trueup.dev/owner-name'));
    const app = this.#fleet.apps.find(({ name }) => name === owner);
    // With its Unit goes what no record could be kept of: nothing but a process's memory has it then.
    if (app !== undefined && type === 'DELETED') return void this.#expected.delete(app.name);
    const state = app && this.#oracles.recordOf(app);
    if (app === undefined || state === undefined) return;
    this.#expect(app, state);
    const isGoing = resourceOf(this.#world.kubectl, app)?.metadata.deletionTimestamp !== undefined;
    if (isGoing || state.intent === undefined || memberOf(before, 'state', 'intent') !== undefined) return;
    const [wanted, applied] = [state.intent, state].map(({ revisions }) => this.#objectsOf(app, revisions));
    // A commit that has nothing new of it deploys nothing; nor does one with other hooks.
    const isNew = wanted !== applied;
    const { failingSinceMs = Infinity } = replica ?? {};
    if (isNew && sentMs > failingSinceMs + turnMsMax)
      throw new Violation('F17', `${app.name}: a sync started that no record can keep`);
  }
  #objectsOf(app: App, [revision]: readonly Revision[]): string | undefined {
    const recorded = this.#fleet.commits.get(revision?.commit ?? '');
    const content = recorded && contentIn(recorded, app);
    return content && JSON.stringify({ ...content, hooks: [] });
  }
  sent(): void {}
  logged(): void {}

  #expect(app: App, state: UnitState): void {
    const expected = this.#expected.get(app.name) ?? new Set();
    this.#expected.set(app.name, expected);
    for (const record of fromHistory(state, nothing)?.deployments ?? []) expected.add(keyOf(record));
  }

  /** Long after the last failure. */
  atEnd(): void {
    const deployed = this.#world.replicas.flatMap(({ records, lostRecords }) => [
      ...records.deployed,
      ...lostRecords,
    ]);
    const kept = new Set(deployed.map(keyOf));
    for (const app of this.#fleet.apps) {
      const state = this.#oracles.recordOf(app);
      for (const { records, name } of this.#world.replicas) {
        const left = state === undefined ? [] : unrecorded(state, records.marks.get(state.unit));
        if (left.length > 0)
          throw new Violation('F17', `${app.name}: ${left.length} entries are not in the records of ${name}`);
      }
      const lost = [...(this.#expected.get(app.name) ?? [])].filter((key) => !kept.has(key));
      if (lost.length > 0)
        throw new Violation('F17', `${app.name}: no record was kept of ${lost.join(', ')}`);
    }
  }
}

const keyOf = ({ unit, sinceMs, entry }: { unit: string; sinceMs: number; entry: number }): string =>
  `${unit} ${sinceMs} ${entry}`;
