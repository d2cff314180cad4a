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

/** The paths of a trace: whatever stands there in another commit says whether that renders the same. */
export interface TracePaths {
  readonly files: readonly string[];
  readonly listings: readonly string[];
  readonly absent: readonly string[];
}

/** What rendering read, paths from the repository's root; its digest, with the spec and the renderer's version, is the render key. */
export interface Trace {
  readonly files: Readonly<Record<string, string>>;
  readonly listings: Readonly<Record<string, Digest>>;
  readonly absent: readonly string[];
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
