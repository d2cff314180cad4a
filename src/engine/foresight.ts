/**
 * Looks up what all Units that are new, or that a commit concerns, will read in one go, before the first of them is
 * rendered: a partial clone then brings all their files in a few fetches and not in one a Unit.
 */
import { canonicalJson } from '#model/json.ts';
import type { Repositories } from '#model/ports.ts';
import type { Input, Unit, UnitId } from '#model/unit.ts';
import { expectNamed } from '#pipeline/source/expect-named.ts';

export class Foresight {
  readonly #repositories: Repositories;
  readonly #waiting = new Map<UnitId, Unit>();
  /** Those that are being looked for, until that is over: who reads before would fetch for itself. */
  readonly #underWay = new Map<UnitId, Promise<void>>();

  constructor(repositories: Repositories) {
    this.#repositories = repositories;
  }

  get size(): number {
    return this.#waiting.size + this.#underWay.size;
  }

  add(unit: Unit): void {
    this.#waiting.set(unit.id, unit);
  }

  /** It is gone, or has nothing to render. */
  forget(unit: UnitId): void {
    this.#waiting.delete(unit);
  }

  /**
   * Looks for this Unit, and for those that read the same repositories: nobody waits for another's. What cannot be
   * looked up here fails where it is needed, with its message.
   */
  async look(unit: Unit): Promise<void> {
    if (this.#waiting.has(unit.id)) this.#begin(unit);
    await this.#underWay.get(unit.id);
  }

  #begin(unit: Unit): void {
    const urls = new Set(unit.inputs.map(({ source }) => source.url));
    const units = [...this.#waiting.values()].filter(({ inputs }) =>
      inputs.every(({ source }) => urls.has(source.url)),
    );
    const byRef = Map.groupBy(
      units.flatMap(({ inputs }) => inputs.filter(({ render }) => render.kind !== 'none')),
      ({ source }) => canonicalJson(source),
    );
    const looked = this.#lookAtAll([...byRef.values()]).finally(() => {
      for (const { id } of units) this.#underWay.delete(id);
    });
    for (const { id } of units) {
      this.#waiting.delete(id);
      this.#underWay.set(id, looked);
    }
  }

  async #lookAtAll(groups: readonly (readonly Input[])[]): Promise<void> {
    await Promise.all(groups.map((group) => this.#lookAt(group)));
  }

  async #lookAt(inputs: readonly Input[]): Promise<void> {
    const { source } = inputs[0]!;
    const revision = await this.#repositories.resolve(source);
    if (!revision.ok) return;
    const { commit } = revision.value;
    await expectNamed(inputs, { url: source.url, commit }, this.#repositories);
  }
}
