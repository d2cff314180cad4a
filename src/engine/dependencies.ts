/** Which Units wait for which others, and who has to be told when one becomes ready or stops being so. */
import type { Readiness } from '#model/dialect.ts';
import type { Failure } from '#model/failure.ts';
import { canonicalJson } from '#model/json.ts';
import { describe, keyText, type ObjectKey } from '#model/object.ts';
import type { Repositories } from '#model/ports.ts';
import type { Revision, SourceSpec, Unit } from '#model/unit.ts';
import { generationText } from './patience.ts';
import type { UnitRuntime } from './runtime.ts';

export interface DependenciesPorts {
  readonly repositories: Pick<Repositories, 'resolve'>;
  /** The Unit that the resource declares, if there is one. */
  readonly runtimeOf: (resource: string) => UnitRuntime | undefined;
  readonly readinessOf: (runtime: UnitRuntime) => Readiness;
  /** What a resource of ours says of itself, whoever reconciles it; undefined for any other object. */
  readonly reportedOf: (resource: string) => Readiness | undefined;
  /** It is looked after here, and not only observed. */
  readonly isReconciled: (runtime: UnitRuntime) => boolean;
  /** Whether it was looked at since the start, here or elsewhere. */
  readonly isLookedAt: (runtime: UnitRuntime) => boolean;
  /** The commits that it is at, one an input. */
  readonly commitsOf: (runtime: UnitRuntime) => readonly Commit[];
}

export type Commit = Pick<Revision, 'commit' | 'label'>;

export class Dependencies {
  readonly #ports: DependenciesPorts;
  /** Resource → the resources that name it, by key text. */
  readonly #dependents = new Map<string, Set<string>>();
  readonly #dependsOn = new Map<string, readonly string[]>();

  constructor(ports: DependenciesPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#dependents.size + this.#dependsOn.size;
  }

  /** Notes what a resource depends on now; true if that is something else than before. */
  set(resource: string, dependsOn: readonly ObjectKey[]): boolean {
    const now = dependsOn.map(keyText);
    const before = this.#dependsOn.get(resource) ?? [];
    if (now.join(' ') === before.join(' ')) return false;
    for (const key of before) {
      this.#dependents.get(key)?.delete(resource);
      if (this.#dependents.get(key)?.size === 0) this.#dependents.delete(key);
    }
    for (const key of now)
      this.#dependents.set(key, (this.#dependents.get(key) ?? new Set<string>()).add(resource));
    if (now.length === 0) this.#dependsOn.delete(resource);
    else this.#dependsOn.set(resource, now);
    return true;
  }

  dependentsOf(resource: string): ReadonlySet<string> {
    return this.#dependents.get(resource) ?? new Set();
  }

  /** What has to be told of a Unit, as one text: equal texts are no news. */
  standingOf(runtime: UnitRuntime, readiness = this.#ports.readinessOf(runtime)): string {
    const commits = this.#ports.commitsOf(runtime).map(({ commit }) => commit);
    const saysReady = this.#ports.reportedOf(keyText(runtime.unit.owner))?.ready === true;
    // Ready again with another spec is news: who looked in between found it not to be.
    return canonicalJson([
      readiness.ready ? '' : readiness.why,
      commits,
      generationText(runtime.unit),
      saysReady,
    ]);
  }

  /** Whether it is known by now how everything stands that a Unit depends on: after a start, others come first. */
  isKnown(unit: Unit): boolean {
    if (this.circleOf(keyText(unit.owner)) !== undefined) return true;
    return unit.dependsOn.every((key) => {
      const runtime = this.#ports.runtimeOf(keyText(key));
      return runtime === undefined || this.#ports.isLookedAt(runtime);
    });
  }

  /** Why a Unit has to wait; undefined when everything that it depends on is ready. */
  async inTheWay(unit: Unit): Promise<Failure | undefined> {
    if (unit.dependsOn.length === 0) return undefined;
    const circle = this.circleOf(keyText(unit.owner));
    if (circle !== undefined) return cycle(circle);
    for (const key of unit.dependsOn) {
      const runtime = this.#ports.runtimeOf(keyText(key));
      if (runtime === undefined) return notReady(key, 'it does not exist');
      const readiness = this.#lookAt(runtime);
      if (!readiness.ready) return notReady(key, readiness.why);
      const behind = await this.#behind(unit, runtime);
      if (behind !== undefined) return notReady(key, behind);
    }
    return undefined;
  }

  /** In the middle of its turn it may not be ready for a moment: who found it so has to hear how the turn ends, also where it is as before. */
  #lookAt(runtime: UnitRuntime): Readiness {
    const readiness = this.#ports.readinessOf(runtime);
    if (!readiness.ready && runtime.told === this.standingOf(runtime, { ready: true }))
      runtime.told = undefined;
    return readiness;
  }

