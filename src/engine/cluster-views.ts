/**
 * What templates ask of the cluster, answered from what is followed: the first question costs a list, every later one
 * nothing, and a change of an answer wakes the Units that asked. What nobody asks any more is not followed.
 */
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { apiVersionOf, kindText, type ObjectRef } from '#model/object.ts';
import type { ApiResource } from '#model/observed.ts';
import type { Capabilities, ClusterView, LookupAnswer } from '#model/ports.ts';
import type { Limits, Unit, UnitId } from '#model/unit.ts';
import { judgeLookup } from '#pipeline/policy/limits.ts';
import { questionOf, questionText } from '#pipeline/render/lookups.ts';
import { LookedUp, type LookedUpPorts } from './looked-up.ts';

export type ClusterViewsPorts = Omit<LookedUpPorts, 'resource'>;

interface Asked {
  readonly lookups: Set<string>;
  capabilities: boolean;
}

/** Every Unit has the installation's identity so far; another one needs views, and answers, of its own (S5). */
export class ClusterViews {
  readonly #ports: ClusterViewsPorts;
  readonly #changed: (units: Iterable<UnitId>) => void;
  readonly #lookedUp = new Map<string, LookedUp>();
  /** What each Unit asks: in the turn that is under way first, and in those before it. */
  readonly #asked = new Map<UnitId, readonly Asked[]>();
  #capabilities: Promise<Result<Capabilities>> | undefined;
  #watching = false;
  /** A turn has failed since the capabilities were looked at. */
  #isDoubted = false;

  /** `changed` is told of Units that would be answered otherwise now. */
  constructor(ports: ClusterViewsPorts, changed: (units: Iterable<UnitId>) => void) {
    this.#ports = ports;
    this.#changed = changed;
  }

  get size(): number {
    return this.#lookedUp.size + [...this.#asked.values()].flat().length;
  }

  /** For one turn of the Unit. */
  view({ id, limits }: Pick<Unit, 'id' | 'limits'>): ClusterView {
    const asked: Asked = { lookups: new Set(), capabilities: false };
    this.#asked.set(id, [asked, ...(this.#asked.get(id) ?? [])]);
    return {
      capabilities: () => {
        asked.capabilities = true;
        return this.#served();
      },
      lookUp: (questions) => {
        for (const question of questions) asked.lookups.add(question);
        return this.#lookUp(questions, limits);
      },
    };
  }

  /** After the turn: only what it asked matters from now on, unless it ended early. */
  settle(unit: UnitId, isComplete: boolean): void {
    const [asked, ...before] = this.#asked.get(unit) ?? [];
    if (asked === undefined) return;
    this.#isDoubted ||= !isComplete;
    for (const { lookups, capabilities } of isComplete ? [] : before) {
      for (const question of lookups) asked.lookups.add(question);
      asked.capabilities ||= capabilities;
    }
    this.#asked.set(unit, [asked]);
    this.#drop(before);
  }

  forget(unit: UnitId): void {
    const asked = this.#asked.get(unit) ?? [];
    this.#asked.delete(unit);
    this.#drop(asked);
  }

  stop(): void {
    for (const lookedUp of this.#lookedUp.values()) lookedUp.stop();
    this.#lookedUp.clear();
  }

  /** What was asked and now is by nobody. */
  #drop(asked: readonly Asked[]): void {
    for (const question of asked.flatMap(({ lookups }) => [...lookups])) {
      if (this.#whoAsks(({ lookups }) => lookups.has(question)).length > 0) continue;
      this.#lookedUp.get(question)?.stop();
      this.#lookedUp.delete(question);
    }
  }

  #whoAsks(matters: (asked: Asked) => boolean): readonly UnitId[] {
    return [...this.#asked].flatMap(([unit, asked]) => (asked.some(matters) ? [unit] : []));
  }

  /** A group that could not say what it serves is asked again once somebody's turn has failed, which may be for that. */
  async #served(): Promise<Result<Capabilities>> {
    this.#watchKinds();
    const asked = (this.#capabilities ??= this.#ports.cluster.capabilities());
    const served = await asked;
    if (!served.ok && this.#capabilities === asked) this.#capabilities = undefined;
    if (!served.ok || served.value.unknown.length === 0 || !this.#isDoubted) return served;
    this.#isDoubted = false;
    this.#capabilities = this.#ports.cluster.resources(true).then(() => this.#ports.cluster.capabilities());
    return this.#capabilities;
  }

  async #lookUp(questions: readonly string[], limits: Limits): Promise<Result<readonly LookupAnswer[]>> {
    for (const question of questions) {
      const resource = await this.#resource(question);
      if (!resource.ok) return resource;
      // What is not served is not found, so that nothing of it can be told.
      const denied = resource.value && judgeLookup(limits, questionOf(question), resource.value.namespaced);
      if (denied !== undefined) return fail(denied);
    }
    const answers: LookupAnswer[] = [];
    const found = await Promise.all(questions.map((question) => this.#entry(question).answer()));
    for (const answer of found) {
      if (!answer.ok) return answer;
      answers.push(answer.value);
    }
    return ok(answers);
  }

  /** The kind that is asked for; one that is missed is looked for anew when it is first asked for. */
  async #resource(question: string): Promise<Result<ApiResource | undefined>> {
    const { cluster } = this.#ports;
    const asked = questionOf(question);
    for (const refresh of this.#lookedUp.has(question) ? [false] : [false, true]) {
      const served = await cluster.resources(refresh);
      if (!served.ok) return served;
      const found = served.value.find((resource) => kindText(resource) === kindText(asked));
      if (found !== undefined) return ok(found);
    }
    const known = await this.#served();
    if (!known.ok) return known;
    return known.value.unknown.includes(apiVersionOf(asked)) ? fail(unsure(asked)) : ok(undefined);
  }

  #entry(question: string): LookedUp {
    const known = this.#lookedUp.get(question);
    if (known !== undefined) return known;
    this.#watchKinds();
    const entry = new LookedUp(
      questionOf(question),
      { ...this.#ports, resource: () => this.#resource(question) },
      () => this.#changed(this.#whoAsks(({ lookups }) => lookups.has(question))),
    );
    this.#lookedUp.set(question, entry);
    return entry;
  }

  #watchKinds(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#ports.cluster.onKinds(() => {
      this.#capabilities = undefined;
      for (const lookedUp of this.#lookedUp.values()) lookedUp.kindsChanged();
      this.#changed(this.#whoAsks(({ capabilities }) => capabilities));
    });
  }
}

function unsure(question: ObjectRef): Failure {
  return {
    kind: 'transient',
    code: 'DiscoveryIncomplete',
    stage: 'render',
    message: `The chart looks up ${questionText(question)}, and the cluster cannot say now whether it serves that kind.`,
    hint: 'check the API service behind that group (kubectl get apiservices)',
  };
}
