/**
 * Charts that a chart depends on, of repositories of charts and of registries: in the versions that Chart.lock says, else
 * the highest in the range. Each stands in charts/ while the chart is rendered, as `helm dependency build` would put it there.
 */
import { posix } from 'node:path';
import { parseDocument } from 'yaml';
import { fail, ok, type Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { Position } from '#model/object.ts';
import type { RenderFiles, RenderRequest } from '#model/ports.ts';
import type { PathEntry, RemoteSource } from '#model/rendered.ts';
import { renderLimits } from './limits.ts';
import { refusal } from './refusal.ts';

export interface Dependency {
  readonly remote: RemoteSource;
  /** Where it stands, from the root of the repository. */
  readonly at: string;
  /** Where it is named. */
  readonly named: Position;
}
export interface Dependencies {
  readonly dependencies: readonly Dependency[];
  /** What was looked at to find them, that the chart itself does not read. */
  readonly looked: ReadonlyMap<string, PathEntry>;
}

interface Named {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
}

export const noDependencies: Dependencies = { dependencies: [], looked: new Map() };

export async function dependenciesOf(
  { root, url, commit }: Pick<RenderRequest, 'root' | 'url' | 'commit'>,
  files: RenderFiles,
): Promise<Result<Dependencies>> {
  const [chart, lock, charts] = ['Chart.yaml', 'Chart.lock', 'charts'].map((name) =>
    posix.join(root, name),
  ) as [string, string, string];
  const looked = await files.look(url, commit, [chart, lock, charts]);
  if (!looked.ok) return looked;
  const [chartEntry, lockEntry, chartsEntry] = looked.value as [PathEntry, PathEntry, PathEntry];
  const text = await textOf(chartEntry, chart, url, files);
  if (!text.ok) return text;
  const wanted = namedIn(text.value);
  const there = chartsEntry.kind === 'directory' ? chartsEntry.names : [];
  const missing = wanted.filter(({ name }) => !there.some((entry) => isChart(entry, name)));
  if (missing.length === 0) return ok(noDependencies);
  const locked = await textOf(lockEntry, lock, url, files);
  if (!locked.ok) return locked;
  const pins = namedIn(locked.value);
  const dependencies = missing.map((one, index): Dependency => {
    const pin = pins.find(({ name, repository }) => name === one.name && repository === one.repository);
    const line = text.value.split('\n').findIndex((words) => words.includes(one.repository));
    return {
      remote: remoteOf(one, pin?.version ?? one.version),
      at: posix.join(charts, `${one.name}-${index}`),
      named: { path: chart, ...(line < 0 ? {} : { line: line + 1 }) },
    };
  });
  return ok({ dependencies, looked: new Map([[lock, lockEntry]]) });
}

/** An unpacked chart, or an archive of it, whatever its version. */
function isChart(entry: string, name: string): boolean {
  return entry === `${name}/` || (entry.startsWith(`${name}-`) && entry.endsWith('.tgz'));
}

async function textOf(
  entry: PathEntry,
  path: string,
  url: string,
  files: RenderFiles,
): Promise<Result<string>> {
  if (entry.kind !== 'file') return ok('');
  const sizes = await files.sizes(url, [entry.blob]);
  if (!sizes.ok) return sizes;
  if (sizes.value[0]! > renderLimits.fileBytesMax)
    return fail(refusal('ManifestTooLarge', 'The file is too large.', 'make it smaller', { path }));
  const read = await files.read(url, [entry.blob]);
  return read.ok ? ok(Buffer.from(read.value[0]!).toString('utf8')) : read;
}

/** What is wrong with the file Helm says itself. */
function namedIn(text: string): readonly Named[] {
  let parsed: unknown;
  try {
    parsed = parseDocument(text).toJS({ maxAliasCount: 0 });
  } catch {
    return [];
  }
  const listed = isObject(parsed) ? parsed['dependencies'] : undefined;
  if (!Array.isArray(listed)) return [];
  return listed.filter(isObject).flatMap(({ name, version = '*', repository }) => {
    const isRemote = typeof repository === 'string' && /^(?:https?|oci):\/\//.test(repository);
    const isPlain = typeof name === 'string' && /^[\w.-]+$/.test(name) && !name.startsWith('.');
    return isRemote && isPlain ? [{ name, version: String(version), repository }] : [];
  });
}

function remoteOf({ name, repository }: Named, version: string): RemoteSource {
  const base = repository.replace(/\/+$/, '');
  const url = base.startsWith('oci://') ? `${base}/${name}` : `helm+${base}#${name}`;
  return { url, ref: version };
}
