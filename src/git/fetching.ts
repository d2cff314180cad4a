/** Bringing a local copy up to date: look at the remote's refs, fetch when one moved, mend what is broken. */
import type { Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import type { GitCredentials, Log } from '#model/ports.ts';
import { timeoutMsOf } from '#model/source-timeouts.ts';
import type { Access, CredentialTools } from './credentials.ts';
import { credentialsOf } from './credentials.ts';
import { isStaleLock, isStoreDamage, isToleratedFlaw } from './git-failures.ts';
import type { RefTable } from './refs.ts';
import { branchPrefix, parseRemoteRefs, pinPrefix, sameRefs, tagPrefix } from './refs.ts';
import type { Remote, RemoteCall, RemoteResult } from './remote.ts';
import type { Store } from './store.ts';

/** As long as something comes, a fetch may take its time: the first one brings a whole history. */
const fetchTimeoutMs = 15 * 60_000;

const everyRef = [`+refs/heads/*:${branchPrefix}*`, `+refs/tags/*:${tagPrefix}*`] as const;
const quietFetch = [
  'fetch',
  '--quiet',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
] as const;

export interface FetchingTools {
  readonly store: Store;
  readonly remote: Remote;
  readonly credentials: CredentialTools;
  readonly log: Log;
}

/** Compares the refs with the remote's, and fetches if they differ. `begin` is called before the remote is asked. */
export async function bringUpToDate(
  tools: FetchingTools,
  asked: Access,
  begin: () => Access,
): Promise<Result<{ readonly changed: boolean }>> {
  const { store } = tools;
  const credentials = await credentialsOf(asked, tools.credentials);
  if (!credentials.ok) return credentials;
  const made = await store.create();
  if (!made.ok) return made;
  const access = begin();
  const seen = await call(tools, access, credentials.value, {
    args: ['ls-remote', '--quiet', '--symref', 'origin'],
    timeoutMs: timeoutMsOf(access.timeout),
    doing: 'listing its branches and tags',
  });
  if (!seen.ok) return fail(seen.failure);
  const refs = parseRemoteRefs(seen.value.stdout);
  if (store.here && sameRefs(refs, store.refs)) {
    await store.admit(access.identity);
    return ok({ changed: false });
  }
  const fetched = await fetchRefs(tools, access, credentials.value, refs);
  if (!fetched.ok) return fail(fetched.failure);
  await store.admit(access.identity);
  return ok({ changed: true });
}

function fetchTimeoutOf({ timeout }: Access): number {
  return Math.max(fetchTimeoutMs, timeoutMsOf(timeout));
}

async function fetchRefs(
  tools: FetchingTools,
  access: Access,
  credentials: GitCredentials,
  refs: RefTable,
): Promise<Result<void>> {
  const fetched = await call(tools, access, credentials, {
    args: [...quietFetch, '--prune', 'origin', ...everyRef],
    timeoutMs: fetchTimeoutOf(access),
    doing: 'fetching it',
  });
  if (!fetched.ok) {
    if (tools.store.whole || !isToleratedFlaw(fetched.stderr)) return fail(fetched.failure);
    const whole = await fetchWhole(tools, access, credentials, 'its history has flaws');
    if (!whole.ok) return whole;
  }
  await tools.store.setHead(refs.head);
  if (await tools.store.loadRefs()) return ok(undefined);
  return fail({
    kind: 'transient',
    code: 'GitStoreUnreadable',
    stage: 'source',
    message: `${access.address.url}: its local copy cannot be read after the fetch`,
    hint: 'check the volume of the data directory',
  });
}

/** A commit that no branch or tag holds any more, or that was never asked for: servers may still give it. */
export async function fetchCommit(
  tools: FetchingTools,
  access: Access,
  commit: string,
): Promise<Result<void>> {
  const credentials = await credentialsOf(access, tools.credentials);
  if (!credentials.ok) return credentials;
  const fetched = await call(tools, access, credentials.value, {
    args: [...quietFetch, 'origin', `+${commit}:${pinPrefix}${commit}`],
    timeoutMs: fetchTimeoutOf(access),
    doing: `fetching commit ${commit}`,
  });
  return fetched.ok ? ok(undefined) : fail(fetched.failure);
}

/** File contents that were left out, all in one request. */
export async function fetchBlobs(
  tools: FetchingTools,
  access: Access,
  blobs: readonly string[],
): Promise<Result<void>> {
  const credentials = await credentialsOf(access, tools.credentials);
  if (!credentials.ok) return credentials;
  const fetched = await call(tools, access, credentials.value, {
    args: [...quietFetch, '--filter=blob:none', '--stdin', 'origin'],
    // What we have says nothing of what is missing.
    config: [['fetch.negotiationAlgorithm', 'noop']],
    stdin: `${blobs.join('\n')}\n`,
    timeoutMs: fetchTimeoutOf(access),
    doing: `fetching ${blobs.length} files`,
  });
  if (fetched.ok) return ok(undefined);
  if (!/not our ref|unadvertised object|couldn't find remote ref/i.test(fetched.stderr))
    return fail(fetched.failure);
  return fetchWhole(tools, access, credentials.value, 'its server does not send single objects');
}

/** Once and from then on: without leaving anything out. What is here stays usable meanwhile. */
async function fetchWhole(
  tools: FetchingTools,
  access: Access,
  credentials: GitCredentials,
  why: string,
): Promise<Result<void>> {
  tools.log.warn({ url: access.address.url, why }, 'fetching the repository with all its contents');
  const fetched = await tools.remote.call(access, credentials, {
    gitDir: tools.store.gitDir,
    args: [...quietFetch, '--refetch', '--prune', 'origin', ...everyRef],
    timeoutMs: fetchTimeoutOf(access),
    doing: 'fetching all of it',
    withoutBlobs: false,
  });
  if (!fetched.ok) return fail(fetched.failure);
  await tools.store.markWhole();
  return ok(undefined);
}

/** A call that mends our own side once: a dead git's lock file is removed, a damaged copy is made anew. */
export async function call(
  tools: FetchingTools,
  access: Access,
  credentials: GitCredentials,
  what: Omit<RemoteCall, 'gitDir' | 'withoutBlobs'>,
): Promise<RemoteResult> {
  const request = { ...what, gitDir: tools.store.gitDir, withoutBlobs: !tools.store.whole };
  const first = await tools.remote.call(access, credentials, request);
  if (first.ok) return first;
  const url = access.address.url;
  if (isStaleLock(first.stderr)) {
    tools.log.warn({ url }, 'a lock file was left in the local copy: removing it');
    await tools.store.removeLeftovers();
  } else if (isStoreDamage(first.stderr)) {
    tools.log.warn({ url, cause: first.failure.cause ?? '' }, 'the local copy is damaged: fetching it anew');
    await tools.store.discard();
    const made = await tools.store.create();
    if (!made.ok) return { ...made, stderr: '' };
  } else return first;
  return tools.remote.call(access, credentials, request);
}
