/**
 * The promises, looked at after every write. Each throws a Violation that says which promise, and by what it was broken.
 * docs/internals/simulation.md has the table of which promise is held by what.
 */
import { TRANSPORT_DEFAULTS } from '#kube/transport.ts';
import { isObject } from '#model/json.ts';
import { keyText, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Log } from '#model/ports.ts';
import type { UnitState } from '#model/outcome.ts';
import { ownerUid } from '#model/unit.ts';
import { largePrune } from '#pipeline/plan/guards.ts';
import { decodeUnitState } from '#pipeline/record/unit-state-codec.ts';
import type { Stored } from '#embedded/objects.ts';
import type { Change } from '#embedded/store.ts';
import { contentIn, kinds, showsSecret, stampName, type App, type Fleet, type Item } from './fleet.ts';
import { isDeclaring, resourceOf } from './declared.ts';
import { isHeldFor } from './hooks.ts';
import { editor, memberOf, rival } from './kubectl.ts';
import type { Replica } from './replica.ts';
import type { Asked } from './steps.ts';
import type { Watcher, World, Written } from './world.ts';

export class Violation extends Error {
  readonly promise: string;
  constructor(promise: string, message: string) {
    super(`${promise}: ${message}`);
    this.promise = promise;
  }
}

/** What people and other controllers write into our objects, and nobody else may touch. */
export const foreignPrefix = 'people.example/';

/** What people and other controllers write where we declare another value; and as whom. */
export const editedValue = 'edited';
export const rivalValue = 'contested';
export const writers: ReadonlyMap<unknown, string> = new Map([
  [editedValue, editor],
  [rivalValue, rival],
]);

/** Far above what a few applications need. */
const pendingMax = 300;

const ownGroups = ['trueup.dev', 'argoproj.io', 'source.toolkit.fluxcd.io', 'kustomize.toolkit.fluxcd.io'];
export const isOurs = (resource: string): boolean =>
  ownGroups.some((group) => resource.startsWith(`${group}/`));

/** Of a record what is not packed in it. */
export type Head = Omit<UnitState, 'inventory' | 'values'>;
export const headOf = (record: Change['object'] | undefined): Head | undefined =>
  record?.['state'] as Head | undefined;

export class Oracles implements Watcher {
  readonly #world: World;
  readonly #fleet: Fleet;
  /** The record of each Unit, by the name of the object. */
  readonly #records = new Map<string, UnitState>();
  /** Until when each object stood in a record of its application, of those that stand there no more. */
  readonly #recordedUntilMs = new Map<string, number>();
  /** When each application's record began to name the commit that it names. */
  readonly #appliedSince = new Map<string, { readonly commit: string; readonly atMs: number }>();
  /** Since when a value of somebody else stands at each place. */
  readonly #editedMs = new Map<string, number>();
  /** Where somebody moved history by force. */
  readonly #rewritten = new Set<string>();
  /** The resources of applications that somebody deleted, since when their objects may go, and since when they are back. */
  readonly #deleted = new Map<
    string,
    { readonly uid: string; readonly emptiesMs?: number; readonly backMs?: number }
  >();
  /** Writes of replicas, and reads that are not part of a watch, since the last call of `startCounting`. */
  counted: string[] = [];

  constructor(world: World, fleet: Fleet) {
    this.#world = world;
    this.#fleet = fleet;
  }

