/** Honour or refuse (F30), for every dialect: which members of a spec are known, and what is said of the others. */
import type { Failure } from '#model/failure.ts';
import { isObject } from '#model/json.ts';

function ignored(what: string): Failure {
  return {
    kind: 'blocked',
    code: 'UnknownField',
    stage: 'compile',
    message: `${what} is not a field that is known here; it has no effect`,
    hint: 'check its spelling',
  };
}

/** Present and not merely an empty value: an empty list or block asks for nothing. */
export function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isObject(value) || Object.values(value).some(isSet);
}

export interface Members {
  readonly honoured: readonly string[];
  readonly refused: readonly string[];
}

export interface Findings {
  readonly refused: Failure[];
  readonly unknown: Failure[];
}

export type Inspect = (path: string, value: unknown, members: Members, findings: Findings) => void;

/** `refuse` says in the words of a dialect that something is not honoured. */
export function inspectWith(refuse: (what: string) => Failure): Inspect {
  return (path, value, members, findings) => {
    if (!isObject(value)) return;
    for (const key of Object.keys(value)) {
      if (members.honoured.includes(key)) continue;
      if (members.refused.includes(key)) {
        if (isSet(value[key])) findings.refused.push(refuse(`${path}.${key}`));
      } else findings.unknown.push(ignored(`${path}.${key}`));
    }
  };
}
