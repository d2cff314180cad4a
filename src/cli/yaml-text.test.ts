import fc from 'fast-check';
import { parse } from 'yaml';
import { expect, test } from 'vitest';
import { yamlText } from './yaml-text.ts';

const texts = fc.oneof(
  fc.string(),
  fc.constantFrom(
    'yes',
    'No',
    'on',
    'y',
    'null',
    '~',
    '=',
    '<<',
    '0400',
    '0o14',
    '0b11',
    '0x1F',
    '1e3',
    '1_000',
  ),
  fc.constantFrom(
    '1:30',
    '2001-01-01',
    '.5',
    '+1',
    '.inf',
    '-.INF',
    '.nan',
    '- a',
    'a: b',
    '# a',
    ' a ',
    'a\nb\n',
  ),
);

// The parser of this test merges `"<<"` although it is quoted.
const keys = texts.filter((key) => key !== '<<' && key !== '__proto__');

test('readers of YAML 1.1 and of 1.2 get the same texts, as keys too', () => {
  fc.assert(
    fc.property(fc.dictionary(keys, texts), (value) => {
      const text = yamlText({ value });
      for (const version of ['1.1', '1.2'] as const) expect(parse(text, { version })).toEqual({ value });
    }),
  );
});

test('numbers keep every digit, and nothing is folded or shared', () => {
  const shared = { a: 1 };
  const long = 'word '.repeat(50).trim();
  const text = yamlText({ big: 9007199254740993n, one: shared, two: shared, long });
  expect(text).toBe(`big: 9007199254740993\none:\n  a: 1\ntwo:\n  a: 1\nlong: ${long}\n`);
});
