/** `trueup start`: wires the parts together and runs until a signal. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { applicationKind, argoDialect } from '#dialects/argo/application.ts';
import { argoOverriding } from '#dialects/argo/source-overrides.ts';
import { ClusterViews } from '#engine/cluster-views.ts';
import { fluxDialect } from '#dialects/flux/kustomization.ts';
import { Engine } from '#engine/engine.ts';
import { EventWriter } from '#engine/event-writer.ts';
import { observers } from '#engine/observer.ts';
import { createSealer } from '#fields/digest.ts';
import { meansHosted } from '#git/hosted-address.ts';
import { gitVersion, openRepositories } from '#git/repositories.ts';
import type { Mirror } from '#git/url.ts';
import { ApiAccess } from '#host/api-access.ts';
import { addressesOf } from '#host/addresses.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { signing } from '#host/app-token.ts';
import { childEnvironment } from '#host/environment.ts';
import { openLog, terminalSink, type LogLevel } from '#host/log.ts';
import { Metrics, silentMeter } from '#host/metrics.ts';
import { openProcesses } from '#host/processes.ts';
import { systemRandom } from '#host/random.ts';
import { RecordStore } from '#host/record-store.ts';
import { DiskRenderStore } from '#host/render-store.ts';
import { onStopSignal } from '#host/signals.ts';
import { listen } from '#http/server.ts';
import { applicationSamples, conditionSamples, unitObserver } from '#http/unit-metrics.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { Log } from '#model/ports.ts';
import { openArchives } from '#registries/archives.ts';
import { openInstallationTokens } from '#registries/github-app.ts';
import { keepingRenderer } from '#pipeline/render/keeping.ts';
import { createRenderer } from '#pipeline/render/renderer.ts';
import { openPathCutter } from '#pipeline/scripts/path-cutter.ts';
import {
  apiSecrets,
  checkKinds,
  checkNamespace,
  digestKey,
  startSettings,
  webhookSecret,
} from './installation.ts';
import { certificatesIn, tokenIn } from './local-identity.ts';
import { openLocalCluster, type LocalCluster, type LocalParts } from './local-cluster.ts';
import { accessFrom, openDirectCluster, openWorkerCluster, type ClusterSettings } from './open-cluster.ts';
import { checkLeases, openLeases, replicaId } from './replica.ts';
import { allReady } from './readiness.ts';
import { renderedManifests } from './rendered-manifests.ts';
import { recordsFile } from './report-source.ts';
import { thingsToTry } from './things-to-try.ts';

export interface StartOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly dataDir: string;
  readonly port: number;
  readonly mirror: readonly Mirror[];
  readonly namespace: string;
  /** Else what `argocd-cm` says, else every half minute. */
  readonly pollMs?: number;
  readonly logLevel: LogLevel;
  /** HTTPS, under the authority `ca.crt` of the data directory. */
  readonly tls?: boolean;
  /** Globs of the namespaces whose Flux resources are reconciled; absent: all. */
  readonly fluxNamespaces?: readonly string[];
  /** Flux's resources may refer to sources in other namespaces. */
  readonly crossNamespaceRefs?: boolean;
  /** One of several that share the work. */
  readonly replicated?: boolean;
  /** Of the user's own, for the embedded cluster, with the directory and the ref in it. */
  readonly repo?: string;
  readonly path?: string;
  readonly ref?: string;
}
export interface Environment {
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (line: string) => void;
}

const renderDeadlineMs = 30_000;
const renderWorkers = 2;
const turnsSideBySide = 16;
const pollDefaultMs = 30_000;