  /** Somebody moved the branch by force: F10 does not say what is newer now. */
  historyMoved(app: App): void {
    this.#rewritten.add(app.name);
  }
  /** Somebody deletes it: what is theirs may go, until it is back. */
  appDeleted(app: App): void {
    const uid = resourceOf(this.#world.kubectl, app)?.metadata.uid;
    if (uid !== undefined && this.#deleted.get(app.name)?.uid !== uid) this.#deleted.set(app.name, { uid });
  }
  isBack(app: App): boolean {
    const uid = resourceOf(this.#world.kubectl, app)?.metadata.uid;
    const deleted = this.#deleted.get(app.name);
    const isBack = uid !== undefined && uid !== deleted?.uid;
    if (isBack && deleted?.backMs === undefined)
      this.#deleted.set(app.name, { uid: '', ...deleted, backMs: this.#world.nowMs });
    return isBack;
  }
  /** Whether its objects went with it when that was sent. */
  isTornDown(app: App, sentMs: number): boolean {
    const { emptiesMs = Infinity, backMs = Infinity } = this.#deleted.get(app.name) ?? {};
    return app.cascades && emptiesMs <= sentMs && sentMs <= backMs;
  }
  /** ADR 25: its objects go when its hooks before that have run. */
  #resourceWritten({ object, type }: Change): void {
    const app = this.#fleet.apps.find((each) => isDeclaring(object, each));
    const deleted = app && this.#deleted.get(app.name);
    if (deleted === undefined || deleted.uid !== object.metadata.uid || deleted.emptiesMs !== undefined)
      return;
    const isGoing = object.metadata.deletionTimestamp !== undefined && !isHeldFor(object, 'PreDelete');
    if (isGoing || type === 'DELETED')
      this.#deleted.set(app!.name, { ...deleted, emptiesMs: this.#world.nowMs });
  }
  startCounting(): void {
    this.counted = [];
  }
  /** Of the resource that declares it now; of the one before, where that is gone. */
  recordOf(app: App): UnitState | undefined {
    const uid = resourceOf(this.#world.kubectl, app)?.metadata.uid;
    const found = [...this.#records.values()].filter(({ owner }) => owner.name === app.name);
    return found.find(({ unit }) => ownerUid(unit) === uid) ?? found[0];
  }
  #recordsOf(app: App): readonly UnitState[] {
    return [...this.#records.values()].filter(({ owner }) => owner.name === app.name);
  }

  wrote({ change, replica, sentMs }: Written): void {
    if (change.resource === 'trueup.dev/unitstates') this.#recordWritten(change);
    this.#resourceWritten(change);
    this.#edits(change, replica === undefined ? undefined : sentMs);
    if (replica === undefined) return;
    this.#noCanary(change);
    if (isOurs(change.resource)) return this.#ownResource(change);
    // Of the Jobs of hooks: hook-runs.ts.
    if (change.resource === 'coordination.k8s.io/leases' || change.resource === 'batch/jobs') return;
    if (change.type === 'DELETED' || isMarkedNow(change)) this.#deletion(change, sentMs);
    else this.#application(change, sentMs);
  }

  sent(replica: Replica, asked: Asked, notBeforeMs: number): void {
    // A replica that shares its work says all the time that it lives; a watch is resumed now and then.
    if (asked.resource !== 'leases' && asked.verb !== 'watch')
      this.counted.push(`${replica.name} ${asked.verb} ${asked.resource} ${asked.namespace}/${asked.name}`);
    if ((replica.process?.pending ?? 0) > pendingMax)
      throw new Violation(
        'bounds',
        `${replica.name} waits for ${replica.process?.pending} timers and answers`,
      );
    if (this.#world.nowMs < notBeforeMs)
      throw new Violation(
        'F4',
        `${asked.verb} ${asked.resource} was sent ${notBeforeMs - this.#world.nowMs} ms before Retry-After was over`,
      );
  }

  logged(replica: string, level: keyof Log, text: string): void {
    if (showsSecret(text)) throw new Violation('S14', `${replica} logged a secret: ${text}`);
    // Whoever keeps the disk has to hear of it.
    if (level === 'error' && !text.includes('RecordsUnwritable'))
      throw new Violation('bug', `${replica} logged an error: ${text}`);
  }

  /** F18: what was created stays in the inventory until it is gone. */
  #recordWritten({ object, type }: Change): void {
    const { name } = object.metadata;
    if (object['shardOf'] !== undefined) return;
    const before = this.#records.get(name);
    if (type === 'DELETED') {
      // It goes with its resource: what a Run asked for before it heard of that is sent within a call's deadline.
      this.#noteGone(before, [], this.#world.nowMs + TRANSPORT_DEFAULTS.deadlineMs);
      this.#records.delete(name);
      return;
    }
    const state = decodeUnitState(object as unknown as Manifest, (shard) => this.#shard(object, shard));
    if (state === undefined) throw new Violation('F1', `the record ${name} cannot be read`);
    this.#noteGone(before, state.inventory, this.#world.nowMs);
    this.#records.set(name, state);
    // What is packed in it does not show from outside.
    if (showsSecret(JSON.stringify(state))) throw new Violation('S14', `the record ${name} shows a secret`);
    const { commit = '' } = state.revisions[0] ?? {};
    if (this.#appliedSince.get(state.owner.name)?.commit !== commit)
      this.#appliedSince.set(state.owner.name, { commit, atMs: this.#world.nowMs });
    this.#driftsAreAttributed(state, before);
    if (before === undefined) return;
    if (state.epoch < before.epoch) throw new Violation('F14', `the epoch of ${name} went back`);
    const kept = new Set(state.inventory.map(({ ref }) => placeOf(ref)));
    for (const entry of before.inventory) {
      if (kept.has(placeOf(entry.ref))) continue;
      const live = this.live(entry.ref);
      if (live !== undefined && (!('uid' in entry) || entry.uid === live.metadata.uid))
        throw new Violation('F18', `${placeOf(entry.ref)} left the inventory of ${name} and is still there`);
    }
  }

  /** Of each drift it is said who made it, or that nobody can know. */
  #driftsAreAttributed({ owner, history }: UnitState, before: UnitState | undefined): void {
    const known = new Set(before?.history.map(({ id }) => id));
    for (const entry of history) {
      if (entry.kind !== 'drift' || known.has(entry.id)) continue;
      for (const { path, before: found, after, owner: who } of entry.changes) {
        const manager = typeof who === 'object' ? who.manager : who;
        // What a drift became, or what its heal will find: it depends on what was recorded of the object.
        const by = [found, after].flatMap((value) => writers.get(value) ?? []);
        if (manager === undefined || (by.length > 0 && !by.includes(manager)))
          throw new Violation(
            'attribution',
            `${owner.name}: ${entry.object.name} ${path} is said to be by ${manager ?? 'nobody'}`,
          );
      }
    }
  }

  #shard(head: Change['object'], name: string): Manifest | undefined {
    const found = this.#world.embedded.store.get(
      'trueup.dev/unitstates',
      head.metadata.namespace ?? '',
      name,
    );
    return found as unknown as Manifest | undefined;
  }

  /** Also where its kind is not served at present. */
  live({ group, kind, namespace, name }: ObjectRef): Stored | undefined {
    const { plural = '' } = Object.entries(kinds).find(([known]) => known === kind)?.[1] ?? {};
    return this.#world.embedded.store.get(`${group}/${plural}`, namespace, name);
  }

  /** F6, F8, F19, F26: what is deleted is ours, and some later commit that can be used has it no more. */
  #deletion(change: Change, sentMs: number): void {
    const { uid, name } = change.object.metadata;
    const place = `${change.resource} ${change.object.metadata.namespace}/${name}`;
    const app = this.#fleet.appOf(change);
    if (app === undefined) throw new Violation('F26', `${place} was deleted, which nobody declared`);
    const entry = this.#recordsOf(app)
      .flatMap(({ inventory }) => inventory)
      .find(({ ref }) => ref.name === name && ref.kind === change.object.kind);
    if (entry === undefined) throw new Violation('F26', `${place} was deleted, and is in no inventory`);
    if ('uid' in entry && entry.uid !== uid)
      throw new Violation('F26', `${place} was deleted in place of another`);
    if (this.isTornDown(app, sentMs)) return;
    if (!this.#mayGo(app, change.object.kind, name, sentMs))
      throw new Violation('F8', `${place} was deleted, and every commit since the last sync has it`);
  }

  /** Whether some commit that may have been what was wanted when the request left leaves it out on purpose. */
  #mayGo(app: App, kind: string, name: string, sentMs: number): boolean {
    const applied = this.#applied(app);
    const since = this.#rewritten.has(app.name) || sentMs < applied.sinceMs ? 0 : applied.number;
    return [...this.#fleet.commits.values()].some((commit) => {
      const found = contentIn(commit, app);
      if (commit.number < since || found === undefined || 'broken' in found) return false;
      // F9: what a person has to allow, nobody has allowed; for few of them nobody is asked.
      if (found.isHeld === true && this.#standingBut(app, found.items) > largePrune.countMin) return false;
      return !found.items.some((item) => item.kind === kind && item.name === name);
    });
  }

  /** How many of its objects stand, besides these. */
  #standingBut(app: App, items: readonly Item[]): number {
    const stay = new Set([stampName(app), ...items.map(({ name }) => name)]);
    const inventory = this.#recordsOf(app).flatMap((record) => record.inventory);
    return inventory.filter(({ ref }) => !stay.has(ref.name) && this.live(ref) !== undefined).length;
  }

  #application(change: Change, sentMs: number): void {
    const { object, before } = change;
    const app = this.#fleet.appOf(change);
    const place = `${change.resource} ${object.metadata.namespace}/${object.metadata.name}`;
    if (app === undefined) throw new Violation('F26', `${place} was written, which nobody declares`);
    this.#isRecorded(app, change, { place, sentMs });
    if (object.metadata.name === stampName(app))
      this.#stamped(app, Number(memberOf(object, 'data', 'commit')), sentMs);
    if (before !== undefined) this.#foreignFieldsStay(before, object, place);
  }

