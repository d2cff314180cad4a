/** ADR 25: an application goes stage by stage, and what comes after a stage's hooks waits until they have ended well. */
import type { Change } from '#embedded/store.ts';
import { isDeclaring } from './declared.ts';
import { contentIn, type App, type Fleet } from './fleet.ts';
import { endPoints, isHeldFor, type End } from './hooks.ts';
import { headOf, Violation, type Oracles } from './oracles.ts';
import type { Watcher, Written } from './world.ts';

export class Ends implements Watcher {
  readonly #fleet: Fleet;
  readonly #oracles: Oracles;
  /** Of each Unit the hooks that were recorded as ended well, with their points. */
  readonly #succeeded = new Map<string, Set<string>>();

  /** `oracles` has seen every write before. */
  constructor(fleet: Fleet, oracles: Oracles) {
    this.#fleet = fleet;
    this.#oracles = oracles;
  }

  wrote({ change, replica }: Written): void {
    const { resource, object, before, type } = change;
    if (resource === 'trueup.dev/unitstates') return this.#recordWritten(change);
    // People may take finalizers off: they do without the hooks.
    if (replica === undefined || object.metadata.deletionTimestamp === undefined) return;
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
    const known = this.#succeeded.get(unit) ?? new Set();
    this.#succeeded.set(unit, known);
    for (const { ref, result } of hooks?.begun ?? []) if (result === 'succeeded') known.add(ref.name);
  }

  #stageEnded(app: App, point: End): void {
    const { unit = '', revisions = [], inventory = [] } = this.#oracles.recordOf(app) ?? {};
    const synced = this.#fleet.commits.get(revisions[0]?.commit ?? '');
    const content = synced && contentIn(synced, app);
    const hooks = content !== undefined && 'items' in content ? (content.hooks ?? []) : [];
    // Where nothing deletes it before, one of an earlier end that still stands is as good as one that runs.
    const due = hooks.filter((hook) => hook.point === point && hook.deletion === 'BeforeHookCreation');
    const ran = [...(this.#succeeded.get(unit) ?? [])];
    const missed = due.find(({ name }) => !ran.some((each) => each.startsWith(name)));
    if (missed !== undefined)
      throw new Violation('F1', `${app.name} went on with its end before ${missed.name} had run (${point})`);
    if (point === 'PostDelete' && app.cascades && inventory.length > 0)
      throw new Violation('F18', `${app.name} went before ${inventory.length} of its objects`);
  }
}
