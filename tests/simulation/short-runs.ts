/**
 * Small syncs under every fault at every I/O, one at a time and not by chance: a crash at each, each reply lost, each
 * request failed once in each way that it can fail.
 */
import { OneFault, noFaults, possibleFaults, type FaultKind } from './faults.ts';
import { asCalm, runOnce, type Ran, type RunOptions } from './run.ts';
import { shortScenarios } from './short-scenarios.ts';
import type { Step } from './steps.ts';

export interface ShortRun {
  readonly scenario: string;
  /** Which I/O of the run, from 0. */
  readonly at: number;
  readonly fault: FaultKind;
}
export const shortText = ({ scenario, at, fault }: ShortRun): string =>
  `--short ${scenario} --at ${at} --fault ${fault}`;

/** Any seed will do: everything else is given. */
const seed = 1;

export async function runShort({ scenario, at, fault }: ShortRun, keepsTrace = false): Promise<Ran> {
  const faults = new OneFault(at, () => fault);
  const ran = await runOnce({ ...given(scenario), faults, keepsTrace }, false);
  if (ran.violation !== undefined) return ran;
  const quiet = calm.get(scenario) ?? (await calmRun(scenario));
  calm.set(scenario, quiet);
  return asCalm(ran, quiet);
}

const calm = new Map<string, Ran>();
const calmRun = (scenario: string): Promise<Ran> => runOnce({ ...given(scenario), faults: noFaults }, false);

/** All of a run but its faults. */
function given(name: string): RunOptions {
  const found = shortScenarios[name];
  if (found === undefined)
    throw new Error(`there is no short scenario ${name}: ${Object.keys(shortScenarios).join(', ')}`);
  return { seed, replicas: found.replicas ?? 1, scenario: found };
}

/** Every fault that can happen at every I/O of the run without faults, of these scenarios. */
export async function allShortRuns(
  scenarios: Iterable<string> = Object.keys(shortScenarios),
): Promise<readonly ShortRun[]> {
  const all: ShortRun[] = [];
  for (const scenario of scenarios) {
    const steps: Step[] = [];
    const listening = { next: (step: Step) => (steps.push(step), undefined) };
    await runOnce({ ...given(scenario), faults: listening }, false);
    steps.forEach((step, at) => {
      for (const fault of possibleFaults(step)) all.push({ scenario, at, fault });
    });
  }
  return all;
}
