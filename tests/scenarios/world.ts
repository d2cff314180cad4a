/**
 * The world of a scenario file: the shared control plane, and of its own a Git server, a control-plane namespace and
 * a running Trueup. Each scenario then takes a place in it: a namespace, a repository and the name of an Application.
 *
 *   const world = useWorld();
 *   it('a push arrives', async () => {
 *     const place = await world.place();
 *     const commit = await place.push({ 'app/settings.yaml': yaml(configMap('settings', { a: '1' })) });
 *     await place.createApplication();
 *     await place.synced(commit);
 *   });
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { startControlPlane } from '../cluster/control-plane.ts';
import type { ControlPlane, ControlPlaneOptions } from '../cluster/control-plane.ts';
import { createWorkTree, startGitServer } from '../git-server/server.ts';
import type { GitServer, WorkTree } from '../git-server/server.ts';
import { markNow, writesSince } from './audit.ts';
import type { Mark, Write } from './audit.ts';
import { openClusterApi } from './cluster-api.ts';
import type { ClusterApi, LiveObject } from './cluster-api.ts';
import type { Manifest } from './manifests.ts';
import { beginTrueup, runToEnd, startTrueup, trueup } from './trueup-process.ts';
import type { Finished, RunningCommand, RunningTrueup } from './trueup-process.ts';
import { waitFor } from './wait-for.ts';

export { waitFor } from './wait-for.ts';

export const applicationKind = 'argoproj.io/v1alpha1/Application';
export const kustomizationKind = 'kustomize.toolkit.fluxcd.io/v1/Kustomization';
export const gitRepositoryKind = 'source.toolkit.fluxcd.io/v1/GitRepository';
export const unitStateKind = 'trueup.dev/v1alpha1/UnitState';
export const refreshAnnotation = 'argocd.argoproj.io/refresh';
export const cascadeFinalizer = 'resources-finalizer.argocd.argoproj.io';

/** Whether the API server's audit log can be read: scenarios that count writes need it. */
export const writesAreCounted = inject('auditLog') !== '';

export interface Condition {
  readonly type: string;
  readonly message: string;
}
export interface Application extends LiveObject {
  readonly status?: {
    readonly sync?: { readonly status?: string; readonly revision?: string };
    readonly health?: { readonly status?: string; readonly message?: string };
    readonly operationState?: {
      readonly phase?: string;
      readonly message?: string;
      readonly startedAt?: string;
      readonly finishedAt?: string;
    };
    readonly conditions?: readonly Condition[];
    readonly resources?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly status?: string;
      readonly requiresPruning?: boolean;
    }[];
    readonly history?: readonly { readonly id: number; readonly revision: string }[];
    readonly [key: string]: unknown;
  };
}

export interface WorldOptions {
  /** Further arguments of `trueup start`; those that need the Git server's address are made from it. */
  readonly arguments?: (gitOrigin: string) => readonly string[];
  /** Who Trueup is to the cluster; an administrator unless given. */
  readonly kubeconfig?: (world: World) => Promise<string>;
  /** Objects in the control-plane namespace from the start. */
  readonly settings?: (controlNamespace: string) => readonly object[];
  /** Instead of one of its own, where a manifest names it. */
  readonly controlNamespace?: string;
  /** Trueup is not started by itself. */
  readonly stopped?: boolean;
  /** A control plane of its own, for a scenario that breaks it. */
  readonly controlPlane?: ControlPlaneOptions;
}

/** Registers the world's beginning and end with the test file that calls it. */
export function useWorld(options: WorldOptions = {}): World {
  const world = new World(options);
  // A control-plane namespace that manifests name has one world at a time.
  beforeAll(() => world.begin(), options.controlNamespace === undefined ? undefined : 600_000);
  afterAll(() => world.end());
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await world.explain(task.name);
  });
  return world;
}

export class World {
  readonly id = randomBytes(3).toString('hex');
  readonly controlNamespace: string;
  kubeconfig = inject('kubeconfig');
  kubectlProgram = inject('kubectl');
  auditLog = inject('auditLog');
  api!: ClusterApi;
  git!: GitServer;
  directory = '';
  #options: WorldOptions;
  #trueup: RunningTrueup | undefined;
  #trueupKubeconfig: string | undefined;
  #controlPlane: ControlPlane | undefined;
  #places: Place[] = [];

  constructor(options: WorldOptions) {
    this.#options = options;
    this.controlNamespace = options.controlNamespace ?? `control-${this.id}`;
  }

