/**
 * A Unit is what is wanted: what to fetch, how to render it, where it goes, under which policy. A dialect
 * compiles it from a foreign resource; the engine knows nothing of that resource but its name.
 */
import type { Failure } from './failure.ts';
import type { Digest, JsonObject } from './json.ts';
import type { GroupKind, ObjectKey, ObjectRef, SecretRef } from './object.ts';
import type { RepositoryAccess } from './repository-access.ts';

export type GitRef =
  /** `on`: the branch on which people expect it, for what they are shown. */
  | { readonly commit: string; readonly on?: string }
  | { readonly tag: string }
  | { readonly branch: string }
  /** The highest tag in a range of versions. `orName`: where there is none, what has that name. */
  | { readonly semver: string; readonly orName?: true }
  /** A branch, a tag or a full commit: looked up in that order. `HEAD` is the default branch. */
  | { readonly name: string };

export interface SourceSpec {
  /** `helm`: a repository of charts with an index; `oci`: a repository of a registry, `oci://host/path`. */
  readonly kind: 'git' | 'helm' | 'oci';
  readonly url: string;
  /** Which chart of a `helm` repository. */
  readonly chart?: string;
  /** Of archives: a version or tag as `name`, a digest as `name`, or a range of versions. */
  readonly ref: GitRef;
  readonly credentials?: SecretRef;
  /** The login goes to whatever origin the index of a `helm` repository names, too. */
  readonly passCredentials?: boolean;
  /** Whom to trust beside what the machine trusts. */
  readonly trust?: Trust;
  /** Who must have signed what is used (S8); of archives there is no such thing, and it refuses them. */
  readonly signed?: SignatureRule;
  /** How often it is asked what is new; 0: only when somebody asks. Absent: as often as the installation says. */
  readonly pollMs?: number;
  /** How long its server may keep us waiting; absent: the usual time. */
  readonly timeout?: SourceTimeout;
}

export interface SourceTimeout {
  readonly ms: number;
  /** Where it can be raised, as messages name it. */
  readonly where: string;
}

export interface SignatureRule {
  /** Public keys: armoured ones of GPG, or lines of SSH. */
  readonly keys?: readonly string[];
  /** A Secret whose values are such keys. */
  readonly secret?: SecretRef;
  /** Of the GPG keys that may sign; absent: any of the keys. */
  readonly ids?: readonly string[];
  /** Which of the two must be signed. `either`: the tag where an annotated one is followed, else the commit. */
  readonly what: 'commit' | 'tag' | 'both' | 'either';
  /** Where the keys are, as messages name it. */
  readonly where: string;
}

/** How its server is reached, and whom it may be. */
export interface Trust {
  /** The Secret that names a proxy for it. */
  readonly proxy?: SecretRef;
  /** Authorities, or the server's own certificates, as PEM: then only these. */
  readonly certificates?: string;
  /** In the form of `known_hosts`. */
  readonly knownHosts?: string;
}

export type Ancestry =
  /** Nothing of this source was applied before. */
  | 'first'
  | 'same'
  | 'descendant'
  /** An ancestor of what was applied: older after newer (F10). */
  | 'older'
  /** Neither: history was rewritten. */
  | 'rewritten';

export interface Revision {
  readonly url: string;
  /** The full commit. */
  readonly commit: string;
  /** How statuses name it where that is not the commit: the version of a chart, the digest of an image. */
  readonly name?: string;
  /** What people see: `main@1f2e3d4c`. */
  readonly label: string;
  readonly author: string;
  /** The first line of the commit's message. */
  readonly message: string;
  readonly atMs: number;
}

