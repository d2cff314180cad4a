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
const secondLength = '2026-01-01T00:00:00Z'.length;
const micro = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const anyPlaceholder =
  /00000000-0000-4000-8000-[0-9a-f]{12}|\b0{24}[0-9a-f]{16}(?:0{24})?\b|(?<=@)0000[0-9a-f]{4}\b/g;

/** Placeholders of times are seconds from here on. */
const firstSecondMs = 1_000_000_000_000;
const firstNumber = 700_000_000;
const firstVersion = 5_000_000;
const firstGeneration = 1000;

const timeText = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
const times: string[] = [];
const timeAt = (index: number): string => (times[index] ??= timeText(firstSecondMs + index * 1000));
const microAt = (index: number): string => timeAt(index).replace('Z', '.000000Z');
const hex = (index: number, length: number): string => index.toString(16).padStart(length, '0');
const uuidAt = (index: number): string => `00000000-0000-4000-8000-${hex(index, 12)}`;
const commitAt = (index: number): string => `${'0'.repeat(24)}${hex(index, 16)}`;
const digestAt = (index: number): string => `${commitAt(index)}${'0'.repeat(24)}`;
const shortAt = (index: number): string => `0000${hex(index, 4)}`;
const versionAt = (index: number): string => String(firstVersion + index);

/** What the API server does not read in objects of a kind. */
export interface Unread {
  /**
   * Which members of the whole are only carried about: what stands in them has no meaning to it, and lists are one
   * value.
   */
  readonly isOpaque: (member: string) => boolean;
  /** Members, of the whole, whose members are texts that it compares and nothing more. Names and labels always are. */
  readonly texts: readonly string[];
}
/** Where something stands: the names of its member and of the one around it. */
interface Spot {
  readonly name: string;
  readonly around: string;
}
const nowhere: Spot = { name: '', around: '' };
type Members = { readonly [name: string]: unknown };
interface Place {
  /** Of what is there, and of what is to come. */
  readonly hidden: Readonly<Record<'live' | 'body', Map<unknown, unknown>>>;
  readonly shown: Map<unknown, unknown>;
}

export class Placeholders {
  readonly #unread: Unread | undefined;
  /** What chance made, wherever it stands. */
  readonly #hidden = new Map<string, string>();
  readonly #shown = new Map<string, string>();
  /** Texts of which nothing is read. */
  readonly #free = new Map<string, string>();
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
  constructor(live: unknown, body: unknown, nowMs: number, unread: Unread | undefined) {
    this.#unread = unread;
    this.#changesOpaque = unread !== undefined && !this.#isAsBefore(live, body);
    const now = timeText(Math.floor(nowMs / 1000) * 1000);
    const found = new Set([now]);
    for (const value of [live, body]) this.#timesIn(value, true, found);
    [...found].toSorted().forEach((time, index) => {
      this.#hidden.set(time, timeAt(index));
      this.#shown.set(timeAt(index), time);
    });
    this.nowMs = Date.parse(this.#hidden.get(now)!);
  }

  #isOpaque(member: string): boolean {
    return this.#unread?.isOpaque(member) === true;
  }

  #timesIn(value: unknown, isWhole: boolean, found: Set<string>): void {
    if (typeof value === 'string') {
      if (isSecond(value)) found.add(value);
    } else if (Array.isArray(value)) for (const item of value) this.#timesIn(item, isWhole, found);
    else if (typeof value === 'object' && value !== null)
      for (const name of Object.keys(value))
        if (!isWhole || !this.#isOpaque(name)) this.#timesIn((value as Members)[name], false, found);
  }

  /**
   * Of a body that changes anything opaque, all that is opaque looks new: whoever writes such a part is the only one
   * who does, so that which of its members stay as they are makes no difference.
   */
  hideBody(body: unknown): unknown {
    this.#side = this.#changesOpaque ? 'body' : 'live';
    return this.hide(body);
  }

