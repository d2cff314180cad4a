import { describe, expect, it } from 'vitest';
import { readProxy, usedProxy } from './proxies.ts';

const ref = { namespace: 'argocd', name: 'repo' };
const read = (data: Readonly<Record<string, string>>) => readProxy(ref, () => data);

describe('a proxy of a Secret', () => {
  it.each([
    ['', 'git.example', 443, true],
    ['git.example', 'git.example', 443, false],
    ['git.example', 'a.git.example', 443, false],
    ['git.example', 'agit.example', 443, true],
    ['.example', 'git.example', 443, false],
    ['*.example', 'GIT.EXAMPLE', 443, false],
    ['.git.example', 'git.example', 443, true],
    ['git.example:8443', 'git.example', 443, true],
    ['git.example:8443', 'git.example', 8443, false],
    ['other.example, git.example', 'git.example', 443, false],
    ['*', 'git.example', 443, false],
    ['10.0.0.0/8', '10.1.2.3', 443, false],
    ['10.0.0.0/8', '11.1.2.3', 443, true],
    ['10.0.0.0/8', 'git.example', 443, true],
    ['10.1.2.3', '10.1.2.3', 443, false],
    ['::1', '[::1]', 443, false],
    ['[::1]:8443', '[::1]', 443, true],
  ])('without "%s": %s at %s by it is %s', (noProxy, host, port, isUsed) => {
    const found = read({ proxy: 'http://proxy.example:3128', noProxy });
    expect(found.ok && usedProxy(found.proxy, host, port) !== undefined).toBe(isUsed);
  });
  it.each([
    [{ proxy: 'socks5://proxy.example' }, /no http:\/\/ or https:\/\/ address/],
    [{ proxy: 'proxy.example:3128' }, /no http:\/\/ or https:\/\/ address/],
    [{ proxy: 'http://a:%ff@proxy.example' }, /no http:\/\/ or https:\/\/ address/],
    [{ proxy: 'http://169.254.169.254' }, /link-local/],
    [
      { proxy: 'http://proxy.example', noProxy: 'fd00::/8' },
      /fd00::\/8 in noProxy, which is no range of IPv4/,
    ],
  ])('S14: %j is refused, and not shown', (data, what) => {
    const found = read(data);
    expect(found).toMatchObject({ ok: false, what: expect.stringMatching(what) });
    expect(JSON.stringify(found)).toContain('Secret argocd/repo');
    expect(JSON.stringify(found)).not.toContain(data.proxy);
  });
  it('that is not there any more is not passed over', () => {
    expect(readProxy(ref, () => undefined)).toMatchObject({ ok: false });
    expect(readProxy(undefined, () => undefined)).toEqual({ ok: true });
  });
});
