/**
 * `git revert` without a work tree: three-way merges of trees, and commits written as objects. Nothing points at them
 * until they are pushed.
 */
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { LoggedCommit, RevertOrder } from '#model/ports.ts';
import { runGit, type GitCall, type GitTools } from './command.ts';
import { failureOf } from './git-failures.ts';
import type { Blobs } from './looking.ts';
import { isObjectId } from './refs.ts';

export interface RevertingTools {
  readonly git: GitTools;
  readonly url: string;
  readonly gitDir: string;
  readonly blobs: Blobs;
}

const timeoutMs = 60_000;
const committer = 'Trueup <trueup@localhost>';
const conflictsShownMax = 5;

async function run(
  { git, url, gitDir }: RevertingTools,
  call: Pick<GitCall, 'args' | 'stdin' | 'config'>,
  doing: string,
): Promise<Result<string>> {
  const result = await runGit(git, { gitDir, timeoutMs, ...call });
  if (result.code !== 0) return fail(failureOf(result, url, doing));
  return ok(Buffer.from(result.stdout).toString('utf8'));
}

export async function firstParents(
  tools: RevertingTools,
  from: string,
  to: string,
  max: number,
): Promise<Result<readonly LoggedCommit[]>> {
  if (!isObjectId(from) || !isObjectId(to)) return ok([]);
  const format = '--format=%H%x00%P%x00%s';
  const args = ['log', '--first-parent', `--max-count=${max}`, format, `${from}..${to}`];
  const listed = await run(tools, { args }, 'listing its commits');
  if (!listed.ok) return listed;
  const lines = listed.value.split('\n').filter((line) => line !== '');
  return ok(
    lines.map((line) => {
      const [commit = '', parents = '', subject = ''] = line.split('\0');
      return { commit, parents: parents.split(' ').filter(Boolean), subject };
    }),
  );
}

export async function revertCommits(tools: RevertingTools, order: RevertOrder): Promise<Result<string>> {
  let head = order.on;
  for (const commit of order.commits) {
    const [parent] = commit.parents;
    if (parent === undefined) return fail(conflict(tools.url, commit, 'it is the first commit of all'));
    const tree = await revertedTree(tools, head, commit, parent);
    if (!tree.ok) return tree;
    const made = await writeCommit(tools, order, tree.value, head, messageOf(commit, order.trailers));
    if (!made.ok) return made;
    head = made.value;
  }
  const supplied = await supplyPush(tools, order.on, head);
  return supplied.ok ? ok(head) : supplied;
}

/** What comes back is sent to the server again, and may not be in a partial copy. */
async function supplyPush(tools: RevertingTools, from: string, to: string): Promise<Result<unknown>> {
  const args = ['rev-list', '--objects-edge', '--missing=print', to, `^${from}`];
  const listed = await run(tools, { args }, 'listing what is to be pushed');
  if (!listed.ok) return listed;
  const missing = listed.value.split('\n').filter((line) => line.startsWith('?'));
  return tools.blobs.ensure(missing.map((line) => line.slice(1)));
}

/** From the commit to its parent, carried over to the head. */
async function revertedTree(
  tools: RevertingTools,
  head: string,
  commit: LoggedCommit,
  parent: string,
): Promise<Result<string>> {
  const supplied = await supplyContents(tools, head, commit.commit, parent);
  if (!supplied.ok) return supplied;
  // merge-tree finds the base in history, so three commits are made whose history is what is wanted; any git can this.
  const base = await graft(tools, commit.commit, []);
  if (!base.ok) return base;
  const ours = await graft(tools, head, [base.value]);
  if (!ours.ok) return ours;
  const theirs = await graft(tools, parent, [base.value]);
  if (!theirs.ok) return theirs;
  const result = await runGit(tools.git, {
    gitDir: tools.gitDir,
    args: ['merge-tree', '--write-tree', '--name-only', '--no-messages', ours.value, theirs.value],
    // What was renamed is taken back as it was done: looking for likeness would need every file.
    config: [
      ['merge.renames', 'false'],
      ['merge.directoryRenames', 'false'],
    ],
    timeoutMs,
  });
  const [tree = '', ...paths] = Buffer.from(result.stdout).toString('utf8').split('\n').filter(Boolean);
  if (result.code === 0 && isObjectId(tree)) return ok(tree);
  if (result.code !== 1) return fail(failureOf(result, tools.url, `reverting ${commit.commit}`));
  const shown = [...new Set(paths)].slice(0, conflictsShownMax).join(', ');
  return fail(conflict(tools.url, commit, `later commits changed the same lines of ${shown}`));
}