  /** F3: what somebody wrote while the request was on its way is not taken from them by force: it is planned anew. */
  #edits({ resource, object, before, type }: Change, sentMs: number | undefined): void {
    const place = `${resource} ${object.metadata.namespace}/${object.metadata.name}`;
    const sinceMs = this.#editedMs.get(place);
    const isEdited = writers.has(memberOf(object, 'data', 'value'));
    if (sentMs !== undefined && sinceMs !== undefined && !isEdited && type !== 'DELETED' && sentMs < sinceMs)
      throw new Violation('F3', `${place} was changed by a request that left before somebody edited it`);
    if (!isEdited || type === 'DELETED') this.#editedMs.delete(place);
    else if (before === undefined || sinceMs === undefined) this.#editedMs.set(place, this.#world.nowMs);
  }

  #noteGone(before: UnitState | undefined, inventory: UnitState['inventory'], untilMs: number): void {
    if (before === undefined) return;
    const kept = new Set(inventory.map(({ ref }) => keyText(ref)));
    for (const { ref } of before.inventory)
      if (!kept.has(keyText(ref)))
        this.#recordedUntilMs.set(recordKey(before.owner.name, ref.kind, ref.name), untilMs);
  }

  /** F18: before it is applied it is in the inventory. */
  #isRecorded(
    app: App,
    { object }: Change,
    { place, sentMs }: { readonly place: string; readonly sentMs: number },
  ): void {
    const isThere = this.#recordsOf(app)
      .flatMap(({ inventory }) => inventory)
      .some(({ ref }) => ref.name === object.metadata.name && ref.kind === object.kind);
    // Nobody heard of its end, and it was not there when it was looked for: it may land later all the same.
    const untilMs = this.#recordedUntilMs.get(recordKey(app.name, object.kind, object.metadata.name));
    if (untilMs !== undefined && sentMs < untilMs) return;
    if (!isThere) throw new Violation('F18', `${place} was applied before it was recorded`);
  }

  /**
   * F10: never older than what is recorded as applied. A request that was on its way before that was recorded may land
   * late: that is repaired (F14).
   */
  #stamped(app: App, stamp: number, sentMs: number): void {
    const applied = this.#applied(app);
    if (stamp < applied.number && sentMs >= applied.sinceMs && !this.#rewritten.has(app.name))
      throw new Violation('F10', `${app.name} went back from commit ${applied.number} to ${stamp}`);
    if (stamp > applied.number) this.#rewritten.delete(app.name);
  }

  /** The commit that is recorded as applied last. */
  #applied(app: App): { readonly number: number; readonly sinceMs: number } {
    const commit = this.recordOf(app)?.revisions[0]?.commit ?? '';
    const { number = 0 } = this.#fleet.commits.get(commit) ?? {};
    const known = this.#appliedSince.get(app.name);
    return { number, sinceMs: known?.commit === commit ? known.atMs : 0 };
  }

  /** F3, F31: what others wrote beside what we declare is theirs. */
  #foreignFieldsStay(before: Change['object'], after: Change['object'], place: string): void {
    const [was, is] = [before, after].map((object) => memberOf(object, 'metadata', 'annotations'));
    for (const [key, value] of Object.entries(isObject(was) ? was : {}))
      if (key.startsWith(foreignPrefix) && memberOf(is, key) !== value)
        throw new Violation('F3', `${place} lost ${key}, which somebody else wrote`);
  }

  /** F31: of the resources that people write only the status is ours, and what was asked for and is answered. */
  #ownResource({ resource, object, before, type }: Change): void {
    if (resource === 'trueup.dev/unitstates' || before === undefined || type === 'DELETED') return;
    if (JSON.stringify(before['spec']) !== JSON.stringify(object['spec']))
      throw new Violation('F31', `the spec of ${resource} ${object.metadata.name} was changed by us`);
    this.#foreignFieldsStay(before, object, resource);
  }

  /** S14. */
  #noCanary({ resource, object, type }: Change): void {
    if (type === 'DELETED') return;
    // Where it belongs, and nowhere else in it.
    const {
      data: _,
      stringData: __,
      ...rest
    } = object as typeof object & Record<'data' | 'stringData', unknown>;
    if (showsSecret(JSON.stringify(resource === '/secrets' ? rest : object)))
      throw new Violation('S14', `${resource} ${object.metadata.name} shows a secret`);
  }
}

export function isMarkedNow({ object, before }: Change): boolean {
  return object.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined;
}

function placeOf(ref: { group: string; kind: string; namespace: string; name: string }): string {
  return `${ref.group}/${ref.kind}/${ref.namespace}/${ref.name}`;
}

const recordKey = (app: string, kind: string, name: string): string => `${app}/${kind}/${name}`;
