/** What people have at hand for whatever they do. */
import { declaring } from '../declared.ts';
import { itemKey, kinds, newItem, placeOf, type App, type Content, type Fleet, type Item } from '../fleet.ts';
import type { Contests } from '../contests.ts';
import type { Hook } from '../hooks.ts';
import type { Named } from '../kubectl.ts';
import type { Oracles } from '../oracles.ts';
import type { SeededRandom } from '../random.ts';
import type { World } from '../world.ts';

export interface Doing {
  readonly world: World;
  readonly fleet: Fleet;
  readonly oracles: Oracles;
  readonly contests: Contests;
  readonly random: SeededRandom;
}
export interface Acting extends Doing {
  /** Until everybody goes home. */
  readonly leftMs: number;
}
export interface Action {
  readonly name: string;
  readonly weight: number;
  readonly act: (acting: Acting, app: App) => void;
}

export const itemsOf = (content: Content): readonly Item[] => ('items' in content ? content.items : []);
export const hooksOf = (content: Content | undefined): readonly Hook[] =>
  content !== undefined && 'items' in content ? (content.hooks ?? []) : [];
/** Whoever is asked has not answered yet: others keep their hands off. */
export const isHeld = (content: Content): boolean => 'items' in content && content.isHeld === true;

export function changed(items: readonly Item[], random: SeededRandom, app: App): readonly Item[] {
  const draft = [...items];
  for (let left = 1 + random.below(3); left > 0; left -= 1) {
    const at = random.below(draft.length + 1);
    const item = draft[at];
    if (item === undefined) draft.push(newItem(random, `${app.name}-${random.below(12)}x`));
    else if (random.chance(0.35) && draft.length > 1 && !app.isLarge) draft.splice(at, 1);
    else draft[at] = { ...item, value: random.below(10) };
  }
  return [...new Map(draft.map((item) => [itemKey(item), item])).values()];
}

/** A commit in which this application is so. */
export function push({ fleet }: Doing, app: App, content: Content, message: string, parent?: string): void {
  fleet.push(placeOf(app).server, new Map([[app, content]]), message, parent);
}

/** Where one of the objects that Git has now should stand; undefined when Git has none. */
export function someObject({ fleet, random }: Doing, app: App): Named | undefined {
  const items = itemsOf(fleet.content(app));
  if (items.length === 0) return undefined;
  const { kind, name } = random.pick(items);
  return { ...kinds[kind], namespace: app.namespace, name };
}

/** People change what they ask for, and then ask for it again, as it should be by then. */
export function forAWhile(
  { world, random, leftMs }: Acting,
  app: App,
  { patch, back, atMostMs = 300_000 }: { patch: object; back: () => object; atMostMs?: number },
): void {
  const at = declaring(app).at(app.name);
  world.kubectl.merge(at, { spec: patch });
  const lastsMs = Math.min(random.between(10_000, atMostMs), Math.max(leftMs, 300_000));
  world.scheduler.at(lastsMs, () => world.kubectl.merge(at, { spec: back() }));
}
