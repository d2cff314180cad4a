/** Carries a worker's counts to the thread that serves /metrics, a batch a second and nothing when there is nothing. */
import { systemTimers } from '#host/clock.ts';
import type { Meter } from '#model/ports.ts';

export interface MeterEntry {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly count?: number;
  readonly seconds?: number;
}

const flushMs = 1000;

export function bufferedMeter(send: (entries: readonly MeterEntry[]) => void): Meter {
  let buffer: MeterEntry[] = [];
  const add = (entry: MeterEntry): void => {
    buffer.push(entry);
    if (buffer.length > 1) return;
    systemTimers.after(flushMs, () => {
      send(buffer);
      buffer = [];
    });
  };
  return {
    count: (name, labels = {}, by = 1) => add({ name, labels, count: by }),
    observe: (name, seconds, labels = {}) => add({ name, labels, seconds }),
  };
}

export function replay(entries: readonly MeterEntry[], meter: Meter): void {
  for (const { name, labels, count, seconds } of entries) {
    if (count !== undefined) meter.count(name, labels, count);
    if (seconds !== undefined) meter.observe(name, seconds, labels);
  }
}
