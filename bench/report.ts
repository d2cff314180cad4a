/** What is kept of a run. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { dialectNames, type DialectName } from './dialects.ts';
import { sourceKinds, type SourceKind } from './sources.ts';
import type { Results, Settings } from './workloads.ts';

/** What a run measured: one row of figures each. */
export interface Subject {
  readonly applications: number;
  readonly dialect: DialectName;
  readonly source: SourceKind;
}

/** Where and of what figures were taken. */
export interface Origin {
  readonly startedAt: string;
  readonly commit: string;
  readonly machine: { readonly cpus: string; readonly memoryGb: number };
  readonly node: string;
}

export interface Report extends Subject, Origin {
  readonly kubernetes: string;
  /** The differences that whoever compares has to know. */
  readonly notes: readonly string[];
  readonly settings: Settings;
  readonly results: Results;
}

/** Ad-hoc runs stay here, out of the repository; `--publish` puts a run beside the committed ones. */
const published = path.join(import.meta.dirname, 'results');
const local = path.join(published, 'local');

export function machineAndCommit(): Origin {
  const models = cpus().map(({ model }) => model);
  return {
    startedAt: new Date().toISOString(),
    commit: commitOf(),
    machine: {
      cpus: `${models.length} × ${models[0] ?? 'unknown'}`,
      memoryGb: Math.round(totalmem() / 2 ** 30),
    },
    node: process.version,
  };
}

export function begunReport(subject: Subject, kubernetes: string, settings: Settings): Report {
  return {
    ...subject,
    ...machineAndCommit(),
    kubernetes,
    notes: [
      subject.source === 'directory'
        ? 'Plain directories with the objects that the peers rendered from Kustomize overlays: no Kustomize is run.'
        : 'The Kustomize overlays that the peers rendered.',
      'The API server writes an audit log, which it did not in the peers’ runs.',
    ],
    settings,
    results: {},
  };
}

function commitOf(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', [...args], { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  try {
    const isChanged = git('status', '--porcelain', '--', '../src') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${isChanged ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}

export function saveReport(report: Report, { publish }: { readonly publish: boolean }): string {
  const name = `trueup-${report.dialect}-${report.source}-${report.applications}.json`;
  return save(name, `${JSON.stringify(report, undefined, 1)}\n`, publish);
}

export function fileOf(name: string, publish: boolean): string {
  return path.join(publish ? published : local, name);
}

export function save(name: string, text: string, publish: boolean): string {
  const file = fileOf(name, publish);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return path.relative(process.cwd(), file);
}

export function publishedReports(): readonly Report[] {
  if (!existsSync(published)) return [];
  return readdirSync(published)
    .filter((name) => /^trueup-.*\.json$/.test(name))
    .map((name) => JSON.parse(readFileSync(path.join(published, name), 'utf8')) as Report)
    .toSorted((a, b) => rank(a) - rank(b) || a.applications - b.applications);
}

const rank = ({ source, dialect }: Subject): number =>
  sourceKinds.indexOf(source) * dialectNames.length + dialectNames.indexOf(dialect);
