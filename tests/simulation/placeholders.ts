/**
 * What differs from run to run in a request (names that chance made, times, versions, digests) stands for itself only: the
 * API server compares it, and copies it. With placeholders in its place the same request comes again in other worlds.
 * Placeholders keep form, length and, for times, order; equal values have equal ones.
 */
import { isObject, jsonText } from '#model/json.ts';

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const longHex = /\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b/g;
const shortHex = /(?<=@)[0-9a-f]{8}\b/g;
const second = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const micro = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const anyPlaceholder =
  /00000000-0000-4000-8000-[0-9a-f]{12}|\b0{24}[0-9a-f]{16}(?:0{24})?\b|(?<=@)0000[0-9a-f]{4}\b/g;

/** Placeholders of times are seconds from here on. */
const firstSecondMs = 1_000_000_000_000;
const firstNumber = 700_000_000;
const firstVersion = 5_000_000;
const firstGeneration = 1000;

const timeText = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
const timeAt = (index: number): string => timeText(firstSecondMs + index * 1000);
const microAt = (index: number): string => timeAt(index).replace('Z', '.000000Z');
const hex = (index: number, length: number): string => index.toString(16).padStart(length, '0');
const uuidAt = (index: number): string => `00000000-0000-4000-8000-${hex(index, 12)}`;
const commitAt = (index: number): string => `${'0'.repeat(24)}${hex(index, 16)}`;
const digestAt = (index: number): string => `${commitAt(index)}${'0'.repeat(24)}`;
const shortAt = (index: number): string => `0000${hex(index, 4)}`;
const versionAt = (index: number): string => String(firstVersion + index);

/** Where values are only carried about: what stands there has no meaning to the API server, and lists are one value. */
export type IsOpaque = (path: readonly string[]) => boolean;
type Path = readonly string[];
interface Place {
  /** Of what is there, and of what is to come. */
  readonly hidden: Readonly<Record<'live' | 'body', Map<unknown, unknown>>>;
  readonly shown: Map<unknown, unknown>;
}

export class Placeholders {
  readonly #isOpaque: IsOpaque;
  /** What chance made, wherever it stands. */
  readonly #hidden = new Map<string, string>();
  readonly #shown = new Map<string, string>();
  /** Of one place each, as only what stands in one place is compared. */
  readonly #places = new Map<string, Place>();
  /** How many there are of each form: how many times there are says nothing about the names. */
  readonly #counts = new Map<unknown, number>();
  readonly #changesOpaque: boolean;
  #side: 'live' | 'body' = 'live';
  #generation: number | undefined;
  /** What the clock of whoever answers is to show. */
  readonly nowMs: number;

  /** `nowMs` is one of the times: what is of this second is of this second. */
  constructor(live: unknown, body: unknown, nowMs: number, isOpaque: IsOpaque) {
    this.#isOpaque = isOpaque;
    this.#changesOpaque = !this.#isAsBefore(live, body, []);
    const now = timeText(Math.floor(nowMs / 1000) * 1000);
    const found = new Set([now]);
    for (const value of [live, body]) this.#timesIn(value, [], found);
    [...found].toSorted().forEach((time, index) => {
      this.#hidden.set(time, timeAt(index));
      this.#shown.set(timeAt(index), time);
    });
    this.nowMs = Date.parse(this.#hidden.get(now)!);
  }

  #timesIn(value: unknown, path: Path, found: Set<string>): void {
    if (this.#isOpaque(path)) return;
    if (typeof value === 'string') {
      if (second.test(value)) found.add(value);
    } else if (Array.isArray(value)) for (const item of value) this.#timesIn(item, path, found);
    else if (typeof value === 'object' && value !== null)
      for (const [name, member] of Object.entries(value)) this.#timesIn(member, [...path, name], found);
  }

  /**
   * Of a body that changes anything opaque, all that is opaque looks new: whoever writes such a part is the only one
   * who does, so that which of its members stay as they are makes no difference.
   */
  hideBody(body: unknown): unknown {
    this.#side = this.#changesOpaque ? 'body' : 'live';
    return this.hide(body);
  }

  #isAsBefore(live: unknown, body: unknown, path: Path): boolean {
    if (Array.isArray(body) || !isObject(body))
      return !this.#isOpaque(path) || jsonText(live ?? null) === jsonText(body ?? null);
    return Object.entries(body).every(([name, member]) =>
      this.#isAsBefore(isObject(live) ? live[name] : undefined, member, [...path, name]),
    );
  }

