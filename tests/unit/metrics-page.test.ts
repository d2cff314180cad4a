/** docs/reference/metrics.md names every metric with its kind and labels, and no other. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { metricTable } from '#host/metric-table.ts';

const repositoryRoot = join(import.meta.dirname, '../..');
const page = readFileSync(join(repositoryRoot, 'docs/reference/metrics.md'), 'utf8');
const rows = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]*)\|/gm)].map(([, name, kind, labels = '']) => ({
  name,
  kind,
  labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
}));

/** Gauges, and counters that are no part of the table, are made where they are read. */
function namesInSource(pattern: RegExp): readonly string[] {
  const files = readdirSync(join(repositoryRoot, 'src'), { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile() && file.name.endsWith('.ts') && !file.name.endsWith('.test.ts'))
    .flatMap((file) => [...readFileSync(join(file.parentPath, file.name), 'utf8').matchAll(pattern)])
    .map(([, name = '']) => name);
}

it('has a row for every metric of the table', () => {
  const expected = Object.entries(metricTable).map(([name, { kind, labels }]) => ({ name, kind, labels }));
  expect(rows).toEqual(expect.arrayContaining(expected));
});

it('has a row for every gauge, and for no metric that does not exist', () => {
  const gauges = namesInSource(/metrics\.gauge\(\s*'(\w+)'/g);
  expect(gauges).not.toEqual([]);
  const known = [...Object.keys(metricTable), ...gauges, ...namesInSource(/^\s+name: '(trueup_\w+)',/gm)];
  expect(rows.map(({ name }) => name).toSorted()).toEqual([...new Set(known)].toSorted());
});
