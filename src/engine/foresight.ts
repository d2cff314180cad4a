/**
 * Looks up the directories of all Units that are new in one go, before the first of them is read: a partial clone then
 * brings all their files in one fetch and not in one a Unit.
 */
import { canonicalJson } from '#model/json.ts';
import type { Repositories } from '#model/ports.ts';
import type { Input, Unit, UnitId } from '#model/unit.ts';

export class Foresight {
  readonly #repositories: Repositories;
  readonly #waiting = new Map<UnitId, Unit>();

  constructor(repositories: Repositories) {
    this.#repositories = repositories;
  }

  add(unit: Unit): void {
    this.#waiting.set(unit.id, unit);
  }

  forget(unit: UnitId): void {
    this.#waiting.delete(unit);
  }

  /**
   * Looks for this Unit, and for those that read the same repositories: nobody waits for another's. What cannot be
   * looked up here fails where it is needed, with its message.
   */
  async look(unit: Unit): Promise<void> {
    if (!this.#waiting.has(unit.id)) return;
    const urls = new Set(unit.inputs.map(({ source }) => source.url));
    const inputs: Input[] = [];
    for (const waiting of this.#waiting.values()) {
      if (!waiting.inputs.every(({ source }) => urls.has(source.url))) continue;
      inputs.push(...waiting.inputs);
      this.#waiting.delete(waiting.id);
    }
    const byRef = Map.groupBy(inputs, ({ source }) => canonicalJson(source));
    await Promise.all([...byRef.values()].map((group) => this.#lookAt(group)));
  }

  async #lookAt(inputs: readonly Input[]): Promise<void> {
    const { source } = inputs[0]!;
    const revision = await this.#repositories.resolve(source);
    if (!revision.ok) return;
    const { commit } = revision.value;
    await this.#repositories.trees(
      source.url,
      inputs.map(({ path }) => ({ commit, path })),
    );
  }
}
