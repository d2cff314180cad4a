/** The CustomResourceDefinition of UnitState: ours, one per Unit, never edited by people. */
import type { Manifest } from '#model/object.ts';
import { unitStateKind, unitStatePlural } from './unit-state-codec.ts';

const anyObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const;

export const unitStateDefinition: Manifest = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${unitStatePlural}.${unitStateKind.group}` },
  spec: {
    group: unitStateKind.group,
    scope: 'Namespaced',
    names: {
      kind: unitStateKind.kind,
      listKind: `${unitStateKind.kind}List`,
      plural: unitStatePlural,
      singular: 'unitstate',
      shortNames: ['us'],
    },
    versions: [
      {
        name: unitStateKind.version,
        served: true,
        storage: true,
        additionalPrinterColumns: [
          { name: 'Owner', type: 'string', jsonPath: '.state.owner.name' },
          { name: 'Objects', type: 'integer', jsonPath: '.summary.objects' },
          { name: 'Revision', type: 'string', jsonPath: '.summary.revision' },
          { name: 'Running', type: 'boolean', jsonPath: '.summary.running' },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: 'Where a Unit is: its inventory, the intent of the Run in progress, its history.',
            properties: {
              form: { type: 'integer' },
              summary: anyObject,
              state: anyObject,
              packed: { type: 'string', description: 'Inventory and projections: deflated JSON in base64.' },
              shards: { type: 'array', items: { type: 'string' } },
              shardOf: { type: 'string' },
            },
          },
        },
      },
    ],
  },
};
