/** Label and field selectors, as they stand in the query of a list or a watch. */
import { jsonText } from '#model/json.ts';
import { valueAt, type Stored } from './objects.ts';
import type { Resource } from './resources.ts';
import { badRequest, type StatusError } from './status.ts';

export type Matches = (object: Stored) => boolean;
const everything: Matches = () => true;

type Labels = Readonly<Record<string, string>>;
type Holds = (labels: Labels) => boolean;

/** A label may be called `constructor`. */
const has = (labels: Labels, key: string): boolean => Object.hasOwn(labels, key);

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>3` */
export function labelSelector(text: string | undefined): Matches {
  if (text === undefined || text.trim() === '') return everything;
  const requirements = requirementsOf(new Words(text));
  return ({ metadata }) => requirements.every((holds) => holds(metadata.labels ?? {}));
}

/** Names, values and signs, one after the other; at the end, empty. */
class Words {
  readonly #all: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#all = text.match(/==|!=|[=!<>(),]|[^\s=!<>(),]+/g) ?? [];
  }

  get next(): string {
    return this.#all[this.#at] ?? '';
  }

  get nextIsName(): boolean {
    return /^[^=!<>(),]/.test(this.next);
  }

  get nextBegins(): boolean {
    return this.nextIsName || this.next === '!';
  }

  take(): string {
    const taken = this.next;
    this.#at += 1;
    return taken;
  }
}

const expected = (found: string, what: string): StatusError =>
  badRequest(`found '${found}', expected: ${what}`);
const unable = (why: string): StatusError => badRequest(`unable to parse requirement: ${why}`);
const unableAt = (found: string, what: string): StatusError => unable(`found '${found}', expected: ${what}`);

function requirementsOf(words: Words): readonly Holds[] {
  if (!words.nextBegins) throw expected(words.next, "!, identifier, or 'end of string'");
  const found: Holds[] = [];
  for (;;) {
    found.push(requirement(words));
    const after = words.take();
    if (after === '') return found;
    if (after !== ',') throw expected(after, "',' or 'end of string'");
    if (!words.nextBegins) throw expected(words.next, "identifier after ','");
  }
}

function requirement(words: Words): Holds {
  const isUnwanted = words.next === '!';
  if (isUnwanted) words.take();
  if (!words.nextIsName) throw unableAt(words.next, 'identifier');
  const key = words.take();
  checkKey(key);
  if (isUnwanted) return (labels) => !has(labels, key);
  if (words.next === '' || words.next === ',') return (labels) => has(labels, key);
  const operator = words.take();
  switch (operator) {
    case 'in':
    case 'notin': {
      const values = new Set(listed(words));
      for (const value of values) checkValue(key, value);
      const isAmong: Holds = (labels) => has(labels, key) && values.has(labels[key]!);
      return operator === 'in' ? isAmong : (labels) => !isAmong(labels);
    }
    case '=':
    case '==':
    case '!=': {
      const value = oneValue(words);
      checkValue(key, value);
      const isEqual: Holds = (labels) => has(labels, key) && labels[key] === value;
      return operator === '!=' ? (labels) => !isEqual(labels) : isEqual;
    }
    case '>':
    case '<': {
      const value = oneValue(words);
      if (!integer.test(value))
        throw unable(
          `values[0]: Invalid value: "${value}": for 'Gt', 'Lt' operators, the value must be an integer`,
        );
      const limit = Number(value);
      return (labels) => {
        const value = has(labels, key) ? labels[key]! : '';
        return integer.test(value) && (operator === '>' ? Number(value) > limit : Number(value) < limit);
      };
    }
    default:
      throw unableAt(operator, 'in, notin, =, ==, !=, gt, lt');
  }
}

/** The value after a sign; none is the empty one. */
function oneValue(words: Words): string {
  if (words.next === '' || words.next === ',') return '';
  if (!words.nextIsName) throw unableAt(words.next, 'identifier');
  return words.take();
}

/** `(a,b)`; between two commas, and in `()`, stands the empty value. */
function listed(words: Words): readonly string[] {
  const opening = words.take();
  if (opening !== '(') throw unable(`found '${opening}' expected: '('`);
  const values: string[] = [];
  for (;;) {
    values.push(words.nextIsName ? words.take() : '');
    const after = words.next;
    if (after !== ',' && after !== ')')
      throw unableAt(after, values.at(-1) === '' ? "',', ')' or identifier" : "',' or ')'");
    words.take();
    if (after === ')') return values;
  }
}

const integer = /^[-+]?\d+$/;
const charsMax = 63;
const name = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const nameRule = `consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g.`;

/** A name, after a domain and a slash or alone. */
function checkKey(key: string): void {
  const parts = key.split('/');
  const refuse = (why: string): StatusError => unable(`<nil>: Invalid value: "${key}": ${why}`);
  const examples = `'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${name}')`;
  if (parts.length > 2)
    throw refuse(
      `a valid label key must ${nameRule} ${examples} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    );
  const [last = '', prefix = 'none'] = parts.toReversed();
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(prefix))
    throw refuse('prefix part must be a lowercase RFC 1123 subdomain');
  if (last.length > charsMax) throw refuse(`name part must be no more than ${charsMax} bytes`);
  if (!new RegExp(`^${name}$`).test(last)) throw refuse(`name part must ${nameRule} ${examples}`);
}

function checkValue(key: string, value: string): void {
  const refuse = (why: string): StatusError => unable(`values[0][${key}]: Invalid value: "${value}": ${why}`);
  if (value.length > charsMax) throw refuse(`must be no more than ${charsMax} bytes`);
  if (!new RegExp(`^(${name})?$`).test(value))
    throw refuse(
      `a valid label must be an empty string or ${nameRule} 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${name})?')`,
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
