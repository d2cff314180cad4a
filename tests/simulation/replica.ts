/** One replica: the real engine over the real client, wired as `trueup start` wires them, on what it has of the world. */
import { argoDialect } from '#dialects/argo/application.ts';
import { argoOverriding } from '#dialects/argo/source-overrides.ts';
import { fieldManager } from '#dialects/argo/compile.ts';
import { defaultInstanceLabel, trackingAnnotation } from '#dialects/argo/settings.ts';
import { fluxDialect } from '#dialects/flux/kustomization.ts';
import { fluxManager, ownerNameLabel, ownerNamespaceLabel } from '#dialects/flux/names.ts';
import { Engine } from '#engine/engine.ts';
import { renewMs } from '#engine/members.ts';
import { createSealer } from '#fields/digest.ts';
import { createLens } from '#fields/lens.ts';
import { openCluster, type ClusterOptions } from '#kube/cluster.ts';
import { jsonText, type JsonObject } from '#model/json.ts';
import type { Failure } from '#model/failure.ts';
import type { Cluster, Log, Meter } from '#model/ports.ts';
import type { DeploymentRecord } from '#model/record.ts';
import { healthOf } from '#pipeline/health/health.ts';
import { runMark } from '#pipeline/plan/hook-run.ts';
import { keepingRenderer } from '#pipeline/render/keeping.ts';
import { rendererOn } from '#pipeline/render/renderer.ts';
import { promptCutter } from '../fakes/path-cutter.ts';
import { MemoryRecords } from '../fakes/records.ts';
import { loadRenderer, sandboxOf } from './render-model.ts';
import type { FaultGate } from './faults.ts';
import { Clones, type GitServer } from './git-model.ts';
import type { SeededRandom } from './random.ts';
import type { Process, Scheduler } from './scheduler.ts';
import type { Phase } from './steps.ts';
import { Disk } from './store.ts';
import { stepwise } from './stored-records.ts';
import { SimulatedWire, type WireParts } from './transport.ts';

export const controlNamespace = 'argocd';
export const pollMs = 30_000;

export interface ReplicaParts {
  readonly name: string;
  /** One of several that share the work. */
  readonly isShared: boolean;
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  readonly faults: FaultGate;
  readonly servers: ReadonlyMap<string, GitServer>;
  /** So many objects it asks for at a time. */
  readonly pageSize: number;
  readonly lagFactor: number;
  readonly handle: (
    replica: Replica,
    who: string,
    ...asked: Parameters<WireParts['handle']>
  ) => Promise<Response>;
  readonly sent: (replica: Replica, ...asked: Parameters<WireParts['sent']>) => void;
  readonly told: (who: string, ...heard: Parameters<WireParts['told']>) => void;
  readonly isRunning: () => boolean;
  readonly token: () => string;
  readonly trace: (who: string, what: string) => void;
  readonly logged: (level: keyof Log, text: string) => void;
  readonly openProcess: (name: string) => Process;
  /** How long until a process that died is started again. */
  readonly restartMs: () => number;
}

const sealer = createSealer(new Uint8Array(32).fill(7));
const lens = createLens({
  managers: [fieldManager, fluxManager],
  sealer,
  trackingKeys: [trackingAnnotation, defaultInstanceLabel, ownerNamespaceLabel, ownerNameLabel, runMark],
  health: healthOf,
});
const simulatedAccess = {
  server: 'https://simulated',
  origin: 'the simulation',
  insecure: false,
  tokenFile: 'token',
} as const;
const renderer = await loadRenderer();

