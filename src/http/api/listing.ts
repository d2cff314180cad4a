/**
 * One page of Applications. Nobody gets a list without a page; who asks for no size and knows nothing of pages gets,
 * first, what is not as it should be: a script that looks for such Applications is right however many there are.
 */
import { sameRepository } from '#git/url.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import { labelSelector } from '#model/label-selector.ts';

export const pageDefault = 200;
export const pageMax = 1000;

export interface Page {
  readonly items: readonly Manifest[];
  /** Absent: that was all. */
  readonly next?: string;
  readonly remaining: number;
}

type Order = 'name' | 'attention';
/** Where an Application stands in the order: rank, namespace and name as one text, which sorts fast. */
type Place = string;
const separator = '\u0000';

export function listPage(all: readonly Manifest[], query: URLSearchParams): Result<Page> {
  const wanted = filterOf(query);
  if (!wanted.ok) return wanted;
  const size = sizeOf(query.get('limit'));
  const begun = placeOf(query.get('continue'));
  if (size === undefined) return fail(bad('limit', `write a number from 1 to ${pageMax}`));
  if (begun === undefined) return fail(bad('continue', 'take it from metadata.continue of the page before'));
  const order = begun?.order ?? (query.get('limit') === null ? 'attention' : 'name');
  const sorted = all
    .filter(wanted.value)
    .map((item) => ({ item, place: placeIn(order, item) }))
    .toSorted((a, b) => (a.place < b.place ? -1 : 1));
  const rest = begun === null ? sorted : sorted.filter(({ place }) => place > begun.place);
  const page = rest.slice(0, size);
  const remaining = rest.length - page.length;
  const last = page.at(-1);
  return ok({
    items: page.map(({ item }) => item),
    remaining,
    ...(remaining === 0 || last === undefined ? {} : { next: nextText(order, last.place) }),
  });
}

function filterOf(query: URLSearchParams): Result<(application: Manifest) => boolean> {
  const selector = labelSelector(query.get('selector') ?? '');
  if (!selector.ok) return selector;
  // Both names: Argo CD has had either.
  const projects = new Set(
    [...query.getAll('project'), ...query.getAll('projects')].filter((name) => name !== ''),
  );
  const [name, namespace, repo] = ['name', 'appNamespace', 'repo'].map((key) => query.get(key) ?? '');
  const search = (query.get('search') ?? '').toLowerCase();
  return ok((application) => {
    const { metadata } = application;
    return (
      (name === '' || metadata.name === name) &&
      (namespace === '' || metadata.namespace === namespace) &&
      (projects.size === 0 || projects.has(projectOf(application))) &&
      selector.value(metadata.labels ?? {}) &&
      (repo === '' || repositoriesOf(application).some((url) => sameRepository(url, repo!))) &&
      (search === '' ||
        [metadata.name, metadata.namespace ?? '', projectOf(application)].some((text) =>
          text.toLowerCase().includes(search),
        ))
    );
  });
}

export function projectOf({ spec }: Manifest): string {
  return (isObject(spec) && typeof spec['project'] === 'string' && spec['project']) || 'default';
}

function repositoriesOf({ spec }: Manifest): readonly string[] {
  if (!isObject(spec)) return [];
  const sources = [spec['source'], ...(Array.isArray(spec['sources']) ? spec['sources'] : [])];
  return sources.flatMap((source) =>
    isObject(source) && typeof source['repoURL'] === 'string' ? [source['repoURL']] : [],
  );
}

function placeIn(order: Order, { metadata, status }: Manifest): Place {
  const member = (part: string): unknown => {
    const value = isObject(status) ? status[part] : undefined;
    return isObject(value) ? value['status'] : undefined;
  };
  const isFine = member('sync') === 'Synced' && member('health') === 'Healthy';
  return [order === 'attention' && isFine ? '1' : '0', metadata.namespace ?? '', metadata.name].join(
    separator,
  );
}

function sizeOf(text: string | null): number | undefined {
  if (text === null || text === '' || text === '0') return pageDefault;
  const size = Number(text);
  return Number.isInteger(size) && size > 0 && size <= pageMax ? size : undefined;
}

function nextText(order: Order, place: Place): string {
  return Buffer.from(`${order}${separator}${place}`).toString('base64url');
}

/** Null: from the beginning. Undefined: not ours. */
function placeOf(text: string | null): { readonly order: Order; readonly place: Place } | null | undefined {
  if (text === null || text === '') return null;
  const [order, ...place] = Buffer.from(text, 'base64url').toString('utf8').split(separator);
  if ((order !== 'name' && order !== 'attention') || place.length !== 3) return undefined;
  return { order, place: place.join(separator) };
}

function bad(parameter: string, hint: string): Failure {
  return {
    kind: 'terminal',
    code: 'BadQuery',
    stage: 'observe',
    message: `the parameter ${parameter} cannot be understood`,
    hint,
  };
}
