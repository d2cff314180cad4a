/** Moments in seconds, waiting, and the few numbers that are said of many. */

export const now = (): number => performance.now() / 1000;
export const sleep = (seconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1000));
export const round = (value: number, digits = 3): number => Number(value.toFixed(digits));

export function say(...words: readonly unknown[]): void {
  console.error(new Date().toISOString().slice(11, 23), ...words);
}

/** Asks until the answer is true; an answer that throws counts as not yet. */
export async function until(
  what: string,
  ask: () => Promise<boolean>,
  timeoutS: number,
  everyS = 0.05,
): Promise<void> {
  const deadline = now() + timeoutS;
  for (;;) {
    let why: unknown;
    try {
      if (await ask()) return;
    } catch (error) {
      why = error;
    }
    if (now() > deadline) throw new Error(`waited ${timeoutS} s for ${what}`, { cause: why });
    await sleep(everyS);
  }
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly all: readonly number[];
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (at(Math.floor((sorted.length - 1) / 2)) + at(Math.ceil((sorted.length - 1) / 2))) / 2;
  return {
    median: round(middle),
    min: round(at(0)),
    max: round(at(sorted.length - 1)),
    mean: round(values.reduce((sum, value) => sum + value, 0) / values.length),
    all: values.map((value) => round(value)),
  };
}

/** Some at a time. */
export async function forEach<T>(
  items: readonly T[],
  side: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: side }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}