/** Resolves when it was told to stop; a Failure is why it could not start. */
export async function start(
  options: StartOptions,
  { env, print, version }: Environment,
): Promise<Result<undefined>> {
  const log = process.stderr.isTTY
    ? openLog(
        options.logLevel,
        terminalSink((text) => void process.stderr.write(text)),
      )
    : openLog(options.logLevel);
  const metrics = new Metrics();
  metrics.watchProcess();
  const tools = await prepareTools(options, env);
  if (!tools.ok) return tools;
  const { environment, processes } = tools.value;
  const say = (line: string): void => print(`  ${line}`);
  const opened = await openLocal(options, { env, processes, environment, log, meter: metrics, say });
  if (!opened.ok) return opened;
  const local = opened.value;
  const kubeconfig = local?.kubeconfig ?? options.kubeconfig;
  const named = kubeconfig === undefined ? options : { ...options, kubeconfig };
  const prepared = await prepare(named, env, log);
  if (!prepared.ok) {
    await local?.close();
    return prepared;
  }
  const id = options.replicated === true ? replicaId() : undefined;
  const settings = { ...prepared.value.settings, ...(id === undefined ? {} : { userAgent: `trueup/${id}` }) };
  const leases = id === undefined ? undefined : openLeases(settings, log, metrics);
  const worker = openWorkerCluster(settings, options.logLevel, metrics);
  const { cluster } = worker;
  const outside = {
    clock: systemClock,
    timers: systemTimers,
    meter: metrics,
    lookup: addressesOf,
    environment,
  };
  const repositories = openRepositories({
    archives: openArchives({
      ...outside,
      secrets: (ref) => engine.secret(ref),
      mirrors: options.mirror,
    }),
    installationTokens: openInstallationTokens({ ...outside, sign: signing(systemClock) }),
    dir: path.join(path.resolve(options.dataDir), 'git'),
    processes,
    clock: systemClock,
    timers: systemTimers,
    log,
    meter: metrics,
    secrets: (ref) => engine.secret(ref),
    mirrors: [...options.mirror, ...(local?.mirrors ?? [])],
    environment,
    lookup: addressesOf,
  });
  const renderStore = new DiskRenderStore({
    dir: path.join(path.resolve(options.dataDir), 'rendered'),
    key: settings.key,
    clock: systemClock,
    log,
    meter: metrics,
  });
  const renderer = createRenderer({
    workers: renderWorkers,
    deadlineMs: renderDeadlineMs,
    timers: systemTimers,
    meter: metrics,
  });
  const dataDir = path.resolve(options.dataDir);
  const records = new RecordStore({ file: recordsFile(dataDir), clock: systemClock, log });
  const sealer = createSealer(settings.key);
  const cutter = openPathCutter(outside);
  const keeping = keepingRenderer(renderer, renderStore, metrics);
  const dialects = [
    argoDialect(options.namespace),
    fluxDialect({
      namespaces: options.fluxNamespaces ?? ['*'],
      allowsOtherNamespaces: options.crossNamespaceRefs ?? false,
    }),
  ];
  const engine: Engine = new Engine(
    {
      cluster,
      repositories,
      renderer: keeping,
      sealer,
      cutter,
      overriding: argoOverriding,
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      log,
      meter: metrics,
      records,
    },
    {
      dialects,
      pollMs: prepared.value.pollMs,
      concurrency: turnsSideBySide,
      observer: observers(
        unitObserver(metrics),
        new EventWriter(
          { cluster, clock: systemClock, random: systemRandom },
          dialects.flatMap((dialect) => [dialect, ...dialect.sources]),
        ),
      ),
      ...(id === undefined || leases === undefined
        ? {}
        : { replica: { id, namespace: options.namespace, cluster: leases } }),
    },
  );
  metrics.gauge('trueup_units', 'Units that are reconciled.', () => engine.counts.units);
  metrics.gauge(
    'trueup_replicas',
    'Replicas that share the Units; 0: it is alone.',
    () => engine.members.length,
  );
  metrics.gauge(
    'trueup_units_looked_at',
    'Units that were looked at since the start.',
    () => engine.counts.looked,
  );
  metrics.gauge('trueup_render_store_bytes', 'What is kept of rendered output.', () => renderStore.bytes);
  metrics.gauge('workqueue_depth', 'Units that wait for their turn.', () => engine.counts.queued);
  metrics.family('argocd_app_info', () =>
    applicationSamples(engine.declared(applicationKind).filter((resource) => engine.isOwn(resource))),
  );
  metrics.family('gotk_reconcile_condition', () =>
    conditionSamples(engine.followed().filter((resource) => engine.isOwn(resource))),
  );
  const access = new ApiAccess({
    clock: systemClock,
    token: tokenIn(dataDir),
    key: settings.key,
    secrets: () => apiSecrets(cluster, options.namespace),
  });
  // What somebody only looks at makes no Unit look again.
  const views = new ClusterViews({ cluster, sealer, timers: systemTimers }, () => undefined);
  const scheme = options.tls === true ? 'https' : 'http';
  let { port } = options;
  const listening = await listen({
    port: options.port,
    clock: systemClock,
    log,
    hint: (isMeant) => engine.hint(isMeant),
    webhookSecret: () => webhookSecret(cluster, options.namespace),
    notReady: () => (engine.isReady ? undefined : 'the resources are being listed'),
    standing: () => shareText(id, engine),
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    applications: () => cluster.list(applicationKind, options.namespace),
    meter: metrics,
    ...(options.tls === true ? { tls: certificatesIn(dataDir) } : {}),
    api: {
      version,
      cluster,
      timers: systemTimers,
      namespace: options.namespace,
      declared: (kind) => engine.declared(kind),
      known: (key) => engine.known(key),
      records,
      states: () => engine.states(),
      manifests: renderedManifests({
        repositories,
        overriding: argoOverriding,
        renderer,
        keeping,
        view: (unit) => views.view(unit),
      }),
      who: (bearer) => access.who(bearer),
      login: (username, password) => access.login(username, password),
    },
    ...(local === undefined
      ? {}
      : {
          git: {
            repositories: local.repositories,
            onPush: (name) => void engine.hint((url) => meansHosted(url, name, port)),
          },
        }),
  });
  const close = async (): Promise<void> => {
    await engine.stop();
    records.close();
    views.stop();
    await Promise.all([
      repositories.close(),
      renderer.close(),
      worker.close(),
      cutter.close(),
      leases?.close(),
    ]);
    await local?.close();
  };
  if (!listening.ok) {
    await close();
    return listening;
  }
  const ended = new Promise<Result<undefined>>((resolve) => {
    onStopSignal((signal) => {
      log.info({ signal }, 'stopping: what runs is finished first');
      // A Git server that does not answer must not hold the end: it is asked again at the next start.
      processes.close();
      resolve(ok(undefined));
    });
    for (const thread of [worker, local]) thread?.onEnd((why) => resolve(fail(workerGone(why))));
  });
  ({ port } = listening.value);
  print(`Trueup listens on ${scheme}://127.0.0.1:${port} and reads ${settings.access.server}`);
  const untilEnd = async (): Promise<Result<undefined>> => {
    await engine.start();
    if (local !== undefined) await allReady(cluster, options.namespace, say);
    print(`Trueup is ready: ${scheme}://127.0.0.1:${port}`);
    if (local !== undefined) print(thingsToTry({ ...options, scheme, port, kubeconfig: local.kubeconfig }));
    return ended;
  };
  const result = await Promise.race([ended, untilEnd()]);
  await listening.value.close();
  await close();
  return result;
}

