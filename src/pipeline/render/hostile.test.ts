/** Trees, charts and archives that mean harm: each fails by itself, in time, and reaches nothing (S1-S3, F13, F16, F22). */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemTimers } from '#host/clock.ts';
import type { Renderer } from '#model/ports.ts';
import type { RenderSpec } from '#model/unit.ts';
import { createRenderer } from './renderer.ts';
import { noRemotes, repositoryOf, type Contents } from './repository.fixture.ts';

let renderer: Renderer & { close(): Promise<void> };
beforeAll(() => {
  renderer = createRenderer({ workers: 1, deadlineMs: 4_000, memoryMbMax: 128, timers: systemTimers });
});
afterAll(() => renderer.close());

const helm: RenderSpec = { kind: 'helm', releaseName: 'r', namespace: 'n', values: {} };
const kustomize: RenderSpec = { kind: 'kustomize', loadRestriction: 'none', edits: {} };
async function outcome(files: Contents, spec: RenderSpec): Promise<{ code: string; text: string }> {
  const repository = repositoryOf({ 'canary.txt': 'canary4711', ...files }, 'k');
  const rendered = await renderer.render(
    { spec, url: 'r', commit: 'c', root: 'k', tree: 't' },
    repository,
    noRemotes,
  );
  return {
    code: rendered.ok ? 'ok' : rendered.failure.code,
    text: JSON.stringify(rendered.ok ? rendered.value.objects : rendered.failure),
  };
}
const chart = (template: string, more: Contents = {}): Contents => ({
  'k/Chart.yaml': 'apiVersion: v2\nname: c\nversion: 1.0.0\n',
  'k/templates/t.yaml': template,
  ...more,
});
const map = (value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  a: ${value}\n`;

/** One entry of a tar archive: name, mode, type and content, in blocks of 512 bytes. */
function entry(name: string, content: Uint8Array, type = '0', link = ''): Uint8Array {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write('0000777\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${content.byteLength.toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  block.write('        ', 148);
  block.write(type, 156);
  block.write(link, 157);
  block.write('ustar\0', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([block, content, Buffer.alloc((512 - (content.byteLength % 512)) % 512)]);
}
const archive = (...entries: readonly Uint8Array[]): Uint8Array =>
  gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]));
const file = (text: string): Uint8Array => Buffer.from(text);
const subchart = entry('s/Chart.yaml', file('apiVersion: v2\nname: s\nversion: 1.0.0\n'));

describe('a hostile chart', () => {
  it.each<readonly [string, string]>([
    ['the environment', '{{ env "HOME" }}{{ expandenv "$HOME" }}'],
    ['files of the repository', '{{ .Files.Get "../canary.txt" | quote }}'],
    ['files of the host', '{{ .Files.Get "/etc/hostname" | quote }}'],
    ['names in the network', '{{ getHostByName "localhost" | quote }}'],
  ])('reads nothing of %s (S1)', async (_, expression) => {
    const { code, text } = await outcome(chart(map(expression)), helm);
    expect(['ok', 'HelmFailed']).toContain(code);
    expect(text).not.toContain('canary4711');
    if (code === 'ok') expect(text).toContain('"a":""');
  });
  it.each<readonly [string, string, string]>([
    [
      'that loops',
      '{{ range $i := until 30000 }}{{ range $j := until 30000 }}{{ range $k := until 30000 }}{{ end }}{{ end }}{{ end }}',
      'RenderTimeout',
    ],
    [
      'that fills the memory',
      '{{ $x := "x" }}{{ range $i := until 40 }}{{ $x = print $x $x }}{{ end }}{{ $x }}',
      'RenderOutOfMemory',
    ],
    ['that includes itself', '{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}', 'HelmFailed'],
    [
      'with a regular expression that never ends',
      '{{ regexMatch "^(a+)+$" (repeat 5000 "a" | printf "%s!") }}',
      'HelmFailed',
    ],
  ])('%s fails, and the next one renders (F16, F23)', async (_, template, code) => {
    expect((await outcome(chart(template), helm)).code).toBe(code);
    expect((await outcome(chart(map('"1"')), helm)).code).toBe('ok');
  });
  it('with a schema in the network does not fetch it', async () => {
    const schema = '{"$ref":"http://169.254.169.254/latest/meta-data"}';
    const { code } = await outcome(chart(map('"1"'), { 'k/values.schema.json': schema }), helm);
    expect(['ValuesInvalid', 'HelmFailed']).toContain(code);
  });
  it('with a schema of the host’s files does not read them', async () => {
    const schema = '{"$ref":"file:///etc/passwd"}';
    const { code, text } = await outcome(chart(map('"1"'), { 'k/values.schema.json': schema }), helm);
    expect(['ValuesInvalid', 'HelmFailed']).toContain(code);
    expect(text).not.toContain('root:');
  });
  it.each<readonly [string, Uint8Array]>([
    ['a bomb', archive(subchart, entry('s/templates/b.yaml', Buffer.alloc(64 * 1024 * 1024)))],
    ['a path that leads out', archive(subchart, entry('../../k/templates/x.yaml', file(map('"evil"'))))],
    ['no gzip', file('not an archive')],
    ['a cut end', archive(subchart, entry('s/templates/b.yaml', file(map('"1"')))).subarray(0, 60)],
  ])('with an archive of %s fails (S3, F22)', async (_, tgz) => {
    const { code, text } = await outcome(chart(map('"1"'), { 'k/charts/s-1.0.0.tgz': tgz }), helm);
    expect(['HelmFailed', 'RenderOutOfMemory']).toContain(code);
    expect(text).not.toContain('evil');
  });
  it('with an archive of absolute paths has them below the chart (S3)', async () => {
    const absolute = archive(subchart, entry('/etc/templates/x.yaml', file(map('"1"'))));
    const { text } = await outcome(chart(map('"1"'), { 'k/charts/s-1.0.0.tgz': absolute }), helm);
    expect(text).not.toMatch(/"path":"[^"]*etc/);
  });
  it('with an archive of links follows none (S3)', async () => {
    const links = archive(
      subchart,
      entry('s/templates/l.yaml', new Uint8Array(), '2', '../../../../canary.txt'),
    );
    expect((await outcome(chart(map('"1"'), { 'k/charts/s-1.0.0.tgz': links }), helm)).text).not.toContain(
      'canary4711',
    );
  });
  it('with a values bomb fails (F21)', async () => {
    const levels = Array.from(
      { length: 20 },
      (_, at) =>
        `a${at}: &a${at} [${Array(9)
          .fill(at === 0 ? 'x' : `*a${at - 1}`)
          .join(',')}]`,
    );
    expect((await outcome(chart(map('"1"'), { 'k/values.yaml': `${levels.join('\n')}\n` }), helm)).code).toBe(
      'YamlBomb',
    );
  });
});

describe('a hostile kustomization', () => {
  it.each<readonly [string, Contents]>([
    ['a path out of the repository', { 'k/kustomization.yaml': 'resources: [../../canary.txt]\n' }],
    [
      'an absolute path',
      { 'k/kustomization.yaml': 'configMapGenerator: [{name: x, files: [/etc/passwd]}]\n' },
    ],
    ['a file URL', { 'k/kustomization.yaml': 'resources: ["file:///etc/passwd"]\n' }],
    ['a Git URL', { 'k/kustomization.yaml': 'resources: ["git::file:///etc"]\n' }],
    ['metadata of a cloud', { 'k/kustomization.yaml': 'resources: ["http://169.254.169.254/latest"]\n' }],
    ['a schema elsewhere', { 'k/kustomization.yaml': 'openapi: {path: /etc/passwd}\n' }],
    [
      'a plugin',
      {
        'k/kustomization.yaml': 'generators: [p.yaml]\n',
        'k/p.yaml': 'apiVersion: evil/v1\nkind: Run\nmetadata: {name: r}\n',
      },
    ],
  ])('with %s reaches nothing (S1, S2)', async (_, files) => {
    const { code, text } = await outcome(files, kustomize);
    expect(['KustomizeFailed', 'Unsupported']).toContain(code);
    expect(text).not.toMatch(/root:|canary4711/);
  });
  it('with files beyond the limits is refused before they are read (F13)', async () => {
    const files: Record<string, string> = {
      'k/kustomization.yaml': 'resources: [big.yaml]\n',
      'k/big.yaml': 'x'.repeat(9 * 1024 * 1024),
    };
    expect((await outcome(files, kustomize)).code).toBe('ManifestTooLarge');
  });
  it('with bases without end is refused', async () => {
    const files: Record<string, string> = {};
    for (let at = 0; at < 150; at += 1)
      files[`${at === 0 ? 'k' : `b${at}`}/kustomization.yaml`] = `resources: [../b${at + 1}]\n`;
    expect((await outcome(files, kustomize)).code).not.toBe('ok');
  });
});
