/** What a command is given, and how it ends: results on standard output, everything else on standard error. */
import { failureLine, type Failure, type Result } from '#model/failure.ts';
import type { Manifest, SecretRef } from '#model/object.ts';
import type {
  Clock,
  Cluster,
  ClusterView,
  Overriding,
  RenderFiles,
  Repositories,
  RepositoryWriter,
  Renderer,
  Timers,
} from '#model/ports.ts';
import type { Dialect } from '#model/dialect.ts';
import type { Interpreter } from '#model/scripts.ts';
import type { Unit } from '#model/unit.ts';
import type { PlanPorts } from '#pipeline/pipeline.ts';
import { exitCodeOf } from './exit-codes.ts';

/** Thrown to end a command; main/ turns it into one line and an exit code. */
export class CommandEnd extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message = '') {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
}

/** What a plan is made with, before it is known of which Unit. */
export type PipelinePorts = Omit<PlanPorts, 'view'> & {
  readonly view: (unit: Unit) => ClusterView;
  readonly writer: RepositoryWriter;
};

/** Opens what a command needs; whatever was opened is closed when the command ends. */
export interface CommandPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** All kinds that declare Units, the Application first; `namespace` is the control plane's. */
  readonly dialects: (namespace: string) => readonly Dialect[];
  readonly cluster: (options: ClusterOptions) => Promise<Result<Cluster>>;
  readonly pipeline: (
    options: ClusterOptions & { readonly mirror: readonly { readonly from: string; readonly to: string }[] },
    secrets: (ref: SecretRef) => Manifest | undefined,
  ) => Promise<Result<PipelinePorts>>;
  /** Rendering without any cluster. */
  readonly rendering: (options: {
    readonly mirror: readonly { readonly from: string; readonly to: string }[];
  }) => {
    readonly repositories: Repositories;
    readonly renderer: Renderer;
    readonly overriding: Overriding;
    /** A directory on this disk, as it is. */
    readonly directory: (path: string) => RenderFiles;
  };
  /** Lua and jq. */
  readonly interpreter: () => Interpreter;
  /** `-` is standard input. */
  readonly readFile: (path: string) => string;
  readonly writeFile: (path: string, text: string) => void;
  /** Standard output: results. */
  readonly out: (text: string) => void;
  /** Standard error: progress. */
  readonly say: (text: string) => void;
  readonly user: string;
}

export function orEnd<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw endOf(result.failure);
}

export function endOf(failure: Failure): CommandEnd {
  return new CommandEnd(exitCodeOf(failure), failureLine(failure));
}

/** Left-aligned columns with two spaces between. */
export function table(rows: readonly (readonly string[])[]): string {
  return aligned(rows, widthsOf(rows));
}

/** A table whose rows come one after another: the first of them say how wide its columns are. */
export function growingTable(header: readonly string[]): (rows: readonly (readonly string[])[]) => string {
  let widths: readonly number[] | undefined;
  return (rows) => {
    if (widths !== undefined || rows.length === 0) return aligned(rows, widths ?? []);
    widths = widthsOf([header, ...rows]);
    return aligned([header, ...rows], widths);
  };
}

function widthsOf(rows: readonly (readonly string[])[]): readonly number[] {
  return (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
}

function aligned(rows: readonly (readonly string[])[], widths: readonly number[]): string {
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