  hide(value: unknown, path: Path = []): unknown {
    if (this.#isOpaque(path)) return this.#hideOpaque(value, path);
    if (typeof value === 'string') return this.#hideText(value, path);
    if (typeof value === 'number' && isAt(path, 'generation')) {
      this.#generation ??= value;
      return firstGeneration;
    }
    if (Array.isArray(value)) return value.map((item) => this.hide(item, path));
    return this.#members(value, (member, name) => this.hide(member, [...path, name]));
  }

  #members(value: unknown, map: (member: unknown, name: string) => unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [this.#tokens(name), map(member, name)]),
    );
  }

  #hideOpaque(value: unknown, path: Path): unknown {
    if (Array.isArray(value)) return this.#hideList(value, path);
    if (typeof value === 'number') return this.#inPlace(path, value, (index) => firstNumber + index);
    if (typeof value !== 'string')
      return this.#members(value, (member, name) => this.#hideOpaque(member, [...path, name]));
    if (value === '') return value;
    return this.#inPlace(path, value, second.test(value) ? timeAt : (index) => `~${index}~`);
  }

  #hideList(value: readonly unknown[], path: Path): unknown {
    const isOfTexts = typeof value[0] === 'string';
    if (value.length === 0 || (!isOfTexts && !isObject(value[0]))) return value;
    const { hidden: sides, shown } = this.#place(path);
    const hidden = sides[this.#side];
    const text = jsonText(value);
    const index = (hidden.get(text) as number | undefined) ?? shown.size;
    hidden.set(text, index);
    shown.set(`~${index}~`, value);
    return isOfTexts ? [`~${index}~`] : standIn(index);
  }

  #inPlace(path: Path, value: unknown, make: (index: number) => unknown): unknown {
    const { hidden: sides, shown } = this.#place(path);
    const hidden = sides[this.#side];
    const made = hidden.get(value) ?? make(shown.size);
    hidden.set(value, made);
    shown.set(made, value);
    return made;
  }

  #place(path: Path): Place {
    const name = path.join('.');
    const known = this.#places.get(name) ?? {
      hidden: { live: new Map(), body: new Map() },
      shown: new Map(),
    };
    this.#places.set(name, known);
    return known;
  }

  #hideText(text: string, path: Path): string {
    // Only a Lease has such, and nothing compares it.
    if (micro.test(text)) return this.#known(text, microAt);
    const time = this.#hidden.get(text);
    if (time !== undefined && second.test(text)) return time;
    if (isAt(path, 'resourceVersion') && text !== '0' && text !== '') return this.#known(text, versionAt);
    return this.#tokens(text);
  }

  #tokens(text: string): string {
    return text
      .replaceAll(uuid, (found) => this.#known(found, uuidAt))
      .replaceAll(longHex, (found) => this.#known(found, found.length === 64 ? digestAt : commitAt))
      .replaceAll(shortHex, (found) => this.#known(found, shortAt));
  }

  #known(text: string, make: (index: number) => string): string {
    const known = this.#hidden.get(text);
    if (known !== undefined) return known;
    const count = this.#counts.get(make) ?? 0;
    this.#counts.set(make, count + 1);
    const made = make(count);
    this.#hidden.set(text, made);
    this.#shown.set(made, text);
    return made;
  }

  /** Of an answer: each placeholder as what it stands for. */
  show(value: unknown, path: Path = []): unknown {
    if (this.#isOpaque(path)) return this.#showOpaque(value, path);
    if (typeof value === 'string') return this.#shown.get(value) ?? this.#texts(value);
    if (typeof value === 'number' && isAt(path, 'generation') && value >= firstGeneration)
      return (this.#generation ?? 0) + value - firstGeneration;
    if (Array.isArray(value)) return value.map((item) => this.show(item, path));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [this.#texts(name), this.show(member, [...path, name])]),
    );
  }

  #texts(text: string): string {
    return text.replaceAll(anyPlaceholder, (found) => this.#shown.get(found) ?? found);
  }

  #showOpaque(value: unknown, path: Path): unknown {
    const shown = this.#places.get(path.join('.'))?.shown;
    if (Array.isArray(value)) {
      const mark = markOf(value);
      return shown?.has(mark) === true ? shown.get(mark) : value;
    }
    if (typeof value !== 'object' || value === null) return shown?.get(value) ?? value;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        this.#texts(name),
        this.#showOpaque(member, [...path, name]),
      ]),
    );
  }
}

/** A list that every schema of ours takes, with its number in all that it leaves of it. */
function standIn(index: number): readonly object[] {
  const mark = `~${index}~`;
  return [
    {
      name: mark,
      type: mark,
      message: mark,
      group: mark,
      kind: mark,
      namespace: mark,
      version: mark,
      deployedAt: timeAt(0),
      id: index,
    },
  ];
}
function markOf([item]: readonly unknown[]): unknown {
  if (!isObject(item)) return item;
  return Object.values(item).find((member) => typeof member === 'string' && member.startsWith('~'));
}

const isAt = (path: Path, name: string): boolean =>
  path.length > 1 && path.at(-1) === name && path.at(-2) === 'metadata';
