/** One of the processes that `simulate.ts` shares its runs among: each message is a run, each answer what came of it. */
import process from 'node:process';
import { countBranches, type NotRun } from './branches.ts';
import type { Meet } from './faults.ts';
import type { Ran } from './run.ts';
import type { ShortRun } from './short-runs.ts';

export type Task = { readonly seed: number; readonly replicas?: number; readonly meet?: Meet } | ShortRun;
export interface Done {
  readonly task: Task;
  readonly ran: Omit<Ran, 'trace' | 'final'>;
}
/** To a worker: a run, or that there is none left; from it: what came of one, that it wants one, what it did not run. */
export type ToWorker = Task | 'end';
export type FromWorker = Done | 'ready' | { readonly notRun: NotRun };

const notRun = process.argv.includes('--coverage') ? await countBranches() : undefined;
// Only now: what is loaded before is not counted.
const { runSeed } = await import('./run.ts');
const { runShort } = await import('./short-runs.ts');
const send = (message: FromWorker): void => {
  process.send?.(message);
};

async function take(message: ToWorker): Promise<void> {
  if (message === 'end') {
    if (notRun !== undefined) send({ notRun: await notRun() });
    process.disconnect?.();
    return;
  }
  const { trace: _, final: __, ...ran } = await ('seed' in message ? runSeed(message) : runShort(message));
  send({ task: message, ran });
}
process.on('message', (message: ToWorker) => void take(message));
send('ready');
