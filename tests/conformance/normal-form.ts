/** Answers of two servers, with what must differ between them taken out: identities, times, versions, addresses. */
import { canonicalJson, isObject } from '#model/json.ts';

const uid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const uidInText = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const times = new Set(['time', 'creationTimestamp', 'deletionTimestamp']);

/** Of one server: what its identities are called in both. */
export class NormalForm {
  readonly #uids = new Map<string, string>();

  value(answer: unknown): unknown {
    return this.#value(answer, []);
  }

  #value(value: unknown, path: readonly string[]): unknown {
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#value(item, path));
      // The first are sorted by time, and a second may end between the two servers; the others come in any order.
      return ['managedFields', 'causes'].includes(path.at(-1) ?? '') ? items.toSorted(byText) : items;
    }
    if (isObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([key, member]) => [key, this.#value(member, [...path, key])]),
      );
    }
    if (typeof value !== 'string') return value;
    const key = path.at(-1) ?? '';
    if (times.has(key)) return 'a time';
    if (key === 'resourceVersion') return 'a version';
    if (key === 'clusterIP' || path.includes('clusterIPs')) return value === 'None' ? value : 'an address';
    if (uid.test(value)) return this.#named(value);
    return value
      .replaceAll(uidInText, (found) => this.#named(found))
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'a time')
      .replaceAll(/\b10\.(?:\d+\.){2}\d+\b/g, 'an address')
      .replaceAll(/(ResourceVersion in record \()\d+/g, '$1a version')
      .replaceAll(/(resourceVersion\\?":\s*\\?")\d+/g, '$1a version');
  }

  #named(found: string): string {
    const known = this.#uids.get(found) ?? `uid ${this.#uids.size + 1}`;
    this.#uids.set(found, known);
    return known;
  }
}

const byText = (a: unknown, b: unknown): number => (canonicalJson(a) < canonicalJson(b) ? -1 : 1);
