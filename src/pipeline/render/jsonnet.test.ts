/** Jsonnet in a directory of plain files, with the real renderer. */
import { describe, expect, it } from 'vitest';
import type { Result } from '#model/failure.ts';
import type { Rendered } from '#model/rendered.ts';
import type { DirectoryRender } from '#model/unit.ts';
import { failed, useRenderer } from './sources.fixture.ts';

const { render } = useRenderer();
const flat: DirectoryRender = { kind: 'directory', recurse: false };
const map = (name: string, data = '{}'): string =>
  `{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '${name}' }, data: ${data} }`;
const evaluated = (
  files: Readonly<Record<string, string>>,
  jsonnet: NonNullable<DirectoryRender['jsonnet']> = {},
): Promise<Result<Rendered>> => render(files, 'app', { ...flat, jsonnet });
function data(result: Result<Rendered>): unknown {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
  return result.value.objects.map(({ ref, manifest }) => [ref.name, manifest['data']]);
}
const text = (name: string, value: string, code = false) => ({ name, value, code });

describe('Jsonnet', () => {
  it('gives an object, a list of them, or a List, beside plain files', async () => {
    const result = await evaluated({
      'app/a.jsonnet': map('a'),
      'app/b.jsonnet': `[${map('b')}, ${map('c')}]`,
      'app/d.jsonnet': `{ apiVersion: 'v1', kind: 'List', items: [${map('d')}] }`,
      'app/e.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: e}\n',
      'app/helpers.libsonnet': 'error "it is only imported"',
    });
    expect(result.ok && result.value.objects.map(({ ref, at }) => `${ref.name} ${at.path}`)).toEqual([
      'a app/a.jsonnet',
      'b app/b.jsonnet',
      'c app/b.jsonnet',
      'd app/d.jsonnet',
      'e app/e.yaml',
    ]);
  });
  it('has variables and arguments, as texts and as expressions', async () => {
    const file = `function(team, size=1) ${map('a', "{ team: team, size: '' + size, env: std.extVar('env'), n: '' + std.extVar('n') }")}`;
    const result = await evaluated(
      { 'app/a.jsonnet': file },
      {
        extVars: [text('env', 'prod'), text('n', '1 + 1', true)],
        tlas: [text('team', 'web'), text('size', '2 * 2', true)],
      },
    );
    expect(data(result)).toEqual([['a', { team: 'web', size: '4', env: 'prod', n: '2' }]]);
  });
  it('imports from beside the file, from libraries of the repository, and from its directory, and tells what it read', async () => {
    const result = await evaluated(
      {
        'app/a.jsonnet': `local own = import 'own.libsonnet', web = import 'web/main.libsonnet'; ${map('a', "{ own: own.v, web: web.v, text: importstr 'note.txt' }")}`,
        'app/own.libsonnet': "{ v: 'own' }",
        'app/note.txt': 'hello',
        'vendor/web/main.libsonnet': "import 'more.libsonnet'",
        'vendor/web/more.libsonnet': "{ v: 'library' } + (import 'own.libsonnet') { v: super.v + '!' }",
        'unused.libsonnet': '{}',
      },
      { libs: ['lib', 'vendor'] },
    );
    expect(data(result)).toEqual([['a', { own: 'own', web: 'own!', text: 'hello' }]]);
    expect(result.ok && Object.keys(result.value.trace.files)).toEqual([
      'app/a.jsonnet',
      'app/note.txt',
      'app/own.libsonnet',
      'vendor/web/main.libsonnet',
      'vendor/web/more.libsonnet',
    ]);
    // A file that comes and goes before what was found is a reason to render again.
    expect(result.ok && result.value.trace.absent).toEqual(
      expect.arrayContaining(['app/web/main.libsonnet', 'vendor/web/own.libsonnet']),
    );
  });
  it.each([
    ['{ a: [ }', /^Jsonnet: /, 'app/a.jsonnet:1'],
    [`local x = 1;\n${map('a', '{ a: x.y }')}`, /non indexable/, 'app/a.jsonnet:2'],
    ["{ a: error 'no luck' }", /no luck/, 'app/a.jsonnet:1'],
    ["import 'none.libsonnet'", /couldn't import "none\.libsonnet"/, 'app/a.jsonnet:1'],
    ["importstr '../../../etc/passwd'", /couldn't import/, 'app/a.jsonnet:1'],
    ["std.extVar('none')", /none/, 'app/a.jsonnet:1'],
    ['local f(x) = f(x + 1) + 1; f(0)', /max stack frames|stack/i, 'app/a.jsonnet:1'],
  ])('%s fails by itself, with its place', async (file, message, where) => {
    const found = failed(await evaluated({ 'app/a.jsonnet': file }));
    expect(found).toMatchObject({ code: 'JsonnetFailed', message: expect.stringMatching(message), where });
  });
  it('what is no object is refused; of one that a plain file declares too the later counts', async () => {
    expect(failed(await evaluated({ 'app/a.jsonnet': '"text"' })).code).toBe('InvalidObject');
    const twice = {
      'app/a.jsonnet': map('a'),
      'app/b.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
    };
    const rendered = await evaluated(twice);
    expect(rendered).toMatchObject({
      ok: true,
      value: {
        objects: [{ at: { path: 'app/b.yaml' } }],
        warnings: [{ code: 'RepeatedResource', at: { path: 'app/b.yaml' } }],
      },
    });
  });
  it('that computes without end is stopped (F20)', async () => {
    const endless = 'std.foldl(function(a, b) a + b, std.range(1, 1e9), 0)';
    const { code } = failed(await evaluated({ 'app/a.jsonnet': `{ a: ${endless} }` }));
    expect(['RenderTimeout', 'RenderOutOfMemory', 'JsonnetFailed']).toContain(code);
  }, 60_000);
});
