/**
 * F1: no hook runs twice unnoticed. Its Job is recorded before it is made, is made once for each attempt, and another
 * attempt begins only when the record says how the one before ended, or when Git wants something else.
 */
import type { Change } from '#embedded/store.ts';
import type { HookRun } from '#model/outcome.ts';
import { runMark } from '#pipeline/plan/hook-run.ts';
import { contentIn, stampName, type App, type Fleet } from './fleet.ts';
import type { Hook } from './hooks.ts';
import { memberOf } from './kubectl.ts';
import { headOf, isMarkedNow, Violation, type Head, type Oracles } from './oracles.ts';
import type { Watcher, World, Written } from './world.ts';

export class HookRuns implements Watcher {
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly #oracles: Oracles;
  /** By the name of the record. */
  readonly #heads = new Map<string, Head>();
  /** The attempts at a hook: by Unit, mark and name. */
  readonly #recorded = new Set<string>();
  /** Those whose Job was made. */
  readonly #made = new Set<string>();
  /** Those of whose Job a record has the UID. */
  readonly #known = new Set<string>();
  /** Those whose Job somebody else deleted before: whether it was ever made cannot be known, and it is made again. */
  readonly #lost = new Set<string>();
  /** When the Job of each was deleted first, by whomever. */
  readonly #deletedMs = new Map<string, number>();
  /** Of each application, also those that are gone: what they ran after their end still stands. */
  readonly #units = new Map<string, Set<string>>();
  /** When the record of each Unit went. */
  readonly #goneMs = new Map<string, number>();
  /** By application, commit and name: those that were recorded as ended well. */
  readonly #succeeded = new Set<string>();

  constructor(world: World, fleet: Fleet, oracles: Oracles) {
    this.#world = world;
    this.#fleet = fleet;
    this.#oracles = oracles;
  }

  wrote(written: Written): void {
    const { change, replica } = written;
    const { resource, object, type, before } = change;
    if (resource === 'trueup.dev/unitstates') return this.#recordWritten(change);
    const app = this.#fleet.appOf(change);
    if (app === undefined) return;
    const isDeletion = type === 'DELETED' || isMarkedNow(change);
    if (resource === 'batch/jobs' && isDeletion) this.#noteDeletion(app, written);
    if (replica === undefined) return;
    if (resource === 'batch/jobs') {
      if (type === 'ADDED') this.#jobMade(app, written);
      else if (isDeletion) this.#removed(app, written);
    } else if (object.metadata.name === stampName(app)) {
      const [was, is] = [before, object].map((each) => memberOf(each, 'data', 'commit'));
      if (type !== 'DELETED' && was !== is) this.#synced(app, Number(is));
    }
  }
  sent(): void {}
  logged(): void {}

