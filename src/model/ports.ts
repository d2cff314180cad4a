/**
 * Everything the system needs of the world. Production hands in the real ones (host/, kube/, git/); tests and
 * the simulation hand in others. Nothing below main/ reaches the world by another way.
 */
import type { Selection } from './dialect.ts';
import type { Failure, Result } from './failure.ts';
import type { Digest, Json, JsonObject } from './json.ts';
import type { ApiResource, FieldValues, ObjectHealth, ObservedObject, Sighting } from './observed.ts';
import type { GroupVersionKind, Manifest, Metadata, ObjectKey, ObjectRef, SecretRef } from './object.ts';
import type {
  DeploymentRecord,
  DriftRecord,
  RecordChanges,
  RecordMark,
  RecordPage,
  RecordQuery,
} from './record.ts';
import type { Proxy } from './proxies.ts';
import type { PathEntry, RemoteSource, Rendered, TreeFile } from './rendered.ts';
import type { Ancestry, Overrides, Propagation, RenderSpec, Revision, SourceSpec, UnitId } from './unit.ts';

export interface Clock {
  /** Milliseconds since 1970, for people; may jump. */
  now(): number;
  /** Milliseconds since some start, the same one in all threads, for durations and leases; never jumps. */
  monotonic(): number;
}
export interface Cancel {
  (): void;
}
export interface Timers {
  /** Calls once after `delayMs`; the returned function cancels. */
  after(delayMs: number, call: () => void): Cancel;
}
export interface Random {
  /** In [0, 1). */
  next(): number;
  bytes(count: number): Uint8Array;
}
export interface Log {
  debug(fields: JsonObject, message: string): void;
  info(fields: JsonObject, message: string): void;
  warn(fields: JsonObject, message: string): void;
  error(fields: JsonObject, message: string): void;
}
/** Counters and durations; names as Prometheus has them. */
export interface Meter {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void;
  observe(name: string, seconds: number, labels?: Readonly<Record<string, string>>): void;
}

export interface ProcessRequest {
  readonly command: string;
  /** A vector: never a shell (S15). */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: Uint8Array;
  readonly timeoutMs: number;
  readonly outputBytesMax: number;
}
export interface ProcessResult {
  /** Null when it was ended by a signal or the deadline. */
  readonly code: number | null;
  readonly stdout: Uint8Array;
  readonly stderr: string;
  readonly timedOut: boolean;
}
/** A child whose input and output stay open: `git cat-file --batch`. */
export interface ProcessChannel {
  write(data: Uint8Array): void;
  onData(listener: (data: Uint8Array) => void): void;
  onExit(listener: (code: number | null) => void): void;
  end(): void;
}
/** A child that more flows through than anybody keeps: `git http-backend`. Both directions have backpressure. */
export interface ProcessStream {
  /** What it prints, as it prints it; to be read once. Who stops reading early ends the child. */
  readonly output: AsyncIterable<Uint8Array>;
  /** When it has exited and `output` has been read. */
  readonly ended: Promise<Omit<ProcessResult, 'stdout'>>;
  /** Ends it, and whatever it started. */
  kill(): void;
}
export interface Processes {
  run(request: ProcessRequest): Promise<ProcessResult>;
  open(request: Omit<ProcessRequest, 'stdin' | 'timeoutMs' | 'outputBytesMax'>): ProcessChannel;
  /** `input` is read to its end even when the child no longer listens. An input that throws ends the child. */
  stream(
    request: Omit<ProcessRequest, 'stdin' | 'outputBytesMax'> & {
      readonly input?: AsyncIterable<Uint8Array>;
    },
  ): ProcessStream;
}

