/**
 * `npm run simulate -- --seeds 1000`: many worlds, on every core. `--seed 123 --trace`: one of them, step by step.
 * docs/internals/simulation.md says how to read what it prints.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { branchTable, nowhereRun, type NotRun } from './branches.ts';
import { Coverage } from './coverage.ts';
import { faultKinds, type FaultKind } from './faults.ts';
import { sharedMachinery } from './machinery.ts';
import { runSeed, seedsAlike, type Ran } from './run.ts';
import { allShortRuns, runShort, shortText } from './short-runs.ts';
import type { FromWorker, Learnt, Task, ToWorker } from './worker.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    hours: { type: 'string' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    plain: { type: 'boolean', default: false },
    replicas: { type: 'string' },
    processes: { type: 'string', default: String(availableParallelism()) },
    coverage: { type: 'boolean', default: false },
    meet: { type: 'string' },
    short: { type: 'string' },
    at: { type: 'string' },
    fault: { type: 'string' },
    always: { type: 'string', default: '' },
    every: { type: 'string', default: '1' },
  },
});
const given = values.replicas === undefined ? {} : { replicas: Number(values.replicas) };
/** How often coverage tries further seeds for what is still missing, and how many. */
const holeRounds = 8;
const furtherSeeds = 40;
/** Of each step, how many runs in which it was taken are tried. */
const tasksKept = 5;
const progressMs = 60_000;
const print = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.seed !== undefined) {
  const meet =
    values.meet === undefined ? {} : { meet: { step: values.meet, fault: faultNamed(values.fault) } };
  await one(runSeed({ seed: Number(values.seed), ...given, ...meet, keepsTrace: values.trace }));
} else if (values.at !== undefined) {
  const run = { scenario: values.short ?? '', at: Number(values.at), fault: faultNamed(values.fault) };
  await one(runShort(run, values.trace));
} else await many(values.short === undefined ? seeds() : await shortRuns(values.short));

function faultNamed(name: string | undefined): FaultKind {
  const fault = faultKinds.find((kind) => kind === name);
  if (fault === undefined) throw new Error(`a fault is one of ${faultKinds.join(', ')}`);
  return fault;
}

async function one(run: Promise<Ran>): Promise<void> {
  (await sharedMachinery()).answerPlainly(values.plain);
  const { violation, digest, events, writes, trace } = await run;
  for (const line of trace) print(line);
  print(`${digest}: ${events} events, ${writes} writes: ${violation ?? 'every promise was kept'}`);
  process.exitCode = violation === undefined ? 0 : 1;
}

function* seeds(): Generator<Task> {
  const first = Number(values.from);
  const endMs = performance.now() + Number(values.hours ?? 0) * 3_600_000;
  for (let seed = first; ; seed += 1) {
    const isOver =
      values.hours === undefined ? seed >= first + Number(values.seeds) : performance.now() > endMs;
    if (isOver) return;
    yield { seed, ...given };
  }
}

/** `all`, or one scenario: all of its runs with a fault of `--always`, and every n-th of the others. */
async function shortRuns(scenario: string): Promise<Iterable<Task>> {
  const runs = (await allShortRuns()).filter((run) => scenario === 'all' || run.scenario === scenario);
  const always = values.always.split(',').filter(Boolean).map(faultNamed);
  const others = runs.filter(({ fault }) => !always.includes(fault));
  const some = new Set(others.filter((_, index) => index % Number(values.every) === 0));
  return runs.filter((run) => always.includes(run.fault) || some.has(run));
}

/**
 * For each cell that is empty, a run in which such a step was taken: that fault is put there; where it was not met all the
 * same, another such run. When there is none left, further seeds are run.
 */
function* inHoles(cells: ReadonlyMap<string, number>, taken: ReadonlyMap<string, Task[]>): Generator<Task> {
  const tried = new Set<string>();
  let seed = Number(values.from) + Number(values.seeds);
  for (let round = 0; round < holeRounds;) {
    const { holes } = new Coverage(cells);
    if (holes.length === 0) return;
    const untried = holes.flatMap((meet) => {
      const tasks = (taken.get(meet.step) ?? []).flatMap((task) =>
        'seed' in task ? [{ ...task, meet }] : [],
      );
      return tasks.find((task) => !tried.has(argumentsOf(task))) ?? [];
    });
    for (const task of untried) tried.add(argumentsOf(task));
    yield* untried.toSorted((one, other) => one.seed - other.seed);
    // The last runs are still under way when this is asked.
    if (untried.length > 0) continue;
    round += 1;
    for (const endSeed = seed + furtherSeeds; seed < endSeed; seed += 1) yield { seed, ...given };
  }
}
function* both(first: Iterable<Task>, then: () => Iterable<Task>): Generator<Task> {
  yield* first;
  yield* then();
}

