/**
 * A cluster in memory behind the `Cluster` port: objects with UIDs, versions, field managers, finalizers and
 * preconditions. Each engine gets a client of its own; a client that is cut off never answers again, as a process
 * that crashed never hears. Failures are injected by a function that sees every call.
 */
import { createSealer } from '#fields/digest.ts';
import { createLens } from '#fields/lens.ts';
import { observedOf } from '#kube/store.ts';
import type { Selection } from '#model/dialect.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { canonicalJson, isObject, type Json, type JsonObject } from '#model/json.ts';
import {
  apiVersionOf,
  keyText,
  kindText,
  refOf,
  type GroupVersionKind,
  type Manifest,
  type ObjectKey,
  type ObjectRef,
} from '#model/object.ts';
import type { ApiResource, ObservedObject, Sighting } from '#model/observed.ts';
import type {
  Applied,
  ApplyRequest,
  Capabilities,
  Clock,
  Cluster,
  FollowBatch,
  Following,
  MetadataPage,
  ObjectChange,
  Written,
} from '#model/ports.ts';
import { timestamp } from '#model/time.ts';
import { healthOf } from '#pipeline/health/health.ts';
import { runMark } from '#pipeline/plan/hook-run.ts';
import { applied, updated } from './field-managers.ts';

export interface FakeCall {
  readonly verb:
    | 'resources'
    | 'sightings'
    | 'bodies'
    | 'apply'
    | 'dryApply'
    | 'patch'
    | 'remove'
    | 'read'
    | 'list'
    | 'create'
    | 'tryCreation'
    | 'replace'
    | 'mergePatch'
    | 'delete';
  /** Empty for calls that are not about one object. */
  readonly key: string;
}
const writeVerbs = ['apply', 'patch', 'remove', 'create', 'replace', 'mergePatch', 'delete'];
export const isWrite = ({ verb }: FakeCall): boolean => writeVerbs.includes(verb);

/** 'lost': it is done, and the reply is lost. 'crash': as 'lost', and the client never hears of anything again. */
export type Injected = Failure | 'lost' | 'crash' | 'crash-before' | undefined;

export const sealer = createSealer(new Uint8Array(32).fill(7));
export const ourManager = 'argocd-controller';
const trackingKeys = [
  'argocd.argoproj.io/tracking-id',
  'app.kubernetes.io/instance',
  'kustomize.toolkit.fluxcd.io/namespace',
  'kustomize.toolkit.fluxcd.io/name',
  runMark,
];
const lens = createLens({
  managers: [ourManager, 'kustomize-controller'],
  sealer,
  trackingKeys,
  health: healthOf,
});

export function failure(
  code: string,
  kind: Failure['kind'] = 'transient',
  more: Partial<Failure> = {},
): Failure {
  return { kind, code, stage: 'apply', message: `injected: ${code}`, hint: '', ...more };
}

function kindOf(
  group: string,
  version: string,
  kind: string,
  plural: string,
  namespaced = true,
): ApiResource {
  return {
    group,
    version,
    kind,
    plural,
    namespaced,
    verbs: ['list', 'watch', 'get', 'create', 'patch', 'delete'],
  };
}
const builtIn: readonly ApiResource[] = [
  kindOf('', 'v1', 'ConfigMap', 'configmaps'),
  kindOf('', 'v1', 'Secret', 'secrets'),
  kindOf('', 'v1', 'Service', 'services'),
  kindOf('', 'v1', 'Namespace', 'namespaces', false),
  kindOf('apps', 'v1', 'Deployment', 'deployments'),
  kindOf('apps', 'v1', 'StatefulSet', 'statefulsets'),
  kindOf('batch', 'v1', 'Job', 'jobs'),
  kindOf('rbac.authorization.k8s.io', 'v1', 'ClusterRole', 'clusterroles', false),
  kindOf('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition', 'customresourcedefinitions', false),
  kindOf('argoproj.io', 'v1alpha1', 'Application', 'applications'),
  kindOf('argoproj.io', 'v1alpha1', 'AppProject', 'appprojects'),
  kindOf('source.toolkit.fluxcd.io', 'v1', 'GitRepository', 'gitrepositories'),
  kindOf('kustomize.toolkit.fluxcd.io', 'v1', 'Kustomization', 'kustomizations'),
  kindOf('coordination.k8s.io', 'v1', 'Lease', 'leases'),
  kindOf('trueup.dev', 'v1alpha1', 'UnitState', 'unitstates'),
];

