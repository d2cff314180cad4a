/**
 * What stands still: nothing is written outside a Run; none begins by itself for an application that is suspended, or
 * whose window is shut, and none at all, whoever asks, for one that wants what is not honoured, once the replica has been
 * told so; of what another controller keeps nothing is said either.
 */
import { TRANSPORT_DEFAULTS } from '#kube/transport.ts';
import type { JsonObject } from '#model/json.ts';
import type { Intent } from '#model/outcome.ts';
import { declaring, isAnothers, isDeclaring } from './declared.ts';
import type { App, Fleet } from './fleet.ts';
import { headOf, isOurs, Violation } from './oracles.ts';
import type { Watcher, World, Written } from './world.ts';
import { wasOpen } from './windows.ts';

/** A turn that began before may take so long until its Run does. */
export const turnMsMax = 90_000;

/** What was on its way when another controller came back. */
const overwritesMax = 2;

interface Span {
  readonly app: string;
  readonly fromMs: number;
  toMs: number;
}

interface Sent {
  readonly who: string;
  readonly sentMs: number;
}

export class Standstill implements Watcher {
  readonly #world: World;
  readonly #fleet: Fleet;
  /** Since when a process knows that an application is suspended, asks for too much, or is another controller's, by both names. */
  readonly #suspendedMs = new Map<string, number>();
  readonly #unsupportedMs = new Map<string, number>();
  readonly #anothersMs = new Map<string, number>();
  /** How often we wrote over what another controller had said, since somebody asked last. */
  readonly #overwritten = new Map<string, number>();
  /** When a Run of each record was under way. */
  readonly #spans = new Map<string, Span[]>();

  constructor(world: World, fleet: Fleet) {
    this.#world = world;
    this.#fleet = fleet;
  }

  told(who: string, object: JsonObject, isWatched: boolean): void {
    const app = this.#fleet.apps.find((each) => isDeclaring(object, each));
    if (app === undefined) return;
    const { isSuspended, isUnsupported } = declaring(app);
    const note = (sinceMs: Map<string, number>, isSo: boolean): void => {
      const key = `${who} ${app.name}`;
      if (!isSo) sinceMs.delete(key);
      // What comes back of a write of its own is not what it goes by.
      else if (isWatched && !sinceMs.has(key)) sinceMs.set(key, this.#world.nowMs);
    };
    note(this.#suspendedMs, isSuspended(object));
    note(this.#unsupportedMs, isUnsupported(object));
    note(this.#anothersMs, isAnothers(object, app));
  }

  wrote(written: Written): void {
    const { change, who, sentMs } = written;
    if (change.resource === 'trueup.dev/unitstates') return this.#recordWritten(written);
    if (isOurs(change.resource)) return this.#resourceWritten(written);
    if (who === undefined || change.resource === 'coordination.k8s.io/leases') return;
    const app = this.#fleet.appOf(change);
    if (app === undefined) return;
    const spans = [...this.#spans.values()].flat();
    if (!spans.some((span) => span.app === app.name && span.fromMs <= sentMs && sentMs <= span.toMs))
      throw new Violation(
        'F18',
        `${change.resource} ${change.object.metadata.name} was written outside any Run`,
      );
  }
  sent(): void {}
  logged(): void {}

  #resourceWritten({ change, who, sentMs }: Written): void {
    const app = this.#fleet.apps.find((each) => isDeclaring(change.object, each));
    if (app === undefined) return;
    if (declaring(app).isAsked(change.object)) this.#overwritten.delete(app.name);
    if (who === undefined) return;
    this.#isLeftAlone(app, { who, sentMs }, `${app.name} was written`);
    if (change.before === undefined || !isAnothers(change.before, app)) return;
    const times = (this.#overwritten.get(app.name) ?? 0) + 1;
    this.#overwritten.set(app.name, times);
    if (times > overwritesMax)
      throw new Violation('F29', `${app.name} was taken back from another controller ${times} times`);
  }

  #isLeftAlone(app: App, { who, sentMs }: Sent, what: string): void {
    const sinceMs = this.#anothersMs.get(`${who} ${app.name}`) ?? Infinity;
    if (sentMs > sinceMs + turnMsMax)
      throw new Violation(
        'F29',
        `${what}, ${sentMs - sinceMs} ms after ${who} heard that another controller keeps it`,
      );
  }

  #recordWritten({ change, who, sentMs }: Written): void {
    const { object, before, type } = change;
    const head = headOf(object);
    if (head === undefined) return;
    const { name } = object.metadata;
    const spans = this.#spans.get(name) ?? [];
    this.#spans.set(name, spans);
    const last = spans.at(-1);
    const isOpen = last?.toMs === Infinity;
    const { intent, owner } = head;
    if (intent === undefined || type === 'DELETED') {
      // What a Run asked for before it heard that its record is gone is sent within a call's deadline.
      const lateMs = type === 'DELETED' ? TRANSPORT_DEFAULTS.deadlineMs : 0;
      if (isOpen) last.toMs = this.#world.nowMs + lateMs;
      return;
    }
    if (!isOpen) spans.push({ app: owner.name, fromMs: this.#world.nowMs, toMs: Infinity });
    const app = this.#fleet.apps.find((each) => each.name === owner.name);
    const isNew = headOf(before)?.intent?.startedAtMs !== intent.startedAtMs;
    if (app !== undefined && who !== undefined && isNew) this.#began(app, intent, { who, sentMs });
  }

  #began(app: App, { by, startedAtMs }: Intent, { who, sentMs }: Sent): void {
    this.#isLeftAlone(app, { who, sentMs }, `a Run of ${app.name} began`);
    // Its end needs nothing of what it asks for.
    const refusedMs =
      by === 'deletion' ? Infinity : (this.#unsupportedMs.get(`${who} ${app.name}`) ?? Infinity);
    if (sentMs > refusedMs + turnMsMax)
      throw new Violation(
        'F30',
        `a Run of ${app.name} began, ${sentMs - refusedMs} ms after ${who} heard that it asks for what is not honoured`,
      );
    if (by !== 'automated sync') return;
    const sinceMs = this.#suspendedMs.get(`${who} ${app.name}`) ?? Infinity;
    if (sentMs > sinceMs + turnMsMax)
      throw new Violation(
        'suspend',
        `${app.name} was synced by itself, ${sentMs - sinceMs} ms after ${who} heard that it is suspended`,
      );
    if (app.hasWindows && !wasOpen(startedAtMs - turnMsMax, startedAtMs))
      throw new Violation(
        'window',
        `${app.name} was synced by itself at ${startedAtMs}, when no window was open`,
      );
  }
}
