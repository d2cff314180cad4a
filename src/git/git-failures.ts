/** What git's complaints mean: its exit says that it failed, its last words say why. */
import type { Failure, FailureKind } from '#model/failure.ts';
import type { ProcessResult } from '#model/ports.ts';
import { humanDuration } from '#model/time.ts';
import { toleratedFlaws } from './command.ts';
import { withoutSecrets } from './url.ts';

interface Meaning {
  readonly pattern: RegExp;
  readonly kind: FailureKind;
  readonly code: string;
  readonly what: string;
  readonly hint: string;
}

/** The first that matches counts: the specific before the general. Texts are git's and curl's, in the C locale. */
const meanings: readonly Meaning[] = [
  {
    pattern: /dubious ownership/,
    kind: 'terminal',
    code: 'GitForeignOwner',
    what: 'the repository on this machine belongs to another user, and git refuses to read it',
    hint: 'run Trueup as the user who owns it, or serve it over https',
  },
  {
    pattern: /No space left on device|disk quota exceeded/i,
    kind: 'transient',
    code: 'GitStoreFull',
    what: 'there is no room left for its objects in the data directory',
    hint: 'free space on the volume of the data directory',
  },
  {
    pattern: /Operation timed out|Connection timed out|timed out after/i,
    kind: 'transient',
    code: 'GitTimeout',
    what: 'the Git server did not answer in time',
    hint: 'check the network and the Git server; Trueup tries again',
  },
  {
    pattern: /Host key verification failed|No .* host key is known|REMOTE HOST IDENTIFICATION HAS CHANGED/i,
    kind: 'terminal',
    code: 'GitHostKeyUnknown',
    what: 'the SSH server has a host key that is not among the known ones',
    hint: 'add its line to argocd-ssh-known-hosts-cm (ssh_known_hosts), or to known_hosts in the Secret of a GitRepository',
  },
  {
    pattern: /Permission denied \((?:publickey|password|keyboard)|Load key "/i,
    kind: 'terminal',
    code: 'GitAuthenticationFailed',
    what: 'the SSH server refused the key, or asks for one',
    hint: 'check sshPrivateKey in the Secret of this repository; it must have no passphrase',
  },
  {
    pattern:
      /Authentication failed|could not read (?:Username|Password)|terminal prompts disabled|returned error: 40[13]|Access denied|HTTP Basic: /i,
    kind: 'terminal',
    code: 'GitAuthenticationFailed',
    what: 'the Git server refused the credentials, or asks for some',
    hint: 'check the Secret with the username and password (or bearerToken) of this repository',
  },
  {
    pattern: /certificate|SSL routines|gnutls_handshake|alert (?:handshake|protocol)/i,
    kind: 'terminal',
    code: 'GitTlsFailed',
    what: 'no trusted TLS connection could be made',
    hint: 'check the certificate of the Git server; set SSL_CERT_FILE to your own authority',
  },
  {
    pattern:
      /repository .* not found|does not appear to be a git repository|is this a git repository|returned error: (?:404|410)|Repository not found/i,
    kind: 'terminal',
    code: 'RepositoryNotFound',
    what: 'there is no such repository, or these credentials may not see it',
    hint: 'check the address, and the credentials if the repository is private',
  },
  {
    pattern:
      /fsck error|fsck_|index-pack failed.*(?:bad|invalid)|invalid (?:author|committer)|in packed object/i,
    kind: 'terminal',
    code: 'GitObjectsRejected',
    what: 'the repository has malformed objects, which were not taken over',
    hint: 'run git fsck in the repository and repair what it names',
  },
  {
    pattern:
      /Could not resolve|Couldn't connect|Failed to connect|Connection re(?:fused|set)|kex_exchange|Connection closed|No route to host|Network is unreachable|Empty reply|Recv failure|Send failure|early EOF|RPC failed|unexpected disconnect|hung up|returned error: (?:429|5\d\d)|Proxy|unable to access/i,
    kind: 'transient',
    code: 'GitUnreachable',
    what: 'the Git server cannot be reached',
    hint: 'check the network and the Git server; Trueup goes on with what it has and tries again',
  },
];

/** Signs that our own copy is damaged (a power cut): it is thrown away and fetched anew. */
export function isStoreDamage(stderr: string): boolean {
  return /object file .* is empty|loose object .* is corrupt|packfile .* (?:cannot be|is corrupt|claims)|not a git repository: |bad object refs\/|unable to read tree|bad config line|invalid sha1 pointer/i.test(
    stderr,
  );
}

/** A lock file that a killed git left behind (F1). */
export function isStaleLock(stderr: string): boolean {
  return /Unable to create '.*\.lock': File exists|cannot lock ref/i.test(stderr);
}

/** git refused an object for a flaw that we tolerate: it does not hear of that while it leaves contents out. */
export function isToleratedFlaw(stderr: string): boolean {
  return toleratedFlaws.some((flaw) => stderr.includes(`: ${flaw}: `)) && /fsck error/.test(stderr);
}

export function redirectStatus(stderr: string): boolean {
  return /returned error: 30[1278]\b/.test(stderr);
}

export interface TimeLimits {
  /** Of the whole call. */
  readonly timeoutMs: number;
  /** Where more time can be given. */
  readonly where?: string;
}

export function failureOf(
  result: ProcessResult,
  url: string,
  doing: string,
  secrets: readonly string[] = [],
  limits?: TimeLimits,
): Failure {
  if (result.code === 127)
    return {
      kind: 'terminal',
      code: 'GitMissing',
      stage: 'source',
      message: 'git is not installed, or is not on the PATH',
      hint: 'install git 2.39 or later',
    };
  const stderr = withoutSecrets(result.stderr, secrets);
  const late = lateness(result, stderr, limits);
  if (late !== undefined) {
    const more = limits?.where === undefined ? '' : `, or raise ${limits.where}`;
    return {
      kind: 'transient',
      code: 'GitTimeout',
      stage: 'source',
      message: `${url}: the Git server did not answer in time while ${doing}${late}`,
      hint: `check the network and the Git server${more}; Trueup tries again`,
    };
  }
  // A repository may be called certificate-demo: what git repeats of the address is no sign of anything.
  const words = stderr.replace(/[A-Za-z]+:\/\/[^\s'"]+/g, 'address');
  const meaning = meanings.find((one) => one.pattern.test(words));
  const cause = lastWords(stderr);
  return {
    kind: meaning?.kind ?? 'transient',
    code: meaning?.code ?? 'GitFailed',
    stage: 'source',
    message: `${url}: ${meaning?.what ?? `git failed while ${doing}`}`,
    hint: meaning?.hint ?? 'the cause is in git’s own words; Trueup tries again',
    ...(cause !== '' && { cause }),
  };
}

/** Which of our limits ended it, in words; undefined where none did. */
function lateness(
  { timedOut }: ProcessResult,
  stderr: string,
  limits: TimeLimits | undefined,
): string | undefined {
  if (timedOut) return limits === undefined ? '' : `: it took more than ${humanDuration(limits.timeoutMs)}`;
  const slow = /Operation too slow\. Less than (\d+) bytes\/sec transferred the last (\d+) seconds/.exec(
    stderr,
  );
  if (slow === null) return undefined;
  return `: less than ${slow[1]} bytes a second came for ${humanDuration(Number(slow[2]) * 1000)}`;
}

/** The lines in which git says why, without hints and progress. */
function lastWords(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const telling = lines.filter((line) => /^(?:fatal|error|remote):/.test(line));
  return (telling.length > 0 ? telling : lines.filter((line) => line !== ''))
    .slice(-3)
    .join('; ')
    .slice(0, 500);
}
