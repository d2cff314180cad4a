/** The branches and tags of a repository, as they were fetched last. */
import type { Failure } from '#model/failure.ts';
import type { GitRef } from '#model/unit.ts';
import { highestVersion } from '#model/versions.ts';

export interface RefTable {
  /** Branch → commit. */
  readonly branches: ReadonlyMap<string, string>;
  /** Tag → commit, or the annotated tag's own object. */
  readonly tags: ReadonlyMap<string, string>;
  /** The default branch; absent when the repository is empty or its HEAD names none. */
  readonly head?: string;
}

/** Where fetched refs are kept: names that nothing else in the repository uses. */
export const branchPrefix = 'refs/trueup/heads/';
export const tagPrefix = 'refs/trueup/tags/';
export const pinPrefix = 'refs/trueup/pins/';

/** Reads what `git ls-remote --symref` prints. */
export function parseRemoteRefs(output: string): RefTable {
  const branches = new Map<string, string>();
  const tags = new Map<string, string>();
  let head: string | undefined;
  let detached: string | undefined;
  for (const line of output.split('\n')) {
    const [left = '', name = ''] = line.split('\t');
    if (left.startsWith('ref: refs/heads/') && name === 'HEAD') head = left.slice('ref: refs/heads/'.length);
    else if (name === 'HEAD') detached = left;
    else if (name.endsWith('^{}')) continue;
    else if (name.startsWith('refs/heads/')) branches.set(name.slice('refs/heads/'.length), left);
    else if (name.startsWith('refs/tags/')) tags.set(name.slice('refs/tags/'.length), left);
  }
  // A plain HTTP server, and old ones, tell HEAD's commit but not its name.
  head ??= [...branches].find(([, commit]) => commit === detached)?.[0];
  return { branches, tags, ...(head !== undefined && branches.has(head) && { head }) };
}

/** Reads `for-each-ref --format='%(objectname) %(refname)'` of what we keep. */
export function parseKeptRefs(output: string, head: string): RefTable {
  const branches = new Map<string, string>();
  const tags = new Map<string, string>();
  for (const line of output.split('\n')) {
    const space = line.indexOf(' ');
    const name = line.slice(space + 1);
    if (name.startsWith(branchPrefix)) branches.set(name.slice(branchPrefix.length), line.slice(0, space));
    else if (name.startsWith(tagPrefix)) tags.set(name.slice(tagPrefix.length), line.slice(0, space));
  }
  const branch = head.startsWith(branchPrefix) ? head.slice(branchPrefix.length) : undefined;
  return { branches, tags, ...(branch !== undefined && branches.has(branch) && { head: branch }) };
}

export function sameRefs(a: RefTable, b: RefTable): boolean {
  return a.head === b.head && sameMap(a.branches, b.branches) && sameMap(a.tags, b.tags);
}
function sameMap(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, id]) => b.get(name) === id);
}

/** What a reference stands for: an object to look at, with the name that people see. */
export type Found =
  | { readonly object: string; readonly label?: string }
  /** It can only be a commit: whether it exists, the object store knows. */
  | { readonly commit: string }
  | undefined;

export function find(refs: RefTable, ref: GitRef): Found {
  if ('branch' in ref) return named(refs.branches, bare(ref.branch, 'refs/heads/'));
  if ('tag' in ref) return named(refs.tags, bare(ref.tag, 'refs/tags/'));
  if ('commit' in ref) return asCommit(ref.commit);
  if ('semver' in ref) {
    const tag = highestVersion(refs.tags.keys(), ref.semver);
    if (tag !== undefined) return named(refs.tags, tag);
    return ref.orName === true ? find(refs, { name: ref.semver }) : undefined;
  }
  const name = ref.name.trim();
  if (name === 'HEAD' || name === '')
    return refs.head === undefined ? undefined : named(refs.branches, refs.head);
  return (
    (name.startsWith('refs/tags/') ? undefined : named(refs.branches, bare(name, 'refs/heads/'))) ??
    (name.startsWith('refs/heads/') ? undefined : named(refs.tags, bare(name, 'refs/tags/'))) ??
    asCommit(name)
  );
}

function named(names: ReadonlyMap<string, string>, name: string): Found {
  const object = names.get(name);
  return object === undefined ? undefined : { object, label: name };
}
function bare(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}
function asCommit(text: string): Found {
  return isObjectIdPrefix(text) ? { commit: text.toLowerCase() } : undefined;
}

/** At least seven digits: shorter ones are too often ambiguous tomorrow. */
export function isObjectIdPrefix(text: string): boolean {
  return /^[0-9a-f]{7,64}$/i.test(text);
}
export function isObjectId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

export function refNotFound(url: string, refs: RefTable, ref: GitRef, why?: string): Failure {
  const wanted = describeRef(ref);
  const near = nearest(refs, ref);
  return {
    kind: 'terminal',
    code: 'RefNotFound',
    stage: 'source',
    message: `${url}: there is no ${wanted}${why === undefined ? '' : `: ${why}`}`,
    hint:
      refs.branches.size === 0
        ? 'the repository is empty: push a commit to it'
        : near.length === 0
          ? 'check the name; Trueup looks again at every poll'
          : `check the name; there ${near.length === 1 ? 'is' : 'are'} ${near.join(', ')}`,
  };
}

function describeRef(ref: GitRef): string {
  const quoted = (name: string): string => JSON.stringify(name.slice(0, 200));
  if ('branch' in ref) return `branch ${quoted(ref.branch)}`;
  if ('tag' in ref) return `tag ${quoted(ref.tag)}`;
  if ('commit' in ref) return `commit ${quoted(ref.commit)}`;
  if ('semver' in ref)
    return `tag with a version in ${quoted(ref.semver)}${ref.orName === true ? ', and no branch or tag of that name' : ''}`;
  return ref.name === 'HEAD' || ref.name === ''
    ? 'default branch (HEAD)'
    : `branch, tag or commit ${quoted(ref.name)}`;
}

/** Up to five names that a person may have meant, best first. */
function nearest(refs: RefTable, ref: GitRef): readonly string[] {
  if ('semver' in ref) return [...refs.tags.keys()].slice(-5);
  const wanted = ('branch' in ref ? ref.branch : 'tag' in ref ? ref.tag : 'name' in ref ? ref.name : '')
    .slice(0, 100)
    .toLowerCase();
  const names = 'commit' in ref ? [] : [...('tag' in ref ? [] : refs.branches.keys())];
  if (!('branch' in ref) && !('commit' in ref)) names.push(...refs.tags.keys());
  return [...new Set(names)]
    .slice(0, 5_000)
    .map((name) => ({ name, far: distance(wanted, name.slice(0, 100).toLowerCase()) }))
    .toSorted((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))
    .slice(0, 5)
    .map((one) => one.name);
}

/** How many letters have to be changed, added or taken away; a part of the other counts as near. */
function distance(a: string, b: string): number {
  if (a !== '' && (b.includes(a) || a.includes(b))) return 1;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
