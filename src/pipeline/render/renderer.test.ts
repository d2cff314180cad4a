import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemTimers } from '#host/clock.ts';
import type { Result } from '#model/failure.ts';
import type { Renderer } from '#model/ports.ts';
import type { Rendered } from '#model/rendered.ts';
import type { HelmRender, KustomizeEdits, RenderSpec } from '#model/unit.ts';
import { createRenderer } from './renderer.ts';
import { noRemotes, repositoryOf, type Contents } from './repository.fixture.ts';

let renderer: Renderer & { close(): Promise<void> };
beforeAll(() => {
  renderer = createRenderer({ workers: 1, deadlineMs: 15_000, timers: systemTimers });
});
afterAll(() => renderer.close());

const render = (files: Contents, root: string, spec: RenderSpec): Promise<Result<Rendered>> =>
  renderer.render({ spec, url: 'r', commit: 'c', root, tree: 't' }, repositoryOf(files, root), noRemotes);
const kustomize = (edits: KustomizeEdits = {}): RenderSpec => ({
  kind: 'kustomize',
  loadRestriction: 'root',
  edits,
});
const helm = (more: Partial<HelmRender> = {}): RenderSpec => ({
  kind: 'helm',
  releaseName: 'rel',
  namespace: 'prod',
  values: {},
  ...more,
});
function lines(result: Result<Rendered>): readonly string[] {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
  return result.value.objects.map(
    ({ ref, at }) => `${ref.kind} ${ref.namespace}/${ref.name} ${at.path}:${at.line ?? ''}`,
  );
}
function failed(result: Result<Rendered>) {
  if (result.ok) throw new Error('it did not fail');
  const { code, message, at, hint } = result.failure;
  expect(hint).not.toBe('');
  return { code, message, where: `${at?.path}:${at?.line ?? ''}` };
}
function object(result: Result<Rendered>, kind: string): { readonly [key: string]: any } {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
  return result.value.objects.find(({ ref }) => ref.kind === kind)!.manifest;
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.25", envFrom: [{configMapRef: {name: settings}}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;
const overlay: Contents = {
  'apps/web/base/kustomization.yaml':
    'resources: [web.yaml]\nconfigMapGenerator:\n- name: settings\n  literals: [A=1]\n',
  'apps/web/base/web.yaml': deployment,
  'apps/web/prod/kustomization.yaml':
    'resources: [../base]\nnamespace: prod\nnamePrefix: p-\ncomponents: [../monitored]\npatches:\n- path: replicas.yaml\nconfigMapGenerator:\n- name: settings\n  behavior: merge\n  files: [app.ini]\n',
  'apps/web/prod/replicas.yaml':
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n',
  'apps/web/prod/app.ini': 'b=c\n',
  'apps/web/monitored/kustomization.yaml':
    'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [monitor.yaml]\n',
  'apps/web/monitored/monitor.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: monitor}\ndata: {on: "yes"}\n',
  'apps/other/kustomization.yaml': 'resources: []\n',
};

describe('a Kustomize directory', () => {
  it('is built with its bases, components, patches and generators; each object knows its place', async () => {
    const result = await render(overlay, 'apps/web/prod', kustomize());
    expect(lines(result)).toEqual([
      'ConfigMap prod/p-monitor apps/web/monitored/monitor.yaml:1',
      expect.stringMatching(/^ConfigMap prod\/p-settings-\w+ apps\/web\/(prod|base)\/kustomization.yaml:$/),
      'Service prod/p-web apps/web/base/web.yaml:11',
      'Deployment prod/p-web apps/web/base/web.yaml:1',
    ]);
    expect(object(result, 'Deployment')['spec'].replicas).toBe(3);
    expect(object(result, 'Deployment').metadata).not.toHaveProperty('annotations');
  });
  it('tells what it read, and nothing else', async () => {
    const result = await render(overlay, 'apps/web/prod', kustomize());
    expect(result.ok && Object.keys(result.value.trace.files)).toEqual([
      'apps/web/base/kustomization.yaml',
      'apps/web/base/web.yaml',
      'apps/web/monitored/kustomization.yaml',
      'apps/web/monitored/monitor.yaml',
      'apps/web/prod/app.ini',
      'apps/web/prod/kustomization.yaml',
      'apps/web/prod/replicas.yaml',
    ]);
    expect(result.ok && result.value.trace.absent).toContain('apps/web/prod/kustomization.yml');
  });
  it('takes what the Application lays over it', async () => {
    const result = await render(
      overlay,
      'apps/web/prod',
      kustomize({
        nameSuffix: '-x',
        namespace: 'other',
        images: ['nginx=registry.example/nginx:1.27'],
        replicas: [{ name: 'web', count: 7 }],
        labels: { team: 'a' },
        labelsWithoutSelector: true,
        annotations: { note: 'b' },
        patches: [
          { target: { kind: 'Service' }, patch: '- op: replace\n  path: /spec/ports/0/port\n  value: 81\n' },
        ],
      }),
    );
    expect(lines(result)).toContain('Deployment other/p-web-x apps/web/base/web.yaml:1');
    const web = object(result, 'Deployment');
    expect(web['spec'].template.spec.containers[0].image).toBe('registry.example/nginx:1.27');
    expect(web['spec'].replicas).toBe(7);
    expect(web['spec'].selector.matchLabels).toEqual({ app: 'web' });
    expect(web.metadata).toMatchObject({ labels: { team: 'a' }, annotations: { note: 'b' } });
    expect(object(result, 'Service')['spec'].ports[0].port).toBe(81);
  });
  it.each<readonly [string, string, Contents, string, string]>([
    ['no kustomization', 'resources', {}, 'KustomizeFailed', 'k:'],
    [
      'a file that is not there',
      '',
      { 'k/kustomization.yaml': 'resources: [a.yaml]\n' },
      'KustomizeFailed',
      'k/kustomization.yaml:',
    ],
    [
      'a kustomization that is no YAML',
      '',
      { 'k/kustomization.yaml': 'resources: [\n' },
      'InvalidYaml',
      'k/kustomization.yaml:',
    ],
    [
      'an unknown field',
      '',
      { 'k/kustomization.yaml': 'resource: [a]\n' },
      'KustomizeFailed',
      'k/kustomization.yaml:',
    ],
    [
      'a remote base',
      '',
      { 'k/kustomization.yaml': 'resources: ["https://user:pass@example.com/a/b?ref=v1"]\n' },
      'Unsupported',
      'k/kustomization.yaml:',
    ],
    [
      'a short remote base',
      '',
      { 'k/kustomization.yaml': 'resources: ["github.com/a/b//c?ref=v1"]\n' },
      'Unsupported',
      'k/kustomization.yaml:',
    ],
    [
      'helmCharts',
      '',
      { 'k/kustomization.yaml': 'helmCharts: [{name: x}]\n' },
      'Unsupported',
      'k/kustomization.yaml:',
    ],
    [
      'an exec function',
      '',
      {
        'k/kustomization.yaml': 'transformers: [f.yaml]\n',
        'k/f.yaml':
          'apiVersion: a/v1\nkind: F\nmetadata:\n  name: f\n  annotations:\n    config.kubernetes.io/function: "exec: {path: ./x}"\n',
      },
      'Unsupported',
      'k/f.yaml:',
    ],
    [
      'a file outside of its directory',
      '',
      { 'k/kustomization.yaml': 'resources: [../secret.yaml]\n', 'secret.yaml': deployment },
      'KustomizeFailed',
      'k/kustomization.yaml:',
    ],
    [
      'a file outside of the repository',
      '',
      { 'k/kustomization.yaml': 'resources: [../../../etc/passwd]\n' },
      'KustomizeFailed',
      'k/kustomization.yaml:',
    ],
    [
      'an absolute path',
      '',
      { 'k/kustomization.yaml': 'resources: [/etc/passwd]\n' },
      'KustomizeFailed',
      'k/kustomization.yaml:',
    ],
    [
      'a circle',
      '',
      { 'k/kustomization.yaml': 'resources: [../k]\n' },
      'KustomizeFailed',
      'k/kustomization.yaml:',
    ],
    [
      'a bomb',
      '',
      {
        'k/kustomization.yaml': 'resources: [b.yaml]\n',
        'k/b.yaml': `a: &a [x,x,x,x,x,x,x,x,x,x]\n${Array.from(
          { length: 12 },
          (_, i) =>
            `a${i}: &a${i} [${Array(10)
              .fill(i === 0 ? '*a' : `*a${i - 1}`)
              .join(',')}]`,
        ).join('\n')}\n`,
      },
      'YamlBomb',
      'k/b.yaml:',
    ],
  ])('with %s is refused, naming the place', async (_, __, files, code, where) => {
    const found = failed(await render({ 'x/y': '', ...files }, 'k', kustomize()));
    expect(found).toMatchObject({ code });
    expect(found.where).toMatch(where);
    expect(found.message).not.toContain('pass@');
  });
});

const chart: Contents = {
  'charts/app/Chart.yaml':
    'apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- {name: common, version: 0.1.0, repository: "file://../common"}\n- {name: cache, version: 0.1.0, condition: cache.enabled}\n',
  'charts/app/values.yaml': 'replicas: 1\ncache: {enabled: true}\n',
  'charts/app/values.schema.json':
    '{"type":"object","properties":{"replicas":{"type":"integer","minimum":0}}}',
  'charts/app/.helmignore': '*.bak\n',
  'charts/app/templates/_names.tpl': '{{ define "name" }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}',
  'charts/app/templates/map.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ include "name" . }}\n  namespace: {{ .Release.Namespace }}\ndata:\n  replicas: {{ .Values.replicas | quote }}\n  file: {{ .Files.Get "extra.txt" | quote }}\n  kube: {{ .Capabilities.KubeVersion.Version }}\n  has: {{ .Capabilities.APIVersions.Has "example.com/v1" | quote }}\n  found: {{ lookup "v1" "Secret" "a" "b" | len | quote }}\n{{ include "common.extra" . }}\n',
  'charts/app/templates/x.yaml.bak': '{{ fail "ignored" }}',
  'charts/app/templates/job.yaml':
    'apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations: {helm.sh/hook: pre-install}\n',
  'charts/app/templates/tests/t.yaml':
    'apiVersion: v1\nkind: Pod\nmetadata:\n  name: t\n  annotations: {helm.sh/hook: test}\n',
  'charts/app/templates/NOTES.txt': 'hello\n',
  'charts/app/extra.txt': 'extra',
  'charts/app/crds/c.yaml':
    'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c}\n',
  'charts/app/charts/cache/Chart.yaml': 'apiVersion: v2\nname: cache\nversion: 0.1.0\n',
  'charts/app/charts/cache/templates/s.yaml':
    'apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Release.Name }}-cache}\n',
  'charts/common/Chart.yaml': 'apiVersion: v2\nname: common\nversion: 0.1.0\ntype: library\n',
  'charts/common/templates/_c.tpl': '{{ define "common.extra" }}  common: "1"{{ end }}',
  'env/prod.yaml': 'replicas: 3\n',
};

describe('a Helm chart', () => {
  it('is rendered with its subcharts, its files, its CRDs and its values', async () => {
    const result = await render(
      chart,
      'charts/app',
      helm({
        kubeVersion: '1.30.0',
        apiVersions: ['example.com/v1'],
        values: { files: ['/env/prod.yaml', '../../env/none.yaml'], ignoreMissing: true },
      }),
    );
    expect(lines(result)).toEqual([
      'CustomResourceDefinition /c charts/app/crds/c.yaml:1',
      'ConfigMap prod/rel-app charts/app/templates/map.yaml:',
      'Service /rel-cache charts/app/charts/cache/templates/s.yaml:',
      'Job /migrate charts/app/templates/job.yaml:',
    ]);
    expect(object(result, 'ConfigMap')['data']).toEqual({
      replicas: '3',
      file: 'extra',
      kube: 'v1.30.0',
      has: 'true',
      found: '0',
      common: '1',
    });
    expect(result.ok && result.value.trace.files).toHaveProperty('env/prod.yaml');
    expect(result.ok && result.value.trace.absent).toContain('env/none.yaml');
  });
  it('takes values in place and parameters over those of files', async () => {
    const result = await render(
      chart,
      'charts/app',
      helm({
        skipCrds: true,
        values: {
          files: ['/env/prod.yaml'],
          inline: ['replicas: 4\ncache: {enabled: false}\n'],
          set: ['replicas=5'],
        },
      }),
    );
    expect(object(result, 'ConfigMap')['data'].replicas).toBe('5');
    expect(lines(result)).toHaveLength(2);
  });
  it.each<readonly [string, Contents, Partial<HelmRender>, string, string]>([
    [
      'values against its schema',
      {},
      { values: { set: ['replicas=-1'] } },
      'ValuesInvalid',
      'charts/app/values.schema.json:',
    ],
    [
      'a file of values that is not there',
      {},
      { values: { files: ['no.yaml'] } },
      'HelmFailed',
      'charts/app/no.yaml:',
    ],
    [
      'a file of values outside of the repository',
      {},
      { values: { files: ['../../../x.yaml'] } },
      'HelmFailed',
      'charts/app:',
    ],
    [
      'a file of values by URL',
      {},
      { values: { files: ['https://example.com/x.yaml'] } },
      'Unsupported',
      'charts/app:',
    ],
    [
      'a template that fails',
      { 'charts/app/templates/f.yaml': 'a: b\n{{ fail "no luck" }}\n' },
      {},
      'HelmFailed',
      'charts/app/templates/f.yaml:2',
    ],
    [
      'a template that does not parse',
      { 'charts/app/templates/f.yaml': 'a: b\n\n{{ if }}\n' },
      {},
      'HelmFailed',
      'charts/app/templates/f.yaml:3',
    ],
    [
      'a template whose output is no YAML',
      { 'charts/app/templates/f.yaml': 'a: [\n' },
      {},
      'HelmFailed',
      'charts/app/templates/f.yaml:',
    ],
    [
      'a template whose output is no object',
      { 'charts/app/templates/f.yaml': 'apiVersion: v1\nkind: X\n' },
      {},
      'InvalidObject',
      'charts/app/templates/f.yaml:',
    ],
    [
      'a dependency that is nowhere',
      {
        'charts/app/Chart.yaml':
          'apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: redis, version: 1.x, repository: "https://example.com"}]\n',
      },
      {},
      'Unsupported',
      'charts/app/Chart.yaml:',
    ],
    [
      'another Kubernetes',
      { 'charts/app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\nkubeVersion: ">=1.30"\n' },
      { kubeVersion: '1.20' },
      'HelmFailed',
      'charts/app/Chart.yaml:',
    ],
    [
      'a template in itself',
      { 'charts/app/templates/f.yaml': '{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}' },
      {},
      'HelmFailed',
      'charts/app/templates/f.yaml:1',
    ],
    [
      'memory without end',
      { 'charts/app/templates/f.yaml': '{{ range $i := until 2000000000 }}{{ $i }}{{ end }}' },
      {},
      'RenderOutOfMemory',
      'charts/app:',
    ],
  ])('with %s is refused, naming the place', async (_, files, more, code, where) => {
    const found = failed(await render({ ...chart, ...files }, 'charts/app', helm(more)));
    expect(found, found.message).toMatchObject({ code });
    expect(found.where).toBe(where);
  });
  it('that uses randomness is flagged', async () => {
    const files = {
      ...chart,
      'charts/app/templates/r.yaml':
        'apiVersion: v1\nkind: Secret\nmetadata: {name: r}\nstringData: {p: {{ randAlphaNum 8 }}x}\n',
    };
    const result = await render(files, 'charts/app', helm());
    expect(result.ok && result.value.warnings.map(({ code }) => code)).toContain('RandomTemplate');
  });
});

describe('the kind of a source', () => {
  const detect: RenderSpec = {
    kind: 'detect',
    directory: { kind: 'directory', recurse: false },
    kustomize: { kind: 'kustomize', loadRestriction: 'root', edits: {} },
    helm: { kind: 'helm', releaseName: 'rel', namespace: 'prod', values: {} },
  };
  it('is found by its files', async () => {
    expect(lines(await render(overlay, 'apps/web/prod', detect))).toHaveLength(4);
    expect(lines(await render(chart, 'charts/app', detect))).toHaveLength(4);
    const plain = await render({ 'p/a.yaml': deployment }, 'p', detect);
    expect(lines(plain)).toHaveLength(2);
    expect(plain.ok && plain.value.trace.absent).toEqual([
      'p/Chart.yaml',
      'p/Kustomization',
      'p/kustomization.yaml',
      'p/kustomization.yml',
    ]);
  });
});

describe('files whose presence is refused', () => {
  const files = { 'k/kustomization.yaml': 'resources: [web.yaml]\n', 'k/web.yaml': deployment };
  const refusedFiles = ['.argocd-source.yaml', '.argocd-source-web.yaml'];
  const asked = { spec: kustomize(), refusedFiles, url: 'r', commit: 'c', root: 'k', tree: 't' };

  it('are named when they are there (F30)', async () => {
    for (const name of refusedFiles) {
      const repository = repositoryOf({ ...files, [`k/${name}`]: 'kustomize: {namePrefix: a-}\n' }, 'k');
      const { code, where } = failed(await renderer.render(asked, repository, noRemotes));
      expect([code, where]).toEqual(['Unsupported', `k/${name}:`]);
    }
  });

  it('are part of the trace when they are not: adding one renders again', async () => {
    const rendered = await renderer.render(asked, repositoryOf(files, 'k'), noRemotes);
    if (!rendered.ok) throw new Error(rendered.failure.message);
    expect(rendered.value.trace.absent).toEqual(
      expect.arrayContaining(refusedFiles.map((name) => `k/${name}`)),
    );
  });
});
