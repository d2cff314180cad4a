/** Makes sure that file contents are here: those that a partial clone left out come in one batch, never one by one. */
import type { Failure, Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import type { ObjectInfo, ObjectReader } from './object-reader.ts';
import { isObjectId } from './refs.ts';
import { entriesMax, listTree, notThere } from './tree.ts';

export class BlobSupply {
  readonly #url: string;
  readonly #reader: ObjectReader;
  readonly #fetch: (blobs: readonly string[]) => Promise<Result<void>>;
  /** Trees that somebody looked up and will read next: their contents come along with the first that is missing. */
  readonly #expected = new Set<string>();
  /** What those lack who came while a fetch was under way: the next one brings it for all of them. */
  readonly #wanted = new Set<string>();
  #underWay: Promise<Result<void>> | undefined;

  constructor(url: string, reader: ObjectReader, fetch: (blobs: readonly string[]) => Promise<Result<void>>) {
    this.#url = url;
    this.#reader = reader;
    this.#fetch = fetch;
  }

  expect(trees: readonly string[]): void {
    for (const tree of trees) if (this.#expected.size < entriesMax) this.#expected.add(tree);
  }

  /** Sizes in the order asked, when all are here. */
  async ensure(blobs: readonly string[]): Promise<Result<readonly ObjectInfo[]>> {
    const strange = blobs.find((blob) => !isObjectId(blob));
    if (strange !== undefined) return fail(notThere(this.#url, strange));
    let asked = false;
    for (;;) {
      const infos = await this.#reader.info(blobs);
      if (!infos.ok) return infos;
      const missing = blobs.filter((_, index) => infos.value[index] === undefined);
      if (missing.length === 0) return ok(infos.value.map((info) => info!));
      if (this.#underWay !== undefined) {
        // What another brings may be what is missing here; whether that fails is not ours to tell.
        for (const blob of missing) this.#wanted.add(blob);
        await this.#underWay;
        continue;
      }
      if (asked) return fail(stillMissing(this.#url, missing.length));
      asked = true;
      this.#underWay = this.#fetchMissing(missing).finally(() => (this.#underWay = undefined));
      const fetched = await this.#underWay;
      if (!fetched.ok) return fetched;
    }
  }

  async #fetchMissing(missing: readonly string[]): Promise<Result<void>> {
    const wanted = new Set(missing);
    const trees = [...this.#expected];
    this.#expected.clear();
    const candidates = new Set(this.#wanted);
    this.#wanted.clear();
    for (const tree of trees) {
      if (candidates.size > entriesMax) break;
      const listing = await listTree(this.#url, tree, this.#reader);
      // A tree that cannot be listed fails the one who reads it, not the others.
      if (!listing.ok) continue;
      for (const entry of listing.value.values())
        if (entry.kind === 'file' || entry.kind === 'link') candidates.add(entry.id);
    }
    const ids = [...candidates];
    const infos = await this.#reader.info(ids);
    if (infos.ok) ids.forEach((id, index) => infos.value[index] === undefined && wanted.add(id));
    return this.#fetch([...wanted]);
  }
}

function stillMissing(url: string, count: number): Failure {
  return {
    kind: 'transient',
    code: 'GitStoreUnreadable',
    stage: 'artifact',
    message: `${url}: ${count} files are not in the local copy, and the Git server did not send them`,
    hint: 'they are asked for again after the next poll',
  };
}
