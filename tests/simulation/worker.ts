/** One of the processes that `simulate.ts` shares its runs among: each message is a run, each answer what came of it. */
import process from 'node:process';
import { runSeed, type Ran } from './run.ts';
import { runShort, type ShortRun } from './short-runs.ts';

export type Task = { readonly seed: number; readonly replicas: number } | ShortRun;
export interface Done {
  readonly task: Task;
  readonly ran: Omit<Ran, 'trace' | 'final'>;
}

process.on('message', (task: Task) => {
  const run = 'seed' in task ? runSeed(task) : runShort(task);
  void run.then(({ trace: _, final: __, ...ran }) => process.send?.({ task, ran } satisfies Done));
});
process.send?.('ready');
