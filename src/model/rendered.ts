/** What rendering gives, and what it depended on. */
import type { Failure } from './failure.ts';
import type { Digest } from './json.ts';
import type { Manifest, ObjectRef, Position } from './object.ts';

/** A file of a source's tree: named by content, read through a port. */
export interface TreeFile {
  /** Relative to the tree's root, `/` between parts. */
  readonly path: string;
  /** The Git object id of its content. */
  readonly blob: string;
  readonly sizeBytes: number;
}

/** What stands at a path of a commit, symbolic links followed. */
export type PathEntry = (
  | { readonly kind: 'absent' }
  | { readonly kind: 'file'; readonly blob: string }
  /** Directories among the names end with `/`. */
  | { readonly kind: 'directory'; readonly names: readonly string[] }
) & {
  /** A link led there, or is among the names: it depends on more than on its own path. */
  readonly isLinked?: true;
};

/**
 * Another repository that files name, and a name in it; empty for its default branch. `$NAME` is the input of the same
 * Unit that has this name, at the revision that it is located at.
 */
export interface RemoteSource {
  readonly url: string;
  readonly ref: string;
}

/** Paths of one repository, from its root. */
export interface TreePaths {
  readonly files: readonly string[];
  readonly listings: readonly string[];
  readonly absent: readonly string[];
}
/** What a chart asked of the cluster that it is rendered for. */
export interface ClusterQuestions {
  /** What `lookup` was asked; see `ClusterView`. */
  readonly lookups?: readonly string[];
  readonly capabilities?: CapabilityQuestions;
}
export interface CapabilityQuestions {
  readonly kubeVersion: boolean;
  readonly apiVersions: readonly string[];
  /** It may depend on any of them. */
  readonly whole: boolean;
}
export interface CapabilityAnswers {
  readonly kubeVersion?: string;
  readonly apiVersions: Readonly<Record<string, boolean>>;
  readonly whole?: Digest;
}
export interface RemotePaths extends RemoteSource, TreePaths {
  /** What the name stood for. */
  readonly commit: string;
}
/** The paths and questions of a trace: what stands there, and is answered, says whether another commit renders the same. */
export interface TracePaths extends TreePaths, ClusterQuestions {
  /** Of other repositories; absent where none was named. */
  readonly remotes?: readonly RemotePaths[];
  /** Of what the cluster answered; absent where it was asked nothing. */
  readonly answered?: Digest;
}

/** What stood at paths of one repository. */
export interface TreeTrace {
  readonly files: Readonly<Record<string, string>>;
  readonly listings: Readonly<Record<string, Digest>>;
  readonly absent: readonly string[];
}
/** What the cluster answered. */
export interface ClusterTrace {
  /** Digests of what `lookup` found; keyed for Secrets. */
  readonly lookups?: Readonly<Record<string, Digest>>;
  readonly capabilities?: CapabilityAnswers;
}
export interface RemoteTrace extends RemoteSource, TreeTrace {
  readonly commit: string;
}
/** What rendering read; the digest of its content, with the spec and the renderer's version, is the render key. */
export interface Trace extends TreeTrace, ClusterTrace {
  readonly remotes?: readonly RemoteTrace[];
}

export interface RenderedObject {
  /** The namespace is as written; the planner knows which kinds have one. */
  readonly ref: ObjectRef;
  readonly manifest: Manifest;
  readonly at: Position;
}

export interface Rendered {
  readonly key: Digest;
  readonly objects: readonly RenderedObject[];
  readonly trace: Trace;
  readonly warnings: readonly Failure[];
}
