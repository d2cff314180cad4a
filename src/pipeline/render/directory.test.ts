import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemTimers } from '#host/clock.ts';
import type { Result } from '#model/failure.ts';
import { parseJson } from '#model/json.ts';
import type { Renderer } from '#model/ports.ts';
import type { Rendered, TreeFile } from '#model/rendered.ts';
import type { DirectoryRender } from '#model/unit.ts';
import { wantedFiles } from './directory.ts';
import { createRenderer } from './renderer.ts';
import { noRemotes, repositoryOf, type Contents } from './repository.fixture.ts';

const flat: DirectoryRender = { kind: 'directory', recurse: false };
let renderer: Renderer & { close(): Promise<void> };
beforeAll(() => {
  renderer = createRenderer({ workers: 1, deadlineMs: 15_000, timers: systemTimers });
});
afterAll(() => renderer.close());

function render(files: Contents, spec: DirectoryRender = flat): Promise<Result<Rendered>> {
  const there = Object.fromEntries(Object.entries(files).map(([path, text]) => [`apps/web/${path}`, text]));
  const request = { spec, url: 'r', commit: 'c', root: 'apps/web', tree: 't' };
  return renderer.render(request, repositoryOf(there, 'apps/web'), noRemotes);
}
function names(result: Result<Rendered>): readonly string[] {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value.objects.map(({ ref, at }) => `${ref.kind} ${ref.name} ${at.path}:${at.line}`);
}
function failure(result: Result<Rendered>): { code: string; where: string; message: string } {
  if (result.ok) throw new Error('it did not fail');
  const { code, at, message } = result.failure;
  expect(result.failure).toMatchObject({ kind: 'terminal', stage: 'render' });
  expect(result.failure.hint).not.toBe('');
  return { code, where: `${at?.path}:${at?.line ?? ''}`, message };
}
const map = (name: string, more = ''): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${more}`;

describe('a directory', () => {
  it('gives the objects of its files, with file and line, sorted by path', async () => {
    const result = await render({
      'b.yaml': `# comment\n---\n${map('b1')}---\n---\n# nothing\n---\n${map('b2')}`,
      'a.yml': map('a'),
      'c.json': JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'c' } }, null, '\t'),
      'README.md': 'kind of a readme',
      'sub/d.yaml': map('d'),
    });
    expect(names(result)).toEqual([
      'ConfigMap a apps/web/a.yml:1',
      'ConfigMap b1 apps/web/b.yaml:3',
      'ConfigMap b2 apps/web/b.yaml:11',
      'Secret c apps/web/c.json:1',
    ]);
  });
  it('recurses, includes and excludes when asked', async () => {
    const files = {
      'a.yaml': map('a'),
      'sub/b.yaml': map('b'),
      'sub/c.yml': map('c'),
      'other/d.yaml': map('d'),
    };
    expect(names(await render(files, { ...flat, recurse: true }))).toHaveLength(4);
    expect(names(await render(files, { ...flat, recurse: true, include: 'sub/*' }))).toHaveLength(2);
    expect(names(await render(files, { ...flat, recurse: true, include: '{*.yml,other/*}' }))).toHaveLength(
      2,
    );
    expect(names(await render(files, { ...flat, recurse: true, exclude: 'sub/*.yml' }))).toHaveLength(3);
    expect(failure(await render(files, { ...flat, exclude: '{a' })).code).toBe('Unsupported');
  });
  it('asks for the files that it reads or refuses, and no others', async () => {
    const names = ['a.yaml', 'b.txt', 'Kustomization', 'x.jsonnet', 'sub/c.yaml', '.argocd-source-x.yaml'];
    const files: TreeFile[] = names.map((path) => ({ path, blob: 'b', sizeBytes: 1 }));
    expect(wantedFiles(flat, files).map(({ path }) => path)).toEqual([
      'Kustomization',
      'a.yaml',
      'x.jsonnet',
    ]);
  });
  it.each(['kustomization.yaml', 'kustomization.yml', 'Kustomization', 'Chart.yaml'])(
    'with %s is refused, even where a pattern excludes the file (F30)',
    async (name) => {
      const spec = { ...flat, include: 'a.yaml' };
      expect(failure(await render({ 'a.yaml': map('a'), [name]: 'x: 1' }, spec))).toMatchObject({
        code: 'Unsupported',
        where: `apps/web/${name}:`,
      });
    },
  );
  it('passes over what is not for Kubernetes, with a warning', async () => {
    const result = await render({
      'a.yaml': map('a'),
      'values.yaml': 'replicas: 0400\n',
      'tsconfig.json': '{ /* x */ }',
    });
    expect(names(result)).toHaveLength(1);
    expect(result.ok && result.value.warnings.map(({ code, at }) => [code, at?.path])).toEqual([
      ['NotAManifest', 'apps/web/tsconfig.json'],
      ['NotAManifest', 'apps/web/values.yaml'],
    ]);
  });
  it('takes the later of two places that give one object, with a warning that names both', async () => {
    const result = await render({ 'a.yaml': map('same'), 'b.yaml': `${map('x')}---\n${map('same')}` });
    expect(names(result).toSorted()).toEqual([
      'ConfigMap same apps/web/b.yaml:6',
      'ConfigMap x apps/web/b.yaml:1',
    ]);
    expect(result.ok && result.value.warnings).toMatchObject([
      {
        code: 'RepeatedResource',
        message: expect.stringContaining('apps/web/a.yaml:1'),
        at: { path: 'apps/web/b.yaml', line: 6 },
        subject: { name: 'same' },
      },
    ]);
  });
  it('with a file that is no YAML at all fails, whatever the file was for (F8)', async () => {
    expect(failure(await render({ 'a.yaml': map('a'), 'b.yaml': 'a: [\n' }))).toMatchObject({
      code: 'InvalidYaml',
      where: expect.stringContaining('apps/web/b.yaml:'),
    });
  });
  it('passes over a file that is marked to be skipped', async () => {
    expect(
      names(await render({ 'a.yaml': map('a'), 'b.yaml': `# +argocd:skip-file-rendering\nkind: [` })),
    ).toHaveLength(1);
  });
  it('without a manifest is empty, not a failure: what that means is the planner’s to say (F8)', async () => {
    expect(names(await render({}))).toEqual([]);
    expect(names(await render({ 'a.yaml': '# nothing\n---\n' }))).toEqual([]);
  });
  it('flattens lists, each item with its line', async () => {
    const list = `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: b}\n`;
    expect(names(await render({ 'l.yaml': list }))).toEqual([
      'ConfigMap a apps/web/l.yaml:4',
      'Secret b apps/web/l.yaml:7',
    ]);
  });
  it('has a key that depends on what was read, the spec and the place', async () => {
    const key = (result: Result<Rendered>): string => (result.ok ? result.value.key : '');
    const one = key(await render({ 'a.yaml': map('a'), 'README.md': 'x' }));
    expect(key(await render({ 'a.yaml': map('a'), 'README.md': 'y' }))).toBe(one);
    expect(key(await render({ 'a.yaml': map('aa') }))).not.toBe(one);
    expect(key(await render({ 'a.yaml': map('a'), 'b.yaml': '' }))).not.toBe(one);
    expect(key(await render({ 'a.yaml': map('a') }, { ...flat, recurse: true }))).not.toBe(one);
  });
  it('keeps anchors and aliases within a document', async () => {
    const result = await render({ 'a.yaml': map('a', 'data: &d {x: "1"}\ncopy: *d\n') });
    expect(result.ok && result.value.objects[0]?.manifest['copy']).toEqual({ x: '1' });
    expect(
      failure(await render({ 'a.yaml': `${map('a', 'data: &d {}\n')}---\n${map('b', 'data: *d\n')}` })).code,
    ).toBe('InvalidYaml');
  });
});

