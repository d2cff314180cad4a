/**
 * `trueup rollback`: a revert in Git, never an older revision in the cluster while Git says otherwise. What is in
 * Git and what is applied stay the same thing, so automated sync has nothing to fight.
 */
import { exitCodes } from './exit-codes.ts';
import { failureLine, type Failure } from '#model/failure.ts';
import { humanDuration, timestamp } from '#model/time.ts';
import type { HistoryEntry, UnitState } from '#model/outcome.ts';
import { describe, refOf, type Manifest } from '#model/object.ts';
import type { LoggedCommit, RevertOrder } from '#model/ports.ts';
import type { Input, SourceSpec, Unit } from '#model/unit.ts';
import { loginFor, type Login } from '#model/repository-access.ts';
import { secretText } from '#model/secret.ts';
import { touches } from '#pipeline/source/dependence.ts';
import { readState } from './history.ts';
import { appSync } from './app-sync.ts';
import { standingOf } from './applications.ts';
import { CommandEnd, endOf, orEnd, type CommandPorts } from './command.ts';
import type { Declarations } from './declarations.ts';
import { waitUntil } from './following.ts';
import { ofResource, type Mirror, type ResourceSubject, type Subject } from './plan.ts';
import {
  isFlux,
  openResource,
  resourceStanding,
  wordsOf,
  type Opened,
  type ResourceOptions,
} from './resources.ts';
import { requestLook } from './suspend.ts';

export interface RollbackOptions extends ResourceOptions {
  readonly mirror: readonly Mirror[];
  /** The number of a deployment in its history. */
  readonly to?: string;
  /** Of several sources the one that is meant: its number, counted from 1, or its URL. */
  readonly source?: string;
  readonly reason?: string;
  readonly author?: string;
  /** Commits that other resources read too may be reverted. */
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly async?: boolean;
  readonly timeoutMs: number;
}

type SyncEntry = Extract<HistoryEntry, { kind: 'sync' }>;

/** A deployment further back than this is reverted by hand. */
const commitsMax = 500;
const secretTypeLabel = 'argocd.argoproj.io/secret-type';

/** The input to revert in, by its place among the sources. */
export function sourceChosen(
  { inputs, owner }: Pick<Unit, 'inputs' | 'owner'>,
  wanted: string | undefined,
): number {
  const at = inputs.findIndex(
    ({ source }, index) => wanted === undefined || wanted === String(index + 1) || wanted === source.url,
  );
  if (at >= 0 && (wanted !== undefined || inputs.length === 1)) return at;
  const known = inputs.map(({ source }, index) => `  ${index + 1}: ${source.url}`).join('\n');
  const what = wanted === undefined ? `has ${inputs.length} sources` : `has no source ${wanted}`;
  throw new CommandEnd(
    exitCodes.failed,
    `${owner.name} ${what}${known === '' ? '' : `; name the one that is meant with --source:\n${known}`}`,
  );
}

export async function rollbackCommand(
  words: readonly string[],
  options: RollbackOptions,
  ports: CommandPorts,
): Promise<void> {
  const opened = await openResource(words, options, ports);
  const { name } = opened.ref;
  const subject = await ofResource(opened, options, ports);
  const { unit, pipeline, declarations } = subject;
  if (unit.unsupported[0] !== undefined) throw endOf(unit.unsupported[0]);
  const at = sourceChosen(unit, options.source);
  const input = unit.inputs[at]!;
  const spec = withWriteLogin(input.source, declarations);
  ports.say(`reading ${spec.url}…\n`);
  orEnd(await pipeline.repositories.fetch(spec));
  const branch = orEnd(await pipeline.writer.branch(spec));
  if (branch === undefined) {
    const [followed] = Object.values(spec.ref);
    const where = isFlux(opened.ref) ? 'set the ref of its source' : 'set its targetRevision';
    throw new CommandEnd(
      exitCodes.failed,
      `${name} follows ${followed}, which is no branch: there is nothing to revert; ${where} to what was deployed before`,
    );
  }
  const { target, commits } = await choose(options.to, spec, branch.commit, at, subject);
  const others = await alsoTouched(commits, spec, subject);
  for (const { commit, subject: line } of commits)
    ports.say(`to be reverted: ${commit.slice(0, 8)} ${line}\n`);
  if (others.length > 0) ports.say(`they are read by others too: ${others.join(', ')}\n`);
  const commands = gitCommands(spec.url, branch.name, commits);
  if (options.dryRun === true) {
    ports.out(commands);
    return;
  }
  if (others.length > 0 && options.yes !== true) {
    throw new CommandEnd(
      exitCodes.failed,
      `these commits change ${others.length} other ${others.length === 1 ? 'resource' : 'resources'} as well; say --yes if they are meant`,
    );
  }
  const trailers = [
    `Reverted-by: ${ports.user}`,
    `${unit.owner.kind}: ${unit.owner.namespace}/${unit.owner.name}`,
    `Back-to: ${target.revisions.find(({ url }) => url === spec.url)?.commit ?? ''}`,
    ...(options.reason === undefined ? [] : [`Reason: ${options.reason}`]),
  ];
  const order: RevertOrder = {
    spec,
    on: branch.commit,
    commits,
    author: options.author ?? `${ports.user} <${ports.user}@localhost>`,
    atMs: ports.clock.now(),
    trailers,
  };
  const made = orEnd(await pipeline.writer.revert(order));
  const published = await pipeline.writer.publish(spec, made, branch.name);
  if (!published.ok) throw refused(published.failure, commands, ports);
  ports.say(`pushed ${made.slice(0, 8)} to ${branch.name} of ${spec.url}\n`);
  const head = `${name}: reverted ${commits.length} ${commits.length === 1 ? 'commit' : 'commits'}, as ${branch.name}@${made.slice(0, 8)}`;
  if (options.async === true) {
    ports.out(`${head}\n`);
    return;
  }
  ports.out(`${head}; ${await followUp(opened, made, unit, options, ports)}\n`);
}

