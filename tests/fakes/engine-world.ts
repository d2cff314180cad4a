/** An engine in a world of fakes: a cluster, Git, a clock that the test moves. What a crash leaves is in the cluster. */
import { middling, ManualTime, CountingMeter } from '../../src/kube/manual-time.fixture.ts';
import { stringify } from 'yaml';
import { argoDialect } from '#dialects/argo/application.ts';
import { argoOverriding } from '#dialects/argo/source-overrides.ts';
import { fluxDialect } from '#dialects/flux/kustomization.ts';
import { Engine, type EngineOptions } from '#engine/engine.ts';
import type { Manifest } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Log, Renderer, RenderRequest } from '#model/ports.ts';
import { decodeUnitState, unitStateRef } from '#pipeline/record/unit-state-codec.ts';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import { keepingRenderer } from '#pipeline/render/keeping.ts';
import { rendererOn } from '#pipeline/render/renderer.ts';
import { Rendering } from '#pipeline/render/rendering.ts';
import { loadModule } from '#pipeline/render/wasm-module.ts';
import { keyText } from '#model/object.ts';
import { FakeCluster, isWrite, sealer, type FakeCall, type FakeClient } from './cluster.ts';
import { promptCutter } from './path-cutter.ts';
import { MemoryRecords } from './records.ts';
import { MemoryRenderStore } from './render-store.ts';
import { FakeRepositories, type Files } from './repositories.ts';

const { module, version } = await loadModule(256);
const rendering = new Rendering(module, systemClock, systemRandom);
/** In this thread: what is rendered is there at once, so that a world without work has no work. */
const inThisThread = rendererOn({
  render: (request) => Promise.resolve(rendering.render(request)),
  version: () => Promise.resolve(version),
});

export const repository = 'https://git.example/acme/manifests';
export const applicationKind = 'argoproj.io/Application';

export function configMap(
  name: string,
  data: Readonly<Record<string, string>> = { a: '1' },
  namespace = 'payments',
): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}
/** One file an object, in the directory `app`. */
export function filesOf(objects: readonly Manifest[], directory = 'app'): Files {
  return Object.fromEntries(
    objects.map((object) => [
      `${directory}/${object.kind.toLowerCase()}-${object.metadata.name}.yaml`,
      stringify(object),
    ]),
  );
}

export interface ApplicationStatus {
  readonly sync?: { readonly status: string; readonly revision?: string };
  readonly health?: { readonly status: string; readonly message?: string };
  readonly operationState?: {
    readonly phase: string;
    readonly message: string;
    readonly startedAt?: string;
    readonly finishedAt?: string;
  };
  readonly conditions?: readonly { readonly type: string; readonly message: string }[];
  readonly resources?: readonly {
    readonly name: string;
    readonly status: string;
    readonly requiresPruning?: boolean;
  }[];
  readonly history?: readonly { readonly id: number; readonly revision: string }[];
}

export interface RunningEngine {
  readonly git: FakeRepositories;
  readonly engine: Engine;
  readonly client: FakeClient;
}

export class EngineWorld {
  readonly time = new ManualTime();
  readonly cluster = new FakeCluster(this.time);
  readonly git = new FakeRepositories();
  readonly meter = new CountingMeter();
  readonly errors: string[] = [];
  readonly renderer: Renderer = {
    render: async (...asked) => {
      this.renders += 1;
      const slow = this.slow?.(asked[0]);
      if (slow !== undefined) await slow;
      return inThisThread.render(...asked);
    },
    prepare: () => {
      this.prepared += 1;
    },
  };
  /** What outlives the process on its disk. */
  readonly kept = new MemoryRenderStore();
  readonly records = new MemoryRecords();
  renders = 0;
  /** What a rendering waits for, if it is to last. */
  slow: ((request: RenderRequest) => Promise<void> | undefined) | undefined;
  /** How often it was said that something will be rendered. */
  prepared = 0;
  readonly #options: Partial<EngineOptions>;
  #engine: Engine | undefined;
  #client: FakeClient | undefined;

  constructor(options: Partial<EngineOptions> = {}) {
    this.#options = options;
  }

  get engine(): Engine {
    return this.#engine!;
  }
  get client(): FakeClient {
    return this.#client!;
  }

