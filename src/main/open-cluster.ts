/** Opens the Kubernetes API: in this thread for commands, in a worker thread for the engine. */
import { readFileSync } from 'node:fs';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { defaultInstanceLabel, installationAnnotation, trackingAnnotation } from '#dialects/argo/settings.ts';
import { fieldManager } from '#dialects/argo/compile.ts';
import { fluxManager, ownerNameLabel, ownerNamespaceLabel } from '#dialects/flux/names.ts';
import { createSealer } from '#fields/digest.ts';
import { createLens } from '#fields/lens.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import type { LogLevel } from '#host/log.ts';
import { systemRandom } from '#host/random.ts';
import { inClusterAccess, type Access } from '#kube/access.ts';
import { openCluster } from '#kube/cluster.ts';
import { readKubeconfig } from '#kube/kubeconfig.ts';
import { connectCluster } from '#kube/remote.ts';
import type { Result } from '#model/failure.ts';
import type { Cluster, Log, Meter } from '#model/ports.ts';
import { judgeHealth } from '#pipeline/health/health.ts';
import { ScriptedHealth } from '#pipeline/health/scripted.ts';
import { runMark } from '#pipeline/plan/hook-run.ts';
import { openInterpreter } from '#pipeline/scripts/interpreter.ts';
import { replay, type MeterEntry } from './buffered-meter.ts';
import { customizedCluster } from './customized-cluster.ts';

export interface ClusterSettings {
  readonly access: Access;
  /** Under which Secrets' values are digested; without one, digests of Secrets hold for this process only. */
  readonly key?: Uint8Array;
  /** The label that `argocd-cm` names besides the usual one. */
  readonly instanceLabel?: string;
  /** As which the API server knows us, in its audit log too. */
  readonly userAgent?: string;
  /** What a request may take, retries included. */
  readonly deadlineMs?: number;
  /** The control plane's, with `argocd-cm`: what it says of health holds. */
  readonly namespace: string;
}

const keyBytes = 32;

export const clusterId = 'in-cluster';
const readText = (path: string): string => readFileSync(path, 'utf8');

/** The access that the options and the environment ask for: a kubeconfig, or the pod's own. */
export function accessFrom(
  options: { readonly kubeconfig?: string; readonly context?: string },
  env: Readonly<Record<string, string | undefined>>,
): Result<Access> {
  if (options.kubeconfig === undefined && env['KUBERNETES_SERVICE_HOST'] !== undefined) {
    return inClusterAccess(
      {
        KUBERNETES_SERVICE_HOST: env['KUBERNETES_SERVICE_HOST'],
        ...(env['KUBERNETES_SERVICE_PORT'] === undefined
          ? {}
          : { KUBERNETES_SERVICE_PORT: env['KUBERNETES_SERVICE_PORT'] }),
      },
      readText,
    );
  }
  const fromEnv = env['KUBECONFIG']?.split(':').find((part) => part !== '');
  const path = options.kubeconfig ?? fromEnv ?? `${env['HOME'] ?? ''}/.kube/config`;
  return readKubeconfig(path, readText, options.context);
}

export function openDirectCluster(settings: ClusterSettings, log: Log, meter: Meter): Cluster {
  const interpreter = openInterpreter();
  const scripted = new ScriptedHealth({ interpreter, clock: systemClock, timers: systemTimers });
  const lens = createLens({
    managers: [fieldManager, fluxManager],
    sealer: createSealer(settings.key ?? systemRandom.bytes(keyBytes)),
    trackingKeys: [
      ...new Set([
        trackingAnnotation,
        installationAnnotation,
        defaultInstanceLabel,
        settings.instanceLabel ?? defaultInstanceLabel,
        ownerNamespaceLabel,
        ownerNameLabel,
        runMark,
      ]),
    ],
    health: (manifest) => judgeHealth(manifest, (object) => scripted.judge(object)).health,
    onOther: (listener) => scripted.onOther(listener),
  });
  const cluster = openCluster({
    id: clusterId,
    access: settings.access,
    lens,
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    log,
    meter,
    readFile: readText,
    options: {
      transport: {
        ...(settings.userAgent === undefined ? {} : { userAgent: settings.userAgent }),
        ...(settings.deadlineMs === undefined ? {} : { deadlineMs: settings.deadlineMs }),
      },
    },
  });
  return customizedCluster(
    {
      ...cluster,
      close: async () => {
        scripted.close();
        await Promise.all([cluster.close(), interpreter.close()]);
      },
    },
    scripted,
    settings.namespace,
    log,
  );
}

/** What the worker thread is started with. */
export interface WorkerSettings extends ClusterSettings {
  readonly port: MessagePort;
  readonly metrics: MessagePort;
  readonly logLevel: LogLevel;
}

export interface WorkerCluster {
  readonly cluster: Cluster;
  /** Called when the thread ends by itself, which is a bug or a lack of memory. */
  onEnd(listener: (why: string) => void): void;
  close(): Promise<void>;
}

export function openWorkerCluster(
  settings: ClusterSettings,
  logLevel: LogLevel,
  meter: Meter,
): WorkerCluster {
  const calls = new MessageChannel();
  const metrics = new MessageChannel();
  const workerData: WorkerSettings = { ...settings, logLevel, port: calls.port1, metrics: metrics.port1 };
  const worker = new Worker(new URL('./cluster-worker.ts', import.meta.url), {
    workerData,
    transferList: [calls.port1, metrics.port1],
  });
  let closing = false;
  metrics.port2.on('message', (entries: readonly MeterEntry[]) => replay(entries, meter));
  return {
    cluster: connectCluster(calls.port2, clusterId),
    onEnd: (listener) => {
      worker.on('error', (error) => listener(String(error)));
      worker.on('exit', (code) => {
        if (!closing) listener(`it exited with ${code}`);
      });
    },
    close: async () => {
      closing = true;
      metrics.port2.close();
      await worker.terminate();
    },
  };
}
