/**
 * The CustomResourceDefinitions of Argo CD's kinds, for clusters that do not have them. Scope, names, printer columns
 * and the lack of a status subresource are upstream's; members that are not described survive.
 */
import type { Manifest } from '#model/object.ts';

const anyObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const;

interface Column {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly priority?: number;
}

function definition(
  kind: string,
  plural: string,
  shortNames: readonly string[],
  columns: readonly Column[],
  members: Readonly<Record<string, unknown>>,
): Manifest {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.argoproj.io`, labels: { 'app.kubernetes.io/part-of': 'argocd' } },
    spec: {
      group: 'argoproj.io',
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              required: ['metadata', 'spec'],
              properties: { metadata: { type: 'object' }, spec: anyObject, ...members },
            },
          },
        },
      ],
    },
  };
}

export const argoDefinitions: readonly Manifest[] = [
  definition(
    'Application',
    'applications',
    ['app', 'apps'],
    [
      { name: 'Sync Status', type: 'string', jsonPath: '.status.sync.status' },
      { name: 'Health Status', type: 'string', jsonPath: '.status.health.status' },
      { name: 'Revision', type: 'string', jsonPath: '.status.sync.revision', priority: 10 },
      { name: 'Project', type: 'string', jsonPath: '.spec.project', priority: 10 },
    ],
    { status: anyObject, operation: anyObject },
  ),
  definition('AppProject', 'appprojects', ['appproj', 'appprojs'], [], { status: anyObject }),
];
