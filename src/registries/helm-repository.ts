/** A repository of charts over https: an index, and archives that it names. */
import { fail, ok, type Result } from '#model/failure.ts';
import type { FoundArchive, Timers } from '#model/ports.ts';
import type { GitRef, SourceSpec } from '#model/unit.ts';
import { highestVersion } from '#model/versions.ts';
import type { Client, Identity } from './client.ts';
import { refusal } from './failures.ts';
import type { Index, IndexEntry } from './helm-index.ts';
import { readIndex } from './read-index.ts';

const indexBytesMax = 64 * 2 ** 20;
/** Who asks so soon after another means the same look. */
const freshMs = 1000;

interface Kept {
  readonly etag: string | undefined;
  readonly index: Index;
}

export class HelmRepositories {
  readonly #client: Client;
  readonly #timers: Timers;
  /** The index that was read last, by address and who asked. */
  readonly #kept = new Map<string, Kept>();
  readonly #underWay = new Map<string, Promise<Result<Index>>>();

  constructor(client: Client, timers: Timers) {
    this.#client = client;
    this.#timers = timers;
  }

  /** `url`: where it is read, which a mirror may make another than that of the source. */
  async find(
    { chart = '', ref, url: written }: SourceSpec,
    url: string,
    identity: Identity,
  ): Promise<Result<FoundArchive>> {
    const isShared = this.#underWay.has(keyOf(url, identity));
    let index = await this.#index(url, identity);
    let entry = index.ok ? entryIn(index.value, chart, ref) : undefined;
    // What others have looked at a moment ago may lack what was published since.
    if (entry === undefined && isShared) {
      this.#underWay.delete(keyOf(url, identity));
      index = await this.#index(url, identity);
      entry = index.ok ? entryIn(index.value, chart, ref) : undefined;
    }
    if (!index.ok) return index;
    const versions = (index.value.get(chart) ?? []).map(({ version }) => version);
    if (entry === undefined) return fail(notThere(written, chart, ref, versions));
    const base = url.endsWith('/') ? url : `${url}/`;
    return ok({
      name: entry.version,
      label: `${chart} ${entry.version}`,
      ...(entry.digest === undefined ? {} : { digest: entry.digest }),
      url: URL.parse(entry.url, base)?.href ?? entry.url,
    });
  }

  /** One request for all who ask at the same time, and none for what has not changed. */
  #index(url: string, identity: Identity): Promise<Result<Index>> {
    const key = keyOf(url, identity);
    let reading = this.#underWay.get(key);
    if (reading === undefined) {
      reading = this.#read(key, url, identity);
      this.#underWay.set(key, reading);
      void reading.then(() => this.#timers.after(freshMs, () => this.#underWay.delete(key)));
    }
    return reading;
  }

  async #read(key: string, url: string, identity: Identity): Promise<Result<Index>> {
    const kept = this.#kept.get(key);
    const reply = await this.#client.ask({
      url: `${url.replace(/\/+$/, '')}/index.yaml`,
      origin: URL.parse(url)?.origin ?? '',
      identity,
      bytesMax: indexBytesMax,
      ...(kept?.etag === undefined ? {} : { headers: { 'if-none-match': kept.etag } }),
      accepts: [304],
    });
    if (!reply.ok) return reply;
    const { status, headers, body } = reply.value;
    if (status === 304 && kept !== undefined) return ok(kept.index);
    const index = await readIndex(url, Buffer.from(body).toString('utf8'), this.#timers);
    if (!index.ok) return index;
    const { etag } = headers;
    this.#kept.set(key, { index: index.value, etag: typeof etag === 'string' ? etag : undefined });
    return index;
  }
}

const keyOf = (url: string, identity: Identity): string => JSON.stringify([url, identity]);

function entryIn(index: Index, chart: string, ref: GitRef): IndexEntry | undefined {
  const entries = index.get(chart) ?? [];
  const version = chosenVersion(
    entries.map((entry) => entry.version),
    ref,
  );
  return entries.find((entry) => entry.version === version);
}

/** Exactly the one that is named; else the highest in the range. */
export function chosenVersion(versions: readonly string[], ref: GitRef): string | undefined {
  const wanted = 'semver' in ref ? ref.semver : 'name' in ref ? ref.name : '';
  const exact = versions.find(
    (version) => version === wanted || `v${version}` === wanted || version === `v${wanted}`,
  );
  return exact ?? ('semver' in ref ? highestVersion(versions, wanted) : undefined);
}

export function notThere(url: string, chart: string, ref: GitRef, versions: readonly string[]) {
  const wanted = 'semver' in ref ? `version in ${ref.semver}` : `version ${Object.values(ref)[0]}`;
  const what = chart === '' ? wanted : `chart ${chart} with a ${wanted}`;
  const near = versions.slice(0, 5).join(', ');
  return refusal(
    'ChartNotFound',
    `${url}: there is no ${what}`,
    near === '' ? 'check the name' : `there are ${near}`,
  );
}
