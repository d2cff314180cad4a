/** Label and field selectors, as they stand in the query of a list or a watch. */
import { jsonText } from '#model/json.ts';
import { valueAt, type Stored } from './objects.ts';
import type { Resource } from './resources.ts';
import { badRequest } from './status.ts';

export type Matches = (object: Stored) => boolean;
const everything: Matches = () => true;

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>5,m<6` */
export function labelSelector(text: string | undefined): Matches {
  if (text === undefined || text.trim() === '') return everything;
  const requirements = new LabelParser(text).requirements();
  return ({ metadata }) => requirements.every((holds) => holds(metadata.labels ?? {}));
}

type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

/** A label may be called `constructor`. */
const has = (labels: Labels, key: string): boolean => Object.hasOwn(labels, key);

const keyPattern = /^(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?$/;
const valuePattern = /^(?:[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?)?$/;
const nameCharsMax = 63;
const keyCharsMax = 253 + 1 + nameCharsMax;

/** Reads from left to right and never back: a long selector costs as much as it is long. */
class LabelParser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = text.match(/==|!=|[=!(),<>]|[^\s=!(),<>]+/g) ?? [];
  }

  requirements(): readonly Requirement[] {
    const found = [this.#requirement()];
    while (this.#at < this.#tokens.length) {
      if (this.#next() !== ',') throw unreadable(this.#tokens[this.#at - 1], "',' or 'end of string'");
      found.push(this.#requirement());
    }
    return found;
  }

  #requirement(): Requirement {
    if (this.#peek() === '!') {
      this.#next();
      const key = this.#key();
      return (labels) => !has(labels, key);
    }
    const key = this.#key();
    const operator = this.#peek();
    if (operator === undefined || operator === ',') return (labels) => has(labels, key);
    this.#next();
    switch (operator) {
      case '=':
      case '==': {
        const value = this.#value();
        return (labels) => has(labels, key) && labels[key] === value;
      }
      case '!=': {
        const value = this.#value();
        return (labels) => !has(labels, key) || labels[key] !== value;
      }
      case 'in': {
        const values = this.#values();
        return (labels) => has(labels, key) && values.has(labels[key]!);
      }
      case 'notin': {
        const values = this.#values();
        return (labels) => !has(labels, key) || !values.has(labels[key]!);
      }
      case '<':
      case '>': {
        const bound = this.#value();
        if (!/^-?\d+$/.test(bound))
          throw badRequest(
            "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer",
          );
        return (labels) => {
          if (!has(labels, key) || !/^-?\d+$/.test(labels[key]!)) return false;
          const value = BigInt(labels[key]!);
          return operator === '<' ? value < BigInt(bound) : value > BigInt(bound);
        };
      }
      default:
        throw unreadable(operator, 'in, notin, =, ==, !=, <, >');
    }
  }

  #key(): string {
    const key = this.#word('identifier');
    const [name = ''] = key.split('/').slice(-1);
    if (!keyPattern.test(key) || name.length > nameCharsMax || key.length > keyCharsMax)
      throw badRequest(`unable to parse requirement: key: Invalid value: ${JSON.stringify(key)}`);
    return key;
  }

  /** May be empty. */
  #value(): string {
    const next = this.#peek();
    return next === undefined || next === ',' || next === ')' ? '' : checkedValue(this.#word('identifier'));
  }

  #values(): ReadonlySet<string> {
    const open = this.#next();
    if (open !== '(') throw unreadable(open, "'('");
    const values = new Set<string>();
    for (;;) {
      values.add(this.#value());
      const next = this.#next();
      if (next === ')') return values;
      if (next !== ',') throw unreadable(next, "',' or ')'");
    }
  }

  #word(what: string): string {
    const word = this.#next();
    if (word === undefined || /^[=!(),<>]/.test(word)) throw unreadable(word, what);
    return word;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  #next(): string | undefined {
    this.#at += 1;
    return this.#tokens[this.#at - 1];
  }
}

const unreadable = (found: string | undefined, expected: string): Error =>
  badRequest(`unable to parse requirement: found '${found ?? ''}', expected: ${expected}`);

function checkedValue(value: string): string {
  if (value.length <= nameCharsMax && valuePattern.test(value)) return value;
  throw badRequest(
    `unable to parse requirement: Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
  );
}

/** `metadata.name=a,status.phase!=Running`; only what the kind declares can be asked for. */
export function fieldSelector(text: string | undefined, resource: Resource): Matches {
  if (text === undefined || text.trim() === '') return everything;
  const requirements = text
    .split(',')
    .filter((term) => term !== '')
    .map((term) => fieldRequirement(term, text, resource));
  return (object) => requirements.every((holds) => holds(object));
}

const always = ['metadata.name', 'metadata.namespace'];

function fieldRequirement(term: string, whole: string, resource: Resource): Matches {
  const equation = /^([^=!]+)(!=|==|=)(.*)$/.exec(term);
  if (equation === null) throw badRequest(`invalid selector: '${whole}'; can't understand '${term}'`);
  const [, field = '', operator, value = ''] = equation;
  if (![...always, ...resource.selectable].includes(field))
    throw badRequest(
      resource.custom || resource.selectable.length > 0
        ? `field label not supported: ${field}`
        : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  const path = field === 'source' ? ['source', 'component'] : field.split('.');
  const equals = (object: Stored): boolean => textOf(valueAt(object, path)) === value;
  return operator === '!=' ? (object) => !equals(object) : equals;
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : jsonText(value);
