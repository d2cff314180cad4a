/** The render key: whatever changes what is rendered changes the key, so that nothing stale is ever taken for current. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import { digestOf } from '#fields/digest.ts';
import { ok } from '#model/failure.ts';
import type { ClusterView, Renderer } from '#model/ports.ts';
import type { Rendered } from '#model/rendered.ts';
import type { RenderSpec } from '#model/unit.ts';
import { contentAt, contentOfTrace, pathsOf } from '../source/dependence.ts';
import { clusterDigest, clusterTrace } from './cluster-trace.ts';
import { rendererOn } from './renderer.ts';
import { Rendering } from './rendering.ts';
import { noRemotes, repositoryOf, type Contents } from './repository.fixture.ts';
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
      'k/templates/c.yaml': fc
        .constantFrom(
          '{{ .Capabilities.KubeVersion.Minor }}',
          '{{ .Capabilities.APIVersions.Has "x/v1" }}',
          '{{ len .Capabilities.APIVersions }}',
          '{{ print .Capabilities | len }}',
          '{{ (lookup "v1" "ConfigMap" "n" "a").data }}',
          '{{ if lookup "v1" "ConfigMap" "n" "a" }}{{ len (lookup "v1" "Secret" "n" "").items }}{{ end }}',
        )
        .map((text) => map('c', text)),
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
  { kind: 'detect', directory, kustomize, helm, without: ['kustomize'] },
);

/** A small cluster: the versions that it serves, and what `lookup` finds of the two things that charts ask for. */
interface Surroundings {
  readonly kubeVersion: string;
  readonly apiVersions: readonly string[];
  readonly map: string;
  readonly secrets: string;
}
const surroundings: fc.Arbitrary<Surroundings> = fc.record({
  kubeVersion: fc.constantFrom('v1.35.0', 'v1.36.0'),
  apiVersions: fc.subarray(['x/v1', 'y/v1', 'y/v2']),
  map: fc.constantFrom('', '{"data":{"a":"1"}}', '{"data":{"a":"2"}}'),
  secrets: fc.constantFrom('{"items":[]}', '{"items":[{"data":{"p":"cGFzcw=="}}]}'),
});
function viewOf({ kubeVersion, apiVersions, map: found, secrets }: Surroundings): ClusterView {
  return {
    capabilities: () => Promise.resolve(ok({ kubeVersion, apiVersions, unknown: [] })),
    lookUp: (questions) =>
      Promise.resolve(
        ok(
          questions.map((question) => {
            const secret = question.includes('Secret');
            const text = secret ? secrets : found;
            return { text, digest: digestOf(text), secret };
          }),
        ),
      ),
  };
}
const somewhere: Surroundings = { kubeVersion: 'v1.36.0', apiVersions: [], map: '', secrets: '' };

async function render(
  files: Contents,
  wanted: RenderSpec,
  cluster: Surroundings = somewhere,
): Promise<Rendered | undefined> {
  const request = { spec: wanted, url: 'r', commit: 'c', root: 'k', tree: 't', view: viewOf(cluster) };
  const rendered = await renderer.render(request, repositoryOf(files, 'k'), noRemotes);
  return rendered.ok ? rendered.value : undefined;
}
const output = ({ objects }: Rendered): string => JSON.stringify(objects);

describe('a render key', () => {
  it('differs wherever what is rendered differs (argo-cd#29766)', async () => {
    const seen = new Map<string, string>();
    await fc.assert(
      fc.asyncProperty(repository, spec, surroundings, async (files, wanted, cluster) => {
        const rendered = await render(files, wanted, cluster);
        if (rendered === undefined) return;
        const earlier = seen.get(rendered.key);
        if (earlier !== undefined) expect(output(rendered)).toBe(earlier);
        seen.set(rendered.key, output(rendered));
      }),
      { numRuns: 300 },
    );
    expect(seen.size).toBeGreaterThan(20);
  });
  it('of what was read says whether another commit renders the same (argo-cd#26530)', async () => {
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
  it('of what the cluster answered says whether another cluster, or the same one later, renders the same', async () => {
    let changed = 0;
    let kept = 0;
    await fc.assert(
      fc.asyncProperty(repository, surroundings, surroundings, async (files, before, after) => {
        const first = await render(files, helm, before);
        if (first === undefined) return;
        const answered = await clusterTrace(pathsOf(first.trace), helm, viewOf(after));
        const isSame = answered.ok && clusterDigest(answered.value) === clusterDigest(first.trace);
        const second = await render(files, helm, after);
        if (!isSame) changed += 1;
        if (!isSame || second === undefined) return;
        kept += 1;
        expect(output(second)).toBe(output(first));
        expect(second.key).toBe(first.key);
      }),
      { numRuns: 300 },
    );
    expect(Math.min(changed, kept)).toBeGreaterThan(10);
  });
  it('differs for another renderer and, for a chart that asks, another cluster', async () => {
    const files = (template: string): Contents => ({
      'k/Chart.yaml': 'apiVersion: v2\nname: k\nversion: 1.0.0\n',
      'k/templates/t.yaml': map('t', template),
    });
    const key = async (contents: Contents, more: object = {}): Promise<string> => {
      const request = { spec: helm, url: 'r', commit: 'c', root: 'k', tree: 't', view: viewOf(somewhere) };
      const rendered = await renderer.render({ ...request, ...more }, repositoryOf(contents, 'k'), noRemotes);
      return rendered.ok ? rendered.value.key : '';
    };
    const other = { view: viewOf({ ...somewhere, kubeVersion: 'v1.35.0' }) };
    const silent = files('1');
    expect(await key(silent, { url: 'elsewhere', commit: 'd' })).toBe(await key(silent));
    expect(await key(silent, other)).toBe(await key(silent));
    const asking = files('{{ .Capabilities.KubeVersion }}');
    expect(await key(asking, other)).not.toBe(await key(asking));
  });
});
