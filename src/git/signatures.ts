/**
 * Whether a commit, or the tag that leads to it, was signed by one of the given keys. Anything else than a good signature
 * of one of them is none (S8). gpg works in a directory of its own, which has these keys and no others.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { SecretReader } from '#model/ports.ts';
import type { SignatureRule } from '#model/unit.ts';
import type { GitTools } from './command.ts';
import { runGit } from './command.ts';
import { privatePrefix } from './private-files.ts';

export interface Signed {
  /** A commit, or an annotated tag. */
  readonly object: string;
  readonly kind: 'commit' | 'tag';
  /** What people see. */
  readonly label: string;
}

const timeoutMs = 30_000;
const outputBytesMax = 256 * 1024;
const goodKeptMax = 10_000;
const goodMs = 3_600_000;
const sshKey = /^(?:ssh-|ecdsa-|sk-)/;

export class Signatures {
  readonly #git: GitTools;
  readonly #gitDir: string;
  readonly #url: string;
  readonly #secrets: SecretReader;
  /** Good ones, by object and keys, with when they were found: keys expire. */
  readonly #good = new Map<string, number>();

  constructor(git: GitTools, gitDir: string, url: string, secrets: SecretReader) {
    this.#git = git;
    this.#gitDir = gitDir;
    this.#url = url;
    this.#secrets = secrets;
  }

  async check(rule: SignatureRule, signed: Signed): Promise<Result<undefined>> {
    const keys = this.#keysOf(rule);
    if (!keys.ok) return keys;
    if (keys.value.length === 0)
      return fail(this.#refused(signed, 'there is no key that it could be signed with', rule));
    const key = digestOf(JSON.stringify([signed.object, signed.kind, keys.value, rule.ids]));
    const nowMs = this.#git.clock.monotonic();
    if (nowMs - (this.#good.get(key) ?? -Infinity) < goodMs) return ok(undefined);
    const why = await this.#verify(signed, keys.value, rule.ids);
    if (why !== undefined) return fail(this.#refused(signed, why, rule));
    if (this.#good.size >= goodKeptMax) this.#good.clear();
    this.#good.set(key, nowMs);
    return ok(undefined);
  }

  #keysOf({ keys = [], secret }: SignatureRule): Result<readonly string[]> {
    if (secret === undefined) return ok(keys);
    const data = this.#secrets(secret);
    if (data !== undefined) return ok(Object.values(data));
    const message = `${this.#url}: Secret ${secret.namespace}/${secret.name} with the keys of signatures does not exist`;
    return fail({
      kind: 'terminal',
      code: 'SignatureRefused',
      stage: 'source',
      message,
      hint: 'create the Secret',
    });
  }

  async #verify(
    { object, kind }: Signed,
    keys: readonly string[],
    ids: readonly string[] | undefined,
  ): Promise<string | undefined> {
    const home = await mkdtemp(path.join(this.#git.dir, privatePrefix));
    try {
      const gnupg = path.join(home, 'gnupg');
      await mkdir(gnupg, { mode: 0o700 });
      const signers = path.join(home, 'signers');
      await writeFile(signers, signersOf(keys));
      const imported = await this.#import(gnupg, keys);
      if (imported !== undefined) return imported;
      const result = await runGit(this.#git, {
        gitDir: this.#gitDir,
        args: [kind === 'tag' ? 'verify-tag' : 'verify-commit', '--raw', object],
        config: [
          ['gpg.program', 'gpg'],
          ['gpg.ssh.program', 'ssh-keygen'],
          ['gpg.ssh.allowedSignersFile', signers],
          // Signatures by certificates are not honoured: nothing verifies them.
          ['gpg.x509.program', 'false'],
        ],
        named: { GNUPGHOME: gnupg },
        timeoutMs,
        outputBytesMax,
      });
      return judge(result.code, result.stderr, ids);
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  }

  async #import(gnupg: string, keys: readonly string[]): Promise<string | undefined> {
    for (const text of keys.filter((one) => !sshKey.test(one.trim()))) {
      const result = await this.#git.processes.run({
        command: 'gpg',
        args: ['--homedir', gnupg, '--batch', '--no-tty', '--no-autostart', '--quiet', '--import'],
        env: { ...this.#git.environment, LC_ALL: 'C' },
        stdin: Buffer.from(text, 'utf8'),
        timeoutMs,
        outputBytesMax,
      });
      if (result.code === 127) return 'gpg is not installed';
      if (result.code !== 0) return 'a key that it could be signed with cannot be read';
    }
    return undefined;
  }

  #refused({ label }: Signed, why: string, { where }: SignatureRule): Failure {
    return {
      kind: 'terminal',
      code: 'SignatureRefused',
      stage: 'source',
      message: `${this.#url}: ${label}: ${why}; what is applied stays`,
      hint: `sign it with a key of ${where}`,
    };
  }
}

/** As `ssh-keygen -Y verify` reads them: whoever it is, with one of these keys. */
function signersOf(keys: readonly string[]): string {
  const lines = keys.flatMap((text) => text.split('\n')).map((line) => line.trim());
  return lines.flatMap((line) => (sshKey.test(line) ? [`* namespaces="git" ${line}\n`] : [])).join('');
}

/** Undefined: good. Of gpg only its status lines count, and of those only a good signature without any "but". */
function judge(code: number | null, said: string, ids: readonly string[] | undefined): string | undefined {
  const lines = said.split('\n');
  const status = lines.flatMap((line) => /^\[GNUPG:\] (\S+) ?(.*)$/.exec(line)?.slice(1) ?? []);
  const words = status.filter((_, index) => index % 2 === 0);
  if (status.length === 0) {
    if (lines.some((line) => line.startsWith('Good "git" signature')) && code === 0)
      return ids === undefined ? undefined : 'it is signed with an SSH key, and a GPG key is asked for';
    const isUnsigned = lines.some((line) => /no signature found/.test(line));
    return !isUnsigned && lines.some((line) => /signature/i.test(line))
      ? 'its signature is of no known key'
      : 'it is not signed';
  }
  const bad: Readonly<Record<string, string>> = {
    BADSIG: 'its signature is wrong',
    ERRSIG: 'its signature is of no known key',
    NO_PUBKEY: 'its signature is of no known key',
    EXPSIG: 'its signature has expired',
    EXPKEYSIG: 'the key of its signature has expired',
    REVKEYSIG: 'the key of its signature was revoked',
  };
  const found = words.find((word) => bad[word] !== undefined);
  if (found !== undefined) return bad[found];
  const valid = status[words.indexOf('VALIDSIG') * 2 + 1]?.split(' ') ?? [];
  if (code !== 0 || words.filter((word) => word === 'GOODSIG').length !== 1 || !words.includes('VALIDSIG'))
    return 'its signature is not good';
  const [own = ''] = valid;
  const primary = valid.at(-1) ?? '';
  const isWanted = ids?.some((id) => [own, primary].some((one) => one.endsWith(id.toUpperCase()))) ?? true;
  return isWanted ? undefined : 'it is signed with a key that is not asked for';
}