  /** Starts an engine, as after an installation or a restart, and lets it settle. */
  async start(): Promise<void> {
    await this.join();
  }
  /** Starts one more engine: of a replica of that name, if there are several. */
  async join(id?: string): Promise<RunningEngine> {
    const client = this.cluster.client();
    const git = id === undefined ? this.git : new FakeRepositories(this.git);
    const line = (message: string): void => void this.errors.push(message);
    const log: Log = {
      debug() {},
      info() {},
      warn() {},
      error: (fields, message) => line(`${message} ${String(fields['stack'] ?? '')}`),
    };
    const ports = {
      cluster: client,
      repositories: git,
      renderer: keepingRenderer(this.renderer, this.kept, this.meter),
      sealer,
      cutter: promptCutter,
      overriding: argoOverriding,
      clock: this.time,
      timers: this.time,
      random: middling,
      log,
      meter: this.meter,
      records: this.records,
    };
    const engine = new Engine(ports, {
      dialects: [argoDialect('argocd'), fluxDialect()],
      pollMs: 30_000,
      concurrency: 4,
      ...(id === undefined ? {} : { replica: { id, namespace: 'argocd', cluster: client } }),
      ...this.#options,
    });
    // From its first moment, for what is done while it starts.
    this.#engine = engine;
    this.#client = client;
    const started = engine.start();
    await this.settle();
    if (!client.isCutOff) await started;
    await this.settle();
    return { engine, client, git };
  }
  /** The process is gone from one moment to the next. */
  crash(): void {
    this.cluster.cutOff(this.client);
    void this.#engine?.stop();
  }
  async restart(): Promise<void> {
    this.crash();
    await this.start();
  }

  /** Everything that can happen without the clock has happened. */
  async settle(): Promise<void> {
    const first = this.cluster.calls.length;
    let last = -1;
    for (let still = 0; still < 5;) {
      await new Promise((resolve) => setImmediate(resolve));
      const now = this.cluster.calls.length + this.git.calls.length + this.renders;
      still = now === last ? still + 1 : 0;
      last = now;
      if (this.cluster.calls.length - first > 3000)
        throw new Error('it spins: thousands of calls while no time passes');
    }
  }
  /** Moves the clock in steps, so that what one step starts can end before the next. */
  async advance(byMs: number, stepMs = 1000): Promise<void> {
    for (let left = byMs; left > 0; left -= stepMs) {
      this.time.advance(Math.min(left, stepMs));
      await this.settle();
    }
  }

  application(name = 'web', spec: object = {}, metadata: object = {}): Manifest {
    return {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name, namespace: 'argocd', ...metadata },
      spec: {
        project: 'default',
        source: { repoURL: repository, path: 'app', targetRevision: 'main' },
        destination: { server: 'https://kubernetes.default.svc', namespace: 'payments' },
        syncPolicy: { automated: { prune: true, selfHeal: true } },
        ...spec,
      },
    };
  }
  async create(manifest: Manifest): Promise<void> {
    this.cluster.put(manifest);
    await this.settle();
  }
  async change(name: string, change: (draft: any) => void, manager = 'kubectl'): Promise<void> {
    this.cluster.edit(applicationKind, 'argocd', name, change, manager);
    await this.settle();
  }
  /** Commits these objects, all that there are, and tells Trueup. */
  async push(
    objects: readonly Manifest[],
    options: Parameters<FakeRepositories['push']>[2] = {},
  ): Promise<string> {
    return this.pushFiles({ 'README.md': 'x', ...filesOf(objects) }, options);
  }
  async pushFiles(files: Files, options: Parameters<FakeRepositories['push']>[2] = {}): Promise<string> {
    const commit = this.git.push(repository, files, options);
    await this.hint();
    return commit;
  }
  async hint(): Promise<void> {
    await this.#engine?.hint(() => true);
    await this.settle();
  }
  async sync(name = 'web', sync: object = {}): Promise<void> {
    await this.change(name, (draft) => (draft.operation = { initiatedBy: { username: 'ada' }, sync }));
  }
  async refresh(name = 'web', kind = 'normal'): Promise<void> {
    await this.change(
      name,
      (draft) =>
        (draft.metadata.annotations = { ...draft.metadata.annotations, 'argocd.argoproj.io/refresh': kind }),
    );
  }

  status(name = 'web'): ApplicationStatus {
    return (this.cluster.must(applicationKind, 'argocd', name)['status'] ?? {}) as ApplicationStatus;
  }
  condition(type: string, name = 'web'): string | undefined {
    return this.status(name).conditions?.find((condition) => condition.type === type)?.message;
  }
  state(name = 'web'): UnitState | undefined {
    const application = this.cluster.must(applicationKind, 'argocd', name);
    const owner = {
      group: 'argoproj.io',
      version: 'v1alpha1',
      kind: 'Application',
      namespace: 'argocd',
      name,
    };
    const ref = unitStateRef(owner, String(application.metadata['uid']));
    const head = this.cluster.objects.get(keyText(ref));
    return head === undefined
      ? undefined
      : decodeUnitState(head, (shard) => this.cluster.get('trueup.dev/UnitState', 'argocd', shard));
  }
  data(name: string, namespace = 'payments'): unknown {
    return this.cluster.get('ConfigMap', namespace, name)?.['data'];
  }

  get mark(): number {
    return this.cluster.calls.length;
  }
  /** Writes of objects that users own: not status, not our own records. */
  writesSince(mark: number): readonly FakeCall[] {
    return this.cluster
      .since(mark)
      .filter(isWrite)
      .filter(({ key }) => !key.startsWith('trueup.dev/') && !key.startsWith('argoproj.io/'));
  }
}
