/** Reads a commit object: who, when, and the first line of why. */
import type { Revision } from '#model/unit.ts';
import type { GitObject } from './object-reader.ts';

export function revisionOf(url: string, commit: GitObject, label: string | undefined): Revision {
  const text = Buffer.from(commit.content).toString('utf8');
  const end = text.indexOf('\n\n');
  const header = end < 0 ? text : text.slice(0, end);
  const author = /^author (.*?) ?(<[^>\n]*>) /m.exec(header);
  const committed = /^committer .* (\d+) [+-]\d{4}$/m.exec(header);
  const short = commit.id.slice(0, 8);
  return {
    url,
    commit: commit.id,
    label: label === undefined ? short : `${label}@${short}`,
    author: author === null ? 'unknown' : `${author[1]} ${author[2]}`.trim(),
    message: (end < 0 ? '' : text.slice(end + 2)).trimStart().split('\n', 1)[0]!.slice(0, 500),
    atMs: Number(committed?.[1] ?? 0) * 1000,
  };
}
