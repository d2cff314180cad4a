/** What is rendered: repositories in memory, how each is read, and how the official command renders the same. */
import { stringify } from 'yaml';
import type { RenderFiles, RenderRequest } from '#model/ports.ts';
import type { RenderSpec } from '#model/unit.ts';
import { repositoryOf } from '../src/pipeline/render/repository.fixture.ts';
import { sources } from './sources.ts';

export interface RenderCase {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  /** The directory that is rendered. */
  readonly root: string;
  readonly spec: RenderSpec;
  /** How many objects come out. */
  readonly objects: number;
  /** Arguments of the official command, in the repository's root; undefined where there is none. */
  readonly official?: { readonly command: 'kustomize' | 'helm'; readonly args: readonly string[] };
}

const app = { name: 'web', namespace: 'bench', team: 'team-0' };

export function requestOf({ root, spec }: RenderCase): RenderRequest {
  return { spec, root, url: 'memory', commit: '', tree: '' };
}

export function filesOf({ files, root }: RenderCase): RenderFiles {
  return repositoryOf(files, root);
}

/** An overlay as the harness's applications have it, over a base with a file each for so many resources. */
function kustomize(count: number): RenderCase {
  const { fixed, versioned } = sources.kustomize;
  const under = (files: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`apps/web/${path}`, text]));
  const own = ['deployment.yaml', 'service.yaml', 'serviceaccount.yaml'];
  const more = Object.fromEntries(
    Array.from({ length: count - own.length }, (_, index) => [`more-${index}.yaml`, stringify(some(index))]),
  );
  const base = stringify({
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [...own, ...Object.keys(more)],
  });
  return {
    title: `Kustomize, ${count} resources`,
    files: {
      ...under(fixed(app)),
      ...under(versioned(app, '1')),
      ...under(Object.fromEntries(Object.entries(more).map(([name, text]) => [`base/${name}`, text]))),
      'apps/web/base/kustomization.yaml': base,
    },
    root: 'apps/web/overlay',
    spec: { kind: 'kustomize', loadRestriction: 'root', edits: {} },
    // The generated ConfigMap is one more.
    objects: count + 1,
    official: { command: 'kustomize', args: ['build', 'apps/web/overlay'] },
  };
}

function directory(count: number): RenderCase {
  const files = Array.from({ length: count }, (_, index) => [
    `plain/some-${index}.yaml`,
    stringify(some(index)),
  ]);
  return {
    title: `Directory, ${count} files`,
    files: Object.fromEntries(files) as Readonly<Record<string, string>>,
    root: 'plain',
    spec: { kind: 'directory', recurse: false },
    objects: count,
  };
}

/** A Deployment, a Service, a ConfigMap, in turns. */
function some(index: number): object {
  const name = `some-${index}`;
  const metadata = { name, labels: { app: name } };
  const labels = { app: name };
  const data = Object.fromEntries(
    Array.from({ length: 8 }, (_, key) => [`key-${key}`, `value ${key} of ${index}`]),
  );
  const container = {
    name: 'main',
    image: 'registry.example/some:1.0.0',
    ports: [{ containerPort: 8080, name: 'http' }],
    env: [{ name: 'INDEX', value: String(index) }],
    resources: { requests: { cpu: '10m', memory: '16Mi' } },
  };
  if (index % 3 === 0)
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    };
  if (index % 3 === 1)
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, ports: [{ port: 80, targetPort: 'http' }] },
    };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
}

const helpers = `{{- define "common.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | default "0" | quote }}
{{- end -}}
{{- define "common.name" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
`;

const deploymentTemplate = (index: number): string => `{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "common.name" . }}-${index}
  labels: {{- include "common.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas | default 1 }}
  selector:
    matchLabels: {app: {{ include "common.name" . }}-${index}}
  template:
    metadata:
      labels: {app: {{ include "common.name" . }}-${index}}
      annotations:
        checksum/settings: {{ toYaml .Values.settings | sha256sum }}
    spec:
      containers:
      - name: main
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
        env:
        {{- range $name, $value := .Values.settings }}
        - name: {{ $name | upper | replace "-" "_" }}
          value: {{ $value | quote }}
        {{- end }}
        {{- with .Values.resources }}
        resources: {{- toYaml . | nindent 10 }}
        {{- end }}
{{- end }}
`;

const configMapTemplate = (index: number): string => `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "common.name" . }}-${index}
  labels: {{- include "common.labels" . | nindent 4 }}
data:
  {{- range $name, $value := .Values.settings }}
  {{ $name }}: {{ $value | quote }}
  {{- end }}
  settings.yaml: |
    {{- toYaml .Values.settings | nindent 4 }}
`;

const values = {
  enabled: true,
  replicas: 2,
  image: { repository: 'registry.example/some', tag: '1.2.3' },
  resources: { requests: { cpu: '10m', memory: '16Mi' } },
  settings: Object.fromEntries(Array.from({ length: 12 }, (_, key) => [`setting-${key}`, `value ${key}`])),
};

function chart(at: string, name: string, templates: number, more: object): Record<string, string> {
  const each = Array.from({ length: templates }, (_, index) => [
    `${at}/templates/some-${index}.yaml`,
    index % 2 === 0 ? deploymentTemplate(index) : configMapTemplate(index),
  ]);
  return {
    [`${at}/Chart.yaml`]: stringify({
      apiVersion: 'v2',
      name,
      version: '1.0.0',
      appVersion: '1.2.3',
      ...more,
    }),
    [`${at}/values.yaml`]: stringify(values),
    [`${at}/templates/_helpers.tpl`]: helpers,
    ...(Object.fromEntries(each) as Record<string, string>),
  };
}

function helm(own: number, ofSubchart: number): RenderCase {
  return {
    title: `Helm, ${own + ofSubchart} templates, a subchart`,
    files: {
      ...chart('chart', 'shop', own, { dependencies: [{ name: 'store', version: '1.0.0', repository: '' }] }),
      ...chart('chart/charts/store', 'store', ofSubchart, {}),
    },
    root: 'chart',
    spec: {
      kind: 'helm',
      releaseName: 'bench',
      namespace: 'bench',
      values: { inline: ['replicas: 3\nstore: {replicas: 4}\n'], set: ['image.tag=2.0.0'] },
    },
    objects: own + ofSubchart,
    official: {
      command: 'helm',
      args: [
        'template',
        'bench',
        'chart',
        '--namespace=bench',
        '--include-crds',
        '--set=replicas=3,store.replicas=4,image.tag=2.0.0',
      ],
    },
  };
}

export const renderCases: Readonly<Record<string, RenderCase>> = {
  'kustomize-3': kustomize(3),
  'kustomize-50': kustomize(50),
  'kustomize-200': kustomize(200),
  'helm-60': helm(48, 12),
  'directory-50': directory(50),
};
