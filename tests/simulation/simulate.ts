/** `npm run simulate -- --seeds 1000`: many worlds, one after the other; `--seed 123 --trace`: one of them, step by step. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { sharedMachinery } from './machinery.ts';
import { runSeed } from './run.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    plain: { type: 'boolean', default: false },
  },
});

const machinery = await sharedMachinery();
machinery.answerPlainly(values.plain);
const started = performance.now();
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
let failed = 0;
let hours = 0;
let writes = 0;
for (let seed = first; seed < first + count; seed += 1) {
  const ran = await runSeed({ seed, keepsTrace: values.trace });
  if (values.trace) for (const line of ran.trace) console.log(line);
  hours += ran.simulatedMs / 3_600_000;
  writes += ran.writes;
  if (values.seed !== undefined || ran.violation !== undefined)
    console.log(`seed ${seed} ${ran.digest} ${ran.events} events ${ran.writes} writes: ${ran.violation ?? 'ok'}`);
  if (ran.violation === undefined) continue;
  failed += 1;
  console.log(`  replay: npm run -s simulate -- --seed ${seed} --trace`);
}
const seconds = (performance.now() - started) / 1000;
const { answers } = machinery;
console.log(`kept answers: ${answers.hits} of ${answers.hits + answers.misses}`);
console.log(`${count} seeds in ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(2)} seeds/s, ${hours.toFixed(0)} simulated hours, ${writes} writes; ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
