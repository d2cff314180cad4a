/** Sources that are archives: looked up by their port, and kept as commits. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { canonicalJson, isObject } from '#model/json.ts';
import type { Archives } from '#model/ports.ts';
import type { Ancestry, Revision, SourceSpec } from '#model/unit.ts';
import { isLowerVersion } from '#model/versions.ts';
import { SharedRun } from './shared-run.ts';
import type { Repository } from './repository.ts';

type Changed = Result<{ readonly changed: boolean }>;

interface Poll {
  /** As the last who asked had it. */
  spec: SourceSpec;
  readonly run: SharedRun<Changed>;
}

/** Of one address. */
export class Archived {
  readonly #archives: Archives;
  readonly #repository: Repository;
  readonly #polls = new Map<string, Poll>();
  /** What each name stood for when it was looked up last; kept across restarts. */
  readonly #found: Promise<Map<string, Revision>>;

  constructor(archives: Archives, repository: Repository) {
    this.#archives = archives;
    this.#repository = repository;
    this.#found = this.#load();
  }

  fetch(spec: SourceSpec): Promise<Changed> {
    const key = keyOf(spec);
    let poll = this.#polls.get(key);
    if (poll === undefined) {
      const made: Poll = {
        spec,
        run: new SharedRun((begun) => {
          begun();
          return this.#poll(made.spec);
        }),
      };
      poll = made;
      this.#polls.set(key, poll);
    }
    // Whom to trust may have changed.
    poll.spec = spec;
    return poll.run.ask();
  }

  async #poll(spec: SourceSpec): Promise<Changed> {
    if ('commit' in spec.ref) return ok({ changed: false });
    const found = await this.#archives.find(spec);
    if (!found.ok) return found;
    const all = await this.#found;
    const before = all.get(keyOf(spec));
    const { name, label, digest } = found.value;
    const kept = digest === undefined ? undefined : await this.#repository.archived(digest);
    // The same archive may have several names.
    let revision: Revision | undefined = kept && { ...kept, name, label };
    if (revision === undefined) {
      const fetched = await this.#archives.fetch(spec, found.value);
      if (!fetched.ok) return fetched;
      const made = await this.#repository.keepArchive({ ...fetched.value, name, label });
      if (!made.ok) return made;
      revision = made.value;
    }
    all.set(keyOf(spec), revision);
    const changed = before?.commit !== revision.commit;
    if (changed) await this.#save(all);
    return ok({ changed });
  }

  async resolve(spec: SourceSpec): Promise<Result<Revision>> {
    if (spec.signed !== undefined) return fail(neverSigned(spec));
    if ('commit' in spec.ref) return this.#repository.archivedCommit(spec.ref.commit);
    const found = (await this.#found).get(keyOf(spec));
    if (found !== undefined && (await this.#repository.archivedCommit(found.commit)).ok) return ok(found);
    const fetched = await this.fetch(spec);
    if (!fetched.ok) return fetched;
    return ok((await this.#found).get(keyOf(spec))!);
  }

  /**
   * A version that somebody names is what they want. In a range an older one after a newer is none that anybody asked
   * for (F10), and other content under the same version is history that was rewritten.
   */
  async ancestry({ ref }: SourceSpec, before: string | undefined, after: string): Promise<Result<Ancestry>> {
    if (before === undefined) return ok('first');
    if (before === after) return ok('same');
    const [was, is] = [
      await this.#repository.archivedCommit(before),
      await this.#repository.archivedCommit(after),
    ];
    if (!is.ok) return is;
    if (!was.ok) return ok('descendant');
    const [old, now] = [versionOf(was.value), versionOf(is.value)];
    if (old === now && /^v?\d+\.\d+\.\d+/.test(now)) return ok('rewritten');
    return ok('semver' in ref && isLowerVersion(now, old) ? 'older' : 'descendant');
  }

  get #file(): string {
    return path.join(this.#repository.gitDir, 'archives.json');
  }

  async #load(): Promise<Map<string, Revision>> {
    try {
      const kept: unknown = JSON.parse(await readFile(this.#file, 'utf8'));
      return new Map(
        isObject(kept) ? (Object.entries(kept) as [string, unknown][] as [string, Revision][]) : [],
      );
    } catch {
      // Whoever asks next looks it up.
      return new Map();
    }
  }

  async #save(all: ReadonlyMap<string, Revision>): Promise<void> {
    const aside = `${this.#file}.new`;
    try {
      await writeFile(aside, JSON.stringify(Object.fromEntries(all)), { mode: 0o600 });
      await rename(aside, this.#file);
    } catch {
      // The disk is full: it is looked up again after the next restart.
    }
  }
}

/** Who asks counts: what another's login may see is not everybody's. */
function keyOf({ kind, chart, ref, credentials, passCredentials }: SourceSpec): string {
  return canonicalJson({
    kind,
    chart,
    ref,
    credentials,
    ...(passCredentials === true ? { passCredentials } : {}),
  });
}

/** `web 1.2.3`, `1.2.3@sha256:…`. */
function versionOf({ label }: Revision): string {
  return label.split('@')[0]!.split(' ').at(-1)!;
}

export function noArchives(url: string): Result<never> {
  return fail({
    kind: 'terminal',
    code: 'UnsupportedRegistry',
    stage: 'source',
    message: `${url}: repositories of charts and registries are not read here`,
    hint: 'run it where they are',
  });
}

function neverSigned({ url, signed }: SourceSpec): Failure {
  return {
    kind: 'terminal',
    code: 'SignatureRefused',
    stage: 'source',
    message: `${url}: ${signed?.where} asks for signatures, and those of charts and images are not verified`,
    hint: 'keep the chart in a Git repository',
  };
}