/** What was changed and is changed back: merging and packing read it, and a partial copy may not have it yet. */
async function supplyContents(
  tools: RevertingTools,
  head: string,
  commit: string,
  parent: string,
): Promise<Result<unknown>> {
  const undone = await rawDiff(tools, commit, parent);
  if (!undone.ok) return undone;
  const since = await rawDiff(tools, commit, head);
  if (!since.ok) return since;
  const wanted = new Set<string>();
  for (const [path, ids] of undone.value) {
    const others = since.value.get(path);
    for (const id of [...ids, ...(others ?? [])]) wanted.add(id);
  }
  return tools.blobs.ensure([...wanted]);
}

/** Path → the contents before and after, of regular files. */
async function rawDiff(
  tools: RevertingTools,
  before: string,
  after: string,
): Promise<Result<ReadonlyMap<string, readonly string[]>>> {
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-abbrev', before, after];
  const listed = await run(tools, { args }, 'comparing two commits');
  if (!listed.ok) return listed;
  const parts = listed.value.split('\0');
  const found = new Map<string, readonly string[]>();
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [oldMode = '', newMode = '', old = '', now = ''] = parts[at]!.replace(/^:/, '').split(' ');
    const ids = [
      [oldMode, old],
      [newMode, now],
    ].flatMap(([mode = '', id = '']) => (mode.startsWith('10') && !/^0+$/.test(id) ? [id] : []));
    found.set(parts[at + 1]!, ids);
  }
  return ok(found);
}

/** A commit of another's tree with other parents. */
async function graft(
  tools: RevertingTools,
  commit: string,
  parents: readonly string[],
): Promise<Result<string>> {
  const tree = await treeOf(tools, commit);
  if (!tree.ok) return tree;
  const who = `${committer} 0 +0000`;
  const above = parents.map((parent) => `parent ${parent}`);
  const lines = [`tree ${tree.value}`, ...above, `author ${who}`, `committer ${who}`];
  return writeObject(tools, `${lines.join('\n')}\n\ngraft\n`);
}

async function treeOf(tools: RevertingTools, commit: string): Promise<Result<string>> {
  const found = await run(
    tools,
    { args: ['rev-parse', '--verify', `${commit}^{tree}`] },
    `reading ${commit}`,
  );
  return found.ok ? ok(found.value.trim()) : found;
}

function writeCommit(
  tools: RevertingTools,
  { author, atMs }: RevertOrder,
  tree: string,
  parent: string,
  message: string,
): Promise<Result<string>> {
  const when = `${Math.floor(atMs / 1000)} +0000`;
  const head = [
    `tree ${tree}`,
    `parent ${parent}`,
    `author ${oneLine(author)} ${when}`,
    `committer ${committer} ${when}`,
  ];
  return writeObject(tools, `${head.join('\n')}\n\n${message}`);
}

async function writeObject(tools: RevertingTools, text: string): Promise<Result<string>> {
  const args = ['hash-object', '-t', 'commit', '-w', '--stdin'];
  const written = await run(tools, { args, stdin: text }, 'writing a commit');
  return written.ok ? ok(written.value.trim()) : written;
}

/** As `git revert` words it, so that people and programs recognise it. */
export function messageOf({ commit, parents, subject }: LoggedCommit, trailers: readonly string[]): string {
  const merge = parents.length > 1 ? `, reversing\nchanges made to ${parents[0]}` : '';
  const last = trailers.length === 0 ? '' : `\n${trailers.map(oneLine).join('\n')}\n`;
  return `Revert "${subject}"\n\nThis reverts commit ${commit}${merge}.\n${last}`;
}

/** A line break would begin another header or trailer. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function conflict(url: string, { commit, subject }: LoggedCommit, why: string): Failure {
  return {
    kind: 'blocked',
    code: 'RevertConflict',
    stage: 'source',
    message: `${url}: ${commit.slice(0, 8)} "${subject}" cannot be reverted by itself: ${why}`,
    hint: 'revert by hand, and push; or name an older deployment, so that the later commits are reverted too',
  };
}
