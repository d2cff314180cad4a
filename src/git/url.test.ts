import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { directoryName, parseAddress, sameRepository, withoutSecrets, withoutUserInfo } from './url.ts';

describe('sameRepository', () => {
  test.each([
    ['https://github.com/a/b', 'https://github.com/a/b.git'],
    ['https://github.com/a/b/', 'https://GitHub.com/a/b.git'],
    ['https://user:pw@github.com/a/b', 'https://github.com:443/a/b'],
    ['git@github.com:a/b.git', 'https://github.com/a/b'],
    ['git@github.com:/a/b.git', 'https://github.com/a/b'],
    ['ssh://git@github.com/a/b', 'https://github.com/a/b'],
    ['ssh://git@github.com:22/a/b', 'git@github.com:a/b'],
    ['http://git.local:80/a/b', 'https://git.local/a/b.git'],
    ['http://git.local:3000/a/b', 'http://git.local:3000/a/b.git/'],
  ])('%s is %s', (a, b) => {
    expect(sameRepository(a, b)).toBe(true);
    expect(sameRepository(b, a)).toBe(true);
  });
  test.each([
    ['https://github.com/a/b', 'https://github.com/a/c'],
    ['https://github.com/a/b', 'https://gitlab.com/a/b'],
    ['https://github.com/a/b', 'https://github.com/A/b'],
    ['http://git.local:3000/a/b', 'http://git.local:3001/a/b'],
    ['https://github.com/', 'https://github.com'],
    ['', ''],
    ['nonsense', 'nonsense'],
  ])('%s is not %s', (a, b) => expect(sameRepository(a, b)).toBe(false));
  test('no text makes it throw', () => {
    fc.assert(fc.property(fc.string(), fc.webUrl(), (a, b) => sameRepository(a, b) === sameRepository(b, a)));
  });
});

describe('addresses', () => {
  test('the longest mirror that fits is taken; identity stays what was written', () => {
    const mirrors = [
      { from: 'https://github.com/', to: 'http://mirror.local/' },
      { from: 'https://github.com/team/', to: 'file:///srv/team/' },
      { from: 'git@github.com:', to: 'http://mirror.local/' },
    ];
    const of = (url: string): unknown => {
      const parsed = parseAddress(url, mirrors);
      return parsed.ok
        ? [parsed.value.url, parsed.value.fetchUrl, parsed.value.mirrored]
        : parsed.failure.code;
    };
    expect(of('https://github.com/a/b')).toEqual(['https://github.com/a/b', 'http://mirror.local/a/b', true]);
    expect(of('https://u:p@github.com/team/b')).toEqual([
      'https://github.com/team/b',
      'file:///srv/team/b',
      true,
    ]);
    expect(of('git@github.com:a/b.git')).toEqual([
      'git@github.com:a/b.git',
      'http://mirror.local/a/b.git',
      true,
    ]);
    expect(of('https://gitlab.com/a/b')).toEqual(['https://gitlab.com/a/b', 'https://gitlab.com/a/b', false]);
    expect(of('git@gitlab.com:a/b')).toEqual(['git@gitlab.com:a/b', 'ssh://git@gitlab.com/a/b', false]);
  });

  test('S14: no user and password is left in what is shown', () => {
    expect(withoutUserInfo('https://u:p@h/x')).toBe('https://h/x');
    expect(withoutUserInfo('https://u:p@ss@h/x')).toBe('https://h/x');
    expect(withoutSecrets("fatal: unable to access 'https://u:p@h/x/': token abc", ['abc'])).toBe(
      "fatal: unable to access 'https://h/x/': token …",
    );
    const shown = parseAddress('ftp://u:canary@h/x', []);
    expect(JSON.stringify(shown)).not.toContain('canary');
  });

  test('directories are safe names, and different for different addresses', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(directoryName(a)).toMatch(/^[a-z0-9][a-z0-9-]{0,77}$/);
        expect(directoryName(a) === directoryName(b)).toBe(a === b);
      }),
    );
    expect(directoryName('https://github.com/team/shop.git')).toMatch(/^github-com-team-shop-[0-9a-f]{16}$/);
  });
});
