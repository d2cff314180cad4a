/** `npm start` as a newcomer has it: how long until it is ready, and what it takes then. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cpuOf, memoryOf } from './processes.ts';
import { now, round, spreadOf, type Spread } from './time.ts';
import { freePort } from '../tests/free-port.ts';

export interface StartFigures {
  readonly readyS: Omit<Spread, 'all'>;
  /** With its children and threads, until then. */
  readonly cpuS: number;
  readonly residentMb: number;
  readonly peakMb: number;
}
export interface Starts {
  /** Nothing there: certificates, an example and its objects are made. */
  readonly cold: StartFigures;
  /** Everything there. */
  readonly warm: StartFigures;
}

const withinS = 180;

export async function measureStarts(times: number): Promise<Starts> {
  const cold: Start[] = [];
  const warm: Start[] = [];
  for (let time = 0; time < times; time += 1) {
    const directory = mkdtempSync(path.join(tmpdir(), 'trueup-bench-start-'));
    try {
      cold.push(await startOnce(directory));
      warm.push(await startOnce(directory));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return { cold: figuresOf(cold), warm: figuresOf(warm) };
}

interface Start {
  readonly readyS: number;
  readonly cpuS: number;
  readonly residentMb: number;
  readonly peakMb: number;
}

function figuresOf(starts: readonly Start[]): StartFigures {
  const { all: _, ...readyS } = spreadOf(starts.map((start) => start.readyS));
  const middle = (of: (start: Start) => number): number => spreadOf(starts.map(of)).median;
  return {
    readyS,
    cpuS: middle(({ cpuS }) => cpuS),
    residentMb: middle(({ residentMb }) => residentMb),
    peakMb: middle(({ peakMb }) => peakMb),
  };
}

async function startOnce(directory: string): Promise<Start> {
  const port = String(await freePort());
  const began = now();
  const child = spawn(
    'npm',
    ['start', '--silent', '--', '--port', port, '--data-dir', path.join(directory, 'data')],
    { cwd: path.join(import.meta.dirname, '..'), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = once(child, 'exit');
  let output = '';
  const ready = new Promise<number>((resolve, reject) => {
    const take = (text: Buffer): void => {
      output += text.toString();
      if (output.includes('Trueup is ready: ')) resolve(now() - began);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const fail = (why: string): void => reject(new Error(`${why}: ${output.slice(-2000)}`));
    void ended.then(([code]) => fail(`it ended with ${String(code)}`));
    setTimeout(() => fail(`not ready within ${withinS} s`), withinS * 1000).unref();
  });
  try {
    const readyS = await ready;
    const pid = trueupBelow(child.pid!);
    const { selfS, childrenS } = cpuOf(pid);
    return { readyS, cpuS: round(selfS + childrenS, 2), ...memoryOf(pid) };
  } finally {
    if (child.exitCode === null) child.kill('SIGTERM');
    await ended;
  }
}

/** npm starts a shell, which becomes Trueup; git processes come and go below that. */
function trueupBelow(pid: number): number {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      if (Number(parent) === pid && command.includes('trueup.ts')) return Number(entry);
      if (Number(parent) === pid && !command.includes('git')) return trueupBelow(Number(entry));
    } catch {
      // It ended meanwhile.
    }
  }
  throw new Error(`no Trueup runs below process ${pid}`);
}
