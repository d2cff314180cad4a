import { EventEmitter } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock, systemTimers } from './clock.ts';
import { childEnvironment } from './environment.ts';
import { openLog } from './log.ts';
import { metricTable } from './metric-table.ts';
import { Metrics } from './metrics.ts';
import { systemRandom } from './random.ts';
import { onStopSignal } from './signals.ts';

afterEach(() => void vi.useRealTimers());

test('a timer longer than Node.js can hold does not fire at once', () => {
  vi.useFakeTimers();
  const calls: number[] = [];
  systemTimers.after(40 * 86_400_000, () => calls.push(1));
  const cancel = systemTimers.after(30 * 86_400_000, () => calls.push(2));
  vi.advanceTimersByTime(26 * 86_400_000);
  cancel();
  vi.advanceTimersByTime(13 * 86_400_000);
  expect(calls).toEqual([]);
  vi.advanceTimersByTime(86_400_000);
  expect(calls).toEqual([1]);
});

test('clock and randomness', () => {
  const before = systemClock.monotonic();
  expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
  expect(systemRandom.bytes(32)).toHaveLength(32);
  expect(systemRandom.bytes(32)).not.toEqual(systemRandom.bytes(32));
});

test('logs: one JSON line each, below the level none', () => {
  const lines: string[] = [];
  const log = openLog('info', { write: (line) => void lines.push(line) });
  log.debug({}, 'not this');
  log.warn({ url: 'https://h/x' }, 'this');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({ url: 'https://h/x', msg: 'this' });
});

test('metrics: declared ones are counted, others are told of, never thrown', async () => {
  const metrics = new Metrics({
    a_total: { kind: 'counter', help: 'A.', labels: ['result'] },
    b_seconds: { kind: 'histogram', help: 'B.', labels: [], buckets: [1, 2] },
  });
  metrics.count('a_total', { result: 'ok' }, 2);
  metrics.observe('b_seconds', 1.5);
  metrics.count('nobody_knows');
  metrics.count('a_total', { wrong: 'label' });
  metrics.gauge('depth', 'How deep.', () => 7);
  const text = await metrics.text();
  expect(text).toContain('a_total{result="ok"} 2');
  expect(text).toContain('b_seconds_bucket{le="2"} 1');
  expect(text).toContain('trueup_undeclared_metrics_total{name="nobody_knows"} 1');
  expect(text).toContain('trueup_undeclared_metrics_total{name="a_total"} 1');
  expect(text).toContain('depth 7');
});

test('children get an allow-list of the environment', () => {
  expect(
    childEnvironment({ PATH: '/bin', GITHUB_TOKEN: 'x', GIT_DIR: '/x', https_proxy: 'http://p', TMPDIR: '' }),
  ).toEqual({
    PATH: '/bin',
    https_proxy: 'http://p',
  });
});

test('the first signal stops, the second changes nothing', () => {
  const source = new EventEmitter();
  const stops: string[] = [];
  const remove = onStopSignal((signal) => stops.push(signal), source);
  source.emit('SIGTERM');
  source.emit('SIGINT');
  source.emit('SIGTERM');
  expect(stops).toEqual(['SIGTERM']);
  remove();
  expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0);
});

test('every metric that is counted anywhere is in the table', async () => {
  const root = new URL('../', import.meta.url);
  const used = new Set<string>();
  for (const file of await readdir(root, { recursive: true })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const text = await readFile(new URL(file, root), 'utf8');
    for (const [, name] of text.matchAll(/\.(?:count|observe)\(\s*'([a-z][a-z0-9_]*_[a-z0-9_]*)'/g))
      used.add(name!);
  }
  expect(used).toContain('trueup_git_polls_total');
  expect([...used].filter((name) => !(name in metricTable))).toEqual([]);
});