/** Where Trueup may not write, a person can: with the same result, because the engine only sees the commit. */
function refused(failure: Failure, commands: string, ports: CommandPorts): CommandEnd {
  if (failure.kind !== 'denied' && failure.code !== 'GitCredentialsMissing')
    return new CommandEnd(exitCodes.failed, failureLine(failure));
  ports.out(commands);
  return new CommandEnd(
    exitCodes.unauthorised,
    `nothing was changed; the commands above do the same by hand: ${failureLine(failure)}`,
  );
}

interface Choice {
  readonly target: SyncEntry;
  /** Newest first: only those that change something which the Unit reads. */
  readonly commits: readonly LoggedCommit[];
}

/** Without a number: the newest deployment from which what Git says now differs. */
async function choose(
  id: string | undefined,
  spec: SourceSpec,
  head: string,
  at: number,
  { unit, state, pipeline }: Subject,
): Promise<Choice> {
  const input = unit.inputs[at]!;
  const deployed = (state?.history ?? []).filter(
    (entry): entry is SyncEntry => entry.kind === 'sync' && entry.result === 'succeeded',
  );
  const wanted =
    id === undefined ? deployed.toReversed() : deployed.filter((entry) => String(entry.id) === id);
  if (wanted.length === 0) {
    const which =
      id === undefined ? 'has no deployment in its history' : `has no deployment ${id} in its history`;
    throw new CommandEnd(exitCodes.failed, `${unit.owner.name} ${which}, as trueup history has it`);
  }
  const read = state?.read?.[at];
  for (const target of wanted) {
    const from = target.revisions.find(({ url }) => url === spec.url)?.commit;
    if (from === undefined) continue;
    const ancestry = orEnd(await pipeline.repositories.ancestry(spec, from, head));
    if (ancestry !== 'descendant' && ancestry !== 'same') {
      if (id === undefined) continue;
      throw new CommandEnd(
        exitCodes.failed,
        `${from.slice(0, 8)} is not a part of this branch any more: history was rewritten`,
      );
    }
    const all = orEnd(await pipeline.writer.log(spec, from, head, commitsMax));
    if (all.length >= commitsMax) {
      throw new CommandEnd(
        exitCodes.failed,
        `there are more than ${commitsMax} commits since ${from.slice(0, 8)}; revert by hand`,
      );
    }
    const commits: LoggedCommit[] = [];
    for (const commit of all) {
      const changed = await changedBy(commit, spec, { pipeline });
      if (changed === undefined || concerns(changed, input, read)) commits.push(commit);
    }
    if (commits.length > 0) return { target, commits };
    if (id !== undefined)
      throw new CommandEnd(exitCodes.failed, `Git says already what deployment ${id} was`);
  }
  throw new CommandEnd(
    exitCodes.failed,
    `${unit.owner.name} has no earlier deployment that differs from what Git says now`,
  );
}