/** What Git asks for; secret values never leave the environment of the child, and private files of its own. */
export interface GitCredentials {
  readonly login?:
    | { readonly kind: 'basic'; readonly username: string; readonly password: string }
    | { readonly kind: 'bearer'; readonly token: string };
  /** Of SSH. */
  readonly privateKey?: string;
  /** In the form of `known_hosts`. */
  readonly knownHosts?: string;
  /** PEM: who may have signed the server's certificate. */
  readonly certificates?: string;
  readonly client?: { readonly certificate: string; readonly key: string };
  readonly proxy?: Proxy;
}
/** Makes, or still has, a token of a GitHub App for a repository, from the data of its Secret. */
export interface InstallationTokens {
  (
    repository: string,
    data: Readonly<Record<string, string>>,
    connection: Pick<GitCredentials, 'certificates' | 'proxy'>,
  ): Promise<Result<string>>;
}

/** Sources. Everything after `fetch` is local and goes on when Git is down (F12). */
export interface Repositories {
  /** Brings the repository up to date, one fetch for all who ask at the same time. Says whether any ref moved. */
  fetch(spec: SourceSpec): Promise<Result<{ readonly changed: boolean }>>;
  /** The commit that the ref stands for in what was fetched last; fetches once if the repository is not here yet. */
  resolve(spec: SourceSpec): Promise<Result<Revision>>;
  ancestry(spec: SourceSpec, before: string | undefined, after: string): Promise<Result<Ancestry>>;
  /** The Git object id of the directory at `path`; many at once, in order; undefined where there is none. */
  trees(
    url: string,
    wanted: readonly { readonly commit: string; readonly path: string }[],
  ): Promise<Result<readonly (string | undefined)[]>>;
  /** The regular files below a tree, with symbolic links inside the tree resolved to what they point at. */
  files(url: string, tree: string): Promise<Result<readonly TreeFile[]>>;
  /** What stands at each path of a commit, in order; `''` is the root. */
  look(url: string, commit: string, paths: readonly string[]): Promise<Result<readonly PathEntry[]>>;
  /**
   * Every path at which two commits differ, directories on the way too. Undefined when that does not tell: links are
   * among them, or they are too many.
   */
  changedPaths(url: string, before: string, after: string): Promise<Result<ReadonlySet<string> | undefined>>;
  /** Of contents, in the order asked; pinned locally by the time this returns. */
  sizes(url: string, blobs: readonly string[]): Promise<Result<readonly number[]>>;
  /** Contents, in the order asked; pinned locally by the time this returns. */
  read(url: string, blobs: readonly string[]): Promise<Result<readonly Uint8Array[]>>;
  close(): Promise<void>;
}
/** What a name stands for in a repository of charts, or in a registry. */
export interface FoundArchive {
  /** The version of a chart, or the digest of an image. */
  readonly name: string;
  /** What people see. */
  readonly label: string;
  /** Of the archive, as the server announces it: `sha256:…`. Absent where an index has none. */
  readonly digest?: Digest;
  /** Where it is read. */
  readonly url: string;
}
export interface ArchiveFile {
  /** From its root, `/` between parts; no link, nothing outside (S2, S3). */
  readonly path: string;
  readonly content: Uint8Array;
}
/** Repositories of charts, and registries. */
export interface Archives {
  /** Asks the server. */
  find(spec: SourceSpec): Promise<Result<FoundArchive>>;
  /** All files of what was found, with the digest of what was read: no other one than was announced (S9). */
  fetch(
    spec: SourceSpec,
    found: FoundArchive,
  ): Promise<Result<{ readonly digest: Digest; readonly files: readonly ArchiveFile[] }>>;
  close(): Promise<void>;
}
export interface LoggedCommit {
  readonly commit: string;
  /** The first is the one that it was made on. */
  readonly parents: readonly string[];
  /** The first line of its message. */
  readonly subject: string;
}
export interface RevertOrder {
  readonly spec: SourceSpec;
  /** The commit on which the reverts are made. */
  readonly on: string;
  /** Newest first; each is undone by a commit of its own, a merge against its first parent. */
  readonly commits: readonly LoggedCommit[];
  /** `Ada <ada@example.com>` */
  readonly author: string;
  readonly atMs: number;
  /** `Reverted-by: ada`: the last lines of each message. */
  readonly trailers: readonly string[];
}
/** What people do with `git revert` and `git push`, done in the local copy without a work tree. */
export interface RepositoryWriter {
  /** The branch that the source follows, and where it stands; undefined: it follows a tag or a commit. */
  branch(spec: SourceSpec): Promise<Result<{ readonly name: string; readonly commit: string } | undefined>>;
  /** From `to` back to `from`, which is left out, along first parents, newest first; at most `max`. */
  log(spec: SourceSpec, from: string, to: string, max: number): Promise<Result<readonly LoggedCommit[]>>;
  /** Makes the commits here, and nowhere else; the answer is the last of them. */
  revert(order: RevertOrder): Promise<Result<string>>;
  /** Never by force: a branch that has moved meanwhile is left as it is. */
  publish(spec: SourceSpec, commit: string, branch: string): Promise<Result<void>>;
}
export interface SecretReader {
  /** The decoded data of a Secret; undefined if there is none. */
  (ref: SecretRef): Readonly<Record<string, string>> | undefined;
}

