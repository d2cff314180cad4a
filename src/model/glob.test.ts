import { describe, expect, it } from 'vitest';
import { globProblem, matchesGlob, matchesPattern, parseGlob } from './glob.ts';

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

describe('names and kinds', () => {
  it.each([
    ['cert-manager.io/Certificate', 'cert-manager.io/Certificate', true],
    ['cert-manager.io/Certificate', 'cert-managerxio/Certificate', false],
    ['*.aws.crossplane.io/*', 'ec2.aws.crossplane.io/Instance', true],
    ['*.aws.crossplane.io/*', 'aws.crossplane.io/Instance', false],
    ['ec2.aws.crossplane.io/*', 'ec2.aws.crossplane.io/Instance', true],
    ['*', 'ConfigMap', true],
    ['*', 'apps/Deployment', true],
    ['*/*', 'ConfigMap', false],
    ['**/Bucket', 's3.aws/Bucket', true],
    ['apps/{Deployment,StatefulSet}', 'apps/StatefulSet', true],
    ['apps/{Deployment,StatefulSet}', 'apps/DaemonSet', false],
    ['apps/?eployment', 'apps/Deployment', true],
    ['apps/[A-D]eployment', 'apps/Deployment', true],
    ['apps/[!A-D]eployment', 'apps/Deployment', false],
    ['apps/\\*', 'apps/*', true],
    ['apps/\\*', 'apps/x', false],
    ['a(b)+/*', 'a(b)+/c', true],
    ['apps/[', 'apps/[', true],
    ['[z-a]/x', 'b/x', false],
    ['{web,api}-*', 'api-prod', true],
    ['{web,api}-*', 'db-prod', false],
    ['web-[0-9]', 'web-7', true],
    ['web-[0-9]', 'web-x', false],
    ['[!a]*', 'web', true],
    ['[!a]*', 'api', false],
    ['/^web-\\d+$/', 'web-12', false],
    ['/^web-\\d+$/', '/^web-\\d+$/', true],
  ])('%s and %s: %s', (pattern, text, matches) => expect(matchesGlob(pattern, text)).toBe(matches));

  it.each([
    ['/^web-\\d+$/', 'web-12', true],
    ['/^web-\\d+$/', 'web-x', false],
    ['/(/', 'web', false],
    ['web-*', 'web-12', true],
  ])('of whom administrators permit: %s and %s: %s', (pattern, text, matches) =>
    expect(matchesPattern(pattern, text)).toBe(matches),
  );

  it.each([
    ['https://git.example/*', 'https://git.example/a', true],
    ['https://git.example/*', 'https://git.example/a/b', false],
    ['https://git.example/**', 'https://git.example/a/b', true],
    ['https://git.example/**/x-*', 'https://git.example/a/b/x-1', true],
    ['https://git.example/**/x-*', 'https://git.example/a/b/x-1/c', false],
    ['https://git.example/?', 'https://git.example//', false],
    ['https://{git,hg}.example/*', 'https://hg.example/a', true],
  ])('with a separator: %s and %s: %s', (pattern, text, matches) =>
    expect(matchesGlob(pattern, text, '/')).toBe(matches),
  );

  it.each(['web-[0-9', '{web,api', '!{web', 'web\\', '[z-a]', '/(/'])('%s is said not to be one', (pattern) =>
    expect(globProblem(pattern)).toContain(pattern),
  );
  it.each(['*', '!*', 'web', '/^web/', '{a,b}-[!0-9]?'])('%s is one', (pattern) =>
    expect(globProblem(pattern)).toBeUndefined(),
  );
});
