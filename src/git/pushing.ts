/** Giving a commit to a Git server: never by force, and with a word on why it was not taken. */
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { Access } from './credentials.ts';
import { credentialsOf } from './credentials.ts';
import { call, type FetchingTools } from './fetching.ts';

const pushTimeoutMs = 5 * 60_000;

export async function pushCommit(
  tools: FetchingTools,
  access: Access,
  commit: string,
  branch: string,
): Promise<Result<void>> {
  const credentials = await credentialsOf(access, tools.credentials);
  if (!credentials.ok) return credentials;
  const pushed = await call(tools, access, credentials.value, {
    args: ['push', '--quiet', '--no-thin', 'origin', `${commit}:refs/heads/${branch}`],
    // Contents that the server has, and a partial copy has not, are found out by looking at whole trees.
    config: [['pack.useSparse', 'false']],
    timeoutMs: pushTimeoutMs,
    doing: `pushing to ${branch}`,
  });
  if (pushed.ok) return ok(undefined);
  return fail(refusalOf(pushed.stderr, access.address.url, branch) ?? pushed.failure);
}

/** What the server's words mean for who wanted to write; undefined where it is nothing about writing. */
function refusalOf(stderr: string, url: string, branch: string): Failure | undefined {
  if (/\[rejected\]|fetch first|non-fast-forward|cannot lock ref/i.test(stderr))
    return {
      kind: 'transient',
      code: 'BranchMoved',
      stage: 'source',
      message: `${url}: somebody pushed to ${branch} meanwhile; nothing was written`,
      hint: 'look at what came, and run this again',
    };
  const isRefused =
    /\[remote rejected\]|returned error: 40[134]|Authentication failed|could not read (?:Username|Password)|not enabled|denied|permission|read.only|not allowed/i;
  if (!isRefused.test(stderr)) return undefined;
  const words = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^(?:remote|fatal|!)/.test(line))
    .slice(0, 3)
    .join('; ');
  return {
    kind: 'denied',
    code: 'GitWriteDenied',
    stage: 'source',
    message: `${url}: the Git server does not let Trueup push to ${branch}`,
    hint: 'give it a Secret with write access, or run the git commands yourself',
    ...(words === '' ? {} : { cause: words.slice(0, 500) }),
  };
}
