/** The small manifests that scenarios are made of. */
import { stringify } from 'yaml';

export type Manifest = Readonly<Record<string, unknown>>;

/** As text that every reader of YAML understands in the same way: what is ambiguous is quoted. */
export function yaml(...manifests: readonly object[]): string {
  return manifests.map((manifest) => stringify(manifest, { version: '1.1' })).join('---\n');
}

export function configMap(
  name: string,
  data: Readonly<Record<string, string>>,
  metadata: object = {},
): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data };
}

/** A manifest that breaks off in the middle: it does not parse, and it is clearly meant to be one. */
export const brokenManifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken\n';

export interface DeploymentOptions {
  readonly replicas?: number;
  readonly image?: string;
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly container?: object;
  readonly metadata?: object;
  readonly pod?: object;
}

export function deployment(name: string, options: DeploymentOptions = {}): Manifest {
  const { replicas = 1, image = 'registry.example/web:1', env, container, metadata, pod } = options;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, ...metadata },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [{ name: 'web', image, ...(env === undefined ? {} : { env }), ...container }],
          ...pod,
        },
      },
    },
  };
}

export function service(name: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80 }] },
  };
}

export const definitionKind = 'apiextensions.k8s.io/v1/CustomResourceDefinition';

/** A definition whose objects may hold anything. */
export function definition(group: string, kind: string): Manifest & { readonly metadata: { name: string } } {
  const singular = kind.toLowerCase();
  const plural = `${singular}s`;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular, listKind: `${kind}List` },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  };
}