  #isAsBefore(live: unknown, body: unknown): boolean {
    if (!isObject(body)) return true;
    return Object.keys(body).every(
      (name) => !this.#isOpaque(name) || isWithin(isObject(live) ? live[name] : undefined, body[name]),
    );
  }

  hide(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.hide(item));
    return isObject(value)
      ? this.#members(value, (member, name) =>
          this.#isOpaque(name)
            ? this.#hideOpaque(member, name)
            : this.#hideKnown(member, { name, around: '' }),
        )
      : this.#hideKnown(value, nowhere);
  }

  #hideKnown(value: unknown, spot: Spot): unknown {
    if (typeof value === 'string') return this.#hideText(value, spot);
    if (typeof value === 'number' && isAt(spot, 'generation')) {
      this.#generation ??= value;
      return firstGeneration;
    }
    if (Array.isArray(value)) return value.map((item) => this.#hideKnown(item, spot));
    if (!isObject(value)) return value;
    return this.#members(value, (member, name) => this.#hideKnown(member, { name, around: spot.name }));
  }

  #members(
    value: Members,
    map: (member: unknown, name: string) => unknown,
    names: readonly string[] = Object.keys(value),
  ): unknown {
    const made: Record<string, unknown> = {};
    for (const name of names) made[this.#tokens(name)] = map(value[name], name);
    return made;
  }

  #hideOpaque(value: unknown, path: string): unknown {
    if (Array.isArray(value)) return this.#hideList(value, path);
    if (typeof value === 'number') return this.#inPlace(path, value, (index) => firstNumber + index);
    if (isObject(value)) {
      const hide = (member: unknown, name: string): unknown => this.#hideOpaque(member, `${path}.${name}`);
      return this.#members(value, hide, Object.keys(value).toSorted());
    }
    // Looks new like the rest: what is there is another one then.
    if (typeof value === 'boolean')
      return this.#inPlace(path, value, () => this.#side === 'body' || !this.#changesOpaque);
    if (typeof value !== 'string' || value === '') return value;
    return this.#inPlace(path, value, isSecond(value) ? timeAt : (index) => `~${index}~`);
  }

  #hideList(value: readonly unknown[], path: string): unknown {
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

  #inPlace(path: string, value: unknown, make: (index: number) => unknown): unknown {
    const { hidden: sides, shown } = this.#place(path);
    const hidden = sides[this.#side];
    const made = hidden.get(value) ?? make(shown.size);
    hidden.set(value, made);
    shown.set(made, value);
    return made;
  }

  #place(path: string): Place {
    const known = this.#places.get(path);
    if (known !== undefined) return known;
    const made = { hidden: { live: new Map(), body: new Map() }, shown: new Map() };
    this.#places.set(path, made);
    return made;
  }

  /** Of what the request is about: a name, a namespace. */
  hideName(name: string): string {
    return this.#unread !== undefined && isName(name) ? this.#hideFree(name) : this.#tokens(name);
  }

  #hideFree(text: string): string {
    if (text === '') return text;
    const known = this.#free.get(text);
    if (known !== undefined) return known;
    const made = this.#next(uuidAt);
    this.#free.set(text, made);
    this.#shown.set(made, text);
    return made;
  }

  /** Of what has a form it has to be right: what is refused stays as it is. */
  #isFree(text: string, { name, around }: Spot): boolean {
    if (this.#unread === undefined || isUuid(text)) return false;
    if (around === 'metadata')
      return name === 'name' || name === 'namespace' ? isName(text) : name === 'generateName';
    if (around === 'ownerReferences') return name === 'name' && isName(text);
    if (around === 'involvedObject') return ['name', 'namespace', 'resourceVersion'].includes(name);
    if (around === 'labels') return isLabel(text);
    // What `kubectl apply` leaves there is read.
    if (around === 'annotations') return !name.startsWith('kubectl.kubernetes.io/');
    return this.#unread.texts.includes(around);
  }

  #hideText(text: string, spot: Spot): string {
    // Only a Lease has such, and nothing compares it.
    if (micro.test(text)) return this.#known(text, microAt);
    const time = this.#hidden.get(text);
    if (time !== undefined && isSecond(text)) return time;
    if (isAt(spot, 'resourceVersion') && text !== '0' && text !== '') return this.#known(text, versionAt);
    if (this.#isFree(text, spot)) return this.#hideFree(text);
    return this.#tokens(text);
  }

  #tokens(text: string): string {
    if (isShort(text)) return text;
    return text
      .replaceAll(uuid, (found) => this.#known(found, uuidAt))
      .replaceAll(longHex, (found) => this.#known(found, found.length === 64 ? digestAt : commitAt))
      .replaceAll(shortHex, (found) => this.#known(found, shortAt));
  }

  #known(text: string, make: (index: number) => string): string {
    const known = this.#hidden.get(text);
    if (known !== undefined) return known;
    const made = this.#next(make);
    this.#hidden.set(text, made);
    this.#shown.set(made, text);
    return made;
  }

  #next(make: (index: number) => string): string {
    const count = this.#counts.get(make) ?? 0;
    this.#counts.set(make, count + 1);
    return make(count);
  }

  /** Of an answer: each placeholder as what it stands for. */
  show(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.show(item));
    return isObject(value)
      ? this.#membersShown(value, (member, name) =>
          this.#isOpaque(name)
            ? this.#showOpaque(member, name)
            : this.#showKnown(member, { name, around: '' }),
        )
      : this.#showKnown(value, nowhere);
  }

  /** Of a refusal, which has no part that is only carried about. */
  showRefusal(value: unknown): unknown {
    return this.#showKnown(value, nowhere);
  }

  #showKnown(value: unknown, spot: Spot): unknown {
    if (typeof value === 'string') return this.#shown.get(value) ?? this.#texts(value);
    if (typeof value === 'number' && isAt(spot, 'generation') && value >= firstGeneration)
      return (this.#generation ?? 0) + value - firstGeneration;
    if (Array.isArray(value)) return value.map((item) => this.#showKnown(item, spot));
    if (!isObject(value)) return value;
    return this.#membersShown(value, (member, name) => this.#showKnown(member, { name, around: spot.name }));
  }

  #membersShown(value: Members, map: (member: unknown, name: string) => unknown): unknown {
    const made: Record<string, unknown> = {};
    for (const name of Object.keys(value)) made[this.#texts(name)] = map(value[name], name);
    return made;
  }

  #texts(text: string): string {
    return isShort(text) ? text : text.replaceAll(anyPlaceholder, (found) => this.#shown.get(found) ?? found);
  }

  #showOpaque(value: unknown, path: string): unknown {
    if (isObject(value))
      return this.#membersShown(value, (member, name) => this.#showOpaque(member, `${path}.${name}`));
    const shown = this.#places.get(path)?.shown;
    if (!Array.isArray(value)) return shown?.get(value) ?? value;
    const mark = markOf(value);
    return shown?.has(mark) === true ? shown.get(mark) : value;
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

const isAt = ({ name, around }: Spot, wanted: string): boolean => around === 'metadata' && name === wanted;

const isSecond = (text: string): boolean => text.length === secondLength && second.test(text);

const isUuid = (text: string): boolean => text.length === 36 && text.search(uuid) === 0;
const isName = (text: string): boolean => text.length < 64 && /^[a-z0-9]+(?:[-.][a-z0-9]+)*$/.test(text);
const isLabel = (text: string): boolean => text.length < 64 && /^[a-z0-9]+(?:[-_.][a-z0-9]+)*$/i.test(text);

/** Too short for anything that chance made. */
const isShort = (text: string): boolean => text.length < 36 && !text.includes('@');

/** Whether all that the body says stands there already. */
function isWithin(live: unknown, body: unknown): boolean {
  if (!isObject(body)) return jsonText(live ?? null) === jsonText(body ?? null);
  return Object.keys(body).every((name) => isWithin(isObject(live) ? live[name] : undefined, body[name]));
}
