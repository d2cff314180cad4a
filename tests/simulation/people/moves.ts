/** What people do in Git to where an object belongs, and what it is called: in one commit. */
import { itemsMin, placeOf, type App, type Fleet, type Item } from '../fleet.ts';
import { hooksOf, isHeld, itemsOf, push, type Doing } from './doing.ts';

/** One that nobody draws again, and nobody contends for. */
function movable({ fleet, contests, random }: Doing, app: App): Item | undefined {
  const content = fleet.content(app);
  const items = itemsOf(content);
  if (isHeld(content) || items.length <= itemsMin(app)) return undefined;
  const free = items.filter(
    ({ name }) => /-\d+$/.test(name) && !contests.rivals.some(({ at }) => at.name === name),
  );
  return free.length === 0 ? undefined : random.pick(free);
}

/**
 * Another application has it from then on: whoever had it lets it go first. Never in a circle: of two that exchange
 * objects each would wait for the other.
 */
export function handOver(doing: Doing, app: App): void {
  const { world, fleet, random } = doing;
  const { server } = placeOf(app);
  const near = fleet
    .appsOf(server)
    .filter((other) => isAfter(fleet, other, app) && other.namespace === app.namespace)
    .filter((other) => 'items' in fleet.content(other) && !isHeld(fleet.content(other)));
  const item = movable(doing, app);
  if (item === undefined || near.length === 0) return;
  const to = random.pick(near);
  world.note(`hand ${item.name} over to ${to.name}`);
  fleet.give(item, to);
  const [left, given] = [fleet.content(app), fleet.content(to)];
  const changes = new Map([
    [app, { items: itemsOf(left).filter((each) => each !== item), hooks: hooksOf(left) }],
    [to, { items: [...itemsOf(given), item], hooks: hooksOf(given) }],
  ]);
  fleet.push(server, changes, `Hand ${item.name} over to ${to.name}`);
}

const isAfter = ({ apps }: Fleet, one: App, other: App): boolean => apps.indexOf(one) > apps.indexOf(other);

/** The new name does not say whose it is. */
export function rename(doing: Doing, app: App): void {
  const { world, fleet, random } = doing;
  const item = movable(doing, app);
  const name = `renamed-${random.below(1000)}`;
  if (item === undefined || fleet.ownerOf(app.namespace, item.kind, name) !== undefined) return;
  world.note(`rename ${item.name} to ${name}`);
  const renamed = { ...item, name };
  fleet.give(renamed, app);
  const content = fleet.content(app);
  const items = itemsOf(content).map((each) => (each === item ? renamed : each));
  push(doing, app, { items, hooks: hooksOf(content) }, `Rename ${item.name}`);
}