export interface RenderRequest {
  /** Whose rendering it is: what is kept for one Unit is never given to another. Absent: nothing is kept. */
  readonly unit?: UnitId;
  /** Also what is kept is rendered again, but for values that were made up. */
  readonly anew?: boolean;
  readonly spec: RenderSpec;
  /** Files of the directory that are part of the trace, there or not: they had a say in `spec`. */
  readonly watchedFiles?: readonly string[];
  readonly url: string;
  readonly commit: string;
  /** The directory in the repository; empty for its root. */
  readonly root: string;
  /** Its Git object id. */
  readonly tree: string;
  /** Absent: as without a cluster. */
  readonly view?: ClusterView;
  /** What was rendered with these answers of the cluster may be given without asking it. */
  readonly answered?: Digest;
}
/** What charts ask of the cluster that they are rendered for. */
export interface Capabilities {
  readonly kubeVersion: string;
  /** `apps/v1`, and `apps/v1/Deployment`. */
  readonly apiVersions: readonly string[];
  /** Group versions that cannot say now what they serve: what is missing in them is not known to be missing (F19). */
  readonly unknown: readonly string[];
}
/** The cluster as the templates of one Unit see it: with the eyes of the Unit's identity (S5). */
export interface ClusterView {
  capabilities(): Promise<Result<Capabilities>>;
  /** What Helm's `lookup` finds, in the order asked; a question is the JSON of `[apiVersion, kind, namespace, name]`. */
  lookUp(questions: readonly string[]): Promise<Result<readonly LookupAnswer[]>>;
}
export interface LookupAnswer {
  /** The object, or the list of them, as JSON; empty where there is none. */
  readonly text: string;
  /** Of the text; keyed if it is secret. */
  readonly digest: Digest;
  readonly secret: boolean;
}
/** What a renderer reads from. */
export type RenderFiles = Pick<Repositories, 'look' | 'sizes' | 'files' | 'read'>;
/** Other repositories that files name. */
export interface Remotes {
  /** Inputs of the same Unit, whose ref is the `$NAME` by which the spec knows them. */
  readonly named: readonly RemoteSource[];
  /** The commit to read, and under which address; or why nothing of that repository may be read (S7). */
  pin(remote: RemoteSource): Promise<Result<{ readonly url: string; readonly commit: string }>>;
  readonly files: RenderFiles;
}
/** How an input is rendered that has files which change that, each with its path: in the words of its dialect. */
export interface Overriding {
  (
    overrides: Overrides,
    files: readonly { readonly path: string; readonly text: string }[],
  ): Result<{ readonly render: RenderSpec; readonly warnings: readonly Failure[] }>;
}
/** Renders in a sandbox with a deadline; a hostile tree fails by itself (F13, F16, F20, F21). */
export interface Renderer {
  render(request: RenderRequest, files: RenderFiles, remotes: Remotes): Promise<Result<Rendered>>;
  /** Something will be rendered soon. */
  prepare?(): void;
}
/**
 * What was rendered, across restarts, bounded in size. Nobody may rely on it: anything in it may be gone at any time. It
 * never fails: what cannot be read is not there, and what cannot be written is not kept (F17).
 */