export class Replica {
  readonly name: string;
  readonly #parts: ReplicaParts;
  readonly #clones: Clones;
  readonly #disk = new Disk();
  /** What was ever counted or observed: each metric with its labels. */
  readonly metered = new Set<string>();
  readonly #meter: Meter = {
    count: (name, labels = {}) => void this.metered.add(`${name} ${JSON.stringify(labels)}`),
    observe: (name, _, labels = {}) => void this.metered.add(`${name} ${JSON.stringify(labels)}`),
  };
  readonly records = new MemoryRecords();
  /** What was in them when their disk was lost. */
  readonly lostRecords: DeploymentRecord[] = [];
  /** Since when its records cannot be written. */
  failingSinceMs: number | undefined;
  #running:
    | { readonly process: Process; readonly wires: readonly SimulatedWire[]; readonly engine: Engine }
    | undefined;
  starts = 0;
  /** How much further away the API server is than usual. */
  lagFactor: number;
  /** What it asks for does not arrive: anything, or only what keeps its Lease. */
  outage: 'all' | 'leases' | undefined;

  constructor(parts: ReplicaParts) {
    this.name = parts.name;
    this.lagFactor = parts.lagFactor;
    this.#parts = parts;
    this.#clones = new Clones(parts.servers);
  }

  get engine(): Engine | undefined {
    return this.#running?.engine;
  }
  get process(): Process | undefined {
    return this.#running?.process;
  }
  get watches(): number {
    return (this.#running?.wires ?? []).reduce((sum, { watches }) => sum + watches, 0);
  }

  start(): void {
    const { scheduler, faults, trace } = this.#parts;
    this.starts += 1;
    const who = this.starts === 1 ? this.name : `${this.name}.${this.starts}`;
    const process = this.#parts.openProcess(who);
    const random = this.#parts.random.fork(who);
    const io = {
      process,
      scheduler,
      faults,
      random: random.fork('io'),
      phase: (): Phase =>
        this.engine?.isReady === true ? (this.#parts.isRunning() ? 'run' : 'quiet') : 'start',
      trace: (what: string) => trace(who, what),
      crash: () => this.crash(),
    };
    const log = this.#log(who);
    const ports = { clock: process, timers: process, random, log, meter: this.#meter };
    const wires: SimulatedWire[] = [];
    const connect = (options: ClusterOptions = {}): Cluster => {
      const wire = new SimulatedWire({
        ...io,
        lagFactor: () => this.lagFactor,
        handle: (...asked) => this.#parts.handle(this, who, ...asked),
        sent: (...asked) => this.#parts.sent(this, ...asked),
        told: (...heard) => this.#parts.told(who, ...heard),
        isCutOff: (asked) =>
          this.outage === 'all' || (this.outage === 'leases' && asked.resource === 'leases'),
      });
      wires.push(wire);
      const access = { ...simulatedAccess, user: this.name };
      return openCluster({
        ...ports,
        id: 'in-cluster',
        access,
        lens,
        readFile: () => this.#parts.token(),
        wire,
        options: { ...options, reflector: { pageSize: this.#parts.pageSize } },
      });
    };
    const engine = new Engine(
      {
        ...ports,
        cluster: connect(),
        repositories: this.#clones.repositories(io),
        records: stepwise(this.records, io, () => this.#loseRecords()),
        renderer: keepingRenderer(rendererOn(sandboxOf(renderer, io)), this.#disk.store(io), this.#meter),
        sealer,
        cutter: promptCutter,
        overriding: argoOverriding,
      },
      {
        dialects: [
          argoDialect(controlNamespace),
          fluxDialect({ namespaces: ['*'], allowsOtherNamespaces: false }),
        ],
        pollMs,
        concurrency: 16,
        ...(this.#parts.isShared
          ? {
              replica: {
                id: who,
                namespace: controlNamespace,
                cluster: connect({ transport: { deadlineMs: renewMs } }),
              },
            }
          : {}),
      },
    );
    this.#running = { process, wires, engine };
    trace(who, 'starts');
    engine.start().catch((error: unknown) => log.error({}, `start failed: ${String(error)}`));
  }

  /** For a while nothing goes to the API server, and nothing comes: what is open is dead, and nobody says so. */
  cutOff(of: 'all' | 'leases'): void {
    this.outage = of;
    if (of === 'all') for (const wire of this.#running?.wires ?? []) wire.hang();
  }

  /** The API server ends what is watched of a kind, as it does where its definition has changed. */
  endWatches(resource: string): void {
    for (const wire of this.#running?.wires ?? []) wire.cut(resource);
  }

  failRecords(failure: Failure | undefined): void {
    this.records.failure = failure;
    this.failingSinceMs = failure && this.#parts.scheduler.nowMs;
  }

  #loseRecords(): void {
    this.lostRecords.push(...this.records.deployed);
    this.records.lose();
  }

  /** The process is gone from one moment to the next; something starts it again. */
  crash(): void {
    if (this.#running === undefined) return;
    this.#parts.trace(this.#running.process.name, 'crashes');
    this.end();
    this.#parts.scheduler.at(this.#parts.restartMs(), () => {
      if (this.#running === undefined) this.start();
    });
  }

  /** From one moment to the next, for good. */
  end(): void {
    this.#running?.process.end();
    for (const wire of this.#running?.wires ?? []) void wire.close();
    this.#running = undefined;
  }

  #log(who: string): Log {
    const line = (level: keyof Log) => (fields: JsonObject, message: string) => {
      const text = `${message} ${jsonText(fields)}`;
      this.#parts.trace(who, `${level}: ${text}`);
      this.#parts.logged(level, text);
    };
    return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  }
}