export interface DirectoryRender {
  readonly kind: 'directory';
  readonly recurse: boolean;
  /** A glob over paths relative to the directory; `{a,b}` alternatives. */
  readonly include?: string;
  readonly exclude?: string;
  readonly jsonnet?: JsonnetOptions;
}
export interface JsonnetOptions {
  /** `code`: the value is an expression, and else a text. */
  readonly extVars?: readonly JsonnetVariable[];
  /** Of files that are functions. */
  readonly tlas?: readonly JsonnetVariable[];
  /** Directories in which imports are looked for, from the root of the repository. */
  readonly libs?: readonly string[];
}
export interface JsonnetVariable {
  readonly name: string;
  readonly value: string;
  readonly code: boolean;
}
export interface KustomizeRender {
  readonly kind: 'kustomize';
  /** Whether files outside of the directory of their kustomization may be read: by default they may not. */
  readonly loadRestriction: 'root' | 'none';
  readonly edits: KustomizeEdits;
  /** A directory without a kustomization file is read as if it had one that names every manifest below it. */
  readonly generates?: GeneratedKustomization;
}
export interface GeneratedKustomization {
  /** Files that are left out, in the form of `.gitignore`, after those that `.sourceignore` files name. */
  readonly ignore: string;
  /** Whether `.sourceignore` files of the repository count. */
  readonly readsIgnoreFiles: boolean;
}
/** Laid over the kustomization file, as `kustomize edit` does. */
export interface KustomizeEdits {
  readonly namePrefix?: string;
  readonly nameSuffix?: string;
  readonly namespace?: string;
  /** `name:tag`, `name@digest`, `name=other:tag`. */
  readonly images?: readonly string[];
  readonly imageFields?: readonly {
    readonly name: string;
    readonly newName?: string;
    readonly newTag?: string;
    readonly digest?: string;
  }[];
  readonly replicas?: readonly { readonly name: string; readonly count: number }[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly labelsForced?: boolean;
  readonly labelsWithoutSelector?: boolean;
  readonly labelsInTemplates?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly annotationsForced?: boolean;
  /** As the `patches` of a kustomization file. */
  readonly patches?: readonly JsonObject[];
  readonly components?: readonly string[];
  /** Components that are not there are left out. */
  readonly componentsMayMiss?: boolean;
  /** Set on every object once it is built, over what it has. */
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}
export interface HelmRender {
  readonly kind: 'helm';
  readonly releaseName: string;
  readonly namespace: string;
  /** Absent: what Helm assumes without a cluster. */
  readonly kubeVersion?: string;
  readonly apiVersions?: readonly string[];
  readonly values: HelmValues;
  readonly skipCrds?: boolean;
  readonly skipTests?: boolean;
  readonly skipSchemaValidation?: boolean;
  /** The logins of the repositories of its dependencies go to whatever origin their indexes name, too. */
  readonly passCredentials?: true;
}
/** Laid over each other in this order. */
export interface HelmValues {
  /** Relative to the chart; from the root of the repository with `/`, of another input with `$NAME/` before them. */
  readonly files?: readonly string[];
  readonly ignoreMissing?: boolean;
  /** YAML texts. */
  readonly inline?: readonly string[];
  /** `a.b[0]=c`. */
  readonly set?: readonly string[];
  readonly setString?: readonly string[];
  readonly setFile?: readonly { readonly name: string; readonly path: string }[];
}
/** By what is in the directory: a kustomization file, else Chart.yaml, else plain files. */
export interface DetectRender {
  readonly kind: 'detect';
  /** Not looked for. */
  readonly without?: readonly ('kustomize' | 'helm')[];
  readonly directory: DirectoryRender;
  readonly kustomize: KustomizeRender;
  readonly helm: HelmRender;
}
/** Nothing is rendered from it: its files are there for other inputs. */
export interface NoRender {
  readonly kind: 'none';
}
export type RenderSpec = DirectoryRender | KustomizeRender | HelmRender | DetectRender;

/** Files of an input's directory that change how it is rendered. */
export interface Overrides {
  /** Where several are there, what a later one says goes before what an earlier one says. */
  readonly files: readonly string[];
  /** What they change, in the words of the dialect. */
  readonly of: JsonObject;
}
export interface Input {
  readonly source: SourceSpec;
  /** What other inputs of its Unit call its files: `$NAME/path`. */
  readonly name?: string;
  /** Relative to the root of the source; `.` is the root. */
  readonly path: string;
  readonly render: RenderSpec | NoRender;
  readonly overrides?: Overrides;
}

export type Propagation = 'Foreground' | 'Background' | 'Orphan';

export interface Retry {
  readonly limit: number | 'forever';
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

export interface SyncPolicy {
  readonly trigger: 'automatic' | 'manual' | 'suspended';
  readonly prune: boolean;
  readonly selfHeal: boolean;
  readonly allowEmpty: boolean;
  readonly createNamespace: boolean;
  /** Undefined: as the kind of the object needs it. */
  readonly propagation: Propagation | undefined;
  readonly retry: Retry;
  /** How long a Run waits for one thing, at most. */
  readonly waitMaxMs?: number;
  /** For every object that does not say otherwise. */
  readonly objects?: Partial<ObjectOptions>;
  /** A sync leaves ignored fields as they are too, and not only their differences out of account. */
  readonly respectsIgnored?: true;
}

/** Fields of objects whose differences do not count. */
export interface IgnoreRule extends GroupKind {
  /** Absent: every one. */
  readonly name?: string;
  readonly namespace?: string;
  /** JSON pointers. */
  readonly pointers: readonly string[];
  /** Field managers: what they own. */
  readonly managers: readonly string[];
  readonly jq?: {
    readonly paths: readonly string[];
    /** As messages name it. */
    readonly where: string;
  };
}

/** When syncs are allowed or denied: from each start for as long as it lasts. */
export interface SyncWindow {
  readonly kind: 'allow' | 'deny';
  /** Five fields of cron. */
  readonly schedule: string;
  readonly durationMs: number;
  readonly timeZone: string;
  /** It does not hold for what a person asks for. */
  readonly manualSync: boolean;
  /** Whose it is, for people. */
  readonly of: string;
}

/** confirm: when a person has confirmed it. */
export type Consent = 'yes' | 'no' | 'confirm';
/** How one object is dealt with. */
export interface ObjectOptions {
  /** Whether it is deleted when Git does not have it any more. */
  readonly prune: Consent;
  /** Whether it is deleted with the Unit. */
  readonly deletion: Consent;
  /** Deleted only when everything else is applied and healthy. */
  readonly pruneLast: boolean;
  /** Written whole, so that it has nothing that Git does not have. */
  readonly replace: boolean;
  /** Deleted and made anew where it cannot be changed; with `replace`, in every sync. */
  readonly force: boolean;
  /** Its kind may be served only after something else is applied. */
  readonly awaitsKind: boolean;
  /** It is not out of sync because Git does not have it. */
  readonly ignoresExtraneous: boolean;
  /** What becomes of its dependents when it is pruned; absent: as the Unit says. */
  readonly propagation?: Propagation;
}
export const usualOptions: ObjectOptions = {
  prune: 'yes',
  deletion: 'yes',
  pruneLast: false,
  replace: false,
  force: false,
  awaitsKind: false,
  ignoresExtraneous: false,
};

/** Of a sync. fail: only when it fails in one of the others. */
export type SyncPhase = 'pre' | 'sync' | 'post' | 'fail';
/** Of the end of a Unit: before its objects are deleted, and after. */
export type DeletionPhase = 'pre-delete' | 'post-delete';
export type Phase = SyncPhase | DeletionPhase;

/** What annotations of rendered objects ask for, with the keys and values that the dialect's users know. */
export interface Conventions {
  /** They number the wave; the first that an object has counts. */
  readonly waves: readonly string[];
  /** The first that an object has counts. */
  readonly hooks: readonly HookConvention[];
  /** Comma-separated lists; what several say of one thing, the last decides. */
  readonly options: readonly {
    readonly key: string;
    readonly values: Readonly<Record<string, Partial<ObjectOptions>>>;
  }[];
}
export interface HookConvention {
  readonly key: string;
  /** Of a comma-separated list. object: it is applied like any other. skip: it is not applied. */
  readonly values: Readonly<Record<string, Phase | 'object' | 'skip'>>;
  /** Those of all conventions hold. */
  readonly deletion: { readonly key: string; readonly values: Readonly<Record<string, HookDeletion>> };
}
/** When a hook's object is deleted: before the hook runs again, when its sync has succeeded, when its sync has failed. */
export type HookDeletion = 'before' | 'succeeded' | 'failed';

/** Part of every key: what one identity sees or may do says nothing of another (S5). */
export interface Target {
  readonly cluster: string;
  /** Who applies: empty for the control plane's own identity. */
  readonly identity: string;
  /** Given to namespaced objects that name none. */
  readonly namespace: string;
  /** What the namespace itself is to have, where the Unit makes it. */
  readonly namespaceMetadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** What may be applied at all. Patterns are globs over names; absent means no limit. */
export interface Limits {
  readonly refusedAnnotations: readonly RefusedAnnotation[];
  /** Kinds that the control plane leaves alone. */
  readonly excluded?: readonly KindPatterns[];
  /** Present: all other kinds are left alone, too. */
  readonly included?: readonly KindPatterns[];
  /** Which these are cannot be read: nothing is deleted. */
  readonly unreadable?: Failure;
  readonly namespaces?: readonly string[];
  readonly clusterKinds?: KindLists;
  readonly namespacedKinds?: KindLists;
}
/** Globs; of each list one must match. */
export interface KindPatterns {
  readonly apiGroups: readonly string[];
  readonly kinds: readonly string[];
}
export interface KindLists {
  readonly allow?: readonly GroupKind[];
  readonly deny?: readonly GroupKind[];
}

/** How ownership is marked on objects; keys and values as the dialect's users know them. */
export interface Tracking {
  /** The declaring resource's name as the marks carry it: the values of the labels, joined by `/`. */
  readonly owner: string;
  /** It names the owner and the object, so that a copy of it says nothing. */
  readonly annotation?: string;
  /** An annotation beside it: the mark of another installation, or of none, says nothing. */
  readonly installation?: { readonly key: string; readonly value: string };
  readonly labels?: readonly { readonly key: string; readonly value: string }[];
}

/** What somebody has to do who wants something of a Unit: each dialect's users have their own ways to say it. */
export interface Wishes {
  /** To have it synced now, and taken over from another controller. */
  readonly sync: string;
  /** To have exactly one plan run; `{plan}` stands for its digest. */
  readonly approve: string;
  /** To have what came with a takeover, and is not in Git, deleted. */
  readonly prune: string;
  /** To let a source that gives no objects delete all of them. */
  readonly allowEmpty: string;
  /** To leave differences of fields to somebody else; `{rule}` stands for the rule. Absent: there are no such rules. */
  readonly ignore?: string;
  /** To have objects deleted that ask for a person's word; absent: none can ask. */
  readonly confirm?: string;
}

/** A person's word for exactly one plan, as it is kept. */
export interface Approval {
  readonly plan: Digest;
  readonly by: string;
  /** Absent where they did not say it. */
  readonly atMs?: number;
}

/** Whose word this plan has, if anybody's. */
export function approvalFor(
  { approved, approvedBy = 'approval', approvedAtMs }: Unit,
  plan: Digest,
): Approval | undefined {
  if (approved !== plan) return undefined;
  return { plan, by: approvedBy, ...(approvedAtMs === undefined ? {} : { atMs: approvedAtMs }) };
}

/** How a person approves the plan of this digest, in words. */
export function approval({ wishes }: Pick<Unit, 'wishes'>, plan: string): string {
  return wishes.approve.replace('{plan}', plan);
}

/** Whose health makes a Unit ready, for those that depend on it: everything that it applies, or these objects. */
export interface Awaited {
  readonly objects: 'all' | readonly ObjectRef[];
  /** After that it is said to have failed; it is still waited for. */
  readonly timeoutMs: number;
}

/** The UID of the declaring resource, and `/target` where it declares several. */
export type UnitId = string;
/** Of the resource that declares it: one of the same name that is made later has another. */
export const ownerUid = (unit: UnitId): string => unit.split('/')[0]!;

export interface ObjectPattern extends GroupKind {
  readonly name: string;
  /** Absent: in any namespace. */
  readonly namespace?: string;
  /** All objects but these. */
  readonly exclude?: true;
}

/** A person's demand for one sync now. */
export interface SyncRequest {
  readonly by: string;
  /** Instead of what its sources say, in the order of its inputs; empty: what that one says. Absent: what all say. */
  readonly revisions?: readonly string[];
  readonly prune: boolean;
  readonly dryRun: boolean;
  /** What cannot be changed is deleted and made anew. */
  readonly force?: true;
  /** The digest of the plan that it is for: no other one is run. */
  readonly plan?: string;
  /** Objects are applied, and no hooks are run. */
  readonly withoutHooks?: true;
  /** Only these objects; hooks are not run. */
  readonly only?: readonly ObjectPattern[];
  /** Absent: it is tried once. */
  readonly retry?: Retry;
  /** As it stands in the resource, for the status that answers it. */
  readonly asWritten?: JsonObject;
  /** What it asks for and does not get: non-empty means that nothing is done. */
  readonly refused: readonly Failure[];
}

export interface Termination {
  readonly startedAt: string;
  readonly by: string;
  /** What the status says of the one that began then, if it tells of that one: that it is the request which stands there. */
  readonly told?: 'running' | 'over';
}

export interface Unit {
  readonly id: UnitId;
  readonly owner: ObjectRef;
  /** Of its spec; undefined where the resource's counts its status too, and so every write of ours. */
  readonly generation: number | undefined;
  /** The field manager under which its objects are applied. */
  readonly manager: string;
  readonly inputs: readonly Input[];
  /** Other repositories that the files of its inputs may name. */
  readonly remotes: RepositoryAccess;
  /** ConfigMaps and Secrets whose content is an input of rendering. */
  readonly external: readonly SecretRef[];
  readonly target: Target;
  readonly tracking: Tracking;
  readonly wishes: Wishes;
  readonly limits: Limits;
  /** Absent: annotations ask for nothing. */
  readonly conventions?: Conventions;
  readonly sync: SyncPolicy;
  readonly ignores?: readonly IgnoreRule[];
  /** Annotations of Secrets whose values nobody is shown, as those of their data. Absent: none. */
  readonly sensitiveAnnotations?: readonly string[];
  /** Absent: at any time. */
  readonly windows?: readonly SyncWindow[];
  /** Write status for every commit, even one that changes nothing of this Unit. */
  readonly followsEveryCommit: boolean;
  /** The resources whose Units must be ready first. */
  readonly dependsOn: readonly ObjectKey[];
  /** Absent: it is ready as soon as everything is applied. */
  readonly awaited?: Awaited;
  /** Known but not honoured (F30): non-empty means that nothing is written. */
  readonly unsupported: readonly Failure[];
  /** Honoured in part, cosmetic: shown as warnings. */
  readonly warnings: readonly Failure[];
  /** The resource is being deleted, and its objects with it, unless it leaves them. */
  readonly teardown?: Teardown;
  /** When a person last confirmed deletions, in milliseconds since 1970. */
  readonly confirmedAtMs?: number;
  readonly request?: SyncRequest;
  readonly refresh?: 'normal' | 'hard';
  /** A person wants the operation ended that began then, in the words of the status: no other one is meant. */
  readonly terminate?: Termination;
  /** The digest of a held plan that a person approved. */
  readonly approved?: string;
  /** Who did, in their own words. */
  readonly approvedBy?: string;
  readonly approvedAtMs?: number;
  /** What another controller recorded of its work before us: seeds the inventory once. */
  readonly predecessor?: Predecessor;
}

/** One stage of the end of a Unit: its objects go, or these hooks are run. */
export interface Teardown {
  readonly propagation: Propagation;
  readonly leavesObjects?: true;
  readonly hooks?: {
    readonly phase: DeletionPhase;
    /** Only their delete policies are left to be followed. */
    readonly haveRun?: true;
    /** What to do to have it go without them. */
    readonly without: string;
  };
}

export interface Predecessor {
  /** Who wrote the foreign status. */
  readonly manager: string;
  /** When it did so last. */
  readonly atMs: number;
  /** When we wrote it last, if ever. */
  readonly oursAtMs?: number;
  /** Present while the old controller runs: where it was seen. */
  readonly running?: string;
  /** The lock under which the old controller works: while somebody renews it, one runs. */
  readonly lock?: Lock;
  readonly objects: readonly ObjectRef[];
  /** What it deployed, oldest first. */
  readonly history: readonly PastSync[];
}

export interface Lock {
  /** What it is, and who holds it, for people. */
  readonly holder: string;
  readonly renewedAtMs: number;
  readonly durationMs: number;
}

/** A deployment that another controller recorded. */
export interface PastSync {
  readonly id: number;
  readonly revisions: readonly Pick<Revision, 'url' | 'commit'>[];
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly by: string;
}

/** An annotation of rendered objects that changes what is done, and that is not honoured yet (F30). */
export interface RefusedAnnotation {
  readonly key: string;
  /** A label of that key asks for the same. */
  readonly alsoLabel?: true;
  /** Values that ask for nothing that is not done anyway; each part of a comma-separated list must be one. */
  readonly harmless: readonly string[];
  /** Values that are passed over, each with the reason: a warning says so. */
  readonly idle?: Readonly<Record<string, string>>;
}