  #recordWritten({ object, before, type }: Change): void {
    const head = headOf(object);
    if (head === undefined) return;
    const { unit, hooks, owner, intent, revisions } = head;
    if (type === 'DELETED') {
      this.#goneMs.set(unit, this.#world.nowMs);
      return void this.#heads.delete(object.metadata.name);
    }
    this.#heads.set(object.metadata.name, head);
    this.#goneMs.delete(unit);
    this.#units.set(owner.name, (this.#units.get(owner.name) ?? new Set()).add(unit));
    if (hooks === undefined) return;
    const known = headOf(before)?.hooks;
    if (known !== undefined) nothingForgotten(owner.name, known, hooks);
    const commit = (intent?.revisions ?? revisions)[0]?.commit ?? '';
    for (const { ref, uid, result } of hooks.begun) {
      const attempt = keyOf(unit, hooks.id, ref.name);
      this.#recorded.add(attempt);
      if (uid !== undefined) this.#known.add(attempt);
      if (result === 'succeeded') this.#succeeded.add(keyOf(owner.name, commit, ref.name));
    }
  }

  #headsOf(app: App): readonly Head[] {
    return [...this.#heads.values()].filter(({ owner }) => owner.name === app.name);
  }

  /** The attempt that a Job is of; undefined where no record has said that it is run. */
  #attemptOf({ metadata }: Change['object'], units: Iterable<string>): string | undefined {
    const mark = String(memberOf(metadata, 'annotations', runMark));
    const keys = [...units].map((unit) => keyOf(unit, mark, metadata.name));
    return keys.find((key) => this.#recorded.has(key));
  }

  #noteDeletion(app: App, { change: { object }, replica }: Written): void {
    const attempt = this.#attemptOf(object, this.#units.get(app.name) ?? []);
    if (attempt === undefined || this.#deletedMs.has(attempt)) return;
    this.#deletedMs.set(attempt, this.#world.nowMs);
    if (replica === undefined && !this.#known.has(attempt)) this.#lost.add(attempt);
  }

  #jobMade(app: App, { change: { object }, sentMs }: Written): void {
    const { name } = object.metadata;
    // Somebody may let its resource go while the request is on its way.
    const units = [...(this.#units.get(app.name) ?? [])].filter(
      (unit) => sentMs <= (this.#goneMs.get(unit) ?? Infinity),
    );
    const attempt = this.#attemptOf(object, units);
    if (attempt === undefined)
      throw new Violation('F1', `the hook ${name} was made before it was recorded that it is run`);
    // One that was sent, or sent again for want of an answer, while the first stood may land after that was deleted.
    const isAgain = this.#made.has(attempt) && !this.#lost.delete(attempt);
    if (isAgain && sentMs > (this.#deletedMs.get(attempt) ?? 0))
      throw new Violation('F1', `the hook ${name} was made a second time by the same attempt`);
    this.#made.add(attempt);
  }

  #removed(app: App, { change: { object, before }, sentMs }: Written): void {
    const { name } = object.metadata;
    if (this.#attemptOf(object, this.#units.get(app.name) ?? []) === undefined)
      throw new Violation('F26', `the Job ${name} was deleted, which no record has as a hook that was run`);
    const mark = memberOf(object, 'metadata', 'annotations', runMark);
    const isCurrent = this.#headsOf(app).some(({ hooks }) => hooks?.id === mark);
    if (isCurrent && !isOver(before ?? object) && !this.#oracles.isTornDown(app, sentMs))
      throw new Violation('F1', `the hook ${name} was deleted while it ran`);
  }

  /** Nothing of a commit is applied before what has to run before it has run. */
  #synced(app: App, number: number): void {
    const [commit, recorded] =
      [...this.#fleet.commits].find(([, { number: found }]) => found === number) ?? [];
    const content = recorded && contentIn(recorded, app);
    if (commit === undefined || content === undefined || !('items' in content)) return;
    for (const hook of content.hooks ?? [])
      if (runsFirst(hook) && !this.#succeeded.has(keyOf(app.name, commit, hook.name)))
        throw new Violation('F1', `commit ${number} of ${app.name} was applied before ${hook.name} had run`);
  }
}

/** One that stays is as good as one that runs, where nothing deletes it before. */
const runsFirst = ({ point, deletion, isNamedAnew }: Hook): boolean =>
  point === 'PreSync' && deletion === 'BeforeHookCreation' && !isNamedAnew;

function nothingForgotten(app: string, before: HookRun, now: HookRun): void {
  const hasEnded = before.failed === true || before.begun.some(({ result }) => result === 'failed');
  if (hasEnded || before.inputs !== now.inputs) return;
  if (before.id !== now.id && before.begun.length > 0)
    throw new Violation('F1', `the hooks of ${app} start again, and nothing says that they ended`);
  for (const { key, uid } of before.begun) {
    const same = now.begun.find((hook) => hook.key === key);
    if (before.id === now.id && (same === undefined || (uid !== undefined && same.uid !== uid)))
      throw new Violation('F1', `it was forgotten that ${app} ran ${key}`);
  }
}

function isOver(job: Change['object']): boolean {
  const conditions = memberOf(job, 'status', 'conditions');
  return (Array.isArray(conditions) ? conditions : []).some((each) =>
    ['Complete', 'Failed'].includes(String(memberOf(each, 'type'))),
  );
}

const keyOf = (...parts: readonly string[]): string => parts.join(' ');
