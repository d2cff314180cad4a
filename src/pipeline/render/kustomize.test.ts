import { describe, expect, it } from 'vitest';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import type { SandboxRequest } from './protocol.ts';
import { rendererOn } from './renderer.ts';
import { Rendering } from './rendering.ts';
import { noRemotes, repositoryOf, type Contents } from './repository.fixture.ts';
import { deployment, failed, kustomize, lines, object, overlay, useRenderer } from './sources.fixture.ts';
import { loadModule } from './wasm-module.ts';

const { render } = useRenderer();

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
  it('leaves out components that may miss, and one that comes is a reason to render again', async () => {
    const files = {
      'app/kustomization.yaml': 'resources: [web.yaml]\n',
      'app/web.yaml': deployment,
      'there/kustomization.yaml':
        'kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nnamePrefix: x-\n',
    };
    const components = ['../there', '../late/'];
    const may = await render(files, 'app', kustomize({ components, componentsMayMiss: true }));
    expect(object(may, 'Deployment').metadata.name).toBe('x-web');
    expect(may.ok && may.value.trace.absent).toContain('late');
    expect(failed(await render(files, 'app', kustomize({ components }))).message).toContain('late');
    const none = kustomize({ components: ['../late'], componentsMayMiss: true });
    expect(object(await render(files, 'app', none), 'Deployment').metadata.name).toBe('web');
  });
  it('does not leave out what is elsewhere: that is refused as ever', async () => {
    const files = { 'app/kustomization.yaml': 'resources: [web.yaml]\n', 'app/web.yaml': deployment };
    for (const component of ['../../out', 'https://git.example/x//c?ref=v1']) {
      const spec = kustomize({ components: [component], componentsMayMiss: true });
      expect((await render(files, 'app', spec)).ok).toBe(false);
    }
  });
  it('has what it names before it asks for it, so that most is built in one round', async () => {
    const { module } = await loadModule(256);
    const rendering = new Rendering(module, systemClock, systemRandom);
    const rounds = async (contents: Contents, root: string): Promise<number> => {
      let count = 0;
      const sandbox = {
        render: (request: SandboxRequest) => {
          count += 1;
          return Promise.resolve(rendering.render(request));
        },
        version: () => Promise.resolve('v'),
      };
      const request = { spec: kustomize(), url: 'r', commit: 'c', root, tree: 't' };
      const result = await rendererOn(sandbox).render(request, repositoryOf(contents, root), noRemotes);
      expect(lines(result)).toHaveLength(2);
      return count;
    };
    const map = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
    const app: Contents = {
      'base/kustomization.yaml': 'resources: [../common, map.yaml]\n',
      'base/map.yaml': map('map'),
      'common/kustomization.yaml': 'resources: [other.yaml]\n',
      'common/other.yaml': map('other'),
      'app/kustomization.yaml': 'resources:\n- ../base\n# not there: ../nothing\n',
    };
    expect(await rounds(app, 'app')).toBe(1);
    // What is large, or one of many, waits until it is asked for.
    expect(await rounds({ ...app, 'base/map.yaml': `${map('map')}#${'x'.repeat(40_000)}\n` }, 'app')).toBe(2);
    const others = Array.from({ length: 30 }, (_, index) => [`base/${index}.txt`, 'x'] as const);
    expect(await rounds({ ...app, ...Object.fromEntries(others) }, 'app')).toBeGreaterThan(1);
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
  it('that does not build names the command that shows why', async () => {
    const result = await render({ 'k/kustomization.yaml': 'resources: [a.yaml]\n' }, 'k', kustomize());
    expect(!result.ok && result.failure.hint).toBe('try `trueup render --repo . --path k`');
  });
});
