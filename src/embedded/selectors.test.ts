import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Stored } from './objects.ts';
import { builtInResources, type Resource } from './resources.ts';
import { fieldSelector, labelSelector } from './selectors.ts';

const labelled = (labels?: Record<string, string>): Stored =>
  ({ metadata: { name: 'x', ...(labels === undefined ? {} : { labels }) } }) as Stored;
const objects = {
  none: labelled(),
  a: labelled({ tier: 'a' }),
  b: labelled({ tier: 'b', 'example.dev/app': 'web' }),
  empty: labelled({ tier: '' }),
  number: labelled({ tier: '7' }),
};
const chosen = (selector: string): readonly string[] =>
  Object.entries(objects)
    .filter(([, object]) => labelSelector(selector)(object))
    .map(([name]) => name);
const all = Object.keys(objects);

describe('a label selector', () => {
  it.each<[string, readonly string[]]>([
    ['', all],
    ['  ', all],
    ['tier=a', ['a']],
    ['tier==a', ['a']],
    [' tier = a ', ['a']],
    ['tier!=a', ['none', 'b', 'empty', 'number']],
    ['tier=', ['empty']],
    ['tier!=', ['none', 'a', 'b', 'number']],
    ['tier', ['a', 'b', 'empty', 'number']],
    ['!tier', ['none']],
    ['! tier', ['none']],
    ['tier in (a,b)', ['a', 'b']],
    ['tier in(a)', ['a']],
    ['tier in ( a , 7 )', ['a', 'number']],
    ['tier in ()', ['empty']],
    ['tier notin (a)', ['none', 'b', 'empty', 'number']],
    ['tier in (a,b),example.dev/app=web', ['b']],
    ['tier>5', ['number']],
    ['tier > 7', []],
    ['tier<8', ['number']],
    ['in in (x)', []],
    ['constructor', []],
    ['!constructor', all],
    ['constructor notin (x)', all],
  ])('%j chooses %j', (selector, expected) => {
    expect(chosen(selector)).toEqual(expected);
  });

  it.each([
    'a in b',
    '=x',
    'a,,b',
    'a,',
    ',a',
    'a=$%',
    'a in (b',
    'a in b)',
    'a in (b c)',
    'a b',
    'a=b=c',
    'a=(b)',
    'a>x',
    '!a=b',
    '!',
    '(a)',
    '-a',
    'a/b/c',
    '/a',
    'UPPER.example/a',
    `a=${'x'.repeat(64)}`,
    'x'.repeat(64),
  ])('%j is refused', (selector) => {
    expect(() => labelSelector(selector)).toThrow(
      expect.objectContaining({ status: expect.objectContaining({ code: 400, reason: 'BadRequest' }) }),
    );
  });

  it('says what was found and what was expected', () => {
    expect(() => labelSelector('a in b')).toThrow("found 'b' expected: '('");
    expect(() => labelSelector('a,')).toThrow("found '', expected: identifier after ','");
  });

  it('of any text is read or refused, and nothing else happens', () => {
    const sign = fc.constantFrom('a', 'b', ' ', ',', '=', '!', '(', ')', '<', '>', 'in', 'notin', '1', '/');
    fc.assert(
      fc.property(fc.array(sign, { maxLength: 12 }), (signs) => {
        try {
          labelSelector(signs.join(''))(objects.a);
        } catch (error) {
          expect(error).toMatchObject({ status: { code: 400 } });
        }
      }),
    );
  });

  // Costs that grow with the square of the length would take minutes here.
  it.each([
    ['letters', 'a'.repeat(1_000_000)],
    ['a key that does not end', `a=${'-'.repeat(1_000_000)}`],
    ['spaces', `a${' '.repeat(1_000_000)}in${' '.repeat(1_000_000)}(`],
    ['open parentheses', 'a in '.concat('('.repeat(1_000_000))],
    ['terms', Array.from({ length: 200_000 }, () => 'a=b').join(',')],
    ['dots', `${'a.'.repeat(500_000)}/`],
  ])('of very many %s costs no more than it is long', (_, selector) => {
    try {
      labelSelector(selector)(objects.a);
    } catch (error) {
      expect(error).toMatchObject({ status: { code: 400 } });
    }
  });
});

describe('a field selector', () => {
  const pods = builtInResources.find(({ name }) => name === 'pods')!;
  const configMaps = builtInResources.find(({ name }) => name === 'configmaps')!;
  const events = builtInResources.find(({ group, name }) => group === '' && name === 'events')!;
  const pod = {
    metadata: { name: 'web', namespace: 'default' },
    spec: { nodeName: 'trueup' },
    status: { phase: 'Running' },
    source: { component: 'kubelet' },
  } as unknown as Stored;
  const matches = (selector: string, resource: Resource = pods): boolean =>
    fieldSelector(selector, resource)(pod);

  it.each([
    ['', true],
    ['metadata.name=web', true],
    ['metadata.name==web', true],
    ['metadata.name!=web', false],
    ['metadata.name=web,metadata.namespace=default', true],
    ['metadata.name=web,metadata.namespace=other', false],
    ['metadata.name=web,', true],
    ['spec.nodeName=trueup', true],
    ['status.phase!=Running', false],
    ['status.podIP=', true],
    ['spec.nodeName=a=b', false],
  ])('%j: %j', (selector, expected) => {
    expect(matches(selector)).toBe(expected);
  });

  it('of events calls the component that said them their source', () => {
    expect(matches('source=kubelet', events)).toBe(true);
  });

  it('compares numbers of any size as they are written', () => {
    const custom: Resource = { ...configMaps, custom: true, selectable: ['spec.size'] };
    const object = { metadata: { name: 'w' }, spec: { size: 9_007_199_254_740_993n } } as unknown as Stored;
    expect(fieldSelector('spec.size=9007199254740993', custom)(object)).toBe(true);
    expect(fieldSelector('spec.size=9007199254740992', custom)(object)).toBe(false);
  });

  it('knows only what the kind declares, and says so', () => {
    expect(() => matches('spec.foo=x')).toThrow('field label not supported: spec.foo');
    expect(() => matches('data.x=y', configMaps)).toThrow(
      '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
    expect(() => matches('abc')).toThrow("invalid selector: 'abc'; can't understand 'abc'");
  });
});
