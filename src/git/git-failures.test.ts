import { expect, test } from 'vitest';
import { failureOf } from './git-failures.ts';

const url = 'https://git.example.com/certificate-ssl/timed-out.git';
const of = (stderr: string, code: number | null = 128, timedOut = false) =>
  failureOf({ code, stdout: new Uint8Array(), stderr, timedOut }, url, 'listing its refs', ['hunter2']);

// Each as a git of 2.39 or later, or the libcurl below it, has written it.
test.each([
  [
    `fatal: unable to access '${url}/': Could not resolve host: git.example.com`,
    'GitUnreachable',
    'transient',
  ],
  [
    `fatal: unable to access '${url}/': Failed to connect to git.example.com port 443 after 0 ms: Couldn't connect to server`,
    'GitUnreachable',
    'transient',
  ],
  [`fatal: unable to access '${url}/': The requested URL returned error: 503`, 'GitUnreachable', 'transient'],
  [
    `error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: early EOF`,
    'GitUnreachable',
    'transient',
  ],
  [
    `fatal: unable to access '${url}/': OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to git.example.com:443`,
    'GitUnreachable',
    'transient',
  ],
  [
    `fatal: unable to access '${url}/': SSL certificate problem: self-signed certificate`,
    'GitTlsFailed',
    'terminal',
  ],
  [
    `fatal: unable to access '${url}/': server certificate verification failed. CAfile: none CRLfile: none`,
    'GitTlsFailed',
    'terminal',
  ],
  [
    `fatal: unable to access '${url}/': error:0A00010B:SSL routines::wrong version number`,
    'GitTlsFailed',
    'terminal',
  ],
  [
    `fatal: could not read Username for 'https://git.example.com': terminal prompts disabled`,
    'GitAuthenticationFailed',
    'terminal',
  ],
  [
    `remote: HTTP Basic: Access denied\nfatal: Authentication failed for '${url}/'`,
    'GitAuthenticationFailed',
    'terminal',
  ],
  [
    `fatal: unable to access '${url}/': The requested URL returned error: 403`,
    'GitAuthenticationFailed',
    'terminal',
  ],
  [`remote: Repository not found.\nfatal: repository '${url}/' not found`, 'RepositoryNotFound', 'terminal'],
  [`fatal: '/srv/x.git' does not appear to be a git repository`, 'RepositoryNotFound', 'terminal'],
  [
    `fatal: unable to access '${url}/': Operation too slow. Less than 1000 bytes/sec transferred the last 30 seconds`,
    'GitTimeout',
    'transient',
  ],
  [`fatal: write error: No space left on device`, 'GitStoreFull', 'transient'],
  [
    `error: object 1234: missingTree: invalid format\nfatal: fsck error in packed object`,
    'GitObjectsRejected',
    'terminal',
  ],
  [`fatal: detected dubious ownership in repository at '/srv/x.git'`, 'GitForeignOwner', 'terminal'],
  [`something new`, 'GitFailed', 'transient'],
])('%s', (stderr, code, kind) => {
  const failure = of(stderr);
  expect(failure).toMatchObject({ code, kind, stage: 'source' });
  expect(failure.message).toContain(code === 'GitMissing' ? 'git' : url);
  expect(failure.hint).not.toBe('');
});

test('what a limit of ours ended says which, and who can raise it', () => {
  const where = 'spec.timeout of GitRepository flux-system/shop';
  const slow = 'Operation too slow. Less than 1000 bytes/sec transferred the last 30 seconds';
  const late = failureOf(
    {
      code: 128,
      stdout: new Uint8Array(),
      stderr: `fatal: unable to access '${url}/': ${slow}`,
      timedOut: false,
    },
    url,
    'fetching it',
    [],
    { timeoutMs: 900_000, where },
  );
  expect(late.message).toMatch(/while fetching it: less than 1000 bytes a second came for 30 s$/);
  expect(late.hint).toContain(`or raise ${where}`);
});

test('a deadline and a missing git', () => {
  expect(of('', null, true)).toMatchObject({ code: 'GitTimeout', kind: 'transient' });
  expect(of('spawn git ENOENT', 127)).toMatchObject({ code: 'GitMissing', kind: 'terminal' });
});

test('S14: what git repeats is cleaned', () => {
  const failure = of("fatal: unable to access 'https://ada:hunter2@git.example.com/x/': hunter2 is wrong");
  expect(JSON.stringify(failure)).not.toContain('hunter2');
});
