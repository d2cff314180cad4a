import { describe, expect, it } from 'vitest';
import { ignorer, type IgnoreRules } from './ignore.ts';

const root = (...lines: readonly string[]): IgnoreRules => ({ directory: '', text: lines.join('\n') });
const ignored = (rules: readonly IgnoreRules[], ...paths: readonly string[]): readonly string[] =>
  paths.filter(ignorer(rules));

describe('rules of .sourceignore', () => {
  it('what is for other tools is left out by itself, and a rule can bring it back', () => {
    expect(ignored([], '.github/workflows/a.yaml', 'a/.sops.yaml', 'a.yaml')).toEqual([
      '.github/workflows/a.yaml',
      'a/.sops.yaml',
    ]);
    expect(ignored([root('!.sops.yaml')], 'a/.sops.yaml')).toEqual([]);
  });
  it('all but one directory', () => {
    expect(ignored([root('# all', '/*', '', '!/deploy')], 'a.yaml', 'b/c.yaml', 'deploy/d/e.yaml')).toEqual([
      'a.yaml',
      'b/c.yaml',
    ]);
  });
  it.each([
    ['*.yml', ['a.yml', 'b/a.yml']],
    ['/*.yml', ['a.yml']],
    ['b/', ['b/a.yml', 'b/c/d.yaml']],
    ['b/*.yml', ['b/a.yml']],
    ['b/**/d.yaml', ['b/c/d.yaml']],
    ['**/c', ['b/c/d.yaml']],
    ['a.yml/', []],
    ['{a,b}.yml', []],
    ['[ab].y?l', ['a.yml', 'b/a.yml']],
  ])('%s leaves out %j', (rule, expected) => {
    expect(ignored([root(rule)], 'a.yml', 'b/a.yml', 'b/c/d.yaml')).toEqual(expected);
  });
  it('those of a directory are for what is in it, and the last that matches decides', () => {
    const inside: IgnoreRules = { directory: 'b', text: '/c\n' };
    expect(ignored([inside], 'c/d.yaml', 'b/c/d.yaml')).toEqual(['b/c/d.yaml']);
    expect(ignored([inside, root('!d.yaml')], 'b/c/d.yaml')).toEqual([]);
  });
  it('a hostile pattern takes no time (F23)', () => {
    const rule = `${'**/a/'.repeat(100)}b`;
    expect(ignored([root(rule)], `${'a/'.repeat(400)}c`)).toEqual([]);
  });
});
