/** Label selectors as kubectl and Argo CD write them: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. */
import { fail, ok, type Result } from './failure.ts';

export type Labels = Readonly<Record<string, string>>;

const name = String.raw`[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?`;
const value = '[A-Za-z0-9._-]*';
const set = new RegExp(String.raw`^(${name})\s+(in|notin)\s*\((\s*${value}\s*(?:,\s*${value}\s*)*)\)$`);
const equality = new RegExp(String.raw`^(${name})\s*(==|=|!=)\s*(${value})$`);
const presence = new RegExp(String.raw`^(!?)\s*(${name})$`);
const lengthMax = 2048;

/** The empty one selects everything. */
export function labelSelector(text: string): Result<(labels: Labels) => boolean> {
  if (text.length > lengthMax) return refused(`is longer than ${lengthMax} characters`);
  if (text.trim() === '') return ok(() => true);
  const tests: ((labels: Labels) => boolean)[] = [];
  // A comma in brackets separates values.
  for (const part of text.split(/,(?![^(]*\))/).map((piece) => piece.trim())) {
    const test = requirement(part);
    if (test === undefined)
      return refused(part === '' ? 'has a comma with nothing beside it' : `has a part that is none: ${part}`);
    tests.push(test);
  }
  return ok((labels) => tests.every((test) => test(labels)));
}

function refused(why: string): Result<never> {
  return fail({
    kind: 'terminal',
    code: 'BadQuery',
    stage: 'observe',
    message: `the label selector ${why}`,
    hint: 'write it as a=b,c!=d,e in (f,g),h notin (i),j,!k',
  });
}

/** What is not there is unequal to everything, and in no set. */
function requirement(part: string): ((labels: Labels) => boolean) | undefined {
  const [, key = '', operator = '', wanted = ''] = set.exec(part) ?? equality.exec(part) ?? [];
  if (operator === 'in' || operator === 'notin') {
    const values = new Set(wanted.split(',').map((item) => item.trim()));
    return (labels) => (own(labels, key) && values.has(labels[key]!)) === (operator === 'in');
  }
  if (operator !== '')
    return (labels) => (own(labels, key) && labels[key] === wanted) === (operator !== '!=');
  const [isFound, absent, bare = ''] = presence.exec(part) ?? [];
  if (isFound === undefined) return undefined;
  return (labels) => own(labels, bare) === (absent === '');
}

const own = (labels: Labels, key: string): boolean => Object.hasOwn(labels, key);
