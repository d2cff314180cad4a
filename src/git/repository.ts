/** One repository: who may read it, what its names stand for, and what lies in its trees. */
import type { Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import { canonicalJson, type Digest } from '#model/json.ts';
import type { RepositoryWriter, Timers } from '#model/ports.ts';
import type { PathEntry, TreeFile } from '#model/rendered.ts';
import { timeoutMsOf } from '#model/source-timeouts.ts';
import type { Ancestry, Revision, SignatureRule, SourceSpec } from '#model/unit.ts';
import { BlobSupply } from './blob-supply.ts';
import type { GitTools } from './command.ts';
import { openGit, runGit } from './command.ts';
import { archiveRef, importArchive, type KeptArchive } from './archive-import.ts';
import { revisionOf } from './commit.ts';
import type { Access } from './credentials.ts';
import type { FetchingTools } from './fetching.ts';
import { bringUpToDate, fetchBlobs, fetchCommit } from './fetching.ts';
import { failureOf } from './git-failures.ts';
import type { GitObject } from './object-reader.ts';
import { pushCommit } from './pushing.ts';
import type { RevertingTools } from './reverting.ts';
import { ObjectReader } from './object-reader.ts';
import { Looking } from './looking.ts';
import { find, isObjectId, refNotFound } from './refs.ts';
import { SharedRun, Turnstile } from './shared-run.ts';
import { Signatures, type Signed } from './signatures.ts';
import type { Store } from './store.ts';
import { followLinks, linksOf, listTree, normalPath, notThere } from './tree.ts';

/** One call's contents must fit into memory beside everything else. */
export const readBytesMax = 64 * 1024 * 1024;
const commitBytesMax = 4 * 1024 * 1024;
const ancestryTimeoutMs = 60_000;
const ancestriesKeptMax = 10_000;

interface Poll {
  readonly run: SharedRun<Result<{ readonly changed: boolean }>>;
  /** Of those who wait for the next run, the one who gives the server most time. */
  next: Access | undefined;
}

function patientOf(one: Access | undefined, other: Access): Access {
  return one === undefined || timeoutMsOf(other.timeout) > timeoutMsOf(one.timeout) ? other : one;
}

export class Repository {
  readonly url: string;
  readonly #git: GitTools;
  readonly #store: Store;
  readonly #fetching: FetchingTools;
  readonly #reader: ObjectReader;
  readonly #blobs: BlobSupply;
  readonly #looking: Looking;
  readonly #opened: Promise<void>;
  readonly #signatures: Signatures;
  readonly #turnstile = new Turnstile();
  readonly #polls = new Map<string, Poll>();
  readonly #ancestries = new Map<string, Promise<Result<Ancestry>>>();
  /** Commits that the server does not give; forgotten at every poll. */
  readonly #absent = new Set<string>();
  /** The access that was granted last: for contents that have to be fetched later. */
  #access: Access | undefined;

  constructor(url: string, git: GitTools, fetching: FetchingTools, timers: Timers) {
    this.url = url;
    this.#git = git;
    this.#fetching = fetching;
    this.#store = fetching.store;
    this.#opened = this.#store.open();
    const { gitDir } = this.#store;
    this.#signatures = new Signatures(git, gitDir, url, fetching.credentials.secrets);
    this.#reader = new ObjectReader(
      url,
      () => openGit(git, { gitDir, args: ['cat-file', '--batch-command'] }),
      timers,
    );
    this.#blobs = new BlobSupply(url, this.#reader, (blobs) => this.#fetchBlobs(blobs));
    this.#looking = new Looking(url, this.#reader, this.#blobs);
  }

  /** One run for all who ask with the same credentials at the same time; other credentials prove themselves. */
  fetch(access: Access): Promise<Result<{ readonly changed: boolean }>> {
    // Whom to trust may change, and what is asked then is another question.
    const key = canonicalJson([access.identity, access.trust]);
    const poll = this.#polls.get(key) ?? this.#newPoll();
    this.#polls.set(key, poll);
    poll.next = patientOf(poll.next, access);
    return poll.run.ask();
  }

  #newPoll(): Poll {
    const run = new SharedRun((begun) =>
      this.#poll(poll.next!, () => {
        begun();
        const access = poll.next!;
        poll.next = undefined;
        return access;
      }),
    );
    const poll: Poll = { run, next: undefined };
    return poll;
  }

  async #poll(asked: Access, begin: () => Access): Promise<Result<{ readonly changed: boolean }>> {
    await this.#opened;
    let access = asked;
    const result = await this.#turnstile.pass(() =>
      bringUpToDate(this.#fetching, asked, () => (access = begin())),
    );
    this.#git.meter.count('trueup_git_polls_total', {
      result: !result.ok ? result.failure.code : result.value.changed ? 'moved' : 'unchanged',
    });
    if (result.ok) {
      this.#access = access;
      this.#absent.clear();
      if (result.value.changed) void this.#turnstile.pass(() => this.#store.keepHouse());
    }
    return result;
  }

  /** Only what is signed as the source asks for it (S8). */
  async resolve(access: Access, spec: SourceSpec): Promise<Result<Revision>> {
    const revision = await this.#resolve(access, spec);
    if (!revision.ok || spec.signed === undefined) return revision;
    const checked = await this.#checkSigned(spec, spec.signed, revision.value);
    return checked.ok ? revision : checked;
  }

  async #checkSigned(
    { ref }: SourceSpec,
    rule: SignatureRule,
    { commit, label }: Revision,
  ): Promise<Result<undefined>> {
    const found = find(this.#store.refs, ref);
    const object = found !== undefined && 'object' in found ? found.object : commit;
    const tag = object === commit ? undefined : object;
    // A fetch may have moved it meanwhile: the tag of another commit says nothing of this one.
    const leads = await this.#commit(object);
    if (!leads.ok) return leads;
    if (leads.value?.id !== commit) return fail(notThere(this.url, object));
    const checks: Signed[] = [];
    if (rule.what === 'commit' || rule.what === 'both' || (rule.what === 'either' && tag === undefined))
      checks.push({ object: commit, kind: 'commit', label });
    // Without an annotated tag there is nothing that could be signed: the commit's name stands for it, and is refused.
    if (rule.what === 'tag' || rule.what === 'both' || (rule.what === 'either' && tag !== undefined))
      checks.push({ object: tag ?? commit, kind: 'tag', label });
    for (const check of checks) {
      const checked = await this.#signatures.check(rule, check);
      if (!checked.ok) return checked;
    }
    return ok(undefined);
  }

  async #resolve(access: Access, spec: SourceSpec): Promise<Result<Revision>> {
    await this.#opened;
    // What another's credentials have fetched is not everybody's to read.
    if (!this.#store.here || !this.#store.isReader(access.identity)) {
      const fetched = await this.fetch(access);
      if (!fetched.ok) return fetched;
    }
    this.#access ??= access;
    const found = find(this.#store.refs, spec.ref);
    if (found === undefined) return fail(refNotFound(this.url, this.#store.refs, spec.ref));
    if ('commit' in found) return this.#resolveCommit(access, spec, found.commit);
    let commit = await this.#commit(found.object);
    if (commit.ok && commit.value === undefined && (await this.#isDamaged(found.object))) {
      const mended = await this.#fetchAnew(access);
      if (!mended.ok) return mended;
      const again = find(this.#store.refs, spec.ref);
      commit = again !== undefined && 'object' in again ? await this.#commit(again.object) : ok(undefined);
    }
    if (!commit.ok) return commit;
    return commit.value === undefined
      ? fail(refNotFound(this.url, this.#store.refs, spec.ref, 'it does not lead to a commit'))
      : ok(revisionOf(this.url, commit.value, found.label));
  }

  async #resolveCommit(access: Access, spec: SourceSpec, id: string): Promise<Result<Revision>> {
    let commit = await this.#commit(id);
    if (commit.ok && commit.value === undefined && isObjectId(id) && !this.#absent.has(id)) {
      const fetched = await this.#turnstile.pass(() => fetchCommit(this.#fetching, access, id));
      if (fetched.ok) commit = await this.#commit(id);
      else if (fetched.failure.kind === 'transient' && fetched.failure.code !== 'GitFailed') return fetched;
      else this.#absent.add(id);
    }
    if (!commit.ok) return commit;
    if (commit.value !== undefined) return ok(revisionOf(this.url, commit.value, undefined));
    const why = isObjectId(id) ? undefined : 'none or several begin so';
    return fail(refNotFound(this.url, this.#store.refs, spec.ref, why));
  }

  /** A ref of ours stands for an object that is not here: a disk has lost it. */
  async #isDamaged(object: string): Promise<boolean> {
    const infos = await this.#reader.info([object]);
    return infos.ok && infos.value[0] === undefined;
  }

  async #fetchAnew(access: Access): Promise<Result<unknown>> {
    this.#fetching.log.warn({ url: this.url }, 'the local copy has lost objects: fetching it anew');
    await this.#turnstile.pass(() => this.#store.discard());
    this.#reader.close();
    return this.fetch(access);
  }

  /** The commit that an object is or, being an annotated tag, leads to. */
  async #commit(object: string): Promise<Result<GitObject | undefined>> {
    const answers = await this.#reader.contents([`${object}^{commit}`], commitBytesMax);
    return answers.ok ? ok(answers.value[0]) : answers;
  }

  ancestry(before: string | undefined, after: string): Promise<Result<Ancestry>> {
    if (before === undefined) return Promise.resolve(ok('first'));
    if (before === after) return Promise.resolve(ok('same'));
    const key = `${before} ${after}`;
    let answer = this.#ancestries.get(key);
    if (answer === undefined) {
      answer = this.#findAncestry(before, after).then((result) => {
        // 'rewritten' may only mean that a commit is not here yet; it and failures are found out anew.
        if (!result.ok || result.value === 'rewritten') this.#ancestries.delete(key);
        return result;
      });
      if (this.#ancestries.size >= ancestriesKeptMax) this.#ancestries.clear();
      this.#ancestries.set(key, answer);
    }
    return answer;
  }

  async #findAncestry(before: string, after: string): Promise<Result<Ancestry>> {
    if (!isObjectId(before) || !isObjectId(after)) return ok('rewritten');
    await this.#opened;
    const infos = await this.#reader.info([`${before}^{commit}`, `${after}^{commit}`]);
    if (!infos.ok) return infos;
    // A commit that is gone was on no branch any more: history was rewritten.
    if (infos.value.includes(undefined)) return ok('rewritten');
    const newer = await this.#isAncestor(before, after);
    if (!newer.ok || newer.value) return newer.ok ? ok('descendant') : newer;
    const older = await this.#isAncestor(after, before);
    if (!older.ok) return older;
    return ok(older.value ? 'older' : 'rewritten');
  }

  async #isAncestor(ancestor: string, descendant: string): Promise<Result<boolean>> {
    const result = await runGit(this.#git, {
      gitDir: this.#store.gitDir,
      args: ['merge-base', '--is-ancestor', ancestor, descendant],
      timeoutMs: ancestryTimeoutMs,
    });
    if (result.code === 0 || result.code === 1) return ok(result.code === 0);
    return fail(failureOf(result, this.url, 'comparing two commits'));
  }

  async trees(
    wanted: readonly { readonly commit: string; readonly path: string }[],
  ): Promise<Result<readonly (string | undefined)[]>> {
    await this.#opened;
    // A path that leaves the repository is asked as a name that no object has.
    const names = wanted.map(({ commit, path }) => {
      const normal = normalPath(path);
      return isObjectId(commit) && normal !== undefined ? `${commit}:${normal}` : '\0';
    });
    const infos = await this.#reader.info(names);
    if (!infos.ok) return infos;
    const trees = infos.value.map((info) => (info?.type === 'tree' ? info.id : undefined));
    this.#blobs.expect(trees.filter((tree) => tree !== undefined));
    return ok(trees);
  }

  async files(tree: string): Promise<Result<readonly TreeFile[]>> {
    await this.#opened;
    const listing = await listTree(this.url, tree, this.#reader);
    if (!listing.ok) return listing;
    const links = await this.#blobs.ensure(linksOf(listing.value).map((link) => link.id));
    if (!links.ok) return links;
    const files = await followLinks(this.url, listing.value, this.#reader);
    if (!files.ok) return files;
    const entries = [...files.value];
    const sizes = await this.#blobs.ensure(entries.map(([, blob]) => blob));
    if (!sizes.ok) return sizes;
    return ok(
      entries.map(([path, blob], index) => ({ path, blob, sizeBytes: sizes.value[index]!.sizeBytes })),
    );
  }

  async look(commit: string, paths: readonly string[]): Promise<Result<readonly PathEntry[]>> {
    await this.#opened;
    if (!isObjectId(commit)) return fail(notThere(this.url, commit));
    return this.#looking.look(commit, paths);
  }

  async changedPaths(before: string, after: string): Promise<Result<ReadonlySet<string> | undefined>> {
    await this.#opened;
    const strange = [before, after].find((commit) => !isObjectId(commit));
    if (strange !== undefined) return fail(notThere(this.url, strange));
    return this.#looking.changedPaths(before, after);
  }

  async sizes(blobs: readonly string[]): Promise<Result<readonly number[]>> {
    await this.#opened;
    const there = await this.#blobs.ensure(blobs);
    return there.ok ? ok(there.value.map(({ sizeBytes }) => sizeBytes)) : there;
  }

  async read(blobs: readonly string[]): Promise<Result<readonly Uint8Array[]>> {
    await this.#opened;
    const there = await this.#blobs.ensure(blobs);
    if (!there.ok) return there;
    const odd = there.value.findIndex((info) => info.type !== 'blob');
    if (odd >= 0) return fail(notThere(this.url, blobs[odd]!));
    const objects = await this.#reader.contents(blobs, readBytesMax);
    if (!objects.ok) return objects;
    return ok(objects.value.map((object) => object!.content));
  }

  async branch(access: Access, spec: SourceSpec): ReturnType<RepositoryWriter['branch']> {
    const revision = await this.resolve(access, spec);
    if (!revision.ok) return revision;
    const { branches, head } = this.#store.refs;
    const { ref } = spec;
    const written = 'branch' in ref ? ref.branch : 'name' in ref ? ref.name.trim() : '';
    const name = written === 'HEAD' ? (head ?? '') : written.replace(/^refs\/heads\//, '');
    return ok(branches.has(name) ? { name, commit: revision.value.commit } : undefined);
  }

  get gitDir(): string {
    return this.#store.gitDir;
  }

  /** Keeps the files of an archive; the oldest ones go when there are many. */
  async keepArchive(archive: KeptArchive): Promise<Result<Revision>> {
    await this.#opened;
    const kept = await this.#turnstile.pass(async (): Promise<Result<void>> => {
      const made = await this.#store.create();
      if (!made.ok) return made;
      const imported = await importArchive(this.#git, { url: this.url, gitDir: this.gitDir }, archive);
      if (imported.ok) await this.#store.boundArchives();
      return imported;
    });
    if (!kept.ok) return kept;
    const revision = await this.archived(archive.digest);
    return revision === undefined ? fail(notThere(this.url, archive.digest)) : ok(revision);
  }

  /** What is kept of an archive; undefined where it is not. */
  async archived(digest: Digest): Promise<Revision | undefined> {
    const commit = await this.archivedCommit(archiveRef(digest));
    if (commit.ok) await this.#store.touchArchive(archiveRef(digest), this.#git.clock.now());
    return commit.ok ? commit.value : undefined;
  }

  /** The archive that was kept as this commit, as it was when it was found. */
  async archivedCommit(commit: string): Promise<Result<Revision>> {
    await this.#opened;
    const object = (await this.#store.isMade()) ? await this.#commit(commit) : ok(undefined);
    if (!object.ok) return object;
    if (object.value === undefined) return fail(notThere(this.url, commit));
    const { message, ...revision } = revisionOf(this.url, object.value, undefined);
    const name = Buffer.from(object.value.content).toString('utf8').trimEnd().split('\n').at(-1)!;
    return ok({ ...revision, message, label: message, name });
  }

  /** What is written to it; the branch as it is here is what the next fetch brings. */
  get reverting(): RevertingTools {
    return { git: this.#git, url: this.url, gitDir: this.#store.gitDir, blobs: this.#blobs };
  }

  push(access: Access, commit: string, branch: string): Promise<Result<void>> {
    return this.#turnstile.pass(() => pushCommit(this.#fetching, access, commit, branch));
  }

  /** Does not wait for the network: a fetch under way ends with the process, and leaves nothing that matters. */
  close(): void {
    this.#reader.close();
  }

  #fetchBlobs(blobs: readonly string[]): Promise<Result<void>> {
    const access = this.#access;
    if (access === undefined)
      return Promise.resolve(
        fail({
          kind: 'transient',
          code: 'GitStoreUnreadable',
          stage: 'artifact',
          message: `${this.url}: some files are not in the local copy, and nobody has asked for the repository yet`,
          hint: 'they are fetched after the next poll',
        }),
      );
    return this.#turnstile.pass(() => fetchBlobs(this.#fetching, access, blobs));
  }
}
