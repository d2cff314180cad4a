/** One of the processes that `simulate.ts` shares its runs among: each message is a run, each answer what came of it. */
import process from 'node:process';
import { countBranches, type NotRun } from './branches.ts';
import type { Kept } from './kept.ts';
import type { Meet } from './faults.ts';
import type { Ran } from './run.ts';
import type { ShortRun } from './short-runs.ts';

export type Task = { readonly seed: number; readonly replicas?: number; readonly meet?: Meet } | ShortRun;
export interface Done {
  readonly task: Task;
  readonly ran: Omit<Ran, 'trace' | 'final'>;
}
/** What a module answered in one of the processes: the others need not ask theirs. */
export interface Learnt {
  readonly learnt: { readonly from: 'writes' | 'renders'; readonly key: string; readonly answer: unknown };
}
/**
 * To a worker: a run, or that there is none left; from it: what came of one, that it wants one, what it did not run.
 * Either way, where there are several: what was learnt.
 */
export type ToWorker = Task | 'end' | Learnt;
export type FromWorker = Done | 'ready' | { readonly notRun: NotRun };

const notRun = process.argv.includes('--coverage') ? await countBranches() : undefined;
// Only now: what is loaded before is not counted.
const { runSeed } = await import('./run.ts');
const { runShort } = await import('./short-runs.ts');
const { sharedMachinery } = await import('./machinery.ts');
const { loadRenderer } = await import('./render-model.ts');
const send = (message: FromWorker | Learnt): void => {
  process.send?.(message);
};

const answers = {
  writes: (await sharedMachinery()).answers as Kept<unknown>,
  renders: (await loadRenderer()).answers as Kept<unknown>,
};
if (process.argv.includes('--shares'))
  for (const from of ['writes', 'renders'] as const)
    answers[from].made = (key, answer) => send({ learnt: { from, key, answer } });

async function take(message: ToWorker): Promise<void> {
  if (typeof message === 'object' && 'learnt' in message) {
    const { from, key, answer } = message.learnt;
    return answers[from].learn(key, answer);
  }
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
