/** What passes between the renderer's threads: one request, one answer, both plain values. */
import type { Failure, Result } from '#model/failure.ts';
import type { JsonObject } from '#model/json.ts';
import type { Position } from '#model/object.ts';
import type {
  CapabilityQuestions,
  ClusterQuestions,
  RemoteSource,
  RenderedObject,
  TreePaths,
} from '#model/rendered.ts';

/** The part of the repository that is known so far; paths from its root. */
export interface KnownTree {
  readonly directories: Readonly<Record<string, readonly string[]>>;
  readonly known: readonly string[];
  readonly absent: readonly string[];
  readonly files: readonly { readonly path: string; readonly content: Uint8Array }[];
  /** Directories that stand for other repositories. */
  readonly mounts?: readonly (RemoteSource & { readonly at: string })[];
}
/** Another repository, and where it is named. */
export interface NeededRemote extends RemoteSource, Position {}
export interface SandboxRequest {
  readonly op: 'decode' | 'kustomize' | 'helm' | 'jsonnet';
  readonly options: JsonObject;
  readonly tree: KnownTree;
  /** For messages that have no file of their own. */
  readonly root: string;
  /** Of one object as JSON. */
  readonly objectBytesMax: number;
  /** Files that may be for something else than Kubernetes: what is wrong with them is only a warning. */
  readonly lenient: readonly string[];
}
export type Answer =
  /** Once more, with these too. */
  | {
      readonly kind: 'need';
      readonly nodes: readonly string[];
      readonly files: readonly string[];
      readonly lookups: readonly string[];
      /** Where the first of the lookups is asked for. */
      readonly at: Position;
      readonly remotes: readonly NeededRemote[];
    }
  | {
      readonly kind: 'done';
      readonly objects: readonly RenderedObject[];
      readonly warnings: readonly Failure[];
      /** Mounts are directories in it. */
      readonly trace: TreePaths;
      readonly asked: ClusterQuestions;
      /** Template functions that give something else each time. */
      readonly random: readonly string[];
      /** What the official command prints, where that was asked for. */
      readonly text?: string;
    };

/** Where requests are answered: sandbox.ts, or a test's own. */
export interface RenderSandbox {
  render(request: SandboxRequest): Promise<Result<Answer>>;
  /** Whose output it is: part of every render key. */
  version(): Promise<string>;
}

/** What the module answers, before it is made ours. */
export interface RawAnswer {
  readonly need?: {
    readonly nodes?: readonly string[];
    readonly files?: readonly string[];
    readonly lookups?: readonly string[];
    readonly path?: string;
    readonly line?: number;
    readonly remotes?: readonly NeededRemote[];
  };
  readonly failure?: RawFailure;
  readonly value?: {
    readonly objects?: readonly RawObject[];
    readonly files?: readonly {
      readonly path: string;
      readonly objects: readonly RawObject[];
      readonly failure?: RawFailure;
      readonly duplicates?: readonly number[];
    }[];
    readonly trace: TreePaths & Pick<ClusterQuestions, 'lookups'>;
    readonly capabilities?: CapabilityQuestions;
    readonly random?: readonly string[];
    readonly text?: string;
  };
}
export interface RawFailure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly path?: string;
  readonly line?: number;
}
export interface RawObject {
  readonly path?: string;
  readonly line?: number;
  readonly bytes: number;
  readonly object: unknown;
}
