import { describe, expect, it } from 'vitest';
import type { HelmRender } from '#model/unit.ts';
import { type Contents } from './repository.fixture.ts';
import { chart, failed, helm, lines, object, useRenderer } from './sources.fixture.ts';

const { render } = useRenderer();

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
      // Whoever applies it knows what to do with a test.
      'Pod /t charts/app/templates/tests/t.yaml:',
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
        skipTests: true,
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
      'charts/app/Chart.yaml:4',
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
