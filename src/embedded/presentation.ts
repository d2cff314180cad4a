/** The forms in which a client may ask for objects: as they are, as a table (`kubectl get`), or their metadata only. */
import type { Machinery, TableColumn } from './machinery.ts';
import type { Stored } from './objects.ts';
import type { Resource } from './resources.ts';

export type Form = 'object' | 'table' | 'metadata';
export type IncludeObject = 'Metadata' | 'None' | 'Object';

/** By the Accept header: the first form named there that is known. */
export function formOf(accept: string): Form {
  for (const type of accept.split(',')) {
    if (!/^\s*application\/json\b|^\s*\*\/\*/.test(type)) continue;
    const as = /;\s*as=(\w+)/.exec(type)?.[1];
    if (as === 'Table') return 'table';
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return 'metadata';
    if (as === undefined) return 'object';
  }
  return 'object';
}

const metadataOf = ({ metadata }: Stored): object => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
});

/** Items of a list of a built-in kind do not say what they are. */
function untyped(object: Stored): object {
  return Object.fromEntries(
    Object.entries(object).filter(([name]) => name !== 'apiVersion' && name !== 'kind'),
  );
}

export interface Page {
  readonly objects: readonly Stored[];
  /** Of the list: resourceVersion, and what is needed to go on. */
  readonly metadata: object;
}

export class Presentation {
  readonly #machinery: Machinery;
  constructor(machinery: Machinery) {
    this.#machinery = machinery;
  }

  list(resource: Resource, { objects, metadata }: Page, form: Form, include: IncludeObject): object {
    if (form === 'table') return this.#table(resource, objects, metadata, include);
    const { group, version, kind } = resource;
    const apiVersion = group === '' ? version : `${group}/${version}`;
    return form === 'metadata'
      ? {
          kind: 'PartialObjectMetadataList',
          apiVersion: 'meta.k8s.io/v1',
          metadata,
          items: objects.map(metadataOf),
        }
      : {
          kind: `${kind}List`,
          apiVersion,
          metadata: resource.custom ? { continue: '', ...metadata } : metadata,
          items: resource.custom ? objects : objects.map(untyped),
        };
  }

  object(resource: Resource, object: Stored, form: Form, include: IncludeObject): object {
    if (form === 'object') return object;
    if (form === 'metadata') return metadataOf(object);
    return this.#table(resource, [object], { resourceVersion: object.metadata.resourceVersion }, include);
  }

  #table(resource: Resource, objects: readonly Stored[], metadata: object, include: IncludeObject): object {
    const { columns, rows } = this.#machinery.print(resource, objects);
    return {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      columnDefinitions: columns satisfies readonly TableColumn[],
      rows: rows.map((cells, index) => ({
        cells,
        ...(include === 'None'
          ? { object: null }
          : { object: include === 'Object' ? objects[index] : metadataOf(objects[index]!) }),
      })),
    };
  }
}
