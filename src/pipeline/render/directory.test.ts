import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Result } from '#model/failure.ts';
import type { RenderRequest } from '#model/ports.ts';
import type { Rendered } from '#model/rendered.ts';
import type { DirectoryRender } from '#model/unit.ts';
import { renderDirectory, wantedFiles } from './directory.ts';

const flat: DirectoryRender = { kind: 'directory', recurse: false };

function request(
  files: Readonly<Record<string, string | Uint8Array>>,
  spec: DirectoryRender = flat,
): RenderRequest {
  return {
    spec,
    root: 'apps/web',
    tree: 'f00d',
    files: Object.entries(files).map(([path, text]) => {
      const content = typeof text === 'string' ? new TextEncoder().encode(text) : text;
      return { path, blob: `blob-${path}-${content.byteLength}`, sizeBytes: content.byteLength, content };
    }),
  };
}
function render(
  files: Readonly<Record<string, string | Uint8Array>>,
  spec?: DirectoryRender,
): Result<Rendered> {
  return renderDirectory(request(files, spec));
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
  it('gives the objects of its files, with file and line, sorted by path', () => {
    const result = render({
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
  it('recurses, includes and excludes when asked', () => {
    const files = {
      'a.yaml': map('a'),
      'sub/b.yaml': map('b'),
      'sub/c.yml': map('c'),
      'other/d.yaml': map('d'),
    };
    expect(names(render(files, { ...flat, recurse: true }))).toHaveLength(4);
    expect(names(render(files, { ...flat, recurse: true, include: 'sub/*' }))).toHaveLength(2);
    expect(names(render(files, { ...flat, recurse: true, include: '{*.yml,other/*}' }))).toHaveLength(2);
    expect(names(render(files, { ...flat, recurse: true, exclude: 'sub/*.yml' }))).toHaveLength(3);
    expect(failure(render(files, { ...flat, exclude: '{a' })).code).toBe('Unsupported');
  });
  it('asks for the files that it reads or refuses, and no others', () => {
    const { files } = request({
      'a.yaml': '',
      'b.txt': '',
      Kustomization: '',
      'x.jsonnet': '',
      'sub/c.yaml': '',
      '.argocd-source-x.yaml': '',
    });
    expect(wantedFiles(flat, files).map(({ path }) => path)).toEqual([
      '.argocd-source-x.yaml',
      'Kustomization',
      'a.yaml',
      'x.jsonnet',
    ]);
  });
  it.each([
    'kustomization.yaml',
    'kustomization.yml',
    'Kustomization',
    'Chart.yaml',
    '.argocd-source.yaml',
    '.argocd-source-web.yaml',
    'x.jsonnet',
  ])('with %s is refused, even where a pattern excludes the file (F30)', (name) => {
    const spec = name === 'x.jsonnet' ? flat : { ...flat, include: 'a.yaml' };
    expect(failure(render({ 'a.yaml': map('a'), [name]: 'x: 1' }, spec))).toMatchObject({
      code: 'Unsupported',
      where: `apps/web/${name}:`,
    });
  });
  it('passes over what is not for Kubernetes, with a warning', () => {
    const result = render({
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
  it('with a file that is no YAML at all fails, whatever the file was for (F8)', () => {
    expect(failure(render({ 'a.yaml': map('a'), 'b.yaml': 'a: [\n' }))).toMatchObject({
      code: 'InvalidYaml',
      where: expect.stringContaining('apps/web/b.yaml:'),
    });
  });
  it('passes over a file that is marked to be skipped', () => {
    expect(
      names(render({ 'a.yaml': map('a'), 'b.yaml': `# +argocd:skip-file-rendering\nkind: [` })),
    ).toHaveLength(1);
  });
  it('without a manifest is empty, not a failure: what that means is the planner’s to say (F8)', () => {
    expect(names(render({}))).toEqual([]);
    expect(names(render({ 'a.yaml': '# nothing\n---\n' }))).toEqual([]);
  });
  it('flattens lists, each item with its line', () => {
    const list = `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: b}\n`;
    expect(names(render({ 'l.yaml': list }))).toEqual([
      'ConfigMap a apps/web/l.yaml:4',
      'Secret b apps/web/l.yaml:7',
    ]);
  });
  it('has a key that depends on what was read, the spec and the place', () => {
    const key = (result: Result<Rendered>): string => (result.ok ? result.value.key : '');
    const one = key(render({ 'a.yaml': map('a') }));
    expect(key(render({ 'a.yaml': map('a'), 'README.md': 'x' }))).toBe(one);
    expect(key(render({ 'a.yaml': map('aa') }))).not.toBe(one);
    expect(key(render({ 'a.yaml': map('a'), 'b.yaml': '' }))).not.toBe(one);
    expect(key(render({ 'a.yaml': map('a') }, { ...flat, recurse: true }))).not.toBe(one);
  });
  it('keeps anchors and aliases within a document', () => {
    const result = render({ 'a.yaml': map('a', 'data: &d {x: "1"}\ncopy: *d\n') });
    expect(result.ok && result.value.objects[0]?.manifest['copy']).toEqual({ x: '1' });
    expect(
      failure(render({ 'a.yaml': `${map('a', 'data: &d {}\n')}---\n${map('b', 'data: *d\n')}` })).code,
    ).toBe('InvalidYaml');
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
    ['generateName', 'apiVersion: v1\nkind: Job\nmetadata: {generateName: x-}\n', 'Unsupported', '1'],
    ['a SOPS document', map('a', 'sops: {mac: "ENC[x]", version: "3"}\n'), 'Unsupported', '1'],
    ['an octal number', map('a', 'data:\n  mode: 0400\n'), 'AmbiguousYaml', '6'],
    ['an old truth value', map('a', 'data:\n  mode: yes\n'), 'AmbiguousYaml', '6'],
    ['a large integer', map('a', 'n: 9007199254740993\n'), 'AmbiguousYaml', '5'],
    ['a key twice', map('a', 'data:\n  x: "1"\n  x: "2"\n'), 'AmbiguousYaml', '7'],
    ['a key that is no text', map('a', 'data:\n  1.10: "1"\n'), 'AmbiguousYaml', '6'],
    ['a key that is a list', map('a', 'data:\n  ? [a]\n  : 1\n'), 'AmbiguousYaml', '6'],
    ['a merge key', map('a', 'x: &x {a: b}\ndata:\n  <<: *x\n'), 'AmbiguousYaml', '7'],
    ['a tag', map('a', 'data:\n  x: !!binary aGk=\n'), 'AmbiguousYaml', '6'],
    ['a YAML directive', `%YAML 1.1\n---\n${map('a')}`, 'AmbiguousYaml', '1'],
  ])('%s', (_, text, code, line) => {
    const found = failure(render({ 'ok.yaml': map('ok'), 'x.yaml': text }));
    expect(found.code).toBe(code);
    expect(found.where).toMatch(new RegExp(`^apps/web/x\\.yaml:${line === '' ? '\\d+' : line}$`));
  });
  it('big integers and duplicate keys in JSON', () => {
    const json = (more: string): string => `{"apiVersion":"v1","kind":"X","metadata":{"name":"x"},${more}}`;
    expect(failure(render({ 'x.json': json('"n":9007199254740993') })).code).toBe('AmbiguousYaml');
    expect(failure(render({ 'x.json': json('"n":1,"n":2') })).code).toBe('AmbiguousYaml');
    expect(failure(render({ 'x.json': json('"n":1,') })).code).toBe('InvalidYaml');
    expect(names(render({ 'x.json': json('"n":"\\ud83d\\ude00 \\/"') }))).toHaveLength(1);
  });
  it('a binary file', () => {
    expect(failure(render({ 'x.yaml': new Uint8Array([0xff, 0xfe, 0]) })).code).toBe('InvalidYaml');
  });
  it('one object in two places, naming both', () => {
    const found = failure(render({ 'a.yaml': map('same'), 'b.yaml': `${map('x')}---\n${map('same')}` }));
    expect(found.code).toBe('DuplicateObject');
    expect(found.message).toContain('apps/web/a.yaml:1');
    expect(found.message).toContain('apps/web/b.yaml:6');
  });
  it('without ever quoting a value (S14)', () => {
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
      const result = render({ 's.yaml': secret(value) });
      if (!result.ok) expect(JSON.stringify(result.failure)).not.toContain(canary);
    }
    expect(JSON.stringify(failure(render({ 's.yaml': secret('04711') })))).not.toContain('04711');
  });
});

describe('hostile files', () => {
  it('that are too large are named, with their size (F13, F20)', () => {
    const found = failure(
      render({ 'big.yaml': map('big', `data:\n  x: "${'x'.repeat(10 * 1024 * 1024)}"\n`) }),
    );
    expect(found).toMatchObject({ code: 'ManifestTooLarge', where: 'apps/web/big.yaml:' });
    expect(found.message).toContain('10 MiB');
  });
  it('with an object over the API’s limit are named, with the line (F20)', () => {
    const found = failure(
      render({
        'x.yaml': `${map('ok')}---\n${map('big', `data:\n  x: "${'x'.repeat(2 * 1024 * 1024)}"\n`)}`,
      }),
    );
    expect(found).toMatchObject({ code: 'ManifestTooLarge', where: 'apps/web/x.yaml:6' });
    expect(found.message).toContain('ConfigMap big is 2 MiB');
    const list = `apiVersion: v1\nkind: List\nitems:\n- ${JSON.stringify({ apiVersion: 'v1', kind: 'A', metadata: { name: 'big' }, x: 'x'.repeat(2_000_000) })}\n`;
    expect(failure(render({ 'l.yaml': list }))).toMatchObject({
      code: 'ManifestTooLarge',
      where: 'apps/web/l.yaml:4',
    });
  });
  it('that are too large together are refused (F13)', () => {
    const file = new TextEncoder().encode(`# ${'x'.repeat(7 * 1024 * 1024)}\n`);
    const files = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`${name}.yaml`, file]));
    expect(failure(render(files))).toMatchObject({ code: 'ManifestTooLarge', where: 'apps/web/e.yaml:' });
  });
  it('with a billion laughs are refused before they expand (F21)', () => {
    const levels = Array.from({ length: 20 }, (_, level) => {
      const item = level === 0 ? '"lol"' : `*l${level - 1}`;
      return `l${level}: &l${level} [${Array(10).fill(item).join(', ')}]`;
    });
    expect(failure(render({ 'bomb.yaml': map('bomb', `${levels.join('\n')}\n`) })).code).toBe('YamlBomb');
  });
  it('with a large text many times are refused (F21)', () => {
    const text = map('bomb', `a: &a "${'x'.repeat(1_000_000)}"\nb: [${Array(100).fill('*a').join(', ')}]\n`);
    expect(failure(render({ 'bomb.yaml': text })).code).toBe('YamlBomb');
  });
  it('with too many aliases, or an anchor in itself, are refused (F21)', () => {
    expect(
      failure(render({ 'x.yaml': map('x', `a: &a 1\nb: [${Array(10_001).fill('*a').join(',')}]\n`) })).code,
    ).toBe('YamlBomb');
    expect(failure(render({ 'x.yaml': map('x', 'a: &a [*a]\n') })).code).toBe('YamlBomb');
  });
  it.each([150, 5_000, 100_000])('nested %i levels deep are refused (F21)', (depth) => {
    expect(
      failure(render({ 'x.yaml': map('x', `a: ${'['.repeat(depth)}${']'.repeat(depth)}\n`) })).code,
    ).toBe('YamlBomb');
  });
  it('with too many objects are refused', () => {
    const text = Array.from(
      { length: 10_001 },
      (_, index) => `{apiVersion: v1, kind: A, metadata: {name: a${index}}}`,
    ).join('\n---\n');
    expect(failure(render({ 'x.yaml': text })).code).toBe('ManifestTooLarge');
  });
  it('of any content give a result, never an exception', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            'a: ',
            '- ',
            '\n',
            '  ',
            '&x ',
            '*x',
            '? ',
            ': ',
            '{',
            '}',
            '[',
            ']',
            '"',
            "'",
            '|\n',
            '---\n',
            '!!str ',
            '%YAML 1.2\n',
            'kind',
            '#',
            '\t',
            '<<: ',
            '1',
          ),
          { maxLength: 30 },
        ),
        (parts) => {
          render({ 'x.yaml': parts.join('') });
        },
      ),
      { numRuns: 500 },
    );
  });
  it('whose JSON goes in comes out as it was', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
        // A double beyond 2^53 may be written as an integer, which is refused.
        const text = JSON.stringify({ apiVersion: 'v1', kind: 'A', metadata: { name: 'a' }, data });
        if (/[0-9]{16}/.test(text) || text.includes('__proto__')) return;
        const result = render({ 'x.json': text });
        expect(result.ok && result.value.objects[0]?.manifest).toEqual(JSON.parse(text));
      }),
    );
  });
});
