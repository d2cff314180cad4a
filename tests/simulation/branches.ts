/** Which code of the product ran at all, block by block, as V8 counts it. */
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';

/** What decides about writes: apply, prune, inventory, leases, and what the cluster is taken to be. */
const looked = /\/src\/(pipeline\/(apply|plan|record)|engine|kube)\/[\w-]+\.ts$/;

/** From, to: offsets in the file. */
export type Ranges = readonly (readonly [number, number])[];
/** What did not run of each file, by its address. */
export type NotRun = Readonly<Record<string, Ranges>>;

/** Before the code is loaded; what is returned tells what did not run since. */
export async function countBranches(): Promise<() => Promise<NotRun>> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  return async () => {
    const { result } = await session.post('Profiler.takePreciseCoverage');
    const files = result.filter(({ url }) => looked.test(url) && !/\.(test|fixture)\.ts$/.test(url));
    return Object.fromEntries(
      files.map(({ url, functions }) => {
        const ranges = functions.flatMap((each) => each.ranges);
        // Inner ranges say more than those around them.
        const ordered = ranges.toSorted(
          (a, b) => b.endOffset - b.startOffset - (a.endOffset - a.startOffset),
        );
        const ran = new Uint8Array(Math.max(0, ...ranges.map(({ endOffset }) => endOffset))).fill(1);
        for (const { startOffset, endOffset, count } of ordered)
          ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
        return [url, rangesOf(ran)];
      }),
    );
  };
}

function rangesOf(ran: Uint8Array): Ranges {
  const ranges: [number, number][] = [];
  ran.forEach((is, at) => {
    if (is === 1) return;
    const last = ranges.at(-1);
    if (last?.[1] === at) last[1] = at + 1;
    else ranges.push([at, at + 1]);
  });
  return ranges;
}

/** What ran in none of the processes that loaded it. */
export function nowhereRun(all: readonly NotRun[]): NotRun {
  const urls = new Set(all.flatMap((each) => Object.keys(each)));
  return Object.fromEntries(
    [...urls].map((url) => [
      url,
      shared(all.flatMap((each) => (each[url] === undefined ? [] : [each[url]]))),
    ]),
  );
}

function shared(lists: readonly Ranges[]): Ranges {
  return lists.reduce((left, right) =>
    left.flatMap(([from, to]) =>
      right.flatMap(([start, end]) => {
        const both = [Math.max(from, start), Math.min(to, end)] as const;
        return both[0] < both[1] ? [both] : [];
      }),
    ),
  );
}

/** A line for each file: how many of its lines ran, and which did not. */
export function branchTable(notRun: NotRun): readonly string[] {
  return Object.entries(notRun)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([url, ranges]) => {
      const text = readFileSync(fileURLToPath(url), 'utf8');
      const lines = missedLines(text, ranges);
      const all = text.split('\n').filter((line) => isCode(line)).length;
      const name = url.slice(url.indexOf('/src/') + 1);
      return `${name.padEnd(40)} ${String(all - lines.length).padStart(4)} of ${String(all).padStart(4)} lines; not ${spans(lines) || '-'}`;
    });
}

const isCode = (line: string): boolean => !/^\s*(\/\/|\/?\*|[)}\]];?,?$|$)/.test(line);

function missedLines(text: string, ranges: Ranges): readonly number[] {
  const missed: number[] = [];
  let offset = 0;
  text.split('\n').forEach((line, index) => {
    const [start, end] = [offset + line.length - line.trimStart().length, offset + line.length];
    offset = end + 1;
    if (isCode(line) && ranges.some(([from, to]) => from <= start && to >= end)) missed.push(index + 1);
  });
  return missed;
}

function spans(lines: readonly number[]): string {
  const found: [number, number][] = [];
  for (const line of lines) {
    const last = found.at(-1);
    if (last !== undefined && line <= last[1] + 1) last[1] = line;
    else found.push([line, line]);
  }
  return found.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(', ');
}