  async begin(): Promise<void> {
    this.directory = await mkdtemp(join(tmpdir(), 'trueup-world-'));
    if (this.#options.controlPlane !== undefined) await this.#startControlPlane(this.#options.controlPlane);
    this.api = await openClusterApi(this.kubeconfig);
    const root = join(this.directory, 'git');
    await mkdir(root);
    this.git = await startGitServer({ root });
    const installed = await trueup(['install', '--crds', '--kubeconfig', this.kubeconfig]);
    if (installed.code !== 0) throw new Error(`trueup install --crds: ${installed.stderr}`);
    if (this.#options.controlNamespace !== undefined) await this.#take();
    const namespace = await this.api.get('v1/Namespace', '', this.controlNamespace);
    if (namespace === undefined) await this.createNamespace(this.controlNamespace);
    for (const object of this.#options.settings?.(this.controlNamespace) ?? []) await this.api.create(object);
    if (this.#options.kubeconfig !== undefined) this.#trueupKubeconfig = await this.#options.kubeconfig(this);
    if (this.#options.stopped !== true) await this.start();
  }

  async end(): Promise<void> {
    // What the scenarios leave is never Trueup's to clean up: its Applications go without their objects.
    const code = await this.stop();
    await this.git?.close();
    if (this.#options.controlNamespace !== undefined) await this.#give();
    if (process.env['TRUEUP_TEST_KUBECONFIG'] !== undefined) {
      for (const namespace of [this.controlNamespace, ...this.#places.map((place) => place.namespace)]) {
        await this.api.remove('v1/Namespace', '', namespace).catch(() => undefined);
      }
    }
    await this.api?.close();
    await this.#controlPlane?.stop();
    await rm(this.directory, { recursive: true, force: true });
    expect(code ?? 0, 'the exit code of Trueup after SIGTERM').toBe(0);
  }

  async #startControlPlane(options: ControlPlaneOptions): Promise<void> {
    const own = await startControlPlane(options);
    this.#controlPlane = own;
    this.kubeconfig = own.kubeconfig;
    this.kubectlProgram = own.kubectl;
    this.auditLog = own.auditLog ?? '';
  }

  get controlPlane(): ControlPlane {
    if (this.#controlPlane === undefined) throw new Error('this world shares its control plane');
    return this.#controlPlane;
  }

  /** Waits until no other file's Trueup reconciles the namespace that this one's manifests name. */
  #take(): Promise<unknown> {
    const metadata = { name: `world-${this.controlNamespace}`, namespace: 'default' };
    return waitFor(
      `the namespace ${this.controlNamespace}`,
      () => this.api.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata }),
      { timeoutMs: 590_000 },
    );
  }

  async #give(): Promise<void> {
    for (const kind of [applicationKind, kustomizationKind, gitRepositoryKind, unitStateKind])
      for (const { metadata } of await this.api.list(kind, this.controlNamespace)) {
        const { name } = metadata;
        const patch = { metadata: { finalizers: null } };
        // Garbage collection takes UnitStates after their Applications, and may be first.
        await this.api.patch(kind, this.controlNamespace, name, patch).catch(() => undefined);
        await this.api.remove(kind, this.controlNamespace, name).catch(() => undefined);
      }
    await this.api.remove('v1/ConfigMap', 'default', `world-${this.controlNamespace}`);
  }

  /** Prints what a failed scenario's reader needs. */
  async explain(name: string): Promise<void> {
    const log = (await this.#trueup?.log())?.trimEnd().split('\n').slice(-30) ?? ['(Trueup does not run)'];
    const place = this.#places.at(-1);
    const application = await place?.read().catch(() => undefined);
    console.error(`--- after "${name}": Application ${place?.name}, and the end of Trueup's log`);
    console.error(JSON.stringify(standingOf(application), undefined, 1));
    console.error(log.join('\n'));
  }

  /** Starts Trueup, again with what it knew if it ran before. */
  async start(...further: readonly string[]): Promise<void> {
    this.#trueup = await startTrueup({
      kubeconfig: this.#trueupKubeconfig ?? this.kubeconfig,
      dataDirectory: join(this.directory, 'data'),
      logFile: join(this.directory, 'trueup.log'),
      namespace: this.controlNamespace,
      further: [...(this.#options.arguments?.(this.git.origin) ?? []), ...further],
    });
  }

  /** Undefined: it did not run. */
  async stop(): Promise<number | undefined> {
    const running = this.#trueup;
    this.#trueup = undefined;
    return running?.stop();
  }

  async kill(): Promise<void> {
    await this.#trueup?.kill();
    this.#trueup = undefined;
  }

  get running(): RunningTrueup {
    if (this.#trueup === undefined) throw new Error('Trueup does not run');
    return this.#trueup;
  }

  get origin(): string {
    return this.running.origin;
  }

  log(): Promise<string> {
    return this.#trueup?.log() ?? Promise.resolve('');
  }

  kubectl(...args: readonly string[]): Promise<Finished> {
    return runToEnd(this.kubectlProgram, ['--kubeconfig', this.kubeconfig, ...args]);
  }

  /** kubectl, with something on its standard input. */
  async kubectlWith(stdin: string, ...args: readonly string[]): Promise<Finished> {
    return runToEnd(this.kubectlProgram, ['--kubeconfig', this.kubeconfig, ...args], { stdin });
  }

  /** `trueup NOUN VERB …` against this world. */
  trueup(...args: readonly string[]): Promise<Finished> {
    return trueup([...args, '--kubeconfig', this.kubeconfig, '--namespace', this.controlNamespace]);
  }

  /** The same, of one that goes on until somebody ends it. */
  trueupGoingOn(...args: readonly string[]): RunningCommand {
    return beginTrueup([...args, '--kubeconfig', this.kubeconfig, '--namespace', this.controlNamespace]);
  }

  async createNamespace(name: string): Promise<void> {
    await this.api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }

  /** A place for one scenario; `shared` gives it the repository of another. */
  async place({
    shared,
    namespace,
  }: { readonly shared?: Place; readonly namespace?: 'absent' } = {}): Promise<Place> {
    const name = `app-${this.id}-${this.#places.length}`;
    const repository = shared?.repository ?? (await createWorkTree(this.git, name));
    const place = new Place(this, name, repository);
    this.#places.push(place);
    if (namespace !== 'absent') await this.createNamespace(place.namespace);
    return place;
  }

  /** Tells Trueup that a repository changed, as a Git host does; it then looks for itself. */
  async hint(
    repository: WorkTree,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
  ): Promise<number> {
    const answer = await fetch(`${this.origin}/api/webhook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-github-event': 'push', ...headers },
      body: body ?? pushEvent(repository),
    });
    await answer.text();
    return answer.status;
  }

  mark(): Promise<Mark> {
    return markNow(this.auditLog);
  }

  /** Trueup's writes in this world since the mark. */
  async writesSince(mark: Mark): Promise<readonly Write[]> {
    const namespaces = new Set([this.controlNamespace, ...this.#places.map((place) => place.namespace)]);
    const writes = await writesSince(this.auditLog, mark);
    return writes.filter(({ namespace, name }) => namespaces.has(namespace) || name.includes(this.id));
  }
}

/** The body of GitHub's push event, as much of it as says which repository moved. */
export function pushEvent(repository: WorkTree, ref = 'refs/heads/main'): string {
  const page = repository.url.replace(/\.git$/, '');
  return JSON.stringify({
    ref,
    before: '0'.repeat(40),
    after: '0'.repeat(40),
    repository: {
      name: page.split('/').at(-1),
      html_url: page,
      clone_url: repository.url,
      default_branch: 'main',
    },
  });
}

/** What a reader of a failure wants to know of an Application. */
function standingOf(application: Application | undefined): object | undefined {
  const { sync, health, operationState, conditions } = application?.status ?? {};
  const { phase, message, startedAt, finishedAt } = operationState ?? {};
  return (
    application && {
      sync: [sync?.status, sync?.revision],
      health,
      operation: { phase, message, startedAt, finishedAt, demanded: application['operation'] },
      conditions,
    }
  );
}

type Files = Readonly<Record<string, string | null>>;

/** A namespace, a repository and an Application, all of one name. */
export class Place {
  readonly world: World;
  readonly name: string;
  readonly repository: WorkTree;

  constructor(world: World, name: string, repository: WorkTree) {
    this.world = world;
    this.name = name;
    this.repository = repository;
  }

  get namespace(): string {
    return this.name;
  }

  /** Writes and removes (null) files and pushes them in one commit; returns the commit. */
  async push(files: Files, { force = false, message = 'Change' } = {}): Promise<string> {
    for (const [path, text] of Object.entries(files)) {
      if (text === null) await this.repository.remove(path);
      else await this.repository.write(path, text);
    }
    const commit = await this.repository.commit(message);
    await this.repository.push({ force });
    return commit;
  }

  /** Pushes and, as a Git host would, tells Trueup. */
  async pushAndHint(
    files: Files,
    options: { readonly force?: boolean; readonly message?: string } = {},
  ): Promise<string> {
    const commit = await this.push(files, options);
    await this.world.hint(this.repository);
    return commit;
  }

  /** An Application for the directory `app`, automated with prune and selfHeal; `spec` and `metadata` are merged in. */
  application({
    spec = {},
    metadata = {},
  }: { readonly spec?: Manifest; readonly metadata?: object } = {}): Manifest {
    return {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: this.name, namespace: this.world.controlNamespace, ...metadata },
      spec: {
        project: 'default',
        source: { repoURL: this.repository.url, path: 'app', targetRevision: 'main' },
        destination: { server: 'https://kubernetes.default.svc', namespace: this.namespace },
        syncPolicy: { automated: { prune: true, selfHeal: true } },
        ...spec,
      },
    };
  }

  async createApplication(overrides?: {
    readonly spec?: Manifest;
    readonly metadata?: object;
  }): Promise<void> {
    await this.world.api.create(this.application(overrides));
  }

  async read(): Promise<Application> {
    const found = await this.world.api.get(applicationKind, this.world.controlNamespace, this.name);
    if (found === undefined) throw new Error(`Application ${this.name} is not there`);
    return found;
  }

  async change(patch: object): Promise<void> {
    await this.world.api.patch(applicationKind, this.world.controlNamespace, this.name, patch);
  }

  /** Deletes the Application, and waits until it is gone. */
  async remove(): Promise<void> {
    const application = [applicationKind, this.world.controlNamespace, this.name] as const;
    await this.world.api.remove(...application);
    await waitFor(
      `${this.name} to be gone`,
      async () => (await this.world.api.get(...application)) === undefined,
    );
  }

  get(kind: string, name: string): Promise<LiveObject | undefined> {
    return this.world.api.get(kind, this.namespace, name);
  }

  /** An object that must be there. */
  async live(kind: string, name: string): Promise<LiveObject> {
    const found = await this.get(kind, name);
    if (found === undefined) throw new Error(`${kind} ${this.namespace}/${name} is not there`);
    return found;
  }

  /** Waits until the Application says what the condition asks for. */
  waitForApplication(
    what: string,
    condition: (application: Application) => boolean,
    timeoutMs?: number,
  ): Promise<Application> {
    return waitFor(
      `${this.name}: ${what}`,
      async () => {
        const application = await this.read();
        return condition(application) ? application : undefined;
      },
      { ...(timeoutMs === undefined ? {} : { timeoutMs }), seen: async () => standingOf(await this.read()) },
    );
  }

  /** Waits until the Application is Synced, at a commit if one is given. */
  synced(commit?: string, timeoutMs?: number): Promise<Application> {
    return this.waitForApplication(
      `to be Synced${commit === undefined ? '' : ` at ${commit.slice(0, 8)}`}`,
      ({ status }) =>
        status?.sync?.status === 'Synced' &&
        (commit === undefined || status.sync.revision === commit) &&
        status.operationState?.phase !== 'Running',
      timeoutMs,
    );
  }

  /** Waits until a condition's message matches, and returns the message. */
  async condition(pattern: RegExp, type?: RegExp, timeoutMs?: number): Promise<string> {
    const matches = (condition: Condition) =>
      pattern.test(condition.message) && (type === undefined || type.test(condition.type));
    const application = await this.waitForApplication(
      `a condition ${type ?? ''} ${pattern}`,
      ({ status }) => status?.conditions?.some(matches) === true,
      timeoutMs,
    );
    return application.status?.conditions?.find(matches)?.message ?? '';
  }

  /**
   * Asks for a refresh and waits until it was answered: all that Trueup had to do for this Application before, it has
   * done then. This is how a scenario shows that nothing happens, without waiting for it not to happen.
   */
  async refresh(kind: 'normal' | 'hard' = 'normal'): Promise<Application> {
    await this.change({ metadata: { annotations: { [refreshAnnotation]: kind } } });
    return this.waitForApplication(
      'the refresh to be answered',
      ({ metadata }) => metadata.annotations?.[refreshAnnotation] === undefined,
    );
  }

  /** Writes in this place's own namespace since the mark. */
  async writesSince(mark: Mark): Promise<readonly Write[]> {
    const writes = await this.world.writesSince(mark);
    return writes.filter(({ namespace }) => namespace === this.namespace);
  }
}
