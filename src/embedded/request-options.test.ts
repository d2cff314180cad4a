/** What may stand in a query or in the options of a body, and what is said of the rest. */
import { describe, expect, it } from 'vitest';
import {
  checkVersion,
  deleteOptions,
  isTrue,
  listOptions,
  watchOptions,
  writeOptions,
} from './request-options.ts';
import { builtInResources } from './resources.ts';
import { StatusError } from './status.ts';

const query = (text: string): URLSearchParams => new URLSearchParams(text);
function refusal(act: () => unknown): readonly unknown[] {
  try {
    act();
  } catch (error) {
    if (error instanceof StatusError) return [error.status.code, error.status.message];
    throw error;
  }
  return [];
}

it.each([
  ['', false],
  ['x=true', true],
  ['x=1', true],
  ['x', true],
  ['x=anything', true],
  ['x=false', false],
  ['x=False', false],
  ['x=0', false],
])('a truth: %j is %s', (text, expected) => {
  expect(isTrue(query(text), 'x')).toBe(expected);
});

describe('of a list', () => {
  it.each([
    ['', { limit: 0, token: '', isSelective: false }],
    ['limit=5&continue=abc', { limit: 5, token: 'abc', isSelective: false }],
    ['labelSelector=a&limit=5', { limit: 5, token: '', isSelective: true }],
    ['labelSelector=&resourceVersion=0', { limit: 0, token: '', isSelective: false }],
    ['resourceVersion=7&resourceVersionMatch=NotOlderThan', { limit: 0 }],
    ['resourceVersion=9&resourceVersionMatch=Exact', { limit: 0 }],
    ['resourceVersion=0&continue=abc', { token: 'abc' }],
  ])('%j is read', (text, expected) => {
    expect(listOptions(query(text), 9)).toMatchObject(expected);
  });

  it.each([
    ['limit=abc', 400, 'strconv.ParseInt: parsing "abc": invalid syntax'],
    [
      'resourceVersion=abc',
      400,
      'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    ],
    ['resourceVersion=10', 504, 'Timeout: Too large resource version: 10, current: 9'],
    [
      'resourceVersion=8&resourceVersionMatch=Exact',
      410,
      'The resourceVersion for the provided list is too old: only 9 is kept.',
    ],
    ['resourceVersion=7&continue=x', 400, 'specifying resource version is not allowed when using continue'],
    [
      'resourceVersionMatch=Exact',
      422,
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    [
      'resourceVersion=1&resourceVersionMatch=Foo',
      422,
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""',
    ],
    [
      'resourceVersion=0&resourceVersionMatch=Exact',
      422,
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ],
    [
      'sendInitialEvents=true&resourceVersionMatch=NotOlderThan',
      422,
      'ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list]',
    ],
  ])('%j is refused', (text, code, message) => {
    expect(refusal(() => listOptions(query(text), 9))).toEqual([code, message]);
  });

  it('a version to come says when to ask again', () => {
    expect(() => checkVersion('10', 9)).toThrow(
      expect.objectContaining({
        status: expect.objectContaining({
          details: {
            causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
            retryAfterSeconds: 1,
          },
        }),
      }),
    );
  });
});

describe('of a watch', () => {
  it.each([
    ['', { version: '', sendInitialEvents: false, bookmarks: false, timeoutMs: undefined }],
    ['resourceVersion=99999&timeoutSeconds=5', { version: '99999', timeoutMs: 5_000 }],
    ['timeoutSeconds=0', { timeoutMs: undefined }],
    [
      'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=1',
      { sendInitialEvents: true, bookmarks: true },
    ],
  ])('%j is read', (text, expected) => {
    expect(watchOptions(query(text))).toMatchObject(expected);
  });

  it.each([
    ['timeoutSeconds=abc', 400, 'strconv.ParseInt'],
    ['resourceVersion=abc', 400, 'invalid resource version'],
    ['sendInitialEvents=true', 422, 'requires setting resourceVersionMatch to NotOlderThan'],
    ['resourceVersionMatch=NotOlderThan', 422, 'forbidden for watch unless sendInitialEvents'],
  ])('%j is refused', (text, code, message) => {
    expect(refusal(() => watchOptions(query(text)))).toEqual([code, expect.stringContaining(message)]);
  });
});

describe('of a write', () => {
  const asked = (text: string) => ({ query: query(text), userAgent: 'kubectl/v1.36 (linux)' });

  it('the field manager is the one that is named, else the client', () => {
    expect(writeOptions(asked('fieldManager=me'), 'create').manager).toBe('me');
    expect(writeOptions(asked(''), 'create').manager).toBe('kubectl');
    expect(writeOptions({ query: query(''), userAgent: 'x'.repeat(500) }, 'create').manager).toHaveLength(
      128,
    );
  });

  it.each<[string, 'create' | 'update' | 'patch' | 'apply', string]>([
    [
      'dryRun=all',
      'create',
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["all"]: supported values: "All"',
    ],
    [
      'dryRun=',
      'update',
      'UpdateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: [""]: supported values: "All"',
    ],
    [
      'fieldValidation=Foo',
      'patch',
      'PatchOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Foo": supported values: "", "Ignore", "Strict", "Warn"',
    ],
    [
      `fieldManager=${'x'.repeat(129)}`,
      'create',
      'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    ],
    [
      'force=true',
      'patch',
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    ],
    [
      '',
      'apply',
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ],
  ])('%j is refused for %s', (text, kind, message) => {
    expect(refusal(() => writeOptions(asked(text), kind))).toEqual([422, message]);
  });

  it('force and dry run are read', () => {
    expect(writeOptions(asked('fieldManager=a&force=true&dryRun=All'), 'apply')).toMatchObject({
      force: true,
      dryRun: true,
    });
  });
});

describe('of a deletion', () => {
  const configMaps = builtInResources.find(({ name }) => name === 'configmaps')!;
  const jobs = builtInResources.find(({ name }) => name === 'jobs')!;
  const read = (text: string, body: unknown = '', resource = configMaps) =>
    deleteOptions(resource, {
      query: query(text),
      body: body === '' ? '' : JSON.stringify(body),
    });

  it('the dependents of a Job stay unless something else is said', () => {
    expect(read('', '', jobs).propagation).toBe('Orphan');
    expect(read('propagationPolicy=Background', '', jobs).propagation).toBe('Background');
    expect(read('').propagation).toBeUndefined();
    expect(read('orphanDependents=true').propagation).toBe('Orphan');
    expect(read('orphanDependents=false').propagation).toBeUndefined();
  });

  it.each<[string, unknown, number, string]>([
    ['propagationPolicy=Foo', '', 422, 'supported values: "Foreground", "Background", "Orphan", "nil"'],
    [
      'propagationPolicy=Orphan&orphanDependents=true',
      '',
      422,
      'orphanDependents and deletionPropagation cannot be both set',
    ],
    ['gracePeriodSeconds=abc', '', 400, 'strconv.ParseInt'],
    ['', { gracePeriodSeconds: 'abc' }, 400, 'gracePeriodSeconds'],
    ['', { gracePeriodSeconds: 1.5 }, 400, 'gracePeriodSeconds'],
    ['', { dryRun: ['all'] }, 422, 'Unsupported value: ["all"]'],
    ['', [], 400, 'not an object'],
    ['dryRun=all', '', 422, 'supported values: "All"'],
  ])('%j with %j is refused', (text, body, code, message) => {
    expect(refusal(() => read(text, body))).toEqual([code, expect.stringContaining(message)]);
  });
});