type Change = { readonly key: string; readonly ref: ObjectRef; readonly manifest: Manifest | undefined };

export class FakeCluster {
  readonly objects = new Map<string, Manifest>();
  readonly kinds: ApiResource[] = [...builtIn];
  readonly calls: FakeCall[] = [];
  inject: (call: FakeCall) => Injected = () => undefined;
  /** What a client's call waits for before it is done: a slow server, a process that stands still. */
  gate: (call: FakeCall, client: FakeClient) => Promise<void> | undefined = () => undefined;
  /** Kinds (`group/Kind`) that cannot be listed at present. */
  readonly unlistable = new Set<string>();
  /** Kinds (`group/Kind`) that may not be followed. */
  readonly forbidden = new Set<string>();
  kubeVersion = 'v1.36.0';
  /** Group versions that cannot say what they serve. */
  readonly unknown = new Set<string>();
  /** What admission makes of an applied manifest. */
  admission: (manifest: Manifest) => Manifest = (manifest) => manifest;
  readonly #clock: Clock;
  readonly #clients = new Set<FakeClient>();
  #version = 100;
  #uid = 0;

  constructor(
    clock: Clock,
    namespaces: readonly string[] = ['argocd', 'flux-system', 'payments', 'default'],
  ) {
    this.#clock = clock;
    for (const name of namespaces) this.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }

  client(): FakeClient {
    const client = new FakeClient(this);
    this.#clients.add(client);
    return client;
  }
  cutOff(client: FakeClient): void {
    client.isCutOff = true;
    this.#clients.delete(client);
  }

  get writes(): readonly FakeCall[] {
    return this.calls.filter(isWrite);
  }
  /** Every call since `mark`, which is an earlier `calls.length`. */
  since(mark: number): readonly FakeCall[] {
    return this.calls.slice(mark);
  }

  get(kind: string, namespace: string, name: string): Manifest | undefined {
    const [group = '', bare = ''] = kind.includes('/') ? kind.split('/') : ['', kind];
    return this.objects.get(keyText({ group, kind: bare, namespace, name }));
  }
  must(kind: string, namespace: string, name: string): Manifest {
    const found = this.get(kind, namespace, name);
    if (found === undefined) throw new Error(`there is no ${kind} ${namespace}/${name}`);
    return found;
  }

