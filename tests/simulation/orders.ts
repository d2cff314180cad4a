/**
 * What comes after what: nothing of a commit is applied before what it depends on is at that commit, and no wave before
 * what the waves below it have is applied.
 */
import type { Stored } from '#embedded/objects.ts';
import type { Change } from '#embedded/store.ts';
import type { Contest } from '#model/outcome.ts';
import {
  contentIn,
  kinds,
  manifestOf,
  placeOf,
  stampName,
  waveAnnotation,
  type App,
  type Fleet,
} from './fleet.ts';
import { memberOf } from './kubectl.ts';
import { headOf, isOurs, Violation } from './oracles.ts';
import { itemsOf } from './people/doing.ts';
import { isWithin, withPlainData } from './within.ts';
import type { Watcher, World, Written } from './world.ts';

/** What a Run of something new has to put in place, wave by wave. */
interface Wanted {
  readonly at: string;
  readonly wave: number;
  readonly manifest: object;
  /** When it stood so, since the Run began. */
  doneMs: number;
}
interface Running {
  readonly sinceMs: number;
  readonly wanted: readonly Wanted[];
}

export class Orders implements Watcher {
  readonly #world: World;
  readonly #fleet: Fleet;
  /** What each application was ever recorded to have applied, as Git had it. */
  readonly #applied = new Map<App, Set<string>>();
  readonly #running = new Map<App, Running>();
  /** How each object was before others changed it: whether a Run knows of that is its watch's matter. */
  readonly #before = new Map<string, Stored>();

  constructor(world: World, fleet: Fleet) {
    this.#world = world;
    this.#fleet = fleet;
  }

  wrote({ change, who, sentMs }: Written): void {
    if (change.resource === 'trueup.dev/unitstates') return this.#recordWritten(change);
    const app = this.#fleet.appOf(change);
    if (app === undefined || !app.hasWaves || isOurs(change.resource)) return;
    const at = atOf(change.object);
    if (who !== undefined) this.#before.delete(at);
    else if (change.before !== undefined && !this.#before.has(at)) this.#before.set(at, change.before);
    if (change.type === 'DELETED') return;
    const running = this.#running.get(app);
    const found = running?.wanted.find((each) => each.at === at);
    if (running === undefined || found === undefined) return;
    // One that left before may land now.
    if (who !== undefined && sentMs >= running.sinceMs) this.#inOrder(app, running, found, sentMs);
    if (found.doneMs === Infinity && isWithin(found.manifest, withPlainData(change.object)))
      found.doneMs = this.#world.nowMs;
  }
  sent(): void {}
  logged(): void {}

  #recordWritten({ object, before, type }: Change): void {
    const head = headOf(object);
    const app = this.#fleet.apps.find(({ name }) => name === head?.owner.name);
    if (head === undefined || app === undefined) return;
    const { intent, revisions, contests = [] } = head;
    const commit = revisions[0]?.commit;
    if (commit !== undefined) this.#note(app, commit);
    if (intent === undefined || type === 'DELETED') return void this.#running.delete(app);
    const was = headOf(before)?.intent;
    if (was?.startedAtMs === intent.startedAtMs && was.plan === intent.plan) return;
    this.#running.delete(app);
    const wanted = intent.revisions[0]?.commit ?? '';
    // A heal brings nothing new, and an end nothing at all.
    if (wanted === commit || intent.by === 'deletion') return;
    this.#dependenciesFirst(app, wanted);
    if (app.hasWaves)
      this.#running.set(app, { sinceMs: this.#world.nowMs, wanted: this.#wanted(app, wanted, contests) });
  }

  #note(app: App, commit: string): void {
    const applied = this.#applied.get(app) ?? new Set();
    this.#applied.set(app, applied.add(this.#contentOf(app, commit) ?? ''));
  }
  #contentOf(app: App, commit: string): string | undefined {
    const recorded = this.#fleet.commits.get(commit);
    const content = recorded && contentIn(recorded, app);
    return content === undefined ? undefined : JSON.stringify(content);
  }

  #dependenciesFirst(app: App, commit: string): void {
    for (const other of this.#fleet.apps) {
      if (!app.dependsOn.includes(other.name)) continue;
      const applied = this.#applied.get(other);
      if (applied === undefined)
        throw new Violation(
          'dependsOn',
          `${app.name} was synced before ${other.name} was for the first time`,
        );
      // Which source each had, as far as that replica knew, is not known of those that moved.
      const isSame = placeOf(app).server === placeOf(other).server;
      if (!isSame || app.places.length > 1 || other.places.length > 1) continue;
      const content = this.#contentOf(other, commit);
      if (content !== undefined && !applied.has(content))
        throw new Violation(
          'dependsOn',
          `${app.name} was synced to ${commit}, to which ${other.name} never was`,
        );
    }
  }

  /** What somebody else contends for is left as it is, and nothing waits for it. */
  #wanted(app: App, commit: string, contests: readonly Contest[]): readonly Wanted[] {
    const recorded = this.#fleet.commits.get(commit);
    const content = recorded && contentIn(recorded, app);
    if (content === undefined) return [];
    const stamp = { kind: 'ConfigMap', name: stampName(app), wave: 0, manifest: {} } as const;
    const items = itemsOf(content).map((item) => ({
      ...item,
      wave: Number(memberOf(manifestOf(item, app), 'metadata', 'annotations', waveAnnotation)),
      manifest: manifestOf(item, app),
    }));
    return [stamp, ...items].map(({ kind, name, wave, manifest }) => {
      const at = `${kind} ${app.namespace}/${name}`;
      const live = this.#world.kubectl.get({ ...kinds[kind], namespace: app.namespace, name });
      const isLeft = contests.some(({ object }) => object.kind === kind && object.name === name);
      const stood = [live, this.#before.get(at)].some(
        (each) => each !== undefined && isWithin(manifest, withPlainData(each)),
      );
      return { at, wave, manifest, doneMs: isLeft || stood ? 0 : Infinity };
    });
  }

  #inOrder(app: App, { wanted }: Running, { at, wave }: Wanted, sentMs: number): void {
    const [missing] = wanted.filter((each) => each.wave < wave && each.doneMs > sentMs);
    if (missing !== undefined)
      throw new Violation('waves', `${at} of ${app.name} (wave ${wave}) was written before ${missing.at}`);
  }
}

const atOf = ({ kind, metadata: { namespace, name } }: Change['object']): string =>
  `${kind} ${namespace}/${name}`;
