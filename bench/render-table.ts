/** The renderer's results as tables in Markdown. */
import type { Memory } from './render-child.ts';
import type { Fleet } from './render-fleet.ts';
import type { Measured } from './render-measure.ts';
import type { Origin } from './report.ts';
import type { Spread } from './time.ts';

type Range = Omit<Spread, 'all'>;

export interface CaseReport {
  readonly title: string;
  readonly objects: number;
  readonly files: number;
  /** How often the sandbox is asked until it lacks nothing. */
  readonly rounds: number;
  readonly cold: {
    readonly loadMs: Range;
    readonly firstMs: Range;
    readonly secondMs: Range;
    readonly nextWorkerMs: Range;
  };
  /** By the name of the variant. */
  readonly measured: Readonly<Record<string, Measured>>;
}

/** A part of what is measured, and in what noise. */
interface Measurement<T> extends Origin {
  /** CPUs that everybody else on this machine used meanwhile, on average: where it is high, times are upper bounds. */
  readonly foreignCpus: number;
  readonly load1: number;
  readonly result: T;
}

export interface RenderReport {
  readonly cases?: Measurement<Readonly<Record<string, CaseReport>>>;
  readonly memory?: Measurement<Readonly<Record<string, Memory>>>;
  readonly fleet?: Measurement<Fleet>;
}
export const partNames = ['cases', 'memory', 'fleet'] as const;
export type Part = (typeof partNames)[number];

const ms = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));
const range = ({ median, min, max }: Range): string => `${ms(median)} (${ms(min)}–${ms(max)})`;
const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly string[]): string =>
  [row(...head), row(...head.map(() => '---')), ...rows].join('\n');

export function renderTableOf({ cases, memory, fleet }: RenderReport): string {
  const parts: string[] = [];
  if (cases !== undefined) {
    const all = Object.values(cases.result);
    parts.push(origin(cases), warmTable(all), coldTable(all));
  }
  if (memory !== undefined) parts.push(origin(memory), memoryTable(memory.result));
  if (fleet !== undefined) parts.push(origin(fleet), fleetTable(fleet.result));
  return parts.join('\n\n');
}

function origin({ commit, node, machine, foreignCpus, load1 }: Measurement<unknown>): string {
  const { cpus, memoryGb } = machine;
  return `At ${commit}: Node ${node}, ${cpus}, ${memoryGb} GB; others used ${foreignCpus} CPUs meanwhile, load ${load1} at the end.`;
}

function warmTable(cases: readonly CaseReport[]): string {
  const rows = cases.flatMap(({ title, measured }) =>
    Object.entries(measured).map(([variant, { ms, cpuMs, perSecond }]) =>
      row(title, variant, range(ms), cpuMs.toFixed(1), perSecond.toFixed(1)),
    ),
  );
  return table(['warm', '', 'ms, median (min–max)', 'CPU-ms', 'a second, two side by side'], rows);
}

function coldTable(cases: readonly CaseReport[]): string {
  const rows = cases.map(({ title, files, rounds, cold }) =>
    row(
      title,
      files,
      rounds,
      range(cold.loadMs),
      range(cold.firstMs),
      range(cold.secondMs),
      range(cold.nextWorkerMs),
    ),
  );
  const head = ['cold, ms', 'files', 'rounds', 'module', 'first render', 'second', 'first of another worker'];
  return table(head, rows);
}

function memoryTable(memory: Readonly<Record<string, Memory>>): string {
  const rows = Object.entries(memory).map(([name, of]) =>
    row(
      name,
      of.beforeMb,
      of.loadedMb,
      of.firstMb,
      of.oneWorkerMb,
      of.twoWorkersMb,
      of.peakMb,
      of.endedMb,
      of.renders,
    ),
  );
  const head = [
    'resident MB',
    'before',
    'module',
    'first render',
    'one worker',
    'two workers',
    'peak',
    'workers ended',
    'renders',
  ];
  return table(head, rows);
}

function fleetTable(fleet: Fleet): string {
  const renders = [...new Set(fleet.renders)].join(', ');
  const rows = [
    row('cold: every Unit looked at', `${fleet.coldS.toFixed(1)} s, ${fleet.coldCpuS.toFixed(1)} CPU-s`),
    row('renders of that; fetches', `${fleet.coldRenders}; ${fleet.coldFetches}`),
    row('a commit to one: renders', renders),
    row('a commit to none: renders', fleet.rendersOfNone),
    row('hint until the commit is here, ms', range(fleet.fetchedMs)),
    row('from there until all are decided and one renders, ms', range(fleet.decidedMs)),
    row('its rendering, ms', range(fleet.renderMs)),
    row('hint until the cluster has it, ms', range(fleet.visibleMs)),
    row('CPU of that, ms', range(fleet.cpuMs)),
    row('resident, MB', fleet.residentMb),
  ];
  return table([`${fleet.applications} applications, one repository`, ''], rows);
}
