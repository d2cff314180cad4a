/** The render key: whatever changes what is rendered changes the key, so that nothing stale is ever taken for current. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import type { Renderer } from '#model/ports.ts';
import type { Rendered } from '#model/rendered.ts';
import type { RenderSpec } from '#model/unit.ts';
import { contentAt, contentOfTrace, pathsOf } from '../source/dependence.ts';
import { rendererOn } from './renderer.ts';
import { Rendering } from './rendering.ts';
import { repositoryOf, type Contents } from './repository.fixture.ts';
import { loadModule } from './wasm-module.ts';

let renderer: Renderer;
beforeAll(async () => {
  const { module, version } = await loadModule(256);
  const rendering = new Rendering(module, systemClock, systemRandom);
  renderer = rendererOn({
    render: (request) => Promise.resolve(rendering.render(request)),
    version: () => Promise.resolve(version),
  });
});

const map = (name: string, value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {a: "${value}"}\n`;
const value = fc.constantFrom('1', '2', '3');
/** A small repository: what is in it, and whether it is there at all, varies. */
const repository: fc.Arbitrary<Contents> = fc
  .record(
    {
      'k/kustomization.yaml': fc.constantFrom(
        'resources: [a.yaml, ../base]\n',
        'resources: [../base]\n',
        'resources: [a.yaml]\ncomponents: [../part]\n',
        'configMapGenerator: [{name: g, files: [f.txt], envs: [e.env]}]\n',
      ),
      'k/kustomization.yml': fc.constant('resources: []\n'),
      'k/a.yaml': value.map((text) => map('a', text)),
      'k/b.yaml': value.map((text) => map('b', text)),
      'k/f.txt': value,
      'k/e.env': value.map((text) => `X=${text}\n`),
      'base/kustomization.yaml': fc.constantFrom(
        'resources: [c.yaml]\n',
        'namePrefix: p-\nresources: [c.yaml]\n',
      ),
      'base/c.yaml': value.map((text) => map('c', text)),
      'part/kustomization.yaml': fc.constant(
        'kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nnameSuffix: -s\n',
      ),
      'k/Chart.yaml': fc.constant('apiVersion: v2\nname: k\nversion: 1.0.0\n'),
      'k/templates/t.yaml': value.map((text) => map('t', `${text}{{ .Values.v }}{{ .Files.Get "f.txt" }}`)),
      'k/values.yaml': value.map((text) => `v: ${text}\n`),
      'env/v.yaml': value.map((text) => `v: ${text}\n`),
      'unrelated/x.yaml': value,
    },
    { requiredKeys: ['base/kustomization.yaml', 'base/c.yaml', 'k/a.yaml'] },
  )
  .map((files) => Object.fromEntries(Object.entries(files).filter(([, text]) => text !== undefined)));

const values = { files: ['/env/v.yaml'], ignoreMissing: true };
const helm = { kind: 'helm', releaseName: 'r', namespace: 'n', values } as const;
const kustomize = { kind: 'kustomize', loadRestriction: 'root', edits: {} } as const;
const directory = { kind: 'directory', recurse: false } as const;
const spec = fc.constantFrom<RenderSpec>(
  directory,
  { ...directory, recurse: true },
  { ...directory, include: 'a*' },
  kustomize,
  { ...kustomize, edits: { nameSuffix: '-x' } },
  helm,
  { ...helm, releaseName: 'other' },
  { kind: 'detect', directory, kustomize, helm },
);

async function render(files: Contents, wanted: RenderSpec): Promise<Rendered | undefined> {
  const request = { spec: wanted, url: 'r', commit: 'c', root: 'k', tree: 't' };
  const rendered = await renderer.render(request, repositoryOf(files, 'k'));
  return rendered.ok ? rendered.value : undefined;
}
const output = ({ objects }: Rendered): string => JSON.stringify(objects);

describe('a render key', () => {
  it('differs wherever what is rendered differs', async () => {
    const seen = new Map<string, string>();
    await fc.assert(
      fc.asyncProperty(repository, spec, async (files, wanted) => {
        const rendered = await render(files, wanted);
        if (rendered === undefined) return;
        const earlier = seen.get(rendered.key);
        if (earlier !== undefined) expect(output(rendered)).toBe(earlier);
        seen.set(rendered.key, output(rendered));
      }),
      { numRuns: 300 },
    );
    expect(seen.size).toBeGreaterThan(20);
  });
  it('of what was read says whether another commit renders the same', async () => {
    await fc.assert(
      fc.asyncProperty(repository, repository, spec, async (before, after, wanted) => {
        const first = await render(before, wanted);
        if (first === undefined) return;
        const content = await contentAt(repositoryOf(after), 'r', 'c', pathsOf(first.trace));
        if (!content.ok || content.value.digest !== contentOfTrace(first.trace)) return;
        const second = await render(after, wanted);
        expect(second === undefined ? undefined : output(second)).toBe(output(first));
      }),
      { numRuns: 300 },
    );
  });
  it('differs for another renderer and another cluster', async () => {
    const files = { 'k/a.yaml': map('a', '1') };
    const request = { spec: directory, url: 'r', commit: 'c', root: 'k', tree: 't' };
    const key = async (more: object): Promise<string> => {
      const rendered = await renderer.render({ ...request, ...more }, repositoryOf(files, 'k'));
      return rendered.ok ? rendered.value.key : '';
    };
    const one = await key({});
    expect(await key({ url: 'elsewhere', commit: 'd' })).toBe(one);
    expect(await key({ capabilities: { kubeVersion: 'v1.36.0', apiVersions: [] } })).not.toBe(one);
  });
});
