import { expect, test } from 'vitest';
import { jsonText, parseJson } from './json.ts';

test.each([
  ['an integer beyond 2^53', { a: [9007199254740993n, -9007199254740993n], b: 'x' }],
  ['one that is all there is', 9007199254740993n],
  ['digits that are no number', { digest: 'sha256:0123456789012345678', text: '[1234567890123456789' }],
])('%s is written and read as it is', (_, value) => {
  expect(parseJson(jsonText(value))).toEqual(value);
});

test.each(['[ 9007199254740993 ]', '[\n-9007199254740993\n]', '{"a":1,"b":9007199254740993}'])(
  'no digit of %s is lost',
  (text) => {
    expect(jsonText(parseJson(text))).toBe(text.replaceAll(/\s/g, ''));
  },
);

test('what cannot be written is an error, not a text', () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  expect(() => jsonText(circle)).toThrow(TypeError);
});
