/**
 * The files of an archive as a commit, so that whatever reads a repository reads them: the same archive is the same commit,
 * wherever and whenever it is kept.
 */
import { fail, ok, type Result } from '#model/failure.ts';
import type { Digest } from '#model/json.ts';
import type { ArchiveFile } from '#model/ports.ts';
import type { GitTools } from './command.ts';
import { runGit } from './command.ts';
import { failureOf } from './git-failures.ts';

export interface KeptArchive {
  readonly digest: Digest;
  /** What people see. */
  readonly label: string;
  /** How statuses name it. */
  readonly name: string;
  readonly files: readonly ArchiveFile[];
}

const importTimeoutMs = 60_000;

export const archiveRef = (digest: Digest): string => `refs/trueup/archives/${digest.replace(':', '-')}`;

export async function importArchive(
  git: GitTools,
  { url, gitDir }: { readonly url: string; readonly gitDir: string },
  archive: KeptArchive,
): Promise<Result<void>> {
  const result = await runGit(git, {
    gitDir,
    args: ['fast-import', '--quiet', '--done', '--force'],
    input: importStream(archive),
    timeoutMs: importTimeoutMs,
  });
  return result.code === 0 ? ok(undefined) : fail(failureOf(result, url, 'keeping an archive'));
}

/** Nothing in it depends on who imports it, or when. */
function importStream({ digest, label, name, files }: KeptArchive): Uint8Array {
  const message = Buffer.from(`${oneLine(label)}\n\n${oneLine(name)}\n`, 'utf8');
  const parts: Uint8Array[] = [
    Buffer.from(`commit ${archiveRef(digest)}\ncommitter Trueup <> 0 +0000\ndata ${message.byteLength}\n`),
    message,
  ];
  for (const { path, content } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1)))
    parts.push(
      Buffer.from(`M 100644 inline ${quoted(path)}\ndata ${content.byteLength}\n`),
      content,
      newline,
    );
  parts.push(Buffer.from('done\n'));
  return Buffer.concat(parts);
}

const newline = Buffer.from('\n');
const oneLine = (text: string): string => text.replace(/\p{Cc}/gu, ' ');

/** As C has it; control characters are in no path. */
const quoted = (path: string): string => `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