export interface RenderStore {
  get(key: Digest): Promise<Uint8Array | undefined>;
  /** Where room is wanted, what could not be rendered again as it is goes last. */
  put(key: Digest, value: Uint8Array, isOnlyCopy: boolean): Promise<void>;
  remove(key: Digest): Promise<void>;
}

export interface ApplyRequest {
  readonly ref: ObjectRef;
  readonly manifest: Manifest;
  readonly manager: string;
  readonly force: boolean;
  /** 'absent': the object must not be there. Otherwise it must be this one, unchanged if a version is given. */
  readonly expect: 'absent' | { readonly uid: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
  /** On the monotonic clock: it is not sent after that, and given up then (F14). */
  readonly untilMs?: number;
}
export type Written<T> =
  | { readonly result: 'done'; readonly value: T }
  /** The precondition did not hold, or somebody else owns a field that was not to be forced. */
  | { readonly result: 'stale'; readonly why: string };

export interface Applied {
  readonly object: ObservedObject;
  readonly values: FieldValues;
  readonly created: boolean;
  readonly warnings: readonly string[];
}

export interface ObjectChange {
  readonly ref: ObjectRef;
  /** Undefined: it is gone. */
  readonly object?: ObservedObject;
}
export interface FollowBatch {
  /** True once the first list is in; a batch that follows a relist carries everything that changed meanwhile. */
  readonly synced: boolean;
  readonly changed: readonly Manifest[];
  readonly gone: readonly ObjectKey[];
  /** Why nothing can be known at present; it is tried again, and a batch without it says that it could. */
  readonly failure?: Failure;
}
export interface Following {
  stop(): void;
}

export interface MetadataPage {
  readonly items: readonly Metadata[];
  readonly next?: string;
}

/** A Kubernetes API, as the engine uses it. One identity: that of the credentials it was opened with. */
export interface Cluster {
  readonly id: string;
  /** Every served kind, in every served version; cached until `refresh`. */
  resources(refresh?: boolean): Promise<Result<readonly ApiResource[]>>;
  /** As of the last look at the kinds. */
  capabilities(): Promise<Result<Capabilities>>;
  /**
   * Tells when a look shows other kinds, or another version of the cluster, than the one before. From the first
   * listener on, what may change them is watched.
   */
  onKinds(listener: () => void): void;

  /** Follows a selection with bodies. Errors are retried with backoff and counted, never thrown. */
  follow(selection: Selection, listener: (batch: FollowBatch) => void): Following;

  /** Sets which kinds are observed compactly, replacing the earlier set. */
  observe(kinds: readonly GroupVersionKind[]): void;
  onChange(listener: (changes: readonly ObjectChange[]) => void): void;
  /**
   * What is known of these objects, no older than our own last write, nor than `sinceMs` on the monotonic clock (F6);
   * waits until their kinds are listed, at most `deadlineMs`. Kinds that are not observed yet are from now on.
   */
  sightings(refs: readonly ObjectRef[], deadlineMs: number, sinceMs?: number): Promise<readonly Sighting[]>;
  /** Bodies of observed objects without a request where they are kept, else by a read; undefined where absent. */
  bodies(refs: readonly ObjectRef[]): Promise<Result<readonly (Manifest | undefined)[]>>;