/** Undefined: it cannot be told; then it counts as everything. */
async function changedBy(
  { commit, parents }: LoggedCommit,
  { url }: SourceSpec,
  { pipeline }: Pick<Subject, 'pipeline'>,
): Promise<ReadonlySet<string> | undefined> {
  const [parent] = parents;
  return parent === undefined
    ? undefined
    : orEnd(await pipeline.repositories.changedPaths(url, parent, commit));
}

type Read = NonNullable<UnitState['read']>[number];

/** By what rendering read; before the first rendering, by the directory. */
function concerns(changed: ReadonlySet<string>, input: Input, read: Read | undefined): boolean {
  if (read !== undefined) return touches(read, changed);
  return input.path === '.' || [...changed].some((path) => `${path}/`.startsWith(`${input.path}/`));
}

async function alsoTouched(
  commits: readonly LoggedCommit[],
  spec: SourceSpec,
  { unit, declarations, pipeline }: ResourceSubject,
): Promise<readonly string[]> {
  const found = new Set<string>();
  const units = (await declarations.units()).filter(({ id }) => id !== unit.id);
  for (const commit of commits) {
    const changed = await changedBy(commit, spec, { pipeline });
    for (const other of units) {
      const read = declarations.stateOf(other)?.read;
      const isTouched = other.inputs.some(
        (input, index) =>
          input.source.url === spec.url && (changed === undefined || concerns(changed, input, read?.[index])),
      );
      if (isTouched) found.add(describe(other.owner));
    }
  }
  return [...found].toSorted();
}

/** A Secret of type `repository-write` or `repo-write-creds` is for pushing; else what the source is read with. */
function withWriteLogin(source: SourceSpec, { secrets }: Declarations): SourceSpec {
  const logins = secrets.flatMap((secret): readonly Login[] => {
    const type = secret.metadata.labels?.[secretTypeLabel];
    const url = secretText(secret, 'url');
    if (url === undefined || (type !== 'repository-write' && type !== 'repo-write-creds')) return [];
    const { namespace = '', name } = secret.metadata;
    return [{ url, isPrefix: type === 'repo-write-creds', secret: { namespace, name } }];
  });
  const login = loginFor(logins, source.url);
  return login === undefined ? source : { ...source, credentials: login };
}

/** For copy and paste, from an empty directory to the push. */
export function gitCommands(url: string, branch: string, commits: readonly LoggedCommit[]): string {
  const quoted = (text: string): string =>
    /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const reverts: string[] = [];
  for (const { commit, parents } of commits) {
    const how = parents.length > 1 ? '--no-edit -m 1' : '--no-edit';
    reverts.push(`git -C rollback revert ${how} ${commit}`);
  }
  return [
    `git clone --branch ${quoted(branch)} -- ${quoted(url)} rollback`,
    ...reverts,
    `git -C rollback push origin HEAD:${quoted(branch)}`,
    '',
  ].join('\n');
}

/** Has the commit looked at now, and tells when everything is as it wants it. */
async function followUp(
  opened: Opened,
  commit: string,
  unit: Unit,
  options: RollbackOptions,
  ports: CommandPorts,
): Promise<string> {
  const { cluster, ref } = opened;
  if (unit.sync.trigger === 'suspended')
    return `it is suspended: trueup resume ${wordsOf(opened)} applies it`;
  if (unit.sync.trigger === 'manual') {
    // Who asks for a rollback asks for it to be applied, too.
    const { kubeconfig, context, namespace, timeoutMs } = options;
    const where = {
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      ...(context === undefined ? {} : { context }),
    };
    await appSync(wordsOf(opened), { ...where, namespace, timeoutMs }, { ...ports, out: ports.say });
  } else {
    await requestLook(opened, ports);
  }
  const after = await waitUntil(opened, options.timeoutMs, ports, (now) => isStableAt(now, commit));
  const history = (await readState(cluster, after))?.history ?? [];
  const done = history.findLast((entry): entry is SyncEntry => entry.kind === 'sync')?.revert;
  if (done?.stableAtMs === undefined) return isFlux(ref) ? 'Ready' : 'Synced and Healthy';
  return `stable ${humanDuration(done.stableAtMs - done.seenAtMs)} after it was seen, at ${timestamp(done.stableAtMs)}`;
}

function isStableAt(now: Manifest, commit: string): boolean {
  if (isFlux(refOf(now))) {
    const { ready, revision } = resourceStanding(now);
    return ready === 'True' && revision.endsWith(`:${commit}`);
  }
  const { sync, health, revision, phase } = standingOf(now);
  return sync === 'Synced' && health === 'Healthy' && revision === commit && phase !== 'Running';
}
