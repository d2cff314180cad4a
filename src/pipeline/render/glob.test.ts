import { describe, expect, it } from 'vitest';
import { parseGlob } from './glob.ts';

describe('patterns', () => {
  it.each([
    ['*.yaml', 'a.yaml', true],
    ['*.yaml', 'sub/a.yaml', true],
    ['*.yaml', 'a.yml', false],
    ['{*.yml,*.yaml}', 'x/a.yml', true],
    ['{a,b{c,d}}.yaml', 'bd.yaml', true],
    ['{a,b{c,d}}.yaml', 'b.yaml', false],
    ['config.{json,yaml}', 'config.json', true],
    ['env-usw2/**', 'env-usw2/a/b.yaml', true],
    ['env-usw2/*', 'env-use2/a.yaml', false],
    ['?.yaml', 'a.yaml', true],
    ['?.yaml', 'ab.yaml', false],
    ['[a-c]*.yaml', 'bx.yaml', true],
    ['[!a-c]*.yaml', 'bx.yaml', false],
    ['\\*.yaml', '*.yaml', true],
    ['\\*.yaml', 'a.yaml', false],
    ['a+b(c).yaml', 'a+b(c).yaml', true],
    ['a*b*c', 'aXbYbZc', true],
  ])('%s on %s: %s', (pattern, path, matches) => {
    expect(parseGlob(pattern)?.matches(path)).toBe(matches);
  });
  it.each(['{a', 'a}', '[a', 'a\\', 'x'.repeat(2000), '{a,b}'.repeat(20)])('%s is refused', (pattern) => {
    expect(parseGlob(pattern)).toBeUndefined();
  });
  it('answer at once, whatever the pattern (F23)', () => {
    expect(parseGlob(`${'a*'.repeat(500)}b`)?.matches('a'.repeat(4000))).toBe(false);
  });
});
