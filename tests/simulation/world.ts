/** A whole system on simulated time: an API server, Git, replicas; and whoever looks at what they do. */
import { argoDefinitions } from '#dialects/argo/crds.ts';
import { fluxDefinitions } from '#dialects/flux/crds.ts';
import { openEmbedded, type Embedded } from '#embedded/embedded.ts';
import { forgetful, type Change } from '#embedded/store.ts';
import { administrator } from '#embedded/users.ts';
import type { User } from '#embedded/authorization.ts';
import type { JsonObject } from '#model/json.ts';
import type { Log, ObjectKeeper } from '#model/ports.ts';
import { unitStateDefinition } from '#pipeline/record/unit-state-definition.ts';
import { FaultGate, type Faults } from './faults.ts';
import { secretCanary, widgetDefinition } from './fleet.ts';
import { GitServer } from './git-model.ts';
import { Kubectl } from './kubectl.ts';
import { sharedMachinery } from './machinery.ts';
import { SeededRandom } from './random.ts';
import { controlNamespace, Replica, type ReplicaParts } from './replica.ts';
import { Process, Scheduler } from './scheduler.ts';
import type { Asked } from './steps.ts';
import { Trace } from './trace.ts';

/** Somewhere in 2026. */
export const epochMs = 1_790_000_000_000;
export const namespaces = [controlNamespace, 'flux-system', 'payments', 'shop'];

export const definitionKind = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
};

/** How replicas get into Git, here and elsewhere; whoever shows a password shows a secret. */
const gitLogins = ['git.example/acme', 'git.example/other', 'elsewhere.example'].map((where, index) => ({
  at: { group: '', version: 'v1', plural: 'secrets', namespace: 'argocd', name: '' },
  manifest: {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `git-login-${index}`, labels: { 'argocd.argoproj.io/secret-type': 'repo-creds' } },
    stringData: { url: `https://${where}`, username: 'trueup', password: `${secretCanary}-git` },
  },
}));

/** Flux was here, and stands still. */
const formerControllers = ['kustomize-controller', 'source-controller'].map((name) => ({
  at: { group: 'apps', version: 'v1', plural: 'deployments', namespace: 'flux-system', name: '' },
  manifest: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { 'app.kubernetes.io/part-of': 'flux', 'app.kubernetes.io/component': name } },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'manager', image: `example/${name}:1` }] },
      },
    },
  },
}));

export interface Written {
  readonly change: Change;
  /** Whose request it came from; undefined: others. */
  readonly replica: Replica | undefined;
  /** Which process of it. */
  readonly who: string | undefined;
  /** When that request left. */
  readonly sentMs: number;
}
/** Sees everything, and throws a Violation when a promise is broken. */
export interface Watcher {
  wrote(written: Written): void;
  sent(replica: Replica, asked: Asked, notBeforeMs: number): void;
  /** What a process hears of a resource that declares something; else it is the answer to what it asked for. */
  told?(who: string, resource: JsonObject, isWatched: boolean): void;
  logged(replica: string, level: keyof Log, text: string): void;
}

export interface WorldOptions {
  readonly seed: number;
  readonly faults: Faults;
  readonly replicas: number;
  readonly keepsTrace: boolean;
  readonly pageSize: number;
  /** Of each replica, how much further away the API server is than usual. */
  readonly lagFactors: readonly number[];
}

const machinery = await sharedMachinery();
const snapshot = prepared();

/** A cluster with our kinds installed: made once, because each takes the real schemas. */
function prepared(): ObjectKeeper {
  const scheduler = new Scheduler(new SeededRandom('preparing'));
  const server = new Process('server', scheduler, epochMs - 3_600_000);
  const random = new SeededRandom('preparing');
  machinery.use(server, random);
  const objects = new Map<string, { resource: string; object: unknown }>();
  let last = 0;
  const keeper: ObjectKeeper = {
    load: forgetful.load,
    put: (resource, key, version, object) => {
      last = version;
      objects.set(`${resource} ${key}`, { resource, object });
    },
    remove: (resource, key, version) => {
      last = version;
      objects.delete(`${resource} ${key}`);
    },
  };
  const embedded = embeddedOn(server, random, keeper, new Map(), () => undefined);
  const kubectl = new Kubectl(embedded);
  for (const definition of [...argoDefinitions, ...fluxDefinitions, unitStateDefinition, widgetDefinition])
    kubectl.create({ ...definitionKind, namespace: '', name: '' }, definition);
  for (const name of namespaces)
    kubectl.create(
      { group: '', version: 'v1', plural: 'namespaces', namespace: '', name: '' },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    );
  for (const { at, manifest } of [...gitLogins, ...formerControllers]) kubectl.create(at, manifest);
  // What its controllers make of it belongs to it: a definition is established, a namespace has its account.
  scheduler.settle(600_000);
  embedded.close();
  return { ...forgetful, load: () => ({ version: last, objects: [...objects.values()] }) };
}

function embeddedOn(
  server: Process,
  random: SeededRandom,
  keeper: ObjectKeeper,
  users: ReadonlyMap<string, User>,
  bug: (text: string) => void,
): Embedded {
  const complain = (fields: object, message: string): void => bug(`${message} ${JSON.stringify(fields)}`);
  return openEmbedded({
    machinery: machinery.machinery,
    keeper,
    controllers: true,
    clock: server,
    timers: server,
    random,
    log: { debug() {}, info() {}, warn() {}, error: complain },
    users,
  });
}

