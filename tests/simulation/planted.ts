/**
 * `npm run simulate:planted`: takes one safeguard after the other out of `src/` and requires that the simulation sees
 * it. Each patch in `planted/` says which promise it breaks, what the violation is to cite, and in which runs.
 * `npm run simulate:planted -- NAME…`: these only.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { Runner } from './planted-runner.ts';
import { allShortRuns, type ShortRun } from './short-runs.ts';
import type { Task } from './worker.ts';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const patches = fileURLToPath(new URL('./planted/', import.meta.url));
const inParallel = 2;

interface Planted {
  readonly name: string;
  readonly breaks: string;
  /** What a violation by it may be said to be. */
  readonly seenAs: readonly string[];
  readonly runs: string;
  readonly files: readonly string[];
}
interface Caught {
  readonly bug: Planted;
  /** Why it does not count as caught. */
  readonly problem?: string;
  readonly by: string;
  readonly after: number;
  readonly seconds: number;
}

const asked = process.argv.slice(2);
const bugs = readdirSync(patches)
  .filter((file) => file.endsWith('.patch'))
  .toSorted()
  .map(read)
  .filter(({ name }) => asked.length === 0 || asked.includes(name));
const scenarios = bugs.flatMap(({ runs }) => /^short (\S+)/.exec(runs)?.[1] ?? []);
const shortRuns = await allShortRuns(new Set(scenarios));

const startedMs = performance.now();
const left = bugs.values();
const caught: Caught[] = [];
await Promise.all(
  Array.from({ length: inParallel }, async () => {
    const asItIs = new Runner('');
    for (const bug of left) {
      const found = await hunt(bug, asItIs);
      caught.push(found);
      print(row(found));
    }
    asItIs.end();
  }),
);
const missed = caught.filter(({ problem }) => problem !== undefined);
print(
  `${bugs.length} planted bugs in ${((performance.now() - startedMs) / 1000).toFixed(0)} s: ${missed.length} not caught`,
);
for (const { bug, problem } of missed) print(`${bug.name}: ${problem}`);
process.exitCode = bugs.length > 0 && missed.length === 0 ? 0 : 1;

function read(file: string): Planted {
  const text = readFileSync(join(patches, file), 'utf8');
  const member = (name: string): string => {
    const value = new RegExp(`^${name}: (.+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`planted/${file} has no line "${name}: …" before its diff`);
    return value;
  };
  return {
    name: basename(file, '.patch'),
    breaks: member('Breaks'),
    seenAs: member('Seen as').split(/, */),
    runs: member('Runs'),
    files: [...text.matchAll(/^\+\+\+ b\/(\S+)$/gm)].map(([, path]) => path!),
  };
}

/** Runs it until a promise is broken, or nothing is left to run. */
async function hunt(bug: Planted, asItIs: Runner): Promise<Caught> {
  const beganMs = performance.now();
  const directory = mkdtempSync(join(tmpdir(), 'planted-'));
  const after = (fields: Pick<Caught, 'by' | 'after' | 'problem'>): Caught => ({
    bug,
    seconds: (performance.now() - beganMs) / 1000,
    ...fields,
  });
  const runner = new Runner(directory);
  try {
    plant(bug, directory);
    return after(await verdictOn(bug, runner, asItIs));
  } catch (error) {
    const { message } = error as Error;
    return after({ by: '', after: 0, problem: message.trim() });
  } finally {
    runner.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Puts the patched files, and nothing else, there. */
function plant({ name, files }: Planted, directory: string): void {
  for (const path of files) cpSync(join(checkout, path), join(directory, path));
  // The directory above may be in a repository: then git would look for the files there.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() };
  try {
    execFileSync('git', ['apply', join(patches, `${name}.patch`)], { cwd: directory, env, stdio: 'pipe' });
  } catch (error) {
    throw new Error(`planted/${name}.patch has to be made anew: ${(error as Error).message.trim()}`, {
      cause: error,
    });
  }
}

/**
 * `seeds 1..40`, with one replica; `pairs 1..40`, with two; `short update crash-after`: that fault at every I/O of that
 * scenario; `short update crash-after 50..90`: at these.
 */
function tasksOf({ name, runs }: Pick<Planted, 'name' | 'runs'>): readonly Task[] {
  const [sort, ...rest] = runs.split(' ');
  const range = /^(\d+)\.\.(\d+)$/.exec(rest.at(-1) ?? '');
  const [first, last] = range === null ? [0, Infinity] : [Number(range[1]), Number(range[2])];
  if ((sort === 'seeds' || sort === 'pairs') && range !== null) {
    const replicas = sort === 'pairs' ? 2 : 1;
    return Array.from({ length: last - first + 1 }, (_, index) => ({ seed: first + index, replicas }));
  }
  const isMeant = ({ scenario, fault, at }: ShortRun): boolean =>
    scenario === rest[0] && fault === rest[1] && first <= at && at <= last;
  const found = sort === 'short' ? shortRuns.filter(isMeant) : [];
  if (found.length === 0) throw new Error(`planted/${name}.patch: there are no runs "${runs}"`);
  return found;
}

async function verdictOn(
  { seenAs, ...bug }: Planted,
  runner: Runner,
  asItIs: Runner,
): Promise<Pick<Caught, 'by' | 'after' | 'problem'>> {
  const tasks = tasksOf(bug);
  let after = 0;
  for (const task of tasks) {
    const by = await runner.violationOf(task);
    after += 1;
    if (by === undefined) continue;
    if (!seenAs.includes(promiseOf(by)))
      return { by, after, problem: `it is to be seen as ${seenAs.join(' or ')}` };
    const without = await asItIs.violationOf(task);
    if (without === undefined) return { by, after };
    return { by, after, problem: `that run fails without it too: ${without}` };
  }
  return { by: '', after, problem: `${after} runs did not see it` };
}

/** The number in front of a violation; `end`: it does not end as without faults. */
function promiseOf(violation: string): string {
  if (violation.startsWith('it does not end')) return 'end';
  return /^(?:without a fault: )?([\w]+): /.exec(violation)?.[1] ?? '';
}

function row({ bug, problem, by, after, seconds }: Caught): string {
  const columns = [
    problem === undefined ? 'caught' : 'MISSED',
    bug.name.padEnd(36),
    bug.breaks.split(':')[0]!.padEnd(4),
    `${after} runs`.padStart(8),
    `${seconds.toFixed(0)} s`.padStart(5),
    by.split('\n')[0]!.slice(0, 140),
  ];
  return columns.join('  ');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
