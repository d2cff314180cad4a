/** Label selectors as kubectl and Argo CD write them: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. */
import { fail, ok, type Result } from '#model/failure.ts';

export type Labels = Readonly<Record<string, string>>;

const name = String.raw`[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?`;
const set = new RegExp(String.raw`^(${name})\s+(in|notin)\s+\(([^()]*)\)$`);
const equality = new RegExp(String.raw`^(${name})\s*(==|=|!=)\s*([A-Za-z0-9._-]*)$`);
const presence = new RegExp(String.raw`^(!?)\s*(${name})$`);
const lengthMax = 2048;

export function labelSelector(text: string): Result<(labels: Labels) => boolean> {
  const parts = text.length > lengthMax ? undefined : text.split(/,(?![^(]*\))/).map((part) => part.trim());
  const tests = parts?.filter((part) => part !== '').map(requirement);
  if (tests === undefined || tests.includes(undefined))
    return fail({
      kind: 'terminal',
      code: 'BadQuery',
      stage: 'observe',
      message: 'the label selector cannot be understood',
      hint: 'write it as a=b,c!=d,e in (f,g),h notin (i),j,!k',
    });
  return ok((labels) => tests.every((test) => test!(labels)));
}

function requirement(part: string): ((labels: Labels) => boolean) | undefined {
  const [, key = '', operator = '', value = ''] = set.exec(part) ?? equality.exec(part) ?? [];
  if (operator === 'in' || operator === 'notin') {
    const values = new Set(value.split(',').map((item) => item.trim()));
    return (labels) => (own(labels, key) && values.has(labels[key]!)) === (operator === 'in');
  }
  if (operator !== '') return (labels) => (own(labels, key) && labels[key] === value) === (operator !== '!=');
  const [isFound, absent, bare = ''] = presence.exec(part) ?? [];
  if (isFound === undefined) return undefined;
  return (labels) => own(labels, bare) === (absent === '');
}

const own = (labels: Labels, key: string): boolean => Object.hasOwn(labels, key);