export class World {
  readonly seed: number;
  readonly trace: Trace;
  readonly scheduler: Scheduler;
  readonly faults: FaultGate;
  readonly server: Process;
  readonly embedded: Embedded;
  readonly kubectl: Kubectl;
  readonly servers = new Map<string, GitServer>();
  readonly replicas: readonly Replica[];
  /** What went wrong for a while: how often. */
  readonly weather = new Map<string, number>();
  readonly random: SeededRandom;
  /** A bug of the world itself. */
  readonly flaws: string[] = [];
  readonly #users = new Map<string, User>();
  readonly #watchers: Watcher[] = [];
  #token = 0;
  #acting: { replica: Replica; who: string; sentMs: number } | undefined;
  /** The first promise that was broken. */
  violation: Error | undefined;
  writes = 0;

  constructor(options: WorldOptions) {
    const { seed, faults, replicas, keepsTrace } = options;
    this.seed = seed;
    this.random = new SeededRandom(seed);
    this.trace = new Trace(keepsTrace);
    this.scheduler = new Scheduler(this.random.fork('scheduler'));
    this.faults = new FaultGate(faults);
    this.server = new Process('server', this.scheduler, epochMs);
    const ofServer = this.random.fork('server');
    machinery.use(this.server, ofServer);
    this.renewToken();
    this.embedded = embeddedOn(this.server, ofServer, snapshot, this.#users, (text) => this.flaws.push(text));
    this.kubectl = new Kubectl(this.embedded);
    this.embedded.store.onChange((change) => this.#changed(change));
    this.replicas = Array.from({ length: replicas }, (_, index) =>
      this.#replica(`replica-${index + 1}`, {
        isShared: replicas > 1,
        pageSize: options.pageSize,
        lagFactor: options.lagFactors[index] ?? 1,
      }),
    );
  }

  get nowMs(): number {
    return this.scheduler.nowMs;
  }

  watch(watcher: Watcher): void {
    this.#watchers.push(watcher);
  }
  /** Every token is refused, until a new one stands in the file (F25). */
  expireToken(): void {
    this.#users.clear();
  }
  renewToken(): void {
    if (this.#users.size > 0) return;
    this.#token += 1;
    this.#users.set(this.#bearer, administrator);
  }
  /** A canary as well. */
  get #bearer(): string {
    return `${secretCanary}-token-${this.#token}`;
  }
  gitServer(url: string): GitServer {
    const known = this.servers.get(url);
    if (known !== undefined) return known;
    const made = new GitServer(url);
    this.servers.set(url, made);
    return made;
  }
  note(what: string): void {
    this.trace.add(this.nowMs, '·', what);
  }
  async runFor(ms: number): Promise<void> {
    await this.scheduler.runUntil(this.nowMs + ms, () => this.violation !== undefined);
  }
  close(): void {
    this.embedded.close();
    for (const replica of this.replicas) replica.end();
  }

  #replica(name: string, given: Pick<ReplicaParts, 'isShared' | 'pageSize' | 'lagFactor'>): Replica {
    const random = this.random.fork(name);
    return new Replica({
      name,
      ...given,
      random,
      scheduler: this.scheduler,
      faults: this.faults,
      servers: this.servers,
      handle: (replica, who, request, sentMs) => this.#handle(replica, who, request, sentMs),
      sent: (replica, asked, notBeforeMs) =>
        this.#check(() => this.#watchers.forEach((watcher) => watcher.sent(replica, asked, notBeforeMs))),
      told: (who, resource, isWatched) =>
        this.#check(() => this.#watchers.forEach((watcher) => watcher.told?.(who, resource, isWatched))),
      isRunning: () => this.#hasIntent,
      token: () => this.#bearer,
      trace: (who, what) => this.trace.add(this.nowMs, who, what),
      logged: (level, text) =>
        this.#check(() => this.#watchers.forEach((watcher) => watcher.logged(name, level, text))),
      openProcess: (who) => new Process(who, this.scheduler, epochMs),
      restartMs: () => random.between(100, 20_000),
    });
  }

  get #hasIntent(): boolean {
    return this.#intents.size > 0;
  }
  /** Records that say that a Run is under way. */
  readonly #intents = new Set<string>();

  async #handle(replica: Replica, who: string, request: Request, sentMs: number): Promise<Response> {
    this.#acting = { replica, who, sentMs };
    try {
      return await this.embedded.handle(request);
    } finally {
      this.#acting = undefined;
    }
  }

  #changed(change: Change): void {
    const { resource, object, type } = change;
    const { namespace = '', name, resourceVersion } = object.metadata;
    if (resource === 'trueup.dev/unitstates') {
      const intent = (object['state'] as { intent?: unknown } | undefined)?.intent;
      if (intent !== undefined && type !== 'DELETED') this.#intents.add(name);
      else this.#intents.delete(name);
    }
    const { replica, who, sentMs = this.nowMs } = this.#acting ?? {};
    if (replica !== undefined && resource !== 'coordination.k8s.io/leases') this.writes += 1;
    this.trace.add(
      this.nowMs,
      who ?? 'others',
      `${type} ${resource} ${namespace}/${name} @${resourceVersion}`,
    );
    this.#check(() => this.#watchers.forEach((watcher) => watcher.wrote({ change, replica, who, sentMs })));
  }

  /** The first violation ends the run; what is thrown must not reach whoever was looked at. */
  #check(look: () => void): void {
    if (this.violation !== undefined) return;
    try {
      look();
    } catch (error) {
      this.violation = error instanceof Error ? error : new Error(String(error));
      this.note(`VIOLATION ${this.violation.message}`);
    }
  }
}
