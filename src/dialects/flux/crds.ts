/**
 * The CustomResourceDefinitions of Flux's kinds, for clusters that do not have them. Scope, names, subresources and
 * printer columns are upstream's; members that are not described survive.
 */
import type { Manifest } from '#model/object.ts';

const anyObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const;

const age = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
const ready = [
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message' },
];

interface Names {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
}

function definition({ group, kind, plural, shortNames }: Names, columns: readonly object[]): Manifest {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels: { 'app.kubernetes.io/part-of': 'flux' } },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: { metadata: { type: 'object' }, spec: anyObject, status: anyObject },
            },
          },
        },
      ],
    },
  } as unknown as Manifest;
}

export const fluxDefinitions: readonly Manifest[] = [
  definition(
    {
      group: 'source.toolkit.fluxcd.io',
      kind: 'GitRepository',
      plural: 'gitrepositories',
      shortNames: ['gitrepo'],
    },
    [{ name: 'URL', type: 'string', jsonPath: '.spec.url' }, age, ...ready],
  ),
  definition(
    {
      group: 'kustomize.toolkit.fluxcd.io',
      kind: 'Kustomization',
      plural: 'kustomizations',
      shortNames: ['ks'],
    },
    [age, ...ready],
  ),
];