/** What repeats it. */
function argumentsOf(task: Task): string {
  if (!('seed' in task)) return shortText(task);
  const replicas = task.replicas === undefined ? '' : ` --replicas ${task.replicas}`;
  const { meet } = task;
  return `--seed ${task.seed}${replicas}${meet === undefined ? '' : ` --meet "${meet.step}" --fault ${meet.fault}`}`;
}

async function many(tasks: Iterable<Task>): Promise<void> {
  const startedMs = performance.now();
  const total = { runs: 0, failed: 0, simulatedMs: 0, writes: 0, steps: 0 };
  const faults = new Map<string, number>();
  const cells = new Map<string, number>();
  const add = (sums: Map<string, number>, found: Readonly<Record<string, number>>): void => {
    for (const [name, count] of Object.entries(found)) sums.set(name, (sums.get(name) ?? 0) + count);
  };
  const notRun: NotRun[] = [];
  const taken = new Map<string, Task[]>();
  const all = values.coverage ? both(tasks, () => inHoles(cells, taken)) : tasks;
  setInterval(() => {
    const minutes = Math.round((performance.now() - startedMs) / 60_000);
    process.stderr.write(`after ${minutes} min: ${total.runs} runs, ${total.failed} failed\n`);
  }, progressMs).unref();
  await share(all, Number(values.processes), (message) => {
    if ('notRun' in message) return void notRun.push(message.notRun);
    const { task, ran } = message;
    total.runs += 1;
    total.simulatedMs += ran.simulatedMs;
    total.writes += ran.writes;
    total.steps += ran.steps;
    add(faults, ran.faults);
    add(cells, ran.cells);
    // One that met a fault for another step may have been taken because of that.
    if (!('meet' in task))
      for (const cell of Object.keys(ran.cells)) {
        const step = cell.split(' ').slice(0, 4).join(' ');
        const tasks = taken.get(step) ?? [];
        if (tasks.length < tasksKept) taken.set(step, [...tasks, task]);
      }
    if (ran.violation === undefined) return;
    total.failed += 1;
    const of = argumentsOf(task);
    print(`${of}: ${ran.violation}\n  replay: npm run -s simulate -- ${of} --trace`);
  });
  const seconds = (performance.now() - startedMs) / 1000;
  const coverage = new Coverage(cells);
  const isCovered = coverage.holes.length + coverage.unforeseen.length === 0;
  if (values.coverage)
    for (const line of [...coverage.table(), ...branchTable(nowhereRun(notRun))]) print(line);
  const counted = [...faults].toSorted(([, a], [, b]) => b - a).map(([kind, count]) => `${kind} ${count}`);
  print(`faults: ${counted.join(', ') || 'none'}`);
  print(
    `${total.runs} runs in ${seconds.toFixed(0)} s (${(total.runs / seconds).toFixed(1)} a second), ` +
      `${(total.simulatedMs / 3_600_000).toFixed(0)} simulated hours, ${total.steps} steps, ` +
      `${total.writes} writes checked: ${total.failed} failed`,
  );
  const isWell = total.failed === 0 && total.runs > 0 && (isCovered || !values.coverage);
  process.exitCode = isWell ? 0 : 1;
}

/** Each process takes the next few tasks, those that are alike together, when it has done its own. */
async function share(
  tasks: Iterable<Task>,
  processes: number,
  heard: (message: Exclude<FromWorker, 'ready'>) => void,
): Promise<void> {
  const left = tasks[Symbol.iterator]();
  const few = (): Task[] => Array.from({ length: seedsAlike }, () => left.next().value ?? []).flat();
  const workOf = (child: ChildProcess): Promise<void> =>
    new Promise((resolve, reject) => {
      let own: Task[] = [];
      let current: ToWorker = 'end';
      child.on('message', (message: FromWorker | Learnt) => {
        if (message !== 'ready' && 'learnt' in message)
          return children.forEach((other) => other !== child && other.connected && other.send(message));
        if (message !== 'ready') heard(message);
        if (message !== 'ready' && 'notRun' in message) return;
        if (own.length === 0) own = few();
        current = own.shift() ?? 'end';
        child.send(current);
      });
      child.on('exit', (code) => {
        if (current === 'end' && code === 0) resolve();
        else reject(new Error(`a process ended with ${code} in ${JSON.stringify(current)}`));
      });
    });
  const args = [...(values.coverage ? ['--coverage'] : []), ...(processes > 1 ? ['--shares'] : [])];
  const children = Array.from({ length: processes }, () =>
    fork(new URL('./worker.ts', import.meta.url), args, {
      serialization: 'advanced',
      // Most of what a run makes is gone soon: collected seldom, little of it is copied.
      execArgv: [...process.execArgv, '--max-semi-space-size=64'],
    }),
  );
  try {
    await Promise.all(children.map(workOf));
  } finally {
    for (const child of children) child.kill();
  }
}
