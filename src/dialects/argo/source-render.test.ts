import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Failure } from '#model/failure.ts';
import { atRevision } from '#model/revision-marks.ts';
import type { RenderSpec } from '#model/unit.ts';
import { applicationSpec } from './schema.ts';
import { kustomizeVersion, renderOf } from './source-render.ts';

const context = {
  application: 'web',
  instance: 'team-a_web',
  project: 'shop',
  namespace: 'prod',
  names: ['values'],
};
const commit = '0123456789abcdef0123456789abcdef01234567';
function refusals(source: object): string {
  const refused: Failure[] = [];
  rendered(source, refused);
  return refused.map(({ message }) => message).join('; ');
}
function rendered(source: object, refused: Failure[] = []): RenderSpec {
  const spec = applicationSpec.parse({
    source: { repoURL: 'https://git.example/a', ...source },
    destination: {},
  });
  return renderOf(spec.source!, context, refused);
}

describe('how a source is rendered', () => {
  it('is found by its files where nothing is declared', () => {
    expect(rendered({})).toMatchObject({
      kind: 'detect',
      directory: { kind: 'directory', recurse: false },
      kustomize: { kind: 'kustomize', edits: {} },
      helm: { kind: 'helm', releaseName: 'web', namespace: 'prod' },
    });
    expect(rendered({ directory: { recurse: false }, helm: {}, kustomize: { images: [] } }).kind).toBe(
      'detect',
    );
  });
  it('is a directory where it recurses or chooses files', () => {
    expect(rendered({ directory: { recurse: true } })).toEqual({ kind: 'directory', recurse: true });
  });
  it('is a directory where Jsonnet gets something', () => {
    const jsonnet = {
      extVars: [{ name: 'app', value: '$ARGOCD_APP_NAME' }],
      tlas: [{ name: 'n', value: '1', code: true }],
      libs: ['./vendor', '/lib'],
    };
    expect(rendered({ directory: { jsonnet } })).toEqual({
      kind: 'directory',
      recurse: false,
      jsonnet: {
        extVars: [{ name: 'app', value: 'team-a_web', code: false }],
        tlas: [{ name: 'n', value: '1', code: true }],
        libs: ['vendor', 'lib'],
      },
    });
    expect(rendered({ directory: { jsonnet: {} } }).kind).toBe('detect');
  });
  it('by Kustomize takes every option', () => {
    expect(
      rendered({
        kustomize: {
          namePrefix: 'a-',
          nameSuffix: '-b',
          namespace: 'n',
          images: ['nginx:1.27'],
          replicas: [{ name: 'web', count: '3' }],
          commonLabels: { l: '1' },
          labelWithoutSelector: true,
          commonAnnotations: { a: '1' },
          forceCommonAnnotations: true,
          patches: [{ target: { kind: 'Service' }, patch: '[]' }],
          components: ['../c'],
        },
      }),
    ).toEqual({
      kind: 'kustomize',
      loadRestriction: 'root',
      edits: {
        namePrefix: 'a-',
        nameSuffix: '-b',
        namespace: 'n',
        images: ['nginx:1.27'],
        replicas: [{ name: 'web', count: 3 }],
        labels: { l: '1' },
        labelsWithoutSelector: true,
        annotations: { a: '1' },
        annotationsForced: true,
        patches: [{ target: { kind: 'Service' }, patch: '[]' }],
        components: ['../c'],
      },
    });
  });
  it('by Kustomize fills in the build environment where Argo CD does', () => {
    const values = { app: '$ARGOCD_APP_NAME', dollars: '$$x' };
    const kustomize = { images: ['web:${ARGOCD_APP_NAME}'], commonLabels: values, commonAnnotations: values };
    const filled = { app: 'team-a_web', dollars: '$x' };
    expect(rendered({ kustomize })).toMatchObject({
      edits: { images: ['web:team-a_web'], labels: filled, annotations: values },
    });
    expect(rendered({ kustomize: { ...kustomize, commonAnnotationsEnvsubst: true } })).toMatchObject({
      edits: { annotations: filled },
    });
  });
  it.each([
    ['$ARGOCD_APP_REVISION', commit],
    ['v-${ARGOCD_APP_REVISION_SHORT}', 'v-0123456'],
    ['$ARGOCD_APP_REVISION_SHORT_8.x', '01234567.x'],
    ['a$lower-$UNKNOWN-${any thing}b', 'a--b'],
    ['x$KUBE_VERSION${KUBE_API_VERSIONS}', 'x'],
    ['$5 $$5 $* ${} ${$}', ' $5   $'],
    ['a$ b$', 'a$ b$'],
    ['x$constructor', 'x'],
  ])('%s is %s', (text, filled) => {
    const refused: Failure[] = [];
    const render = rendered({ kustomize: { commonLabels: { a: text } } }, refused);
    expect(refused).toEqual([]);
    expect(atRevision(render, { commit }) ?? render).toMatchObject({ edits: { labels: { a: filled } } });
  });
  it('of a chart or image the revision is its version or digest', () => {
    const helm = { parameters: [{ name: 'a', value: '$ARGOCD_APP_REVISION' }] };
    expect(atRevision(rendered({ chart: 'web', helm }), { commit, name: '1.2.3' })).toMatchObject({
      values: { set: ['a=1.2.3'] },
    });
    expect(atRevision(rendered({ helm: { releaseName: 'x' } }), { commit })).toBeUndefined();
  });
  it('by Kustomize has one version, that of its library', async () => {
    const script = await readFile(new URL('../../../scripts/render-native.sh', import.meta.url), 'utf8');
    expect(kustomizeVersion).toBe(/^kustomize=(.*)$/m.exec(script)?.[1]);
    expect(refusals({ kustomize: { version: kustomizeVersion } })).toBe('');
    expect(refusals({ kustomize: { version: kustomizeVersion.slice(1) } })).toBe('');
    expect(refusals({ kustomize: { version: 'v4.5.7' } })).toMatch(
      /spec\.source\.kustomize\.version v4\.5\.7.*this Trueup has v5/,
    );
  });
  it('of other options of Kustomize', () => {
    const kustomize = {
      components: ['../c'],
      ignoreMissingComponents: true,
      kubeVersion: '1.30',
      apiVersions: ['v1'],
    };
    expect(rendered({ kustomize })).toMatchObject({
      edits: { components: ['../c'], componentsMayMiss: true },
    });
  });
  it('by Helm takes every option, and fills in the build environment', () => {
    expect(
      rendered({
        path: 'charts/app',
        helm: {
          releaseName: 'rel',
          valueFiles: ['${ARGOCD_APP_NAME}.yaml'],
          ignoreMissingValueFiles: true,
          values: 'lost: true',
          valuesObject: { a: { b: 1 } },
          parameters: [
            { name: 'list', value: '{a,b}' },
            { name: 'text', value: 'a,b\\,c $$5 $ARGOCD_APP_PROJECT_NAME$NONE' },
            { name: 'forced', value: '1', forceString: true },
          ],
          fileParameters: [{ name: 'f', path: 'files/f' }],
          skipCrds: true,
          version: 'v3',
        },
      }),
    ).toEqual({
      kind: 'helm',
      releaseName: 'rel',
      namespace: 'prod',
      skipCrds: true,
      values: {
        files: ['team-a_web.yaml'],
        ignoreMissing: true,
        inline: ['{"a":{"b":1}}'],
        set: ['list={a,b}', 'text=a\\,b\\,c $5 shop'],
        setString: ['forced=1'],
        setFile: [{ name: 'f', path: 'files/f' }],
      },
    });
  });
});
