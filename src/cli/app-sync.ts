/** `trueup app sync`, `trueup app wait` */
import { operationNow, syncRequest, type SyncWish } from '#dialects/argo/operation-request.ts';
import type { JsonObject } from '#model/json.ts';
import type { Manifest, ObjectRef } from '#model/object.ts';
import type { Cluster } from '#model/ports.ts';
import { applicationRef, conditionsOf, readApplication, standingOf, textAt } from './applications.ts';
import { planToApprove } from './approve.ts';
import { CommandEnd, orEnd, type ClusterOptions, type CommandPorts } from './command.ts';
import { readDeclarations } from './declarations.ts';
import { exitCodes } from './exit-codes.ts';
import { waitUntil } from './following.ts';
import { refuseWhileOldControllerRuns } from './old-controller.ts';

const plural = 'applications';
/** Whoever reconciles it writes its status meanwhile. */
const writeAttempts = 5;

export interface SyncOptions extends ClusterOptions {
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly revision?: string;
  /** `group:kind:name` or `group:kind:namespace/name`; `!` before it: all but this one. */
  readonly resource?: readonly string[];
  readonly force?: boolean;
  /** A plan's digest; `true` approves the plan that is held now. */
  readonly approve?: string | true;
  readonly async?: boolean;
  readonly timeoutMs: number;
}

export async function appSync(name: string, options: SyncOptions, ports: CommandPorts): Promise<void> {
  if (options.approve !== undefined && options.dryRun === true)
    throw new CommandEnd(exitCodes.usage, '--approve has the plan carried out: leave out --dry-run');
  const cluster = orEnd(await ports.cluster(options));
  const ref = applicationRef(name, options.namespace);
  const before = await request(cluster, ref, options, ports);
  ports.say(`sync of ${name} requested\n`);
  if (options.async === true) return;
  const after = await untilAnswered(cluster, ref, before, options.timeoutMs, ports);
  const { phase, message } = standingOf(after);
  ports.out(`${name}: ${phase}: ${message}\n`);
  if (phase !== 'Succeeded') {
    for (const { type, message: text } of conditionsOf(after)) ports.say(`${type}: ${text}\n`);
    throw new CommandEnd(exitCodes.failed);
  }
}

/** Writes it for the Application as it was read, and returns that: what others write meanwhile is read first. */
async function request(
  cluster: Cluster,
  ref: ObjectRef,
  options: SyncOptions,
  ports: CommandPorts,
): Promise<Manifest> {
  const { name } = ref;
  for (let attempt = 0; attempt < writeAttempts; attempt += 1) {
    const before = await readApplication(cluster, ref);
    const declarations = await readDeclarations(cluster, options.namespace, ports);
    refuseWhileOldControllerRuns(before, declarations, ports);
    if (operationNow(before).isAsked) {
      const why = attempt === 0 ? 'another operation is in progress' : 'somebody else asked for a sync first';
      const remedy = `wait for it: trueup app wait ${name} --operation`;
      throw new CommandEnd(exitCodes.failed, `${name}: ${why}; ${remedy}`);
    }
    const approves =
      options.approve === undefined ? {} : { approves: approval(before, options.approve, ports) };
    const asked = syncRequest(before, {
      ...options,
      ...approves,
      by: ports.user,
      further: furtherOf(options),
    });
    const resourceVersion = String(before.metadata['resourceVersion']);
    const metadata = { ...(asked['metadata'] as JsonObject | undefined), resourceVersion };
    const written = orEnd(await cluster.mergePatch(ref, { ...asked, metadata }));
    if (written.result !== 'stale') return before;
  }
  throw new CommandEnd(
    exitCodes.failed,
    `${name}: the Application changed each time it was to be written; run this again`,
  );
}

function furtherOf({ resource = [], force }: SyncOptions): JsonObject {
  return {
    ...(resource.length === 0 ? {} : { resources: resource.map(patternOf) }),
    ...(force === true ? { syncStrategy: { hook: { force } } } : {}),
  };
}

function patternOf(text: string): JsonObject {
  const match = /^(!?)([^:]*):([^:]+):(?:([^/:]+)\/)?([^/:]+)$/.exec(text);
  if (match === null)
    throw new CommandEnd(
      exitCodes.usage,
      `--resource ${text}: write it as group:kind:name or group:kind:namespace/name, as apps:Deployment:web; the group of core kinds is empty, as :ConfigMap:settings`,
    );
  const [, not, group = '', kind = '', namespace, name = ''] = match;
  return {
    group,
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(not === '!' ? { exclude: true } : {}),
  };
}

function approval(
  application: Manifest,
  approve: string | true,
  { clock }: CommandPorts,
): SyncWish['approves'] {
  return { plan: planToApprove(application, approve), atMs: clock.now() };
}

/** A wish that nobody took up is withdrawn: carried out hours later it would surprise. */
async function untilAnswered(
  cluster: Cluster,
  ref: ObjectRef,
  before: Manifest,
  timeoutMs: number,
  ports: CommandPorts,
): Promise<Manifest> {
  try {
    return await waitUntil({ cluster, ref, plural }, timeoutMs, ports, isAnswered(before));
  } catch (error) {
    const now = await cluster.read(ref);
    const isTaken = !now.ok || now.value?.['operation'] === undefined;
    if (!(error instanceof CommandEnd) || isTaken || standingOf(now.value).phase === 'Running') throw error;
    await cluster.mergePatch(ref, {
      metadata: { resourceVersion: String(now.value.metadata['resourceVersion']) },
      operation: null,
    });
    throw new CommandEnd(
      exitCodes.unhealthy,
      `${ref.name}: nobody took up the sync within ${timeoutMs / 1000} s, so it is withdrawn; does trueup start run for namespace ${ref.namespace}?`,
    );
  }
}

function isAnswered(before: Manifest): (now: Manifest) => boolean {
  const startedBefore =
    textAt(before, 'status', 'operationState', 'startedAt') +
    textAt(before, 'status', 'operationState', 'finishedAt');
  return (now) => {
    const { phase } = standingOf(now);
    if (now['operation'] !== undefined || phase === 'Running' || phase === '') return false;
    const started =
      textAt(now, 'status', 'operationState', 'startedAt') +
      textAt(now, 'status', 'operationState', 'finishedAt');
    return (
      started !== startedBefore || now.metadata['resourceVersion'] !== before.metadata['resourceVersion']
    );
  };
}

export interface WaitOptions extends ClusterOptions {
  readonly sync?: boolean;
  readonly health?: boolean;
  readonly operation?: boolean;
  readonly timeoutMs: number;
}

/** Without a flag: synced, healthy, and no operation. */
export async function appWait(name: string, options: WaitOptions, ports: CommandPorts): Promise<void> {
  const cluster = orEnd(await ports.cluster(options));
  const ref = applicationRef(name, options.namespace);
  const all = options.sync !== true && options.health !== true && options.operation !== true;
  await readApplication(cluster, ref);
  const after = await waitUntil({ cluster, ref, plural }, options.timeoutMs, ports, (now) => {
    const { sync, health, phase } = standingOf(now);
    if ((all || options.sync === true) && sync !== 'Synced') return false;
    if ((all || options.health === true) && health !== 'Healthy') return false;
    return now['operation'] === undefined && phase !== 'Running';
  });
  const { sync, health } = standingOf(after);
  ports.out(`${name}: ${sync}, ${health}\n`);
}
