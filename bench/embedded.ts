/**
 * Measures the embedded cluster: how long a first run takes and what it costs, and how fast its API server answers
 * beside a real one, with the same requests on the same machine.
 *
 *   npm run bench:embedded [-- --parts start,requests] [--starts 3] [--publish]
 *   npm run bench:embedded -- --table          prints the table of the published results
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { startControlPlane } from '../tests/cluster/control-plane.ts';
import { caseNames, measureRequests, type RequestFigures } from './embedded-requests.ts';
import { measureStarts, type StartFigures, type Starts } from './embedded-start.ts';
import { memoryOf } from './processes.ts';
import { fileOf, machineAndCommit, save, type Origin } from './report.ts';
import { round, say } from './time.ts';

interface Side {
  readonly figures: RequestFigures;
  readonly residentMb: number;
}
interface Results {
  readonly start?: Starts;
  readonly requests?: { readonly embedded: Side; readonly real: Side };
}
interface Report extends Results {
  readonly origin: Origin;
  /** When it began and when it ended: where it is high, times are upper bounds. */
  readonly load1: readonly number[];
}

const { values } = parseArgs({
  options: {
    parts: { type: 'string', default: 'start,requests' },
    starts: { type: 'string', default: '3' },
    publish: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
  },
});

/** Both API servers without controllers, the embedded one in a process of its own. */
async function measureSides(): Promise<{ readonly embedded: Side; readonly real: Side }> {
  const real = await startControlPlane({ flags: ['-no-controllers', '-no-scheduler', '-no-kwok'] });
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'embedded-child.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    const [kubeconfig] = (await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      ended.then(() => Promise.reject(new Error('the embedded cluster did not start'))),
    ])) as [string];
    const servers = [{ kubeconfig, pid: child.pid! }, real];
    const [ofEmbedded, ofReal] = (await measureRequests(servers)) as [RequestFigures, RequestFigures];
    return {
      embedded: { figures: ofEmbedded, residentMb: memoryOf(child.pid!).residentMb },
      real: { figures: ofReal, residentMb: memoryOf(real.pid).residentMb },
    };
  } finally {
    child.stdin.end();
    await ended;
    await real.stop();
  }
}

async function run(): Promise<Report> {
  const parts = new Set(values.parts.split(','));
  const origin = machineAndCommit();
  const before = round(loadavg()[0] ?? 0, 1);
  let results: Results = {};
  if (parts.has('start')) {
    say(`${values.starts} starts, cold and warm`);
    results = { ...results, start: await measureStarts(Number(values.starts)) };
  }
  if (parts.has('requests')) {
    say('requests to the embedded API server and to a real one');
    results = { ...results, requests: await measureSides() };
  }
  return { origin, load1: [before, round(loadavg()[0] ?? 0, 1)], ...results };
}

function tableOf({ origin, load1, start, requests }: Report): string {
  const lines = [`${origin.machine.cpus}, load ${load1.join(' to ')}, ${origin.commit}`, ''];
  if (start !== undefined) {
    const row = (what: string, { readyS, cpuS, residentMb, peakMb }: StartFigures): string =>
      `| ${what} | ${readyS.median.toFixed(1)} s (${readyS.min.toFixed(1)} to ${readyS.max.toFixed(1)}) | ${cpuS.toFixed(1)} CPU-s | ${residentMb} MB, ${peakMb} at its peak |`;
    lines.push(
      '| `npm start` | until it is ready | CPU until then | memory then |',
      '|---|---|---|---|',
      row('first', start.cold),
      row('again', start.warm),
      '',
    );
  }
  if (requests !== undefined) {
    const { embedded, real } = requests;
    lines.push(
      '| eight at a time: a second, median ms, CPU-ms of the server for each | embedded | real |',
      '|---|---|---|',
      ...caseNames.map((name) => {
        const cell = ({ figures }: Side): string => {
          const { perSecond, medianMs, cpuMs } = figures[name];
          return `${perSecond}, ${medianMs}, ${cpuMs}`;
        };
        return `| ${name} | ${cell(embedded)} | ${cell(real)} |`;
      }),
      `| memory afterwards | ${embedded.residentMb} MB | ${real.residentMb} MB |`,
    );
  }
  return lines.join('\n');
}

const resultsFile = 'embedded.json';
if (values.table) {
  const file = fileOf(resultsFile, true);
  if (!existsSync(file)) throw new Error('nothing is published yet');
  console.log(tableOf(JSON.parse(readFileSync(file, 'utf8')) as Report));
} else {
  const report = await run();
  say(`kept in ${save(resultsFile, `${JSON.stringify(report, undefined, 1)}\n`, values.publish)}`);
  console.log(tableOf(report));
}
process.exit(0);