  /** The same commit of the same source is applied everywhere, in order: not the new here and the old there. */
  async #behind(unit: Unit, runtime: UnitRuntime): Promise<string | undefined> {
    const shared = unit.inputs[0]?.source;
    const theirs = runtime.unit.inputs[0]?.source;
    if (shared === undefined || theirs === undefined || refText(shared) !== refText(theirs)) return undefined;
    const wanted = await this.#ports.repositories.resolve(shared);
    const [has] = this.#ports.commitsOf(runtime);
    if (!wanted.ok || has === undefined || has.commit === wanted.value.commit) return undefined;
    return `it is at ${has.label}, and ${wanted.value.label} is there`;
  }

  /**
   * Why a resource that is waited for as any object is, and is well, does not count yet; undefined where it counts, or
   * declares nothing. It has to be applied as it is wanted now, and to be where its source is: what waits for it may be
   * at the new commit first.
   */
  async notReady(unit: Unit, resource: string): Promise<string | undefined> {
    const reported = this.#ports.reportedOf(resource);
    const runtime = this.#ports.runtimeOf(resource);
    // Who suspended it wants it to stay as it is; and nothing can wait for itself.
    if (reported === undefined || runtime?.unit.sync.trigger === 'suspended' || runtime?.unit.id === unit.id)
      return undefined;
    if (runtime !== undefined) {
      // After a start, what it says of itself holds until it is looked at, and tells.
      const readiness = this.#ports.isLookedAt(runtime) ? this.#lookAt(runtime) : reported;
      if (!readiness.ready) return readiness.why;
      const behind = await this.#behindItsSource(unit, runtime);
      if (behind !== undefined) return behind;
    }
    return reported.ready ? undefined : reported.why;
  }

  async #behindItsSource({ inputs }: Unit, runtime: UnitRuntime): Promise<string | undefined> {
    const has = this.#ports.commitsOf(runtime);
    const isReconciled = this.#ports.isReconciled(runtime);
    for (const [index, { source }] of runtime.unit.inputs.entries()) {
      const at = has[index];
      // What another replica follows, and this one does not, may be old here.
      const isFollowed = isReconciled || inputs.some((input) => input.source.url === source.url);
      const wanted = at && isFollowed ? await this.#ports.repositories.resolve(source) : undefined;
      if (wanted?.ok && wanted.value.commit !== at?.commit)
        return `it is at ${at?.label}, and ${wanted.value.label} is there`;
    }
    return undefined;
  }

  /** The way on which a resource leads back to itself, if it does. */
  circleOf(resource: string): readonly string[] | undefined {
    const seen = new Set<string>();
    const search = (at: string, way: readonly string[]): readonly string[] | undefined => {
      for (const next of this.#dependsOn.get(at) ?? []) {
        if (next === resource) return [...way, next];
        if (seen.has(next)) continue;
        seen.add(next);
        const found = search(next, [...way, next]);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    return search(resource, [resource]);
  }
}

const refText = ({ kind, url, chart, ref }: SourceSpec): string => canonicalJson([kind, url, chart, ref]);

function nameOf(resource: string): string {
  const [group = '', kind = '', namespace = '', name = ''] = resource.split('/');
  return describe({ group, kind, namespace, name });
}

function notReady(key: ObjectKey, why: string): Failure {
  return {
    kind: 'transient',
    code: 'DependencyNotReady',
    stage: 'plan',
    message: `waits for ${describe(key)}: ${why}`,
    hint: 'it goes on by itself when that is ready',
  };
}

function cycle(circle: readonly string[]): Failure {
  return {
    kind: 'terminal',
    code: 'DependencyCycle',
    stage: 'plan',
    message: `dependsOn leads back to itself: ${circle.map(nameOf).join(' → ')}`,
    hint: 'take one of them out of a dependsOn',
  };
}
