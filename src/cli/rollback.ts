/**
 * `trueup app rollback`: a revert in Git, never an older revision in the cluster while Git says otherwise. What is in
 * Git and what is applied stay the same thing, so automated sync has nothing to fight.
 */
import { exitCodes } from './exit-codes.ts';
import { failureLine, type Failure } from '#model/failure.ts';
import { humanDuration, timestamp } from '#model/time.ts';
import type { HistoryEntry, UnitState } from '#model/outcome.ts';
import type { Cluster, LoggedCommit, RevertOrder } from '#model/ports.ts';
import type { Input, SourceSpec, Unit } from '#model/unit.ts';
import { loginFor, type Login } from '#model/repository-access.ts';
import { secretText } from '#model/secret.ts';
import { touches } from '#pipeline/source/dependence.ts';
import { readState } from './app-history.ts';
import { appSync, waitUntil } from './app-sync.ts';
import { applicationRef, readApplication, standingOf } from './applications.ts';
import { CommandEnd, orEnd, type ClusterOptions, type CommandPorts } from './command.ts';
import { readDeclarations, type Declarations } from './declarations.ts';
import { ofApplication, type Mirror, type Subject } from './plan.ts';

export interface RollbackOptions extends ClusterOptions {
  readonly mirror: readonly Mirror[];
  readonly reason?: string;
  readonly author?: string;
  /** Commits that other Applications read too may be reverted. */
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly async?: boolean;
  readonly timeoutMs: number;
}

type SyncEntry = Extract<HistoryEntry, { kind: 'sync' }>;

/** A deployment further back than this is reverted by hand. */
const commitsMax = 500;
const secretTypeLabel = 'argocd.argoproj.io/secret-type';

export async function appRollback(
  name: string,
  id: string | undefined,
  options: RollbackOptions,
  ports: CommandPorts,
): Promise<void> {
  const cluster = orEnd(await ports.cluster(options));
  const declarations = await readDeclarations(cluster, options.namespace, ports);
  const subject = await ofApplication(name, options, ports);
  const { unit, pipeline } = subject;
  const [input, ...further] = unit.inputs;
  if (input === undefined || further.length > 0) {
    throw new CommandEnd(
      exitCodes.failed,
      `${name} has ${unit.inputs.length} sources: revert in the one that is meant`,
    );
  }
  const spec = withWriteLogin(input.source, declarations);
  ports.say(`reading ${spec.url}…\n`);
  orEnd(await pipeline.repositories.fetch(spec));
  const branch = orEnd(await pipeline.writer.branch(spec));
  if (branch === undefined) {
    const [followed] = Object.values(spec.ref);
    throw new CommandEnd(
      exitCodes.failed,
      `${name} follows ${followed}, which is no branch: there is nothing to revert; set its targetRevision to what was deployed before`,
    );
  }
  const { target, commits } = await choose(id, spec, branch.commit, input, subject);
  const others = await alsoTouched(commits, spec, unit, declarations, subject);
  for (const { commit, subject: line } of commits)
    ports.say(`to be reverted: ${commit.slice(0, 8)} ${line}\n`);
  if (others.length > 0) ports.say(`they are read by other Applications too: ${others.join(', ')}\n`);
  const commands = gitCommands(spec.url, branch.name, commits);
  if (options.dryRun === true) {
    ports.out(commands);
    return;
  }
  if (others.length > 0 && options.yes !== true) {
    throw new CommandEnd(
      exitCodes.failed,
      `these commits change ${others.length} other Applications as well; say --yes if they are meant`,
    );
  }
  const trailers = [
    `Reverted-by: ${ports.user}`,
    `Application: ${unit.owner.namespace}/${unit.owner.name}`,
    `Back-to: ${target.revisions[0]?.commit ?? ''}`,
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
  ports.out(`${head}; ${await followUp(name, made, unit, cluster, options, ports)}\n`);
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
  /** Newest first: only those that change something which the Application reads. */
  readonly commits: readonly LoggedCommit[];
}

/** Without a number: the newest deployment from which what Git says now differs. */
async function choose(
  id: string | undefined,
  spec: SourceSpec,
  head: string,
  input: Input,
  { unit, state, pipeline }: Subject,
): Promise<Choice> {
  const deployed = (state?.history ?? []).filter(
    (entry): entry is SyncEntry => entry.kind === 'sync' && entry.result === 'succeeded',
  );
  const wanted =
    id === undefined ? deployed.toReversed() : deployed.filter((entry) => String(entry.id) === id);
  if (wanted.length === 0) {
    const which =
      id === undefined ? 'has no deployment in its history' : `has no deployment ${id} in its history`;
    throw new CommandEnd(
      exitCodes.failed,
      `${unit.owner.name} ${which}: trueup app history ${unit.owner.name}`,
    );
  }
  const read = state?.read?.[0];
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
  unit: Unit,
  declarations: Declarations,
  { pipeline }: Subject,
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
      if (isTouched) found.add(`${other.owner.namespace}/${other.owner.name}`);
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
  name: string,
  commit: string,
  unit: Unit,
  cluster: Cluster,
  options: RollbackOptions,
  ports: CommandPorts,
): Promise<string> {
  const ref = applicationRef(name, options.namespace);
  if (unit.sync.trigger === 'suspended') return `it is suspended: trueup resume ${name} applies it`;
  if (unit.sync.trigger === 'manual') {
    // Who asks for a rollback asks for it to be applied, too.
    const { kubeconfig, context, namespace, timeoutMs } = options;
    const where = {
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      ...(context === undefined ? {} : { context }),
    };
    await appSync(name, { ...where, namespace, timeoutMs }, { ...ports, out: ports.say });
  } else {
    const annotations = { 'argocd.argoproj.io/refresh': 'normal' };
    orEnd(await cluster.mergePatch(ref, { metadata: { annotations } }));
  }
  await waitUntil(cluster, ref, options.timeoutMs, ports, (now) => {
    const { sync, health, revision, phase } = standingOf(now);
    return sync === 'Synced' && health === 'Healthy' && revision === commit && phase !== 'Running';
  });
  const history = (await readState(cluster, await readApplication(cluster, ref)))?.history ?? [];
  const done = history.findLast((entry): entry is SyncEntry => entry.kind === 'sync')?.revert;
  if (done?.stableAtMs === undefined) return 'Synced and Healthy';
  return `stable ${humanDuration(done.stableAtMs - done.seenAtMs)} after it was seen, at ${timestamp(done.stableAtMs)}`;
}
