/**
 * Measures Trueup as the peers were measured, and prints the figures beside theirs.
 *
 *   npm run bench -- --n 100 [--dialect argo|flux] [--source kustomize|directory] [--w w1,w4,w2,w3,w5,w6]
 *                    [--idle 180] [--reps 10] [--publish] [--profile DIRECTORY]
 *   npm run bench -- --table          prints the table of the published results
 *
 * Everything runs on loopback. w1 always runs: the others start from it. The exit code is 1 where something was not
 * as it has to be: a write while idle, a write by a restart, never quiet.
 */
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { dialectNames, dialects } from './dialects.ts';
import { begunReport, publishedReports, saveReport, type Report } from './report.ts';
import { sourceKinds } from './sources.ts';
import { tableOf } from './table.ts';
import { say } from './time.ts';
import {
  quiet,
  workloadNames,
  workloads,
  type Measured,
  type Results,
  type WorkloadName,
} from './workloads.ts';
import { createWorld, Endings, type World } from './world.ts';

const { values } = parseArgs({
  options: {
    n: { type: 'string', default: '100' },
    dialect: { type: 'string', default: dialectNames[0] },
    source: { type: 'string', default: sourceKinds[0] },
    w: { type: 'string', default: workloadNames.join(',') },
    idle: { type: 'string', default: '180' },
    reps: { type: 'string', default: '10' },
    publish: { type: 'boolean', default: false },
    profile: { type: 'string' },
    table: { type: 'boolean', default: false },
  },
});

async function run(endings: Endings): Promise<number> {
  const source = sourceKinds.find((kind) => kind === values.source);
  if (source === undefined) throw new Error(`--source is one of ${sourceKinds.join(', ')}`);
  const dialect = dialectNames.find((name) => name === values.dialect);
  if (dialect === undefined) throw new Error(`--dialect is one of ${dialectNames.join(', ')}`);
  const wanted = new Set(['w1', ...values.w.split(',')]);
  const settings = { idleS: Number(values.idle), repetitions: Number(values.reps) };
  const profileDirectory = values.profile === undefined ? undefined : path.resolve(values.profile);
  if (profileDirectory !== undefined) mkdirSync(profileDirectory, { recursive: true });
  const world = await createWorld(
    {
      count: Number(values.n),
      dialect: dialects[dialect],
      source,
      ...(profileDirectory === undefined ? {} : { profileDirectory }),
    },
    endings,
  );
  if (profileDirectory !== undefined) {
    endings.add(async () =>
      copyFileSync(path.join(world.directory, 'trueup.log'), path.join(profileDirectory, 'trueup.log')),
    );
  }
  const { gitVersion } = (await world.api.get('/version')) as { readonly gitVersion: string };
  const report = begunReport({ applications: world.count, dialect, source }, gitVersion, settings);
  await world.trueup.start();
  await quiet(world, 30);
  const names = workloadNames.filter((name) => wanted.has(name));
  return Promise.race([measure(world, names, report), world.trueup.death]);
}

async function measure(world: World, names: readonly WorkloadName[], begun: Report): Promise<number> {
  let report = begun;
  const broken: string[] = [];
  for (const name of names) {
    say(`${name}, N=${world.count}, ${report.dialect}, ${report.source}`);
    const measured: Measured = await workloads[name](world, report.settings);
    const results: Results = { ...report.results, [name]: measured };
    report = { ...report, results };
    broken.push(...measured.broken.map((what) => `${name}: ${what}`));
    say(`kept in ${saveReport(report, { publish: values.publish })}`);
  }
  console.log(tableOf([report]));
  for (const what of broken) say(`NOT AS IT HAS TO BE: ${what}`);
  return broken.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  if (values.table) {
    console.log(tableOf(publishedReports()));
    return 0;
  }
  const endings = new Endings();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void endings.run().then(() => process.exit(1)));
  }
  try {
    return await run(endings);
  } catch (error) {
    say('FAILED:', error);
    return 1;
  } finally {
    await endings.run();
  }
}

process.exit(await main());
