/**
 * Who made each drift is recorded: where we turn back what somebody set, or make again what somebody deleted, the history
 * of the Unit, or the records, name by the end whoever it was, or say that nobody can know.
 */
import { canonicalJson } from '#model/json.ts';
import type { ObjectRef } from '#model/object.ts';
import type { Stored } from '#embedded/objects.ts';
import type { Change } from '#embedded/store.ts';
import { contentIn, kinds, tierLabel, waveAnnotation, type App, type Fleet, type Item } from './fleet.ts';
import { memberOf } from './kubectl.ts';
import { isOurs, Violation, writers, type Oracles } from './oracles.ts';
import type { Watcher, World, Written } from './world.ts';

/** A drift that stands: what was there before it, and what had been told of this object until then. */
interface Drifted {
  readonly app: App;
  readonly kind: string;
  readonly name: string;
  readonly by: string;
  readonly was: string;
  readonly told: number;
}

export class Attributions implements Watcher {
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly #oracles: Oracles;
  /** By the place of the object. */
  readonly #standing = new Map<string, Drifted>();
  /** What we delete, by UID: the cluster takes it out by itself when what belongs to it is gone. */
  readonly #going = new Set<string>();
  /** Those that we took back. */
  readonly #healed: Drifted[] = [];
  /** Whatever any history ever had: it is bounded. By application, kind, name and who it was. */
  readonly #told = new Map<string, Set<string>>();

  /** `oracles` has seen every write before. */
  constructor(world: World, fleet: Fleet, oracles: Oracles) {
    this.#world = world;
    this.#fleet = fleet;
    this.#oracles = oracles;
  }

  wrote({ change, who }: Written): void {
    if (change.resource === 'trueup.dev/unitstates') return this.#recordWritten(change);
    const app = this.#fleet.appOf(change);
    if (app === undefined || isOurs(change.resource) || !(change.object.kind in kinds)) return;
    const { uid, deletionTimestamp } = change.object.metadata;
    if (who !== undefined && deletionTimestamp !== undefined) this.#going.add(uid);
    if (who !== undefined || this.#going.has(uid)) this.#heals(app, change);
    else this.#drifts(app, change);
  }
  sent(): void {}
  logged(): void {}

  #recordWritten({ object, type }: Change): void {
    const owner = memberOf(object, 'metadata', 'labels', 'trueup.dev/owner-name');
    const app = this.#fleet.apps.find(({ name }) => name === owner);
    if (app === undefined || object['shardOf'] !== undefined) return;
    // What is declared anew is adopted as it stands.
    if (type === 'DELETED')
      for (const [place, drifted] of this.#standing) if (drifted.app === app) this.#standing.delete(place);
    const { unit = '', history = [], inventory = [], revisions = [] } = this.#oracles.recordOf(app) ?? {};
    // What Git let go while it was away was not made again; where Git has it once more, that is new.
    const kept = new Set(inventory.map(({ ref }) => placeOfRef(ref)));
    const items = this.#itemsOf(revisions[0]?.commit, app);
    for (const [place, { app: of, kind, name }] of this.#standing) {
      const isWanted = items?.some((item) => item.kind === kind && item.name === name) ?? true;
      if (of === app && !isWanted && !kept.has(place)) this.#standing.delete(place);
    }
    for (const entry of history) {
      if (entry.kind !== 'drift') continue;
      for (const { owner: by } of entry.changes)
        this.#note(app, entry.object, typeof by === 'object' ? by.manager : by).add(`${unit} ${entry.id}`);
    }
  }

  #note(app: App, { kind, name }: { kind: string; name: string }, by = ''): Set<string> {
    const key = [app.name, kind, name, by].join(' ');
    const told = this.#told.get(key) ?? new Set();
    this.#told.set(key, told);
    return told;
  }

  #drifts(app: App, { object, before, type }: Change): void {
    const place = placeOf(object);
    const by = type === 'DELETED' ? 'unknown' : writers.get(memberOf(object, 'data', 'value'));
    const standing = this.#standing.get(place);
    if (by === undefined) return void this.#standing.delete(place);
    const { intent, inventory = [], revisions = [] } = this.#oracles.recordOf(app) ?? {};
    // Else it is not known yet that it stood as Git said; nor what a Run applied that did not come to its end.
    const isApplied =
      intent === undefined &&
      (type === 'DELETED' || this.#isOf(revisions[0]?.commit, app, before)) &&
      inventory.some(
        (entry) =>
          entry.ref.kind === object.kind &&
          entry.ref.name === object.metadata.name &&
          entry.state === 'applied' &&
          entry.uid === object.metadata.uid,
      );
    if (standing === undefined && (before === undefined || !isApplied)) return;
    const { kind, metadata } = object;
    const { name } = metadata;
    const was = standing?.was ?? declaredOf(before!);
    const told = this.#note(app, { kind, name }, by).size;
    this.#standing.set(place, { app, kind, name, by, was, told });
  }

  /** Undefined where it is not known, or no such thing is declared there. */
  #itemsOf(commit = '', app: App): readonly Item[] | undefined {
    const recorded = this.#fleet.commits.get(commit);
    const content = recorded && contentIn(recorded, app);
    return content !== undefined && 'items' in content ? content.items : undefined;
  }

  /** Whether an object has what that commit says. */
  #isOf(commit: string | undefined, app: App, object: Stored | undefined): boolean {
    const { kind, metadata } = object ?? {};
    const item = this.#itemsOf(commit, app)?.find(
      (each) => each.kind === kind && each.name === metadata?.name,
    );
    return kind !== 'ConfigMap' || memberOf(object, 'data', 'value') === String(item?.value);
  }

  #heals(app: App, { object, type }: Change): void {
    const drifted = this.#standing.get(placeOf(object));
    if (drifted === undefined) return;
    // What we delete with its drift is not turned back, and what is made after it is another object.
    if (type !== 'DELETED' && writers.has(memberOf(object, 'data', 'value'))) return;
    this.#standing.delete(placeOf(object));
    // Where Git has something else by now, or gives it to another, it is that which is applied.
    if (app === drifted.app && type !== 'DELETED' && declaredOf(object) === drifted.was)
      this.#healed.push(drifted);
  }

  atEnd(): void {
    for (const { app, kind, name, by, told } of this.#healed)
      if (this.#note(app, { kind, name }, by).size <= told)
        throw new Violation(
          'attribution',
          `nothing says that ${by} made ${kind} ${name} of ${app.name} drift`,
        );
    this.#world.note(`${this.#healed.length} drifts are attributed`);
  }
}

const placeOf = ({ kind, metadata: { namespace, name } }: Stored): string => `${kind} ${namespace}/${name}`;
const placeOfRef = ({ kind, namespace, name }: ObjectRef): string => `${kind} ${namespace}/${name}`;

/** What Git says of it, as it stands there. */
function declaredOf(object: Stored): string {
  const { labels, annotations } = object.metadata;
  const of = (...path: readonly string[]): unknown => memberOf(object, ...path);
  const marks = [labels?.[tierLabel], annotations?.[waveAnnotation]];
  return canonicalJson([of('data'), of('spec', 'size'), of('spec', 'ports'), marks]);
}