/** For who asks whether it is ready: what of the work is its own. */
function shareText(id: string | undefined, { members, counts }: Engine): string {
  return id === undefined
    ? ''
    : `; replica ${id}, one of ${members.length}, looks after ${counts.units} Units`;
}

interface Tools {
  readonly processes: ReturnType<typeof openProcesses>;
  readonly environment: Readonly<Record<string, string>>;
}
interface Prepared {
  readonly settings: ClusterSettings & Required<Pick<ClusterSettings, 'key' | 'instanceLabel'>>;
  readonly pollMs: number;
}

/** Everything that can be wrong with the surroundings is found here, each with its own line. */
async function prepareTools(options: StartOptions, env: Environment['env']): Promise<Result<Tools>> {
  const writable = prepareDataDir(options.dataDir);
  if (!writable.ok) return writable;
  const processes = openProcesses(systemTimers);
  const environment = childEnvironment(env);
  const git = await gitVersion(processes, environment);
  return git.ok ? ok({ processes, environment }) : git;
}

/** Where no cluster is named, one of our own; a kubeconfig of the user's is never taken without being asked for. */
async function openLocal(
  options: StartOptions,
  parts: Omit<LocalParts, keyof StartOptions> & Pick<Environment, 'env'>,
): Promise<Result<LocalCluster | undefined>> {
  const { repo, kubeconfig, context } = options;
  if (kubeconfig === undefined && context === undefined && parts.env['KUBERNETES_SERVICE_HOST'] === undefined)
    return openLocalCluster({
      ...parts,
      ...options,
      ...(repo === undefined
        ? {}
        : { own: { url: repo, path: options.path ?? '.', ref: options.ref ?? 'HEAD' } }),
    });
  return repo === undefined ? ok(undefined) : fail(repoElsewhere);
}

async function prepare(options: StartOptions, env: Environment['env'], log: Log): Promise<Result<Prepared>> {
  const access = accessFrom(options, env);
  if (!access.ok) return access;
  const cluster = openDirectCluster({ access: access.value, namespace: options.namespace }, log, silentMeter);
  try {
    const kinds = await checkKinds(cluster, options.kubeconfig);
    if (!kinds.ok) return kinds;
    const namespace = await checkNamespace(cluster, options.namespace);
    if (!namespace.ok) return namespace;
    const leases =
      options.replicated === true ? await checkLeases(cluster, options.namespace) : ok(undefined);
    if (!leases.ok) return leases;
    const key = await digestKey(cluster, options.namespace, true);
    if (!key.ok) return key;
    const said = await startSettings(cluster, options.namespace);
    if (!said.ok) return said;
    const settings = {
      access: access.value,
      key: key.value,
      instanceLabel: said.value.instanceLabel,
      namespace: options.namespace,
    };
    return ok({ settings, pollMs: options.pollMs ?? said.value.pollMs ?? pollDefaultMs });
  } finally {
    await cluster.close();
  }
}

const repoElsewhere: Failure = {
  kind: 'terminal',
  code: 'RepoElsewhere',
  stage: 'observe',
  message: '--repo is for the cluster that Trueup brings, and another one is named',
  hint: 'leave --kubeconfig and --context out, or create an Application in that cluster',
};

function prepareDataDir(dataDir: string): Result<undefined> {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.W_OK | constants.X_OK);
    return ok(undefined);
  } catch (error) {
    return fail({
      kind: 'terminal',
      code: 'DataDirUnwritable',
      stage: 'record',
      message: `the data directory ${dataDir} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'name another with --data-dir, or change its permissions',
    });
  }
}

function workerGone(why: string): Failure {
  return {
    kind: 'transient',
    code: 'WorkerGone',
    stage: 'observe',
    message: `the thread that watches the cluster ended: ${why}`,
    hint: 'start again; if it repeats, report it with the log',
  };
}
