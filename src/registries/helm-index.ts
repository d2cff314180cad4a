/** The index of a repository of charts: which versions there are, where, and with which digests. */
import { parseDocument } from 'yaml';
import { fail, ok, type Result } from '#model/failure.ts';
import { isObject, type Digest } from '#model/json.ts';
import { refusal } from './failures.ts';

export interface IndexEntry {
  readonly version: string;
  readonly url: string;
  readonly digest?: Digest;
}
/** By the name of a chart. */
export type Index = ReadonlyMap<string, readonly IndexEntry[]>;

/** Without expansion of aliases: what is generated has none (F21). */
export function parseIndex(url: string, text: string): Result<Index> {
  const no = (what: string) =>
    fail(refusal('InvalidIndex', `${url}: its index.yaml ${what}`, 'make it anew by helm repo index'));
  let parsed: unknown;
  try {
    parsed = text.startsWith('{') ? JSON.parse(text) : parseDocument(text).toJS({ maxAliasCount: 0 });
  } catch {
    return no('is no YAML');
  }
  const entries = isObject(parsed) ? parsed['entries'] : undefined;
  if (!isObject(entries)) return no('has no entries');
  return ok(
    new Map(
      Object.entries(entries).map(([name, versions]) => [
        name,
        Array.isArray(versions) ? versions.flatMap(entryOf) : [],
      ]),
    ),
  );
}

/** What is no entry is left out: a repository of many charts has a broken one now and then. */
function entryOf(value: unknown): readonly IndexEntry[] {
  if (!isObject(value)) return [];
  const { version, urls, digest } = value;
  const url: unknown = Array.isArray(urls) ? urls[0] : undefined;
  if (typeof version !== 'string' || typeof url !== 'string') return [];
  const hex = typeof digest === 'string' ? /^(?:sha256:)?([0-9a-f]{64})$/i.exec(digest)?.[1] : undefined;
  return [{ version, url, ...(hex === undefined ? {} : { digest: `sha256:${hex.toLowerCase()}` as const }) }];
}
