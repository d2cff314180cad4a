/** What a new namespace comes with, and how one that is deleted is emptied before it goes. */
import type { Stored } from '../objects.ts';
import type { Change } from '../store.ts';
import { isDeleting, named, type Client } from './client.ts';
import { withCondition, type Conditions } from './conditions.ts';
import { configMaps, namespaces, pods, serviceAccounts, type Condition, type Namespace } from './kinds.ts';
import type { Controller } from './runner.ts';

const rootCertificates = 'kube-root-ca.crt';

export class Namespaces implements Controller {
  readonly name = 'namespaces';
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  concerns({ type, resource, object }: Change): readonly string[] {
    if (resource === namespaces.key) return [`/${object.metadata.name}`];
    const { namespace } = object.metadata;
    if (namespace === undefined || type === 'ADDED') return [];
    const found = this.#client.get(namespaces, '', namespace);
    if (found === undefined) return [];
    const isOurs = resource === configMaps.key || resource === serviceAccounts.key;
    return isDeleting(found) || (isOurs && type === 'DELETED') ? [`/${namespace}`] : [];
  }

  sync(key: string): void {
    const { name } = named(key);
    const namespace = this.#client.get(namespaces, '', name);
    if (namespace === undefined) return;
    if (isDeleting(namespace)) this.#empty(namespace);
    else this.#furnish(name);
  }

  #furnish(name: string): void {
    this.#client.ensure(serviceAccounts, name, 'default', {});
    this.#client.ensure(configMaps, name, rootCertificates, {
      metadata: {
        name: rootCertificates,
        annotations: {
          'kubernetes.io/description':
            'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
        },
      },
      data: { 'ca.crt': '' },
    });
  }

  /** Pods go first: what they use is there until they ended. */
  #empty(namespace: Namespace): void {
    const { name } = namespace.metadata;
    const { store } = this.#client;
    for (const resource of [pods.key, ...store.resources().toSorted()]) {
      if (resource !== pods.key && store.list(pods.key, name).length > 0) break;
      for (const object of this.#within(resource, name))
        if (!isDeleting(object)) this.#client.delete(resource, object, { propagation: 'Background' });
    }
    const left = this.#left(name);
    if (left.size > 0) {
      const conditions = this.#conditions(namespace.status.conditions, left);
      this.#client.setStatus(namespaces, namespace, { phase: 'Terminating', conditions });
      return;
    }
    const { finalizers: _, ...spec } = namespace.spec;
    this.#client.api.replaceAsIs(this.#client.resource(namespaces.key)!, { ...namespace, spec });
  }

  #within(resource: string, namespace: string): readonly Stored[] {
    return this.#client.resource(resource)?.namespaced === true
      ? this.#client.store.list(resource, namespace)
      : [];
  }

  #left(name: string): ReadonlyMap<string, readonly Stored[]> {
    const found = this.#client.store
      .resources()
      .toSorted()
      .map((resource) => [resource, this.#within(resource, name)] as const);
    return new Map(found.filter(([, objects]) => objects.length > 0));
  }

  #conditions(before: Conditions | undefined, left: ReadonlyMap<string, readonly Stored[]>): Conditions {
    const kinds = [...left].map(([resource, objects]) => {
      const [group, plural] = resource.split('/');
      return `${plural}.${group} has ${objects.length} resource instances`;
    });
    const finalizers = new Map<string, number>();
    for (const finalizer of [...left.values()].flat().flatMap(({ metadata }) => metadata.finalizers ?? []))
      finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
    const held = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`);
    let conditions = before;
    const set = (type: string, status: 'True' | 'False', reason: string, message: string): void => {
      const condition: Condition = { type, status, lastTransitionTime: this.#client.now, reason, message };
      conditions = withCondition(conditions, condition);
    };
    set(
      'NamespaceDeletionDiscoveryFailure',
      'False',
      'ResourcesDiscovered',
      'All resources successfully discovered',
    );
    set(
      'NamespaceDeletionGroupVersionParsingFailure',
      'False',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    );
    set(
      'NamespaceDeletionContentFailure',
      'False',
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    );
    set(
      'NamespaceContentRemaining',
      'True',
      'SomeResourcesRemain',
      `Some resources are remaining: ${kinds.toSorted().join(', ')}`,
    );
    if (held.length === 0)
      set(
        'NamespaceFinalizersRemaining',
        'False',
        'ContentHasNoFinalizers',
        'All content-preserving finalizers finished',
      );
    else
      set(
        'NamespaceFinalizersRemaining',
        'True',
        'SomeFinalizersRemain',
        `Some content in the namespace has finalizers remaining: ${held.toSorted().join(', ')}`,
      );
    return conditions ?? [];
  }
}
