import { describe, expect, it } from 'vitest';
import type { KustomizeEdits, RenderSpec } from '#model/unit.ts';
import { failed, lines, object, useRenderer } from './sources.fixture.ts';

const { render } = useRenderer();
const generating = (edits: KustomizeEdits = {}, ignore = ''): RenderSpec => ({
  kind: 'kustomize',
  loadRestriction: 'none',
  edits,
  generates: { ignore, readsIgnoreFiles: true },
});
const configMap = (name: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {a: b}\n`;
const files = {
  'deploy/one.yaml': configMap('one'),
  'deploy/deeper/two.yml': configMap('two'),
  'deploy/built/kustomization.yaml': 'resources: [three.yaml]\nnamePrefix: p-\n',
  'deploy/built/three.yaml': configMap('three'),
  'deploy/built/unnamed.yaml': configMap('unnamed'),
  'deploy/notes.json': '{}',
  'deploy/README.md': 'x',
  'other/four.yaml': configMap('four'),
};

describe('a directory without a kustomization file', () => {
  it('is read as Flux reads it: every manifest below it, and what has one is taken as that says', async () => {
    expect(lines(await render(files, 'deploy', generating())).toSorted()).toEqual([
      'ConfigMap /one deploy/one.yaml:1',
      'ConfigMap /p-three deploy/built/three.yaml:1',
      'ConfigMap /two deploy/deeper/two.yml:1',
    ]);
  });
  it('takes what the Kustomization lays over it', async () => {
    const metadata = { labels: { team: 'a' }, annotations: { note: 'b' } };
    const result = await render(
      files,
      'deploy',
      generating({ namePrefix: 'x-', namespace: 'web', metadata, patches: [] }),
    );
    expect(lines(result)).toContain('ConfigMap web/x-one deploy/one.yaml:1');
    expect(object(result, 'ConfigMap').metadata).toMatchObject(metadata);
  });
  it('depends on the names that it was made of, and not on a file that is not there', async () => {
    const result = await render(files, 'deploy', generating());
    if (!result.ok) throw new Error(result.failure.message);
    const { trace } = result.value;
    expect(Object.keys(trace.files)).not.toContain('deploy/kustomization.yaml');
    expect(trace.absent).toEqual(
      expect.arrayContaining(['deploy/kustomization.yaml', 'deploy/.sourceignore', '.sourceignore']),
    );
    expect(Object.keys(trace.listings)).toEqual(
      expect.arrayContaining(['deploy', 'deploy/deeper', 'deploy/built']),
    );
    const again = await render(
      { ...files, 'deploy/deeper/new.yaml': configMap('new') },
      'deploy',
      generating(),
    );
    expect(again.ok && again.value.key).not.toBe(result.value.key);
    const elsewhere = await render({ ...files, 'other/new.yaml': configMap('new') }, 'deploy', generating());
    expect(elsewhere.ok && elsewhere.value.key).toBe(result.value.key);
  });
  it('leaves out what .sourceignore files and the source say', async () => {
    const ignoring = { ...files, '.sourceignore': '/deploy/deeper\n', 'deploy/.sourceignore': 'built/\n' };
    expect(lines(await render(ignoring, 'deploy', generating()))).toEqual([
      'ConfigMap /one deploy/one.yaml:1',
    ]);
    expect(lines(await render(ignoring, 'deploy', generating({}, '!/deploy/deeper\n'))).toSorted()).toEqual([
      'ConfigMap /one deploy/one.yaml:1',
      'ConfigMap /two deploy/deeper/two.yml:1',
    ]);
  });
  it('with nothing in it fails: an empty directory deletes nothing (F8)', async () => {
    expect(failed(await render({ 'deploy/README.md': 'x' }, 'deploy', generating())).code).toBe(
      'KustomizeFailed',
    );
  });
  it('with something else than manifests fails, as it does for Flux', async () => {
    const result = await render({ ...files, 'deploy/values.yaml': 'a: b\n' }, 'deploy', generating());
    expect(result.ok).toBe(false);
  });
  it('at the root of the repository', async () => {
    expect(lines(await render({ 'a.yaml': configMap('a') }, '', generating()))).toEqual([
      'ConfigMap /a a.yaml:1',
    ]);
  });
});
