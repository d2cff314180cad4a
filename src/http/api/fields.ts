/** `fields=items.metadata.name,…`: only these members of an answer; with `-` before the first, all but these. */
import { isObject } from '#model/json.ts';

interface Branch {
  /** Named itself: with everything below it. */
  whole: boolean;
  readonly below: Map<string, Branch>;
}

const pathsMax = 100;
const depthMax = 20;

export function selectFields(value: unknown, fields: string | undefined): unknown {
  if (fields === undefined || fields === '') return value;
  const isExclusion = fields.startsWith('-');
  const root: Branch = { whole: false, below: new Map() };
  for (const path of (isExclusion ? fields.slice(1) : fields).split(',').slice(0, pathsMax)) {
    let branch = root;
    for (const name of path.trim().split('.').slice(0, depthMax)) {
      const next = branch.below.get(name) ?? { whole: false, below: new Map<string, Branch>() };
      branch.below.set(name, next);
      branch = next;
    }
    branch.whole = true;
  }
  return isExclusion ? without(value, root) : only(value, root);
}

function only(value: unknown, branch: Branch): unknown {
  if (branch.whole) return value;
  if (Array.isArray(value)) return value.map((item) => only(item, branch));
  if (!isObject(value)) return value;
  const members = Object.entries(value).flatMap(([name, member]) => {
    const next = branch.below.get(name);
    return next === undefined ? [] : [[name, only(member, next)] as const];
  });
  return Object.fromEntries(members);
}

function without(value: unknown, branch: Branch): unknown {
  if (Array.isArray(value)) return value.map((item) => without(item, branch));
  if (!isObject(value)) return value;
  const members = Object.entries(value).flatMap(([name, member]) => {
    const next = branch.below.get(name);
    if (next === undefined) return [[name, member] as const];
    return next.whole ? [] : [[name, without(member, next)] as const];
  });
  return Object.fromEntries(members);
}
