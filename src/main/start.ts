/** `trueup start`: wires the parts together and runs until a signal. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { argoDialect } from '#dialects/argo/application.ts';
import { Engine } from '#engine/engine.ts';
import { createSealer } from '#fields/digest.ts';
import { gitVersion, openRepositories } from '#git/repositories.ts';
import type { Mirror } from '#git/url.ts';
import { addressesOf } from '#host/addresses.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { childEnvironment } from '#host/environment.ts';
import { openLog, terminalSink, type LogLevel } from '#host/log.ts';
import { Metrics } from '#host/metrics.ts';
import { openProcesses } from '#host/processes.ts';
import { systemRandom } from '#host/random.ts';
import { DiskRenderStore } from '#host/render-store.ts';
import { onStopSignal } from '#host/signals.ts';
import { listen } from '#http/server.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { Log } from '#model/ports.ts';
import { keepingRenderer } from '#pipeline/render/keeping.ts';
import { createRenderer } from '#pipeline/render/renderer.ts';
import { checkKinds, checkNamespace, digestKey, startSettings, webhookSecret } from './installation.ts';
import { accessFrom, openDirectCluster, openWorkerCluster, type ClusterSettings } from './open-cluster.ts';

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
}
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (line: string) => void;
}

const renderDeadlineMs = 30_000;
const renderWorkers = 2;
const turnsSideBySide = 16;
const pollDefaultMs = 30_000;

/** Resolves when it was told to stop; a Failure is why it could not start. */
export async function start(options: StartOptions, { env, print }: Environment): Promise<Result<undefined>> {
  const log = process.stderr.isTTY
    ? openLog(
        options.logLevel,
        terminalSink((text) => void process.stderr.write(text)),
      )
    : openLog(options.logLevel);
  const prepared = await prepare(options, env, log);
  if (!prepared.ok) return prepared;
  const { settings, environment, processes } = prepared.value;
  const metrics = new Metrics();
  metrics.watchProcess();
  const worker = openWorkerCluster(settings, options.logLevel, metrics);
  const { cluster } = worker;
  const repositories = openRepositories({
    dir: path.join(path.resolve(options.dataDir), 'git'),
    processes,
    clock: systemClock,
    timers: systemTimers,
    log,
    meter: metrics,
    secrets: (ref) => engine.secret(ref),
    mirrors: options.mirror,
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
  const engine: Engine = new Engine(
    {
      cluster,
      repositories,
      renderer: keepingRenderer(renderer, renderStore, metrics),
      sealer: createSealer(settings.key),
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      log,
      meter: metrics,
    },
    {
      dialects: [argoDialect(options.namespace)],
      pollMs: prepared.value.pollMs,
      concurrency: turnsSideBySide,
    },
  );
  metrics.gauge('trueup_units', 'Units that are reconciled.', () => engine.counts.units);
  metrics.gauge(
    'trueup_units_looked_at',
    'Units that were looked at since the start.',
    () => engine.counts.looked,
  );
  metrics.gauge('trueup_render_store_bytes', 'What is kept of rendered output.', () => renderStore.bytes);
  metrics.gauge('workqueue_depth', 'Units that wait for their turn.', () => engine.counts.queued);
  const listening = await listen({
    port: options.port,
    clock: systemClock,
    log,
    hint: (isMeant) => engine.hint(isMeant),
    webhookSecret: () => webhookSecret(cluster, options.namespace),
    notReady: () => (engine.isReady ? undefined : 'the resources are being listed'),
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
  });
  const close = async (): Promise<void> => {
    await engine.stop();
    await Promise.all([repositories.close(), renderer.close(), worker.close()]);
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
    worker.onEnd((why) => resolve(fail(workerGone(why))));
  });
  print(`Trueup listens on http://127.0.0.1:${listening.value.port} and reads ${settings.access.server}`);
  const untilEnd = async (): Promise<Result<undefined>> => {
    await engine.start();
    print(`Trueup is ready: http://127.0.0.1:${listening.value.port}`);
    return ended;
  };
  const result = await Promise.race([ended, untilEnd()]);
  await listening.value.close();
  await close();
  return result;
}

interface Prepared {
  readonly settings: Required<ClusterSettings>;
  readonly processes: ReturnType<typeof openProcesses>;
  readonly environment: Readonly<Record<string, string>>;
  readonly pollMs: number;
}

/** Everything that can be wrong with the surroundings is found here, each with its own line. */
async function prepare(options: StartOptions, env: Environment['env'], log: Log): Promise<Result<Prepared>> {
  const writable = prepareDataDir(options.dataDir);
  if (!writable.ok) return writable;
  if (options.kubeconfig === undefined && env['KUBERNETES_SERVICE_HOST'] === undefined)
    return fail(noCluster);
  const access = accessFrom(options, env);
  if (!access.ok) return access;
  const processes = openProcesses(systemTimers);
  const environment = childEnvironment(env);
  const git = await gitVersion(processes, environment);
  if (!git.ok) return git;
  const idle = { count: () => undefined, observe: () => undefined };
  const cluster = openDirectCluster({ access: access.value }, log, idle);
  try {
    const kinds = await checkKinds(cluster, options.kubeconfig);
    if (!kinds.ok) return kinds;
    const namespace = await checkNamespace(cluster, options.namespace);
    if (!namespace.ok) return namespace;
    const key = await digestKey(cluster, options.namespace, true);
    if (!key.ok) return key;
    const said = await startSettings(cluster, options.namespace);
    if (!said.ok) return said;
    const settings = { access: access.value, key: key.value, instanceLabel: said.value.instanceLabel };
    const pollMs = options.pollMs ?? said.value.pollMs ?? pollDefaultMs;
    return ok({ settings, processes, environment, pollMs });
  } finally {
    await cluster.close();
  }
}

const noCluster: Failure = {
  kind: 'terminal',
  code: 'NoCluster',
  stage: 'observe',
  message: 'no cluster is named',
  hint: 'name one: npm start -- --kubeconfig FILE [--context NAME]',
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
