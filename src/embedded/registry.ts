/** The kinds that are served at present: the built-in ones, and those that definitions add. */
import { isObject } from '#model/json.ts';
import type { Machinery } from './machinery.ts';
import { valueAt, type Stored } from './objects.ts';
import { builtInResources, type Resource, type ScalePaths, type Subresource } from './resources.ts';

interface Defined {
  readonly resources: readonly Resource[];
  /** By version, as OpenAPI v3 documents have them. */
  readonly schemas: Readonly<Record<string, unknown>>;
}

export class Registry {
  readonly #machinery: Machinery;
  readonly #defined = new Map<string, Defined>();
  #all: readonly Resource[] = builtInResources;
  #byPath = new Map<string, Resource>();

  constructor(machinery: Machinery) {
    this.#machinery = machinery;
    this.#index();
  }

  /** Every kind in every served version. */
  get all(): readonly Resource[] {
    return this.#all;
  }

  find(group: string, version: string, name: string): Resource | undefined {
    return this.#byPath.get(`${group}/${version}/${name}`);
  }

  /** The version of a kind that its objects are kept in. */
  ofKey(key: string): Resource | undefined {
    return this.#all.find(({ group, name }) => `${group}/${name}` === key);
  }

  ofKind(group: string, kind: string): Resource | undefined {
    return this.#all.find((resource) => resource.group === group && resource.kind === kind);
  }

  /** The schemas of a custom kind's group and version, by kind. */
  customSchemas(group: string, version: string): Readonly<Record<string, unknown>> {
    const schemas: Record<string, unknown> = {};
    for (const { resources, schemas: known } of this.#defined.values()) {
      const found = resources.find((resource) => resource.group === group && resource.version === version);
      if (found !== undefined) schemas[found.kind] = known[version];
    }
    return schemas;
  }

  define(definition: Stored): void {
    const schemas = this.#machinery.define(definition);
    this.#defined.set(definition.metadata.name, { resources: resourcesOf(definition), schemas });
    this.#index();
  }

  undefine(name: string): void {
    const known = this.#defined.get(name)?.resources[0];
    if (known === undefined) return;
    this.#machinery.undefine(known.group, known.kind);
    this.#defined.delete(name);
    this.#index();
  }

  #index(): void {
    this.#all = [...builtInResources, ...[...this.#defined.values()].flatMap(({ resources }) => resources)];
    this.#byPath = new Map(
      this.#all.map((resource) => [`${resource.group}/${resource.version}/${resource.name}`, resource]),
    );
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
const membersOf = (jsonPath: unknown): readonly string[] => text(jsonPath).split('.').filter(Boolean);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The kind that a definition defines, in each version that it serves; the stored version first. */
function resourcesOf(definition: Stored): readonly Resource[] {
  const { spec } = definition as { readonly spec?: unknown };
  const names = valueAt(spec, ['names']);
  const versions = list(valueAt(spec, ['versions'])).filter(isObject);
  return versions
    .filter(({ served }) => served === true)
    .toSorted((a, b) => Number(b['storage'] === true) - Number(a['storage'] === true))
    .map((version) => ({
      group: text(valueAt(spec, ['group'])),
      version: text(version['name']),
      kind: text(valueAt(names, ['kind'])),
      name: text(valueAt(names, ['plural'])),
      singular: text(valueAt(names, ['singular'])),
      shortNames: texts(valueAt(names, ['shortNames'])),
      categories: texts(valueAt(names, ['categories'])),
      namespaced: valueAt(spec, ['scope']) === 'Namespaced',
      subresources: (['status', 'scale'] as const satisfies readonly Subresource[]).filter((name) =>
        isObject(valueAt(version, ['subresources', name])),
      ),
      custom: true,
      ...scaledOf(version),
      columns: list(version['additionalPrinterColumns']),
      selectable: list(version['selectableFields'])
        .filter(isObject)
        .map(({ jsonPath }) => text(jsonPath).replace(/^\./, '')),
    }));
}

function scaledOf(version: object): { readonly scaled?: ScalePaths } {
  const scale = valueAt(version, ['subresources', 'scale']);
  if (!isObject(scale)) return {};
  const selector = membersOf(scale['labelSelectorPath']);
  return {
    scaled: {
      wanted: membersOf(scale['specReplicasPath']),
      present: membersOf(scale['statusReplicasPath']),
      selector: selector.length === 0 ? undefined : selector,
    },
  };
}