describe('YAML is read as Kubernetes reads it', () => {
  const data = async (text: string): Promise<unknown> => {
    const result = await render({ 'x.yaml': `apiVersion: v1\nkind: X\nmetadata: {name: x}\n${text}` });
    if (!result.ok) throw new Error(result.failure.message);
    return result.value.objects[0]?.manifest['data'];
  };
  it.each<readonly [string, string, unknown]>([
    [
      'octal numbers',
      'data: {mode: 0400, new: 0o400, text: "0400"}\n',
      { mode: 256, new: 256, text: '0400' },
    ],
    ['old truth values', 'data: {a: yes, b: off, c: "yes"}\n', { a: true, b: false, c: 'yes' }],
    [
      'large integers',
      'data: {big: 9007199254740993, m: -9007199254740993}\n',
      { big: 9007199254740993n, m: -9007199254740993n },
    ],
    ['numbers with underscores', 'data: {x: 1_000}\n', { x: 1000 }],
    ['keys that are no text', 'data: {1.10: a, 8080: b, true: c}\n', { '1.1': 'a', '8080': 'b', true: 'c' }],
    ['merge keys', 'base: &b {x: "1", z: "2"}\ndata:\n  <<: *b\n  z: "3"\n', { x: '1', z: '3' }],
    ['binary values', 'data: {x: !!binary aGk=}\n', { x: 'hi' }],
    ['timestamps', 'data: {d: 2024-01-01}\n', { d: '2024-01-01' }],
    ['a name that is special in JavaScript', 'data: {constructor: a}\n', { constructor: 'a' }],
  ])('%s', async (_, text, expected) => {
    expect(await data(text)).toEqual(expected);
  });
  it('a key that is there twice has its last value, and is warned of', async () => {
    const result = await render({ 'x.yaml': map('a', 'data:\n  x: "1"\n  x: "2"\n') });
    expect(result).toMatchObject({
      ok: true,
      value: {
        objects: [{ manifest: { data: { x: '2' } } }],
        warnings: [{ code: 'DuplicateKey', at: { path: 'apps/web/x.yaml', line: 7 } }],
      },
    });
  });
  it('JSON files, with large integers', async () => {
    const json = (more: string): string => `{"apiVersion":"v1","kind":"X","metadata":{"name":"x"},${more}}`;
    const result = await render({ 'x.json': json('"n":9007199254740993,"t":"\\ud83d\\ude00 \\/"') });
    expect(result).toMatchObject({
      ok: true,
      value: { objects: [{ manifest: { n: 9007199254740993n, t: '😀 /' } }] },
    });
    expect(failure(await render({ 'x.json': json('"n":1,') })).code).toBe('InvalidYaml');
  });
});

