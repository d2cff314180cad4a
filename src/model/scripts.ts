/** Scripts that people write, and what becomes of them: health checks and actions of kinds that we do not know. */
import type { JsonObject } from './json.ts';

export interface LuaScript {
  readonly text: string;
  /** With Lua's standard libraries, not just its base and tables. */
  readonly openLibs: boolean;
  /** `argocd-cm, resource.customizations.health.cert-manager.io_Certificate` */
  readonly place: string;
}
export interface KindActions {
  /** Says which actions an object has now. */
  readonly discovery: LuaScript;
  readonly actions: readonly { readonly name: string; readonly script: LuaScript }[];
}
/** What an installation says about kinds; `of` is `group/Kind`, or `Kind` in the core group. */
export interface Customizations {
  /** In order of precedence: globs come after names. */
  readonly health: readonly { readonly of: string; readonly script: LuaScript }[];
  readonly actions: readonly { readonly of: string; readonly actions: KindActions }[];
  /** What cannot be read, by key. */
  readonly problems: readonly { readonly key: string; readonly message: string }[];
}

/** Why a script gave nothing. */
export interface ScriptFailure {
  readonly message: string;
  /** Of the script, from 1. */
  readonly line?: number;
  /** It was ended: for its time, its memory, or because it broke the interpreter. */
  readonly stopped?: true;
}
export type ScriptAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: ScriptFailure };

export interface LuaRequest {
  readonly script: string;
  /** The global `obj`. */
  readonly object: JsonObject;
  /** The global `actionParams`. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly openLibs: boolean;
}
export interface LuaResult {
  /** A table as JSON: an empty one is an array. Absent: it returned nothing. */
  readonly result?: unknown;
  readonly printed?: string;
}

/**
 * Runs scripts in a sandbox, each with a deadline. The caller waits, as for any computation: what needs a verdict has
 * nothing to do without it.
 */
export interface Interpreter {
  lua(request: LuaRequest): ScriptAnswer<LuaResult>;
  /** Something will be run soon. */
  prepare(): void;
  close(): Promise<void>;
}

export interface Cut {
  readonly paths: readonly string[];
  readonly object: JsonObject;
}
/**
 * Takes what jq paths lead to out of objects, in a sandbox, each with a deadline. What fails on an object takes nothing
 * out of it, as where `.spec.list[]` finds no list; only a program that is none, or had to be stopped, is a failure.
 */
export interface PathCutter {
  /** The first of the paths that is no program. */
  check(paths: readonly string[]): Promise<PathFailure | undefined>;
  /** In the order asked. One `asker` whose paths had to be stopped is not asked for again at once. */
  cut(asker: string, cuts: readonly Cut[]): Promise<CutAnswer>;
  close(): Promise<void>;
}
export interface PathFailure extends ScriptFailure {
  readonly path: string;
}
export type CutAnswer =
  | { readonly ok: true; readonly value: readonly JsonObject[] }
  | { readonly ok: false; readonly failure: PathFailure };
