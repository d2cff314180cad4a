import { describe, expect, it } from 'vitest';
import { labelSelector } from './label-selector.ts';

const prod = { env: 'prod', team: 'payments' };
const dev = { env: 'dev', 'example.com/tier': '' };
const none = {};

function selected(text: string): readonly string[] {
  const selector = labelSelector(text);
  if (!selector.ok) throw new Error(selector.failure.message);
  return Object.entries({ prod, dev, none }).flatMap(([name, labels]) =>
    selector.value(labels) ? [name] : [],
  );
}

describe('a label selector', () => {
  it.each([
    ['', ['prod', 'dev', 'none']],
    ['env=prod', ['prod']],
    ['env==prod', ['prod']],
    ['env = prod', ['prod']],
    ['env!=prod', ['dev', 'none']],
    ['env', ['prod', 'dev']],
    ['!env', ['none']],
    ['env in (prod)', ['prod']],
    ['env in (prod,dev)', ['prod', 'dev']],
    ['env in ( prod , dev ), team', ['prod']],
    ['env in(stage)', []],
    ['env notin (prod)', ['dev', 'none']],
    ['env notin (prod,dev)', ['none']],
    ['example.com/tier=', ['dev']],
    ['example.com/tier in ()', ['dev']],
    ['env=prod,env!=prod', []],
    ['constructor', []],
    ['!toString', ['prod', 'dev', 'none']],
  ])('%j', (text, expected) => expect(selected(text)).toEqual(expected));

  it.each([
    ['a b', 'a b'],
    ['env in prod', 'env in prod'],
    ['env in (prod', 'env in (prod'],
    ['env in (prod dev)', 'env in (prod dev)'],
    ['env=prod,team>1', 'team>1'],
    ['env=prod=dev', 'env=prod=dev'],
    ['=prod', '=prod'],
  ])('%j is refused, and the part is named that is none', (text, part) => {
    const selector = labelSelector(text);
    expect(selector).toMatchObject({
      ok: false,
      failure: { message: `the label selector has a part that is none: ${part}` },
    });
  });
  it.each([
    ['env,', /a comma with nothing beside it/],
    [',env', /a comma with nothing beside it/],
    ['a'.repeat(3000), /longer than 2048 characters/],
  ])('%.20s is refused', (text, message) =>
    expect(labelSelector(text)).toMatchObject({
      ok: false,
      failure: { message: expect.stringMatching(message) },
    }),
  );
});
