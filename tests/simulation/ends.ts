/** ADR 25: an application goes stage by stage, and what comes after a stage's hooks waits until they have ended well. */
import type { Change } from '#embedded/store.ts';
import { isDeclaring } from './declared.ts';
import { contentIn, type App, type Content, type Fleet } from './fleet.ts';
import { endPoints, isHeldFor, isOfEnd, type End } from './hooks.ts';
import { headOf, Violation, type Oracles } from './oracles.ts';
import { hooksOf } from './people/doing.ts';
import type { Watcher, World, Written } from './world.ts';

export class Ends implements Watcher {
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly #oracles: Oracles;
  /** Of each Unit the hooks that were recorded as ended well, with when, since an attempt failed last. */
  readonly #succeeded = new Map<string, Map<string, number>>();

  /** `oracles` has seen every write before. */
  constructor(world: World, fleet: Fleet, oracles: Oracles) {
    this.#world = world;
    this.#fleet = fleet;
    this.#oracles = oracles;
  }

  wrote({ change, replica, sentMs }: Written): void {
    const { resource, object, before, type } = change;
    if (resource === 'trueup.dev/unitstates') return this.#recordWritten(change);
    // People may take finalizers off: they do without the hooks.
    if (replica === undefined) return;
    if (resource === 'batch/jobs' && type === 'ADDED') return this.#made(change, sentMs);
    if (object.metadata.deletionTimestamp === undefined) return;
    const app = this.#fleet.apps.find((each) => isDeclaring(object, each));
    if (app === undefined) return;
    for (const point of endPoints)
      if (isHeldFor(before, point) && (type === 'DELETED' || !isHeldFor(object, point)))
        this.#stageEnded(app, point);
  }
  sent(): void {}
  logged(): void {}

  #recordWritten({ object }: Change): void {
    const { unit = '', hooks } = headOf(object) ?? {};
    const known = this.#succeeded.get(unit) ?? new Map<string, number>();
    this.#succeeded.set(unit, known);
    const begun = hooks?.begun ?? [];
    // The next attempt runs all of them again.
    if (hooks?.failed === true || begun.some(({ result }) => result === 'failed')) return known.clear();
    for (const { ref, result } of begun)
      if (result === 'succeeded' && !known.has(ref.name)) known.set(ref.name, this.#world.nowMs);
  }

  /** What ended well is not run again, also when its sync, or its stage, is recorded as over. */
  #made(change: Change, sentMs: number): void {
    const { name } = change.object.metadata;
    const app = this.#fleet.appOf(change);
    const isMeant = hooksOf(app && this.#synced(app)).some(
      (hook) => isOfEnd(hook) && name.startsWith(hook.name),
    );
    const endedMs = app && this.#succeeded.get(this.#oracles.recordOf(app)?.unit ?? '')?.get(name);
    if (isMeant && endedMs !== undefined && sentMs > endedMs)
      throw new Violation('F1', `the hook ${name} was run again after it had ended well`);
  }

  #synced(app: App): Content | undefined {
    const { revisions = [] } = this.#oracles.recordOf(app) ?? {};
    const synced = this.#fleet.commits.get(revisions[0]?.commit ?? '');
    return synced && contentIn(synced, app);
  }

  #stageEnded(app: App, point: End): void {
    const { unit = '', inventory = [] } = this.#oracles.recordOf(app) ?? {};
    // Where nothing deletes it before, one of an earlier end that still stands is as good as one that runs.
    const due = hooksOf(this.#synced(app)).filter(
      (hook) => hook.point === point && hook.deletion === 'BeforeHookCreation',
    );
    const ran = [...(this.#succeeded.get(unit)?.keys() ?? [])];
    const missed = due.find(({ name }) => !ran.some((each) => each.startsWith(name)));
    if (missed !== undefined)
      throw new Violation('F1', `${app.name} went on with its end before ${missed.name} had run (${point})`);
    // The record is not written once more when the last of them are seen to be gone.
    const standing = inventory.filter(({ ref, uid }) => {
      const found = this.#oracles.live(ref);
      return found !== undefined && (uid === undefined || found.metadata.uid === uid);
    });
    if (point === 'PostDelete' && app.cascades && standing.length > 0)
      throw new Violation('F18', `${app.name} went before ${standing.length} of its objects`);
  }
}
