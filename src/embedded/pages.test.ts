import { expect, test } from 'vitest';
import type { Stored } from './objects.ts';
import { Pages, type PageRequest } from './pages.ts';

const objects = (count: number): readonly Stored[] =>
  Array.from({ length: count }, (_, index) => ({ kind: `${index}` }) as Stored);
const first: PageRequest = { limit: 2, token: '', scope: 'configmaps', version: 7, isSelective: false };
interface Metadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}
const metadataOf = (page: { readonly metadata: object }): Metadata => page.metadata as Metadata;
const tokenOf = (page: { readonly metadata: object }): string => metadataOf(page).continue ?? '';
const kindsOf = (page: { readonly objects: readonly Stored[] }): readonly string[] =>
  page.objects.map(({ kind }) => kind);

test('the pages of a list show the moment in which it began', () => {
  const pages = new Pages();
  const one = pages.page(first, () => objects(5));
  expect(kindsOf(one)).toEqual(['0', '1']);
  expect(metadataOf(one)).toMatchObject({ resourceVersion: '7', remainingItemCount: 3 });
  const two = pages.page({ ...first, version: 9, token: tokenOf(one) }, () => objects(0));
  expect(kindsOf(two)).toEqual(['2', '3']);
  expect(metadataOf(two)).toMatchObject({ resourceVersion: '7', remainingItemCount: 1 });
  const three = pages.page({ ...first, version: 9, token: tokenOf(two) }, () => objects(0));
  expect(kindsOf(three)).toEqual(['4']);
  expect(metadataOf(three)).toEqual({ resourceVersion: '7' });
});

test('a page can be asked for again, and a larger one for the rest', () => {
  const pages = new Pages();
  const token = tokenOf(pages.page(first, () => objects(5)));
  expect(kindsOf(pages.page({ ...first, token }, () => []))).toEqual(['2', '3']);
  expect(kindsOf(pages.page({ ...first, token }, () => []))).toEqual(['2', '3']);
  expect(kindsOf(pages.page({ ...first, token, limit: 0 }, () => []))).toEqual(['2', '3', '4']);
});

test.each([
  ['none', 0, 5],
  ['just as many as there are', 5, 5],
  ['a negative one', -1, 5],
])('a limit of %s needs no second page', (_, limit, count) => {
  const page = new Pages().page({ ...first, limit }, () => objects(count));
  expect(page.objects).toHaveLength(count);
  expect(metadataOf(page)).toEqual({ resourceVersion: '7' });
});

test('how many are left is not said where some are selected', () => {
  const page = new Pages().page({ ...first, isSelective: true }, () => objects(5));
  expect(Object.keys(page.metadata)).toEqual(['resourceVersion', 'continue']);
});

test('lists that nobody finishes are forgotten, the oldest first', () => {
  const pages = new Pages();
  const tokens = Array.from({ length: 40 }, () => tokenOf(pages.page(first, () => objects(5))));
  const isKnown = (token: string): boolean => {
    try {
      pages.page({ ...first, token }, () => []);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ status: { code: 410, reason: 'Expired' } });
      return false;
    }
  };
  expect(isKnown(tokens[0]!)).toBe(false);
  expect(isKnown(tokens.at(-1)!)).toBe(true);
});

test('a token of one list opens no other', () => {
  const pages = new Pages();
  const token = tokenOf(pages.page({ ...first, scope: 'secrets' }, () => objects(5)));
  expect(() => pages.page({ ...first, token }, () => [])).toThrow('too old');
  expect(() => pages.page({ ...first, token: 'made up' }, () => [])).toThrow('too old');
});
