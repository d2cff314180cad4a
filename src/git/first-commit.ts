/** One commit on `main` from the files of a directory, without a work tree or an index: by `git fast-import`. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, type Result } from '#model/failure.ts';
import { runGit, type GitTools } from './command.ts';
import { failureOf } from './git-failures.ts';

export interface FirstCommit {
  /** Its regular files are committed, as text, with their paths below it. */
  readonly filesDir: string;
  readonly message: string;
  /** Milliseconds since 1970. The same files, message and time give the same commit. */
  readonly atMs: number;
}

const author = 'Trueup <trueup@localhost>';
const timeoutMs = 60_000;

export async function commitFiles(
  tools: GitTools,
  gitDir: string,
  { filesDir, message, atMs }: FirstCommit,
): Promise<Result<undefined>> {
  const entries = await readdir(filesDir, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .toSorted();
  const when = `${author} ${Math.floor(atMs / 1000)} +0000`;
  const stream = [`commit refs/heads/main\nauthor ${when}\ncommitter ${when}\n${data(message)}`];
  for (const file of files) {
    const name = path.relative(filesDir, file).replaceAll(path.sep, '/');
    stream.push(`M 100644 inline ${JSON.stringify(name)}\n${data(await readFile(file, 'utf8'))}`);
  }
  const result = await runGit(tools, {
    gitDir,
    args: ['fast-import', '--quiet', '--done', '--date-format=raw'],
    stdin: `${stream.join('')}done\n`,
    timeoutMs,
  });
  return result.code === 0 ? ok(undefined) : fail(failureOf(result, gitDir, `committing ${filesDir}`));
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}
