/** Which fault met which kind of step: what was never met, and could have been, is not tested. */
import { possibleFaults } from './faults.ts';
import type { Io } from './steps.ts';

interface Row {
  readonly step: string;
  readonly times: number;
  readonly missing: readonly string[];
}

/** `cells` as the gate counts them: `io verb sort phase fault`; without a fault, how often it went well. */
export function coverageTable(cells: ReadonlyMap<string, number>): readonly string[] {
  const steps = new Set([...cells.keys()].map((cell) => cell.split(' ').slice(0, 4).join(' ')));
  const rows = [...steps].toSorted().map((step): Row => {
    const [io = '', verb = ''] = step.split(' ');
    const possible = possibleFaults({ io: io as Io, verb });
    const met = possible.map((fault) => cells.get(`${step} ${fault}`) ?? 0);
    const missing = possible.filter((_, index) => met[index] === 0);
    return { step, times: met.reduce((sum, each) => sum + each, cells.get(step) ?? 0), missing };
  });
  const open = rows.reduce((sum, { missing }) => sum + missing.length, 0);
  const all = rows.reduce((sum, { step }) => {
    const [io = '', verb = ''] = step.split(' ');
    return sum + possibleFaults({ io: io as Io, verb }).length;
  }, 0);
  return [
    'step (I/O, verb, sort of object, phase): times, faults that it never met',
    ...rows.map(
      ({ step, times, missing }) =>
        `${step.padEnd(36)} ${String(times).padStart(8)}  ${missing.join(' ') || '-'}`,
    ),
    `${all - open} of ${all} cells were met`,
  ];
}
