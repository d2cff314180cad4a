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
import { cpuOf, machineCpuS } from './processes.ts';
import { renderCases } from './render-cases.ts';
import type { Cold, Memory } from './render-child.ts';
import { measureFleet } from './render-fleet.ts';
import { measure, type Measured } from './render-measure.ts';
import { buildBinaries } from './render-native.ts';
import { partNames, renderTableOf, type CaseReport, type Part, type RenderReport } from './render-table.ts';
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
const names = values.cases.split(',');
if (names.some((name) => renderCases[name] === undefined))
  throw new Error(`--cases are of ${Object.keys(renderCases).join(', ')}`);

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
  const one = renderCases[name]!;
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

const work: { readonly [Name in Part]: () => Promise<NonNullable<RenderReport[Name]>['result']> } = {
  cases: async () => {
    const variants = [sandboxed, sandboxedOnce, ...nativeVariants(buildBinaries())];
    const cases: Record<string, CaseReport> = {};
    for (const name of names) cases[name] = await caseOf(name, variants);
    return cases;
  },
  memory: async () => Object.fromEntries(names.map((name) => [name, inChild<Memory>(name, 'memory')])),
  fleet: () => measureFleet(Number(values.fleet), Number(values.changes)),
};

/** A part of the report, with the noise in which it was measured. */
async function measured(part: Part): Promise<object> {
  const machineBefore = machineCpuS();
  const begin = performance.now();
  const own = usedS();
  const result = await work[part]();
  const seconds = (performance.now() - begin) / 1000;
  return {
    ...machineAndCommit(),
    foreignCpus: round((machineCpuS() - machineBefore - (usedS() - own)) / seconds, 2),
    load1: round(loadavg()[0] ?? 0, 2),
    result,
  };
}

/** Of this process, its threads and its children. */
function usedS(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + cpuOf(process.pid).childrenS;
}

const fileNameOf = (part: Part): string => `render-${part}.json`;

function kept(isPublished: boolean): RenderReport {
  const found = partNames.flatMap((part) => {
    const file = fileOf(fileNameOf(part), isPublished);
    return existsSync(file) ? [[part, JSON.parse(readFileSync(file, 'utf8'))] as const] : [];
  });
  return Object.fromEntries(found) as RenderReport;
}

if (!values.table) {
  const wanted = new Set(values.parts.split(','));
  for (const part of partNames.filter((name) => wanted.has(name))) {
    const text = `${JSON.stringify(await measured(part), undefined, 1)}\n`;
    say(`kept in ${save(fileNameOf(part), text, values.publish)}`);
    save('render.md', `${renderTableOf(kept(values.publish))}\n`, values.publish);
  }
}
console.log(renderTableOf(kept(values.publish || values.table)));
process.exit(0);
