import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#model/json.ts';
import { argoOverriding, overridesOf } from './source-overrides.ts';

const context = { application: 'web', instance: 'web', project: 'shop', namespace: 'prod', names: [] };
function overriding(source: object, ...texts: readonly string[]): ReturnType<typeof argoOverriding> {
  const overrides = overridesOf({ repoURL: 'https://git.example/a', ...source }, context);
  // As everything that passes between stages, it can be written down.
  const written = JSON.parse(JSON.stringify(overrides.of)) as JsonObject;
  const files = texts.map((text, index) => ({ path: `app/${overrides.files[index]}`, text }));
  return argoOverriding({ ...overrides, of: written }, files);
}
const rendered = (...args: Parameters<typeof overriding>): unknown => {
  const result = overriding(...args);
  if (!result.ok) throw new Error(result.failure.message);
  return result.value.render;
};
const failed = (...args: Parameters<typeof overriding>): unknown => {
  const result = overriding(...args);
  return result.ok ? undefined : result.failure;
};

describe('files beside the manifests that change a source', () => {
  it('are merge patches: members are added, replaced and taken away, lists replaced', () => {
    const source = { kustomize: { namePrefix: 'a-', nameSuffix: '-b', images: ['x:1', 'y:1'] } };
    expect(rendered(source, 'kustomize:\n  namePrefix: c-\n  nameSuffix: null\n  images: [x:2]\n')).toEqual({
      kind: 'kustomize',
      loadRestriction: 'root',
      edits: { namePrefix: 'c-', images: ['x:2'] },
    });
  });
  it('the one of the Application goes before the one for all', () => {
    expect(
      rendered({}, 'kustomize: {namePrefix: a-, nameSuffix: -b}', 'kustomize: {namePrefix: c-}'),
    ).toMatchObject({ edits: { namePrefix: 'c-', nameSuffix: '-b' } });
  });
  it('say what kind of source it is, when nothing else does', () => {
    expect(rendered({}, 'directory: {recurse: true}')).toEqual({ kind: 'directory', recurse: true });
    expect(rendered({}, '# nothing yet\n')).toMatchObject({ kind: 'detect' });
  });
  it('cannot change where the source is, and that is said', () => {
    const result = overriding({ helm: {} }, 'repoURL: https://elsewhere.example\nhelm: {releaseName: x}');
    expect(result).toMatchObject({
      ok: true,
      value: {
        render: { kind: 'helm', releaseName: 'x' },
        warnings: [
          { code: 'UnknownField', message: expect.stringContaining('app/.argocd-source.yaml.repoURL') },
        ],
      },
    });
  });
  it.each([
    ['plugin: {name: x}', 'Unsupported', /plugin/],
    ['helm: {version: v2}', 'Unsupported', /helm\.version/],
    ['kustomize: {images: x}', 'InvalidSpec', /kustomize\.images/],
    ['[a]', 'InvalidSpec', /no mapping/],
    ['kustomize: {', 'InvalidYaml', /./],
    ['helm: {releaseName: *nothing}', 'InvalidYaml', /alias.*nothing/],
    ['helm: {releaseName: x}\ndirectory: {recurse: true}', 'Unsupported', /helm and directory/],
  ])('%s is refused by name (F30)', (text, code, message) => {
    expect(failed({}, text)).toMatchObject({
      code,
      message: expect.stringMatching(message),
      at: { path: 'app/.argocd-source.yaml' },
    });
  });
});
