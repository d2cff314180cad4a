/** How late the event loop is, under the names that prom-client's users know. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';

/** A hundred looks a second, as by default, would alone be most of what an idle process costs. */
const looksEveryMs = 200;
const prefix = 'nodejs_eventloop_lag';

/**
 * Instead of those that are there: what is measured is the time from one look to the next, and with few looks most of
 * that is no delay. Each answer tells of the time since the one before.
 */
export function measureLoopDelay(registry: Registry): void {
  const measured = monitorEventLoopDelay({ resolution: looksEveryMs });
  measured.enable();
  const delay = (nanoseconds: number): number => {
    const seconds = nanoseconds / 1e9 - looksEveryMs / 1000;
    return measured.count === 0 ? 0 : Math.max(0, seconds);
  };
  const values: Readonly<Record<string, readonly [help: string, value: () => number]>> = {
    min: ['The minimum recorded event loop delay.', () => delay(measured.min)],
    max: ['The maximum recorded event loop delay.', () => delay(measured.max)],
    mean: ['The mean of the recorded event loop delays.', () => delay(measured.mean)],
    stddev: [
      'The standard deviation of the recorded event loop delays.',
      () => (measured.count === 0 ? 0 : measured.stddev / 1e9),
    ],
    p50: ['The 50th percentile of the recorded event loop delays.', () => delay(measured.percentile(50))],
    p90: ['The 90th percentile of the recorded event loop delays.', () => delay(measured.percentile(90))],
    p99: ['The 99th percentile of the recorded event loop delays.', () => delay(measured.percentile(99))],
  };
  const last = Object.keys(values).at(-1);
  for (const [part, [help, value]] of Object.entries(values)) {
    const name = `${prefix}_${part}_seconds`;
    registry.removeSingleMetric(name);
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [],
      collect: () => {
        gauge.set(value());
        if (part === last) measured.reset();
      },
    });
    registry.registerMetric(gauge);
  }
}
