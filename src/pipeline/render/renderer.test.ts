import { describe, expect, it } from 'vitest';
import type { RenderSpec } from '#model/unit.ts';
import { noRemotes, repositoryOf } from './repository.fixture.ts';
import { chart, deployment, kustomize, lines, overlay, useRenderer } from './sources.fixture.ts';

const { renderer, render } = useRenderer();

describe('the kind of a source', () => {
  const detect: RenderSpec = {
    kind: 'detect',
    directory: { kind: 'directory', recurse: false },
    kustomize: { kind: 'kustomize', loadRestriction: 'root', edits: {} },
    helm: { kind: 'helm', releaseName: 'rel', namespace: 'prod', values: {} },
  };
  it('is found by its files', async () => {
    expect(lines(await render(overlay, 'apps/web/prod', detect))).toHaveLength(4);
    expect(lines(await render(chart, 'charts/app', detect))).toHaveLength(5);
    const plain = await render({ 'p/a.yaml': deployment }, 'p', detect);
    expect(lines(plain)).toHaveLength(2);
    expect(plain.ok && plain.value.trace.absent).toEqual([
      'p/Chart.yaml',
      'p/Kustomization',
      'p/kustomization.yaml',
      'p/kustomization.yml',
    ]);
  });
  it('is not one that is turned off', async () => {
    const without = (...off: ('kustomize' | 'helm')[]): RenderSpec => ({ ...detect, without: off });
    expect(lines(await render(chart, 'charts/app', without('kustomize')))).toHaveLength(5);
    for (const [files, path, tool] of [
      [overlay, 'apps/web/prod', 'kustomize'],
      [chart, 'charts/app', 'helm'],
    ] as const)
      expect(await render(files, path, without('kustomize', 'helm'))).toMatchObject({
        failure: { code: 'Unsupported', message: expect.stringContaining(tool) },
      });
    expect(lines(await render({ 'p/a.yaml': deployment }, 'p', without('kustomize', 'helm')))).toHaveLength(
      2,
    );
  });
});

describe('watched files', () => {
  const files = { 'k/kustomization.yaml': 'resources: [web.yaml]\n', 'k/web.yaml': deployment };
  const watchedFiles = ['.argocd-source.yaml', '.argocd-source-web.yaml'];
  const asked = { spec: kustomize(), watchedFiles, url: 'r', commit: 'c', root: 'k', tree: 't' };

  it('are part of the trace, there or not: a change of one renders again', async () => {
    const there = repositoryOf({ ...files, 'k/.argocd-source.yaml': 'kustomize: {namePrefix: a-}\n' }, 'k');
    const rendered = await renderer.render(asked, there, noRemotes);
    if (!rendered.ok) throw new Error(rendered.failure.message);
    expect(Object.keys(rendered.value.trace.files)).toContain('k/.argocd-source.yaml');
    expect(rendered.value.trace.absent).toContain('k/.argocd-source-web.yaml');
  });
});
