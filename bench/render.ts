/**
 * Measures the renderer: renders a second, milliseconds and CPU each, cold and warm, memory, and a fleet in which one
 * commit touches one application; beside the same libraries as a native program and a process for each render.
 *
 *   npm run bench:render -- [--parts cases,memory,fleet] [--cases kustomize-3,…] [--seconds 5] [--fleet 2000]
 *                           [--publish]
 *   npm run bench:render -- --table          prints the table of the published results
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { systemTimers } from '#host/clock.ts';
import { Sandbox } from '../src/pipeline/render/sandbox.ts';
import { machineCpuS } from './processes.ts';
import { renderCases } from './render-cases.ts';
import type { Cold, Memory } from './render-child.ts';
import { measureFleet } from './render-fleet.ts';
import { measure, type Measured } from './render-measure.ts';
import { buildBinaries } from './render-native.ts';
import { renderTableOf, type CaseReport, type RenderReport } from './render-table.ts';
import {
  NotThere,
  nativeVariants,
  recorded,
  sandboxed,
  sandboxedOnce,
  type Variant,
} from './render-variants.ts';
import { fileOf, machineAndCommit, save } from './report.ts';
import { round, say, spreadOf } from './time.ts';

const { values } = parseArgs({
  options: {
    parts: { type: 'string', default: 'cases,memory,fleet' },
    cases: { type: 'string', default: Object.keys(renderCases).join(',') },
    seconds: { type: 'string', default: '5' },
    cold: { type: 'string', default: '3' },
    fleet: { type: 'string', default: '2000' },
    changes: { type: 'string', default: '10' },
    publish: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
  },
});
const reportName = 'render.json';

function inChild<T>(name: string, what: 'cold' | 'memory'): T {
  const script = path.join(import.meta.dirname, 'render-child.ts');
  const text = execFileSync(process.execPath, [script, name, what], { encoding: 'utf8' });
  return JSON.parse(text) as T;
}

function coldOf(name: string): CaseReport['cold'] {
  const runs = Array.from({ length: Number(values.cold) }, () => inChild<Cold>(name, 'cold'));
  const of = (read: (run: Cold) => number) => {
    const { all: _, ...spread } = spreadOf(runs.map(read));
    return spread;
  };
  return {
    loadMs: of(({ loadMs }) => loadMs),
    firstMs: of(({ firstMs }) => firstMs),
    secondMs: of(({ secondMs }) => secondMs),
    nextWorkerMs: of(({ nextWorkerMs }) => nextWorkerMs),
  };
}

async function caseOf(name: string, variants: readonly Variant[]): Promise<CaseReport> {
  const one = renderCases[name];
  if (one === undefined) throw new Error(`--cases are of ${Object.keys(renderCases).join(', ')}`);
  const sandbox = new Sandbox({ workers: 1, deadlineMs: 120_000, timers: systemTimers });
  const { rounds, last } = await recorded(one, sandbox);
  await sandbox.close();
  const seconds = Number(values.seconds);
  const measured: Record<string, Measured> = {};
  for (const variant of variants) {
    try {
      measured[variant.name] = await measure(variant, one, { warmUpS: seconds, seconds, repetitionsMin: 5 });
      say(`${name}, ${variant.name}:`, JSON.stringify(measured[variant.name]));
    } catch (error) {
      if (!(error instanceof NotThere)) throw error;
    }
  }
  return {
    title: one.title,
    objects: one.objects,
    files: last.tree.files.length,
    rounds,
    cold: coldOf(name),
    measured,
  };
}

async function run(): Promise<RenderReport> {
  const parts = new Set(values.parts.split(','));
  const names = values.cases.split(',');
  const machineBefore = machineCpuS();
  const begin = performance.now();
  const own = process.cpuUsage();
  const cases: Record<string, CaseReport> = {};
  const variants = [sandboxed, sandboxedOnce, ...nativeVariants(buildBinaries())];
  if (parts.has('cases')) for (const name of names) cases[name] = await caseOf(name, variants);
  const memory: Record<string, Memory> = {};
  if (parts.has('memory')) for (const name of names) memory[name] = inChild<Memory>(name, 'memory');
  const fleet = parts.has('fleet')
    ? await measureFleet(Number(values.fleet), Number(values.changes))
    : undefined;
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(own);
  return {
    ...machineAndCommit(),
    // With what the commands that are compared with have used.
    machineBusy: round((machineCpuS() - machineBefore) / seconds, 2),
    ownBusy: round((user + system) / 1e6 / seconds, 2),
    load1: round(loadavg()[0] ?? 0, 2),
    cases,
    memory,
    ...(fleet === undefined ? {} : { fleet }),
  };
}

if (values.table) {
  const file = fileOf(reportName, true);
  if (existsSync(file)) console.log(renderTableOf(JSON.parse(readFileSync(file, 'utf8')) as RenderReport));
} else {
  const report = await run();
  const table = renderTableOf(report);
  say(`kept in ${save(reportName, `${JSON.stringify(report, undefined, 1)}\n`, values.publish)}`);
  save(reportName.replace('.json', '.md'), `${table}\n`, values.publish);
  console.log(table);
}
process.exit(0);
