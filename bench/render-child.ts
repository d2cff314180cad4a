/**
 * One case in a process of its own, because what V8 has compiled once it keeps for the whole process.
 *   node bench/render-child.ts CASE cold|memory      prints JSON
 */
import { systemTimers } from '#host/clock.ts';
import { rendererOn } from '../src/pipeline/render/renderer.ts';
import { Sandbox } from '../src/pipeline/render/sandbox.ts';
import { memoryOf } from './processes.ts';
import { noRemotes } from '../src/pipeline/render/repository.fixture.ts';
import { filesOf, renderCases, requestOf } from './render-cases.ts';

export interface Cold {
  /** Reading, decompressing and compiling the module: once a process, before anybody waits. */
  readonly loadMs: number;
  /** A new worker's first render: what somebody waits for who comes before it is warm. */
  readonly firstMs: number;
  readonly secondMs: number;
  /** Another worker, after the first. */
  readonly nextWorkerMs: number;
}

/** Resident megabytes of the whole process. */
export interface Memory {
  readonly beforeMb: number;
  readonly loadedMb: number;
  readonly firstMb: number;
  readonly oneWorkerMb: number;
  readonly twoWorkersMb: number;
  readonly peakMb: number;
  readonly endedMb: number;
  readonly renders: number;
}

const rendersOfMemory = 200;
const memorySeconds = 20;

function open(name: string, workers: number) {
  const one = renderCases[name];
  if (one === undefined) throw new Error(`there is no case ${name}`);
  const sandbox = new Sandbox({ workers, deadlineMs: 120_000, timers: systemTimers });
  const renderer = rendererOn(sandbox);
  const files = filesOf(one);
  const render = async (): Promise<void> => {
    const rendered = await renderer.render(requestOf(one), files, noRemotes);
    if (!rendered.ok) throw new Error(rendered.failure.message);
  };
  return { sandbox, render };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

async function cold(name: string): Promise<Cold> {
  const begin = performance.now();
  const { sandbox, render } = open(name, 2);
  await sandbox.version();
  const loadMs = performance.now() - begin;
  const firstMs = await timed(render);
  const secondMs = await timed(render);
  // One keeps the first worker busy, the other is the second worker's first.
  const [, nextWorkerMs] = await Promise.all([timed(render), timed(render)]);
  await sandbox.close();
  return { loadMs, firstMs, secondMs, nextWorkerMs };
}

async function memory(name: string): Promise<Memory> {
  const resident = (): number => memoryOf(process.pid).residentMb;
  const beforeMb = resident();
  const { sandbox, render } = open(name, 2);
  await sandbox.version();
  const loadedMb = resident();
  await render();
  const firstMb = resident();
  let renders = 1;
  const until = performance.now() + memorySeconds * 1000;
  for (; renders < rendersOfMemory && performance.now() < until; renders++) await render();
  const oneWorkerMb = resident();
  for (let turn = 0; turn < 10; turn++, renders += 2) await Promise.all([render(), render()]);
  const twoWorkersMb = resident();
  const { peakMb } = memoryOf(process.pid);
  await sandbox.close();
  return {
    beforeMb,
    loadedMb,
    firstMb,
    oneWorkerMb,
    twoWorkersMb,
    peakMb,
    endedMb: resident(),
    renders,
  };
}

if (import.meta.main) {
  const [name = '', what] = process.argv.slice(2);
  console.log(JSON.stringify(await (what === 'memory' ? memory(name) : cold(name))));
}
