/** A controller that wants another value where Git states one, and sets it each time that it finds what Git has. */
import { conclusions, type Rival } from '../contests.ts';
import { declaring, resourceOf, suspensionOf } from '../declared.ts';
import { itemKey, type App, type Item } from '../fleet.ts';
import { memberOf, rival } from '../kubectl.ts';
import { rivalValue } from '../oracles.ts';
import { hooksOf, itemsOf, push, type Doing } from './doing.ts';

/** Git has it nowhere else. */
const settledValue = 11;
const looksMs = 60_000;
const looks = 12;

export interface Contending {
  readonly everyMs: number;
  readonly lastsMs: number;
  readonly end: Rival['end'];
}

/** For a field of one of its objects, if it has any at that moment. */
export function contend(doing: Doing, app: App, { everyMs, lastsMs, end }: Contending): void {
  const { world, fleet, contests } = doing;
  const item = itemsOf(fleet.unheld(app)).find(({ kind }) => kind === 'ConfigMap');
  if (item === undefined) return;
  world.note(`a rival for ${item.name}`);
  const begun = contests.begin(app, item.name, end);
  const next = (): void => {
    if (begun.isOver) return;
    set(doing, begun, rivalValue);
    world.scheduler.at(everyMs, next);
  };
  next();
  if (end === 'never') return;
  world.scheduler.at(lastsMs, () => {
    if (!begun.isOver) giveUp(doing, begun);
  });
}

export function contendSomehow(doing: Doing, app: App): void {
  const { random } = doing;
  contend(doing, app, {
    everyMs: random.between(3000, 25_000),
    lastsMs: random.between(60_000, 600_000),
    end: random.pick(conclusions),
  });
}

function set({ world }: Doing, { at }: Rival, value: string): void {
  const live = world.kubectl.get(at);
  if (live !== undefined && memberOf(live, 'data', 'value') !== value)
    world.kubectl.merge(at, { data: { value } }, rival);
}

function giveUp(doing: Doing, begun: Rival): void {
  const { app } = begun;
  const { fleet, world } = doing;
  world.note(`the rival for ${begun.at.name} gives up: ${begun.end}`);
  const before = fleet.unheld(app);
  if (begun.end === 'committed')
    push(doing, app, { items: settled(itemsOf(before), [begun]), hooks: hooksOf(before) }, 'Settle');
  else conclude(doing, begun);
  begun.isOver = true;
}

/** At the last: those who are still there give up. What their ends have Git say has been pushed. */
export function allGiveUp(doing: Doing): void {
  for (const begun of doing.contests.rivals) {
    conclude(doing, begun);
    begun.isOver = true;
  }
}

function conclude(doing: Doing, begun: Rival): void {
  if (begun.end === 'relented') relent(doing, begun);
  if (begun.end === 'asked' || begun.end === 'never') ask(doing, begun);
}

function relent(doing: Doing, begun: Rival): void {
  const { name } = begun.at;
  const item = itemsOf(doing.fleet.unheld(begun.app)).find((each) => itemKey(each) === `ConfigMap/${name}`);
  if (item !== undefined) set(doing, begun, String(item.value));
}

/** Whoever reads that healing is suspended asks for a sync: again where the first could not help. */
function ask({ world }: Doing, { app }: Rival): void {
  const look = (left: number): void => {
    const { at, asks } = declaring(app);
    if (suspensionOf(resourceOf(world.kubectl, app)) !== undefined)
      world.kubectl.merge(at(app.name), asks(world.server.now()));
    if (left > 0) world.scheduler.at(looksMs, () => look(left - 1));
  };
  world.scheduler.at(5000, () => look(looks));
}

/** With a value that Git never had, for what is to be settled by a commit. */
export function settled(items: readonly Item[], rivals: readonly Rival[]): readonly Item[] {
  const names = rivals.filter(({ end }) => end === 'committed').map(({ at }) => at.name);
  return items.map((item) =>
    item.kind === 'ConfigMap' && names.includes(item.name) ? { ...item, value: settledValue } : item,
  );
}
