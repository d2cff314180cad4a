/** Tables that say which scenario shows what: nothing is missing, and each scenario is there. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, type RunnerTask, type RunnerTestCase } from 'vitest';

/** To the title of a scenario: `TITLE` in the same file, `FILE.test.ts: TITLE` in another. */
export type ShownBy = Readonly<Record<string, string>>;

/** `accepted`: what the code accepts, as the table calls it. `task`: a test of the table's own file. */
export async function expectShown(
  task: Readonly<RunnerTestCase>,
  shownBy: ShownBy,
  accepted: readonly string[],
): Promise<void> {
  expect(Object.keys(shownBy).toSorted()).toEqual(accepted.toSorted());
  const own = titlesOf(task.file.tasks);
  const missing: string[] = [];
  for (const shown of new Set(Object.values(shownBy))) {
    const [, file, title] = /^([\w-]+\.test\.ts): (.*)$/.exec(shown) ?? [];
    const titles = file === undefined ? own : await titlesIn(file);
    if (!titles.includes(title ?? shown)) missing.push(shown);
  }
  expect(missing, 'scenarios that are not there').toEqual([]);
}

const titlesOf = (tasks: readonly RunnerTask[]): readonly string[] =>
  tasks.flatMap((task) => (task.type === 'suite' ? titlesOf(task.tasks) : [task.name]));

/** Only plain tests: one that is skipped, or runs on one cluster alone, shows nothing on both. */
async function titlesIn(file: string): Promise<readonly string[]> {
  const text = await readFile(path.join(import.meta.dirname, file), 'utf8');
  const literals = text.matchAll(/^ *it\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/gm);
  return [...literals].map(([, , title = '']) => title.replaceAll(/\\(.)/g, '$1'));
}
