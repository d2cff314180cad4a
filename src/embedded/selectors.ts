/** Label and field selectors, as they stand in the query of a list or a watch. */
import { valueAt, type Stored } from './objects.ts';
import type { Resource } from './resources.ts';
import { badRequest } from './status.ts';

export type Matches = (object: Stored) => boolean;
const everything: Matches = () => true;

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k` */
export function labelSelector(text: string | undefined): Matches {
  if (text === undefined || text.trim() === '') return everything;
  const requirements = splitOutside(text).map(labelRequirement);
  return ({ metadata }) => requirements.every((holds) => holds(metadata.labels ?? {}));
}

type Labels = Readonly<Record<string, string>>;

function labelRequirement(text: string): (labels: Labels) => boolean {
  const term = text.trim();
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(term);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    return operator === 'in'
      ? (labels) => key in labels && values.has(labels[key]!)
      : (labels) => !(key in labels) || !values.has(labels[key]!);
  }
  const equation = /^([^=!\s]+)\s*(!=|==|=)\s*([^=!\s]*)$/.exec(term);
  if (equation !== null) {
    const [, key = '', operator, value = ''] = equation;
    return operator === '!='
      ? (labels) => labels[key] !== value
      : (labels) => key in labels && labels[key] === value;
  }
  if (/^![^=!\s()]+$/.test(term)) return (labels) => !(term.slice(1) in labels);
  if (/^[^=!\s()]+$/.test(term)) return (labels) => term in labels;
  throw badRequest(`unable to parse requirement: ${term}`);
}

/** At the commas that are not in parentheses. */
function splitOutside(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    else if (text[at] === ')') depth -= 1;
    else if (text[at] === ',' && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)];
}

/** `metadata.name=a,status.phase!=Running`; only what the kind declares can be asked for. */
export function fieldSelector(text: string | undefined, resource: Resource): Matches {
  if (text === undefined || text.trim() === '') return everything;
  const requirements = text.split(',').map((term) => fieldRequirement(term.trim(), resource));
  return (object) => requirements.every((holds) => holds(object));
}

function fieldRequirement(term: string, resource: Resource): Matches {
  const equation = /^([^=!]+)(!=|==|=)(.*)$/.exec(term);
  if (equation === null)
    throw badRequest(`invalid field selector: "${term}"; can't understand what is selected`);
  const [, field = '', operator, value = ''] = equation;
  if (!['metadata.name', 'metadata.namespace', ...resource.selectable].includes(field))
    throw badRequest(`field label not supported: ${field}`);
  const path = field === 'source' ? ['source', 'component'] : field.split('.');
  const equals = (object: Stored): boolean => textOf(valueAt(object, path)) === value;
  return operator === '!=' ? (object) => !equals(object) : equals;
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
