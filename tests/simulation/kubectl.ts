/** What others do in the cluster: people and controllers that are not ours. Straight at the API, without a fault. */
import type { Embedded } from '#embedded/embedded.ts';
import { valueAt, type Stored } from '#embedded/objects.ts';
import type { Resource } from '#embedded/resources.ts';
import { StatusError } from '#embedded/status.ts';

export const editor = 'kubectl-edit';
/** Who wants something else than Git, and does not give in. */
export const rival = 'rival';

export interface Named {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
}

export class Kubectl {
  readonly #embedded: Embedded;

  constructor(embedded: Embedded) {
    this.#embedded = embedded;
  }

  resource({ group, version, plural }: Omit<Named, 'namespace' | 'name'>): Resource | undefined {
    return this.#embedded.registry.find(group, version, plural);
  }
  get(at: Named): Stored | undefined {
    const resource = this.resource(at);
    return resource === undefined ? undefined : this.#embedded.api.find({ ...at, resource });
  }
  /** Undefined where the API refuses, as when somebody else was faster: people shrug. */
  create(at: Named, object: object, manager = 'kubectl'): Stored | undefined {
    return this.#tried(at, (resource) =>
      this.#embedded.api.create(resource, at.namespace, JSON.stringify(object), { manager }),
    )?.object;
  }
  merge(at: Named, patch: object, manager = editor, subresource?: 'status'): Stored | undefined {
    const options = { manager, ...(subresource === undefined ? {} : { subresource }) };
    return this.#tried(at, (resource) =>
      this.#embedded.api.change({ ...at, resource }, 'merge', JSON.stringify(patch), options),
    )?.object;
  }
  delete(at: Named): void {
    this.#tried(at, (resource) =>
      this.#embedded.api.delete({ ...at, resource }, { propagation: 'Background' }),
    );
  }
  list(at: Omit<Named, 'name' | 'namespace'>, namespace?: string): readonly Stored[] {
    const resource = this.resource(at);
    return resource === undefined ? [] : this.#embedded.api.list(resource, namespace);
  }

  #tried<T>(at: Named, call: (resource: Resource) => T): T | undefined {
    const resource = this.resource(at);
    if (resource === undefined) return undefined;
    try {
      return call(resource);
    } catch (error) {
      if (error instanceof StatusError) return undefined;
      throw error;
    }
  }
}

export const memberOf = (object: unknown, ...path: readonly string[]): unknown => valueAt(object, path);