describe('what is no object is refused, with file and line', () => {
  it.each([
    ['a syntax error', 'apiVersion: v1\nkind: X\nmetadata:\n  name: "x\n', 'InvalidYaml', ''],
    ['a tab', 'apiVersion: v1\nkind: X\nmetadata:\n\tname: x\n', 'InvalidYaml', '4'],
    ['merge conflict markers', `<<<<<<< HEAD\n${map('a')}=======\n`, 'InvalidYaml', ''],
    ['a list', '- kind: a\n', 'InvalidObject', '1'],
    ['no kind', `${map('a')}---\napiVersion: v1\nmetadata: {name: b}\n`, 'InvalidObject', '6'],
    ['no apiVersion', 'kind: ConfigMap\nmetadata: {name: b}\n', 'InvalidObject', '1'],
    ['no metadata', 'apiVersion: v1\nkind: ConfigMap\n', 'InvalidObject', '1'],
    ['no name', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n', 'InvalidObject', '1'],
    ['a number for a name', map('1'), 'InvalidObject', '1'],
    ['a number in a label', map('a', '  labels: {version: 1.0}\n'), 'InvalidObject', '1'],
    [
      'a number for generateName',
      'apiVersion: v1\nkind: Job\nmetadata: {generateName: 1}\n',
      'InvalidObject',
      '1',
    ],
    ['a SOPS document', map('a', 'sops: {mac: "ENC[x]", version: "3"}\n'), 'Unsupported', '1'],
    ['a key that is a list', map('a', 'data:\n  ? [a]\n  : 1\n'), 'InvalidYaml', ''],
  ])('%s', async (_, text, code, line) => {
    const found = failure(await render({ 'ok.yaml': map('ok'), 'x.yaml': text }));
    expect(found.code).toBe(code);
    expect(found.where).toMatch(new RegExp(`^apps/web/x\\.yaml:${line === '' ? '\\d+' : line}$`));
  });
  it('a binary file', async () => {
    expect(failure(await render({ 'x.yaml': new Uint8Array([0xff, 0xfe, 0]) })).code).toBe('InvalidYaml');
  });
  it('without ever quoting a value (S14)', async () => {
    const canary = 'canary4711';
    const secret = (value: string): string =>
      `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  p: ${value}\n`;
    for (const value of [
      `"${canary}`,
      `!${canary} x`,
      `*${canary}`,
      `&${canary} &b c`,
      `%${canary}`,
      `@${canary}`,
      `"\\q${canary}"`,
      `[${canary}`,
      `${canary}: x: y`,
      `0400 ${canary}\n  0400: ${canary}`,
    ]) {
      const result = await render({ 's.yaml': secret(value) });
      if (!result.ok) expect(JSON.stringify(result.failure)).not.toContain(canary);
    }
  });
});

describe('hostile files', () => {
  it('that are too large are named, with their size (F13, F20)', async () => {
    const found = failure(
      await render({ 'big.yaml': map('big', `data:\n  x: "${'x'.repeat(10 * 1024 * 1024)}"\n`) }),
    );
    expect(found).toMatchObject({ code: 'ManifestTooLarge', where: 'apps/web/big.yaml:' });
    expect(found.message).toContain('10 MiB');
  });
  it('with an object over the API’s limit are named, with the line (F20)', async () => {
    const found = failure(
      await render({
        'x.yaml': `${map('ok')}---\n${map('big', `data:\n  x: "${'x'.repeat(2 * 1024 * 1024)}"\n`)}`,
      }),
    );
    expect(found).toMatchObject({ code: 'ManifestTooLarge', where: 'apps/web/x.yaml:6' });
    expect(found.message).toContain('ConfigMap big is 2 MiB');
    const list = `apiVersion: v1\nkind: List\nitems:\n- ${JSON.stringify({ apiVersion: 'v1', kind: 'A', metadata: { name: 'big' }, x: 'x'.repeat(2_000_000) })}\n`;
    expect(failure(await render({ 'l.yaml': list }))).toMatchObject({
      code: 'ManifestTooLarge',
      where: 'apps/web/l.yaml:4',
    });
  });
  it('that are too large together are refused (F13)', async () => {
    const file = new TextEncoder().encode(`# ${'x'.repeat(7 * 1024 * 1024)}\n`);
    const files = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`${name}.yaml`, file]));
    expect(failure(await render(files))).toMatchObject({
      code: 'ManifestTooLarge',
      where: 'apps/web/e.yaml:',
    });
  });
  it('with a billion laughs are refused before they expand (F21)', async () => {
    const levels = Array.from({ length: 20 }, (_, level) => {
      const item = level === 0 ? '"lol"' : `*l${level - 1}`;
      return `l${level}: &l${level} [${Array(10).fill(item).join(', ')}]`;
    });
    expect(failure(await render({ 'bomb.yaml': map('bomb', `${levels.join('\n')}\n`) })).code).toBe(
      'YamlBomb',
    );
  });
  it('with a large text many times are refused (F21)', async () => {
    const text = map('bomb', `a: &a "${'x'.repeat(1_000_000)}"\nb: [${Array(100).fill('*a').join(', ')}]\n`);
    expect(failure(await render({ 'bomb.yaml': text })).code).toBe('YamlBomb');
  });
  it('with too many aliases, or an anchor in itself, are refused (F21)', async () => {
    expect(
      failure(await render({ 'x.yaml': map('x', `a: &a 1\nb: [${Array(10_001).fill('*a').join(',')}]\n`) }))
        .code,
    ).toBe('YamlBomb');
    expect(failure(await render({ 'x.yaml': map('x', 'a: &a [*a]\n') })).code).toBe('YamlBomb');
  });
  it.each([150, 5_000, 100_000])('nested %i levels deep are refused (F21)', async (depth) => {
    expect(
      failure(await render({ 'x.yaml': map('x', `a: ${'['.repeat(depth)}${']'.repeat(depth)}\n`) })).code,
    ).toBe('YamlBomb');
  });
  it('with too many objects are refused', async () => {
    const text = Array.from(
      { length: 10_001 },
      (_, index) => `{apiVersion: v1, kind: A, metadata: {name: a${index}}}`,
    ).join('\n---\n');
    expect(failure(await render({ 'x.yaml': text })).code).toBe('ManifestTooLarge');
  });
  it('of any content give a result, never an exception', async () => {
    const parts = fc.array(
      fc.constantFrom(
        ...'a: |- |\n|  |&x |*x|? |: |{|}|[|]|"|\'|>\n|---\n|!!str |%YAML 1.2\n|kind|#|\t|<<: |1'.split('|'),
      ),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(parts, async (words) => {
        const result = await render({ 'x.yaml': words.join('') });
        expect(result.ok || result.failure.code).not.toBe('RenderCrashed');
      }),
      { numRuns: 500 },
    );
  });
  it('whose JSON goes in comes out as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (data) => {
        const text = JSON.stringify({ apiVersion: 'v1', kind: 'A', metadata: { name: 'a' }, data });
        // Half of a surrogate pair is no text that any other program could read.
        if (/\\ud[89a-f]/.test(text) || text.includes('\\u0000')) return;
        const result = await render({ 'x.json': text });
        expect(result.ok && result.value.objects[0]?.manifest).toEqual(parseJson(text));
      }),
    );
  });
});
