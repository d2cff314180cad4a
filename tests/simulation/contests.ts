/**
 * Contests (ADR 24): who sets a field back each time that it is healed is let have it after a while, and is named.
 * Nobody fights for ever.
 */
import { keyText } from '#model/object.ts';
import type { Contest } from '#model/outcome.ts';
import { memberOf, rival, type Named } from './kubectl.ts';
import { declaring, isDeclaring, resourceOf, suspensionOf } from './declared.ts';
import { kinds, type App, type Fleet } from './fleet.ts';
import { headOf, isOurs, rivalValue, Violation } from './oracles.ts';
import { turnMsMax } from './standstill.ts';
import type { Watcher, World, Written } from './world.ts';

/** What ends it: somebody asks for a sync, Git has another value, the rival sets back what Git has; or nothing until the last. */
export const conclusions = ['asked', 'committed', 'relented', 'never'] as const;
export interface Rival {
  readonly app: App;
  readonly at: Named;
  readonly end: (typeof conclusions)[number];
  isOver: boolean;
}

/** Five, and what was healed without an answer, which does not count: under faults that is often more. */
const healsMax = 12;
const withinMs = 600_000;
const field = '.data.value';

export class Contests implements Watcher {
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly rivals: Rival[] = [];
  /** When each object was healed by which process, since somebody asked for something or Git had something new of it. */
  readonly #healsMs = new Map<string, readonly { readonly who: string; readonly atMs: number }[]>();
  /** Since when each object is recorded as contested, by its record and its name. */
  readonly #sinceMs = new Map<string, ReadonlyMap<string, number>>();
  /** What was written last of each object by us, since it was made, and since when it is that. */
  readonly #ours = new Map<string, { readonly wrote: string; readonly sinceMs: number }>();
  /** When somebody asked last for a sync or a refresh. */
  readonly #askedMs = new Map<App, number>();

  constructor(world: World, fleet: Fleet) {
    this.#world = world;
    this.#fleet = fleet;
  }

  begin(app: App, name: string, end: Rival['end']): Rival {
    const begun: Rival = {
      app,
      at: { ...kinds.ConfigMap, namespace: app.namespace, name },
      end,
      isOver: false,
    };
    this.rivals.push(begun);
    return begun;
  }

  wrote(written: Written): void {
    if (this.rivals.length === 0) return;
    const { resource } = written.change;
    if (resource === 'trueup.dev/unitstates') this.#recordWritten(written);
    else if (isOurs(resource)) this.#resourceWritten(written);
    else if (resource === '/configmaps') this.#objectWritten(written);
  }
  sent(): void {}
  logged(): void {}

  #recordWritten({ change: { object, type } }: Written): void {
    const { owner, contests = [] } = headOf(object) ?? {};
    const app = this.#fleet.apps.find(({ name }) => name === owner?.name);
    if (app === undefined) return;
    const { name } = object.metadata;
    const before = this.#sinceMs.get(name);
    if (type === 'DELETED') this.#sinceMs.delete(name);
    else {
      for (const contest of contests) {
        this.#isNamed(app, contest);
        if (!before?.has(contest.object.name))
          this.#world.note(`healing of ${contest.object.name} is suspended`);
      }
      const now = contests.map(({ object: ref }) => ref.name);
      this.#sinceMs.set(name, new Map(now.map((each) => [each, before?.get(each) ?? this.#world.nowMs])));
    }
  }

  #isNamed(app: App, { object, by, fields }: Contest): void {
    const isKnown = this.#rivalsOf(app).some(({ at }) => at.name === object.name);
    if (!isKnown || by?.manager !== rival || fields.join() !== field)
      throw new Violation(
        'contest',
        `${app.name}: ${by?.manager ?? 'nobody'} is said to contend for ${fields.join()} of ${keyText(object)}`,
      );
  }

  /** Of an object that was handed over, whoever has it heals it. */
  #rivalsOf(app: App): readonly Rival[] {
    return this.rivals.filter(
      ({ app: of, at: { namespace, name } }) =>
        of === app || (namespace === app.namespace && this.#fleet.isMoved(namespace, 'ConfigMap', name)),
    );
  }

  /** What people ask for has it healed again; and the condition says who wants what. */
  #resourceWritten({ change: { object, before, type }, who }: Written): void {
    const app = this.#fleet.apps.find((each) => isDeclaring(object, each));
    if (app === undefined) return;
    if (who === undefined) {
      const [was, is] = [before, object].map((each) => JSON.stringify(declaring(app).wishOf(each)));
      // What is declared anew has a record of its own, and its heals are counted anew.
      if (was === is && type === 'MODIFIED') return;
      this.#askedMs.set(app, this.#world.nowMs);
      for (const { at } of this.#rivalsOf(app)) this.#healsMs.delete(at.name);
      return;
    }
    const says = suspensionOf(object);
    const isSaid = this.#rivalsOf(app).some(({ at: { name } }) =>
      says?.includes(`/${name}: ${rival} (Update) sets ${field} `),
    );
    if (says !== undefined && !isSaid)
      throw new Violation('contest', `${app.name} does not say who contends for what: ${says}`);
  }

  #objectWritten({ change: { object, before, type }, who, sentMs }: Written): void {
    const { name, namespace = '' } = object.metadata;
    const found = this.rivals.find(({ at }) => at.name === name && at.namespace === namespace);
    if (found === undefined) return;
    // What is made anew is no heal, and those of it are counted anew.
    if (type === 'DELETED') return void this.#ours.delete(name);
    const [was, is] = [before, object].map((each) => memberOf(each, 'data', 'value'));
    if (who === undefined || is === rivalValue) return;
    const wrote = JSON.stringify([is, memberOf(object, 'metadata', 'labels')]);
    const { nowMs } = this.#world;
    if (this.#ours.get(name)?.wrote !== wrote) {
      this.#ours.set(name, { wrote, sinceMs: nowMs });
      return void this.#healsMs.delete(name);
    }
    if (was !== rivalValue) return;
    const recent = (this.#healsMs.get(name) ?? []).filter(({ atMs }) => nowMs - atMs <= withinMs);
    this.#healsMs.set(name, [...recent, { who, atMs: nowMs }]);
    // Whoever takes over begins to count anew, also who had it before.
    const count = recent.length - recent.findLastIndex((heal) => heal.who !== who);
    if (count > healsMax)
      throw new Violation('contest', `${who} healed ${name} ${count} times in ${withinMs / 60_000} min`);
    const sinceMs = this.#suspendedMs(name);
    const isAsked = [...this.#askedMs].some(
      ([app, atMs]) => this.#rivalsOf(app).includes(found) && atMs > sinceMs - turnMsMax,
    );
    // What Git has new of it, or was made anew, is applied again until its sync has ended, and is recorded.
    const isNew = this.#ours.get(name)!.sinceMs > sinceMs;
    if (sentMs > sinceMs && !isAsked && !isNew)
      throw new Violation('contest', `${who} healed ${name} ${sentMs - sinceMs} ms after that was suspended`);
  }

  /** With every reason for it, and enough time. */
  hasToBeSuspended(app: App): void {
    const says = suspensionOf(resourceOf(this.#world.kubectl, app));
    if (says === undefined)
      this.#world.violation ??= new Violation(
        'contest',
        `${app.name} does not say that it is contended with`,
      );
  }

  /** Since when healing of it is suspended. */
  #suspendedMs(name: string): number {
    return Math.min(Infinity, ...[...this.#sinceMs.values()].flatMap((since) => since.get(name) ?? []));
  }
}
