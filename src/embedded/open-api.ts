/** OpenAPI v3 documents, one a group and version: what `kubectl explain` prints and what clients check fields against. */
import { digestOf } from '#fields/digest.ts';
import { isObject, jsonText } from '#model/json.ts';
import { groupsOf } from './discovery.ts';
import type { Machinery } from './machinery.ts';
import { valueAt } from './objects.ts';
import type { Registry } from './registry.ts';
import type { Resource } from './resources.ts';

const pathOf = (group: string, version: string): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

export class OpenApi {
  readonly #machinery: Machinery;
  readonly #registry: Registry;
  /** Built-in documents never change while the process runs. */
  readonly #builtIn = new Map<string, object>();

  #everyKind: unknown;

  constructor(machinery: Machinery, registry: Registry) {
    this.#machinery = machinery;
    this.#registry = registry;
  }

  /** Names every document, with a hash by which clients know whether the one they have is still right. */
  index(): object {
    const paths: Record<string, object> = {};
    for (const { group, versions } of groupsOf(this.#registry))
      for (const version of versions) {
        const path = pathOf(group, version);
        const custom = jsonText(this.#registry.customSchemas(group, version));
        const hash = digestOf(`${path} ${custom}`).slice('sha256:'.length).toUpperCase();
        paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
      }
    return { paths };
  }

  document(path: string): object | undefined {
    for (const { group, versions } of groupsOf(this.#registry))
      for (const version of versions) if (pathOf(group, version) === path) return this.#of(group, version);
    return undefined;
  }

  #of(group: string, version: string): object {
    const resources = this.#registry.all.filter(
      (known) => known.group === group && known.version === version,
    );
    const paths = Object.assign({}, ...resources.map((resource) => operations(resource))) as object;
    return {
      openapi: '3.0.0',
      info: { title: 'Kubernetes', version: 'embedded' },
      paths,
      components: { schemas: this.#schemas(group, version, resources) },
    };
  }

  /** What every object has is described as it is for the built-in kinds. */
  #described(schema: unknown): unknown {
    if (!isObject(schema)) return schema;
    this.#everyKind ??= valueAt(this.#machinery.components('', 'v1', ['Namespace']), [
      'io.k8s.api.core.v1.Namespace',
      'properties',
    ]);
    const properties = Object.entries(isObject(schema['properties']) ? schema['properties'] : {}).map(
      ([name, property]) => {
        const description = valueAt(this.#everyKind, [name, 'description']);
        const isKnown = ['apiVersion', 'kind', 'metadata'].includes(name) && isObject(property);
        return [name, isKnown ? { description, ...property } : property] as const;
      },
    );
    return { ...schema, properties: Object.fromEntries(properties) };
  }

  #schemas(group: string, version: string, resources: readonly Resource[]): object {
    const builtIn = resources.filter(({ custom }) => !custom).map(({ kind }) => kind);
    const path = pathOf(group, version);
    let known = this.#builtIn.get(path);
    if (known === undefined) {
      known = this.#machinery.components(group, version, builtIn);
      this.#builtIn.set(path, known);
    }
    const reversed = group.split('.').toReversed().join('.');
    const custom = Object.entries(this.#registry.customSchemas(group, version)).map(
      ([kind, schema]) => [`${reversed}.${version}.${kind}`, this.#described(schema)] as const,
    );
    return { ...known, ...Object.fromEntries(custom) };
  }
}

const query = (name: string): object => ({
  name,
  in: 'query',
  schema: { type: 'string', uniqueItems: true },
});
const writeParameters = ['dryRun', 'fieldManager', 'fieldValidation'].map(query);

/** Just so much of each path as clients read: which kind it is, and which parameters may be sent. */
function operations(resource: Resource): object {
  const { group, version, kind, name, namespaced } = resource;
  const operation = (action: string, parameters: readonly object[] = []): object => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
    parameters,
    responses: { 200: { description: 'OK' } },
  });
  const base = `/${pathOf(group, version)}`;
  const collection = namespaced ? `${base}/namespaces/{namespace}/${name}` : `${base}/${name}`;
  return {
    ...(namespaced ? { [`${base}/${name}`]: { get: operation('list') } } : {}),
    [collection]: {
      get: operation('list'),
      post: operation('post', writeParameters),
      delete: operation('deletecollection', [query('dryRun')]),
    },
    [`${collection}/{name}`]: {
      get: operation('get'),
      put: operation('put', writeParameters),
      patch: operation('patch', [...writeParameters, query('force')]),
      delete: operation('delete', [query('dryRun')]),
    },
  };
}

/** `2.0`, a title and a version, no paths: fields 1, 2 and 8 of the document in gnostic's protobuf. */
const legacyBytes = Buffer.from('\n\u00032.0\u0012\u0016\n\nKubernetes\u0012\bembeddedB\0', 'latin1');
const legacyType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/**
 * OpenAPI v2, which describes nothing: kubectl reads v3, and asks here only whether a kind that it does not find there
 * is described after all.
 */
export function legacyDocument(accept: string): { body: object | Uint8Array<ArrayBuffer>; type?: string } {
  if (accept.includes('protobuf')) return { body: Uint8Array.from(legacyBytes), type: legacyType };
  return { body: { swagger: '2.0', info: { title: 'Kubernetes', version: 'embedded' }, paths: {} } };
}
