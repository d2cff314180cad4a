/** Which fault met which kind of step: what was never met, and could have been, is not tested. */
import { possibleFaults, type FaultKind, type Meet } from './faults.ts';
import { cellOf, type Step } from './steps.ts';
import { knownSteps, phases } from './known-steps.ts';

type Kind = Omit<Step, 'what'>;
interface Row {
  readonly step: string;
  readonly times: number;
  readonly possible: readonly FaultKind[];
  readonly missing: readonly FaultKind[];
}

/** `cells` as the gate counts them: `io verb sort phase fault`; without a fault, how often it went well. */
export class Coverage {
  readonly #cells: ReadonlyMap<string, number>;

  constructor(cells: ReadonlyMap<string, number>) {
    this.#cells = cells;
  }

  /** Cells that can happen and have not. */
  get holes(): readonly Meet[] {
    return this.#rows().flatMap(({ step, missing }) => missing.map((fault) => ({ step, fault })));
  }

  /** Steps that were met though they are said not to happen, or of which nothing is said. */
  get unforeseen(): readonly string[] {
    const foreseen = new Set(possibleSteps().map(cellOf));
    const met = [...this.#cells.keys()].map((cell) => cell.split(' ').slice(0, 4).join(' '));
    return [...new Set(met)].filter((step) => !foreseen.has(step)).toSorted();
  }

  table(): readonly string[] {
    const rows = this.#rows();
    const all = rows.reduce((sum, { possible }) => sum + possible.length, 0);
    return [
      'step (I/O, verb, sort of object, phase): times, faults that it never met',
      ...rows.map(
        ({ step, times, missing }) =>
          `${step.padEnd(36)} ${String(times).padStart(8)}  ${missing.join(' ') || '-'}`,
      ),
      ...this.unforeseen.map((step) => `${step}: known-steps.ts says that this does not happen`),
      `${all - this.holes.length} of ${all} cells that can happen were met`,
    ];
  }

  #rows(): readonly Row[] {
    return possibleSteps().map((kind) => {
      const step = cellOf(kind);
      const possible = possibleFaults(kind);
      const met = possible.map((fault) => this.#cells.get(`${step} ${fault}`) ?? 0);
      const times = met.reduce((sum, each) => sum + each, this.#cells.get(step) ?? 0);
      return { step, times, possible, missing: possible.filter((_, index) => met[index] === 0) };
    });
  }
}

function possibleSteps(): readonly Kind[] {
  return knownSteps.flatMap(({ io, verb, sort, never }) =>
    phases.flatMap((phase) => (never[phase] === undefined ? [{ io, verb, sort, phase }] : [])),
  );
}
