/** Which Unit has which object: from inventories, from Runs in progress, and who waits for one. */
import { keyText, kindText, type GroupVersionKind, type ObjectKey, type ObjectRef } from '#model/object.ts';
import type { InventoryEntry } from '#model/observed.ts';
import type { UnitId } from '#model/unit.ts';

export class Ownership {
  readonly #inventories = new Map<string, Map<UnitId, string | undefined>>();
  readonly #keysOf = new Map<UnitId, ReadonlySet<string>>();
  readonly #claims = new Map<string, UnitId>();
  readonly #interested = new Map<string, Set<UnitId>>();
  readonly #interestOf = new Map<UnitId, Set<string>>();
  readonly #kindsOf = new Map<string, ReadonlyMap<string, GroupVersionKind>>();
  readonly #released: (unit: UnitId) => void;
  readonly #shrunk: () => void;

  /**
   * `released` is told of Units that want an object which another Unit has let go; `shrunk` is called when a Unit has
   * no object of some kind any more.
   */
  constructor(released: (unit: UnitId) => void, shrunk: () => void) {
    this.#released = released;
    this.#shrunk = shrunk;
  }

  /** Objects and Units that are remembered, each as often as it is. */
  get size(): number {
    const all = [
      this.#inventories,
      this.#keysOf,
      this.#claims,
      this.#interested,
      this.#interestOf,
      this.#kindsOf,
    ];
    return all.reduce((sum, { size }) => sum + size, 0);
  }

  /** The kinds of all objects that some Unit has or wants. */
  kinds(): readonly GroupVersionKind[] {
    return [...new Map([...this.#kindsOf.values()].flatMap((kinds) => [...kinds])).values()];
  }

  setInventory(unit: UnitId, inventory: readonly InventoryEntry[]): void {
    const before = this.#keysOf.get(unit) ?? new Set<string>();
    const now = new Map(inventory.map(({ ref, uid }) => [keyText(ref), uid]));
    for (const key of before) {
      if (now.has(key)) continue;
      this.#inventories.get(key)?.delete(unit);
      if (this.#inventories.get(key)?.size === 0) this.#inventories.delete(key);
      for (const other of this.#interested.get(key) ?? []) if (other !== unit) this.#released(other);
    }
    for (const [key, uid] of now) {
      this.#inventories.set(
        key,
        (this.#inventories.get(key) ?? new Map<UnitId, string | undefined>()).set(unit, uid),
      );
    }
    if (now.size === 0) this.#keysOf.delete(unit);
    else this.#keysOf.set(unit, new Set(now.keys()));
    this.#noteKinds(
      `has ${unit}`,
      inventory.map(({ ref }) => ref),
    );
  }

  /** The objects whose changes matter to the Unit, besides its inventory. */
  setInterest(unit: UnitId, refs: readonly ObjectRef[]): void {
    const now = new Set(refs.map(keyText));
    for (const key of this.#interestOf.get(unit) ?? []) {
      if (now.has(key)) continue;
      this.#interested.get(key)?.delete(unit);
      if (this.#interested.get(key)?.size === 0) this.#interested.delete(key);
    }
    this.#interestOf.delete(unit);
    for (const key of now) this.#note(unit, key);
    this.#noteKinds(`wants ${unit}`, refs);
  }

  #noteKinds(holder: string, refs: readonly ObjectRef[]): void {
    const now = new Map<string, GroupVersionKind>();
    for (const { group, version, kind } of refs)
      now.set(kindText({ group, version, kind }), { group, version, kind });
    const before = this.#kindsOf.get(holder);
    if (now.size === 0) this.#kindsOf.delete(holder);
    else this.#kindsOf.set(holder, now);
    if (before !== undefined && [...before.keys()].some((text) => !now.has(text))) this.#shrunk();
  }

  /** Takes the objects for one Run; the Unit that stands in the way, if one does. */
  claim(unit: UnitId, refs: readonly ObjectRef[]): UnitId | undefined {
    const keys = refs.map(keyText);
    const holder = keys
      .map((key) => this.#claims.get(key))
      .find((other) => other !== undefined && other !== unit);
    if (holder !== undefined) return holder;
    for (const key of keys) this.#claims.set(key, unit);
    return undefined;
  }

  release(unit: UnitId, refs: readonly ObjectRef[]): void {
    for (const key of refs.map(keyText)) {
      if (this.#claims.get(key) !== unit) continue;
      this.#claims.delete(key);
      for (const other of this.#interested.get(key) ?? []) if (other !== unit) this.#released(other);
    }
  }

  /** Another Unit that has this very object (F26: by UID), or is about to make it. */
  other(unit: UnitId, ref: ObjectRef, uid: string | undefined): UnitId | undefined {
    const key = keyText(ref);
    const claimed = this.#claims.get(key);
    if (claimed !== undefined && claimed !== unit) return claimed;
    for (const [owner, held] of this.#inventories.get(key) ?? []) {
      if (owner !== unit && (uid === undefined || held === undefined || held === uid)) return owner;
    }
    return undefined;
  }

  /** It is told when another Unit lets the object go. */
  waitFor(unit: UnitId, ref: ObjectRef): void {
    this.#note(unit, keyText(ref));
  }

  #note(unit: UnitId, key: string): void {
    this.#interested.set(key, (this.#interested.get(key) ?? new Set()).add(unit));
    this.#interestOf.set(unit, (this.#interestOf.get(unit) ?? new Set()).add(key));
  }

  concerned(object: ObjectKey): ReadonlySet<UnitId> {
    const key = keyText(object);
    return new Set([...(this.#inventories.get(key)?.keys() ?? []), ...(this.#interested.get(key) ?? [])]);
  }

  forget(unit: UnitId): void {
    this.setInventory(unit, []);
    this.setInterest(unit, []);
  }
}
