/** `trueup report`: what was delivered in a time, how well, and how much of the cluster Git explains. */
import type { Result } from '#model/failure.ts';
import type { DeploymentRecord, DriftRecord, RecordPage, RecordQuery } from '#model/record.ts';
import { parseDuration, parseTimestamp, timestamp } from '#model/time.ts';
import type { LiveShare } from '#pipeline/record/live-share.ts';
import type { Report } from '#pipeline/record/report.ts';
import { CommandEnd, orEnd, table, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import {
  deploymentCells,
  deploymentHead,
  driftCells,
  driftHead,
  figures,
  shareLines,
} from './report-text.ts';
import { listedKinds, refOfWords, type ResourceOptions } from './resources.ts';

export interface ReportOptions extends ResourceOptions {
  readonly since: string;
  readonly until?: string;
  readonly app?: string;
  readonly events?: boolean;
  /** False: what lives in the cluster is not listed. */
  readonly objects: boolean;
  readonly output: 'table' | 'markdown' | 'json';
}

/** Where the records are read: a running server, or its file. */
export interface ReportSource {
  /** Its objects are absent where this source does not see the cluster. */
  report(
    query: RecordQuery,
    withObjects: boolean,
  ): Promise<Result<Report & { readonly objects?: LiveShare }>>;
  deployments(query: RecordQuery): Promise<Result<RecordPage<DeploymentRecord>>>;
  drift(query: RecordQuery): Promise<Result<RecordPage<DriftRecord>>>;
}
export interface ReportPorts extends Pick<CommandPorts, 'clock' | 'dialects' | 'out' | 'say'> {
  readonly open: () => Promise<Result<ReportSource>>;
}

const dayMs = 86_400_000;

export async function reportCommand(options: ReportOptions, ports: ReportPorts): Promise<void> {
  const query = queryOf(options, ports);
  const source = orEnd(await ports.open());
  const report = orEnd(await source.report(query, options.objects));
  const events = options.events === true ? await eventsOf(source, query) : undefined;
  if (options.output === 'json') {
    ports.out(`${JSON.stringify({ ...report, ...(events === undefined ? {} : { events }) }, null, 2)}\n`);
    return;
  }
  const isMarkdown = options.output === 'markdown';
  const form = isMarkdown ? markdownTable : table;
  ports.out(form([...(isMarkdown ? [['figure', 'value']] : []), ...figures(report, options.objects)]));
  const lines = report.objects === undefined ? [] : shareLines(report.objects);
  if (lines.length > 0)
    ports.out(`\n${lines.map((line) => `${isMarkdown ? '- ' : '  '}${line}\n`).join('')}`);
  if (events === undefined) return;
  if (events.deployments.length > 0)
    ports.out(`\n${form([deploymentHead, ...events.deployments.map(deploymentCells)])}`);
  if (events.drift.length > 0) ports.out(`\n${form([driftHead, ...events.drift.map(driftCells)])}`);
}

function queryOf(options: ReportOptions, ports: ReportPorts): RecordQuery {
  const nowMs = ports.clock.now();
  const untilMs = options.until === undefined ? nowMs : momentOf('--until', options.until, nowMs);
  const fromMs = momentOf('--since', options.since, untilMs);
  if (fromMs >= untilMs)
    throw new CommandEnd(
      exitCodes.usage,
      `--since ${timestamp(fromMs)} is not before --until ${timestamp(untilMs)}`,
    );
  const { app, namespace, isNamespaceGiven } = options;
  if (app === undefined) return { fromMs, untilMs, ...(isNamespaceGiven === true ? { namespace } : {}) };
  const { kind, namespace: of, name } = refOfWords([app], listedKinds(ports.dialects(namespace)), options);
  return { fromMs, untilMs, kind, namespace: of, name };
}

/** `30d`, `2w`, `12h`: so long before; else a day or a moment. */
function momentOf(option: string, text: string, beforeMs: number): number {
  const [, count, unit] = /^(\d+)([dw])$/.exec(text) ?? [];
  if (count !== undefined) return beforeMs - Number(count) * (unit === 'w' ? 7 : 1) * dayMs;
  const agoMs = /^\d+$/.test(text) ? undefined : parseDuration(text);
  if (agoMs !== undefined) return beforeMs - agoMs;
  const atMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? parseTimestamp(text) : undefined;
  if (atMs !== undefined) return atMs;
  throw new CommandEnd(
    exitCodes.usage,
    `${option} ${text}: write it as 30d, 2w, 12h, 2026-01-31 or 2026-01-31T12:00:00Z`,
  );
}

async function eventsOf(
  source: ReportSource,
  query: RecordQuery,
): Promise<{ readonly deployments: readonly DeploymentRecord[]; readonly drift: readonly DriftRecord[] }> {
  return {
    deployments: await all((next) => source.deployments({ ...query, ...next })),
    drift: await all((next) => source.drift({ ...query, ...next })),
  };
}

async function all<T>(
  read: (next: { readonly next?: string }) => Promise<Result<RecordPage<T>>>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let next: string | undefined;
  do {
    const page: RecordPage<T> = orEnd(await read(next === undefined ? {} : { next }));
    items.push(...page.items);
    next = page.next;
  } while (next !== undefined);
  return items;
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  const [head = [], ...rest] = rows;
  return [line(head), `|${head.map(() => '---|').join('')}\n`, ...rest.map(line)].join('');
}