  apply(request: ApplyRequest): Promise<Result<Written<Applied>>>;
  /** JSON patch. For `untilMs` see `ApplyRequest`. */
  patch(
    ref: ObjectRef,
    patch: readonly Json[],
    manager: string,
    expect: { readonly uid: string; readonly resourceVersion?: string },
    untilMs?: number,
  ): Promise<Result<Written<Applied>>>;
  remove(
    ref: ObjectRef,
    expect: { readonly uid: string; readonly resourceVersion?: string },
    propagation: Propagation,
    untilMs?: number,
  ): Promise<Result<Written<'gone' | 'deleting'>>>;

  // Plain requests, for our own resources, foreign status and the command line.
  read(ref: ObjectRef): Promise<Result<Manifest | undefined>>;
  list(kind: GroupVersionKind, namespace?: string): Promise<Result<readonly Manifest[]>>;
  /** One page of a collection, without bodies; `next` of the page before. */
  metadata(
    kind: GroupVersionKind,
    page: { readonly namespace?: string; readonly next?: string },
  ): Promise<Result<MetadataPage>>;
  create(manifest: Manifest): Promise<Result<Written<Manifest>>>;
  /** A creation that is not carried out: why the cluster would refuse it, whether or not one of its name is there. */
  tryCreation(manifest: Manifest): Promise<Result<'accepted'>>;
  /** PUT; the manifest's resourceVersion is the precondition. */
  replace(manifest: Manifest): Promise<Result<Written<Manifest>>>;
  mergePatch(ref: ObjectRef, patch: JsonObject): Promise<Result<Written<Manifest>>>;
  delete(ref: ObjectRef, untilMs?: number): Promise<Result<boolean>>;
  close(): Promise<void>;
}

/** What the cluster's store keeps of a live object instead of its body: chosen by main/. */
export interface Lens {
  look(manifest: Manifest): {
    /** Absent when our manager owns nothing of it. */
    readonly projection?: Digest;
    readonly legacy: boolean;
    readonly tracking: Readonly<Record<string, string>>;
    readonly health: ObjectHealth;
    /** Whether its body is worth keeping (compressed): somebody tracks it, or we own fields of it. */
    readonly keepBody: boolean;
  };
  /** The values on the fields that `manager` owns through Apply, with their digest; undefined when it owns none. */
  project(
    manifest: Manifest,
    manager: string,
  ): { readonly values: FieldValues; readonly digest: Digest } | undefined;
  /** Tells of kinds whose objects look otherwise from now on, though they did not change. */
  onOther?(listener: (concerns: (kind: Pick<GroupVersionKind, 'group' | 'kind'>) => boolean) => void): void;
}

/** Digests of plain content, and of secret content under the installation's key. */
export interface Sealer {
  digest(text: string): Digest;
  seal(text: string): Digest;
}

/** What is kept of deployments and drift for reports. Its failures are `RecordsUnwritable`. */
export interface Records {
  /** Where it stands: what was brought in of which Unit, and the drift that is open. */
  standing(): Promise<
    Result<{ readonly marks: readonly RecordMark[]; readonly open: readonly DriftRecord[] }>
  >;
  /** All or nothing; what is there under the same identity is replaced. Also without changes it proves that it can. */
  write(changes: RecordChanges): Promise<Result<undefined>>;
  /** By when they were, oldest first. */
  deployments(query: RecordQuery): Promise<Result<RecordPage<DeploymentRecord>>>;
  /** By when it was seen; what was seen before and is still open comes too. */
  drift(query: RecordQuery): Promise<Result<RecordPage<DriftRecord>>>;
  /** Since when there are records. */
  beganAtMs(): Promise<Result<number>>;
}

/** Where the embedded cluster's objects outlive the process; `resource` and `key` name one object. */
export interface ObjectKeeper {
  load(): {
    readonly version: number;
    readonly objects: readonly { readonly resource: string; readonly object: unknown }[];
  };
  put(resource: string, key: string, version: number, object: unknown): void;
  remove(resource: string, key: string, version: number): void;
}
