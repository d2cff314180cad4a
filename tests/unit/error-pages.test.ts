/**
 * Every failure has a code, and every code a page in docs/errors. A code is found where a Failure is made: as the
 * member `code`, or as the argument of one of the small functions that make failures.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const repositoryRoot = join(import.meta.dirname, '../..');
const pagesRoot = join(repositoryRoot, 'docs/errors');

const isSource = (name: string): boolean =>
  name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('.fixture.ts');

/** Functions that take a code and make a Failure of it. */
const makers = [
  'accessFailure',
  'blocked',
  'failure',
  'failureOf',
  'make',
  'problem',
  'refusal',
  'Refusal',
  '#end',
] as const;

/** Where the value of a member `code` begins, or the arguments of a maker. */
const places = new RegExp(
  String.raw`(?<=^|[\s{(])code:\s|(?<=^|[^\w.]|this\.|\.\.\.)(?:${makers.join('|')})\(`,
  'g',
);
const isCode = /^[A-Z]+[a-z][A-Za-z]*$/;
const reach = 300;

/** The texts in quotes up to the message, which is a template or a sentence, or to the end of the statement. */
function wordsFrom(text: string, isMember: boolean): readonly string[] {
  const words: string[] = [];
  const end = isMember ? /[`;,{}]/ : /[`;]/;
  for (const [token, , word] of text.matchAll(/('([^'\n]*)')|[^']/g)) {
    if (word === undefined ? end.test(token) : /\s/.test(word)) break;
    if (word !== undefined) words.push(word);
  }
  return words;
}

export function codesIn(source: string): ReadonlySet<string> {
  const text = source.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '');
  const found = new Set<string>();
  for (const place of text.matchAll(places)) {
    const from = place.index + place[0].length;
    for (const word of wordsFrom(text.slice(from, from + reach), place[0].startsWith('code')))
      if (isCode.test(word)) found.add(word);
  }
  return found;
}

/** The renderer's Go names its failures by the same codes. */
function codesOfRenderer(): readonly string[] {
  const root = join(repositoryRoot, 'render-wasm');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.go') && !name.endsWith('_test.go'))
    .flatMap((name) => [...readFileSync(join(root, name), 'utf8').matchAll(/\bCode(?::|, \S+ =) "(\w+)"/g)])
    .map(([, name]) => name!);
}

function codesOfSource(): ReadonlyMap<string, string> {
  const codes = new Map<string, string>();
  for (const entry of readdirSync(join(repositoryRoot, 'src'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !isSource(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    for (const name of codesIn(readFileSync(path, 'utf8')))
      codes.set(name, path.slice(repositoryRoot.length));
  }
  for (const name of codesOfRenderer()) codes.set(name, 'render-wasm');
  return codes;
}

const pages = (): readonly string[] =>
  readdirSync(pagesRoot)
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .map((name) => name.slice(0, -'.md'.length));

describe('the pages of docs/errors', () => {
  const codes = codesOfSource();

  it('are there for every code of a failure', () => {
    const known = new Set(pages());
    expect([...codes].filter(([name]) => !known.has(name))).toEqual([]);
  });

  it('are about codes that exist', () => {
    expect(pages().filter((name) => !codes.has(name))).toEqual([]);
  });

  it('are all in the table of contents, by code', () => {
    const contents = readFileSync(join(pagesRoot, 'README.md'), 'utf8');
    expect(pages().filter((name) => !contents.includes(`[${name}](${name}.md)`))).toEqual([]);
  });

  it('have the parts that a reader in trouble looks for', () => {
    const parts = ['## What it means', '## Why', '## What to do', '## Example'];
    const lacking = pages().flatMap((name) => {
      const text = readFileSync(join(pagesRoot, `${name}.md`), 'utf8');
      const isWhole = text.startsWith(`# ${name}\n`) && parts.every((part) => text.includes(`\n${part}\n`));
      return isWhole ? [] : [name];
    });
    expect(lacking).toEqual([]);
  });
});

describe('a code is found', () => {
  it.each([
    ["return { kind: 'blocked', code: 'OneThing', stage: 'plan' };", ['OneThing']],
    ["code: isUsed ? 'PortInUse' : 'CannotListen',", ['PortInUse', 'CannotListen']],
    ["code: meaning?.code ?? 'GitFailed',", ['GitFailed']],
    ["return make(\n  'denied',\n  'Forbidden',\n  `no`,", ['Forbidden']],
    ["refusal('InvalidYaml', 'The file is broken.', 'correct it')", ['InvalidYaml']],
    [
      "void this.#end(slot, bad ? 'RenderOutOfMemory' : 'RenderCrashed',",
      ['RenderOutOfMemory', 'RenderCrashed'],
    ],
    ["throw new Refusal(\n 'KubeconfigRefused',", ['KubeconfigRefused']],
  ])('in %j', (source, expected) => {
    expect([...codesIn(source)]).toEqual(expected);
  });

  it.each([
    ["if (reply.failure.code === 'NotFound') return;"],
    ["health('Degraded', 'It is broken')"],
    ["// code: 'Old'"],
  ])('not in %j', (source) => {
    expect([...codesIn(source)]).toEqual([]);
  });
});
