/** Repositories that the renderer's tests render, and how their results are read. */
import { afterAll, expect } from 'vitest';
import { systemTimers } from '#host/clock.ts';
import type { Result } from '#model/failure.ts';
import type { Rendered } from '#model/rendered.ts';
import type { HelmRender, KustomizeEdits, RenderSpec } from '#model/unit.ts';
import { createRenderer } from './renderer.ts';
import { noRemotes, repositoryOf, type Contents } from './repository.fixture.ts';

/** A real one, with one worker, for all tests of a file. */
export function useRenderer() {
  const renderer = createRenderer({ workers: 1, deadlineMs: 15_000, timers: systemTimers });
  afterAll(() => renderer.close());
  const render = (files: Contents, root: string, spec: RenderSpec): Promise<Result<Rendered>> =>
    renderer.render({ spec, url: 'r', commit: 'c', root, tree: 't' }, repositoryOf(files, root), noRemotes);
  return { renderer, render };
}

export const kustomize = (edits: KustomizeEdits = {}): RenderSpec => ({
  kind: 'kustomize',
  loadRestriction: 'root',
  edits,
});
export const helm = (more: Partial<HelmRender> = {}): RenderSpec => ({
  kind: 'helm',
  releaseName: 'rel',
  namespace: 'prod',
  values: {},
  ...more,
});
export function lines(result: Result<Rendered>): readonly string[] {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
  return result.value.objects.map(
    ({ ref, at }) => `${ref.kind} ${ref.namespace}/${ref.name} ${at.path}:${at.line ?? ''}`,
  );
}
export function failed(result: Result<Rendered>) {
  if (result.ok) throw new Error('it did not fail');
  const { code, message, at, hint } = result.failure;
  expect(hint).not.toBe('');
  return { code, message, where: `${at?.path}:${at?.line ?? ''}` };
}
export function object(result: Result<Rendered>, kind: string): { readonly [key: string]: any } {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
  return result.value.objects.find(({ ref }) => ref.kind === kind)!.manifest;
}

export const deployment = `apiVersion: apps/v1
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
export const overlay: Contents = {
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

export const chart: Contents = {
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