  /** Somebody creates it, or changes it to this. */
  put(manifest: Manifest, manager = 'kubectl'): Manifest {
    const live = this.objects.get(keyText(refOf(manifest)));
    return this.store(updated(live, this.stamped(manifest, live), manager, this.#clock.now()));
  }
  /** Somebody changes it in place. */
  edit(
    kind: string,
    namespace: string,
    name: string,
    change: (draft: any) => void,
    manager = 'kubectl',
  ): Manifest {
    const live = this.must(kind, namespace, name);
    const draft = structuredClone(live);
    change(draft);
    return this.store(updated(live, draft, manager, this.#clock.now()));
  }
  /** Somebody deletes it. */
  drop(kind: string, namespace: string, name: string): void {
    this.erase(refOf(this.must(kind, namespace, name)));
  }

  stamped(manifest: Manifest, live: Manifest | undefined): Manifest {
    return {
      ...manifest,
      metadata: {
        ...manifest.metadata,
        uid: live?.metadata['uid'] ?? `uid-${++this.#uid}`,
        creationTimestamp: live?.metadata['creationTimestamp'] ?? timestamp(this.#clock.now()),
      },
    };
  }

  store(manifest: Manifest): Manifest {
    const ref = refOf(manifest);
    const key = keyText(ref);
    const live = this.objects.get(key);
    const finalizers = (manifest.metadata['finalizers'] ?? []) as readonly string[];
    if (live?.metadata['deletionTimestamp'] !== undefined && finalizers.length === 0) {
      this.#remove(key, ref);
      return manifest;
    }
    const withoutVersion = (of: Manifest | undefined): string =>
      canonicalJson({ ...of, metadata: { ...of?.metadata, resourceVersion: '' } });
    if (live !== undefined && withoutVersion(live) === withoutVersion(manifest)) return live;
    // Without a status subresource, which Applications do not have, the status counts too.
    const countedOf = (of: Manifest | undefined): unknown =>
      manifest.kind === 'Application' ? { ...of, metadata: undefined } : of?.['spec'];
    const specChanged = canonicalJson(countedOf(live)) !== canonicalJson(countedOf(manifest));
    const generation =
      Number(live?.metadata['generation'] ?? 0) + (specChanged || live === undefined ? 1 : 0);
    const stored = established({
      ...manifest,
      metadata: { ...manifest.metadata, generation, resourceVersion: String(++this.#version) },
    });
    this.objects.set(key, stored);
    this.#define(stored);
    this.#tell({ key, ref, manifest: stored });
    return stored;
  }

  erase(ref: ObjectRef): 'gone' | 'deleting' {
    const key = keyText(ref);
    const live = this.objects.get(key)!;
    const finalizers = (live.metadata['finalizers'] ?? []) as readonly string[];
    if (finalizers.length > 0) {
      const deletionTimestamp = live.metadata['deletionTimestamp'] ?? timestamp(this.#clock.now());
      this.store({ ...live, metadata: { ...live.metadata, deletionTimestamp } });
      return 'deleting';
    }
    this.#remove(key, ref);
    return 'gone';
  }

  /** As the garbage collector does: what the owner's end leaves behind goes too. */
  #remove(key: string, ref: ObjectRef): void {
    const uid = this.objects.get(key)?.metadata['uid'];
    this.objects.delete(key);
    this.#version += 1;
    this.#tell({ key, ref, manifest: undefined });
    for (const [other, manifest] of this.objects) {
      const owners = (manifest.metadata['ownerReferences'] ?? []) as readonly { uid: string }[];
      if (owners.some((owner) => owner.uid === uid)) this.#remove(other, refOf(manifest));
    }
  }

  #define(manifest: Manifest): void {
    const spec = manifest['spec'];
    if (manifest.kind !== 'CustomResourceDefinition' || !isObject(spec)) return;
    const names = spec['names'] as { kind: string; plural: string };
    for (const { name } of spec['versions'] as readonly { name: string }[]) {
      const resource = kindOf(
        String(spec['group']),
        name,
        names.kind,
        names.plural,
        spec['scope'] !== 'Cluster',
      );
      if (this.kinds.some((known) => kindText(known) === kindText(resource))) continue;
      this.kinds.push(resource);
      this.kindsChanged();
    }
  }
  /** Discovery shows something else than before. */
  kindsChanged(): void {
    for (const client of this.#clients) client.hearOfKinds();
  }
  /** How many things are followed: watches that stay open. */
  get followed(): number {
    return [...this.#clients].reduce((sum, client) => sum + client.followed, 0);
  }

  #tell(change: Change): void {
    for (const client of this.#clients) client.hear(change);
  }

  get nowMs(): number {
    return this.#clock.now();
  }
}

function established(manifest: Manifest): Manifest {
  if (manifest.kind !== 'CustomResourceDefinition') return manifest;
  const conditions = ['NamesAccepted', 'Established'].map((type) => ({ type, status: 'True' }));
  return { ...manifest, status: { conditions } };
}

interface Follower {
  readonly selection: Selection;
  readonly listener: (batch: FollowBatch) => void;
  /** Of which it has not heard yet. */
  readonly changes: Change[];
}

export class FakeClient implements Cluster {
  readonly id = 'in-cluster';
  isCutOff = false;
  /** While true, what changes is not told: a watch that lags. */
  lagging = false;
  /** While true, who follows a selection hears later than who observes. */
  followersLag = false;
  /** Selections whose followers hear later than others. */
  lags: (selection: Selection) => boolean = () => false;
  /** What is seen of objects while no newer look is asked for. */
  #frozen: { readonly objects: ReadonlyMap<string, Manifest>; readonly atMs: number } | undefined;
  readonly #cluster: FakeCluster;
  readonly #followers = new Set<Follower>();
  readonly #listeners: ((changes: readonly ObjectChange[]) => void)[] = [];
  readonly #kindsListeners: (() => void)[] = [];
  readonly #refused: (() => void)[] = [];
  #heard: Change[] = [];
  readonly #late: Change[] = [];
  #scheduled = false;

  constructor(cluster: FakeCluster) {
    this.#cluster = cluster;
  }

  hear(change: Change): void {
    this.#heard.push(change);
    if (!this.lagging) this.catchUp();
  }
  catchUp(): void {
    this.lagging = false;
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    const heard = this.#heard.splice(0);
    if (this.isCutOff || heard.length === 0) return;
    const last = new Map(heard.map((change) => [change.key, change]));
    this.#late.push(...last.values());
    if (!this.followersLag) this.#tellFollowers();
    const changes = [...last.values()].map(({ ref, manifest }) => ({
      ref,
      ...(manifest === undefined ? {} : { object: observe(manifest) }),
    }));
    for (const listener of this.#listeners) listener(changes);
  }
  /** Those who follow hear what they have missed. */
  followersCatchUp(): void {
    this.followersLag = false;
    this.#tellFollowers();
  }

  /** From now on it sees objects as they are at present: a watch that hangs, until they are listed anew. */
  freeze(): void {
    this.#frozen = { objects: new Map(this.#cluster.objects), atMs: this.#cluster.nowMs };
  }

  #tellFollowers(): void {
    const late = this.#late.splice(0);
    for (const follower of this.#followers) {
      const { selection, listener, changes } = follower;
      changes.push(...late.filter(({ ref }) => isOf(selection, ref)));
      if (this.lags(selection)) continue;
      const mine = changes.splice(0);
      const changed = mine.flatMap(({ manifest }) =>
        manifest !== undefined && selects(selection, manifest) ? [manifest] : [],
      );
      const gone = mine.flatMap(({ manifest, ref }) => (manifest === undefined ? [ref] : []));
      if (changed.length + gone.length > 0) listener({ synced: true, changed, gone });
    }
  }

  async #call<T>(verb: FakeCall['verb'], key: string, act: () => Result<T>): Promise<Result<T>> {
    if (this.isCutOff) return new Promise(() => undefined);
    const call = { verb, key };
    this.#cluster.calls.push(call);
    await this.#cluster.gate(call, this);
    const injected = this.#cluster.inject(call);
    if (injected === 'crash-before') this.#cluster.cutOff(this);
    const result =
      typeof injected === 'object' ? fail(injected) : injected === 'crash-before' ? undefined : act();
    if (injected === 'crash') this.#cluster.cutOff(this);
    // As a real call, it lets everything else happen meanwhile.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.isCutOff || result === undefined) return new Promise(() => undefined);
    return injected === 'lost' ? fail(failure('Timeout')) : result;
  }

  capabilities(): Promise<Result<Capabilities>> {
    const apiVersions = this.#cluster.kinds.flatMap((kind) => [
      apiVersionOf(kind),
      `${apiVersionOf(kind)}/${kind.kind}`,
    ]);
    const { kubeVersion } = this.#cluster;
    return Promise.resolve(ok({ kubeVersion, apiVersions, unknown: [...this.#cluster.unknown] }));
  }
  onKinds(listener: () => void): void {
    this.#kindsListeners.push(listener);
  }
  hearOfKinds(): void {
    if (!this.isCutOff) for (const listener of this.#kindsListeners) listener();
  }
  resources(refresh = false): Promise<Result<readonly ApiResource[]>> {
    if (!refresh && !this.isCutOff) return Promise.resolve(ok([...this.#cluster.kinds]));
    return this.#call('resources', '', () => ok([...this.#cluster.kinds]));
  }

  follow(selection: Selection, listener: (batch: FollowBatch) => void): Following {
    const follower: Follower = { selection, listener, changes: [] };
    const begin = (): void => {
      if (this.#cluster.forbidden.has(`${selection.kind.group}/${selection.kind.kind}`)) {
        this.#refused.push(begin);
        const message = `tester may not list ${selection.plural} in namespace ${selection.namespace}`;
        const refused = failure('Forbidden', 'denied', { message });
        return listener({ synced: false, changed: [], gone: [], failure: refused });
      }
      this.#followers.add(follower);
      const changed = [...this.#cluster.objects.values()].filter(
        (manifest) => isOf(selection, refOf(manifest)) && selects(selection, manifest),
      );
      listener({ synced: true, changed, gone: [] });
    };
    queueMicrotask(begin);
    return { stop: () => void this.#followers.delete(follower) };
  }
  /** What was refused is tried again. */
  retry(): void {
    for (const begin of this.#refused.splice(0)) begin();
  }
  get followed(): number {
    return this.#followers.size;
  }
  observe(): void {}
  onChange(listener: (changes: readonly ObjectChange[]) => void): void {
    this.#listeners.push(listener);
  }

  async sightings(
    refs: readonly ObjectRef[],
    _deadlineMs?: number,
    sinceMs = -Infinity,
  ): Promise<readonly Sighting[]> {
    if (refs.length === 0) return [];
    if (this.#frozen !== undefined && sinceMs > this.#frozen.atMs) this.#frozen = undefined;
    const seen = await this.#call('sightings', '', () => ok(refs.map((ref) => this.#sighting(ref))));
    return seen.ok ? seen.value : refs.map(() => ({ state: 'unknown', why: seen.failure.message }));
  }
  #sighting(ref: ObjectRef): Sighting {
    if (!this.#serves(ref))
      return { state: 'unknown', notServed: true, why: `the cluster does not serve ${ref.kind}` };
    if (this.#cluster.unlistable.has(`${ref.group}/${ref.kind}`))
      return { state: 'unknown', why: `${ref.kind} cannot be listed` };
    const live = (this.#frozen ?? this.#cluster).objects.get(keyText(ref));
    return live === undefined ? { state: 'absent' } : { state: 'present', object: observe(live) };
  }
  bodies(refs: readonly ObjectRef[]): Promise<Result<readonly (Manifest | undefined)[]>> {
    if (refs.length === 0) return Promise.resolve(ok([]));
    return this.#call('bodies', '', () => ok(refs.map((ref) => this.#cluster.objects.get(keyText(ref)))));
  }

  apply(request: ApplyRequest): Promise<Result<Written<Applied>>> {
    const { ref, manifest, manager, force, expect } = request;
    return this.#call(request.dryRun === true ? 'dryApply' : 'apply', keyText(ref), () => {
      const missing = this.#unservable(ref);
      if (missing !== undefined) return fail(missing);
      const live = this.#cluster.objects.get(keyText(ref));
      const why = this.#mismatch(live, expect);
      if (why !== undefined) return stale(why);
      const wanted = this.#cluster.admission(manifest);
      const base =
        live ??
        this.#cluster.stamped(
          { apiVersion: wanted.apiVersion, kind: wanted.kind, metadata: bareMetadata(wanted) },
          undefined,
        );
      const merged = applied(base, wanted, manager, this.#cluster.nowMs);
      if (merged.conflicts.length > 0 && !force) return stale(merged.conflicts.join('; '));
      const stored = request.dryRun === true ? merged.manifest : this.#cluster.store(merged.manifest);
      return done(appliedOf(stored, manager, live === undefined));
    });
  }

  patch(
    ref: ObjectRef,
    patch: readonly Json[],
    manager: string,
    expect: { readonly uid: string; readonly resourceVersion?: string },
  ): Promise<Result<Written<Applied>>> {
    return this.#call('patch', keyText(ref), () => {
      const live = this.#cluster.objects.get(keyText(ref));
      const why = this.#mismatch(live, expect);
      if (why !== undefined) return stale(why);
      const draft = structuredClone(live!) as unknown as Record<string, unknown>;
      for (const operation of patch as readonly { op: string; path: string; value?: unknown }[])
        replaceAt(draft, operation.path, operation.value);
      return done(appliedOf(this.#cluster.store(draft as unknown as Manifest), manager, false));
    });
  }

  remove(
    ref: ObjectRef,
    expect: { readonly uid: string; readonly resourceVersion?: string },
  ): Promise<Result<Written<'gone' | 'deleting'>>> {
    return this.#call('remove', keyText(ref), () => {
      const live = this.#cluster.objects.get(keyText(ref));
      if (live === undefined) return done('gone');
      const why = this.#mismatch(live, expect);
      return why === undefined ? done(this.#cluster.erase(ref)) : stale(why);
    });
  }

  read(ref: ObjectRef): Promise<Result<Manifest | undefined>> {
    return this.#call('read', keyText(ref), () => ok(this.#cluster.objects.get(keyText(ref))));
  }
  list(kind: GroupVersionKind, namespace?: string): Promise<Result<readonly Manifest[]>> {
    return this.#call('list', kindText(kind), () =>
      ok(
        [...this.#cluster.objects.values()].filter((manifest) => {
          const ref = refOf(manifest);
          return (
            ref.group === kind.group &&
            ref.kind === kind.kind &&
            (namespace === undefined || ref.namespace === namespace)
          );
        }),
      ),
    );
  }
  async metadata(
    kind: GroupVersionKind,
    { namespace }: { readonly namespace?: string },
  ): Promise<Result<MetadataPage>> {
    if (this.#cluster.forbidden.has(`${kind.group}/${kind.kind}`))
      return fail(failure('Forbidden', 'denied', { message: `tester may not list ${kind.kind}` }));
    const listed = await this.list(kind, namespace);
    return listed.ok ? ok({ items: listed.value.map(({ metadata }) => metadata) }) : listed;
  }
  create(manifest: Manifest): Promise<Result<Written<Manifest>>> {
    const key = keyText(refOf(manifest));
    return this.#call('create', key, () => {
      const missing = this.#unservable(refOf(manifest));
      if (missing !== undefined) return fail(missing);
      return this.#cluster.objects.has(key)
        ? stale('it exists already')
        : done(this.#cluster.put(manifest, 'trueup'));
    });
  }
  tryCreation(manifest: Manifest): Promise<Result<'accepted'>> {
    return this.#call('tryCreation', keyText(refOf(manifest)), () => {
      const missing = this.#unservable(refOf(manifest));
      return missing === undefined ? ok('accepted') : fail(missing);
    });
  }
  replace(manifest: Manifest): Promise<Result<Written<Manifest>>> {
    const key = keyText(refOf(manifest));
    return this.#call('replace', key, () => {
      const live = this.#cluster.objects.get(key);
      const expected = manifest.metadata['resourceVersion'];
      if (live === undefined || (expected !== undefined && expected !== live.metadata['resourceVersion']))
        return stale('it was changed meanwhile');
      return done(this.#cluster.put(manifest, 'trueup'));
    });
  }
  mergePatch(ref: ObjectRef, patch: JsonObject): Promise<Result<Written<Manifest>>> {
    return this.#call('mergePatch', keyText(ref), () => {
      const live = this.#cluster.objects.get(keyText(ref));
      if (live === undefined) return fail(failure('NotFound', 'terminal'));
      const expected = (patch['metadata'] as JsonObject | undefined)?.['resourceVersion'];
      if (expected !== undefined && expected !== live.metadata['resourceVersion'])
        return stale('it was changed meanwhile');
      const next = merged(live, patch) as Manifest;
      return done(this.#cluster.store(updated(live, next, 'trueup', this.#cluster.nowMs)));
    });
  }
  delete(ref: ObjectRef): Promise<Result<boolean>> {
    return this.#call('delete', keyText(ref), () => {
      if (!this.#cluster.objects.has(keyText(ref))) return ok(false);
      this.#cluster.erase(ref);
      return ok(true);
    });
  }
  close(): Promise<void> {
    this.#cluster.cutOff(this);
    return Promise.resolve();
  }

  #serves(ref: GroupVersionKind): boolean {
    return this.#cluster.kinds.some((resource) => kindText(resource) === kindText(ref));
  }
  #unservable(ref: ObjectRef): Failure | undefined {
    if (!this.#serves(ref)) return failure('KindNotServed', 'transient', { subject: ref });
    if (ref.namespace === '' || this.#cluster.get('Namespace', '', ref.namespace) !== undefined)
      return undefined;
    return failure('NamespaceNotFound', 'terminal', { subject: ref });
  }
  #mismatch(live: Manifest | undefined, expect: ApplyRequest['expect']): string | undefined {
    if (expect === 'absent') return live === undefined ? undefined : 'it exists meanwhile';
    if (live === undefined) return 'it is gone';
    if (live.metadata['uid'] !== expect.uid) return 'it was deleted and created anew';
    return expect.resourceVersion === undefined || expect.resourceVersion === live.metadata['resourceVersion']
      ? undefined
      : 'it was changed meanwhile';
  }
}

function observe(manifest: Manifest): ObservedObject {
  return observedOf(manifest, refOf(manifest), lens).object;
}
function appliedOf(manifest: Manifest, manager: string, created: boolean): Applied {
  return {
    object: observe(manifest),
    values: lens.project(manifest, manager)?.values ?? {},
    created,
    warnings: [],
  };
}
const done = <T>(value: T): Result<Written<T>> => ok({ result: 'done', value });
const stale = (why: string): Result<{ readonly result: 'stale'; readonly why: string }> =>
  ok({ result: 'stale', why });

function bareMetadata({ metadata: { name, namespace } }: Manifest): Manifest['metadata'] {
  return { name, ...(namespace === undefined ? {} : { namespace }) };
}
function isOf({ kind, namespace, name }: Selection, ref: ObjectKey): boolean {
  return (
    kind.group === ref.group &&
    kind.kind === ref.kind &&
    (namespace === undefined || namespace === ref.namespace) &&
    (name === undefined || name === ref.name)
  );
}
function selects({ labelSelector }: Selection, manifest: Manifest): boolean {
  if (labelSelector === undefined) return true;
  const [key = '', value] = labelSelector.split('=');
  const label = manifest.metadata.labels?.[key];
  return label !== undefined && (value === undefined || label === value);
}

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}
function replaceAt(draft: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('/').slice(1);
  let at = draft;
  for (const name of names.slice(0, -1)) at = at[name] as Record<string, unknown>;
  at[names.at(-1)!] = value;
}
