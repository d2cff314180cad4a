/** One case in one variant: alone and repeated, then two side by side for some seconds. */
import { cpuOf } from './processes.ts';
import type { RenderCase } from './render-cases.ts';
import type { Variant } from './render-variants.ts';
import { now, round, spreadOf, type Spread } from './time.ts';

export interface Measured {
  readonly ms: Omit<Spread, 'all'>;
  readonly repetitions: number;
  /** Of this process with its threads and its children: it holds where the machine is busy. */
  readonly cpuMs: number;
  /** With two side by side. */
  readonly perSecond: number;
}

export interface Effort {
  readonly warmUpS: number;
  readonly seconds: number;
  readonly repetitionsMin: number;
}

const sideBySide = 2;

export async function measure(variant: Variant, one: RenderCase, effort: Effort): Promise<Measured> {
  const { render, close } = await variant.open(one, sideBySide);
  const checked = async (): Promise<void> => {
    const objects = await render();
    if (objects !== one.objects) throw new Error(`${variant.name}: ${objects} objects, not ${one.objects}`);
  };
  try {
    // Both workers are warm afterwards, not one alone.
    await during(effort.warmUpS, checked);
    const times: number[] = [];
    const until = now() + effort.seconds;
    const cpuBefore = cpuS();
    while (times.length < effort.repetitionsMin || now() < until) {
      const begin = performance.now();
      await checked();
      times.push(performance.now() - begin);
    }
    const cpuMs = ((cpuS() - cpuBefore) * 1000) / times.length;
    const { all: _, ...ms } = spreadOf(times);
    const begin = now();
    const count = await during(effort.seconds, checked);
    return {
      ms,
      repetitions: times.length,
      cpuMs: round(cpuMs, 1),
      perSecond: round(count / (now() - begin), 1),
    };
  } finally {
    await close();
  }
}

async function during(seconds: number, work: () => Promise<void>): Promise<number> {
  const until = now() + seconds;
  let count = 0;
  await Promise.all(
    Array.from({ length: sideBySide }, async () => {
      do {
        await work();
        count += 1;
      } while (now() < until);
    }),
  );
  return count;
}

function cpuS(): number {
  const { childrenS } = cpuOf(process.pid);
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + childrenS;
}
